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
    from lagrl.dual_loop import Lane, Turn
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
    n_lanes
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
        n_lanes: int,
        *,
        sampler: Callable[[], SubproblemSampler] | None = None,
        route_sampler: Callable[[], SubproblemSampler] | None = None,
    ) -> None:
        if n_lanes < 1:
            raise InputError(f"{n_lanes} given", field="n_lanes", remedy="give 1 or more")
        self.config = config
        self.n_lanes = n_lanes
        self.phase = config.phases[0]
        self._samplers = _samplers(config, sampler, route_sampler)
        self._is_named = (sampler is None, route_sampler is None)
        self._episodes: list[Episode | None] = [None] * n_lanes
        self._loop: DualLoop | None = None
        self._nodes = np.zeros((n_lanes, config.n_max, len(FEATURES)), np.float32)
        self._mask = np.zeros((n_lanes, config.n_max), np.int8)
        self._neighbours = np.zeros((n_lanes, config.n_max, N_NEIGHBOURS), np.int16)
        compile_kernels()

    @property
    def episodes(self) -> list[Episode]:
        """The lanes' episodes."""
        return [self._episode(lane) for lane in range(self.n_lanes)]

    def set_phase(self, phase: int) -> None:
        """Set the curriculum phase; each lane takes it on at its next reset."""
        if phase not in (1, 2, 3):
            raise InputError(f"{phase} given", field="phase", remedy="give 1, 2 or 3")
        self.phase = phase

    def reset(self, lane: int, rng: np.random.Generator, instance: CVRP | str | Path | None = None) -> dict[str, Any]:
        """Begin a lane's next episode, spend its first evaluation at λ₀, and return its scalars.

        Parameters
        ----------
        lane
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
        return self._begin(lane, rng, problem, self.phase)

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
        for lane in range(self.n_lanes):
            if lane in resting:
                multipliers.append(None)
                continue
            episode = self._episode(lane)
            assert episode.turn is not None
            action = array[lane, : episode.n_customers]
            multipliers.append(next_multipliers(action, episode.turn.point, episode.dual.scale, self.config.action))
        return self.step_multipliers(multipliers)

    def step_multipliers(self, multipliers: Sequence[NDArray[np.float64] | None]) -> BatchStep:
        """Move every lane to given multipliers [n], distance units; None lets it rest.

        Raises
        ------
        InputError
            If there is not one entry per lane, one is not [n] finite numbers, or a lane's episode is over.
        """
        if len(multipliers) == self.n_lanes:  # else the loop refuses
            for lane, vector in enumerate(multipliers):
                if vector is not None and self._episode(lane).is_over:
                    raise InputError("the episode is over", source=f"lane {lane}", remedy="reset it first")
        rewards, terminated = np.zeros(self.n_lanes), np.zeros(self.n_lanes, dtype=bool)
        infos: list[dict[str, Any]] = [{} for _ in range(self.n_lanes)]
        for lane, turn in enumerate(self._require_loop().step(multipliers)):
            if turn is not None:
                episode = self._episode(lane)
                rewards[lane] = self._take(lane, episode, turn)
                terminated[lane] = episode.is_over
                infos[lane] = episode.info()
        return BatchStep(rewards, terminated, infos)

    def close(self) -> None:
        """Close the samplers made by name of the episodes under way, which saves what they learned.

        What makes samplers is the caller's, and so is what it made. Episodes may be begun again afterwards.
        """
        made: dict[int, SubproblemSampler] = {}
        for episode in self._episodes:
            if episode is not None:
                duals = (episode.lane.dual, episode.lane.route_dual)
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

    def observation(self, lane: int) -> dict[str, NDArray[Any]]:
        """Return what one lane sees, fresh arrays."""
        return {
            "nodes": self._nodes[lane].copy(),
            "node_mask": self._mask[lane].copy(),
            "neighbours": self._neighbours[lane].copy(),
        }

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return everything needed to go on from here: plain JSON values, and arrays by name.

        An episode is kept as how it was drawn and the multipliers it took; `load_state` plays it again.
        """
        arrays: dict[str, NDArray[Any]] = {}
        lanes: list[dict[str, Any] | None] = []
        for lane, episode in enumerate(self._episodes):
            if episode is None:
                lanes.append(None)
                continue
            record: dict[str, Any] = {"rng": episode.rng_record, "phase": episode.phase, "instance": None}
            arrays[f"{lane}/multipliers"] = np.array(episode.trail).reshape(episode.steps, episode.n_customers)
            if episode.is_given:
                record["instance"], parts = instance_record(episode.problem)
                arrays |= {f"{lane}/{name}": part for name, part in parts.items()}
            lanes.append(record)
        return {"config": self.config.to_json(), "phase": self.phase, "lanes": lanes}, arrays

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
        if len(record["lanes"]) != self.n_lanes:
            raise InputError(
                f"the state has {len(record['lanes'])} lanes, the batch {self.n_lanes}",
                field="n_lanes",
                remedy="resume with as many",
            )
        self.set_phase(record["phase"])
        self._episodes = [None] * self.n_lanes
        trails = []
        for lane, entry in enumerate(record["lanes"]):
            trails.append(np.asarray(arrays.get(f"{lane}/multipliers", ())))
            if entry is not None:
                own = {name: np.asarray(arrays[f"{lane}/{name}"]) for name in _PARTS if f"{lane}/{name}" in arrays}
                problem = None if entry["instance"] is None else instance_of(entry["instance"], own)
                self._begin(lane, generator_of(entry["rng"]), problem, entry["phase"])
        for step in range(max(map(len, trails))):
            self.step_multipliers([trail[step] if step < len(trail) else None for trail in trails])

    def _begin(self, lane: int, rng: np.random.Generator, problem: CVRP | None, phase: int) -> dict[str, Any]:
        episode = new_episode(self.config, self._samplers, phase, rng, generator_record(rng), problem)
        (turn,) = self._new_loop([episode.lane]).step([episode.initial])
        assert turn is not None
        self._place(lane, episode)
        self._take(lane, episode, turn)
        return episode.info()

    def _new_loop(self, lanes: list[Lane]) -> DualLoop:
        config = self.config
        return DualLoop(lanes, decode_every=config.decode_every, n_joint=config.n_joint, route_every=config.route_every)

    def _place(self, lane: int, episode: Episode) -> None:
        """Put an episode where the lane's last one was."""
        if self._loop is None:  # its place is kept in the other lanes until they begin; they cannot step before
            self._loop = self._new_loop([episode.lane] * self.n_lanes)
        self._loop.lanes[lane] = episode.lane
        self._episodes[lane] = episode
        n = episode.n_customers
        self._nodes[lane, n:] = 0.0
        self._mask[lane, :n], self._mask[lane, n:] = 1, 0
        self._neighbours[lane, :n], self._neighbours[lane, n:] = episode.observer.neighbours, 0

    def _take(self, lane: int, episode: Episode, turn: Turn) -> float:
        """Let a turn into the episode and the lane's observation; return the reward."""
        weights = self.config.rewards
        before = potential(episode.progress, episode.phase, weights)
        episode.note(turn)
        self._nodes[lane, : episode.n_customers] = episode.observer.observe(turn.point, turn.feedback)
        return potential(episode.progress, episode.phase, weights) - before

    def _check_actions(self, actions: NDArray[np.floating[Any]], resting: Collection[int]) -> None:
        wanted = (self.n_lanes, self.config.n_max)
        if actions.shape != wanted or not np.issubdtype(actions.dtype, np.floating):
            raise InputError(
                f"array of shape {actions.shape} and type {actions.dtype}",
                field="action",
                remedy=f"give floats of shape {wanted}: lanes and padded customers",
            )
        if (np.abs(actions) <= 1.0 + TOLERANCE).all():
            return
        for lane in range(self.n_lanes):
            if lane in resting:
                continue
            n = self._episode(lane).n_customers
            refuse_entry(actions[lane, :n], f"lane {lane}")
            for entry in np.flatnonzero(~np.isfinite(actions[lane, n:]))[:1]:
                raise InputError(
                    f"entry {n + entry} beyond the {n} customers is {actions[lane, n + entry]}",
                    source=f"lane {lane}",
                    field="action",
                    remedy="pad with 0",
                )

    def _episode(self, lane: int) -> Episode:
        episode = self._episodes[lane]
        if episode is None:
            raise InputError("no episode has begun", source=f"lane {lane}", remedy="call reset first")
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
