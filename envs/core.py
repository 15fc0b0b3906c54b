"""A batch of episodes, moved together by one `DualLoop.step`; every environment here is a thin adapter of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.action import next_multipliers, require_actions
from envs.ascent_batch import AscentBatch
from envs.compiled import CompiledSteps, is_compiled
from envs.episode import Episode, Samplers, choose_seeds, new_episode
from envs.render import render_episode
from envs.rng import generator_record
from lagrl.compilation import compile_kernels
from lagrl.dual_loop import DualLoop
from lagrl.errors import InputError
from lagrl.samplers.held import HeldSamplers
from lagrl.samplers.registry import close_sampler, is_learning

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from numpy.typing import NDArray

    from envs.batch import BatchStep
    from envs.config import EnvConfig
    from lagrl.dual_loop import AscentState, Step
    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.sampler import SubproblemSampler


class EpisodeBatch(AscentBatch[Episode]):
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
        super().__init__(config, n_envs)
        self._held = HeldSamplers()
        self._samplers = _samplers(config, sampler, route_sampler, self._held)
        self._is_named = (sampler is None, route_sampler is None)
        self._loop: DualLoop | None = None
        compile_kernels("relaxation", "recovery")
        self._steps = CompiledSteps(config, n_envs)

    @property
    def episodes(self) -> list[Episode]:
        """Current episode of each environment, kept up to date from now on; InputError before its first reset."""
        for index in range(self.n_envs):
            self._steps.watch(index)
        return super().episodes

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
        self._held.close()

    def render(self, index: int, mode: str) -> str | NDArray[np.uint8]:
        """Return an environment's episode as text or as a picture [H, W, 3], see `render_episode`."""
        return render_episode(self._episode(index), mode)

    def step(self, actions: NDArray[np.floating[Any]], resting: Collection[int] = ()) -> BatchStep:
        """Move the multipliers of every environment by its action, or choose its seeds; see `AscentBatch.step`."""
        array = np.asarray(actions)
        if resting or not self._steps.all_run():
            return super().step(array, resting)
        require_actions(array, self.config.n_max, self._steps.sizes)
        return self._steps.act(array, self._require_loop(), self._observations["nodes"])

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the state that `load_state` needs; see `AscentBatch.state`."""
        self._steps.update_all()
        return super().state()

    def _episode(self, index: int) -> Episode:
        self._steps.update(index)
        return super()._episode(index)

    def _act(self, actions: Sequence[NDArray[np.floating[Any]] | None]) -> BatchStep:
        multipliers: list[NDArray[np.float64] | None] = [None] * self.n_envs
        choosing = []
        for index, action in enumerate(actions):
            if action is None:
                continue
            episode = self._episode(index)
            if episode.is_choosing:
                choosing.append((index, np.clip(action.astype(np.float64), -1.0, 1.0)))
                continue
            assert episode.step is not None
            multipliers[index] = next_multipliers(action, episode.step.point, episode.dual.scale, self.config.action)
        result = self.step_multipliers(multipliers)
        for index, scores in choosing:
            episode = self._episode(index)
            result.rewards[index] = self._choose(index, episode, scores)
            result.infos[index] = episode.info()
        return result

    def _move(self, multipliers: Sequence[NDArray[np.float64] | None]) -> BatchStep:
        if not any(self._steps.holds(index) for index, vector in enumerate(multipliers) if vector is not None):
            return super()._move(multipliers)
        clipped = [
            None if vector is None else self._episode(index).dual.clip(vector)
            for index, vector in enumerate(multipliers)
        ]
        compiled = [vector if self._steps.holds(index) else None for index, vector in enumerate(clipped)]
        others = [None if self._steps.holds(index) else vector for index, vector in enumerate(clipped)]
        result = self._steps.move(compiled, self._require_loop(), self._observations["nodes"])
        if any(vector is not None for vector in others):
            result = result.joined(super()._move(others))
        return result

    def _evaluate(self, multipliers: Sequence[NDArray[np.float64] | None]) -> list[Step | None]:
        return self._require_loop().step(multipliers)

    def _start(self, index: int, rng: np.random.Generator, problem: CVRP | None, phase: int | None) -> dict[str, Any]:
        episode = new_episode(self.config, self._samplers, phase, rng, generator_record(rng), problem)
        if episode.is_choosing:
            self._install(index, episode)
            self._observe_choice(index, episode)
        else:
            self._evaluate_start(index, episode)
        return episode.info()

    def _choices(self, episode: Episode) -> dict[str, NDArray[Any]]:
        choice = episode.choice
        return {} if choice is None or choice.scores is None else {"scores": choice.scores.copy()}

    def _choose(self, index: int, episode: Episode, scores: NDArray[np.float64]) -> float:
        choose_seeds(episode, scores, self.config, self._samplers)
        return self._evaluate_start(index, episode)

    def _evaluate_start(self, index: int, episode: Episode) -> float:
        """Evaluate λ₀, put the episode in the place of the environment's last one, and return the reward."""
        (step,) = self._new_loop([episode.state]).step([episode.initial])
        assert step is not None
        self._install(index, episode)
        reward = self._record(index, episode, step)
        if is_compiled(episode):
            self._steps.load(index, episode)
        return reward

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
        if self._loop is None:  # the other entries hold this state until their first reset; they cannot step before
            self._loop = self._new_loop([episode.state] * self.n_envs)
        self._loop.states[index] = episode.state
        self._steps.drop(index)
        super()._install(index, episode)

    def _observe_choice(self, index: int, episode: Episode) -> None:
        choice, n = episode.choice, episode.n_customers
        assert choice is not None
        self._observations["nodes"][index, :n] = episode.observer.before_start()
        self._observations["choosing"][index] = 1
        if self.config.seeding == "choose":
            self._observations["candidates"][index, :n] = choice.members
            self._observations["excess"][index] = choice.excess

    def _require_running(self, index: int) -> None:
        super()._require_running(index)
        if self._episode(index).is_choosing:
            raise InputError(
                "the seeds are not chosen yet", source=f"environment {index}", remedy="give their scores to step first"
            )

    def _require_loop(self) -> DualLoop:
        if self._loop is None:
            raise InputError("no episode has started", field="step", remedy="call reset first")
        return self._loop


def _samplers(
    config: EnvConfig,
    sampler: Callable[[], SubproblemSampler] | None,
    route_sampler: Callable[[], SubproblemSampler] | None,
    held: HeldSamplers,
) -> Samplers:
    """Return the episodes' sampler makers, each tried once; equal names share the strings for pricing and routes."""
    if config.judge == "samples" and sampler is None:
        _require_fresh_samples(config.sampler)
    price = sampler or partial(held.make, config.sampler)  # not a lambda: environments are pickled
    route = route_sampler or partial(held.make, config.route_sampler)
    price()
    route()
    is_shared = sampler is None and route_sampler is None and config.sampler == config.route_sampler
    return Samplers(price, None if is_shared else route)


def _require_fresh_samples(sampler: str) -> None:
    if sampler.startswith("replay:") or is_learning(sampler):
        reason = "has no other samples" if sampler.startswith("replay:") else "would learn from the judge's samples"
        raise InputError(f"sampler {sampler} {reason}", field="judge", remedy="use judge='exact'")
