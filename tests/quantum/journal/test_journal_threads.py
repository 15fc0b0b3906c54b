"""One journal for several threads: what they tell is neither lost nor mixed up, and other processes wait for each."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from small_executions import MemoryJournal

from lagrl.quantum.journal import job_table as journal_jobs
from lagrl.quantum.journal.job_journal import JobJournal, JobRecord
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.owner import is_alive_elsewhere, process_of, this_process, this_thread
from lagrl.quantum.journal.shared_journal import SharedJobJournal
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from numpy.typing import NDArray

COST = SamplingCost(jobs=1, qpu_seconds=2.0)


def take_the_steps(journal: SharedJobJournal, barrier: threading.Barrier, thread: int, n_jobs: int) -> None:
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


def test_threads_tell_one_file(tmp_path: Path) -> None:
    """Four threads at once, every step of every job, and another reader finds each as its thread left it."""
    n_threads, n_jobs = 4, 8
    with Journal(tmp_path / "j.jsonl") as journal:
        shared, barrier = SharedJobJournal(journal), threading.Barrier(n_threads)
        with ThreadPoolExecutor(n_threads) as pool:
            done = [pool.submit(take_the_steps, shared, barrier, thread, n_jobs) for thread in range(n_threads)]
        for one in done:
            one.result()
    with Journal(tmp_path / "j.jsonl") as journal:
        summary = journal.summary()
        assert (summary.jobs, summary.failed, len(summary.pending)) == (32, 8, 8)
        assert summary.paid == sum([COST] * 32, SamplingCost())
        for thread in range(n_threads):
            for i in range(1, n_jobs, 2):
                record = journal.find_job(f"{thread}-{i}")
                assert record is not None and record.codes is not None
                assert record.codes[0].tolist() == [[100 * thread + i] * 3]


def test_a_thread_does_not_let_go_of_anothers_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While two threads each send a job, another process that asks for either waits, and both stay held."""
    path = tmp_path / "j.jsonl"
    monkeypatch.setattr(journal_jobs, "is_alive_elsewhere", lambda owner: True)
    with Journal(path) as sender, Journal(path) as other, ThreadPoolExecutor(2) as pool:
        shared, both = SharedJobJournal(sender), threading.Barrier(2)

        def send(name: str) -> str:
            both.wait(timeout=30)
            shared.find_job(name)
            shared.intend_job(name, f"tag {name}")
            both.wait(timeout=30)
            return this_thread()

        owners = {one.result() for one in [pool.submit(send, name) for name in "fg"]}
        assert len(owners) == 2
        other.summary()  # reads what was told
        assert other._jobs.is_held("f") and other._jobs.is_held("g")
        steps = iter([lambda: None, lambda: shared.submitted_job("f", "id f")])
        monkeypatch.setattr("lagrl.quantum.journal.journal.time.sleep", lambda seconds: next(steps)())
        assert other.find_job("f") == JobRecord("tag f", "id f")
        assert other._jobs.is_held("g")
        other._jobs.release_all(this_process())
        assert not other._jobs.is_held("g"), "a process that recorded an answer lets go of all its threads' jobs"


def test_a_wait_for_another_process_keeps_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one thread waits for a job that another process sends, other threads go on telling theirs."""
    path = tmp_path / "j.jsonl"
    with Journal(path) as elsewhere, Journal(path) as journal, ThreadPoolExecutor(1) as pool:
        elsewhere.find_job("f")
        owner = elsewhere._jobs.jobs["f"].owner
        monkeypatch.setattr(journal_jobs, "is_alive_elsewhere", lambda name: name == owner)
        shared, waits, pause = SharedJobJournal(journal), threading.Event(), threading.Event()
        monkeypatch.setattr("lagrl.quantum.journal.journal.time.sleep", lambda seconds: (waits.set(), pause.wait(1e-3)))
        asked = pool.submit(shared.find_job, "f")
        assert waits.wait(30)
        told = threading.Thread(target=lambda: (shared.intend_job("g", "tag"), shared.submitted_job("g", "id")))
        told.start()
        told.join(30)
        assert not told.is_alive() and shared.job_state("g")
        assert not asked.done()
        elsewhere.intend_job("f", "tag f")
        elsewhere.submitted_job("f", "id f")
        assert asked.result(30) == JobRecord("tag f", "id f")


def test_threads_are_owners_of_their_own() -> None:
    """The main thread is called as its process, as in older journals; another one with a word more."""
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(this_thread).result()
    assert this_thread() == this_process() == process_of(other) != other
    assert not is_alive_elsewhere(other)


def test_one_thread_at_a_time() -> None:
    """A journal that is not safe itself never sees two threads in it."""
    inside, together = threading.Lock(), []

    class Unsafe(MemoryJournal):
        def finished_job(self, name: str, codes: list[NDArray[np.int64]], cost: SamplingCost, job: str) -> None:
            together.append(not inside.acquire(blocking=False))
            threading.Event().wait(0.002)
            super().finished_job(name, codes, cost, job)
            if inside.locked():
                inside.release()

    shared, barrier = SharedJobJournal(Unsafe()), threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(take_the_steps, shared, barrier, thread, 8) for thread in range(4)]
    for one in done:
        one.result()
    assert len(together) == 16 and not any(together)
    assert isinstance(shared, JobJournal)
