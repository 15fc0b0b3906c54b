"""Candidate selections of the knapsacks, and their partial assignments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem
    from lagrl.relaxation.dual import DualPoint


def candidate_selections(point: DualPoint, n_joint: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the selections to decode, [M, K, n], the point's own first.

    The exact sampler has one. An approximate sampler adds `n_joint` joint draws, one string per vehicle each.
    """
    own = point.selection[None]
    if point.samples is None or n_joint == 0:
        return own
    return np.concatenate([own, point.samples.draw(n_joint, rng)])


def decode(problem: AssignmentProblem, selection: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Assign each customer to the cheapest vehicle that selected it, for a selection [K, n] in {0, 1}.

    Vehicles that a sampled selection overloads lose customers, those of highest cost per demand unit first. Returns the
    assignment [n], a vehicle index or −1, and the room left [K], demand units.
    """
    from lagrl.recovery import repair_kernels

    assignment = np.empty(problem.n_customers, np.int64)
    room = np.empty(problem.n_vehicles, np.int64)
    repair_kernels.decode(
        np.ascontiguousarray(selection), problem.cost, problem.weight, problem.capacity, assignment, room
    )
    return assignment, room
