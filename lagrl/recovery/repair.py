"""From a selection to a complete assignment within the capacities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.recovery.decode import decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem


@dataclass(frozen=True)
class Repaired:
    """An assignment after repair.

    Attributes
    ----------
    assignment
        [n] vehicle index, −1 for customers that fit nowhere.
    cost
        Surrogate cost Σ a_{k(i), i} of the assigned customers, distance units.
    is_feasible
        Whether all customers are assigned and every capacity holds: only then the cost is an upper bound on the dual.
    """

    assignment: NDArray[np.int64] = field(repr=False)
    cost: float
    is_feasible: bool


def repair(problem: AssignmentProblem, selection: NDArray[np.uint8], *, no_empty: bool = False) -> Repaired:
    """Decode a selection and complete it: regret insertion, shifts and swaps, repacking, ejection.

    Deterministic. The steps and their order are those of `repair_kernels.repair`. `selection` [K, n] in {0, 1} may
    overlap, leave customers out or overload vehicles. With `no_empty`, every vehicle must serve a customer, as a fixed
    fleet requires.
    """
    from lagrl.recovery import repair_kernels

    assignment, room = decode(problem, selection)
    left = repair_kernels.repair(problem.cost, problem.weight, room, assignment, no_empty)
    placed = np.flatnonzero(assignment >= 0)
    cost = float(problem.cost[assignment[placed], placed].sum())
    return Repaired(assignment, cost, left == 0)
