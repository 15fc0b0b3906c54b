"""A trained policy as a controller, beside the classical rules: `--controller checkpoints/NAME`."""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from lagrl.controllers.base import Controller, Feedback
    from lagrl.relaxation.dual import DualFunction, DualPoint
    from policies.checkpoint import Checkpoint

_EXTRA = ("torch", "torch_geometric", "safetensors", "gymnasium")


class PolicyController:
    """Moves the multipliers by the network's mean action, exactly as the environment does.

    It is deterministic: it uses no random numbers. The network evaluates one observation at a time, as in a single
    environment, so that both compute the same bits.

    Parameters
    ----------
    checkpoint
        The policy.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint

    def start(
        self,
        dual: DualFunction,
        *,
        budget: int,
        rng: np.random.Generator,
        initial: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Start at `initial`, or at zero if None; see `Controller.start`.

        Raises
        ------
        InputError
            If the dual is not that of an assignment problem.
        InstanceError
            If its problem has no `origin`: the policy observes the demands and distances of the instance.
        """
        from envs.observation import make_observer
        from lagrl.relaxation.dual import AssignmentDual

        del rng
        if not isinstance(dual, AssignmentDual):
            raise InputError(
                f"{type(dual).__name__} is not the dual of an assignment problem",
                source="trained controller",
                field="dual",
                remedy="use a classical controller for it",
            )
        self._scale = dual.scale
        self._observer = make_observer(dual, budget, self.checkpoint.policy.observation)
        return np.zeros(dual.n_multipliers) if initial is None else np.array(initial, dtype=np.float64)

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        """Return the multipliers [n] after the mean action at the last point; see `Controller.update`."""
        from envs.action import next_multipliers

        action = self.action(self._observer.observe(point, feedback))
        return next_multipliers(action, point, self._scale, self.checkpoint.action)

    def action(self, nodes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the mean action [n], clipped to [−1, 1], for features [n, F]."""
        import torch

        from envs.observation import padded
        from policies.graph import as_tensors

        observation = as_tensors(padded(nodes, self._observer.neighbours, len(nodes)))
        with torch.inference_mode(), one_thread():
            mean = self.checkpoint.net.mean(observation)[0].numpy()
        action: NDArray[np.float32] = mean.clip(-1.0, 1.0)
        return action


def checkpoint_controllers(spec: str) -> Callable[[], Controller]:
    """Return a function that makes a checkpoint's controllers: the entry point `checkpoints` of `lagrl.controllers`.

    The weights are read once per process and shared, because a solve makes one controller per linearisation; they are
    read again when the files have changed.

    Parameters
    ----------
    spec
        See `load_checkpoint`.

    Raises
    ------
    MissingExtraError
        If torch or another package of the extra `rl` is not installed.
    UnknownNameError, InputError
        See `load_checkpoint`.
    """
    try:
        from policies.checkpoint import load_checkpoint  # noqa: F401 - a missing package must fail here
        from policies.locate import find_checkpoint
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        raise MissingExtraError.of(package, "rl", f"the trained controller {spec}") from error
    files = find_checkpoint(spec)
    stamps = tuple((stat.st_mtime_ns, stat.st_size) for stat in (files.tensors.stat(), files.record.stat()))
    checkpoint = _loaded(str(files.record.resolve()), stamps)
    factory = partial(PolicyController, checkpoint)
    # recorded in result rows; a partial has no such attributes before
    factory.fingerprint, factory.packages = checkpoint.fingerprint, ("torch", "torch-geometric")  # type: ignore[attr-defined]
    return factory


@lru_cache(maxsize=16)
def _loaded(path: str, stamps: tuple[tuple[int, int], ...]) -> Checkpoint:
    from policies.checkpoint import load_checkpoint

    del stamps  # part of the key only
    return load_checkpoint(path)


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch to one thread within the `with` block, and restore the number afterwards.

    Controllers are compared by their seconds, classical ones use one thread, and graphs of this size gain nothing from
    more. A program that trains in the same process keeps its threads.
    """
    import torch

    threads = torch.get_num_threads()
    if threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
