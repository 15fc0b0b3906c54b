"""Curves of a training run: one JSON row per step beside the archive, and the same for TensorBoard if wanted."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Self

from lagrl.errors import OutputError
from lagrl.io.atomic import write_text
from lagrl.io.jsonl import JsonLines
from lagrl.io.line_format import LineFormat, read_lines
from train.tensorboard import EventFiles

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

CURVES_FILE = "curves.jsonl"
CURVES = LineFormat(fault="not a row of curves", remedy="remove the line", warns=False)


class Curves:
    """Appends scalars to `curves.jsonl` in a run's folder, and to TensorBoard's files; a context manager.

    Parameters
    ----------
    folder
        The run's folder; it must exist.
    upto
        Step of the resumed archive: later rows are removed, because the run repeats them. None: a new run, without
        rows.
    events
        Folder of TensorBoard's files, see `EventFiles`; None without.

    Attributes
    ----------
    kept
        Rows of the earlier parts of a resumed run.

    Raises
    ------
    MissingExtraError
        If TensorBoard is wanted and not installed.
    InputError
        If an earlier row cannot be read.
    OutputError
        If the file cannot be written.
    """

    def __init__(self, folder: Path, upto: int | None = None, events: Path | None = None) -> None:
        self.path = folder / CURVES_FILE
        self.kept = [] if upto is None else [row for row in read_curves(self.path) if row["step"] <= upto]
        write_text(self.path, "".join(f"{json.dumps(row)}\n" for row in self.kept))
        self._file = JsonLines(self.path, CURVES, lambda row, offset: None, lock="none")
        self._events = None if events is None else EventFiles(events)
        if self._events is not None:
            for row in self.kept:
                self._events.append(row)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def append(self, step: int, scalars: Mapping[str, float]) -> None:
        """Append a row of a step and scalars by name (`loss`, `validation/25`, `seconds`); NaN becomes null.

        Raises
        ------
        OutputError
            If the row cannot be written.
        """
        row = {"step": step} | {name: value if math.isfinite(value) else None for name, value in scalars.items()}
        try:
            self._file.append(row, durably=False)
            if self._events is not None:
                self._events.append(row)
        except OSError as error:
            cause = error.__cause__ or error
            reason = getattr(cause, "strerror", None) or cause
            raise OutputError(f"{self.path}: cannot be written ({reason}); free some space, then --resume") from error

    def close(self) -> None:
        """Close the rows' file and TensorBoard's."""
        self._file.close()
        if self._events is not None:
            self._events.close()


def read_curves(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a `curves.jsonl`, in order, without an incomplete last line (of a killed run).

    Raises
    ------
    InputError
        If the file is missing, or another line is not a row.
    """
    rows = []
    for row, number in read_lines(path, CURVES):
        if not isinstance(row.get("step"), int):
            CURVES.refuse(path, number, "it has no step")
        rows.append(row)
    return rows
