"""Journals as lines of JSON: the import of those that earlier versions wrote, and the export.

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

from lagrl.errors import InputError, OutputError
from lagrl.io.atomic import replacing
from lagrl.io.jsonl import JsonLines
from lagrl.io.line_format import LineFormat, reading
from lagrl.io.lock import lock
from lagrl.io.records import read_fields
from lagrl.printable import shown
from lagrl.quantum.journal.calls import Call, find_answer, keep_answer, read_samples
from lagrl.quantum.journal.database import REMEDY, TABLES, is_lines
from lagrl.quantum.journal.job_table import JobTable
from lagrl.quantum.journal.values import KINDS, PACKED, pack, plain_cost, read_cost, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

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
_TYPES: dict[str, Any] = {
    **{name: kind for columns in TABLES.values() for name, kind in columns.items()},
    **{"kind": str, "job_of": str, "samples": dict, "codes": list[dict[str, Any]], "into": str},
}
_LINES: dict[str, str] = {
    "call": f"{' '.join(TABLES['calls'])} owner samples",
    "plan": "call plan",
    "claimed": "job_of run step owner",
    "intended": "job_of run step owner tag",
    "taken": "job_of owner",
    "submitted": "job_of job",
    "finished": "job_of cost codes",
    "failed": "job_of cost problem",
    "unusable": "job_of cost problem",
    "late": "job_of cost job",
    "imported": "into",
}
"""The fields of each kind of line, whose types are those of the journal's columns."""
_IMPORTED = b', "kind": "imported", '


def import_lines(tables: Tables, path: Path) -> None:
    """Add what a journal of lines holds, all of it or nothing, and mark that file as imported.

    Raises `InputError` if it is no such journal, is damaged, was imported before, or has a job that the journal has
    too; `OutputError` if one of the files cannot be written.
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

    Raises `InputError`, whose message has the command that imports it.
    """
    old = path.with_suffix(".jsonl")
    if old.is_file() and _kind(old) == "lines":
        raise InputError(
            "is a journal of lines, as earlier versions wrote them, and its jobs may be paid for",
            source=str(old),
            remedy=f"import it: lagrl journal {path} --import {old}",
        )


def export_lines(tables: Tables, path: Path) -> None:
    """Write what a journal holds as lines, which can be imported; who is about to send a job is left out.

    Raises `InputError` if an answer is too large for a line; `OutputError` if the file exists, or cannot be written.
    """
    if path.exists():
        raise OutputError(f"{path}: exists already; choose another name")
    with (
        replacing(path) as copy,
        JsonLines(copy, JOURNAL, lambda *_: None, lock="none") as file,
        tables.transaction("DEFERRED"),
    ):
        for record in _exported(tables):
            file.append(record, durably=False)
    path.chmod(JOURNAL.mode)


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
        if not isinstance(kind, str) or kind not in _LINES:
            raise InputError(f"{shown(kind)} is no kind of line", field="kind")
        hints = {name: _TYPES[name] for name in ("kind", *_LINES[kind].split(), "at")}
        optional = {"at", *({"cost"} if kind in ("failed", "unusable") else ())}
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

    def _add_call(self, record: dict[str, Any]) -> None:
        call = Call.read(record)
        if call.key != record["key"]:
            raise ValueError("the key is not that of the call")
        read_fields(record["samples"], {"strings": dict, "counts": dict}, source=None, field="samples", remedy=None)
        strings, counts = unpack([_from_text(record["samples"][name]) for name in ("strings", "counts")])
        keep_answer(self._tables, call, read_samples(strings, counts, record["cost"]), record["rng_after"])
        self._jobs.release_all(record["owner"])

    def _add_step(self, kind: Any, record: dict[str, Any]) -> None:
        job, at = record["job_of"], record.get("at")
        cost = read_cost(record["cost"]) if "cost" in record else None
        if kind == "late" and cost is not None:
            self._jobs.charge(job, record["job"], cost)
        elif wrong := self._jobs.problem(job, kind):
            raise ValueError(wrong)
        elif kind in ("claimed", "taken"):
            self._jobs.claim(job, record["owner"])
        elif kind == "intended":
            self._jobs.intend(job, record["tag"], record["owner"], record["run"], record["step"], at=at)
        else:
            codes = unpack([_from_text(code) for code in record.get("codes", ())])
            changes = {name: record[name] for name in ("job", "problem") if name in record}
            self._jobs.advance(job, kind, cost=cost, codes=codes, at=at, **changes)


def _exported(tables: Tables) -> Iterator[dict[str, Any]]:
    """Return the lines of a journal, without what jobs that were replaced did before they failed.

    The attempts of a job are in their order, also if they belong to different runs. Two attempts with the same name
    have one charge, and the lines of both contain it.
    """
    jobs = JobTable(tables)
    for row in tables.rows("calls", "ORDER BY rowid"):
        answer = find_answer(tables, row["key"])
        assert answer is not None
        arrays = {"strings": answer.samples.bitstrings.astype(np.bool_), "counts": answer.samples.counts}
        samples = {name: packed_text(array) for name, array in arrays.items()}
        yield {"kind": "call", **row, "owner": "", "samples": samples}
    for row in tables.rows("plans"):
        yield {"kind": "plan", **row}
    charges = jobs.charges()
    late = dict(charges)
    for job in sorted(jobs.all(), key=lambda job: (job.fingerprint, job.attempt)):
        step = {"job_of": job.fingerprint, "at": job.at}
        yield {"kind": "intended", **step, "run": job.run, "step": job.step, "owner": "", "tag": job.tag}
        if (job.problem and job.state == "submitted") or (job.state == "finished" and not job.job):
            yield {"kind": "failed", **step, "problem": job.problem}  # it was given up before
        if job.job:
            yield {"kind": "submitted", **step, "job": job.job}
        if job.state not in ("intended", "submitted"):
            name = (job.fingerprint, job.job or job.tag)
            cost = charges.get(name)
            late.pop(name, None)
            ended: dict[str, Any] = {"problem": job.problem}
            if job.state == "finished":
                ended = {"codes": [packed_text(code) for code in jobs.codes(job.fingerprint)]}
            yield {"kind": job.state, **step, **ended, **({} if cost is None else {"cost": plain_cost(cost)})}
    for (fingerprint, job_or_tag), cost in late.items():
        yield {"kind": "late", "job_of": fingerprint, "job": job_or_tag, "cost": plain_cost(cost)}


def packed_text(array: NDArray[Any]) -> dict[str, Any]:
    """Return an array of bools or whole numbers as a plain value of a line."""
    packed = pack(array)
    text = base64.b64encode(packed["data"]).decode()
    return {packed["kind"]: text, "shape": packed["shape"], "dtype": packed["dtype"]}


def _from_text(packed: dict[str, Any]) -> dict[str, Any]:
    """Return an array of a line; InputError if it is none."""
    kinds = packed.keys() & set(KINDS)
    if len(kinds) != 1:
        raise InputError(f"{shown(packed)} is no packed array", field="array")
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
