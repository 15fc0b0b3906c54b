"""Several processes with a batch of environments each, as one VecEnv of Stable-Baselines3."""

from __future__ import annotations

import contextlib
from functools import partial
from itertools import pairwise
from operator import attrgetter, methodcaller
from typing import TYPE_CHECKING, Any

import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv

from envs.env import LagrangianCVRP, configured
from envs.env_worker import EnvProcess
from envs.render import RenderMode, require_mode
from envs.sb3 import LagrangianVecEnv, seeds_of
from lagrl.compilation import usable_cores
from lagrl.errors import InputError, LagrlError, WorkerError
from lagrl.processes import one_thread_each

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from envs.config import EnvConfig, Preset
    from envs.env_worker import EnvWorker, Request


class LagrangianSubprocVecEnv(VecEnv):
    """B environments in several processes, each with its share of them as one batch.

    Observations, rewards and infos are those of a `LagrangianVecEnv` with the same arguments, to the bit, except the
    seconds in `info["episode"]`. Samplers that a process shares (`ibm:…`, `bandit…`) are shared within each worker
    only: a learning bandit sees the episodes of its own worker.

    Workers are new Python processes (`spawn`), which import the main script: it needs the usual
    `if __name__ == "__main__":`. They compute with one thread each, leave Ctrl-C to the parent, and end with it. Call
    `close` to end them earlier; that also saves what their samplers learned.

    Parameters
    ----------
    n_envs
        Number of environments B.
    seed
        Environment b draws its episodes from the generator seeded with [seed, b].
    processes
        Number of workers, at most B; None: one per core, at most B. Results do not depend on it.
    config, render_mode, preset, overrides
        As for `LagrangianCVRP`. Functions that make samplers are pickled by value where they cannot be imported.

    Raises
    ------
    InputError, UnknownNameError
        If the number of processes is out of range, a sampler cannot be pickled, or an argument does not fit.
    WorkerError
        If a worker ends while it starts; later from every method, if a worker fails or ends.
    """

    def __init__(
        self,
        config: EnvConfig | None = None,
        n_envs: int = 1,
        seed: int = 0,
        render_mode: RenderMode | None = None,
        *,
        processes: int | None = None,
        preset: Preset = "default",
        **overrides: Any,
    ) -> None:
        self.render_mode = require_mode(render_mode)
        self.config, makers = configured(config, preset, overrides)
        if n_envs < 1:
            raise InputError(f"{n_envs} given", field="n_envs", remedy="give 1 or more")
        processes = min(n_envs, self._n_cores()) if processes is None else processes
        if not 1 <= processes <= n_envs:
            raise InputError(f"{processes} given", field="processes", remedy=f"give 1 … {n_envs}, the environments")
        make = partial(LagrangianVecEnv, self.config, render_mode=render_mode, **makers)
        self._workers: list[EnvWorker] = []
        self._must_reset = False
        bounds = [n_envs * number // processes for number in range(processes + 1)]
        try:
            with one_thread_each():
                for start, stop in pairwise(bounds):
                    self._workers.append(self._start(make, range(start, stop)))
            observation_space, action_space = _results([worker.receive() for worker in self._workers])[0]
        except BaseException as error:
            self._close_after(error)
            raise
        super().__init__(n_envs, observation_space, action_space)
        self.metadata["render_fps"] = LagrangianCVRP.metadata["render_fps"]
        self._seeds = seeds_of(seed, n_envs)

    def _n_cores(self) -> int:
        """Return the number of workers that can compute at a time."""
        return usable_cores()

    def _start(self, make: Callable[..., LagrangianVecEnv], envs: range) -> EnvWorker:
        return EnvProcess(make, envs)

    def seed(self, seed: int | None = None) -> list[Any]:
        """Seed environment b's generator with [seed, b], from the next reset on; see `LagrangianVecEnv`."""
        super().seed(seed)
        if seed is not None:
            self._seeds = seeds_of(seed, self.num_envs)
        return list(self._seeds)

    def reset(self) -> dict[str, NDArray[Any]]:
        """Start an episode in every environment; `seed` and `set_options` take effect in this reset."""
        shares = [slice(worker.envs.start, worker.envs.stop) for worker in self._workers]
        requests = [partial(_reset, seeds=self._seeds[share], options=self._options[share]) for share in shares]
        parts = self._ask(requests)
        self._must_reset = False
        self._reset_seeds()
        self._reset_options()
        self.reset_infos = [info for _, infos in parts for info in infos]
        return _joined([observations for observations, _ in parts])

    def step_async(self, actions: NDArray[Any]) -> None:
        """Store the actions [B, …] for `step_wait`.

        Raises
        ------
        InputError
            If there is not one action per environment.
        """
        array, wanted = np.asarray(actions), (self.num_envs, *(self.action_space.shape or ()))
        if array.shape != wanted:
            raise InputError(f"array of shape {array.shape}", field="action", remedy=f"give floats of shape {wanted}")
        self._actions = array

    def step_wait(self) -> tuple[dict[str, NDArray[Any]], NDArray[np.float32], NDArray[np.bool_], list[dict[str, Any]]]:
        """Move every environment; reset those whose episode ended.

        After an error some environments have moved and others have not, so that a reset must follow.
        """
        if self._must_reset:
            raise InputError("the last step failed in a worker", field="step", remedy="call reset first")
        self._must_reset = True
        parts = self._ask(
            [partial(_step, actions=self._actions[worker.envs.start : worker.envs.stop]) for worker in self._workers]
        )
        self._must_reset = False
        self.reset_infos = [info for *_, infos in parts for info in infos]
        return (
            _joined([part[0] for part in parts]),
            np.concatenate([part[1] for part in parts]),
            np.concatenate([part[2] for part in parts]),
            [info for part in parts for info in part[3]],
        )

    def set_phase(self, phase: int | None) -> None:
        """Set the curriculum phase of the episodes to come; None: no curriculum, see `EpisodeBatch.set_phase`."""
        self._ask_all(methodcaller("set_phase", phase))

    def get_images(self) -> list[NDArray[np.uint8]]:
        """Return every environment's picture [H, W, 3]; see `LagrangianVecEnv`."""
        return [image for images in self._ask_all(methodcaller("get_images")) for image in images]

    def render(self, mode: str | None = None) -> Any:
        """Return one picture of all environments, or their texts by the render mode `ansi`; see `VecEnv.render`."""
        if self.render_mode == "ansi" and mode in (None, "ansi"):
            return tuple(text for texts in self._ask_all(methodcaller("render", "ansi")) for text in texts)
        return super().render(mode)

    def close(self) -> None:
        """Close the samplers, which saves what they learned, and end the workers; they cannot be started again.

        Raises
        ------
        LagrlError
            If a sampler cannot be closed; the workers end nevertheless.
        """
        workers, self._workers = self._workers, []
        for worker in workers:
            with contextlib.suppress(WorkerError):  # it is gone
                worker.send(None)
        errors = [error for worker in workers if (error := worker.end()) is not None]
        if errors:
            raise errors[0]

    def has_attr(self, attr_name: str) -> bool:
        """Return whether the workers' `LagrangianVecEnv` have an attribute, which need not be picklable."""
        return all(self._ask_all(partial(_has_attr, name=attr_name)))

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return a copy of an attribute of the worker's `LagrangianVecEnv`, once per requested environment."""
        values = self._ask_all(attrgetter(attr_name))
        owners = [value for worker, value in zip(self._workers, values, strict=True) for _ in worker.envs]
        return [owners[index] for index in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Raise AttributeError: single environments have no attributes, see `LagrangianVecEnv`."""
        self._ask_all(methodcaller("set_attr", attr_name, value))

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list[Any]:
        """Set the phase of all environments by `set_phase`; see `LagrangianVecEnv`."""
        is_for_all = len(list(self._get_indices(indices))) == self.num_envs
        given = None if is_for_all else ()
        request = methodcaller("env_method", method_name, *method_args, indices=given, **method_kwargs)
        return [value for values in self._ask_all(request) for value in values]

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> list[bool]:
        """Return whether the infos contain the entries of a wrapper class: true for Monitor only."""
        return [issubclass(wrapper_class, Monitor)] * len(list(self._get_indices(indices)))

    def _ask_all(self, request: Request) -> list[Any]:
        return self._ask([request] * len(self._workers))

    def _ask(self, requests: Sequence[Request]) -> list[Any]:
        """Return the results of one request per worker, which they compute at the same time."""
        if not self._workers:
            raise WorkerError("the workers have ended; make a new environment")
        try:
            for worker, request in zip(self._workers, requests, strict=True):
                worker.send(request)
            answers = [worker.receive() for worker in self._workers]
        except BaseException as error:  # a worker is gone, or Ctrl-C: its answer must not be taken for a later one
            self._close_after(error)
            raise
        return _results(answers)

    def _close_after(self, error: BaseException) -> None:
        """End the workers; an error of closing the samplers is noted with the error that comes before it."""
        try:
            self.close()
        except LagrlError as later:
            error.add_note(f"then: {later}")


def _results(answers: Sequence[tuple[str, Any]]) -> list[Any]:
    """Return the values of the workers' answers; raise the first error among them."""
    for kind, value in answers:
        if kind == "failed":
            raise value
    return [value for _, value in answers]


def _reset(
    env: LagrangianVecEnv, seeds: list[Any], options: list[dict[str, Any]]
) -> tuple[dict[str, NDArray[Any]], list[dict[str, Any]]]:
    env._seeds, env._options = seeds, options
    return env.reset(), env.reset_infos


def _has_attr(env: LagrangianVecEnv, name: str) -> bool:
    return hasattr(env, name)


def _step(env: LagrangianVecEnv, actions: NDArray[Any]) -> tuple[Any, ...]:
    return (*env.step(actions), env.reset_infos)


def _joined(parts: list[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
