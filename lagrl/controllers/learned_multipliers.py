"""A controller that ascends an assignment dual with a trained policy, and stays safe whatever its network answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers.assignment_features import AssignmentFeatures
from lagrl.controllers.assignment_memory import AssignmentMemory
from lagrl.controllers.assignment_policy import ASSIGNMENT, AssignmentPolicy
from lagrl.controllers.learned_controller import LearnedController
from lagrl.controllers.policy_checkpoint import load_policy
from lagrl.errors import InputError
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.controllers.policy_checkpoint import PolicyCheckpoint
    from lagrl.relaxation.dual import DualFunction, DualPoint


class LearnedMultipliers(LearnedController):
    """Ascends an assignment dual from a network's correction of given prices, see `AssignmentPolicy`.

    Its trivial bound is Σ_i min_k a_ki, which L attains at the cheapest costs, and the classical start is the given
    prices. A network's steps are corrections of the bundle method's proposals. Values are those of `BestPoint`, so that
    a sampled value above L counts no more than the cuts allow.

    Parameters
    ----------
    checkpoint
        The policy; the shipped one if None.

    Raises
    ------
    InputError
        If the shipped policy cannot be read.
    """

    _memory: AssignmentMemory

    def __init__(self, checkpoint: PolicyCheckpoint | None = None) -> None:
        self.checkpoint = load_policy(ASSIGNMENT) if checkpoint is None else checkpoint
        self.events = []

    def start(
        self, dual: DualFunction, *, budget: int, rng: np.random.Generator, initial: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Return the first multipliers [n]: a correction of `initial`, or of the linear relaxation's prices if None.

        Raises
        ------
        InputError
            If the dual is not that of an assignment problem.
        InstanceError
            If `initial` is None and the vehicles cannot carry the total demand.
        """
        del rng
        if not isinstance(dual, AssignmentDual):
            raise InputError(
                f"an assignment policy cannot ascend a {type(dual).__name__}",
                field="controller",
                remedy="use it in lagrl solve, and another controller for this dual",
            )
        given = dual.clip(linear_dual(dual.problem).multipliers if initial is None else initial)
        self._dual = dual
        with np.errstate(all="ignore"):
            features = AssignmentFeatures.of(dual.problem, given, arcs=self.checkpoint.policy.nearest)
            self._memory = AssignmentMemory(features, dual, budget)
            self._policy = AssignmentPolicy(self.checkpoint.weights, features)
            first = self._policy.start()
        self._rule = self._memory.rule
        least = float(dual.problem.cost.min(axis=0).sum()), "the cheapest costs"
        return self._begin(first, self.checkpoint.policy.steps, given, least)

    def _recorded(self, point: DualPoint) -> NDArray[np.float64]:
        self._memory.record(point)
        return self._memory.proposal

    def _following(self) -> NDArray[np.float64]:
        return self._policy.step(self._memory)
