"""The batch as a Gymnasium vector environment, each entry reset in the step after the end of its episode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from envs.env import configured, instance_option, make_batch
from envs.render import RENDER_MODES, RenderMode, require_mode
from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from envs.ascent_batch import AscentBatch
    from envs.batch import Batch
    from envs.config import EnvConfig, Preset

Observations = dict[str, Any]


class EpisodeVectorEnv(VectorEnv[Observations, "NDArray[Any]", "NDArray[Any]"]):
    """A batch of episodes as a Gymnasium vector environment.

    Environment b, seeded with s, is bit-equal to an `EpisodeEnv` seeded with s + b.

    Parameters
    ----------
    batch, render_mode
        As for `EpisodeEnv`.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as in gymnasium
        "render_modes": list(RENDER_MODES),
        "render_fps": 5,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(self, batch: Batch[Any], render_mode: RenderMode | None = None) -> None:
        self.num_envs = batch.n_envs
        self.render_mode = require_mode(render_mode)
        self.batch = batch
        self.single_observation_space = batch.observation_space
        self.single_action_space = batch.action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._sources = [seeding.np_random() for _ in range(self.num_envs)]
        self._is_over = np.zeros(self.num_envs, dtype=bool)

    # Gymnasium declares one generator and seed, with a setter; its own SyncVectorEnv returns one per environment too
    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """Random generators of the environments, as in `gymnasium.vector.SyncVectorEnv`."""
        return tuple(generator for generator, _ in self._sources)

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # type: ignore[override]  # one seed per environment
        """Seeds of the environments: the last ones given to `reset`, random ones before."""
        return tuple(seed for _, seed in self._sources)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, dict[str, Any]]:
        """Start an episode in every environment.

        Parameters
        ----------
        seed
            A number s seeds environment b with s + b; a sequence has one seed per environment.
        options
            `instance` of all environments, or a list with one per environment (None: generated); `reset_mask` [B]
            bool selects the environments to reset.

        Raises
        ------
        InputError
            If an option is unknown or of another length, or an instance cannot be read; see `LagrangianCVRP.reset`.
        """
        given = dict(options or {})
        mask = np.asarray(given.pop("reset_mask", np.ones(self.num_envs, dtype=bool)))
        if mask.shape != (self.num_envs,) or mask.dtype != bool:
            problem = f"{mask.dtype} array of shape {mask.shape}"
            raise InputError(problem, field="reset_mask", remedy=f"give {self.num_envs} bools")
        option = instance_option(given)
        instances = list(option) if isinstance(option, list | tuple) else [option] * self.num_envs
        seeds = self._seeds(seed)
        self._require_one_each(instances, "options['instance']")
        infos: dict[str, Any] = {}
        for index in np.flatnonzero(mask).tolist():
            if seeds[index] is not None:
                self._sources[index] = seeding.np_random(seeds[index])
            infos = self._add_info(infos, self.batch.reset(index, self.np_random[index], instances[index]), index)
        self._is_over[mask] = False
        return self.batch.observations(), infos

    def step(
        self, actions: NDArray[Any]
    ) -> tuple[Observations, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Move every environment by actions [B, …]; one whose episode is over is reset and its action ignored."""
        over = np.flatnonzero(self._is_over).tolist()
        step = self.batch.step(actions, resting=over)
        for index in over:
            step.infos[index] = self.batch.reset(index, self.np_random[index])
        self._is_over = step.terminated.copy()
        infos: dict[str, Any] = {}
        for index, info in enumerate(step.infos):
            infos = self._add_info(infos, info, index)
        return (
            self.batch.observations(),
            step.rewards,
            step.terminated,
            np.zeros(self.num_envs, dtype=bool),
            infos,
        )

    def close_extras(self, **kwargs: Any) -> None:
        """Close the samplers, which saves what they learned; see `EpisodeBatch.close`."""
        self.batch.close()

    def render(self) -> tuple[Any, ...] | None:
        """Return every environment's text or picture, by the render mode."""
        mode = self.render_mode
        return None if mode is None else tuple(self.batch.render(index, mode) for index in range(self.num_envs))

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, int | np.integer):
            return [int(seed) + index for index in range(self.num_envs)]
        self._require_one_each(seed, "seed")
        return [None if one is None else int(one) for one in seed]

    def _require_one_each(self, given: Sequence[Any], field: str) -> None:
        if len(given) != self.num_envs:
            raise InputError(f"{len(given)} given", field=field, remedy=f"give one, or one for each of {self.num_envs}")


class LagrangianVectorEnv(EpisodeVectorEnv):
    """B environments in one process, moved by one step of the dual loop.

    Environment b, seeded with s, is bit-equal to a `LagrangianCVRP` seeded with s + b.

    Parameters
    ----------
    num_envs
        Number of environments B.
    config, render_mode, preset, overrides
        As for `LagrangianCVRP`.
    """

    batch: AscentBatch[Any]

    def __init__(
        self,
        num_envs: int = 1,
        config: EnvConfig | None = None,
        render_mode: RenderMode | None = None,
        *,
        preset: Preset = "default",
        **overrides: Any,
    ) -> None:
        self.config, makers = configured(config, preset, overrides)
        super().__init__(make_batch(self.config, num_envs, makers), render_mode)

    def set_phase(self, phase: int | None) -> None:
        """Set the curriculum phase of the episodes to come; None: no curriculum, see `EpisodeBatch.set_phase`."""
        self.batch.set_phase(phase)
