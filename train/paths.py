"""Output paths of a training run, for a new and for a resumed one."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError
from lagrl.io.atomic import require_writable
from train.archive import load_archive

if TYPE_CHECKING:
    from torch import Tensor

    from train.command_line import RunOptions


@dataclass(frozen=True)
class RunPaths:
    """Output paths of a run, and how it was started.

    Attributes
    ----------
    folder
        Folder of archive, curves, TensorBoard and dataset.
    out
        Path of the checkpoint, without suffix.
    command
        Command line that started the run.
    threads
        Number of torch threads at its start.
    init
        Initial checkpoint as the user gave it; None from scratch.
    """

    folder: Path
    out: Path
    command: str
    threads: int
    init: str | None = None

    def create(self) -> RunPaths:
        """Create the folders of a new run; return the paths.

        Raises
        ------
        OutputError
            If the checkpoint cannot be written.
        """
        self.out.parent.mkdir(parents=True, exist_ok=True)
        require_writable(self.out.with_name(f"{self.out.name}.json"))
        self.folder.mkdir(parents=True, exist_ok=True)
        return self


def open_archive(options: RunOptions, trainer: str) -> tuple[RunPaths, dict[str, Tensor], dict[str, Any]]:
    """Read the archive of --resume; return the run's paths, arrays and record.

    Raises
    ------
    InputError
        If --run is given as well, or the archive is missing, damaged or from another trainer.
    """
    folder = options.resume
    assert folder is not None
    if options.run is not None:
        raise InputError("the folder is that of --resume", field="--run", remedy="leave it out")
    arrays, record = load_archive(folder)
    if record.get("trainer") != trainer:
        raise InputError(
            f"a run of {record.get('trainer')!r}, not of {trainer}",
            source=str(folder),
            remedy="resume it with the command that started it",
        )
    if "arguments" in record:  # cloning in version 0.1
        record["command"] = shlex.join(["python", "-m", "train.bc", *record["arguments"]])
    out = options.out or Path(record["out"])
    out.parent.mkdir(parents=True, exist_ok=True)
    return RunPaths(folder, out, record["command"], record["threads"], record.get("init")), arrays, record["run"]
