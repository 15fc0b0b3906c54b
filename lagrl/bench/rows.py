"""Result rows in a JSONL file that survives being killed: append-only, one writer, resumable."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Self

from lagrl.bench.scan import scan
from lagrl.bench.schema import SCHEMA, Row, check_row
from lagrl.errors import InputError, OutputError
from lagrl.io.atomic import require_writable
from lagrl.io.lock import lock_exclusively, unlock

if TYPE_CHECKING:
    from types import TracebackType


class TornRowWarning(UserWarning):
    """The last line of a file of rows was cut short by a killed process and does not count."""


class RowStore:
    """The rows finished so far, and the only way to add one.

    Opening takes an exclusive lock and removes a torn last line. A row is on the disk when `append` returns. The
    lock is inherited by forked workers: start them first, or spawn them.

    Parameters
    ----------
    path
        JSONL file; created if missing, its folder is not.

    Raises
    ------
    OutputError
        If the file cannot be written, or another writer has it open.
    InputError
        If the file holds anything but rows, which is then left as it was, or is gzipped.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if self.path.suffix == ".gz":
            raise InputError("gzipped rows cannot be appended to", source=str(path), remedy="unpack them first")
        require_writable(self.path)
        if self.path.exists() and not self.path.is_file():
            raise OutputError(f"{self.path}: is not a regular file; rows need one, to be resumed from")
        try:
            self._descriptor = os.open(
                self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666
            )
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self._open = True
        try:
            lock_exclusively(self._descriptor, self.path)
            self._keys = self._recover()
        except BaseException:
            self.close()
            raise

    def _recover(self) -> set[str]:
        found = scan(self.path)
        if found.torn:
            _warn_torn(self.path, found.torn, "cut off")
            os.ftruncate(self._descriptor, found.length)
            os.fsync(self._descriptor)
        elif found.unterminated:
            self._write(b"\n")
        return {row["key"] for row in found.rows}

    def append(self, row: Row) -> None:
        """Write one row durably; its fields keep their order, after `schema`, which is added if not given.

        Raises
        ------
        InputError
            If the row is incomplete, not plain JSON (NaN and infinity are not), or its key is already there.
        OutputError
            If it cannot be written; nothing of it is left behind then. Also if the store is closed.
        """
        if not self._open:
            raise OutputError(f"{self.path}: the store is closed; open it again to append")
        record = check_row({"schema": SCHEMA, **row}, source="row")
        key = record["key"]
        if key in self._keys:
            raise InputError(
                f"{key!r} is already in {self.path}", source="row", field="key", remedy="skip the keys of keys()"
            )
        try:
            line = json.dumps(record, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(f"not plain JSON ({error})", source=f"row {key}", remedy="give finite numbers") from error
        self._write(line.encode() + b"\n")
        self._keys.add(key)

    def _write(self, data: bytes) -> None:
        before = os.fstat(self._descriptor).st_size
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fsync(self._descriptor)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, before)
            raise _unwritable(self.path, error) from error

    def keys(self) -> set[str]:
        """Return the keys of all finished rows."""
        return set(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def close(self) -> None:
        """Let another writer in; closing twice is fine."""
        if self._open:
            self._open = False
            unlock(self._descriptor)
            os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_rows(*paths: str | os.PathLike[str]) -> list[Row]:
    """Read the rows of one or several files (`.jsonl`, or `.jsonl.gz`), in order, changing none of them.

    A torn last line is left out with a `TornRowWarning`: its run was killed, or is just writing it.

    Raises
    ------
    InputError
        If a file cannot be read, holds anything but rows, or a key occurs twice in or between files.
    """
    rows: list[Row] = []
    first: dict[str, Path] = {}
    for path in map(Path, paths):
        found = scan(path)
        if found.torn:
            _warn_torn(path, found.torn, "left out")
        for row in found.rows:
            if row["key"] in first:
                raise InputError(
                    f"{row['key']!r} is already in {first[row['key']]}",
                    source=str(path),
                    field="key",
                    remedy="give each result once",
                )
            first[row["key"]] = path
        rows += found.rows
    return rows


def _warn_torn(path: Path, number: int, fate: str) -> None:
    warnings.warn(
        f"{path}: line {number} is torn (its writer was stopped while writing) and was {fate}; "
        "all lines before it are kept",
        TornRowWarning,
        stacklevel=4,
    )


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path}: cannot be written ({error.strerror}); check its permissions and free space")
