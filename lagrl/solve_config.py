"""The configuration of a solve: method, budgets, sampler and seed."""

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
    "relinearisation": "linearisations around existing routes",
    "polish": "PyVRP's local search",
    "partition": "set partitioning over the pool",
    "bound": "a proven lower bound, computed in a share of the seconds",
}
"""What `reconstruct="pool"` adds to the reference's reconstruction; each can be left out."""


@dataclass(frozen=True)
class SolveConfig:
    """How to solve an instance, and for how long.

    Attributes
    ----------
    controller
        Name, `module:attribute` or `checkpoints/NAME`, see `controllers.registry`.
    sampler
        Name of the sampler that solves the knapsacks, or `module:attribute`, see `lagrl.samplers.registry`.
    evaluations
        Budget of priced multiplier vectors over all linearisations; None: 200, or no limit where `seconds` is given.
    seconds
        Wall-clock limit, compilation excluded; None for none. Results then depend on the machine's speed.
    reconstruct
        `cluster`: the best toured assignment of linearisations from seeds. `pool`: a search around the best routes on
        top, made of `INGREDIENTS`.
    seed
        Same seed, same result (unless `seconds` cuts it short).
    linearisations
        How often a search begins from seeds; None for twice. Under `cluster`, and without `relinearisation`, how many
        linearisations the evaluations are spread over; None for `default_linearisations`. Others follow where duals are
        solved before their share is spent.
    seedings
        Rules that place the seeds, used one after the other.
    shots
        Bitstrings per vehicle requested from an approximate sampler.
    record_exact
        Compute the exact dual value under an approximate sampler too, for the record only.
    without
        Ingredients of `pool` to leave out, see `INGREDIENTS`; `cluster` has none of them.
    workers
        Number of processes that search in parallel, see `search.workers`. The number changes the result.
    """

    controller: str = "cfm"
    sampler: str = "exact"
    evaluations: int | None = None
    seconds: float | None = None
    reconstruct: Literal["cluster", "pool"] = "pool"
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
        if self.reconstruct not in ("cluster", "pool"):
            raise UnknownNameError.of("reconstruction", str(self.reconstruct), ("cluster", "pool"))
        require_known(self.sampler)
        if self.workers < 1:
            raise InputError(f"{self.workers} given", field="workers", remedy="give 1 or more")
        for name in self.without:
            if name not in INGREDIENTS:
                raise UnknownNameError.of("ingredient", name, INGREDIENTS)
        if self.without and self.reconstruct == "cluster":
            raise InputError(
                f"{', '.join(self.without)} given", field="without", remedy="leave it out: cluster uses nothing of it"
            )
        if not self.seedings:
            raise InputError("no rule given", field="seedings", remedy=f"known: {', '.join(sorted(SEEDINGS))}")
        for name in self.seedings:
            if name not in SEEDINGS:
                raise UnknownNameError.of("seeding", name, SEEDINGS)

    def uses(self, ingredient: str) -> bool:
        """Whether an ingredient of `INGREDIENTS` is used."""
        return self.reconstruct == "pool" and ingredient not in self.without

    @property
    def evaluation_limit(self) -> int | None:
        """Evaluations allowed; None for no limit but the clock."""
        if self.evaluations is None and self.seconds is None:
            return DEFAULT_EVALUATIONS
        return self.evaluations


def default_linearisations(evaluations: int) -> int:
    """Return how many linearisations share an evaluation budget (measured: docs/decisions/005)."""
    return max(1, -(-evaluations // 40))
