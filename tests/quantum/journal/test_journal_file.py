"""The file of a journal: what is on the disk after every step, damage, and places that cannot hold one."""

from __future__ import annotations

import functools
import itertools
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from journal_samples import CODES, COST, drawn_call, drawn_samples, fill, same

from lagrl.errors import InputError, LagrlError, OutputError
from lagrl.quantum.journal.database import Tables
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.lines import JOURNAL


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

        Tables._commit = dying  # to die within a commit
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


@pytest.mark.parametrize("n_refusals", [2, 10**9])
def test_a_refused_write_ahead_log_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_refusals: int
) -> None:
    """SQLite refuses it at once where two processes open a new journal together: it is asked again, for a time."""
    left = n_refusals

    class Contended(sqlite3.Connection):
        def execute(self, command: str, *values: object) -> sqlite3.Cursor:
            nonlocal left
            if command == "PRAGMA journal_mode = WAL" and left:
                left -= 1
                refusal = sqlite3.OperationalError("database is locked")
                refusal.sqlite_errorcode = sqlite3.SQLITE_BUSY
                raise refusal
            return super().execute(command, *values)

    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Contended))
    monkeypatch.setattr("lagrl.quantum.journal.database._PATIENCE", 0.1)
    if n_refusals == 2:
        with Journal(tmp_path / "j.sqlite") as journal:
            assert not left
            assert journal.summary().calls == 0
    else:
        with pytest.raises(OutputError, match="another process has locked it"):
            Journal(tmp_path / "j.sqlite")


def test_every_step_is_on_the_disk_when_the_call_returns(tmp_path: Path) -> None:
    """Each answer and each step of a job is a transaction, which SQLite syncs, and readers see it at once."""
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal, Journal(path, read_only=True) as reader:
        commits: list[int] = []
        commit = journal._tables._commit

        def counted(connection: sqlite3.Connection) -> None:
            commit(connection)
            commits.append(len(reader))

        journal._tables._commit = counted  # to count what readers see
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
