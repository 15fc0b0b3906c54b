"""Rewards of the search: the decrease of a cost by a move, r = Φ(s′) − Φ(s), as in `envs.reward`.

With one evaluation per move this is the gain per evaluation, and an episode's rewards add up to its whole improvement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envs.search.config import RewardedCost, RewardUnit
    from envs.search.episode import SearchEpisode


def potential(episode: SearchEpisode, reward: RewardedCost, unit: RewardUnit) -> float:
    """Return the potential Φ, without unit: minus the best or the current cost, in mean arcs or savings costs."""
    cost = episode.search.incumbent.cost if reward == "best" else episode.search.current.cost
    return -cost / (episode.mean_arc if unit == "arc" else episode.savings_cost)
