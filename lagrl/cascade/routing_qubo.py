"""The QUBO of cascade routing with the right penalties: one-hot per task, budget by the unbalanced penalty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.problems.qubo import QUBO
from lagrl.quantum.subproblems.penalties import UnbalancedPenalty

if TYPE_CHECKING:
    from numpy.typing import NDArray


def routing_qubo(
    cost: NDArray[np.float64],
    dollars: NDArray[np.float64] | None = None,
    budget: float = np.inf,
    penalty: UnbalancedPenalty | None = None,
    assignment: float | None = None,
) -> QUBO:
    """Return E = Σ c X + λ_A Σ_i (1 − Σ_j X_ij)² + scale (−l₁ h + l₂ h²), with h = 1 − Σ dollars X / budget.

    Variable i·M + j is X_ij. λ_A must be above what leaving a task out, or adding a model, could gain: the largest
    cost, and with a budget all that its penalty can change by one pair. Below it the minimum is no assignment.

    Parameters
    ----------
    cost
        [N, M] cost of each pair, 0 or more.
    dollars, budget
        [N, M] and limit of the sum; no budget if infinite.
    penalty
        Coefficients l₁ and l₂ in units of the mean cost (Montañez-Barrera et al. 2024); its defaults if None.
    assignment
        λ_A; the right one if None, see `right_assignment`.
    """
    n, m = cost.shape
    linear, quadratic, offset = cost.ravel().astype(np.float64), np.zeros((n * m, n * m)), 0.0
    if dollars is not None and np.isfinite(budget):
        chosen = penalty or UnbalancedPenalty()
        unit, share = _unit(cost), dollars.ravel() / budget
        l_1, l_2 = unit * chosen.linear, unit * chosen.quadratic
        linear = linear + l_1 * share + l_2 * (share**2 - 2.0 * share)
        quadratic += np.triu(2.0 * l_2 * np.outer(share, share), 1)
        offset += l_2 - l_1
    strength = right_assignment(cost, dollars, budget, penalty) if assignment is None else assignment
    linear = linear - strength
    offset += n * strength
    for i in range(n):
        group = slice(i * m, (i + 1) * m)
        quadratic[group, group] += np.triu(np.full((m, m), 2.0 * strength), 1)
    return QUBO(linear, quadratic, offset)


def right_assignment(
    cost: NDArray[np.float64],
    dollars: NDArray[np.float64] | None = None,
    budget: float = np.inf,
    penalty: UnbalancedPenalty | None = None,
) -> float:
    """Return a λ_A at which the minimum assigns every task once: 5 % above a bound on what one pair can change."""
    change = float(cost.max())
    if dollars is not None and np.isfinite(budget):
        chosen, share = penalty or UnbalancedPenalty(), dollars / budget
        largest, most = float(share.max()), float(share.sum())
        change += _unit(cost) * largest * (chosen.linear + 2.0 * chosen.quadratic * max(1.0, most))
    return 1.05 * max(change, 1e-9)


def _unit(cost: NDArray[np.float64]) -> float:
    return max(float(cost.mean()), 1e-12)
