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
        Highest sampled L(λ), distance units; the exact value only under the exact sampler.
    assignment_cost, route_cost
        Cheapest feasible assignment and routes, distance units; infinite while there are none.
    """

    savings_cost: float
    share_served: float = 0.0
    sampled_value: float = -np.inf
    assignment_cost: float = np.inf
    route_cost: float = np.inf

    def note(self, step: Step, share_served: float) -> None:
        """Update the best results by one evaluation."""
        self.share_served = max(self.share_served, share_served)
        self.sampled_value = max(self.sampled_value, step.point.sampled_value)
        self.assignment_cost = min(self.assignment_cost, step.assignment_cost)
        self.route_cost = min(self.route_cost, step.route_cost)

    @property
    def gap(self) -> float:
        """Relative dual gap (Z − L)/Z of the best assignment and the best sampled value, in [0, 1].

        It is 1 while there is no assignment. Sampled values bound L(λ) from above, so a gap of 0 is no proof.
        """
        if self.assignment_cost == np.inf:
            return 1.0
        gap = (self.assignment_cost - self.sampled_value) / max(self.assignment_cost, _LEAST_COST)
        return min(max(gap, 0.0), 1.0)

    @property
    def route_ratio(self) -> float:
        """Best route cost divided by the Clarke–Wright cost; infinite while there are no routes."""
        return self.route_cost / self.savings_cost if self.savings_cost > 0 else 1.0 + self.route_cost


def potential(best: BestSoFar, phase: int, weights: RewardWeights) -> float:
    """Return the potential Φ of a phase, without unit.

    Phase 1: share of customers served exactly once. Phase 2: minus the relative gap, so that the difference of two is
    the part that was closed. Phase 3: minus the route cost divided by the Clarke–Wright cost (at most 2; 2 without
    routes), minus the relative gap.

    Parameters
    ----------
    best
        Best results so far.
    phase
        1, 2 or 3.
    weights
        Weights of these terms.
    """
    if phase == 1:
        return weights.feasibility * best.share_served
    if phase == 2:
        return -weights.gap * best.gap
    return -weights.cost * min(best.route_ratio, LARGEST_RATIO) - weights.cost_gap * best.gap
