<<<<<<< HEAD
"""The configuration of a solve: method, budgets, sampler and seed."""
=======
"""Settings of a solve: controller, sampler, budget, method and seed."""
>>>>>>> cli

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from lagrl.errors import BudgetError, InputError, UnknownNameError
from lagrl.relaxation.sampler import require_shots
from lagrl.relaxation.seeding import SEEDINGS
from lagrl.samplers.registry import require_known

DEFAULT_EVALUATIONS = 200

INGREDIENTS = {
<<<<<<< HEAD
    "relinearisation": "linearisations around existing routes",
    "polish": "PyVRP's local search",
    "partition": "set partitioning over the pool",
    "bound": "a proven lower bound, computed in a share of the seconds",
=======
    "relinearisation": "linearisations around the best routes",
    "polish": "PyVRP's local search",
    "partition": "set partitioning over all routes found",
    "bound": "a proven lower bound, in a share of the seconds",
>>>>>>> cli
}
"""Parts of the method `search`; each can be left out."""


@dataclass(frozen=True)
class SolveConfig:
<<<<<<< HEAD
    """How to solve an instance, and for how long.
=======
    """Settings of a solve; the command line takes its options and their help from here.
>>>>>>> cli

    Attributes
    ----------
    controller
        Rule that changes the multipliers: a name (see `lagrl list controllers`), `module:attribute` of your own, or
        `checkpoints/NAME`.
    sampler
<<<<<<< HEAD
        Name of the sampler that solves the knapsacks, or `module:attribute`, see `lagrl.samplers.registry`.
=======
        Solver of the knapsacks: a name (see `lagrl list samplers`) with options, as in `qaoa+width=8+layers=2`, or
        `module:attribute` of your own.
>>>>>>> cli
    evaluations
        Budget: number of priced multiplier vectors over all linearisations (default: 200, or no limit with `seconds`).
    seconds
        Wall-clock limit in seconds, compilation excluded (default: no limit); results then depend on the machine.
    method
        `reference`: the best toured assignment of linearisations from seeds. `search`: also a search around the best
        routes, by relinearisation, polish, partition and bound.
    seed
        Random seed; the same seed gives the same result, unless `seconds` ends the solve.
    linearisations
        Number of linearisations from seeds (default: 2). With the method `reference`, or without relinearisation:
        number of linearisations that share the evaluations (default: one per 40); more follow if some end early.
    seedings
<<<<<<< HEAD
        Rules that place the seeds, used one after the other.
    shots
        Bitstrings per vehicle requested from an approximate sampler.
    record_exact
        Compute the exact dual value under an approximate sampler too, for the record only.
    without
        Ingredients of `pool` to leave out, see `INGREDIENTS`; `cluster` has none of them.
    workers
        Number of processes that search in parallel, see `search.workers`. The number changes the result.
=======
        Rules that place the seeds, used in turn (see `lagrl list seedings`).
    shots
        Strings that an approximate sampler draws per vehicle.
    record_exact
        Also compute the exact dual value under an approximate sampler; the controller does not see it.
    without
        Parts of the method `search` to leave out: relinearisation, polish, partition, bound (default: none).
    workers
        Processes that search in parallel and exchange routes; their number changes the result.
>>>>>>> cli
    """

    controller: str = "cfm"
    sampler: str = "exact"
    evaluations: int | None = None
    seconds: float | None = None
    method: Literal["reference", "search"] = "search"
    seed: int = 0
    linearisations: int | None = None
    seedings: tuple[str, ...] = ("kmeans", "sweep")
    shots: int = 256
    record_exact: bool = False
    without: tuple[str, ...] = ()
    workers: int = 1

    def __post_init__(self) -> None:
        if self.evaluations is not None and self.evaluations < 1:
            raise BudgetError(f"{self.evaluations} allows nothing", field="evaluations", remedy="give 1 or more")
        if self.seconds is not None and not 0 < self.seconds < np.inf:
            raise BudgetError(f"{self.seconds} given", field="seconds", remedy="give a finite number above 0")
        if self.linearisations is not None and self.linearisations < 1:
            raise InputError(f"{self.linearisations} given", field="linearisations", remedy="give 1 or more")
        require_shots(self.shots)
        if self.seed < 0:
            raise InputError(f"{self.seed} is negative", field="seed", remedy="give 0 or more")
        if self.method not in ("reference", "search"):
            raise UnknownNameError.of("method", str(self.method), ("reference", "search"))
        require_known(self.sampler)
        if self.workers < 1:
            raise InputError(f"{self.workers} given", field="workers", remedy="give 1 or more")
        for name in self.without:
            if name not in INGREDIENTS:
                raise UnknownNameError.of("ingredient", name, INGREDIENTS)
        if self.without and self.method == "reference":
            raise InputError(
                f"{', '.join(self.without)} given",
                field="without",
                remedy="leave it out: reference uses none of them",
            )
        if not self.seedings:
            raise InputError("no rule given", field="seedings", remedy=f"known: {', '.join(sorted(SEEDINGS))}")
        for name in self.seedings:
            if name not in SEEDINGS:
                raise UnknownNameError.of("seeding", name, SEEDINGS)

    def uses(self, ingredient: str) -> bool:
<<<<<<< HEAD
        """Whether an ingredient of `INGREDIENTS` is used."""
        return self.reconstruct == "pool" and ingredient not in self.without
=======
        """Return whether a part of the method `search` is used."""
        return self.method == "search" and ingredient not in self.without
>>>>>>> cli

    @property
    def evaluation_limit(self) -> int | None:
        """Number of evaluations allowed; None if only the seconds are limited."""
        if self.evaluations is None and self.seconds is None:
            return DEFAULT_EVALUATIONS
        return self.evaluations


def default_linearisations(evaluations: int) -> int:
<<<<<<< HEAD
    """Return how many linearisations share an evaluation budget (measured: docs/decisions/005)."""
=======
    """Return the number of linearisations that share an evaluation budget (measured: docs/decisions/005)."""
>>>>>>> cli
    return max(1, -(-evaluations // 40))
