"""Collecting data where the learner goes: DAgger (Ross, Gordon and Bagnell 2011)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from envs.action import action_label
from envs.core import EpisodeBatch
from lagrl.errors import InputError
from lagrl.plugins import call_plugin
from train.bc.dataset import States

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from envs.config import EnvConfig
    from envs.episode import Episode
    from lagrl.controllers.base import Controller

    Learner = Callable[[Mapping[str, NDArray]], NDArray[np.float32]]

_STREAM = 0x44414747  # "DAGG": keeps these random streams apart from validation's and from one another


@dataclass(frozen=True)
class Round:
    """One round of collection.

    Attributes
    ----------
    number
        From 0.
    episodes
        How many.
    first_episode
        Number of the first one within the run.
    expert_share
        Share of the episodes in which the expert acts; the learner acts in the others.
    noise
        Standard deviation of noise on the learner's actions.
    """

    number: int
    episodes: int
    first_episode: int
    expert_share: float
    noise: float = 0.0


def expert_share(beta: float, number: int) -> float:
    """Return β^number: all at first, geometrically less later (β = 0: only the first round)."""
    return float(beta**number)


def collect(
    config: EnvConfig,
    expert: Callable[[], Controller],
    learner: Learner | None,
    task: Round,
    *,
    lanes: int,
    seed: int,
    stop: Callable[[], bool] = lambda: False,
) -> States | None:
    """Play episodes and let the expert say at every state what it would have done there.

    A fresh expert rides along with each episode: it is told of every point visited, and asked for the next
    multipliers, whoever acts. A rule that remembers its own direction (`cfm`, `volume`) then remembers directions that
    were not taken; what it says is still what it would do after such a past. Where the expert acts, its label is
    taken, not its multipliers: it moves as well as the action space allows, hence through states that a learner
    can reach.

    Parameters
    ----------
    config
        The episodes.
    expert
        Makes the experts.
    learner
        Means [B, N] of the actions at observations [B, …]; None: the expert acts in every episode.
    task
        Which round.
    lanes
        Episodes side by side.
    seed
        Of the run. Each episode's randomness depends on it, the round and the episode's number only.
    stop
        Asked after every step; if true, nothing is returned.

    Returns
    -------
    The states with at least one labelled customer; None if stopped.

    Raises
    ------
    InputError
        If the expert fails.
    """
    rides = _Rides(config, expert, task, min(lanes, task.episodes), seed)
    while rides.under_way:
        actions = rides.labels()
        if learner is not None:
            rides.mix(actions, learner)
        rides.step(actions)
        if stop():
            return None
    return rides.states()


@dataclass(frozen=True)
class _Ride:
    """An expert's ride with one episode: the episode's number in the round, its randomness, and who acts."""

    number: int
    expert: Controller
    rng: np.random.Generator
    is_learners: bool


class _Rides:
    """The rides of a round: those under way by lane, and what was seen on all."""

    def __init__(
        self, config: EnvConfig, make_expert: Callable[[], Controller], task: Round, lanes: int, seed: int
    ) -> None:
        self.config, self.make_expert, self.task, self.seed = config, make_expert, task, seed
        self.batch = EpisodeBatch(config, lanes)
        self.begun = 0
        self.seen: list[tuple[int, States]] = []
        numbers = [self._reset(lane) for lane in range(lanes)]
        self.under_way = {lane: self._ride(lane, number) for lane, number in enumerate(numbers)}

    def labels(self) -> NDArray[np.float32]:
        """Ask every expert; note the states with their labels, and return the labels [B, N], 0 where there are none."""
        actions = np.zeros((self.batch.n_envs, self.config.n_max), np.float32)
        for lane, ride in self.under_way.items():
            episode = self.batch.episodes[lane]
            label, mask = _label(episode, ride.expert, self.config)
            actions[lane, : episode.n_customers] = label
            if mask.any():
                number = self.task.first_episode + ride.number
                self.seen.append((ride.number, _state(self.batch.observation(lane), label, mask, number)))
        return actions

    def mix(self, actions: NDArray[np.float32], learner: Learner) -> None:
        """Put the learner's actions in place of the labels in the episodes that are the learner's."""
        means = learner(self.batch.observations())
        for lane, ride in self.under_way.items():
            if ride.is_learners:
                n = self.batch.episodes[lane].n_customers
                noise = self.task.noise * ride.rng.standard_normal(n) if self.task.noise else 0.0
                actions[lane, :n] = np.clip(means[lane, :n] + noise, -1.0, 1.0)

    def step(self, actions: NDArray[np.float32]) -> None:
        """Move on; where an episode ends the next one begins, while there are any left."""
        resting = [lane for lane in range(self.batch.n_envs) if lane not in self.under_way]
        over = self.batch.step(actions, resting).terminated
        for lane in list(self.under_way):
            if not over[lane]:
                continue
            if self.begun < self.task.episodes:
                self.under_way[lane] = self._ride(lane, self._reset(lane))
            else:
                del self.under_way[lane]

    def states(self) -> States:
        """Return what was seen, episode by episode, whichever lanes they were in."""
        return States.joined([state for _, state in sorted(self.seen, key=lambda entry: entry[0])])

    def _reset(self, lane: int) -> int:
        """Begin the round's next episode in a lane; return its number."""
        number = self.begun
        self.begun += 1
        self.batch.reset(lane, self._rng(number, 0))
        return number

    def _ride(self, lane: int, number: int) -> _Ride:
        """Let a fresh expert ride along with the episode just begun in a lane."""
        episode, rng, expert = self.batch.episodes[lane], self._rng(number, 1), self.make_expert()
        is_learners = bool(rng.random() >= self.task.expert_share)
        begin = partial(expert.start, episode.dual, budget=episode.budget, rng=rng, initial=episode.initial)
        call_plugin(f"expert {type(expert).__name__}", begin)
        return _Ride(number, expert, rng, is_learners)

    def _rng(self, number: int, stream: int) -> np.random.Generator:
        return np.random.default_rng([_STREAM, self.seed, self.task.number, number, stream])


def _label(episode: Episode, expert: Controller, config: EnvConfig) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the action that the expert's answer at the last point amounts to, and where it means anything."""
    assert episode.step is not None
    point = episode.step.point
    name = f"expert {type(expert).__name__}"
    answer = call_plugin(name, partial(expert.update, point, episode.step.feedback))
    try:
        target = episode.dual.clip(answer)
    except InputError as error:
        raise InputError(error.problem, source=name, field=error.field, remedy=error.remedy) from error
    return action_label(point.multipliers, target, point.violation, episode.dual.scale, config.action)


def _state(
    observation: Mapping[str, NDArray], label: NDArray[np.float32], mask: NDArray[np.bool_], episode: int
) -> States:
    n = len(label)
    return States(
        nodes=observation["nodes"][:n],
        neighbours=observation["neighbours"][:n],
        labels=label,
        is_labelled=mask,
        sizes=np.array([n], dtype=np.int32),
        episodes=np.array([episode], dtype=np.int32),
    )
