"""A batch of episodes, moved together by one `DualLoop.step`; every environment here is a thin adapter of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.action import action_space, next_multipliers, require_actions
from envs.batch import Batch, BatchStep
from envs.config import EnvConfig
from envs.episode import Episode, Samplers, choose_seeds, new_episode
from envs.generator import instance_from_record, instance_record, load_instance
from envs.observation import space_of
from envs.render import render_episode
from envs.reward import potential
from envs.rng import generator_from_record, generator_record
from lagrl.compilation import compile_kernels
from lagrl.dual_loop import DualLoop
from lagrl.errors import InputError
from lagrl.io.records import from_record
from lagrl.samplers.registry import close_sampler, is_learning, make_sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from lagrl.dual_loop import AscentState, Step
    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.sampler import SubproblemSampler


class EpisodeBatch(Batch[Episode]):
    """B parallel environments, each with its own instance, budget and random numbers.

    Parameters
    ----------
    config
        Configuration of the episodes.
    n_envs
        Number of environments B.
    sampler, route_sampler
        Functions or classes that make the samplers, instead of those named in `config`.

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
    UnknownNameError, InputError
        If `n_envs` is below 1, or a sampler cannot be made.
    """

    def __init__(
        self,
        config: EnvConfig,
        n_envs: int,
        *,
        sampler: Callable[[], SubproblemSampler] | None = None,
        route_sampler: Callable[[], SubproblemSampler] | None = None,
    ) -> None:
        super().__init__(n_envs, space_of(config), action_space(config.n_max))
        self.config = config
        self.phase: int | None = None
        self._samplers = _samplers(config, sampler, route_sampler)
        self._is_named = (sampler is None, route_sampler is None)
        self._loop: DualLoop | None = None
        compile_kernels("relaxation", "recovery")

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
            [B, N] in [−1, 1]; entries beyond an instance's customers are ignored, but must be finite.
        resting
            Indices of environments that do not move; their actions are ignored.

        Raises
        ------
        InputError
            If the shape is wrong, an entry is not finite or out of range, or an episode is over.
        """
        array = np.asarray(actions)
        sizes = [None if index in resting else self._episode(index).n_customers for index in range(self.n_envs)]
        require_actions(array, self.config.n_max, sizes)
        multipliers: list[NDArray[np.float64] | None] = [None] * self.n_envs
        choosing = []
        for index in range(self.n_envs):
            if index in resting:
                continue
            episode = self._episode(index)
            if episode.is_choosing:
                choosing.append(index)
                continue
            assert episode.step is not None
            action = array[index, : episode.n_customers]
            multipliers[index] = next_multipliers(action, episode.step.point, episode.dual.scale, self.config.action)
        result = self.step_multipliers(multipliers)
        for index in choosing:
            episode = self._episode(index)
            scores = np.clip(array[index, : episode.n_customers].astype(np.float64), -1.0, 1.0)
            result.rewards[index] = self._choose(index, episode, scores)
            result.infos[index] = episode.info()
        return result

    def step_multipliers(self, multipliers: Sequence[NDArray[np.float64] | None]) -> BatchStep:
        """Move every environment to given multipliers [n], distance units; None: it rests.

        Raises
        ------
        InputError
            If there is not one entry per environment, one is not [n] finite numbers, an episode is over, or its seeds
            are not chosen.
        """
        if len(multipliers) == self.n_envs:  # otherwise the loop raises the error
            for index, vector in enumerate(multipliers):
                if vector is not None:
                    self._require_running(index)
        rewards, terminated = np.zeros(self.n_envs), np.zeros(self.n_envs, dtype=bool)
        infos: list[dict[str, Any]] = [{} for _ in range(self.n_envs)]
        for index, step in enumerate(self._require_loop().step(multipliers)):
            if step is not None:
                episode = self._episode(index)
                rewards[index] = self._record(index, episode, step)
                terminated[index] = episode.is_over
                infos[index] = episode.info()
        return BatchStep(rewards, terminated, infos)

    def close(self) -> None:
        """Close the current samplers that were made by name, which saves what they learned.

        Samplers from a caller's function are left to the caller. Episodes can be started again afterwards.
        """
        made: dict[int, SubproblemSampler] = {}
        for episode in self._episodes:
            if episode is not None:
                duals = (episode.state.dual, episode.state.route_dual, episode.judge)
                for dual, is_named in zip(duals, (*self._is_named, self._is_named[0]), strict=True):
                    if dual is not None and is_named:
                        made[id(dual.sampler)] = dual.sampler
        for sampler in made.values():
            close_sampler(sampler)

    def render(self, index: int, mode: str) -> str | NDArray[np.uint8]:
        """Return an environment's episode as text or as a picture [H, W, 3], see `render_episode`."""
        return render_episode(self._episode(index), mode)

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
            arrays[f"{index}/multipliers"] = np.array(episode.trail).reshape(episode.steps, episode.n_customers)
            if episode.choice is not None and episode.choice.scores is not None:
                arrays[f"{index}/scores"] = episode.choice.scores.copy()
            if episode.is_given:
                record["instance"], parts = instance_record(episode.problem)
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

    def _start(self, index: int, rng: np.random.Generator, problem: CVRP | None, phase: int | None) -> dict[str, Any]:
        episode = new_episode(self.config, self._samplers, phase, rng, generator_record(rng), problem)
        if episode.is_choosing:
            self._install(index, episode)
            self._observe_choice(index, episode)
        else:
            step = self._first_step(episode)
            self._install(index, episode)
            self._record(index, episode, step)
        return episode.info()

    def _choose(self, index: int, episode: Episode, scores: NDArray[np.float64]) -> float:
        """Choose an episode's seeds and evaluate λ₀; return the reward."""
        choose_seeds(episode, scores, self.config, self._samplers)
        step = self._first_step(episode)
        self._install(index, episode)
        return self._record(index, episode, step)

    def _first_step(self, episode: Episode) -> Step:
        (step,) = self._new_loop([episode.state]).step([episode.initial])
        assert step is not None
        return step

    def _new_loop(self, states: list[AscentState]) -> DualLoop:
        config = self.config
        return DualLoop(
            states,
            decode_every=config.decode_every,
            n_joint=config.n_joint,
            record_exact=config.judge == "exact",
            route_every=config.route_every,
            tour_decoded=config.tour_decoded,
        )

    def _install(self, index: int, episode: Episode) -> None:
        """Put an episode in the place of the environment's last one."""
        if self._loop is None:  # the other entries hold this state until their first reset; they cannot step before
            self._loop = self._new_loop([episode.state] * self.n_envs)
        self._loop.states[index] = episode.state
        self._episodes[index] = episode
        n = episode.n_customers
        for key, array in self._observations.items():
            array[index, n if key in _NODES else 0 :] = 0
        self._observations["node_mask"][index, :n] = 1
        self._observations["neighbours"][index, :n] = episode.observer.neighbours

    def _observe_choice(self, index: int, episode: Episode) -> None:
        choice, n = episode.choice, episode.n_customers
        assert choice is not None
        self._observations["nodes"][index, :n] = episode.observer.before_start()
        self._observations["choosing"][index] = 1
        if self.config.seeding == "choose":
            self._observations["candidates"][index, :n] = choice.members
            self._observations["excess"][index] = choice.excess

    def _record(self, index: int, episode: Episode, step: Step) -> float:
        """Record an evaluation in the episode and its observation; return the reward."""
        weights, phases = self.config.rewards, self.config.phases
        before = potential(episode.best, episode.phase, weights, phases)
        episode.note(step)
        observed = episode.observer.observe(step.point, step.feedback)
        self._observations["nodes"][index, : episode.n_customers] = observed
        return potential(episode.best, episode.phase, weights, phases) - before

    def _require_running(self, index: int) -> None:
        episode = self._episode(index)
        if episode.is_over:
            raise InputError("the episode is over", source=f"environment {index}", remedy="reset it first")
        if episode.is_choosing:
            raise InputError(
                "the seeds are not chosen yet", source=f"environment {index}", remedy="give their scores to step first"
            )

    def _require_loop(self) -> DualLoop:
        if self._loop is None:
            raise InputError("no episode has started", field="step", remedy="call reset first")
        return self._loop


_NODES = ("nodes", "node_mask", "neighbours")
_PARTS = ("demand", "distance", "coordinates")


def _samplers(
    config: EnvConfig,
    sampler: Callable[[], SubproblemSampler] | None,
    route_sampler: Callable[[], SubproblemSampler] | None,
) -> Samplers:
    """Return the episodes' sampler makers, each tried once; equal names share the strings for pricing and routes."""
    if config.judge == "samples" and sampler is None:
        _require_fresh_samples(config.sampler)
    price = sampler or partial(make_sampler, config.sampler)  # not a lambda: environments are pickled
    route = route_sampler or partial(make_sampler, config.route_sampler)
    price()
    route()
    is_shared = sampler is None and route_sampler is None and config.sampler == config.route_sampler
    return Samplers(price, None if is_shared else route)


def _require_fresh_samples(sampler: str) -> None:
    if sampler.startswith("replay:") or is_learning(sampler):
        reason = "has no other samples" if sampler.startswith("replay:") else "would learn from the judge's samples"
        raise InputError(f"sampler {sampler} {reason}", field="judge", remedy="use judge='exact'")
