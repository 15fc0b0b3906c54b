"""Several threads write to one journal: nothing is lost or mixed up, and other processes wait for each."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from lagrl.processes import is_alive_elsewhere, process_of, this_process, this_thread
from lagrl.quantum.journal import job_table as journal_jobs
from lagrl.quantum.journal.journal import Journal
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

COST = SamplingCost(jobs=1, qpu_seconds=2.0)


def take_the_steps(journal: Journal, barrier: threading.Barrier, thread: int, n_jobs: int) -> None:
    """Send some jobs: every other one succeeds, one in four fails, one in four stays unusable."""
    barrier.wait(timeout=30)
    for i in range(n_jobs):
        name = f"{thread}-{i}"
        assert journal.find_job(name) is None
        journal.intend_job(name, f"tag {name}")
        journal.submitted_job(name, f"id {name}")
        if i % 2:
            journal.finished_job(name, [np.full((1, 3), 100 * thread + i)], COST, f"id {name}")
        elif i % 4:
            journal.failed_job(name, "out of cheese", COST, f"id {name}")
        else:
            journal.unusable_job(name, "damaged", COST, f"id {name}")
        assert (journal.job_state(name) == "") is (i % 4 == 2)


def test_threads_write_to_one_file(tmp_path: Path) -> None:
    """Four threads record every step of their jobs, and another reader finds each job as its thread left it."""
    n_threads, n_jobs = 4, 8
    with Journal(tmp_path / "j.sqlite") as journal:
        barrier = threading.Barrier(n_threads)
        with ThreadPoolExecutor(n_threads) as pool:
            done = [pool.submit(take_the_steps, journal, barrier, thread, n_jobs) for thread in range(n_threads)]
        for one in done:
            one.result()
    with Journal(tmp_path / "j.sqlite") as journal:
        summary = journal.summary()
        assert (summary.jobs, summary.failed, len(summary.pending)) == (32, 8, 8)
        assert summary.paid == sum([COST] * 32, SamplingCost())
        for thread in range(n_threads):
            for i in range(1, n_jobs, 2):
                record = journal.find_job(f"{thread}-{i}")
                assert record is not None and record.codes is not None
                assert record.codes[0].tolist() == [[100 * thread + i] * 3]


def is_held(journal: Journal, fingerprint: str) -> bool:
    """Whether a running process is about to send a job."""
    job = journal._jobs.find(fingerprint)
    return job is not None and job.is_held


def test_a_thread_does_not_release_the_job_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While two threads each send a job, another process that asks for either waits, and both stay held."""
    path = tmp_path / "j.sqlite"
    monkeypatch.setattr(journal_jobs, "is_alive_elsewhere", lambda owner: True)
    with Journal(path) as sender, Journal(path) as other, ThreadPoolExecutor(2) as pool:
        both = threading.Barrier(2)

        def send(name: str) -> str:
            both.wait(timeout=30)
            sender.find_job(name)
            sender.intend_job(name, f"tag {name}")
            both.wait(timeout=30)
            return this_thread()

        owners = {one.result() for one in [pool.submit(send, name) for name in "fg"]}
        assert len(owners) == 2
        other.summary()  # reads what the others wrote
        assert is_held(other, "f") and is_held(other, "g")
        steps = iter([lambda: None, lambda: sender.submitted_job("f", "id f")])
        monkeypatch.setattr("lagrl.quantum.journal.journal.time.sleep", lambda seconds: next(steps)())
        known = other.find_job("f")
        assert known is not None and (known.tag, known.job) == ("tag f", "id f")
        assert is_held(other, "g")
        other._jobs.release_all(this_process())
        assert not is_held(other, "g"), "a process that recorded an answer releases the jobs of all its threads"


def test_a_wait_for_another_process_stops_no_other_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one thread waits for a job that another process sends, other threads record theirs."""
    path = tmp_path / "j.sqlite"
    with Journal(path) as elsewhere, Journal(path) as journal, ThreadPoolExecutor(1) as pool:
        elsewhere.find_job("f")
        owner = elsewhere._jobs.find("f").owner
        monkeypatch.setattr(journal_jobs, "is_alive_elsewhere", lambda name: name == owner)
        waits, pause = threading.Event(), threading.Event()
        monkeypatch.setattr("lagrl.quantum.journal.journal.time.sleep", lambda seconds: (waits.set(), pause.wait(1e-3)))
        asked = pool.submit(journal.find_job, "f")
        assert waits.wait(30)
        told = threading.Thread(target=lambda: (journal.intend_job("g", "tag"), journal.submitted_job("g", "id")))
        told.start()
        told.join(30)
        assert not told.is_alive() and journal.job_state("g")
        assert not asked.done()
        elsewhere.intend_job("f", "tag f")
        elsewhere.submitted_job("f", "id f")
        known = asked.result(30)
        assert (known.tag, known.job) == ("tag f", "id f")


def test_every_thread_is_an_owner() -> None:
    """The main thread has the name of its process, as in older journals; another one has its number appended."""
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(this_thread).result()
    assert this_thread() == this_process() == process_of(other) != other
    assert not is_alive_elsewhere(other)
