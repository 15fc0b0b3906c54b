"""Journals with a right checksum and a wrong content are refused by line and field, within stated memory."""

from __future__ import annotations

import base64
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from journal_samples import drawn_call, drawn_samples

from lagrl.errors import InputError
from lagrl.io.jsonl import JsonLines
from lagrl.quantum.journal.calls import call_line
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.journaled import JournaledSampler
from lagrl.quantum.journal.lines import JOURNAL, MOST_UNPACKED, pack, plain_state, set_state
from lagrl.quantum.journal.replay import ReplaySampler
from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples

if TYPE_CHECKING:
    from pathlib import Path

JOB = "a" * 64
CALL = drawn_call()


def changed(record: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of a record with another value at a path; without the entry if the value is `...`."""
    copy = record.copy()
    if len(path) > 1:
        copy[path[0]] = changed(record[path[0]], path[1:], value)
    elif value is ...:
        del copy[path[0]]
    else:
        copy[path[0]] = value
    return copy


def answered() -> dict[str, Any]:
    """Return the line of a call."""
    return call_line(CALL, drawn_samples(), np.random.default_rng(0), "host 1 2")


def written(path: Path, *records: dict[str, Any]) -> Path:
    """Write lines with right checksums."""
    with JsonLines(path, JOURNAL, lambda *_: None, lock="none") as file:
        file.append(*records)
    return path


@pytest.mark.parametrize(
    ("place", "value", "field"),
    [
        (("kind",), "calls", "kind"),
        (("kind",), ["call"], "kind"),
        (("run",), ["x"], "run"),
        (("step",), 2**70, "step"),
        (("step",), "0", "step"),
        (("sampler",), {}, "sampler"),
        (("shots",), True, "shots"),
        (("owner",), 3, "owner"),
        (("owner",), ..., "lacks owner"),
        (("cost",), {"shots": "many"}, "cost.shots"),
        (("cost",), {"shoots": 1}, "unknown shoots"),
        (("cost",), {"seconds": 1e300}, "cost"),
        (("cost",), {"jobs": -1}, "cost"),
        (("samples",), [], "samples"),
        (("rng_after",), None, "rng_after"),
        (("key",), "0" * 64, "the key is not that of the call"),
    ],
)
def test_a_wrong_field_of_a_call_is_refused_on_opening(tmp_path: Path, place: Any, value: Any, field: str) -> None:
    """The message names file, line and field."""
    path = written(tmp_path / "j.jsonl", changed(answered(), place, value))
    with pytest.raises(InputError, match=rf"j\.jsonl: line 2: damaged .*{field}"):
        Journal(path)


@pytest.mark.parametrize(
    "lines",
    [
        [{"kind": "plan", "call": "x", "plan": []}],
        [{"kind": "claimed", "job_of": JOB, "run": "r", "step": 0}],
        [{"kind": "claimed", "job_of": [JOB], "run": "r", "step": 0, "owner": "a 1 2"}],
        [{"kind": "late", "job_of": JOB, "job": {}, "cost": {}}],
        [{"kind": "finished", "job_of": JOB, "codes": [], "cost": {}}],
    ],
)
def test_wrong_lines_of_jobs_and_plans_are_refused_on_opening(tmp_path: Path, lines: list[dict[str, Any]]) -> None:
    """Missing and mistyped fields, and steps that cannot follow."""
    with pytest.raises(InputError, match="line 2: damaged"):
        Journal(written(tmp_path / "j.jsonl", *lines))


ZEROS = base64.b64encode(zlib.compress(bytes(2**22))).decode()


@pytest.mark.parametrize(
    "strings",
    [
        {"bits": ZEROS, "shape": [1, 2**40, 1]},
        {"bits": ZEROS, "shape": [3, 5, 11]},
        {"bits": ZEROS, "shape": [-1, 5, 11]},
        {"bits": ZEROS, "shape": [2**22, 2**22, 0]},
        {"bits": ZEROS, "shape": [1] * 70},
        {"bits": ZEROS, "shape": "3"},
        {"bits": "?", "shape": [3, 5, 11]},
        {"<i8": ZEROS, "shape": [], "dtype": "int64"},
        {"<u4": ZEROS, "bits": ZEROS, "shape": [1], "dtype": "int64"},
        {"|V2000000000": ZEROS, "shape": [1], "dtype": "int64"},
        {"<u4": ZEROS, "shape": [2**20], "dtype": "object"},
        pack(np.ones((3, 5, 12), np.bool_)),
        pack(np.full((3, 5, 11), 7, np.uint8)),
        {},
    ],
)
def test_wrong_arrays_are_refused_when_they_are_read(tmp_path: Path, strings: dict[str, Any]) -> None:
    """An array is unpacked no further than its shape says, and the shape is that of the call."""
    path = written(tmp_path / "j.jsonl", changed(answered(), ("samples", "strings"), strings))
    prices = np.random.default_rng([0, 0]).normal(size=(3, 11))
    for sampler in (ReplaySampler(path), JournaledSampler(None, Journal(path), "dice")):  # type: ignore[arg-type]
        rng = np.random.default_rng(0)
        with pytest.raises(InputError):
            sampler.sample(SampleQuery(prices, np.arange(1, 12), np.full(3, 20), 64, rng, SampleContext("toy/0/0", 0)))
        sampler.close()


def test_arrays_of_a_line_are_limited_together(tmp_path: Path) -> None:
    """Many arrays, each small enough, are refused before one is unpacked; so is writing what could not be read."""
    part = {"<u1": ZEROS, "shape": [2**22], "dtype": "int64"}
    part["|u1"] = part.pop("<u1")
    lines = [
        {"kind": "claimed", "job_of": JOB, "run": "r", "step": 0, "owner": "a 1 2"},
        {"kind": "intended", "job_of": JOB, "run": "r", "step": 0, "owner": "a 1 2", "tag": "t"},
        {"kind": "submitted", "job_of": JOB, "job": "j"},
        {"kind": "finished", "job_of": JOB, "codes": [part] * 9, "cost": {}},
    ]
    journal = Journal(written(tmp_path / "j.jsonl", *lines))
    with journal, pytest.raises(InputError, match=f"{9 * 2**25} bytes in a line"):
        journal.find_job(JOB)
    with pytest.raises(InputError, match="fewer shots"):
        pack(np.broadcast_to(np.zeros(1, np.int64), (MOST_UNPACKED,)))


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("PCG64", ("state",)),
        ("PCG64", ("bit_generator",)),
        ("MT19937", ("state", "pos")),
        ("MT19937", ("state", "key")),
        ("Philox", ("buffer_pos",)),
    ],
)
@pytest.mark.parametrize("value", [..., None, "x", [], {}, -1, 10**9, 2**200, {"array": "V2000000000", "values": [0]}])
def test_wrong_states_of_a_generator_are_refused(kind: str, path: tuple[str, ...], value: Any) -> None:
    """A damaged state is an error, not one of numpy's, and no read beyond numpy's buffers."""
    rng = np.random.Generator(getattr(np.random, kind)(1))
    state = plain_state(rng)
    with pytest.raises(InputError):
        set_state(rng, changed(state, path, value))
    rng.random(9)


def test_counts_that_overflow_are_refused() -> None:
    """Their sum is a number of draws; 2**62 of each of two strings would be negative."""
    strings = np.zeros((1, 2, 3), np.uint8)
    for kind in (np.int64, np.uint64):
        with pytest.raises(InputError, match="add up to more"):
            Samples(strings, np.full((1, 2), 2**62, kind))
    drawn = Samples(strings, np.full((1, 2), 2**52)).draw(5, np.random.default_rng(0))
    assert drawn.shape == (5, 1, 3)
