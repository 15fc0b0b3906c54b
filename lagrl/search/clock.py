"""What the clock of a search allows next, from the seconds that its parts have taken."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lagrl.problems.cvrp import CVRP
    from lagrl.search.bounding import Bounding
    from lagrl.search.budget import Budget
    from lagrl.search.chaining import Chaining
    from lagrl.search.recombine import Recombination
    from lagrl.search.schedule import Decision

_POLISH_SHARE = 0.5  # of the seconds, at most
_POLISH_SECONDS = 5e-4  # per customer, until it was measured
_SEED_SECONDS = (4e-6, 2e-4)  # per customer and vehicle, and per customer: an ascent from seeds, its routes polished
_WARM_SHARE = 0.3  # of the seconds left, at most, for the linear relaxation from one choice of seeds


class SearchClock:
    """Divides the seconds of a search among ascents from seeds, local search and chains.

    Set partitioning and the bound keep to their own shares, see `Recombination` and `Bounding`. Without a limit on the
    seconds everything but the chains is allowed.

    Attributes
    ----------
    polish
        Wall-clock seconds of local search so far.
    """

    def __init__(
        self, problem: CVRP, budget: Budget, chaining: Chaining, recombination: Recombination, bounding: Bounding
    ) -> None:
        self.problem = problem
        self.budget = budget
        self.chaining = chaining
        self.recombination = recombination
        self.bounding = bounding
        self.polish = 0.0
        self._preparing = 0.0  # seconds of the last linearisation from seeds and its relaxation
        self._polish_seconds = _POLISH_SECONDS

    @property
    def seconds_of(self) -> dict[str, float]:
        """Wall-clock seconds of each part so far."""
        return {
            "polish": self.polish,
            "partition": self.recombination.seconds,
            "bound": self.bounding.seconds,
            "chains": self.chaining.seconds,
        }

    def chain_is_due(self, decision: Decision) -> bool:
        """Return whether the chain comes before a decision; ascents from seeds wait until there is time for them."""
        expected = 0.0
        if decision.linearisation == "seeds":
            each = _SEED_SECONDS[0] * self.problem.minimum_vehicles + _SEED_SECONDS[1]
            expected = len(decision.budgets) * self.problem.n_customers * each
        return self.chaining.is_due(expected, self.recombination.seconds + self.bounding.seconds)

    @property
    def allows_seeds(self) -> bool:
        """Whether another linearisation from seeds would probably end in time."""
        return self.budget.allows(2.0 * self._preparing)

    @property
    def relaxation_limit(self) -> float:
        """Seconds that the linear relaxation from one choice of seeds may take."""
        return _WARM_SHARE * self.budget.seconds_left

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """Measure a linearisation from seeds."""
        started = self.budget.elapsed
        yield
        self._preparing = self.budget.elapsed - started

    def allows_polish(self, n_customers: int) -> bool:
        """Return whether a local search of that many customers is within its share, and would end in time."""
        if not self.budget.allows(self._polish_seconds * n_customers):
            return False
        return self.budget.seconds is None or self.polish <= _POLISH_SHARE * self.budget.elapsed

    @contextmanager
    def polishing(self, n_customers: int) -> Iterator[None]:
        """Measure a local search of that many customers."""
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        self.polish += seconds
        self._polish_seconds = max(_POLISH_SECONDS, seconds / n_customers)
