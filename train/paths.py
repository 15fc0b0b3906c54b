"""Output paths of a training run, for a new and for a resumed one."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError
from lagrl.io.atomic import require_writable
from lagrl.io.records import from_record
from train.archive import DAMAGED, RECORD_FILE, load_archive
from train.archive_record import ArchivedRun

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from lagrl.plugins import NamedRule
    from train.command_line import RunOptions


@dataclass(frozen=True)
class RunPaths:
    """Output paths of a run, and how it was started.

    Attributes
    ----------
    folder
        Folder of archive, curves and dataset.
    out
        Path of the checkpoint, without suffix.
    command
        Command line that started the run.
    threads
        Number of torch threads at its start.
    init
        Initial checkpoint as the user gave it; None from scratch.
    tensorboard
        Folder of TensorBoard's files of all runs; None without.
    """

    folder: Path
    out: Path
    command: str
    threads: int
    init: str | None = None
    tensorboard: Path | None = None

    @property
    def events(self) -> Path | None:
        """Folder of this run's files for TensorBoard; None without."""
        return None if self.tensorboard is None else self.tensorboard / self.folder.resolve().name

    def resume_command(self, prog: str, rules: Iterable[NamedRule]) -> str:
        """Return the command that continues the run, with what its archive may not choose; `rules` are the run's."""
        words = [*prog.split(), "--resume", str(self.folder)]
        if os.path.abspath(self.out) != os.path.abspath(default_out(self.folder)):
            words += ["--out", str(self.out)]
        if self.tensorboard is not None:
            words += ["--tensorboard", str(self.tensorboard)]
        for rule in rules:
            words += [] if rule.is_built_in else [rule.option, rule.name]
        return shlex.join(words)

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
        If --run is given as well, the archive is missing, damaged or from another trainer, or the checkpoint was
        written to another place than the default and --out is missing.
    """
    folder = options.resume
    assert folder is not None
    if options.run is not None:
        raise InputError("the folder is that of --resume", field="--run", remedy="leave it out")
    arrays, record = load_archive(folder)
    if record.get("trainer") != trainer:
        raise InputError(
            f"a run of {str(record.get('trainer'))[:60]!r}, not of {trainer}",
            source=str(folder),
            remedy="resume it with the command that started it",
        )
    arguments = record.get("arguments")  # of cloning in version 0.1
    if isinstance(arguments, list):
        record["command"] = shlex.join(["python", "-m", "train.bc", *map(str, arguments)])
    source = str(folder / RECORD_FILE)
    found = from_record(ArchivedRun, record, "record", source=source, remedy=DAMAGED, allow_others=True)
    out = options.out or default_out(folder)
    if options.out is None and os.path.abspath(found.out) != os.path.abspath(out):
        raise InputError(
            f"wrote its checkpoint to {found.out[:200]!r}, and a file may not choose where to write",
            source=source,
            field="out",
            remedy=f"give the path again: --out {shlex.quote(found.out[:200])}",
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    require_writable(out.with_name(f"{out.name}.json"))
    paths = RunPaths(folder, out, found.command, found.threads, found.init, options.tensorboard)
    return paths, arrays, found.run


def default_out(folder: Path) -> Path:
    """Return the path of the checkpoint of the run in a folder, without --out."""
    return Path("checkpoints") / folder.resolve().name
