"""What a solve is to do, and for how long."""

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
    "relinearisation": "linearisations around routes that are there",
    "polish": "PyVRP's local search",
    "partition": "set partitioning over the pool",
    "bound": "a proven lower bound, with a share of the seconds",
}
"""What `method="search"` adds to the reference's reconstruction; each can be left out."""


@dataclass(frozen=True)
class SolveConfig:
    """What to do with an instance, and for how long.

    Attributes
    ----------
    controller
        Name, `module:attribute` or `checkpoints/NAME`, see `controllers.registry`.
    sampler
        Name of what answers the knapsacks, or `module:attribute`, see `lagrl.samplers.registry`.
    evaluations
        Budget of priced multiplier vectors over all linearisations; None: 200, or no limit where `seconds` is given.
    seconds
        Wall-clock limit, compilation excluded; None for none. Results then depend on the machine's speed.
    method
        `cluster`: the best toured assignment of linearisations from seeds. `pool`: a search around the best routes on
        top, made of `INGREDIENTS`.
    seed
        Same seed, same result (unless `seconds` cuts it short).
    linearisations
        How often a search begins from seeds; None for twice. Under `cluster`, and without `relinearisation`, how many
        linearisations the evaluations are spread over; None for `default_linearisations`. Others follow where duals are
        solved before their share is spent.
    seedings
        Rules that place the seeds, taken in turn.
    shots
        Strings per vehicle asked of an approximate sampler.
    record_exact
        Price the exact dual value under an approximate sampler too, for the record.
    without
        Ingredients of `pool` to do without, see `INGREDIENTS`; `cluster` has none of them.
    workers
        Processes that search side by side, see `search.workers`. Their number changes the result.
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
        """Whether an ingredient takes part."""
        return self.method == "search" and ingredient not in self.without

    @property
    def evaluation_limit(self) -> int | None:
        """Evaluations allowed; None for no limit but the clock."""
        if self.evaluations is None and self.seconds is None:
            return DEFAULT_EVALUATIONS
        return self.evaluations


def default_linearisations(evaluations: int) -> int:
    """Return over how many linearisations to spread an evaluation budget (measured: docs/decisions/005)."""
    return max(1, -(-evaluations // 40))
