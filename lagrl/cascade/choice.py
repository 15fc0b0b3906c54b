"""The scalar form of cascade routing: one choice per task, one limited sum."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.problems.cascade.admissible import TOLERANCE, admissible_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cascade.cascade import Cascade


@dataclass(frozen=True, eq=False)
class KnapsackChoice:
    """Minimise Σ loss over one model per task, subject to Σ use ≤ limit (multiple-choice knapsack).

    Attributes
    ----------
    loss
        [M, n] float64: 1 − q for the variant `quality`, dollars else; infinite for pairs that are not admissible.
    use
        [M, n] float64: dollars under a budget, 1 − q under a floor of the mean quality; infinite likewise.
    limit
        Largest Σ use; infinite: no limit.
    """

    loss: NDArray[np.float64] = field(repr=False)
    use: NDArray[np.float64] = field(repr=False)
    limit: float

    @property
    def n_tasks(self) -> int:
        """Number of tasks n."""
        return int(self.loss.shape[1])

    def totals(self, model: NDArray[np.int64]) -> tuple[float, float]:
        """Return Σ loss and Σ use of a model per task [n]."""
        each = np.arange(self.n_tasks)
        return float(self.loss[model, each].sum()), float(self.use[model, each].sum())

    def fits(self, use: float) -> bool:
        """Whether a sum is within the limit, up to rounding."""
        return use <= self.limit * (1 + TOLERANCE)


def choice_of(cascade: Cascade) -> KnapsackChoice:
    """Return the scalar form of a cascade, whose minimum is its optimum or a lower bound.

    `reference` has no limit without a floor of the mean quality: its budget is the objective. `capacitated` leaves its
    capacities out.

    Raises
    ------
    InputError
        If `capacitated` has both a budget and a floor of the mean quality: two limits.
    """
    pairs = admissible_pairs(cascade)
    dollars = np.where(pairs, cascade.dollars, np.inf)
    missing = np.where(pairs, 1.0 - cascade.quality, np.inf)
    if cascade.variant == "quality":
        return KnapsackChoice(missing, dollars, cascade.budget_dollars)
    floor = cascade.mean_quality_floor
    limit = cascade.n_tasks * (1.0 - floor) if floor else np.inf
    if cascade.variant == "capacitated" and floor and np.isfinite(cascade.budget_dollars):
        remedy = "leave one of them out: the budget is the objective"
        raise InputError("both given", field="budget_dollars, mean_quality_floor", remedy=remedy)
    return KnapsackChoice(dollars, missing, limit)
