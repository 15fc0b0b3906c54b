"""What the batches of all relaxations share: a step of the multipliers, its reward, and the replay of episodes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from envs.action import MOMENTUM, action_space, require_actions
from envs.ascent_episode import AscentEpisode
from envs.batch import Batch, BatchStep
from envs.config import EnvConfig
from envs.generator import instance_from_record, instance_record, load_instance
from envs.observation import space_of
from envs.reward import potential
from envs.rng import generator_from_record
from lagrl.errors import InputError
from lagrl.io.records import from_record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from lagrl.dual_loop import Step
    from lagrl.problems.cvrp import CVRP

E = TypeVar("E", bound=AscentEpisode)

_NODES = ("nodes", "node_mask", "neighbours", "edges")
_PARTS = ("demand", "distance", "coordinates")


class AscentBatch(Batch[E]):
    """B parallel environments, each with its own instance, budget and random numbers.

    Parameters
    ----------
    config
        Configuration of the episodes.
    n_envs
        Number of environments B.

    Attributes
    ----------
    observation_space, action_space
        Spaces of a single environment.
    episodes
        Current episode of each environment; reading one before its first `reset` raises InputError.
    phase
        Curriculum phase of the episodes to come; None, as at first: no curriculum, rewards have all phases' terms.

    Raises
    ------
    InputError
        If `n_envs` is below 1.
    """

    def __init__(self, config: EnvConfig, n_envs: int) -> None:
        super().__init__(n_envs, space_of(config), action_space(config.n_max, config.action.mode))
        self.config = config
        self.phase: int | None = None

    def set_phase(self, phase: int | None) -> None:
        """Set the curriculum phase, None for no curriculum; each environment adopts it at its next reset.

        Raises
        ------
        InputError
            If the configuration has no such phase.
        """
        if phase is not None and phase not in self.config.phases:
            known = ", ".join(map(str, self.config.phases))
            raise InputError(f"{phase!r} given", field="phase", remedy=f"give one of {known}, or None for all at once")
        self.phase = phase

    def reset(self, index: int, rng: np.random.Generator, instance: CVRP | str | Path | None = None) -> dict[str, Any]:
        """Start an environment's next episode with an evaluation at λ₀, and return its scalars.

        Where the seeds are an action, the evaluation follows the choice.

        Parameters
        ----------
        index
            Environment index, from 0.
        rng
            Source of all random numbers of the episode.
        instance
            A CVRP, the path of a `.vrp` file or an instance's name; None: generated.

        Raises
        ------
        InstanceError
            If the instance is larger than the padding.
        InputError
            If the instance cannot be read, or `rng` is not a PCG64 generator.
        """
        problem = None if instance is None else load_instance(instance)
        return self._start(index, rng, problem, self.phase)

    def step(self, actions: NDArray[np.floating[Any]], resting: Collection[int] = ()) -> BatchStep:
        """Move the multipliers of every environment by its action, or choose its seeds and evaluate λ₀.

        Parameters
        ----------
        actions
            [B, N] in [−1, 1], or [B, N + 1, 2] in the action mode `diagonal+momentum`; entries beyond an instance's
            customers are ignored, but must be finite.
        resting
            Indices of environments that do not move; their actions are ignored.

        Raises
        ------
        InputError
            If the shape is wrong, an entry is not finite or out of range, or an episode is over.
        """
        array = np.asarray(actions)
        sizes = [None if index in resting else self._episode(index).n_customers for index in range(self.n_envs)]
        n_max, mode = self.config.n_max, self.config.action.mode
        require_actions(array, n_max, sizes, mode)
        own = [None if n is None else array[index, :n] for index, n in enumerate(sizes)]
        if mode == MOMENTUM:  # the last row is the instance's
            own = [None if one is None else np.vstack([one, array[index, n_max]]) for index, one in enumerate(own)]
        return self._act(own)

    def step_multipliers(self, multipliers: Sequence[NDArray[np.float64] | None]) -> BatchStep:
        """Move every environment to given multipliers, distance units; None: it rests.

        They are [n], or [n + 1] with the fleet's in a route relaxation.

        Raises
        ------
        InputError
            If there is not one entry per environment, one is not finite numbers of this shape, an episode is over, or
            its seeds are not chosen.
        """
        if len(multipliers) != self.n_envs:
            raise InputError(
                f"{len(multipliers)} vectors for {self.n_envs} ascents",
                field="multipliers",
                remedy="give one per ascent",
            )
        for index, vector in enumerate(multipliers):
            if vector is not None:
                self._require_running(index)
        return self._move(multipliers)

    def _move(self, multipliers: Sequence[NDArray[np.float64] | None]) -> BatchStep:
        """Move running environments to given multipliers; None: it rests."""
        rewards, terminated = np.zeros(self.n_envs), np.zeros(self.n_envs, dtype=bool)
        infos: list[dict[str, Any]] = [{} for _ in range(self.n_envs)]
        for index, step in enumerate(self._evaluate(multipliers)):
            if step is not None:
                episode = self._episode(index)
                rewards[index] = self._record(index, episode, step)
                terminated[index] = episode.is_over
                infos[index] = episode.info()
        return BatchStep(rewards, terminated, infos)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the state that `load_state` needs: plain JSON values, and arrays by name.

        An episode is stored as its generator's state, its seeds' scores and its multipliers; `load_state` replays it.
        """
        arrays: dict[str, NDArray[Any]] = {}
        records: list[dict[str, Any] | None] = []
        for index, episode in enumerate(self._episodes):
            if episode is None:
                records.append(None)
                continue
            record: dict[str, Any] = {"rng": episode.rng_record, "phase": episode.phase, "instance": None}
            parts = {"multipliers": np.array(episode.trail).reshape(episode.steps, len(episode.initial))}
            parts |= self._choices(episode)
            if episode.is_given:
                record["instance"], own = instance_record(episode.problem)
                parts |= own
            arrays |= {f"{index}/{name}": part for name, part in parts.items()}
            records.append(record)
        return {"config": self.config.to_json(), "phase": self.phase, "episodes": records}, arrays

    def load_state(self, record: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Replay recorded episodes; all later steps are bit-equal to those of the recorded batch.

        Parameters
        ----------
        record, arrays
            Return value of `state`, from a batch of the same configuration and number of environments.

        Raises
        ------
        InputError
            If they come from another configuration or number of environments.
        """
        if from_record(EnvConfig, record["config"], "config") != self.config:
            raise InputError("the state is one of another configuration", field="config", remedy="resume with the same")
        entries = record["episodes"] if "episodes" in record else record["lanes"]  # the name in archives of 0.1
        if len(entries) != self.n_envs:
            raise InputError(
                f"the state has {len(entries)} environments, the batch {self.n_envs}",
                field="n_envs",
                remedy="resume with the same number",
            )
        self.set_phase(record["phase"])
        self._episodes = [None] * self.n_envs
        trails = []
        for index, entry in enumerate(entries):
            trails.append(np.asarray(arrays.get(f"{index}/multipliers", ())))
            if entry is not None:
                own = {name: np.asarray(arrays[f"{index}/{name}"]) for name in _PARTS if f"{index}/{name}" in arrays}
                problem = None if entry["instance"] is None else instance_from_record(entry["instance"], own)
                self._start(index, generator_from_record(entry["rng"]), problem, entry["phase"])
                if f"{index}/scores" in arrays:
                    self._choose(index, self._episode(index), np.asarray(arrays[f"{index}/scores"]))
        for step in range(max(map(len, trails))):
            self.step_multipliers([trail[step] if step < len(trail) else None for trail in trails])

    @abstractmethod
    def _start(self, index: int, rng: np.random.Generator, problem: CVRP | None, phase: int | None) -> dict[str, Any]:
        """Draw an environment's next episode, evaluate λ₀, and return the scalars."""

    @abstractmethod
    def _act(self, actions: Sequence[NDArray[np.floating[Any]] | None]) -> BatchStep:
        """Move every environment by an action [n], or [n + 1, 2], in [−1, 1]; None: it rests."""

    @abstractmethod
    def _evaluate(self, multipliers: Sequence[NDArray[np.float64] | None]) -> list[Step | None]:
        """Evaluate the dual of every environment at its multipliers; None: it rests."""

    def _choices(self, episode: E) -> dict[str, NDArray[Any]]:
        """Return the actions of an episode, by name, that `load_state` needs beside the multipliers."""
        return {}

    def _choose(self, index: int, episode: E, scores: NDArray[np.float64]) -> float:
        """Choose an episode's seeds and evaluate λ₀; return the reward."""
        raise InputError("the state has seeds' scores", field="scores", remedy="resume with the configuration it had")

    def _install(self, index: int, episode: E) -> None:
        """Put an episode in the place of the environment's last one."""
        self._episodes[index] = episode
        n = episode.n_customers
        for key, array in self._observations.items():
            array[index, n if key in _NODES else 0 :] = 0
        self._observations["node_mask"][index, :n] = 1
        self._observations["neighbours"][index, :n] = episode.observer.neighbours

    def _record(self, index: int, episode: E, step: Step) -> float:
        """Record an evaluation in the episode and its observation; return the reward."""
        weights, phases = self.config.rewards, self.config.phases
        before = potential(episode.best, episode.phase, weights, phases)
        episode.note(step)
        observed = episode.observer.observe(step.point, step.feedback)
        self._observations["nodes"][index, : episode.n_customers] = observed
        return potential(episode.best, episode.phase, weights, phases) - before

    def _require_running(self, index: int) -> None:
        if self._episode(index).is_over:
            raise InputError("the episode is over", source=f"environment {index}", remedy="reset it first")
