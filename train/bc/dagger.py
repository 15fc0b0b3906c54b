"""Collection of states that the learner visits: DAgger (Ross, Gordon and Bagnell 2011)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.core import EpisodeBatch
from lagrl.ray_cluster import completed
from train.dataset import States
from train.experts import expert_factory, expert_label, expert_target, start_expert
from train.pace import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    from numpy.typing import NDArray

    from envs.config import EnvConfig
    from lagrl.controllers.base import Controller
    from train.pace import Report

    Learner = Callable[[Mapping[str, NDArray[Any]]], NDArray[np.float32]]

_STREAM = 0x44414747  # "DAGG": separates these random streams from those of validation and of minibatches
_TOGETHER = 8  # episodes of one call on a cluster


@dataclass(frozen=True)
class Round:
    """One round of collection.

    Attributes
    ----------
    number
        Index of the round, from 0.
    episodes
        Number of episodes.
    first_episode
        Number of the first one within the run.
    expert_share
        Share of the episodes in which the expert acts; the learner acts in the others.
    noise
        Standard deviation of the noise on the learner's actions, in units of the action.
    skipped
        Number of episodes at the start of the round that are left to others.
    """

    number: int
    episodes: int
    first_episode: int
    expert_share: float
    noise: float = 0.0
    skipped: int = 0


def expert_share(beta: float, number: int) -> float:
    """Return β^number, the share of episodes of a round in which the expert acts (β = 0: only the first round)."""
    return float(beta**number)


def episode_seed(seed: int, number: int, episode: int, stream: int) -> list[int]:
    """Return the seed of a generator of an episode, as `numpy.random.default_rng` takes it.

    Parameters
    ----------
    seed
        Seed of the run.
    number, episode
        Index of the round, and of the episode within it.
    stream
        0: the generator of the episode; 1: that of who acts, the expert and the noise.
    """
    return [_STREAM, seed, number, episode, stream]


def draw_learner(rng: np.random.Generator, expert_share: float) -> bool:
    """Draw whether the learner acts in an episode: the first number of its generator of stream 1."""
    return bool(rng.random() >= expert_share)


def collect(
    config: EnvConfig,
    expert: Callable[[], Controller],
    learner: Learner | None,
    task: Round,
    *,
    n_envs: int,
    seed: int,
    report: Report = silent,
) -> States:
    """Run episodes and label every state with the action that the expert would take there.

    Every episode has its own expert, which observes every point of the episode and proposes the next multipliers, also
    where the learner acts. A rule with a memory of directions (`cfm`, `volume`) then remembers directions that were
    not taken; its proposal is still what it would do after this past. Where the expert acts, the label is applied
    instead of its multipliers: the episode then stays within the action space, in states that a learner can reach.

    Parameters
    ----------
    config
        Configuration of the episodes.
    expert
        Makes the experts.
    learner
        Maps observations [B, …] to mean actions [B, N]; None: the expert acts in every episode.
    task
        The round.
    n_envs
        Number of parallel environments.
    seed
        Seed of the run. The random numbers of an episode depend on it, the round and the episode's number only.
    report
        Called after every step; kind `collection`, pieces are visited states.

    Returns
    -------
    The states with at least one labelled customer.

    Raises
    ------
    InputError
        If the expert fails.
    """
    collection = _Collection(config, expert, task, min(n_envs, task.episodes - task.skipped), seed)
    while collection.running:
        actions = collection.labels()
        if learner is not None:
            collection.insert_learner_actions(actions, learner)
        visited = len(collection.running)
        collection.step(actions)
        done = collection.n_started - len(collection.running)
        text = f"round {task.number + 1}, {done}/{task.episodes} episodes, {len(collection.labelled)} states"
        report("collection", visited, text)
    return collection.states()


def collect_on(
    cluster: ModuleType,
    config: EnvConfig,
    expert: str,
    learner: Learner | None,
    task: Round,
    *,
    seed: int,
    report: Report = silent,
) -> States:
    """Run episodes on the nodes of a cluster; return the states of `collect` with 8 environments, in the same order.

    With another number of environments, actions of the learner may differ in the last bit.

    Parameters
    ----------
    cluster
        The connected module `ray`, see `lagrl.ray_cluster.connected`.
    expert
        Name of the expert, see `expert_factory`.
    config, learner, task, seed, report
        As for `collect`. The learner is pickled.
    """
    ends = range(_TOGETHER, task.episodes + _TOGETHER, _TOGETHER)
    parts = [replace(task, episodes=min(end, task.episodes), skipped=end - _TOGETHER) for end in ends]
    stored = cluster.put(learner)
    found: dict[int, States] = {}
    calls = [(config, expert, stored, part, seed) for part in parts]
    for number, (states, visited) in completed(cluster, _collected, calls):
        found[number] = states
        done = sum(parts[each].episodes - parts[each].skipped for each in found)
        text = f"round {task.number + 1}, {done}/{task.episodes} episodes, {sum(map(len, found.values()))} states"
        report("collection", visited, text)
    return States.joined([found[number] for number in range(len(parts))])


def _collected(config: EnvConfig, expert: str, learner: Learner | None, task: Round, seed: int) -> tuple[States, float]:
    """Return the states of a part of a round, and the number of visited ones."""
    visits: list[float] = []
    states = collect(
        config,
        expert_factory(expert),
        learner,
        task,
        n_envs=_TOGETHER,
        seed=seed,
        report=lambda kind, visited, text: visits.append(visited),
    )
    return states, sum(visits)


@dataclass(frozen=True)
class _LabelledEpisode:
    """An episode's number in the round, its expert and random numbers, and whether the learner acts in it."""

    number: int
    expert: Controller
    rng: np.random.Generator
    is_learners: bool


class _Collection:
    """The running episodes of a round by environment index, and the labelled states so far."""

    def __init__(
        self, config: EnvConfig, make_expert: Callable[[], Controller], task: Round, n_envs: int, seed: int
    ) -> None:
        self.config, self.make_expert, self.task, self.seed = config, make_expert, task, seed
        self.batch = EpisodeBatch(config, n_envs)
        self.n_started = task.skipped
        self.labelled: list[tuple[int, States]] = []
        self.running: dict[int, _LabelledEpisode] = {}
        self._start_episodes(range(n_envs))

    def labels(self) -> NDArray[np.float32]:
        """Label and record the current states; return the labels [B, N], 0 where there is none."""
        actions = np.zeros((self.batch.n_envs, self.config.n_max), np.float32)
        for index, labelled in self.running.items():
            episode = self.batch.episodes[index]
            label, mask = expert_label(expert_target(labelled.expert, episode), episode, self.config.action)
            actions[index, : episode.n_customers] = label
            if mask.any():
                number = self.task.first_episode + labelled.number
                state = States.single(self.batch.observation(index), label, mask, number)
                self.labelled.append((labelled.number, state))
        return actions

    def insert_learner_actions(self, actions: NDArray[np.float32], learner: Learner) -> None:
        """Replace the labels by the learner's actions in the learner's episodes."""
        means = learner(self.batch.observations())
        for index, labelled in self.running.items():
            if labelled.is_learners:
                n = self.batch.episodes[index].n_customers
                noise = self.task.noise * labelled.rng.standard_normal(n) if self.task.noise else 0.0
                actions[index, :n] = np.clip(means[index, :n] + noise, -1.0, 1.0)

    def step(self, actions: NDArray[np.float32]) -> None:
        """Move all running episodes; start the next episode of the round where one ended."""
        resting = [index for index in range(self.batch.n_envs) if index not in self.running]
        over = self.batch.step(actions, resting).terminated
        for index in [index for index in self.running if over[index]]:
            del self.running[index]
            if self.n_started < self.task.episodes:
                self._start_episodes([index])

    def states(self) -> States:
        """Return the labelled states in the order of the episodes, independent of the environments' number."""
        return States.joined([state for _, state in sorted(self.labelled, key=lambda entry: entry[0])])

    def _start_episodes(self, indices: Sequence[int]) -> None:
        """Start the next episodes of the round in some environments, each with its expert."""
        numbers = range(self.n_started, self.n_started + len(indices))
        self.n_started += len(indices)
        for index, number in zip(indices, numbers, strict=True):
            self.batch.reset(index, self._rng(number, 0))
        for index, number in zip(indices, numbers, strict=True):
            rng = self._rng(number, 1)
            is_learners = draw_learner(rng, self.task.expert_share)
            expert = start_expert(self.make_expert, self.batch.episodes[index], rng)
            self.running[index] = _LabelledEpisode(number, expert, rng, is_learners)

    def _rng(self, number: int, stream: int) -> np.random.Generator:
        return np.random.default_rng(episode_seed(self.seed, self.task.number, number, stream))
