"""Rewards: the improvement of the best results so far, r = Φ(s′) − Φ(s).

Φ is built on best-so-far quantities, and there is no γ in the difference. Ng, Harada and Russell's (1999) shaping,
γΦ(s′) − Φ(s), telescopes under the discounted return, so that slow and quick episodes earn the same; the plain
difference, discounted by γ, rewards early improvements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envs.config import RewardWeights
    from lagrl.dual_loop import Step

LARGEST_RATIO = 2.0
"""Upper limit of the route cost divided by the savings cost, and its value while there are no routes."""

_LEAST_COST = 1e-9  # distance units; avoids a division by a surrogate cost of 0


@dataclass
class BestSoFar:
    """Best results of an episode so far.

    Attributes
    ----------
    savings_cost
        Clarke and Wright's route cost, distance units.
    share_served
        Largest share of customers with g = 0.
    sampled_value
        Highest sampled L(λ), distance units; too high under an approximate sampler with few shots.
    dual_value
        Highest exact L(λ), distance units; for the judge `samples` the value of fresh samples at the λ of
        `sampled_value`. It belongs to the rewards and the record, not to observations.
    assignment_cost, route_cost
        Cheapest feasible assignment and routes, distance units; infinite while there are none.
    """

    savings_cost: float
    share_served: float = 0.0
    sampled_value: float = -np.inf
    dual_value: float = -np.inf
    assignment_cost: float = np.inf
    route_cost: float = np.inf

    def note(self, step: Step, share_served: float, fresh_value: Callable[[], float] | None = None) -> None:
        """Update the best results by one evaluation.

        Parameters
        ----------
        step
            The evaluation.
        share_served
            Share of customers with g = 0.
        fresh_value
            Returns a sampled value of the same λ from fresh samples, for an evaluation without an exact value.
        """
        self.share_served = max(self.share_served, share_served)
        is_highest = step.point.sampled_value > self.sampled_value
        self.sampled_value = max(self.sampled_value, step.point.sampled_value)
        if step.exact_value is not None:
            self.dual_value = max(self.dual_value, step.exact_value)
        elif is_highest and fresh_value is not None:
            self.dual_value = fresh_value()  # not the maximum: the highest of noisy values is too high
        self.assignment_cost = min(self.assignment_cost, step.assignment_cost)
        self.route_cost = min(self.route_cost, step.route_cost)

    @property
    def gap(self) -> float:
        """Relative dual gap (Z − L)/Z of the best assignment and the best dual value, in [0, 1].

        It is 1 while there is no assignment.
        """
        if self.assignment_cost == np.inf:
            return 1.0
        gap = (self.assignment_cost - self.dual_value) / max(self.assignment_cost, _LEAST_COST)
        return min(max(gap, 0.0), 1.0)

    @property
    def route_ratio(self) -> float:
        """Best route cost divided by the Clarke–Wright cost; infinite while there are no routes."""
        return self.route_cost / self.savings_cost if self.savings_cost > 0 else 1.0 + self.route_cost


def potential(best: BestSoFar, phase: int | None, weights: RewardWeights, phases: Sequence[int] = (2, 3)) -> float:
    """Return the potential Φ of a phase, without unit.

    Phase 1: share of customers served exactly once. Phase 2: minus the relative gap, so that the difference of two is
    the part that was closed. Phase 3: minus the route cost divided by the Clarke–Wright cost (at most 2; 2 without
    routes), minus the relative gap. No phase: the sum of the terms of all phases, the gap once.

    Parameters
    ----------
    best
        Best results so far.
    phase
        1, 2 or 3; None: no phase.
    weights
        Weights of these terms.
    phases
        Phases whose terms are summed without a phase.
    """
    if phase is None:
        ratio = min(best.route_ratio, LARGEST_RATIO)
        terms = {1: weights.feasibility * best.share_served, 2: -weights.gap * best.gap, 3: -weights.cost * ratio}
        return sum(terms[one] for one in phases)
    if phase == 1:
        return weights.feasibility * best.share_served
    if phase == 2:
        return -weights.gap * best.gap
    return -weights.cost * min(best.route_ratio, LARGEST_RATIO) - weights.cost_gap * best.gap
