"""A controller that ascends an assignment dual with a trained policy, and stays safe whatever its network answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.controllers.assignment_features import AssignmentFeatures
from lagrl.controllers.assignment_memory import AssignmentMemory
from lagrl.controllers.assignment_policy import ASSIGNMENT, AssignmentPolicy
from lagrl.controllers.policy_checkpoint import load_policy
from lagrl.errors import InputError
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.controllers.base import Feedback
    from lagrl.controllers.policy_checkpoint import PolicyCheckpoint
    from lagrl.relaxation.dual import DualFunction, DualPoint

_MOST_LOST = 0.2  # share of the best value that a step may lose
_DAMPING = 0.5  # of the corrections after one that lost more


class LearnedMultipliers:
    """Ascends an assignment dual: the first multipliers are a network's, see `AssignmentPolicy`.

    The proximal bundle method (Lemaréchal 1978, Kiwiel 1990) continues from there; in the first `NetworkSize.steps`
    evaluations the network corrects its proposals. The shipped policy has one: its network finds the start alone. No
    torch and no random numbers are used. Safeguards keep bad answers from harm:

    - If the start's value is below Σ_i min_k a_ki, which L attains at the cheapest costs, the classical start is
      evaluated next.
    - A step that loses more than a fifth of the best value is followed by the bundle method's proposal; later
      corrections are halved.
    - If an answer is not finite, the bundle method continues alone.

    Values are those of `BestPoint`, so that a sampled value above L counts no more than the cuts allow.

    Parameters
    ----------
    checkpoint
        The policy; the shipped one if None.

    Attributes
    ----------
    events
        What the safeguards did, in words, in order; empty if nothing.

    Raises
    ------
    InputError
        If the shipped policy cannot be read.
    """

    def __init__(self, checkpoint: PolicyCheckpoint | None = None) -> None:
        self.checkpoint = load_policy(ASSIGNMENT) if checkpoint is None else checkpoint
        self.events: list[str] = []

    @property
    def is_finished(self) -> bool:
        """Whether the bundle method has proven that further evaluations gain nothing."""
        return self._memory.rule.is_finished

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
        self._first = dual.clip(linear_dual(dual.problem).multipliers if initial is None else initial)
        self._dual = dual
        self._least = float(dual.problem.cost.min(axis=0).sum())
        self._damping = 1.0
        self._is_alone = False
        self.events = []
        with np.errstate(all="ignore"):
            features = AssignmentFeatures.of(dual.problem, self._first, arcs=self.checkpoint.policy.nearest)
            self._memory = AssignmentMemory(features, dual, budget)
            self._policy = AssignmentPolicy(self.checkpoint.weights, features)
            first = self._policy.start()
        if np.isfinite(first).all():
            return dual.clip(first)
        self.events.append("the start was not finite: classical start")
        return self._first

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        """Return the next multipliers [n], distance units; see `Controller.update`."""
        del feedback
        memory = self._memory
        before = memory.best_value
        memory.record(point)
        if memory.rule.is_finished or not point.violation.any():
            return memory.proposal
        if memory.spent == 1 and point.sampled_value < self._least and not self.events:
            self.events.append("the start was below the cheapest costs: classical start")
            return self._first
        if self._is_alone or memory.spent >= self.checkpoint.policy.steps:
            return memory.proposal
        if point.sampled_value < before - _MOST_LOST * abs(before):
            self._damping *= _DAMPING
            self.events.append(f"evaluation {memory.spent} lost too much: the bundle method's proposal")
            return memory.proposal
        with np.errstate(all="ignore"):
            following = self._policy.step(memory)
        if not np.isfinite(following).all():
            self._is_alone = True
            self.events.append("a step was not finite: bundle method")
            return memory.proposal
        return self._dual.clip(memory.proposal + self._damping * (following - memory.proposal))
