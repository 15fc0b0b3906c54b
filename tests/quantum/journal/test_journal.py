"""Journals: answers and jobs are kept to the last bit, through crashes and with several writers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as npst
from journal_samples import CODES, COST, drawn_call, drawn_samples, fill, same

from lagrl.errors import InputError
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.values import pack, plain_state, set_state, unpack
from lagrl.relaxation.sampler import SampleContext, Samples, SamplingCost


@settings(max_examples=40, deadline=None)
@given(
    strings=npst.arrays(np.uint8, npst.array_shapes(min_dims=3, max_dims=3, max_side=9), elements=st.integers(0, 1)),
    largest=st.integers(1, 2**49),
    kind=st.sampled_from([np.int64, np.int32, np.uint8]),
    cost=st.builds(
        SamplingCost,
        shots=st.integers(0, 10**9),
        qpu_seconds=st.floats(0, 1e15),
        backend=st.text(max_size=9),
    ),
    seed=st.integers(0, 9),
)
def test_samples_survive_storing(
    tmp_path_factory: pytest.TempPathFactory,
    strings: np.ndarray,
    largest: int,
    kind: type,
    cost: SamplingCost,
    seed: int,
) -> None:
    """Recorded samples are restored with equal bits, counts, types and cost, in C order."""
    highest = min(largest, np.iinfo(kind).max)
    counts = np.random.default_rng(seed).integers(1, highest, strings.shape[:2], endpoint=True).astype(kind)
    samples = Samples(np.asfortranarray(strings), counts, cost)
    path = tmp_path_factory.mktemp("journal") / "j.sqlite"
    with Journal(path) as journal:
        journal.record(drawn_call(), samples, np.random.default_rng(0))
    with Journal(path, read_only=True) as journal:
        answer = journal.answer(drawn_call())
    assert answer is not None
    assert same(answer.samples, samples)
    assert answer.samples.bitstrings.flags.c_contiguous and answer.samples.counts.flags.c_contiguous


@settings(max_examples=40, deadline=None)
@given(npst.arrays(np.int64, npst.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=6)))
def test_integers_survive_packing(array: np.ndarray) -> None:
    """Any int64 array is restored, empty and negative ones too."""
    (back,) = unpack([pack(array)])
    assert back.dtype == np.int64
    assert back.shape == array.shape
    assert np.array_equal(back, array)


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_random_states_survive_json(kind: str) -> None:
    """Every numpy generator continues its sequence after its state was saved and restored."""
    rng = np.random.Generator(getattr(np.random, kind)(5))
    rng.random(7)
    other = np.random.Generator(getattr(np.random, kind)(6))
    set_state(other, json.loads(json.dumps(plain_state(rng))))
    assert np.array_equal(rng.integers(0, 99, 50), other.integers(0, 99, 50))


def test_answers_come_back_in_another_process_state(tmp_path: Path) -> None:
    """A recorded answer is found by its call after reopening, and other calls have none."""
    path = tmp_path / "j.sqlite"
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


@pytest.mark.parametrize("run", ["toy/é/0", "caf\udce9/0/0", "a\0b", "🙂"])
def test_names_of_runs_are_kept(tmp_path: Path, run: str) -> None:
    """Any text is kept, also names of files that are not UTF-8."""
    with Journal(tmp_path / "j.sqlite") as journal:
        call = drawn_call(0, run)
        journal.record(call, drawn_samples(0), np.random.default_rng(0))
        with journal.calling(SampleContext(run, 3)):
            journal.intend_job("f", "tag")
    with Journal(tmp_path / "j.sqlite", read_only=True) as journal:
        assert journal.recorded(run, 0) == (call,)
        assert journal.answer(call) is not None
        assert journal.pending()[0].run == run


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    """A cost that is no cost, numbers above 2**63 and a row that is too large are refused, and the journal goes on."""
    samples = drawn_samples()
    with Journal(tmp_path / "j.sqlite") as journal:
        for wrong, message in [
            ((drawn_call(), replace(samples, cost=SamplingCost(jobs=-1))), "cost: .* is not possible"),
            ((drawn_call(), replace(samples, cost=SamplingCost(seconds=float("nan")))), "cost"),
            ((replace(drawn_call(), step=2**70), samples), "step: .* is not a whole number"),
        ]:
            with pytest.raises(InputError, match=rf"j\.sqlite: {message}"):
                journal.record(*wrong, np.random.default_rng(0))
        noise = np.random.default_rng(0).integers(0, 2**62, 2**22)
        journal.intend_job("f", "tag")
        journal.submitted_job("f", "id")
        with pytest.raises(InputError, match=r"j\.sqlite: a row of more than 33554432 bytes .*; .*fewer shots"):
            journal.finished_job("f", [noise], COST)
        assert len(journal) == 0
        assert journal.job_state("f") == "submitted"


def test_answers_stay_in_the_file(tmp_path: Path) -> None:
    """An open journal takes little memory, however many samples it holds."""
    path = tmp_path / "j.sqlite"
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
    path = tmp_path / "j.sqlite"
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
            with journal._tables.transaction():
                journal._tables.put("plans", call="half", plan={})
                os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_processes_append_to_the_same_journal(tmp_path: Path) -> None:
    """Three processes at once lose no answer, even if a fourth is killed in the middle of a transaction."""
    path = tmp_path / "j.sqlite"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])}
    runs = ["a", "b", "c", "torn"]
    command = [sys.executable, "-W", "ignore", "-c", WRITER, str(path)]
    writers = [subprocess.Popen([*command, run], env=environment) for run in runs]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, -9]
    journal = Journal(path)
    assert journal.kept_plan("half") is None
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
    path = tmp_path_factory.mktemp("journal") / "j.sqlite"
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
    path = tmp_path / "j.sqlite"
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
