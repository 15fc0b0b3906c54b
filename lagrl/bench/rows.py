"""Result rows in a JSONL file that survives being killed: append-only, one writer, resumable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self

from lagrl.bench.schema import SCHEMA, Row, check_row
from lagrl.errors import InputError, require_type
from lagrl.io.jsonl import JsonLines, Offset
from lagrl.io.line_format import LineFormat, read_lines
from lagrl.printable import shown

ROWS = LineFormat(
    fault="not a result row",
    remedy="give a file that lagrl eval wrote, or remove the line",
    # every row starts with this, so that the torn beginning of one can be recognised
    heads=(f'{{"schema": "{SCHEMA}"'.encode(),),
)


class RowStore:
    """The rows finished so far, and the only way to add one; a context manager.

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
        self._keys: dict[str, Path] = {}
        self._file = JsonLines(path, ROWS, self._take, lock="held")

    def _take(self, record: dict[str, Any], offset: Offset) -> None:
        _checked(record, self.path, offset.number, self._keys)

    def append(self, row: Row) -> None:
        """Write one row durably; its fields keep their order, after `schema`, which is added if not given.

        Raises
        ------
        InputError
            If the row is incomplete, not plain JSON (NaN and infinity are not), or its key is already there.
        OutputError
            If it cannot be written; nothing of it is left behind then. Also if the store is closed.
        """
        record = check_row({"schema": SCHEMA, **row}, source="row")
        key = record["key"]
        if key in self._keys:
            raise InputError(
                f"{shown(key)} is already in {self.path}", source="row", field="key", remedy="skip the keys of keys()"
            )
        self._file.append(record)

    def keys(self) -> set[str]:
        """Return the keys of all finished rows."""
        return set(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def close(self) -> None:
        """Close the file and release its lock; closing twice is allowed."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_rows(*paths: str | os.PathLike[str]) -> list[Row]:
    """Read the rows of one or several files (`.jsonl`, or `.jsonl.gz`), in order, changing none of them.

    A torn last line is left out with a `TornLineWarning`: its run was killed, or is writing it now.

    Raises
    ------
    InputError
        If a file cannot be read, holds anything but rows, or a key occurs twice in or between files.

    Examples
    --------
    >>> import lagrl
    >>> _ = lagrl.evaluate(["G-n16-k3"], budgets=10, out="rows.jsonl")
    >>> [row["instance"] for row in lagrl.read_rows("rows.jsonl")]
    ['G-n16-k3']
    """
    for path in paths:
        require_type(
            path, (str, os.PathLike), "paths", "give paths one by one, as in lagrl.read_rows('a.jsonl', 'b.jsonl')"
        )
    files: dict[str, Path] = {}
    return [
        _checked(record, path, number, files) for path in map(Path, paths) for record, number in read_lines(path, ROWS)
    ]


def _checked(record: dict[str, Any], path: Path, number: int, files: dict[str, Path]) -> Row:
    """Return the row of a line and enter its key into `files`; a key that is there already is refused."""
    source = f"{path}: line {number}"
    row = check_row(record, source=source)
    key, file = row["key"], files.get(row["key"])
    if file is not None:
        problem = "occurs twice" if file == path else f"is already in {file}"
        raise InputError(f"{shown(key)} {problem}", source=source, field="key", remedy="give each result once")
    files[key] = path
    return row
