"""When set partitioning is due, with a clock that the test sets."""

from __future__ import annotations

import numpy as np
import pytest
from routed_problems import plane

from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.pool import RoutePool
from lagrl.search.budget import Budget
from lagrl.search.recombine import Recombination


class Clock(Budget):
    """A budget whose clock is turned by hand."""

    def __init__(self, seconds: float | None = 100.0) -> None:
        super().__init__(None, seconds)
        self.now = 50.0

    @property
    def elapsed(self) -> float:
        """What the test says."""
        return self.now


def begun(clock: Clock) -> Recombination:
    """Prepare a pool whose routes are a customer each, all of them driven."""
    problem = plane(0, 12)
    pool = RoutePool(problem)
    incumbent = Incumbent(pool)
    incumbent.offer(pool.add_routes([np.array([i]) for i in range(1, 13)]))
    return Recombination(incumbent, clock)


def grow(recombination: Recombination, n_routes: int) -> None:
    """Add pairs of customers."""
    pairs = [(i, j) for i in range(1, 13) for j in range(i + 1, 13)]
    recombination.incumbent.pool.add_routes([np.array(pair) for pair in pairs[:n_routes]])


def test_it_waits_for_the_pool_to_grow() -> None:
    """Due at first, then not before a fifth more routes are there; nothing to choose from is never due."""
    recombination = begun(Clock())
    assert recombination.is_due
    assert not recombination.recombine()
    assert not recombination.is_due
    grow(recombination, 2)
    assert not recombination.is_due
    grow(recombination, 9)
    assert recombination.is_due
    assert recombination.recombine()
    assert not Recombination(Incumbent(RoutePool(plane(0, 5))), Clock()).is_due


def test_it_keeps_to_its_share_of_the_clock() -> None:
    """Where it took long, it waits until that is a tenth of the time, however the pool grows."""
    clock = Clock()
    recombination = begun(clock)
    recombination.recombine()
    grow(recombination, 20)
    recombination.seconds = 7.0
    clock.now = 60.0
    assert not recombination.is_due
    clock.now = 75.0
    assert recombination.is_due


def test_the_last_time_comes_once() -> None:
    """Near the end it is due once more, share or growth aside, and after that no more."""
    clock = Clock()
    recombination = begun(clock)
    recombination.recombine()
    recombination.seconds = 50.0
    clock.now = 95.0
    assert recombination.is_due
    recombination.recombine()
    assert not recombination.is_due
    grow(recombination, 30)
    assert not recombination.is_due


@pytest.mark.parametrize("n_more", [11, 13])
def test_without_a_clock_the_pool_doubles_first(n_more: int) -> None:
    """And the integer programme is left for the end: in between only prices come."""
    recombination = begun(Clock(seconds=None))
    assert not recombination.recombine()
    assert recombination.customer_price is not None
    grow(recombination, n_more)
    assert recombination.is_due == (n_more > 12)
    assert recombination.finish()
    assert not recombination.finish()
