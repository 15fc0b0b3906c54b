"""Journals: answers and jobs are kept to the last bit, through crashes and with several writers."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import sqlite3
import stat
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
from journal_samples import COST, drawn_call, drawn_samples, same

from lagrl.errors import InputError, LagrlError, OutputError
from lagrl.quantum.journal.database import Tables
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.lines import JOURNAL
from lagrl.quantum.journal.values import pack, plain_state, set_state, unpack
from lagrl.relaxation.sampler import SampleContext, Samples, SamplingCost

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


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """A journal is created with mode 0600, independent of the umask."""
    Journal(tmp_path / "j.sqlite").close()
    assert stat.S_IMODE((tmp_path / "j.sqlite").stat().st_mode) == 0o600


@pytest.mark.parametrize("read_only", [False, True])
def test_a_write_ahead_log_cut_at_any_byte_is_continued(tmp_path: Path, read_only: bool) -> None:
    """Wherever its writer was killed, what was recorded before is kept, and nothing of what was being recorded."""
    path, cut = tmp_path / "j.sqlite", tmp_path / "cut.sqlite"
    with Journal(path) as journal:
        journal.record(drawn_call(0), drawn_samples(0), np.random.default_rng(0))
        start = log(path).stat().st_size
        journal.record(drawn_call(1), drawn_samples(1), np.random.default_rng(1))
        main, whole = path.read_bytes(), log(path).read_bytes()
    for end in [start, start + 1, start + 30, *range(start + 100, len(whole), 1711), len(whole) - 1, len(whole)]:
        for file in tmp_path.glob("cut.sqlite*"):
            file.unlink()
        cut.write_bytes(main)
        log(cut).write_bytes(whole[:end])
        with Journal(cut, read_only=read_only) as journal:
            assert len(journal) == 1 + (end == len(whole))
            if not read_only:
                journal.record(drawn_call(1), drawn_samples(1), np.random.default_rng(1))
                assert len(journal) == 2
            answer = journal.answer(drawn_call(0))
            assert answer is not None
            assert same(answer.samples, drawn_samples(0))


def log(path: Path) -> Path:
    """Return the write-ahead log of a journal."""
    return path.with_name(f"{path.name}-wal")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be killed cheaply")
@pytest.mark.parametrize("when", ["before anything", "before the tables", "after the tables"])
def test_a_journal_whose_creator_died_is_created_anew(tmp_path: Path, when: str) -> None:
    """An empty file, and what a killed creator leaves, become a journal."""
    path = tmp_path / "j.sqlite"
    if when == "before anything":
        path.touch()
    elif not os.fork():
        commit = Tables._commit

        def dying(self: Tables, connection: sqlite3.Connection) -> None:
            if when == "after the tables":
                commit(self, connection)
            os.kill(os.getpid(), signal.SIGKILL)

        Tables._commit = dying  # type: ignore[method-assign]  # to die within a commit
        Journal(path)
        os._exit(1)
    else:
        assert os.WTERMSIG(os.wait()[1]) == signal.SIGKILL
    fill(path, 1)
    with Journal(path, read_only=True) as journal:
        assert len(journal) == 1


def test_a_damaged_byte_is_noticed_or_without_effect(tmp_path: Path) -> None:
    """A changed byte is an error with the file, which stays as it is, unless all answers and jobs are the same."""
    path = tmp_path / "j.sqlite"
    fill(path, 2)
    with Journal(path) as journal:
        journal.intend_job("f", "tag")
        summary = journal.summary()
    whole = path.read_bytes()
    n_refused = 0
    for place in [*range(100), *range(101, len(whole), 397)]:
        damaged = bytearray(whole)
        damaged[place] ^= 1
        for read_only in (True, False):
            path.write_bytes(damaged)
            try:
                with Journal(path, read_only=read_only) as journal:
                    assert journal.summary() == summary
                    for step in range(2):
                        answer = journal.answer(drawn_call(step))
                        assert answer is not None
                        assert same(answer.samples, drawn_samples(step))
            except LagrlError as error:
                assert str(error).startswith(f"{path}: ") and "; " in str(error)
                assert path.read_bytes() == damaged
                n_refused += 1
    assert n_refused > 40


def test_a_damaged_row_is_named(tmp_path: Path) -> None:
    """The message has the file, the table and the row, and says that the results may be paid for."""
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.intend_job("f" * 64, "lagrl-tag")
    path.write_bytes(path.read_bytes().replace(b"lagrl-tag", b"lagrl-tax"))
    with pytest.raises(InputError, match=rf"{path}: damaged \(table jobs, row 'fff.*: checksum .*; .* be paid for"):
        Journal(path)


def database(path: Path, *commands: str) -> None:
    """Make an SQLite file."""
    connection = sqlite3.connect(path)
    for command in commands:
        connection.execute(command)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"the end of a novel", "cannot be read .it starts with b'the end of a novel'"),
        (b'{"schema": "lagrl-row/2"}\n', "cannot be read .it starts with"),
        (JOURNAL.first_line, "is a journal of lines, as .*; import it .*: lagrl journal NEW.journal.sqlite --import"),
        (["CREATE TABLE a (x)"], "cannot be read .it is an SQLite database of another program"),
        (["PRAGMA application_id = 1818322802", "PRAGMA user_version = 4"], "has schema 4; use the version of lagrl"),
        (
            ["PRAGMA application_id = 1818322802", "PRAGMA user_version = 3", "CREATE VIEW calls AS SELECT 1"],
            "damaged .it has other tables",
        ),
    ],
)
def test_other_files_are_refused_and_left_alone(tmp_path: Path, content: bytes | list[str], message: str) -> None:
    """A file that is not a journal, or has a later version or other tables, is never written to."""
    path = tmp_path / "j.sqlite"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        database(path, *content)
    before = path.read_bytes()
    for read_only in (True, False):
        with pytest.raises(InputError, match=message):
            Journal(path, read_only=read_only)
        assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="needs a process without permissions")
@pytest.mark.parametrize("left", [False, True])
def test_a_journal_in_a_folder_that_cannot_be_written_is_read(tmp_path: Path, left: bool) -> None:
    """It is read if it was closed; what a killed writer left is in a file beside it, which has to be copied too."""
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        journal.record(drawn_call(0), drawn_samples(0), np.random.default_rng(0))
        main, whole = path.read_bytes(), log(path).read_bytes()
    path.write_bytes(main if left else path.read_bytes())
    if left:
        log(path).write_bytes(whole)
    path.chmod(0o444)
    folders = [folder for folder in (tmp_path, *tmp_path.parents) if folder.stat().st_mode & 0o005 != 0o005]
    modes = [folder.stat().st_mode for folder in folders]
    for folder in {tmp_path, *folders}:
        folder.chmod(0o555)
    try:
        os.setresuid(65534, 65534, 0)
        if left:
            with pytest.raises(InputError, match=r"cannot be read .*; copy it, with the files -wal and -shm"):
                Journal(path, read_only=True)
        else:
            with Journal(path, read_only=True) as journal:
                assert len(journal) == 1
        with pytest.raises(OutputError, match=r"no permission to write|cannot be written"):
            Journal(path)
    finally:
        os.setresuid(0, 0, 0)
        for folder, mode in zip(folders, modes, strict=True):
            folder.chmod(mode)


def test_places_that_cannot_hold_a_journal(tmp_path: Path) -> None:
    """Folders, missing folders and missing files are errors at opening; a closed journal refuses calls."""
    with pytest.raises(OutputError, match="is a folder"):
        Journal(tmp_path)
    with pytest.raises(OutputError, match="does not exist"):
        Journal(tmp_path / "nowhere" / "j.sqlite")
    with pytest.raises(InputError, match="cannot be read"):
        Journal(tmp_path / "j.sqlite", read_only=True)
    journal = Journal(tmp_path / "j.sqlite")
    journal.close()
    journal.close()
    with pytest.raises(OutputError, match="closed"):
        journal.find_job("f")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    """If a step cannot be written, the error names the file, earlier steps stay, and a later attempt succeeds."""
    import resource

    path = tmp_path / "j.sqlite"
    fill(path, 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(path) as journal:
        journal.find_job("f")
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (log(path).stat().st_size + 5000, hard))
            with pytest.raises(OutputError, match=rf"{path}: cannot be written \(disk I/O error\); check .* space"):
                journal.record(drawn_call(1), drawn_samples(1), np.random.default_rng(1))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert len(journal) == 1
        connection = journal._tables._connection
        assert connection is not None
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(OutputError, match=rf"{path}: cannot be written \(database or disk is full\)"):
            for step in range(1, 20):
                journal.record(drawn_call(step), drawn_samples(step), np.random.default_rng(step))
        connection.execute("PRAGMA max_page_count = 100000")
        journal.record(drawn_call(30), drawn_samples(30), np.random.default_rng(30))
        n_calls = len(journal)
    with Journal(path) as journal:
        assert len(journal) == n_calls >= 2


def test_every_step_is_on_the_disk_when_the_call_returns(tmp_path: Path) -> None:
    """Each answer and each step of a job is a transaction, which SQLite syncs, and readers see it at once."""
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal, Journal(path, read_only=True) as reader:
        commits: list[int] = []
        commit = journal._tables._commit
        journal._tables._commit = lambda connection: (commit(connection), commits.append(len(reader)))[0]  # type: ignore[method-assign,func-returns-value]
        states = []
        for step in (
            lambda: journal.record(drawn_call(0), drawn_samples(0), np.random.default_rng(0)),
            lambda: journal.intend_job("f", "tag"),
            lambda: journal.submitted_job("f", "id"),
            lambda: journal.finished_job("f", CODES, COST),
        ):
            step()
            states.append(reader.job_state("f"))
            connection = journal._tables._connection
            assert connection is not None and not connection.in_transaction
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert commits == [1] * 4
        assert states == ["", "intended", "submitted", "finished"]


SYNCED = """
import os, sys
import numpy as np
from journal_samples import COST, drawn_call, drawn_samples
from lagrl.quantum.journal.journal import Journal
journal = Journal(sys.argv[1])
for act in (
    lambda: None,
    lambda: journal.record(drawn_call(0), drawn_samples(0), np.random.default_rng(0)),
    lambda: journal.keep_plan("c", {}),
    lambda: journal.find_job("f"),
    lambda: journal.intend_job("f", "tag"),
    lambda: journal.submitted_job("f", "id"),
    lambda: journal.finished_job("f", [np.ones((1, 2), np.int64)], COST),
):
    act()
    os.close(os.open(os.devnull, os.O_RDONLY))
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_every_step_is_synced_before_the_call_returns(tmp_path: Path) -> None:
    """SQLite asks the system to put each answer, plan and step of a job on the disk; seen by the system's calls."""
    path, trace = tmp_path / "j.sqlite", tmp_path / "trace"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])}
    command = ["strace", "-f", "-y", "-o", str(trace), "-e", "trace=openat,fsync,fdatasync", sys.executable]
    subprocess.run([*command, "-c", SYNCED, str(path)], env=environment, check=True, timeout=120)
    calls = [line.partition(" ")[2].strip() for line in trace.read_text().splitlines()]
    ends = [i for i, call in enumerate(calls) if call.startswith("openat") and '"/dev/null", O_RDONLY' in call][-7:]
    for start, end in itertools.pairwise(ends):
        synced = [call for call in calls[start:end] if "sync(" in call and f"<{path}-wal>" in call]
        assert synced and all(call.endswith("= 0") for call in synced)


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
