"""Journals with right checksums and a wrong content are refused by line or row and field, within stated memory."""

from __future__ import annotations

import base64
import sqlite3
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from journal_samples import COST, drawn_call, drawn_samples

from lagrl.errors import InputError
from lagrl.io.jsonl import JsonLines
from lagrl.quantum.journal.database import checksum
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.journaled import JournaledSampler, ReplaySampler
from lagrl.quantum.journal.lines import JOURNAL
from lagrl.quantum.journal.values import MOST_UNPACKED, pack, plain_state, set_state
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


def answered(folder: Path) -> dict[str, Any]:
    """Return the line of a call."""
    with Journal(folder / "answered.sqlite") as journal:
        journal.record(CALL, drawn_samples(), np.random.default_rng(0))
        journal.export_lines(folder / "answered.jsonl")
    line = (folder / "answered.jsonl").read_bytes().splitlines()[1]
    return JOURNAL.decode(line, folder, 2)


def refused(folder: Path, record: dict[str, Any]) -> str:
    """Return the message with which an import refuses a line with a right checksum."""
    with JsonLines(folder / "j.jsonl", JOURNAL, lambda *_: None, lock="none") as file:
        file.append(record)
    with Journal(folder / "j.sqlite") as journal, pytest.raises(InputError) as caught:
        journal.import_lines(folder / "j.jsonl")
    return str(caught.value)


def forged(folder: Path, table: str, **values: Any) -> Path:
    """Return a journal of one answer in which a row of a table has other values, and the checksum of these."""
    path = folder / "forged.sqlite"
    with Journal(path) as journal:
        journal.record(CALL, drawn_samples(), np.random.default_rng(0))
        journal.keep_plan(CALL.key, {})
        journal.intend_job(JOB, "tag")
        journal.submitted_job(JOB, "id")
        journal.finished_job(JOB, [np.ones((1, 2), np.int64)], COST)
    connection = sqlite3.connect(path)
    for name, value in values.items():
        connection.execute(f"UPDATE {table} SET {name} = ?", (value,))
    for row, *found, _ in connection.execute(f"SELECT rowid, * FROM {table}").fetchall():
        connection.execute(f"UPDATE {table} SET crc32 = ? WHERE rowid = ?", (checksum(found), row))
    connection.commit()
    connection.close()
    return path


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        ("calls", "run", 3, "run: 3 is not text"),
        ("calls", "step", "0", "step: '0' is not a whole number"),
        ("calls", "shots", 1.5, "shots: 1.5 is not a whole number"),
        ("calls", "sampler", None, "sampler: null is not text"),
        ("calls", "cost", '{"shots": "many"}', "cost.shots"),
        ("calls", "cost", '{"shoots": 1}', "unknown shoots"),
        ("calls", "cost", '{"seconds": 1e300}', "cost"),
        ("calls", "cost", '{"jobs": -1}', "cost"),
        ("calls", "cost", "{", "cost: "),
        ("calls", "rng_after", "[" * 4000, "nested deeper than 32 levels"),
        ("calls", "rng_after", "null", "rng_after: null is not an object"),
        ("arrays", "kind", "|V2000000000", "kind: "),
        ("arrays", "shape", "[-1, 5, 11]", "shape"),
        ("arrays", "shape", "3", "shape"),
        ("arrays", "shape", "[1, 1, 1, 1, 1, 1, 1, 1, 1]", "shape"),
        ("arrays", "dtype", "object", "dtype: "),
        ("arrays", "data", "text", "data: 'text' is not"),
        ("plans", "plan", "[]", "plan: "),
        ("jobs", "state", "paid", "state: 'paid' is not"),
        ("jobs", "attempt", "1", "attempt: "),
        ("jobs", "at", float("inf"), "at: inf is not a finite number"),
        ("charges", "cost", '{"qpu_seconds": -1}', "cost"),
    ],
)
def test_a_wrong_value_of_a_row_is_refused_on_opening(
    tmp_path: Path, table: str, column: str, value: Any, message: str
) -> None:
    """The message names file, table, row and column, although the checksum is that of the wrong value."""
    path = forged(tmp_path, table, **{column: value})
    for read_only in (True, False):
        with pytest.raises(InputError) as caught:
            Journal(path, read_only=read_only)
        told = str(caught.value)
        assert told.startswith(f"{path}: damaged (table {table}, row ")
        assert message in told and "may be paid for" in told


@pytest.mark.parametrize(
    ("place", "value", "field"),
    [
        (("kind",), "calls", "'calls' is no kind of line"),
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
def test_a_wrong_field_of_a_call_is_refused_by_an_import(tmp_path: Path, place: Any, value: Any, field: str) -> None:
    """The message names file, line and field."""
    told = refused(tmp_path, changed(answered(tmp_path), place, value))
    assert told.startswith(f"{tmp_path / 'j.jsonl'}: line 2: damaged (")
    assert field in told


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
        {},
    ],
)
def test_wrong_arrays_are_refused_by_an_import(tmp_path: Path, strings: dict[str, Any]) -> None:
    """An array is unpacked no further than its shape says."""
    told = refused(tmp_path, changed(answered(tmp_path), ("samples", "strings"), strings))
    assert told.startswith(f"{tmp_path / 'j.jsonl'}: line 2: damaged (")


@pytest.mark.parametrize(
    "values",
    [
        {"shape": "[1, 1099511627776, 1]"},
        {"shape": "[3, 5, 12]"},
        {"shape": "[4194304, 4194304, 0]"},
        {"data": b"?"},
        {"data": zlib.compress(bytes(2**22))},
        {"kind": "<i8"},
        {"kind": "|u1", "dtype": "uint8"},
        {"owner": "nobody"},
    ],
)
def test_wrong_arrays_are_refused_when_they_are_read(tmp_path: Path, values: dict[str, Any]) -> None:
    """An array is unpacked no further than its shape says, and there are two of the call's shape."""
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.record(CALL, drawn_samples(), np.random.default_rng(0))
    connection = sqlite3.connect(path)
    for name, value in values.items():
        connection.execute(f"UPDATE arrays SET {name} = ? WHERE number = 0", (value,))
    for row, *found, _ in connection.execute("SELECT rowid, * FROM arrays").fetchall():
        connection.execute("UPDATE arrays SET crc32 = ? WHERE rowid = ?", (checksum(found), row))
    connection.commit()
    connection.close()
    prices = np.random.default_rng([0, 0]).normal(size=(3, 11))
    for sampler in (ReplaySampler(path), JournaledSampler(None, Journal(path), "dice")):
        rng = np.random.default_rng(0)
        with pytest.raises(InputError):
            sampler.sample(SampleQuery(prices, np.arange(1, 12), np.full(3, 20), 64, rng, SampleContext("toy/0/0", 0)))
        sampler.close()


def test_samples_of_another_shape_are_refused(tmp_path: Path) -> None:
    """The recorded strings are those of the call's knapsacks."""
    path, other = tmp_path / "j.sqlite", drawn_samples(n_customers=12)
    with Journal(path) as journal:
        journal.record(CALL, other, np.random.default_rng(0))
    prices = np.random.default_rng([0, 0]).normal(size=(3, 11))
    for sampler in (ReplaySampler(path), JournaledSampler(None, Journal(path), "dice")):
        rng = np.random.default_rng(0)
        with pytest.raises(InputError, match=r"return Samples with strings \[3, S, 11\]"):
            sampler.sample(SampleQuery(prices, np.arange(1, 12), np.full(3, 20), 64, rng, SampleContext("toy/0/0", 0)))
        sampler.close()


def test_arrays_of_a_result_are_limited_together(tmp_path: Path) -> None:
    """Many arrays, each small enough, are refused before one is unpacked; so is writing what could not be read."""
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.intend_job(JOB, "tag")
        journal.submitted_job(JOB, "id")
        journal.finished_job(JOB, [np.zeros(2**22, np.int64)] * 9, COST)
        with pytest.raises(InputError, match=f"{9 * 2**25} bytes of arrays"):
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
