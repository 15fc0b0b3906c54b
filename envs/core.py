"""Episodes in a batch: one `DualLoop.step` moves all of them. Every environment here is a thin adapter of this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.action import TOLERANCE, next_multipliers, refuse_entry
from envs.episode import Episode, Samplers, new_episode
from envs.generator import given, instance_of, instance_record
from envs.observation import FEATURES, N_NEIGHBOURS
from envs.reward import potential
from envs.rng import generator_of, generator_record
from lagrl.compilation import compile_kernels
from lagrl.dual_loop import DualLoop
from lagrl.errors import InputError
from lagrl.samplers.registry import close_sampler, make_sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from envs.config import EnvConfig
    from lagrl.dual_loop import AscentState, Step
    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.sampler import SubproblemSampler


@dataclass(frozen=True)
class BatchStep:
    """What one step brought, by lane; a lane that rested has 0, False and {}.

    Attributes
    ----------
    rewards
        [B] float64.
    terminated
        [B] bool: the dual is proven optimal, or the budget is spent.
    infos
        Scalars, see `Episode.info`.
    """

    rewards: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    infos: list[dict[str, Any]]


class EpisodeBatch:
    """B episodes side by side, each with its own instance, budget and randomness.

    Parameters
    ----------
    config
        What an episode is.
    n_envs
        Number of episodes B.
    sampler, route_sampler
        Make the samplers (a class will do), instead of those named in `config`.

    Attributes
    ----------
    episodes
        One per lane; reading one before its first `reset` raises InputError.
    phase
        Curriculum phase that episodes begin in.

    Raises
    ------
    UnknownNameError, InputError
        If there is no lane, or a sampler cannot be made.
    """

    def __init__(
        self,
        config: EnvConfig,
        n_envs: int,
        *,
        sampler: Callable[[], SubproblemSampler] | None = None,
        route_sampler: Callable[[], SubproblemSampler] | None = None,
    ) -> None:
        if n_envs < 1:
            raise InputError(f"{n_envs} given", field="n_envs", remedy="give 1 or more")
        self.config = config
        self.n_envs = n_envs
        self.phase = config.phases[0]
        self._samplers = _samplers(config, sampler, route_sampler)
        self._is_named = (sampler is None, route_sampler is None)
        self._episodes: list[Episode | None] = [None] * n_envs
        self._loop: DualLoop | None = None
        self._nodes = np.zeros((n_envs, config.n_max, len(FEATURES)), np.float32)
        self._mask = np.zeros((n_envs, config.n_max), np.int8)
        self._neighbours = np.zeros((n_envs, config.n_max, N_NEIGHBOURS), np.int16)
        compile_kernels()

    @property
    def episodes(self) -> list[Episode]:
        """The lanes' episodes."""
        return [self._episode(index) for index in range(self.n_envs)]

    def set_phase(self, phase: int) -> None:
        """Set the curriculum phase; each lane takes it on at its next reset."""
        if phase not in (1, 2, 3):
            raise InputError(f"{phase} given", field="phase", remedy="give 1, 2 or 3")
        self.phase = phase

    def reset(self, index: int, rng: np.random.Generator, instance: CVRP | str | Path | None = None) -> dict[str, Any]:
        """Begin a lane's next episode, spend its first evaluation at λ₀, and return its scalars.

        Parameters
        ----------
        index
            Which, from 0.
        rng
            Source of all randomness of the episode.
        instance
            A CVRP, a `.vrp` file or an instance's name; generated if None.

        Raises
        ------
        InstanceError
            If the instance is larger than the padding.
        InputError
            If the instance cannot be read, or `rng` is not a PCG64 generator.
        """
        problem = None if instance is None else given(instance)
        return self._begin(index, rng, problem, self.phase)

    def step(self, actions: NDArray[np.floating[Any]], resting: Collection[int] = ()) -> BatchStep:
        """Move every lane by its action.

        Parameters
        ----------
        actions
            [B, N] in [−1, 1]; entries beyond a lane's customers are ignored, but must be finite.
        resting
            Lanes that stay where they are, whatever their actions.

        Raises
        ------
        InputError
            If the shape is wrong, an entry is not finite or out of range, or a lane's episode is over.
        """
        array = np.asarray(actions)
        self._check_actions(array, resting)
        multipliers: list[NDArray[np.float64] | None] = []
        for index in range(self.n_envs):
            if index in resting:
                multipliers.append(None)
                continue
            episode = self._episode(index)
            assert episode.step is not None
            action = array[index, : episode.n_customers]
            multipliers.append(next_multipliers(action, episode.step.point, episode.dual.scale, self.config.action))
        return self.step_multipliers(multipliers)

    def step_multipliers(self, multipliers: Sequence[NDArray[np.float64] | None]) -> BatchStep:
        """Move every lane to given multipliers [n], distance units; None lets it rest.

        Raises
        ------
        InputError
            If there is not one entry per lane, one is not [n] finite numbers, or a lane's episode is over.
        """
        if len(multipliers) == self.n_envs:  # else the loop refuses
            for index, vector in enumerate(multipliers):
                if vector is not None and self._episode(index).is_over:
                    raise InputError("the episode is over", source=f"lane {index}", remedy="reset it first")
        rewards, terminated = np.zeros(self.n_envs), np.zeros(self.n_envs, dtype=bool)
        infos: list[dict[str, Any]] = [{} for _ in range(self.n_envs)]
        for index, step in enumerate(self._require_loop().step(multipliers)):
            if step is not None:
                episode = self._episode(index)
                rewards[index] = self._take(index, episode, step)
                terminated[index] = episode.is_over
                infos[index] = episode.info()
        return BatchStep(rewards, terminated, infos)

    def close(self) -> None:
        """Close the samplers made by name of the episodes under way, which saves what they learned.

        What makes samplers is the caller's, and so is what it made. Episodes may be begun again afterwards.
        """
        made: dict[int, SubproblemSampler] = {}
        for episode in self._episodes:
            if episode is not None:
                duals = (episode.state.dual, episode.state.route_dual)
                for dual, is_named in zip(duals, self._is_named, strict=True):
                    if dual is not None and is_named:
                        made[id(dual.sampler)] = dual.sampler
        for sampler in made.values():
            close_sampler(sampler)

    def observations(self) -> dict[str, NDArray[Any]]:
        """Return what all lanes see, [B, …] fresh arrays; see `envs.observation.padded`."""
        return {
            "nodes": self._nodes.copy(),
            "node_mask": self._mask.copy(),
            "neighbours": self._neighbours.copy(),
        }

    def observation(self, index: int) -> dict[str, NDArray[Any]]:
        """Return what one lane sees, fresh arrays."""
        return {
            "nodes": self._nodes[index].copy(),
            "node_mask": self._mask[index].copy(),
            "neighbours": self._neighbours[index].copy(),
        }

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return everything needed to go on from here: plain JSON values, and arrays by name.

        An episode is kept as how it was drawn and the multipliers it took; `load_state` plays it again.
        """
        arrays: dict[str, NDArray[Any]] = {}
        records: list[dict[str, Any] | None] = []
        for index, episode in enumerate(self._episodes):
            if episode is None:
                records.append(None)
                continue
            record: dict[str, Any] = {"rng": episode.rng_record, "phase": episode.phase, "instance": None}
            arrays[f"{index}/multipliers"] = np.array(episode.trail).reshape(episode.steps, episode.n_customers)
            if episode.is_given:
                record["instance"], parts = instance_record(episode.problem)
                arrays |= {f"{index}/{name}": part for name, part in parts.items()}
            records.append(record)
        return {"config": self.config.to_json(), "phase": self.phase, "lanes": records}, arrays

    def load_state(self, record: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Play the recorded episodes again; what follows is then to the bit what would have followed.

        Parameters
        ----------
        record, arrays
            What `state` gave, from a batch of the same configuration and number of lanes.

        Raises
        ------
        InputError
            If they come from another configuration or number of lanes.
        """
        if record["config"] != self.config.to_json():
            raise InputError("the state is one of another configuration", field="config", remedy="resume with the same")
        if len(record["lanes"]) != self.n_envs:
            raise InputError(
                f"the state has {len(record['lanes'])} lanes, the batch {self.n_envs}",
                field="n_envs",
                remedy="resume with as many",
            )
        self.set_phase(record["phase"])
        self._episodes = [None] * self.n_envs
        trails = []
        for index, entry in enumerate(record["lanes"]):
            trails.append(np.asarray(arrays.get(f"{index}/multipliers", ())))
            if entry is not None:
                own = {name: np.asarray(arrays[f"{index}/{name}"]) for name in _PARTS if f"{index}/{name}" in arrays}
                problem = None if entry["instance"] is None else instance_of(entry["instance"], own)
                self._begin(index, generator_of(entry["rng"]), problem, entry["phase"])
        for step in range(max(map(len, trails))):
            self.step_multipliers([trail[step] if step < len(trail) else None for trail in trails])

    def _begin(self, index: int, rng: np.random.Generator, problem: CVRP | None, phase: int) -> dict[str, Any]:
        episode = new_episode(self.config, self._samplers, phase, rng, generator_record(rng), problem)
        (step,) = self._new_loop([episode.state]).step([episode.initial])
        assert step is not None
        self._place(index, episode)
        self._take(index, episode, step)
        return episode.info()

    def _new_loop(self, states: list[AscentState]) -> DualLoop:
        config = self.config
        return DualLoop(
            states, decode_every=config.decode_every, n_joint=config.n_joint, route_every=config.route_every
        )

    def _place(self, index: int, episode: Episode) -> None:
        """Put an episode where the lane's last one was."""
        if self._loop is None:  # its place is kept in the other lanes until they begin; they cannot step before
            self._loop = self._new_loop([episode.state] * self.n_envs)
        self._loop.states[index] = episode.state
        self._episodes[index] = episode
        n = episode.n_customers
        self._nodes[index, n:] = 0.0
        self._mask[index, :n], self._mask[index, n:] = 1, 0
        self._neighbours[index, :n], self._neighbours[index, n:] = episode.observer.neighbours, 0

    def _take(self, index: int, episode: Episode, step: Step) -> float:
        """Let a turn into the episode and the lane's observation; return the reward."""
        weights = self.config.rewards
        before = potential(episode.progress, episode.phase, weights)
        episode.note(step)
        self._nodes[index, : episode.n_customers] = episode.observer.observe(step.point, step.feedback)
        return potential(episode.progress, episode.phase, weights) - before

    def _check_actions(self, actions: NDArray[np.floating[Any]], resting: Collection[int]) -> None:
        wanted = (self.n_envs, self.config.n_max)
        if actions.shape != wanted or not np.issubdtype(actions.dtype, np.floating):
            raise InputError(
                f"array of shape {actions.shape} and type {actions.dtype}",
                field="action",
                remedy=f"give floats of shape {wanted}: lanes and padded customers",
            )
        if (np.abs(actions) <= 1.0 + TOLERANCE).all():
            return
        for index in range(self.n_envs):
            if index in resting:
                continue
            n = self._episode(index).n_customers
            refuse_entry(actions[index, :n], f"lane {index}")
            for entry in np.flatnonzero(~np.isfinite(actions[index, n:]))[:1]:
                raise InputError(
                    f"entry {n + entry} beyond the {n} customers is {actions[index, n + entry]}",
                    source=f"lane {index}",
                    field="action",
                    remedy="pad with 0",
                )

    def _episode(self, index: int) -> Episode:
        episode = self._episodes[index]
        if episode is None:
            raise InputError("no episode has begun", source=f"lane {index}", remedy="call reset first")
        return episode

    def _require_loop(self) -> DualLoop:
        if self._loop is None:
            raise InputError("no episode has begun", field="step", remedy="call reset first")
        return self._loop


_PARTS = ("demand", "distance", "coordinates")


def _samplers(
    config: EnvConfig,
    sampler: Callable[[], SubproblemSampler] | None,
    route_sampler: Callable[[], SubproblemSampler] | None,
) -> Samplers:
    """Check that the samplers can be made; one of the same name prices and proposes routes from the same strings."""
    price = sampler or (lambda: make_sampler(config.sampler))
    route = route_sampler or (lambda: make_sampler(config.route_sampler))
    price()
    route()
    is_shared = sampler is None and route_sampler is None and config.sampler == config.route_sampler
    return Samplers(price, None if is_shared else route)
