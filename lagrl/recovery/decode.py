"""From what the knapsacks selected to candidate selections and partial assignments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem
    from lagrl.relaxation.dual import DualPoint


def candidate_selections(point: DualPoint, n_joint: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the selections worth decoding, [M, K, n], the point's own first.

    The exact sampler has one. An approximate one adds `n_joint` joint draws, one string per vehicle each.

    `n_joint`: joint draws from the samples.
    """
    own = point.selection[None]
    if point.samples is None or n_joint == 0:
        return own
    return np.concatenate([own, point.samples.draw(n_joint, rng)])


def decode(problem: AssignmentProblem, selection: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give each customer to the cheapest vehicle that selected them.

    Vehicles that a sampled selection overloads give up customers, the dearest per demand unit first.

    `selection`: [K, n] in {0, 1}. Returns assignment [n], a vehicle index or −1, and the room left [K], demand units.
    """
    from lagrl.recovery import repair_kernels

    assignment = np.empty(problem.n_customers, np.int64)
    room = np.empty(problem.n_vehicles, np.int64)
    repair_kernels.decode(
        np.ascontiguousarray(selection), problem.cost, problem.weight, problem.capacity, assignment, room
    )
    return assignment, room
