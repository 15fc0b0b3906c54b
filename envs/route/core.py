"""A batch of episodes of a route relaxation, whose duals are evaluated one after the other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from envs.ascent_batch import AscentBatch
from envs.rng import generator_record
from envs.route.action import next_route_multipliers
from envs.route.episode import RouteEpisode, new_route_episode
from envs.route.render import render_route_episode
from lagrl.compilation import compile_kernels
from lagrl.errors import InputError
from lagrl.samplers.held import HeldSamplers
from lagrl.samplers.registry import close_sampler

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from envs.batch import BatchStep
    from envs.config import EnvConfig
    from lagrl.dual_loop import Step
    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.sampler import SubproblemSampler


class RouteEpisodeBatch(AscentBatch[RouteEpisode]):
    """B parallel environments of a route relaxation; see `AscentBatch` for the attributes.

    Parameters
    ----------
    config
        Configuration of the episodes; its `relaxation` is not `assignment`.
    n_envs
        Number of environments B.
    sampler
        Must be None: routes are priced exactly.
    route_sampler
        Function or class that makes the sampler that completes routes, instead of the one named in `config`.

    Raises
    ------
    UnknownNameError, InputError
        If `n_envs` is below 1, a sampler that prices is given, or the other cannot be made.
    """

    def __init__(
        self,
        config: EnvConfig,
        n_envs: int,
        *,
        sampler: Callable[[], SubproblemSampler] | None = None,
        route_sampler: Callable[[], SubproblemSampler] | None = None,
    ) -> None:
        if sampler is not None:
            raise InputError(
                "a function given",
                field="sampler",
                remedy=f"leave it out: relaxation={config.relaxation!r} prices routes exactly; see route_sampler",
            )
        super().__init__(config, n_envs)
        self._held = HeldSamplers()
        self._make_sampler = route_sampler or partial(self._held.make, config.route_sampler)
        self._is_named = route_sampler is None
        self._make_sampler()
        compile_kernels("relaxation", "recovery", "bounds")

    def close(self) -> None:
        """Close the current samplers that were made by name, which saves what they learned.

        Samplers from a caller's function are left to the caller. Episodes can be started again afterwards.
        """
        samplers = [episode.feedback.sampler for episode in self._episodes if episode is not None]
        for sampler in {id(one): one for one in samplers if self._is_named}.values():
            close_sampler(sampler)
        self._held.close()

    def render(self, index: int, mode: str) -> str | NDArray[np.uint8]:
        """Return an environment's episode as text or as a picture [H, W, 3], see `render_route_episode`."""
        return render_route_episode(self._episode(index), mode)

    def _start(self, index: int, rng: np.random.Generator, problem: CVRP | None, phase: int | None) -> dict[str, Any]:
        episode = new_route_episode(self.config, self._make_sampler, phase, rng, generator_record(rng), problem)
        step = episode.evaluate(episode.initial)
        self._install(index, episode)
        self._record(index, episode, step)
        return episode.info()

    def _act(self, actions: Sequence[NDArray[np.floating[Any]] | None]) -> BatchStep:
        return self.step_multipliers(
            [
                None
                if action is None
                else next_route_multipliers(action, self._episode(index).observer.memory, self.config.action)
                for index, action in enumerate(actions)
            ]
        )

    def _evaluate(self, multipliers: Sequence[NDArray[np.float64] | None]) -> list[Step | None]:
        clipped = [
            None if vector is None else self._episode(index).dual.clip(vector)
            for index, vector in enumerate(multipliers)
        ]
        return [
            None if vector is None else self._episode(index).evaluate(vector) for index, vector in enumerate(clipped)
        ]

    def _install(self, index: int, episode: RouteEpisode) -> None:
        super()._install(index, episode)
        self._observations["edges"][index, : episode.n_customers] = episode.observer.edges
