"""A batch of searches; every environment here is a thin adapter of it.

The searches move one after the other: most of a move's time is spent in the local search of its own routes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium import spaces

from envs.action import action_space, require_actions
from envs.batch import Batch, BatchStep
from envs.generator import instance_from_record, instance_record, load_instance
from envs.rng import generator_from_record, generator_record
from envs.search.action import grown_set, require_choices
from envs.search.config import SearchEnvConfig
from envs.search.episode import SearchEpisode, new_episode
from envs.search.observation import observation_space
from envs.search.render import render_search
from envs.search.reward import potential
from lagrl.compilation import compile_kernels
from lagrl.errors import InputError
from lagrl.io.records import from_record
from lagrl.samplers.held import HeldSamplers
from lagrl.samplers.registry import close_sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.sampler import SubproblemSampler

_PARTS = ("demand", "distance", "coordinates")


class SearchBatch(Batch[SearchEpisode]):
    """B parallel searches, each with its own instance, routes and random numbers.

    Parameters
    ----------
    config
        Configuration of the episodes.
    n_envs
        Number of environments B.
    sampler
        Function or class that makes a sampler, instead of the one named in `config`.

    Attributes
    ----------
    episodes
        Current episode of each environment; reading one before its first `reset` raises InputError.
    observation_space, action_space
        Spaces of a single environment.

    Raises
    ------
    UnknownNameError, InputError
        If `n_envs` is below 1, or the sampler cannot be made.
    """

    def __init__(
        self, config: SearchEnvConfig, n_envs: int, *, sampler: Callable[[], SubproblemSampler] | None = None
    ) -> None:
        n_choices = config.choices if config.action == "choice" else None
        actions = action_space(config.n_max) if n_choices is None else spaces.Discrete(n_choices)
        super().__init__(n_envs, observation_space(config.n_max, n_choices), actions)
        self.config = config
        self._held = HeldSamplers()
        self._make_sampler = sampler or partial(self._held.make, config.sampler)
        self._is_named = sampler is None
        self._make_sampler()
        self._sets: list[list[list[int]]] = [[] for _ in range(n_envs)]
        compile_kernels("relaxation", "recovery")

    def reset(self, index: int, rng: np.random.Generator, instance: CVRP | str | Path | None = None) -> dict[str, Any]:
        """Start an environment's next episode, and return its scalars.

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
            If the instance has one customer, or more than the padding, or its start routes do not meet the fleet rule.
        InputError
            If the instance cannot be read, or `rng` is not a PCG64 generator.
        """
        return self._start(index, rng, None if instance is None else load_instance(instance))

    def step(self, actions: NDArray[Any], resting: Collection[int] = ()) -> BatchStep:
        """Carry out the move of every environment that its action selects.

        Parameters
        ----------
        actions
            `scores`: [B, N] floats in [−1, 1], finite beyond an instance's customers. `choice`: [B] whole numbers from
            0 to K − 1.
        resting
            Indices of environments that do not move; their actions are ignored.

        Raises
        ------
        InputError
            If the shape is wrong, an entry is out of range, or an episode is over.
        """
        return self.step_freed(self.freed(actions, resting))

    def freed(self, actions: NDArray[Any], resting: Collection[int] = ()) -> list[list[int] | None]:
        """Return the customers 1 … n that actions free, None for resting environments; see `step`."""
        array = np.asarray(actions)
        episodes = [None if index in resting else self._episode(index) for index in range(self.n_envs)]
        if self.config.action == "choice":
            require_choices(array, self.config.choices, [episode is None for episode in episodes])
            return [
                None if episode is None else self._sets[index][array[index]] for index, episode in enumerate(episodes)
            ]
        require_actions(array, self.config.n_max, [None if one is None else one.n_customers for one in episodes])
        return [
            None
            if one is None
            else grown_set(
                array[index, : one.n_customers],
                one.routes,
                one.observer.neighbours,
                self.config.freed,
                one.ties(),
            )
            for index, one in enumerate(episodes)
        ]

    def step_freed(self, sets: Sequence[Sequence[int] | None]) -> BatchStep:
        """Carry out the move of every environment that frees a given set of customers 1 … n; None: it rests.

        Raises
        ------
        InputError
            If there is not one set per environment, one is empty, everybody, or not of different customers, or an
            episode is over.
        """
        if len(sets) != self.n_envs:
            raise InputError(
                f"{len(sets)} sets for {self.n_envs} environments", field="freed", remedy="give one per environment"
            )
        for index, freed in enumerate(sets):
            if freed is not None:
                if self._episode(index).is_over:
                    raise InputError("the episode is over", source=f"environment {index}", remedy="reset it first")
                self._episode(index).require(freed)
        rewards, terminated = np.zeros(self.n_envs), np.zeros(self.n_envs, dtype=bool)
        infos: list[dict[str, Any]] = [{} for _ in range(self.n_envs)]
        for index, freed in enumerate(sets):
            if freed is not None:
                episode = self._episode(index)
                before = self._potential(episode)
                episode.move(freed)
                self._observe(index, episode, freed)
                rewards[index] = self._potential(episode) - before
                terminated[index] = episode.is_over
                infos[index] = episode.info()
        return BatchStep(rewards, terminated, infos)

    def sets(self, index: int) -> list[list[int]]:
        """Return the sets of customers 1 … n that an environment's next action chooses from; none with `scores`."""
        self._episode(index)
        return [list(freed) for freed in self._sets[index]]

    def close(self) -> None:
        """Close the current samplers that were made by name, which saves what they learned.

        Samplers from a caller's function are left to the caller. Episodes can be started again afterwards.
        """
        if self._is_named:
            made = {id(one.search.sampler): one.search.sampler for one in self._episodes if one is not None}
            for sampler in made.values():
                close_sampler(sampler)
        self._held.close()

    def render(self, index: int, mode: str) -> str | NDArray[np.uint8]:
        """Return an environment's episode as text or as a picture [H, W, 3], see `render_search`."""
        return render_search(self._episode(index), mode)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the state that `load_state` needs: plain JSON values, and arrays by name.

        An episode is stored as its generator's state and its freed sets; `load_state` replays it.
        """
        arrays: dict[str, NDArray[Any]] = {}
        records: list[dict[str, Any] | None] = []
        for index, episode in enumerate(self._episodes):
            if episode is None:
                records.append(None)
                continue
            record: dict[str, Any] = {"rng": episode.rng_record, "instance": None}
            arrays[f"{index}/freed"] = np.array([one for freed in episode.trail for one in freed], np.int64)
            arrays[f"{index}/sizes"] = np.array([len(freed) for freed in episode.trail], np.int64)
            if episode.is_given:
                record["instance"], parts = instance_record(episode.problem)
                arrays |= {f"{index}/{name}": part for name, part in parts.items()}
            records.append(record)
        return {"config": self.config.to_json(), "episodes": records}, arrays

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
        if from_record(SearchEnvConfig, record["config"], "config") != self.config:
            raise InputError("the state is one of another configuration", field="config", remedy="resume with the same")
        if len(record["episodes"]) != self.n_envs:
            raise InputError(
                f"the state has {len(record['episodes'])} environments, the batch {self.n_envs}",
                field="n_envs",
                remedy="resume with the same number",
            )
        self._episodes = [None] * self.n_envs
        for index, entry in enumerate(record["episodes"]):
            if entry is None:
                continue
            own = {name: np.asarray(arrays[f"{index}/{name}"]) for name in _PARTS if f"{index}/{name}" in arrays}
            problem = None if entry["instance"] is None else instance_from_record(entry["instance"], own)
            self._start(index, generator_from_record(entry["rng"]), problem)
            ends = np.cumsum(arrays[f"{index}/sizes"])
            for freed in np.split(np.asarray(arrays[f"{index}/freed"]), ends[:-1]) if len(ends) else ():
                self._episode(index).move(freed.tolist())
                self._observe(index, self._episode(index), freed.tolist())

    def _start(self, index: int, rng: np.random.Generator, problem: CVRP | None) -> dict[str, Any]:
        episode = new_episode(self.config, self._make_sampler, rng, generator_record(rng), problem)
        self._episodes[index] = episode
        n = episode.n_customers
        for array in self._observations.values():
            array[index] = 0
        self._observations["node_mask"][index, :n] = 1
        self._observations["neighbours"][index, :n] = episode.observer.neighbours
        self._observe(index, episode)
        return episode.info()

    def _observe(self, index: int, episode: SearchEpisode, freed: Sequence[int] = ()) -> None:
        """Update the observation after a move, and draw the sets of the next one."""
        observed = episode.observer.observe(episode.search, freed)
        self._observations["nodes"][index, : episode.n_customers] = observed
        if self.config.action == "choice":
            self._sets[index] = episode.draw_sets(self.config.choices)
            table = self._observations["sets"][index]
            table[:] = 0
            for row, drawn in zip(table, self._sets[index], strict=True):
                row[np.array(drawn) - 1] = 1

    def _potential(self, episode: SearchEpisode) -> float:
        return potential(episode, self.config.reward, self.config.unit)
