"""Export of a journal as lines of JSON, such as for a copy or for other programs."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import OutputError
from lagrl.io.atomic import replacing
from lagrl.io.jsonl import JsonLines
from lagrl.quantum.journal.calls import find_answer
from lagrl.quantum.journal.job_table import JobTable
from lagrl.quantum.journal.lines import JOURNAL
from lagrl.quantum.journal.values import pack, plain_cost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from lagrl.quantum.journal.database import Tables


def export_lines(tables: Tables, path: Path) -> None:
    """Write what a journal holds as lines, which can be imported; who is about to send a job is left out.

    Raises
    ------
    InputError
        If an answer is too large for a line.
    OutputError
        If the file exists, or cannot be written.
    """
    if path.exists():
        raise OutputError(f"{path}: exists already; choose another name")
    with (
        replacing(path) as copy,
        JsonLines(copy, JOURNAL, lambda *_: None, lock="none") as file,
        tables.transaction("DEFERRED"),
    ):
        for record in _records(tables):
            file.append(record, durably=False)
    path.chmod(JOURNAL.mode)


def _records(tables: Tables) -> Iterator[dict[str, Any]]:
    """Return the lines of a journal, without what jobs that were replaced did before they failed."""
    jobs = JobTable(tables)
    for row in tables.rows("calls", "ORDER BY rowid"):
        answer = find_answer(tables, row["key"])
        assert answer is not None
        strings, counts = answer.samples.bitstrings.astype(np.bool_), answer.samples.counts
        yield {
            "kind": "call",
            **row,
            "owner": "",
            "samples": {"strings": packed_text(strings), "counts": packed_text(counts)},
        }
    for row in tables.rows("plans"):
        yield {"kind": "plan", **row}
    charges = jobs.charges()
    for job in jobs.all():
        step = {"job_of": job.fingerprint, "at": job.at}
        yield {"kind": "intended", **step, "run": job.run, "step": job.step, "owner": "", "tag": job.tag}
        if (job.problem and job.state == "submitted") or (job.state == "finished" and not job.job):
            yield {"kind": "failed", **step, "problem": job.problem}  # it was given up before
        if job.job:
            yield {"kind": "submitted", **step, "job": job.job}
        if job.state not in ("intended", "submitted"):
            cost = charges.pop((job.fingerprint, job.job or job.tag), None)
            ended: dict[str, Any] = {"problem": job.problem}
            if job.state == "finished":
                ended = {"codes": [packed_text(code) for code in jobs.codes(job.fingerprint)]}
            yield {"kind": job.state, **step, **ended, **({} if cost is None else {"cost": plain_cost(cost)})}
    for (fingerprint, name), cost in charges.items():
        yield {"kind": "late", "job_of": fingerprint, "job": name, "cost": plain_cost(cost)}


def packed_text(array: NDArray[Any]) -> dict[str, Any]:
    """Return an array of bools or whole numbers as a plain value of a line."""
    packed = pack(array)
    text = base64.b64encode(packed["data"]).decode()
    return {packed["kind"]: text, "shape": packed["shape"], "dtype": packed["dtype"]}
