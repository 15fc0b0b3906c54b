"""The record of a search, at work and at its end, and of each ascent from seeds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from lagrl.ascent import DualTrace
    from lagrl.dual_loop import Step
    from lagrl.recovery.incumbent import Incumbent
    from lagrl.search.ascending import Ascending
    from lagrl.search.budget import Budget


@dataclass(frozen=True)
class SolveProgress:
    """What a solve has reached so far; `on_evaluation` receives it.

    Attributes
    ----------
    evaluations
        Priced multiplier vectors.
    seconds
        Wall-clock seconds.
    share
        Spent share of the budget, 0 to 1.
    cost
        Cost of the best routes, distance units; None before there are any.
    gap
        Gap of that cost to the best known cost, %; None without one of them.
    lower_bound
        Proven bound on the cost of every solution, distance units; None before there is one.
    routes
        The best routes, customers 1 … n in visiting order; empty before there are any.
    dual_value
        Highest exact L(λ) of the linearisations ascended now, or last, distance units. It bounds their assignment
        surrogates, not the CVRP. None before there is one, and with several workers.
    ascent
        Number of ascents before these.
    step
        Last evaluation of the first of these linearisations; None before there is one, and with several workers.

    Examples
    --------
    >>> import lagrl
    >>> def is_near(now: lagrl.SolveProgress) -> bool:
    ...     return now.gap is not None and now.gap < 5
    >>> result = lagrl.solve(lagrl.read("G-n31-k5"), evaluations=500, on_evaluation=is_near)
    >>> result.is_interrupted, result.gap < 5, result.evaluations < 500
    (True, True, True)
    """

    evaluations: int
    seconds: float
    share: float
    cost: float | None
    gap: float | None
    lower_bound: float | None
    routes: tuple[NDArray[np.int64], ...] = field(default=(), repr=False, compare=False)
    dual_value: float | None = None
    ascent: int = 0
    step: Step | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(
        cls, incumbent: Incumbent, budget: Budget, lower_bound: float, ascending: Ascending | None = None
    ) -> SolveProgress:
        """Return the progress from the best routes, the budget, the bound (0 for none) and the ascents of a search."""
        cost = incumbent.cost if incumbent.columns else None
        gap = None if cost is None else incumbent.pool.problem.gap_percent(cost)
        figures = incumbent.evaluations, budget.elapsed, budget.progress, cost, gap, lower_bound or None
        if ascending is None or not ascending.running:
            return cls(*figures, incumbent.routes)
        step = ascending.running[0].last
        return cls(*figures, incumbent.routes, ascending.dual_value, ascending.n_before, step)


@dataclass(frozen=True)
class Ascent:
    """The record of one linearisation's ascent from seeds.

    Attributes
    ----------
    seeding, n_vehicles
        Seeding rule and number of vehicles of the linearisation.
    linear_value
        Value of the linear relaxation, distance units: L at the controller's start is at least this.
    trace
        One entry per evaluation.
    """

    seeding: str
    n_vehicles: int
    linear_value: float
    trace: DualTrace

    def __str__(self) -> str:
        return f"linearisation by {self.seeding} for {self.n_vehicles} vehicles: {self.trace}"


@dataclass(frozen=True)
class SearchRecord:
    """What a search records besides its routes.

    Attributes
    ----------
    ascents
        Ascents from seeds.
    sampling
        Resources that the sampler used.
    seconds_of
        Wall-clock seconds of `polish`, `partition`, `bound`, `chains`, `sampling`, `recording` and `decoding`, all
        processes together.
    lower_bound
        Proven bound on every solution's cost, distance units; 0 without one.
    is_infeasible
        Whether it proves that no routes meet the fleet rule.
    """

    ascents: list[Ascent]
    sampling: SamplingCost
    seconds_of: dict[str, float]
    lower_bound: float
    is_infeasible: bool

    @classmethod
    def joined(cls, records: Sequence[SearchRecord]) -> SearchRecord:
        """Return the record of several searches on one instance, at least one, under one fleet rule."""
        return cls(
            ascents=[ascent for record in records for ascent in record.ascents],
            sampling=sum((record.sampling for record in records), SamplingCost()),
            seconds_of={name: sum(record.seconds_of[name] for record in records) for name in records[0].seconds_of},
            lower_bound=max(record.lower_bound for record in records),
            is_infeasible=any(record.is_infeasible for record in records),
        )


@dataclass(frozen=True)
class SearchReport:
    """The result of a search.

    Attributes
    ----------
    incumbent
        The best routes, the pool of all, and their history.
    elapsed
        Wall-clock seconds.
    record
        Ascents, bounds and resources.
    is_interrupted
        Whether `on_evaluation` or Ctrl-C ended the search.
    """

    incumbent: Incumbent
    elapsed: float
    record: SearchRecord
    is_interrupted: bool
