"""What the observers of all versions share: the course of an ascent, and the table of nearest customers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lagrl.controllers.base import Feedback
from lagrl.errors import InstanceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.dual import AssignmentDual, DualPoint

N_NEIGHBOURS = 5
HORIZON = 200
"""Evaluations that count as a full budget."""

_WEIGHT = np.array([[0.3], [0.05]])  # of a new g in its fast and its slow average
_REST = 1 - _WEIGHT


class AscentObserver(ABC):
    """Computes the observations of one ascent; call `observe` once per evaluation, in order.

    Parameters
    ----------
    dual
        The dual function; its problem must have an `origin`, the instance that it linearises.
    budget
        Evaluations of the ascent, the start included.

    Attributes
    ----------
    version
        Version of the observations.
    features
        Names of the features, in the order of the columns.
    limit
        No feature is outside ±limit.
    neighbours
        [n, 5] int16: each customer's nearest others, 0-based, ties by number; the customer itself where there are
        fewer.
    evaluations
        Evaluations observed so far.

    Raises
    ------
    InstanceError
        If the dual's problem has no `origin`.
    """

    version: ClassVar[int]
    features: ClassVar[tuple[str, ...]]
    limit: ClassVar[float]

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
        self.neighbours = nearest_neighbours(problem.origin)
        self._scale = dual.scale
        self._averages = np.zeros((2, problem.n_customers))
        """g averaged fast and slowly."""
        self._constant = self._prepare(dual, problem.origin)

    def observe(self, point: DualPoint, feedback: Feedback | None) -> NDArray[np.float32]:
        """Return the features [n, F] after an evaluation, within ±limit.

        Parameters
        ----------
        point
            The evaluation.
        feedback
            Costs of the best assignment and routes so far.
        """
        averages = self._averages
        if self.evaluations == 0:
            averages[:] = point.violation
        else:
            averages *= _REST
            averages += _WEIGHT * point.violation
        self.evaluations += 1
        return self._observed(point, feedback or Feedback())

    def before_start(self) -> NDArray[np.float32]:
        """Return the features [n, F] before the first evaluation; those that only an evaluation has are 0."""
        features: NDArray[np.float32] = self._constant.T.astype(np.float32, order="C").clip(-self.limit, self.limit)
        features[:, self.features.index("budget_left")] = self._budget_left()
        return features

    @abstractmethod
    def _budget_left(self) -> float:
        """Return the feature of the evaluations that are left."""

    @abstractmethod
    def _prepare(self, dual: AssignmentDual, origin: CVRP) -> NDArray[np.floating[Any]]:
        """Return the features [F, n] with those that do not change during an ascent, and 0 for the others."""

    @abstractmethod
    def _observed(self, point: DualPoint, feedback: Feedback) -> NDArray[np.float32]:
        """Return the features [n, F]; the averages and the number of evaluations include the point."""


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
