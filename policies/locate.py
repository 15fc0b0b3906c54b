"""Where a checkpoint is: a path first, then a shipped one of that name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lagrl.errors import InputError, UnknownNameError

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
        What they are, and their checksum, `NAME.json`.
    """

    tensors: Path
    record: Path

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> CheckpointFiles:
        """Name the files of the checkpoint at `path`, given with or without one of the two suffixes."""
        stem = str(path)
        for suffix in (TENSORS, RECORD):
            stem = stem.removesuffix(suffix)
        return cls(Path(stem + TENSORS), Path(stem + RECORD))


def shipped_folder() -> Path:
    """Return where shipped checkpoints are: in this package once installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "shipped"
    return installed if installed.is_dir() else package.parent / "checkpoints"


def shipped_names(folder: Path | None = None) -> list[str]:
    """Return the names of the shipped checkpoints."""
    return sorted(path.stem for path in (folder or shipped_folder()).glob(f"*{TENSORS}"))


def find_checkpoint(spec: str | os.PathLike[str]) -> CheckpointFiles:
    """Find a checkpoint's files.

    Parameters
    ----------
    spec
        A path, with or without suffix; else NAME or `checkpoints/NAME` of a shipped one.

    Raises
    ------
    UnknownNameError
        If there is neither.
    InputError
        If only one of the two files is there.
    """
    here = CheckpointFiles.at(spec)
    if here.tensors.is_file() or here.record.is_file():
        _require_both(here)
        return here
    name = here.record.name.removesuffix(RECORD)
    if name and here.record.parent in (Path(), Path("checkpoints")):
        shipped = CheckpointFiles.at(shipped_folder() / name)
        if shipped.tensors.is_file() or shipped.record.is_file():
            _require_both(shipped)
            return shipped
    known = [f"checkpoints/{known}" for known in shipped_names()]
    hint = f"{'; or' if known else 'none is shipped; give'} the path of NAME{TENSORS} and NAME{RECORD}, without suffix"
    raise UnknownNameError.of("checkpoint", str(spec), known, hint=hint)


def _require_both(files: CheckpointFiles) -> None:
    for path, other in ((files.tensors, files.record), (files.record, files.tensors)):
        if not path.is_file():
            raise InputError(
                "is missing", source=str(path), remedy=f"put it back beside {other.name}, or save the checkpoint again"
            )
