"""Baselines of the search: random and zero actions, and the oracle that looks one move ahead.

Random scores and scores of zero both free a connected set around a random customer; a random choice is the search's own
move. The oracle tries each set on a copy of the episode, random numbers included, and takes the best: a limit for what
a policy can gain by one choice. The evaluations of its tries do not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from envs.search.reward import potential
from lagrl.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from envs.search.core import SearchBatch
    from envs.search.episode import SearchEpisode

    Actor = Callable[[SearchBatch], NDArray[Any]]

Baseline = Literal["random", "zero", "oracle"]
BASELINES: tuple[str, ...] = get_args(Baseline)


@dataclass(frozen=True)
class Lookahead:
    """What each of K moves would lead to.

    Attributes
    ----------
    reward
        [K] reward of each move.
    cost
        [K] cost of the current routes after it, distance units.
    """

    reward: NDArray[np.float64]
    cost: NDArray[np.float64]

    @property
    def best(self) -> int:
        """Index of the move of the highest reward; of equal ones that of the lowest cost, then the first."""
        return int(np.lexsort((self.cost, -self.reward))[0])


def lookahead(episode: SearchEpisode, sets: Sequence[Sequence[int]]) -> Lookahead:
    """Try the moves that free each of K sets on copies of an episode, which stays as it is.

    Parameters
    ----------
    episode
        An episode that is not over.
    sets
        Customers 1 … n of each set, such as `SearchBatch.sets` or `SearchEpisode.draw_sets` returns.

    Raises
    ------
    InputError
        If a set is empty, everybody, or not of different customers.
    """
    config = episode.config
    before = potential(episode, config.reward, config.unit)
    reward, cost = np.empty(len(sets)), np.empty(len(sets))
    for index, freed in enumerate(sets):
        tried = episode.copy()
        tried.move(freed)
        reward[index] = potential(tried, config.reward, config.unit) - before
        cost[index] = tried.search.current.cost
    return Lookahead(reward, cost)


def baseline(name: Baseline, rng: np.random.Generator) -> Actor:
    """Return a function from a batch to its actions.

    Parameters
    ----------
    name
        `random` or `zero` (with the mode `choice`, always the first set), or `oracle` (mode `choice` only).
    rng
        Source of the random actions.

    Raises
    ------
    UnknownNameError
        If there is no such baseline.
    InputError
        When the oracle is called with scores, as it has no sets to choose from.
    """
    if name not in BASELINES:
        raise UnknownNameError.of("baseline", str(name), BASELINES)

    def act(batch: SearchBatch) -> NDArray[Any]:
        config, n_envs = batch.config, batch.n_envs
        if config.action == "scores" and name == "oracle":
            raise InputError("oracle with scores", field="baseline", remedy="make the environment with action='choice'")
        if config.action == "scores":
            shape = (n_envs, config.n_max)
            drawn = rng.uniform(-1.0, 1.0, shape) if name == "random" else np.zeros(shape)
            return drawn.astype(np.float32)
        if name == "oracle":
            looks = (
                lookahead(one, batch.sets(b)).best if not one.is_over else 0 for b, one in enumerate(batch.episodes)
            )
            return np.fromiter(looks, np.int64, n_envs)
        return rng.integers(config.choices, size=n_envs) if name == "random" else np.zeros(n_envs, np.int64)

    return act
