"""Journals: answers and jobs are kept to the last bit, through crashes and with several writers."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import tracemalloc
import warnings
from functools import partial
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as npst
from journal_samples import COST, drawn_call, drawn_samples, same

from lagrl.errors import InputError, OutputError
from lagrl.io import jsonl
from lagrl.io.line_format import TornLineWarning
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.lines import (
    JOURNAL,
    pack,
    pack_samples,
    plain_cost,
    plain_state,
    set_state,
    unpack,
    unpack_samples,
)
from lagrl.relaxation.sampler import Samples, SamplingCost

HEADER, encode = JOURNAL.first_line, JOURNAL.encode
decode = partial(JOURNAL.decode, path=Path("j.jsonl"), number=1)
CODES = [np.array([[3, 0, 2**40]], np.int64), np.array([[1], [2]], np.int64)]


def fill(path: Path, n_calls: int) -> None:
    """Record a number of answers."""
    with Journal(path) as journal:
        for step in range(n_calls):
            journal.record(drawn_call(step), drawn_samples(step), np.random.default_rng(step))


@settings(max_examples=40, deadline=None)
@given(
    strings=npst.arrays(np.uint8, npst.array_shapes(min_dims=3, max_dims=3, max_side=9), elements=st.integers(0, 1)),
    largest=st.integers(1, 2**49),
    kind=st.sampled_from([np.int64, np.int32, np.uint8]),
    cost=st.builds(
        SamplingCost,
        shots=st.integers(0, 10**9),
        qpu_seconds=st.floats(0, allow_infinity=False),
        backend=st.text(max_size=9),
    ),
    seed=st.integers(0, 9),
)
def test_samples_survive_packing(strings: np.ndarray, largest: int, kind: type, cost: SamplingCost, seed: int) -> None:
    """Packed samples are restored with equal bits, counts, types and cost from plain JSON."""
    highest = min(largest, np.iinfo(kind).max)
    counts = np.random.default_rng(seed).integers(1, highest, strings.shape[:2], endpoint=True).astype(kind)
    samples = Samples(np.asfortranarray(strings), counts, cost)
    record = decode(encode({"samples": pack_samples(samples), "cost": plain_cost(cost)}))
    assert same(unpack_samples(record["samples"], SamplingCost(**record["cost"])), samples)


@settings(max_examples=40, deadline=None)
@given(npst.arrays(np.int64, npst.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=6)))
def test_integers_survive_packing(array: np.ndarray) -> None:
    """Any int64 array is restored, empty and negative ones too."""
    back = unpack(pack(array))
    assert back.dtype == np.int64
    assert back.shape == array.shape
    assert np.array_equal(back, array)


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_random_states_survive_json(kind: str) -> None:
    """Every numpy generator continues its sequence after its state was saved and restored."""
    rng = np.random.Generator(getattr(np.random, kind)(5))
    rng.random(7)
    other = np.random.Generator(getattr(np.random, kind)(6))
    set_state(other, decode(encode({"state": plain_state(rng)}))["state"])
    assert np.array_equal(rng.integers(0, 99, 50), other.integers(0, 99, 50))


def test_answers_come_back_in_another_process_state(tmp_path: Path) -> None:
    """A recorded answer is found by its call after reopening, and other calls have none."""
    path = tmp_path / "j.jsonl"
    fill(path, 3)
    with Journal(path) as journal:
        assert len(journal) == 3
        for step in range(3):
            answer = journal.answer(drawn_call(step))
            assert answer is not None
            assert same(answer.samples, drawn_samples(step))
            assert answer.state == plain_state(np.random.default_rng(step))
        for other in (drawn_call(3), drawn_call(0, run="toy/1/0"), drawn_call(0, seed=1), drawn_call(0, sampler="die")):
            assert journal.answer(other) is None


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """A journal is created with mode 0600, independent of the umask."""
    Journal(tmp_path / "j.jsonl").close()
    assert stat.S_IMODE((tmp_path / "j.jsonl").stat().st_mode) == 0o600


def test_a_journal_cut_at_any_byte_is_continued(tmp_path: Path) -> None:
    """Wherever its writer was killed, all lines before are kept and a torn one is cut off with a warning."""
    path = tmp_path / "j.jsonl"
    fill(path, 2)
    whole = path.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for end in [start + 1, start + 9, *range(start + 20, len(whole) - 1, 97), len(whole) - 2]:
        path.write_bytes(whole[:end])
        with pytest.warns(TornLineWarning, match=rf"{path}: line 3 is torn.* left out"):
            reading = Journal(path, read_only=True)
        assert len(reading) == 1
        assert path.read_bytes() == whole[:end]
        reading.close()
        with pytest.warns(TornLineWarning, match=r"line 3 is torn.* cut off"), Journal(path) as journal:
            assert len(journal) == 1
            journal.record(drawn_call(1), drawn_samples(1), np.random.default_rng(1))
        assert path.read_bytes() == whole
    path.write_bytes(whole[:-1])
    with Journal(path) as journal:
        assert len(journal) == 2, "only the line's end was missing"
    assert path.read_bytes() == whole


@pytest.mark.parametrize("torn", [b"", HEADER[:1], HEADER[:30], HEADER[:-1]])
def test_a_journal_whose_creator_died_is_created_anew(tmp_path: Path, torn: bytes) -> None:
    """The beginning of a header, or nothing, becomes a journal."""
    path = tmp_path / "j.jsonl"
    path.write_bytes(torn)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fill(path, 1)
    assert path.read_bytes().startswith(HEADER)


def test_a_damaged_line_is_named_and_kept(tmp_path: Path) -> None:
    """A changed byte in a complete line is an error with file and line, and the file stays as it is."""
    path = tmp_path / "j.jsonl"
    fill(path, 3)
    whole = path.read_bytes()
    second = len(HEADER) + 1
    third = whole.index(b"\n", second)
    for place in [*range(second, third - 1, 61), third - 1, len(whole) - 4]:
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        line = whole[:place].count(b"\n") + 1
        for read_only in (True, False):
            with pytest.raises(InputError, match=rf"{path}: line {line}: damaged"):
                Journal(path, read_only=read_only)
        assert path.read_bytes() == damaged


@pytest.mark.parametrize(
    "line",
    [
        {"kind": "call", "run": "a"},
        {"kind": "finished", "job_of": "f", "cost": {}, "codes": []},
        {"kind": "song"},
        {},
    ],
)
def test_a_line_that_makes_no_sense_is_named(tmp_path: Path, line: dict[str, object]) -> None:
    """An undamaged line that is not a call, or a step that its job cannot take, is refused with its number."""
    path = tmp_path / "j.jsonl"
    path.write_bytes(HEADER + encode(line))
    with pytest.raises(InputError, match=rf"{path}: line 2: damaged"):
        Journal(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"the end of a novel", "the first line is"),
        (b'{"schema": "lagrl-row/2"}\n', "the first line is"),
        (encode({"schema": "lagrl.journal/9", "kind": "header"}), "lagrl.journal/9"),
    ],
)
def test_other_files_are_refused_and_left_alone(tmp_path: Path, content: bytes, message: str) -> None:
    """A file that is not a journal, or has a later version, is never written to."""
    path = tmp_path / "j.jsonl"
    path.write_bytes(content)
    for read_only in (True, False):
        with pytest.raises(InputError, match=message):
            Journal(path, read_only=read_only)
    assert path.read_bytes() == content


def test_places_that_cannot_hold_a_journal(tmp_path: Path) -> None:
    """Folders, missing folders and missing files are errors at opening; a closed journal refuses calls."""
    with pytest.raises(OutputError, match="is a folder"):
        Journal(tmp_path)
    with pytest.raises(OutputError, match="does not exist"):
        Journal(tmp_path / "nowhere" / "j.jsonl")
    with pytest.raises(InputError, match="cannot be read"):
        Journal(tmp_path / "j.jsonl", read_only=True)
    journal = Journal(tmp_path / "j.jsonl")
    journal.close()
    journal.close()
    with pytest.raises(OutputError, match="closed"):
        journal.find_job("f")


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a line cannot be written, the error names the file, earlier lines stay, and a later attempt succeeds."""
    path = tmp_path / "j.jsonl"
    fill(path, 1)
    before = path.read_bytes()
    write = os.write
    with Journal(path) as journal:

        def half(descriptor: int, data: bytes) -> int:
            if len(data) < 300:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(descriptor, data[:-200])

        with monkeypatch.context() as patched:
            patched.setattr(jsonl.os, "write", half)
            with pytest.raises(OutputError, match=rf"{path}: cannot be written \(No space"):
                journal.record(drawn_call(1), drawn_samples(1), np.random.default_rng(1))
        assert path.read_bytes() == before
        journal.record(drawn_call(1), drawn_samples(1), np.random.default_rng(1))
    with Journal(path) as journal:
        assert len(journal) == 2


def test_every_line_is_synced_before_the_call_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer and each step of a job is one write, followed by fsync."""
    events: list[str] = []
    write, sync = os.write, os.fsync
    journal = Journal(tmp_path / "j.jsonl")
    monkeypatch.setattr(jsonl.os, "write", lambda d, data: (events.append("write"), write(d, data))[1])
    monkeypatch.setattr(jsonl.os, "fsync", lambda d: (events.append("sync"), sync(d))[1])
    journal.record(drawn_call(0), drawn_samples(0), np.random.default_rng(0))
    journal.intend_job("f", "tag")
    journal.submitted_job("f", "id")
    journal.finished_job("f", CODES, COST)
    assert events == ["write", "sync"] * 4
    journal.close()


def test_answers_stay_in_the_file(tmp_path: Path) -> None:
    """An open journal takes little memory, however many samples it holds."""
    path = tmp_path / "j.jsonl"
    rng = np.random.default_rng(0)
    with Journal(path) as journal:
        for step in range(40):
            strings = rng.integers(0, 2, (10, 1000, 100), dtype=np.uint8)
            journal.record(drawn_call(step), Samples(strings, np.ones((10, 1000), np.int64)), rng)
    assert path.stat().st_size > 5e6
    tracemalloc.start()
    with Journal(path):
        held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2e5


def test_writers_see_each_others_answers(tmp_path: Path) -> None:
    """An answer that one writer records is found by another; of two answers to a call, the first counts."""
    path = tmp_path / "j.jsonl"
    with Journal(path) as first, Journal(path) as second:
        first.record(drawn_call(0), drawn_samples(0), np.random.default_rng(0))
        found = second.answer(drawn_call(0))
        assert found is not None
        assert same(found.samples, drawn_samples(0))
        kept = second.record(drawn_call(0), drawn_samples(9), np.random.default_rng(9))
        assert same(kept.samples, drawn_samples(0))
        assert len(first) == len(second) == 1


WRITER = """
import sys
import numpy as np
from journal_samples import drawn_call, drawn_samples
from lagrl.quantum.journal.journal import Journal
path, run = sys.argv[1:]
with Journal(path) as journal:
    for step in range(25):
        journal.record(drawn_call(step, run), drawn_samples(step), np.random.default_rng(step))
        if step == 12 and run == "torn":
            import os, signal
            with journal._file.locked():  # as every writer: without it, half a line lands before another's whole one
                journal._file._write(journal._file._descriptor, b'{"crc32": "0123')
                os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no file locks")
def test_processes_append_to_the_same_journal(tmp_path: Path) -> None:
    """Three processes at once lose no line, even if a fourth is killed in the middle of one."""
    path = tmp_path / "j.jsonl"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])}
    runs = ["a", "b", "c", "torn"]
    command = [sys.executable, "-W", "ignore", "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*command, run], env=environment) for run in runs]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, -9]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TornLineWarning)  # if the killed one was the last to write
        journal = Journal(path)
    assert journal.steps() == {**{run: list(range(25)) for run in "abc"}, "torn": list(range(13))}
    for run in "abc":
        answer = journal.answer(drawn_call(7, run))
        assert answer is not None
        assert same(answer.samples, drawn_samples(7))
    journal.close()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("ecisfx")), max_size=30))
def test_a_journal_reads_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    """After any sequence of job steps the file opens again with the same jobs."""
    path = tmp_path_factory.mktemp("journal") / "j.jsonl"
    with Journal(path) as journal:
        for job, step in steps:
            act = {
                "e": lambda job=job: journal.record(drawn_call(0, job), drawn_samples(), np.random.default_rng(0)),
                "c": lambda job=job: journal.find_job(job),
                "i": lambda job=job: journal.intend_job(job, f"tag {job}"),
                "s": lambda job=job: journal.submitted_job(job, f"id {job}"),
                "f": lambda job=job: journal.finished_job(job, CODES, COST),
                "x": lambda job=job: journal.failed_job(job, "why"),
            }[step]
            try:
                act()
            except InputError:
                continue
        summary = journal.summary()
    with Journal(path) as journal:
        assert journal.summary() == summary


def test_the_summary_counts_what_is_there(tmp_path: Path) -> None:
    """The summary counts runs, samplers, calls, jobs, pending jobs and costs, also as plain JSON."""
    path = tmp_path / "j.jsonl"
    fill(path, 2)
    with Journal(path) as journal:
        journal.record(drawn_call(0, "toy/1/0", sampler="die"), drawn_samples(5), np.random.default_rng(5))
        journal.intend_job("f", "tag")
        journal.submitted_job("f", "id")
        record = journal.summary().record()
    assert record["runs"] == {"toy/0/0": 2, "toy/1/0": 1}
    assert record["samplers"] == ["dice", "die"]
    assert record["calls"] == 3
    assert record["sampling"]["shots"] == 3 * COST.shots
    assert record["jobs"] == 1
    assert record["pending"] == [{"state": "submitted", "run": "", "step": 0, "tag": "tag", "job": "id", "problem": ""}]
    assert record["paid"] == {}
