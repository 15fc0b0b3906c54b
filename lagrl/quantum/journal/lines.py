"""Journals of lines of JSON, as earlier versions wrote them and as they are exported, and their import.

Each line has a checksum and is a call with its answer, a plan, or a step of a job, in the order in which they happened.
An imported file ends with a line that says so: earlier versions of lagrl, which may still be running, refuse it then.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import time
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lagrl.errors import InputError
from lagrl.io.jsonl import JsonLines
from lagrl.io.line_format import LineFormat, reading
from lagrl.io.lock import lock
from lagrl.io.records import read_fields
from lagrl.printable import shown
from lagrl.quantum.journal.calls import Call, keep_answer
from lagrl.quantum.journal.columns import IDENTITY
from lagrl.quantum.journal.database import REMEDY, is_lines
from lagrl.quantum.journal.job_table import JobTable
from lagrl.quantum.journal.values import PACKED, read_cost, unpack
from lagrl.relaxation.sampler import Samples

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lagrl.io.jsonl import Offset
    from lagrl.quantum.journal.database import Tables

JOURNAL = LineFormat(
    fault="damaged",
    remedy=REMEDY,
    header={"schema": "lagrl.journal/2", "kind": "header"},
    has_checksum=True,
    mode=0o600,
    longest=2**25,
)
_JOB: dict[str, Any] = {"kind": str, "job_of": str}
_ENDED: dict[str, Any] = {**_JOB, "cost": dict}
_FIELDS: dict[str, dict[str, Any]] = {
    "call": {"kind": str, **IDENTITY, "key": str, "owner": str, "cost": dict, "rng_after": dict, "samples": dict},
    "plan": {"kind": str, "call": str, "plan": dict},
    "claimed": {**_JOB, "run": str, "step": int, "owner": str},
    "intended": {**_JOB, "run": str, "step": int, "owner": str, "tag": str},
    "taken": {**_JOB, "owner": str},
    "submitted": {**_JOB, "job": str},
    "finished": {**_ENDED, "codes": list[dict[str, Any]]},
    "failed": {**_ENDED, "problem": str},
    "unusable": {**_ENDED, "problem": str},
    "late": {**_ENDED, "job": str},
    "imported": {"kind": str, "into": str},
}
_IMPORTED = b', "kind": "imported", '


def import_lines(tables: Tables, path: Path) -> None:
    """Add what a journal of lines holds, all of it or nothing, and mark that file as imported.

    Raises
    ------
    InputError
        If it is no such journal, is damaged, was imported before, or has a job that the journal has too.
    OutputError
        If one of the files cannot be written.
    """
    with reading(path, REMEDY):
        held = path.open("rb")
    with held, contextlib.ExitStack() as files:
        lock(held.fileno(), path, wait=True)  # earlier versions take it to write
        kind = _kind(path)
        if kind == "other":
            raise InputError("is no journal of lines", source=str(path), remedy="give one that lagrl wrote or exported")
        if kind == "imported":
            remedy = "use that journal; without its last line, which names it, this one is imported again"
            raise InputError("was imported before", source=str(path), remedy=remedy)
        with tables.transaction():
            adding = _Adding(tables, path)
            file = files.enter_context(JsonLines(path, JOURNAL, adding.add_line, lock="none"))
            tables.put("imports", keep=True, digest=_digest(path), file=str(path), at=time.time())
        file.append({"kind": "imported", "into": str(tables.path)})


def require_imported(path: Path) -> None:
    """Refuse a default journal beside one that an earlier version wrote and that was not imported.

    Raises
    ------
    InputError
        The message has the command that imports it.
    """
    old = path.with_suffix(".jsonl")
    if old.is_file() and _kind(old) == "lines":
        raise InputError(
            "is a journal of lines, as earlier versions wrote them, and its jobs may be paid for",
            source=str(old),
            remedy=f"import it: lagrl journal {path} --import {old}",
        )


def _kind(path: Path) -> Literal["lines", "imported", "other"]:
    with reading(path, REMEDY), path.open("rb") as stream:
        is_journal = is_lines(stream.read(100))
        stream.seek(max(0, path.stat().st_size - 5000))
        *_, last, torn = b"\n", *stream.read().split(b"\n")
    is_imported = _IMPORTED in last[:60] and not torn
    return "other" if not is_journal else "imported" if is_imported else "lines"


class _Adding:
    """Adds the lines of a file to a journal, in the order in which they were written."""

    def __init__(self, tables: Tables, path: Path) -> None:
        self._tables, self._jobs, self._path = tables, JobTable(tables), path
        self._before = {row["fingerprint"] for row in tables.rows("jobs")}
        self._is_known = bool(tables.rows("imports", "WHERE digest = ?", _digest(path)))  # all but its last line

    def add_line(self, record: dict[str, Any], offset: Offset) -> None:
        """Add a line; ValueError if it is not one, or cannot follow the lines before it."""
        kind = record.get("kind")
        if not isinstance(kind, str) or kind not in _FIELDS:
            raise InputError(f"{shown(kind)} is no kind of line", field="kind")
        optional = {"at", *({"cost"} if kind in ("failed", "unusable") else ())}
        hints = {**_FIELDS[kind], "at": float}
        read_fields(record, hints, source=None, remedy=None, optional=optional, allow_others=True)
        if kind == "call":
            self._add_call(record)
        elif kind == "plan":
            self._tables.put("plans", keep=True, call=record["call"], plan=record["plan"])
        elif kind != "imported" and not self._is_known:
            if record["job_of"] in self._before:
                problem, place = f"its job is in {self._tables.path} too", f"{self._path}: line {offset.number}"
                raise InputError(problem, source=place, remedy="import the file into a new journal")
            self._add_step(kind, record)

    def _add_call(self, record: Mapping[str, Any]) -> None:
        call = Call.read(record)
        if call.key != record["key"]:
            raise ValueError("the key is not that of the call")
        read_fields(record["samples"], {"strings": dict, "counts": dict}, source=None, field="samples", remedy=None)
        strings, counts = unpack([_from_text(record["samples"][name]) for name in ("strings", "counts")])
        strings = strings.view(np.uint8) if strings.dtype == np.bool_ else strings
        keep_answer(self._tables, call, Samples(strings, counts, read_cost(record["cost"])), record["rng_after"])
        self._jobs.release_all(record["owner"])

    def _add_step(self, kind: Any, record: Mapping[str, Any]) -> None:
        job, at = record["job_of"], record.get("at")
        if kind == "late":
            self._jobs.charge(job, record["job"], read_cost(record["cost"]))
            return
        wrong = self._jobs.problem(job, kind)
        if wrong:
            raise ValueError(wrong)
        if kind in ("claimed", "taken"):
            self._jobs.claim(job, record["owner"])
        elif kind == "intended":
            self._jobs.intend(job, record["tag"], record["owner"], record["run"], record["step"], at=at)
        else:
            codes = unpack([_from_text(code) for code in record.get("codes", ())])
            cost = read_cost(record["cost"]) if "cost" in record else None
            changes = {name: record[name] for name in ("job", "problem") if name in record}
            self._jobs.advance(job, kind, cost=cost, codes=codes, at=at, **changes)


def _from_text(packed: Mapping[str, Any]) -> dict[str, Any]:
    """Return an array of a line; InputError if it is none."""
    kinds = packed.keys() & {"bits", "|u1", "<u2", "<u4", "<u8", "<i8"}
    if len(kinds) != 1:
        raise InputError(f"{shown(dict(packed))} is no packed array", field="array")
    (kind,) = kinds
    hints = {kind: str, "shape": PACKED["shape"], "dtype": PACKED["dtype"]}
    optional = {"dtype"} if kind == "bits" else ()
    read_fields(packed, hints, source=None, field="array", remedy=None, optional=optional)
    try:
        data = base64.b64decode(packed[kind], validate=True)
    except ValueError as error:
        raise InputError(f"packed data is damaged ({error})", field="array") from error
    return {"kind": kind, "shape": packed["shape"], "dtype": packed.get("dtype", "bool"), "data": data}


def _digest(path: Path) -> str:
    """Return the sha256 of the whole lines of a file."""
    content = path.read_bytes()
    return hashlib.sha256(content[: content.rfind(b"\n") + 1]).hexdigest()
