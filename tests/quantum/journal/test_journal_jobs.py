"""Jobs in a journal: every process sees their state, so that none is paid twice."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from journal_samples import COST, drawn_call, drawn_samples

from lagrl import processes
from lagrl.errors import InputError
from lagrl.processes import is_alive_elsewhere, this_process
from lagrl.quantum.journal import job_table as journal_jobs
from lagrl.quantum.journal.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

CODES = [np.array([[3, 0, 2**40]], np.int64), np.array([[1], [2]], np.int64)]


def test_a_job_goes_from_claim_to_result(tmp_path: Path) -> None:
    """At each step, a process that reopens the journal gets the known state, and finally the result."""
    path = tmp_path / "j.sqlite"

    def known() -> tuple[object, ...] | None:
        with Journal(path) as journal:
            record = journal.find_job("f")
            return None if record is None else (record.tag, record.job, record.codes is not None)

    assert known() is None
    assert known() is None, "a claim sends nothing"
    with Journal(path) as journal:
        journal.intend_job("f", "tag")
        assert [job.state for job in journal.pending()] == ["intended"]
    assert known() == ("tag", "", False)
    with Journal(path) as journal:
        journal.submitted_job("f", "id")
        journal.submitted_job("f", "id")
        assert [(job.state, job.tag, job.job) for job in journal.pending()] == [("submitted", "tag", "id")]
    assert known() == ("tag", "id", False)
    with Journal(path) as journal:
        journal.finished_job("f", CODES, COST)
        journal.finished_job("f", CODES, COST)
    assert known() == ("tag", "id", True)
    with Journal(path) as journal:
        record = journal.find_job("f")
        assert record is not None
        assert record.cost == COST
        assert record.codes is not None
        assert all(np.array_equal(a, b) and a.dtype == np.int64 for a, b in zip(record.codes, CODES, strict=True))
        assert not journal.pending()
        assert journal.summary().paid == COST


def test_a_failed_job_may_be_sent_again(tmp_path: Path) -> None:
    """After a failure the same circuits are claimed and sent with another tag."""
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.intend_job("f", "first")
        journal.submitted_job("f", "id 1")
        journal.failed_job("f", "error 1517")
        assert journal.find_job("f") is None
        journal.intend_job("f", "second")
        journal.submitted_job("f", "id 2")
        journal.finished_job("f", CODES, COST)
        summary = journal.summary()
    assert (summary.jobs, summary.failed, summary.pending, summary.paid) == (2, 1, (), COST)


def test_steps_that_would_pay_twice_or_lose_a_job_are_refused(tmp_path: Path) -> None:
    """A job cannot be intended twice, sent after its result, or finished or submitted without being intended."""
    with Journal(tmp_path / "j.sqlite") as journal:
        for step in (
            lambda: journal.submitted_job("f", "id"),
            lambda: journal.finished_job("f", CODES, COST),
            lambda: journal.failed_job("f", "why"),
        ):
            with pytest.raises(InputError, match="is unknown and cannot become"):
                step()
        journal.intend_job("f", "tag")
        with pytest.raises(InputError, match="job tag is intended and cannot become intended"):
            journal.intend_job("f", "other")
        journal.submitted_job("f", "id")
        with pytest.raises(InputError, match="job id is submitted and cannot become intended"):
            journal.intend_job("f", "other")
        journal.finished_job("f", CODES, COST)
        with pytest.raises(InputError, match="job id is finished and cannot become submitted"):
            journal.submitted_job("f", "id 2")


def test_failures_are_kept_without_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token in an error's text is not written to the file."""
    token = "q7-NotARealToken_0123456789abcdefghijklmnopq"
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "short-but-secret")
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.intend_job("f", "tag")
        journal.failed_job("f", f"401 for {token}, or short-but-secret it was")
    text = (tmp_path / "j.sqlite").read_bytes()
    assert b"401 for" in text
    assert token.encode() not in text
    assert b"secret" not in text


def test_a_job_is_waited_for_while_another_process_sends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that needs a job claimed by a running process waits for it instead of sending a second."""
    path = tmp_path / "j.sqlite"
    with Journal(path) as owner, Journal(path) as other:
        assert owner.find_job("f") is None
        steps = iter(
            [
                lambda: owner.intend_job("f", "tag"),
                lambda: owner.submitted_job("f", "id"),
            ]
        )
        monkeypatch.setattr(journal_jobs, "is_alive_elsewhere", lambda name: True)
        monkeypatch.setattr("lagrl.quantum.journal.journal._PATIENCE", 0.04)
        monkeypatch.setattr("lagrl.quantum.journal.journal.time.sleep", lambda seconds: next(steps)())
        with pytest.warns(UserWarning, match=rf"process {os.getpid()} is about to send the same job"):
            record = other.find_job("f")
    assert record is not None
    assert (record.tag, record.job) == ("tag", "id")


@pytest.mark.parametrize("next_step", ["another job", "an answer"])
def test_a_process_that_starts_something_else_releases_its_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, next_step: str
) -> None:
    """A job is not waited for once its claimant does something else."""
    path = tmp_path / "j.sqlite"
    monkeypatch.setattr(journal_jobs, "is_alive_elsewhere", lambda name: True)
    with Journal(path) as owner, Journal(path) as other:
        owner.find_job("f")
        owner.intend_job("f", "tag")
        if next_step == "another job":
            owner.find_job("g")
        else:
            owner.record(drawn_call(0), drawn_samples(0), np.random.default_rng(0))
        record = other.find_job("f")
    assert record is not None
    assert (record.tag, record.job) == ("tag", "")


@pytest.mark.skipif(sys.platform == "win32", reason="processes cannot be asked there")
def test_a_claimant_is_known_to_be_alive_or_not() -> None:
    """Only a running process of this machine is alive: not one that ended, has a reused number or another host."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    host, _, _ = this_process().split(" ")
    started = processes._started(child.pid)
    name = f"{host} {child.pid} {started}"
    assert is_alive_elsewhere(name)
    assert not is_alive_elsewhere(f"{host} {child.pid} {started}0")
    assert not is_alive_elsewhere(f"other{host} {child.pid} {started}")
    assert not is_alive_elsewhere(this_process())
    assert not is_alive_elsewhere("")
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert sys.platform != "linux" or not is_alive_elsewhere(name), "a zombie will not send anything"
    child.communicate()
    assert not is_alive_elsewhere(name)


def test_the_end_of_a_replaced_job_changes_only_the_cost(tmp_path: Path) -> None:
    """The end of a replaced job does not change the job sent in its place; its cost counts once."""
    path = tmp_path / "j.sqlite"
    with Journal(path) as patient, Journal(path) as other:
        patient.intend_job("f", "first")
        patient.submitted_job("f", "id 1")
        assert other.give_up("id 1").job == "id 1"
        patient.unusable_job("f", "damaged", COST, "id 1")  # while nothing was sent in its place
        assert other.find_job("f") is None
        patient.failed_job("f", "cancelled", COST, "id 1")  # claimed by the other one
        other.intend_job("f", "second")
        patient.finished_job("f", CODES, COST, "id 1")  # intended
        other.submitted_job("f", "id 2")
        patient.failed_job("f", "cancelled", COST, "id 1")  # submitted
        assert [(job.state, job.job) for job in other.pending()] == [("submitted", "id 2")]
        assert other.summary().paid == COST
        other.finished_job("f", CODES, COST, "id 2")
    with Journal(path, read_only=True) as journal:
        summary = journal.summary()
    assert (summary.jobs, summary.failed, summary.pending, summary.paid) == (2, 1, (), COST + COST)


def test_a_job_that_is_being_sent_cannot_be_given_up(tmp_path: Path) -> None:
    """A job that a running process is sending cannot be given up: its id would be lost."""
    path = tmp_path / "j.sqlite"
    sender = (
        "from lagrl.quantum.journal.journal import Journal; import sys; j = Journal(sys.argv[1]); j.find_job('f'); "
    )
    sender += "j.intend_job('f', 'tag'); print('sent', flush=True); input(); j.submitted_job('f', 'id')"
    child = subprocess.Popen(
        [sys.executable, "-c", sender, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "sent\n"
    with Journal(path) as journal:
        with pytest.raises(InputError, match=f"job tag is being sent by process {child.pid}; wait"):
            journal.give_up("tag")
        child.communicate("\n")
        assert journal.summary().pending[0].job == "id"
        assert journal.give_up("id").state == "submitted"
        assert not journal.pending()


def test_the_state_of_a_job_is_read_without_claiming(tmp_path: Path) -> None:
    """Reading a job's state leaves the file as it is; claimed and failed jobs count as not sent."""
    path = tmp_path / "j.sqlite"
    steps = [
        (lambda journal: journal.find_job("f"), ""),
        (lambda journal: journal.intend_job("f", "tag"), "intended"),
        (lambda journal: journal.submitted_job("f", "id"), "submitted"),
        (lambda journal: journal.unusable_job("f", "damaged", COST), "submitted"),
        (lambda journal: journal.failed_job("f", "given up"), ""),
        (lambda journal: journal.find_job("f"), ""),
        (lambda journal: journal.intend_job("f", "other tag"), "intended"),
        (lambda journal: journal.submitted_job("f", "other id"), "submitted"),
        (lambda journal: journal.finished_job("f", CODES, COST), "finished"),
    ]
    with Journal(path) as writer, Journal(path, read_only=True) as reader:
        assert not reader.job_state("f")
        for step, state in steps:
            step(writer)
            before = path.read_bytes()
            assert reader.job_state("f") == writer.job_state("f") == state
            assert not reader.job_state("g")
            assert path.read_bytes() == before
