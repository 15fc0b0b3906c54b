"""The files of a training run: checkpoints of its candidates, and archives to continue from."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from train.archive import PackedArchive, pack_archive, write_archive

if TYPE_CHECKING:
    from collections.abc import Callable

    from train.paths import RunPaths
    from train.run import Run
    from train.stop import Stop

R = TypeVar("R", bound="Run")

SAVE_SECONDS = 60.0
"""Seconds between two archives of a run."""


class SavedSteps(Generic[R]):
    """The files of a run: a checkpoint of every new best candidate, an archive every minute and at the end.

    The archive of the last complete step is in memory, so that a run can be interrupted within a step at any time.

    Parameters
    ----------
    run, paths
        The run and its output paths.
    stop
        Request to end the run.
    state, card
        See `train.run.run_command`.
    is_resumed
        Whether the run comes from an archive.
    """

    def __init__(
        self,
        run: R,
        paths: RunPaths,
        stop: Stop,
        state: Callable[[R], tuple[dict[str, Any], dict[str, Any]]],
        card: Callable[[R, RunPaths], dict[str, Any]],
        *,
        is_resumed: bool,
    ) -> None:
        self.run, self.paths, self.stop, self.is_resumed = run, paths, stop, is_resumed
        self._state, self._card = state, card
        self._packed: PackedArchive | None = None
        self._weights = run.weights()
        self._last = -math.inf
        self._kept_best = run.best if is_resumed else None

    @property
    def is_saved(self) -> bool:
        """Whether the folder contains an archive of the run."""
        return self.is_resumed or self._last > -math.inf

    def complete_one(self) -> None:
        """Keep the state at the end of a step, and write what is due."""
        run, paths = self.run, self.paths
        if run.best is not None and run.best is not self._kept_best:
            run.save_checkpoint(paths.out, self._card(run, paths))
            self._kept_best = run.best
        arrays, record = self._state(run)
        kept = {"out": str(paths.out), "command": paths.command, "threads": paths.threads, "init": paths.init}
        self._packed = pack_archive(arrays, {"trainer": run.name, "run": record} | kept)
        self._weights = run.weights()
        if time.monotonic() - self._last >= SAVE_SECONDS or self.stop.requested or run.is_complete:
            self.write()

    def write(self) -> None:
        """Write the archive of the last complete step, unless it is written."""
        if self._packed is not None:
            with self.stop.shield():
                write_archive(self.paths.folder, self._packed)
                self._packed = None
                self._last = time.monotonic()

    def rewind(self) -> None:
        """Give the run the weights at the end of the last complete step.

        Raises
        ------
        KeyboardInterrupt
            If there is no such step, and so nothing to continue.
        """
        if not (self.is_saved or self._packed is not None):
            raise KeyboardInterrupt
        self.run.net.load_state_dict(self._weights)
