"""The batch as a VecEnv of Stable-Baselines3; an environment is reset in the step that ends its episode."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv

from envs.curriculum import Curriculum
from envs.env import LagrangianCVRP, configured, instance_option, make_batch
from envs.render import RenderMode, require_mode
from envs.rng import generator_from_record, generator_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from envs.ascent_batch import AscentBatch
    from envs.batch import Batch
    from envs.config import EnvConfig, Preset


class EpisodeVecEnv(VecEnv):
    """A batch of episodes as a VecEnv of Stable-Baselines3.

    Infos contain the entries that SB3 expects: `terminal_observation`, and `episode` (return, length, seconds) as
    from its Monitor.

    Parameters
    ----------
    batch, render_mode
        As for `EpisodeEnv`.
    seed
        Environment b draws its episodes from the generator seeded with [seed, b].
    """

    def __init__(self, batch: Batch[Any], seed: int = 0, render_mode: RenderMode | None = None) -> None:
        self.render_mode = require_mode(render_mode)
        self.batch = batch
        self._generators = [np.random.default_rng(one) for one in seeds_of(seed, batch.n_envs)]
        self._return = np.zeros(batch.n_envs)
        self._length = np.zeros(batch.n_envs, dtype=np.int64)
        self._started = time.perf_counter()
        super().__init__(batch.n_envs, batch.observation_space, batch.action_space)
        self.metadata["render_fps"] = LagrangianCVRP.metadata["render_fps"]

    def seed(self, seed: int | None = None) -> list[Any]:
        """Seed environment b's generator with [seed, b], from the next reset on.

        SB3's rule, seed + b, would give neighbouring seeds the same episodes in all environments except one.
        """
        super().seed(seed)
        if seed is not None:
            self._seeds = seeds_of(seed, self.num_envs)
        return list(self._seeds)

    def reset(self) -> dict[str, NDArray[Any]]:
        """Start an episode in every environment; `seed` and `set_options` take effect in this reset."""
        for index in range(self.num_envs):
            if self._seeds[index] is not None:
                self._generators[index] = np.random.default_rng(self._seeds[index])
            instance = instance_option(self._options[index])
            self.reset_infos[index] = self.batch.reset(index, self._generators[index], instance)
        self._return[:], self._length[:] = 0.0, 0
        self._reset_seeds()
        self._reset_options()
        return self.batch.observations()

    def step_async(self, actions: NDArray[Any]) -> None:
        """Store the actions [B, …] for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Move every environment; reset those whose episode ended."""
        step = self.batch.step(self._actions)
        self._return += step.rewards
        self._length += 1
        for index in np.flatnonzero(step.terminated).tolist():
            info = step.infos[index]
            info["terminal_observation"] = self.batch.observation(index)
            info["TimeLimit.truncated"] = False
            info["episode"] = {
                "r": round(float(self._return[index]), 6),
                "l": int(self._length[index]),
                "t": round(time.perf_counter() - self._started, 6),
            }
            self.reset_infos[index] = self.batch.reset(index, self._generators[index])
            self._return[index], self._length[index] = 0.0, 0
        return self.batch.observations(), step.rewards.astype(np.float32), step.terminated, step.infos

    def observations(self) -> dict[str, NDArray[Any]]:
        """Return copies of the current observations [B, …]; needed after `load_state`, which returns none."""
        return self.batch.observations()

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Return the state that `load_state` needs: plain JSON values, and arrays by name."""
        record, arrays = self.batch.state()
        record["generators"] = [generator_record(rng) for rng in self._generators]
        return record, arrays | {"return": self._return.copy(), "length": self._length.copy()}

    def load_state(self, record: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Restore a state, with bit-equal later steps; for the errors see `EpisodeBatch.load_state`."""
        self.batch.load_state(record, arrays)
        self._generators = [generator_from_record(entry) for entry in record["generators"]]
        self._return, self._length = np.array(arrays["return"]), np.array(arrays["length"])
        self.reset_infos = [episode.info() for episode in self.batch.episodes]

    def get_images(self) -> list[NDArray[np.uint8]]:
        """Return every environment's picture [H, W, 3]; `render` returns them as one, and VecVideoRecorder films it."""
        return [self.batch.render(index, "rgb_array") for index in range(self.num_envs)]

    def render(self, mode: str | None = None) -> Any:
        """Return one picture of all environments, or their texts by the render mode `ansi`; see `VecEnv.render`."""
        if self.render_mode == "ansi" and mode in (None, "ansi"):
            return tuple(self.batch.render(index, "ansi") for index in range(self.num_envs))
        return super().render(mode)

    def close(self) -> None:
        """Close the samplers, which saves what they learned; see `EpisodeBatch.close`."""
        self.batch.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return an attribute of this object, once per requested environment."""
        return [getattr(self, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Raise AttributeError: single environments have no attributes."""
        raise AttributeError(f"single environments have no attribute {attr_name!r}; make a new vectorised environment")

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Raise AttributeError: single environments have no methods."""
        raise AttributeError(
            f"single environments have no method {method_name!r}; call it on the vectorised environment"
        )

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Return whether the infos contain the entries of a wrapper class: true for Monitor only."""
        return [issubclass(wrapper_class, Monitor)] * len(list(self._get_indices(indices)))


class LagrangianVecEnv(EpisodeVecEnv):
    """B environments in one process, moved by one step of the dual loop; for the infos see `EpisodeVecEnv`.

    Parameters
    ----------
    n_envs
        Number of environments B.
    seed
        Environment b draws its episodes from the generator seeded with [seed, b].
    config, render_mode, preset, overrides
        As for `LagrangianCVRP`.
    """

    batch: AscentBatch[Any]

    def __init__(
        self,
        config: EnvConfig | None = None,
        n_envs: int = 1,
        seed: int = 0,
        render_mode: RenderMode | None = None,
        *,
        preset: Preset = "default",
        **overrides: Any,
    ) -> None:
        self.config, makers = configured(config, preset, overrides)
        super().__init__(make_batch(self.config, n_envs, makers), seed, render_mode)

    def set_phase(self, phase: int | None) -> None:
        """Set the curriculum phase of the episodes to come; None: no curriculum, see `EpisodeBatch.set_phase`."""
        self.batch.set_phase(phase)

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Set the phase of all environments by `set_phase`, as SB3's own vectorised environments do.

        Raises AttributeError for other methods and for a part of the environments, as single environments have none.
        """
        if method_name == "set_phase" and len(list(self._get_indices(indices))) == self.num_envs:
            self.set_phase(*method_args, **method_kwargs)
            return [None] * self.num_envs
        return super().env_method(method_name, *method_args, indices=indices, **method_kwargs)


def seeds_of(seed: int, n_envs: int) -> list[Any]:
    """Return the seeds of the environments' generators: [seed, b] of environment b."""
    return [[seed, index] for index in range(n_envs)]


class CurriculumCallback(BaseCallback):
    """Applies one curriculum to all environments of a training with Stable-Baselines3.

    It works with `LagrangianVecEnv`, `LagrangianSubprocVecEnv`, and SB3's own over `LagrangianCVRP`, in this process
    or in others. The phase of a curriculum that was loaded from an archive is set when training starts.

    Parameters
    ----------
    curriculum
        `Curriculum(config)` of the environments' configuration; None: it is made when training starts.
    """

    def __init__(self, curriculum: Curriculum | None = None) -> None:
        super().__init__()
        self.curriculum = curriculum

    def _on_training_start(self) -> None:
        if self.curriculum is None:
            self.curriculum = Curriculum(self.training_env.get_attr("config", indices=[0])[0])
        self._announce(self.curriculum)

    def _on_step(self) -> bool:
        assert self.curriculum is not None
        if self.curriculum.observe(self.locals["infos"], self.locals["dones"]):
            self._announce(self.curriculum)
        return True

    def _announce(self, curriculum: Curriculum) -> None:
        self.training_env.env_method("set_phase", curriculum.phase)
