"""Row files survive crashes and have one writer at a time."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from synthetic_rows import synthetic_row

from lagrl.bench.rows import RowStore, read_rows
from lagrl.errors import InputError, OutputError
from lagrl.io.line_format import TornLineWarning

_NO_LOCKS = not hasattr(signal, "SIGKILL")


def _fill(path: Path, n_rows: int) -> None:
    with RowStore(path) as store:
        for seed in range(n_rows):
            store.append(synthetic_row(seed=seed))


def test_rows_come_back_as_they_were_appended(tmp_path: Path) -> None:
    """What is read equals what was appended, the schema first and the fields in their order."""
    path = tmp_path / "rows.jsonl"
    _fill(path, 3)
    rows = read_rows(path)
    assert rows == [{"schema": "lagrl-row/1", **synthetic_row(seed=seed)} for seed in range(3)]
    assert list(rows[0]) == ["schema", *synthetic_row()]


def test_reopening_knows_the_finished_keys_and_appends_after_them(tmp_path: Path) -> None:
    """A second run sees the keys of the first and adds to its rows."""
    path = tmp_path / "rows.jsonl"
    _fill(path, 2)
    with RowStore(path) as store:
        assert store.keys() == {synthetic_row(seed=seed)["key"] for seed in range(2)}
        store.append(synthetic_row(seed=2))
    assert [row["seed"] for row in read_rows(path)] == [0, 1, 2]


def test_a_file_cut_at_any_byte_resumes(tmp_path: Path) -> None:
    """Wherever the writer was killed, whole rows are kept and the torn one is cut off with a warning."""
    whole = tmp_path / "whole.jsonl"
    _fill(whole, 2)
    data = whole.read_bytes()
    first = data.index(b"\n") + 1
    path = tmp_path / "cut.jsonl"
    for length in [*range(first, first + 60), *range(first + 60, len(data), 37), len(data) - 2, len(data) - 1]:
        path.write_bytes(data[:length])
        is_torn = first < length < len(data) - 1
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert len(read_rows(path)) == (2 if length == len(data) - 1 else 1)
            assert path.read_bytes() == data[:length]
            with RowStore(path) as store:
                finished = store.keys()
                for row in (synthetic_row(seed=seed) for seed in range(2)):
                    if row["key"] not in finished:
                        store.append(row)
        assert [w.category for w in caught] == [TornLineWarning] * (2 if is_torn else 0), length
        if is_torn:
            assert "line 2 is torn" in str(caught[1].message)
            assert "cut off" in str(caught[1].message)
        assert path.read_bytes() == data, length


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"NAME : A-n32-k5\n", r"line 1: not a result row"),
        (b"the end of a novel", r"line 1: not a result row"),
        (b"\x00\xff\xfe\n", r"line 1: not a result row"),
        (b"[" * 100_000 + b"\n", r"line 1: not a result row"),
        (b"3\n", r"line 1: not a result row \(not a JSON object\)"),
        (b"\n", r"line 1: not a result row"),
        (b'{"schema": "lagrl-row/2", "key": "a"}\n', r"line 1: schema: 'lagrl-row/2' is not 'lagrl-row/1'"),
        (b'{"schema": "lagrl-row/1", "key": "a"}\n', r"line 1: lacks .*instance"),
    ],
)
def test_a_file_of_anything_else_is_refused_and_left_alone(tmp_path: Path, content: bytes, message: str) -> None:
    """Opening a foreign file names file and line and changes no byte of it."""
    path = tmp_path / "other.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rf"other\.jsonl: {message}"):
        RowStore(path)
    with pytest.raises(InputError, match=rf"other\.jsonl: {message}"):
        read_rows(path)
    assert path.read_bytes() == content


def test_a_malformed_line_in_the_middle_is_refused_by_number(tmp_path: Path) -> None:
    """Only the last line may be torn: a damaged line in the middle is an error."""
    path = tmp_path / "rows.jsonl"
    _fill(path, 3)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[1][:50] + "\n" + lines[2])
    with pytest.raises(InputError, match=r"rows\.jsonl: line 2: not a result row"):
        RowStore(path)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", '"5"', "true"])
def test_a_file_with_an_unusable_number_is_refused(tmp_path: Path, number: str) -> None:
    """NaN, infinity in any spelling, text and booleans are refused as numbers."""
    path = tmp_path / "rows.jsonl"
    text = json.dumps({"schema": "lagrl-row/1", **synthetic_row(gap_pct=123.25)})
    path.write_text(text.replace("123.25", number) + "\n")
    with pytest.raises(InputError, match=r"rows\.jsonl: line 1: "):
        read_rows(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cost": float("nan")}, "cost: nan is not a finite number"),
        ({"gap_pct": float("inf")}, "gap_pct: inf is not a finite number"),
        ({"history": [[1, 0.1, float("nan")]]}, "history"),
        ({"config": {"step": float("nan")}}, "not plain JSON"),
        ({"config": {"step": object()}}, "not plain JSON"),
        ({"budget": "10"}, "budget: '10' is not an integer"),
        ({"seed": True}, "seed: True is not an integer"),
        ({"key": ""}, "key: '' is not a non-empty string"),
        ({"cost": None}, "cost: null in a feasible row"),
        ({"seconds": None}, "seconds: null is not a finite number"),
        ({"schema": "lagrl-row/0"}, "schema"),
    ],
)
def test_a_row_that_is_not_plain_finite_json_is_refused(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    """A bad row is refused with its field, and nothing of it is written."""
    path = tmp_path / "rows.jsonl"
    with RowStore(path) as store:
        with pytest.raises(InputError, match=message):
            store.append(synthetic_row(**changes))
        assert path.read_bytes() == b""
        assert store.keys() == set()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"versions": {"numpy": {"\\u001b[2J": 1}}}, r"versions\.numpy"),
        ({"versions": ["numpy"]}, "versions"),
        ({"history": [[1, 2]]}, "history"),
        ({"history": [[1, 0.1, 10**400]]}, "history"),
        ({"seed": 2**70}, "seed"),
        ({"config": None}, "config"),
        ({"instance": {}}, "instance"),
        ({"reconstruct": ["pool"], "method": ...}, "method"),
        ({"config": {"a": [[[[]]]] * 3, "b": "x" * 9}, "gap_pct": [0]}, "gap_pct"),
    ],
)
def test_rows_of_other_types_are_refused_by_field(tmp_path: Path, changes: dict[str, Any], field: str) -> None:
    """Every field that is read has its type, also in rows with the former name of a field."""
    row = {"schema": "lagrl-row/1", **synthetic_row(), **changes}
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({name: value for name, value in row.items() if value is not ...}) + "\n")
    with pytest.raises(InputError, match=rf"rows\.jsonl: line 1: {field}"):
        read_rows(path)


def test_a_deeply_nested_row_is_refused(tmp_path: Path) -> None:
    """Nesting ends in one line, above and below the limit of Python's parser."""
    for depth in (40, 100_000):
        path = tmp_path / "rows.jsonl"
        row = json.dumps({"schema": "lagrl-row/1", **synthetic_row(config="deep")})
        path.write_text(row.replace('"deep"', "[" * depth + "]" * depth) + "\n")
        with pytest.raises(InputError, match=r"line 1: not a result row .nested deeper than 32 levels"):
            read_rows(path)


def test_a_key_is_accepted_once(tmp_path: Path) -> None:
    """A key may occur once in a store, in a file and between files."""
    path, copy = tmp_path / "rows.jsonl", tmp_path / "copy.jsonl"
    with RowStore(path) as store:
        store.append(synthetic_row())
        with pytest.raises(InputError, match="is already in"):
            store.append(synthetic_row())
    copy.write_bytes(path.read_bytes())
    with pytest.raises(InputError, match=r"copy\.jsonl: line 1: key: .* is already in .*rows\.jsonl"):
        read_rows(path, copy)
    copy.write_bytes(path.read_bytes() * 2)
    with pytest.raises(InputError, match=r"copy\.jsonl: line 2: key: .* occurs twice"):
        read_rows(copy)


def test_rows_of_several_files_follow_each_other(tmp_path: Path) -> None:
    """Reading several files gives their rows in the order of the files."""
    for name, seed in (("b", 1), ("a", 0)):
        with RowStore(tmp_path / name) as store:
            store.append(synthetic_row(seed=seed))
    assert [row["seed"] for row in read_rows(tmp_path / "b", tmp_path / "a")] == [1, 0]


def test_places_that_cannot_hold_rows_are_refused(tmp_path: Path) -> None:
    """A folder, a missing folder, a device and a missing file to read are named."""
    with pytest.raises(OutputError, match="is a folder"):
        RowStore(tmp_path)
    with pytest.raises(OutputError, match="does not exist"):
        RowStore(tmp_path / "missing" / "rows.jsonl")
    with pytest.raises(OutputError, match="not a regular file"):
        RowStore(os.devnull)
    with pytest.raises(InputError, match=r"none\.jsonl: cannot be read"):
        read_rows(tmp_path / "none.jsonl")


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full half-way through a row, the half is removed and the row can be appended later."""
    path = tmp_path / "rows.jsonl"
    write = os.write

    def full_after_half(descriptor: int, data: bytes) -> int:
        if len(data) < 300:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[: len(data) // 2])

    with RowStore(path) as store:
        store.append(synthetic_row(seed=0))
        before = path.read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full_after_half)
            with pytest.raises(OutputError, match=r"rows\.jsonl: cannot be written \(No space left on device\)"):
                store.append(synthetic_row(seed=1))
        assert path.read_bytes() == before
        store.append(synthetic_row(seed=1))
    assert len(read_rows(path)) == 2


def test_a_closed_store_refuses_rows(tmp_path: Path) -> None:
    """A closed store refuses further rows."""
    with RowStore(tmp_path / "rows.jsonl") as store:
        pass
    store.close()
    with pytest.raises(OutputError, match="is closed"):
        store.append(synthetic_row())


@pytest.mark.skipif(_NO_LOCKS, reason="this platform has no advisory locks")
def test_two_writers_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    """The second writer is refused until the first has closed; a refused opening does not disturb the first."""
    path = tmp_path / "rows.jsonl"
    with RowStore(path) as store:
        with pytest.raises(OutputError, match=r"rows\.jsonl: .* is(?: already)? writing to it"):
            RowStore(path)
        store.append(synthetic_row())
        assert len(read_rows(path)) == 1
    with RowStore(path) as again:
        assert len(again) == 1


_WRITER = """
import itertools, sys
sys.path.insert(0, sys.argv[2])
from synthetic_rows import synthetic_row
from lagrl.bench.rows import RowStore
store = RowStore(sys.argv[1])
history = [[i, i / 10, 1000.0] for i in range(3000)]
for seed in itertools.count(len(store)):
    store.append(synthetic_row(seed=seed, history=history))
"""


@pytest.mark.skipif(_NO_LOCKS, reason="this platform has no SIGKILL")
def test_a_killed_writer_loses_no_finished_row(tmp_path: Path) -> None:
    """A running writer keeps others out and is named; after a kill its rows are whole and the next one resumes."""
    path = tmp_path / "rows.jsonl"
    for _ in range(2):
        before = path.stat().st_size if path.exists() else 0
        writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(path), str(Path(__file__).parent)])
        try:
            deadline = time.monotonic() + 60
            while not (path.exists() and path.stat().st_size > before + 200_000):
                assert writer.poll() is None and time.monotonic() < deadline
                time.sleep(0.01)
            named = rf"process {writer.pid}\b|another lagrl process"
            with pytest.raises(OutputError, match=named):
                RowStore(path)
        finally:
            writer.kill()
            writer.wait()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TornLineWarning)
            with RowStore(path) as store:
                n_rows = len(store)
        rows = read_rows(path)
        assert [row["seed"] for row in rows] == list(range(n_rows))
        assert n_rows >= 2
        assert all(len(row["history"]) == 3000 for row in rows)


def test_gzipped_rows_are_read(tmp_path: Path) -> None:
    """Gzipped rows are read; a damaged archive is an error, and nothing is appended to an archive."""
    path = tmp_path / "rows.jsonl"
    _fill(path, 3)
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_rows(packed) == read_rows(path)
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"rows\.jsonl\.gz: cannot be read"):
        read_rows(packed)
    with pytest.raises(InputError, match="gzipped"), RowStore(packed) as store:
        store.append(synthetic_row())
