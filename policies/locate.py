"""Locating a checkpoint: first as a path, then as a shipped one of that name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lagrl.bounds.route_checkpoint import ROUTES
from lagrl.controllers.assignment_policy import ASSIGNMENT
from lagrl.controllers.policy_checkpoint import format_of
from lagrl.errors import InputError, UnknownNameError
from lagrl.io.shipped import shipped_folder

if TYPE_CHECKING:
    import os

TENSORS, RECORD = ".safetensors", ".json"


@dataclass(frozen=True)
class CheckpointFiles:
    """The two files of a checkpoint.

    Attributes
    ----------
    tensors
        Weights, `NAME.safetensors`.
    record
        Description and checksum of the weights, `NAME.json`.
    """

    tensors: Path
    record: Path

    @classmethod
    def from_path(cls, path: str | os.PathLike[str]) -> CheckpointFiles:
        """Return the files of the checkpoint at `path`, with or without one of the two suffixes."""
        stem = str(path)
        for suffix in (TENSORS, RECORD):
            stem = stem.removesuffix(suffix)
        return cls(Path(stem + TENSORS), Path(stem + RECORD))


def shipped_names(folder: Path | None = None) -> list[str]:
    """Return the names of the shipped checkpoints."""
    paths = (folder or shipped_folder()).glob(f"*{TENSORS}")
    return sorted(path.stem for path in paths if path.with_suffix(RECORD).is_file())


def find_checkpoint(spec: str | os.PathLike[str]) -> CheckpointFiles:
    """Return the files of an existing checkpoint.

    Parameters
    ----------
    spec
        A path, with or without suffix, or NAME or `checkpoints/NAME` of a shipped one.

    Raises
    ------
    UnknownNameError
        If there is no such checkpoint.
    InputError
        If only one of the two files exists.
    """
    here = CheckpointFiles.from_path(spec)
    if here.tensors.is_file() or here.record.is_file():
        _require_both(here)
        return here
    name = here.record.name.removesuffix(RECORD)
    if name and here.record.parent in (Path(), Path("checkpoints")):
        shipped = CheckpointFiles.from_path(shipped_folder() / name)
        if shipped.tensors.is_file() or shipped.record.is_file():
            _require_both(shipped)
            return shipped
    known = [f"checkpoints/{known}" for known in shipped_names()]
    hint = f"{'; or' if known else 'none is shipped; give'} the path of NAME{TENSORS} and NAME{RECORD}, without suffix"
    raise UnknownNameError.of("checkpoint", str(spec), known, hint=hint)


def _require_both(files: CheckpointFiles) -> None:
    if not files.record.is_file():
        for kind in (ROUTES, ASSIGNMENT):
            if format_of(files.tensors) == kind.format:
                raise InputError(
                    f"is {kind.noun}",
                    source=str(files.tensors),
                    remedy=f"use it in {kind.use} --controller learned:{files.tensors}",
                )
    for path, other in ((files.tensors, files.record), (files.record, files.tensors)):
        if not path.is_file():
            raise InputError(
                "is missing", source=str(path), remedy=f"put it back beside {other.name}, or save the checkpoint again"
            )
