"""The curves of a run: one JSON row per step beside the archive, and the same for TensorBoard."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Self

from torch.utils.tensorboard import SummaryWriter

from lagrl.errors import InputError, OutputError
from lagrl.io.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

CURVES_FILE = "curves.jsonl"
TENSORBOARD_FOLDER = "tensorboard"


class Curves:
    """Appends scalars to `curves.jsonl` and to TensorBoard's files in a run's folder; a context manager.

    Parameters
    ----------
    folder
        The run's folder; it must exist.
    upto
        Step of the archive that is resumed: later rows are dropped, because they will be made again. None for a new
        run, whose curves begin empty.

    Raises
    ------
    InputError
        If a row that is kept cannot be read.
    OutputError
        If the file cannot be written.
    """

    def __init__(self, folder: Path, upto: int | None = None) -> None:
        self.path = folder / CURVES_FILE
        kept = [] if upto is None else [row for row in read_curves(self.path) if row["step"] <= upto]
        write_text(self.path, "".join(f"{json.dumps(row)}\n" for row in kept))
        purge = None if upto is None else upto + 1
        self._writer = SummaryWriter(str(folder / TENSORBOARD_FOLDER), purge_step=purge)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, step: int, scalars: Mapping[str, float]) -> None:
        """Add one row: its step, then the scalars by name (`loss`, `validation/25`, `seconds`); NaN becomes null.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        row = {"step": step} | {name: value if math.isfinite(value) else None for name, value in scalars.items()}
        try:
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(f"{json.dumps(row, allow_nan=False)}\n")
            for name, value in scalars.items():
                self._writer.add_scalar(name, value, step)
            self._writer.flush()
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(f"{self.path}: cannot be written ({reason}); free some space, then --resume") from error

    def close(self) -> None:
        """Let go of TensorBoard's file."""
        self._writer.close()


def read_curves(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a `curves.jsonl`, in order; a torn last line (the run was killed there) is left out.

    Raises
    ------
    InputError
        If the file is missing, or another line is not a row.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", source=str(path)) from error
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if isinstance(row, dict) and isinstance(row.get("step"), int):
            rows.append(row)
        elif number < len(lines) or line.endswith("\n"):
            raise InputError("is not a row", source=f"{path} line {number}", remedy="remove the line")
    return rows
