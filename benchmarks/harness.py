"""What every study shares: one thread per process, rows on disk, and the record of where they came from.

Rows are JSON objects, one per line. A study writes them to `FILE.jsonl`; committed rows are gzipped (`gzip -9n`), and
every reader here takes `FILE.jsonl` for either.
"""

from __future__ import annotations

import gzip
import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError
from lagrl.io.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Row = dict[str, Any]


def one_thread() -> None:
    """Limit numerical libraries to one thread each; call it before they are imported, as they read this on loading."""
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    os.environ["QISKIT_PARALLEL"] = "FALSE"


def origin(*packages: str) -> Row:
    """Return the fields that say where rows came from: versions (with those of `packages`) and the git revision."""
    from lagrl.bench.provenance import git_revision, versions

    return {"versions": versions(*packages), "git_revision": git_revision()}


def set_constants(values: Mapping[str, Any]) -> None:
    """Replace constants of the search in this process: `module.name` in `lagrl.search`.

    Raises
    ------
    AttributeError
        If there is none of that name.
    """
    for name, value in values.items():
        module, constant = name.split(".")
        owner = importlib.import_module(f"lagrl.search.{module}")
        getattr(owner, constant)
        setattr(owner, constant, value)


def read_text(path: Path) -> str:
    """Return a file's text, decompressed where its name ends in `.gz`; `FILE.gz` where `FILE` does not exist."""
    path = _committed(path)
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a file of JSON lines; a last line that a killed run cut short is left out.

    Raises
    ------
    InputError
        If the file cannot be read, or a line is not JSON; NaN is allowed.
    """
    remedy = "give the rows of a run"
    try:
        text = read_text(path)
    except OSError as error:
        raise InputError(f"cannot be read ({error})", source=str(path), remedy=remedy) from error
    return [
        parse_json(line, source=f"{path}: line {number}", remedy=remedy, allow_nan=True)
        for number, line in enumerate(text.split("\n")[:-1], 1)
    ]


def read_rows_if_any(path: Path) -> list[Row]:
    """Return the rows written so far; none where the file does not exist."""
    return read_rows(path) if _committed(path).exists() else []


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as JSON lines: the whole file, or nothing."""
    from lagrl.io.atomic import write_text

    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


def append_rows(path: Path, rows: Iterable[Row]) -> None:
    """Add rows as soon as they are made, after the last whole line; they are on the disk when this returns."""
    with path.open("a+", encoding="utf-8") as stream:
        stream.truncate(path.read_bytes().rfind(b"\n") + 1)
        stream.write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        stream.flush()
        os.fsync(stream.fileno())


def read_record(path: Path) -> Row:
    """Return the one JSON object of a file: `rows` and what holds for all of them."""
    record: Row = json.loads(read_text(path))
    return record


def write_record(path: Path, record: Row) -> None:
    """Write one JSON object: the whole file, or nothing."""
    from lagrl.io.atomic import write_text

    write_text(path, json.dumps(record, indent=1) + "\n")


def run_in(checkout: Path, command: Sequence[str]) -> str:
    """Return what a command prints, run in another checkout and with its packages.

    Raises
    ------
    subprocess.CalledProcessError
        If the command fails.
    """
    environment = {**os.environ, "PYTHONPATH": str(checkout.resolve())}
    return subprocess.run(command, cwd=checkout, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def rows_in(checkout: Path, arguments: Sequence[str]) -> list[Row]:
    """Return the rows of a study of another checkout: `python ARGUMENTS --out RECORD`, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "rows.json"
        run_in(checkout, [sys.executable, *arguments, "--out", str(record)])
        rows: list[Row] = read_record(record)["rows"]
    return rows


def _committed(path: Path) -> Path:
    """Return `FILE.gz` where only that exists, else the path itself."""
    packed = path.with_name(f"{path.name}.gz")
    return packed if packed.exists() and not path.exists() else path
