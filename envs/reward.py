"""Rewards: how much the best found so far got better, r = Φ(s′) − Φ(s).

Φ is built on best-so-far quantities, and there is no γ in the difference. Ng, Harada and Russell's (1999) shaping,
γΦ(s′) − Φ(s), telescopes under the discounted return and pays slow and quick episodes alike; the plain difference,
discounted by γ, pays for finding things early.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from envs.config import RewardWeights
    from lagrl.dual_loop import Step

LARGEST_RATIO = 2.0
"""Route costs above this many times the savings cost count as this, and so does having no routes."""

_LEAST_COST = 1e-9  # distance units; keeps a surrogate cost of 0 from dividing


@dataclass
class Progress:
    """The best of an episode so far.

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
        """Take one evaluation into account."""
        self.share_served = max(self.share_served, share_served)
        self.sampled_value = max(self.sampled_value, step.point.sampled_value)
        self.assignment_cost = min(self.assignment_cost, step.assignment_cost)
        self.route_cost = min(self.route_cost, step.route_cost)

    @property
    def gap(self) -> float:
        """Relative dual gap (Z − L)/Z of the best assignment and the best sampled value, in [0, 1].

        1 while there is no assignment. Sampled values bound L(λ) from above, so that the gap may be 0 without proof.
        """
        if self.assignment_cost == np.inf:
            return 1.0
        gap = (self.assignment_cost - self.sampled_value) / max(self.assignment_cost, _LEAST_COST)
        return min(max(gap, 0.0), 1.0)

    @property
    def route_ratio(self) -> float:
        """Best route cost over Clarke and Wright's; infinite while there are no routes."""
        return self.route_cost / self.savings_cost if self.savings_cost > 0 else 1.0 + self.route_cost


def potential(progress: Progress, phase: int, weights: RewardWeights) -> float:
    """Return Φ of a phase.

    1: share of customers served once. 2: minus the relative gap, so that its difference is the part that was closed.
    3: minus the route cost over Clarke and Wright's (2 at most, and where there are no routes) and minus the gap.

    Parameters
    ----------
    progress
        The best so far.
    phase
        1, 2 or 3.
    weights
        Of the parts.
    """
    if phase == 1:
        return weights.feasibility * progress.share_served
    if phase == 2:
        return -weights.gap * progress.gap
    return -weights.cost * min(progress.route_ratio, LARGEST_RATIO) - weights.cost_gap * progress.gap
