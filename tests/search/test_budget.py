"""How much is spent, by count, by clock, or by whichever is nearer its end."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lagrl.search import budget as budget_module
from lagrl.search.budget import Budget


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that the test sets."""
    turned = SimpleNamespace(now=100.0)
    monkeypatch.setattr(budget_module, "time", SimpleNamespace(perf_counter=lambda: turned.now))
    return turned


def test_evaluations_alone_leave_the_clock_out(clock: SimpleNamespace) -> None:
    """Progress is the share of evaluations, however long they take; there is no end of seconds."""
    budget = Budget(8, None)
    clock.now += 1e9
    assert (budget.progress, budget.left, budget.seconds_left) == (0.0, 8, np.inf)
    budget.spent = 2
    assert (budget.progress, budget.left) == (0.25, 6)
    budget.spent = 8
    assert (budget.progress, budget.left) == (1.0, 0)


def test_seconds_alone_leave_evaluations_out(clock: SimpleNamespace) -> None:
    """Progress is the share of seconds, however many evaluations; what is left can be negative."""
    budget = Budget(None, 4.0)
    budget.spent = 10**9
    assert (budget.progress, budget.left, budget.seconds_left) == (0.0, None, 4.0)
    clock.now += 3.0
    assert (budget.progress, budget.elapsed) == (0.75, 3.0)
    clock.now += 3.0
    assert (budget.progress, budget.seconds_left) == (1.0, -2.0)
    assert Budget(None, 4.0, budget.started).elapsed == 6.0  # another process's clock


def test_of_two_limits_the_nearer_counts(clock: SimpleNamespace) -> None:
    """With both, progress is the larger share, and either ends it; more than all is still all."""
    budget = Budget(10, 10.0)
    budget.spent, clock.now = 6, clock.now + 2.0
    assert budget.progress == 0.6
    clock.now += 6.0
    assert budget.progress == 0.8
    budget.spent = 12
    assert (budget.progress) == (1.0)


def test_work_starts_only_if_it_ends_in_time(clock: SimpleNamespace) -> None:
    """A tenth of a second late is in time; after the end nothing starts, and without a clock everything does."""
    budget = Budget(None, 2.0)
    clock.now += 1.5
    assert budget.allows(0.55)
    assert not budget.allows(0.65)
    clock.now += 0.51
    assert not budget.allows(0.0)
    assert Budget(5, None).allows(1e9)


def test_without_limits_nothing_is_ever_spent(clock: SimpleNamespace) -> None:
    """A search that only its schedule ends makes no progress."""
    budget = Budget(None, None)
    budget.spent, clock.now = 1000, clock.now + 1000.0
    assert (budget.progress, budget.left, budget.seconds_left) == (0.0, None, np.inf)
