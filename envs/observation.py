"""Observations of a policy: fourteen scale-free numbers per customer, and its nearest neighbours.

They are a function of a `Controller`'s inputs (`DualPoint`, `Feedback`) and of the budget only, so that a policy
observes the same in an environment and in a solve.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from gymnasium import spaces

from lagrl.controllers.base import Feedback, gap_to_close
from lagrl.errors import InstanceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.dual import AssignmentDual, DualPoint

FEATURES: tuple[str, ...] = (
    "multiplier",  # λ/s
    "from_best",  # (λ − λ at the best value)/s
    "violation",  # g
    "violation_fast",  # g averaged with weight 0.3
    "violation_slow",  # g averaged with weight 0.05
    "cheapest",  # min_k a/s
    "regret",  # (second − first of a)/s; 0 with one vehicle
    "cheapest_reduced",  # min_k (a − λ)/s
    "demand",  # d/Q
    "depot_distance",  # c(0, i)/s
    "budget_left",  # evaluations left / HORIZON
    "share_served",  # share of customers with g = 0
    "polyak_step",  # log10 (target − L)/(‖g‖²·s)
    "tightness",  # Σd/(KQ)
)
N_NEIGHBOURS = 5
HORIZON = 200
LIMIT = 10.0
"""Features are clipped to ±LIMIT."""

_FAST, _SLOW = 0.3, 0.05


class Observer:
    """Computes the observations of one ascent; call `observe` once per evaluation, in order.

    Parameters
    ----------
    dual
        The dual function; its problem must have an `origin`, the instance that it linearises.
    budget
        Evaluations of the ascent, the start included.

    Attributes
    ----------
    neighbours
        [n, 5] int16: each customer's nearest others, 0-based, ties by number; the customer itself where there are
        fewer.

    Raises
    ------
    InstanceError
        If the dual's problem has no `origin`.
    """

    def __init__(self, dual: AssignmentDual, budget: int) -> None:
        problem = dual.problem
        if problem.origin is None:
            raise InstanceError(
                "the assignment problem does not say which instance it linearises",
                field="origin",
                remedy="make it with lagrl.relaxation.linearise.linearise",
            )
        self.budget = budget
        self.evaluations = 0
        self.best_value = -np.inf
        self.neighbours = nearest_neighbours(problem.origin)
        self._cost = problem.cost
        self._scale = dual.scale
        self._best = np.zeros(problem.n_customers)
        self._fast = self._slow = self._best
        ranked = np.sort(problem.cost, axis=0)[:2]
        self._features = features = np.zeros(
            (len(FEATURES), problem.n_customers)
        )  # rows are filled faster than columns
        features[5] = ranked[0] / dual.scale
        features[6] = (ranked[-1] - ranked[0]) / dual.scale
        features[8] = problem.weight / max(1, int(problem.capacity.max()))
        features[9] = problem.origin.distance[0, 1:] / dual.scale
        features[13] = problem.weight.sum() / max(1, int(problem.capacity.sum()))

    def observe(self, point: DualPoint, feedback: Feedback | None) -> NDArray[np.float32]:
        """Return the features [n, 14] after an evaluation, within ±10.

        Parameters
        ----------
        point
            The evaluation.
        feedback
            Costs of the best assignment and routes so far.
        """
        scale, multipliers, violation = self._scale, point.multipliers, point.violation
        if self.evaluations == 0:
            self._fast = self._slow = violation
        else:
            self._fast = (1 - _FAST) * self._fast + _FAST * violation
            self._slow = (1 - _SLOW) * self._slow + _SLOW * violation
        self.evaluations += 1
        if point.sampled_value > self.best_value:
            self.best_value, self._best = point.sampled_value, multipliers
        gap = gap_to_close(feedback or Feedback(), point.sampled_value, scale)
        features = self._features
        np.divide(multipliers, scale, out=features[0])
        np.divide(multipliers - self._best, scale, out=features[1])
        features[2] = violation
        features[3] = self._fast
        features[4] = self._slow
        np.divide((self._cost - multipliers).min(axis=0), scale, out=features[7])
        features[10] = min(1.0, (self.budget - self.evaluations) / HORIZON)
        features[11] = 1.0 - np.count_nonzero(violation) / len(violation)
        features[12] = math.log10(gap / (max(1.0, float(violation @ violation)) * scale))
        return np.minimum(np.maximum(features.T, -LIMIT), LIMIT).astype(np.float32, order="C")


def nearest_neighbours(problem: CVRP) -> NDArray[np.int16]:
    """Return each customer's `N_NEIGHBOURS` nearest other customers, [n, 5] 0-based, ties by number.

    Where there are fewer others, the customer's own number fills the row.

    Raises
    ------
    InstanceError
        If there are too many customers for int16.
    """
    n = problem.n_customers
    if n > np.iinfo(np.int16).max:
        raise InstanceError(
            f"{n} customers are more than int16 counts", source=problem.name, remedy="use a smaller instance"
        )
    apart = problem.distance[1:, 1:].copy()
    np.fill_diagonal(apart, np.inf)
    neighbours = np.repeat(np.arange(n, dtype=np.int16)[:, None], N_NEIGHBOURS, axis=1)
    count = min(N_NEIGHBOURS, n - 1)
    neighbours[:, :count] = np.argsort(apart, axis=1, kind="stable")[:, :count]
    return neighbours


def padded(
    nodes: NDArray[np.float32], neighbours: NDArray[np.int16], n_max: int
) -> dict[str, NDArray[np.float32] | NDArray[np.int8] | NDArray[np.int16]]:
    """Return an observation of fixed shape, 0 beyond the n customers.

    Parameters
    ----------
    nodes
        [n, 14].
    neighbours
        [n, 5].
    n_max
        N, at least n.

    Returns
    -------
    `nodes` [N, 14] float32, `node_mask` [N] int8 (1 for customers), `neighbours` [N, 5] int16.

    Raises
    ------
    InstanceError
        If n is above N.
    """
    n = len(nodes)
    require_room(n, n_max)
    wide = np.zeros((n_max, len(FEATURES)), np.float32)
    mask = np.zeros(n_max, np.int8)
    table = np.zeros((n_max, N_NEIGHBOURS), np.int16)
    wide[:n], mask[:n], table[:n] = nodes, 1, neighbours
    return {"nodes": wide, "node_mask": mask, "neighbours": table}


def require_room(n: int, n_max: int, source: str | None = None) -> None:
    """Raise an error for an instance larger than the padding.

    Raises
    ------
    InstanceError
        If n is above `n_max`.
    """
    if n > n_max:
        raise InstanceError(
            f"{n} customers are more than the {n_max} that observations are padded to",
            source=source,
            field="n_max",
            remedy=f"make the environment with n_max={n} or more; policies work at any padding",
        )


def observation_space(n_max: int) -> spaces.Dict:
    """Return the space of `padded` observations.

    The mask is not a box, so that `VecNormalize` refuses to normalise it, with the remedy `norm_obs_keys`.
    """
    return spaces.Dict(
        {
            "nodes": spaces.Box(-LIMIT, LIMIT, (n_max, len(FEATURES)), np.float32),
            "node_mask": spaces.MultiBinary(n_max),
            "neighbours": spaces.Box(0, n_max - 1, (n_max, N_NEIGHBOURS), np.int16),
        }
    )
