"""A run killed at any moment is resumed to the same result, and no job is paid twice."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import warnings
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
from journal_samples import same
from small_knapsacks import knapsacks

pytest.importorskip("qiskit_ibm_runtime")
from small_devices import line_target

from lagrl.quantum.circuits.ansatz import make_ansatz
from lagrl.quantum.ibm.device import JobUsage
from lagrl.quantum.ibm.runtime import DeviceBackend
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.journaled import JournaledSampler, ReplaySampler
from lagrl.quantum.journal.values import plain_state
from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples, SubproblemSampler
from lagrl.samplers.circuit_sampler import CircuitSampler

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be killed cheaply")

WIDTH = 4
STEPS = 3
JOBS = STEPS
TARGET = line_target(WIDTH)
STAGES = [
    "find_job",
    "intend_job",
    "send",
    "sent",
    "submitted_job",
    "read",
    "finished_job",
    "record",
    "torn claimed",
    "torn intended",
    "torn submitted",
    "torn finished",
    "torn call",
    "within claimed",
    "within intended",
    "within submitted",
    "within finished",
    "within call",
]
STEPS_OF = {
    **{"find_job": "claimed", "intend_job": "intended", "submitted_job": "submitted"},
    **{"finished_job": "finished", "record": "call"},
}


@dataclass
class Death:
    """Kills this process when a stage is reached for the n-th time."""

    what: str = ""
    times: int = 1

    def at(self, what: str) -> None:
        """Kill the process if this is the stage."""
        if what == self.what:
            self.times -= 1
            if not self.times:
                os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Paid:
    """A device whose service is a folder with one file per paid job, which outlives processes."""

    folder: Path
    death: Death
    name: str = "ibm_folder"
    target: Any = TARGET
    is_simulated: ClassVar[bool] = False
    widest: int = WIDTH

    def submit(self, pubs: list[Any], shots: int, options: Any, tag: str, seed: int) -> StoredJob:
        """Run and charge a job at once."""
        self.death.at("send")
        identity = f"job-{len(self.jobs()):03}"
        job = {
            "id": identity,
            "tag": tag,
            "shots": shots,
            "values": [np.asarray(values).tolist() for _, values in pubs],
            "bits": [circuit.num_clbits for circuit, _ in pubs],
        }
        (self.folder / f"{identity}.json").write_text(json.dumps(job))
        self.death.at("sent")
        return StoredJob(job, self.death)

    def jobs(self) -> list[dict[str, Any]]:
        """Return all jobs that were paid."""
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("job-*.json"))]

    def find(self, tag: str) -> StoredJob | None:
        """Return the job with this tag."""
        found = [job for job in self.jobs() if job["tag"] == tag]
        return StoredJob(found[0], self.death) if found else None

    def job(self, job_id: str) -> StoredJob:
        """Return the job with this id."""
        return StoredJob(next(job for job in self.jobs() if job["id"] == job_id), self.death)

    def result(self, sent: StoredJob, timeout: float | None) -> list[Any]:
        """Read a job."""
        return sent.result(timeout)

    def usage(self, sent: StoredJob) -> JobUsage:
        """Return the charge of every job."""
        return JobUsage(3.0)

    def close(self) -> None:
        """Do nothing: no session is open."""


class Simulated(Paid):
    """A device that forgets its jobs with the process."""

    is_simulated: ClassVar[bool] = True

    def find(self, tag: str) -> StoredJob | None:
        """Return None: jobs are forgotten."""
        return None

    def job(self, job_id: str) -> StoredJob:
        """Raise KeyError: jobs are forgotten."""
        raise KeyError(job_id)


@dataclass
class StoredJob:
    """A paid job whose bits are a function of its angles."""

    stored: dict[str, Any]
    death: Death

    def job_id(self) -> str:
        return str(self.stored["id"])

    def status(self) -> str:
        return "DONE"

    def cancel(self) -> None:
        raise AssertionError

    def result(self, timeout: float | None = None) -> list[Any]:
        self.death.at("read")
        bit_array = pytest.importorskip("qiskit.primitives").BitArray
        content = json.dumps([self.stored["values"], self.stored["shots"]]).encode()
        rng = np.random.default_rng(list(hashlib.sha256(content).digest()))
        found = []
        for values, n_bits in zip(self.stored["values"], self.stored["bits"], strict=True):
            bits = rng.integers(0, 2, (len(values), self.stored["shots"], n_bits)).astype(bool)
            found.append(SimpleNamespace(data=SimpleNamespace(meas=bit_array.from_bool_array(bits, order="little"))))
        return found


class MortalJournal(Journal):
    """A journal whose process may be killed after a step, within its transaction, or with half of it on the disk."""

    def __init__(self, path: Path, death: Death) -> None:
        super().__init__(path)
        self.death = death
        self.doing = ""
        commit, wal = self._tables._commit, path.with_name(f"{path.name}-wal")

        def mortal(connection: Any) -> None:
            step = STEPS_OF.get(self.doing, "")
            self.death.at(f"within {step}")
            before = wal.stat().st_size if wal.exists() else 0
            commit(connection)
            if self.death.what == f"torn {step}":
                if self.death.times == 1:
                    after = wal.stat().st_size
                    assert after > before
                    os.truncate(wal, (before + after) // 2)
                self.death.at(f"torn {step}")

        self._tables._commit = mortal

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in STEPS_OF:
            return found

        def fatal(*args: Any, **kwargs: Any) -> Any:
            self.doing = name
            answer = found(*args, **kwargs)
            self.death.at(name)
            return answer

        return fatal


def run(folder: Path, death: Death, device: type[Paid] = Paid) -> tuple[list[Samples], object]:
    """Run all steps, each with prices that depend on the last samples; return samples and final random state."""
    journal = MortalJournal(folder / "j.sqlite", death)
    executor = DeviceBackend(device(folder, death), journal=journal)
    sampler = CircuitSampler(executor, make_ansatz("qaoa"), WIDTH)
    kept = JournaledSampler(sampler, journal, "ibm:ibm_folder")
    try:
        return steps(kept)
    finally:
        kept.close()


def steps(sampler: SubproblemSampler) -> tuple[list[Samples], object]:
    """Sample knapsacks whose prices depend on earlier samples, with one generator."""
    rng = np.random.default_rng(0)
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(1), 3, 9)
    found: list[Samples] = []
    for step in range(STEPS):
        found.append(sampler.sample(SampleQuery(reduced_cost, weight, capacity, 40, rng, SampleContext("toy", step))))
        reduced_cost = reduced_cost + found[-1].best(reduced_cost, weight, capacity)[0] - rng.random()
    return found, plain_state(rng)


def equal(one: tuple[list[Samples], object], other: tuple[list[Samples], object]) -> bool:
    """Whether two runs are equal except for wall-clock seconds."""
    times = {"seconds": 0.0, "encoding_seconds": 0.0}
    first, second = ([replace(s, cost=replace(s.cost, **times)) for s in samples] for samples, _ in (one, other))
    return one[1] == other[1] and all(same(a, b) for a, b in zip(first, second, strict=True))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[list[Samples], object], list[Any]]:
    """A run without a crash, and the jobs it paid."""
    folder = tmp_path_factory.mktemp("undisturbed")
    result = run(folder, Death())
    jobs = Paid(folder, Death()).jobs()
    assert len(jobs) == JOBS
    assert sum(s.cost.qpu_seconds for s in result[0]) == 3 * JOBS
    return result, [(job["values"], job["shots"]) for job in jobs]


def killed(folder: Path, death: Death, device: type[Paid] = Paid) -> None:
    """Run in another process until it is killed."""
    process = multiprocessing.get_context("fork").Process(target=run, args=(folder, death, device))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads, which stay out of it
        process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_run_is_resumed_and_pays_nothing_twice(
    tmp_path: Path, undisturbed: tuple[tuple[list[Samples], object], list[Any]], stage: str, times: int
) -> None:
    """Wherever it is killed, the resumed run has the samples, cost and jobs of the undisturbed one, each paid once."""
    killed(tmp_path, Death(stage, times))
    before = len(Paid(tmp_path, Death()).jobs())
    assert before < JOBS
    result = run(tmp_path, Death())
    assert equal(result, undisturbed[0])
    jobs = Paid(tmp_path, Death()).jobs()
    assert [(job["values"], job["shots"]) for job in jobs] == undisturbed[1]
    assert len({job["tag"] for job in jobs}) == JOBS
    with Journal(tmp_path / "j.sqlite") as journal:
        summary = journal.summary()
    assert (summary.calls, summary.jobs, summary.pending) == (STEPS, JOBS, ())
    assert summary.paid.qpu_seconds == 3 * JOBS
    assert equal(steps(ReplaySampler(tmp_path / "j.sqlite")), undisturbed[0])


def test_a_run_killed_repeatedly_finishes(
    tmp_path: Path, undisturbed: tuple[tuple[list[Samples], object], list[Any]]
) -> None:
    """A run killed at several stages in turn advances each time and ends with the same result."""
    for stage in ("intend_job", "torn submitted", "read", "finished_job", "sent", "torn call", "send", "find_job"):
        killed(tmp_path, Death(stage))
    assert equal(run(tmp_path, Death()), undisturbed[0])
    assert [(job["values"], job["shots"]) for job in Paid(tmp_path, Death()).jobs()] == undisturbed[1]


@pytest.mark.parametrize("stage", ["intend_job", "sent", "submitted_job", "torn finished", "finished_job"])
def test_a_killed_simulation_is_run_again(tmp_path: Path, stage: str) -> None:
    """Jobs of a fake backend end with their process; they are simulated again with the same result."""
    expected = run(tmp_path, Death(), Simulated)
    folder = tmp_path / "killed"
    folder.mkdir()
    killed(folder, Death(stage), Simulated)
    assert equal(run(folder, Death(), Simulated), expected)


def test_without_a_journal_jobs_would_be_paid_twice(
    tmp_path: Path, undisturbed: tuple[tuple[list[Samples], object], list[Any]]
) -> None:
    """The same crash without the journal costs jobs again, so the tests above can fail."""
    killed(tmp_path, Death("finished_job", 2))
    for path in tmp_path.glob("j.sqlite*"):  # with the write-ahead log that the killed process left
        path.unlink()
    assert equal(run(tmp_path, Death()), undisturbed[0])
    assert len(Paid(tmp_path, Death()).jobs()) == JOBS + 2


def test_two_processes_send_a_job_once(
    tmp_path: Path, undisturbed: tuple[tuple[list[Samples], object], list[Any]]
) -> None:
    """Two workers that make the same call at the same time share the jobs."""
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=run, args=(tmp_path, Death())) for _ in range(2)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for worker in workers:
            worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert [(job["values"], job["shots"]) for job in Paid(tmp_path, Death()).jobs()] == undisturbed[1]
    assert equal(steps(ReplaySampler(tmp_path / "j.sqlite")), undisturbed[0])


def test_a_forked_process_takes_a_lock_of_its_own(tmp_path: Path) -> None:
    """A journal opened before a fork is written by both processes without loss."""
    journal = Journal(tmp_path / "j.sqlite")

    def intend() -> None:
        for i in range(20):
            journal.intend_job(f"child {i}", "tag")

    child = multiprocessing.get_context("fork").Process(target=intend)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    for i in range(20):
        journal.intend_job(f"parent {i}", "tag")
    child.join(60)
    assert child.exitcode == 0
    assert journal.summary().jobs == 40
    journal.close()


def test_a_second_journal_of_the_process_releases_no_lock(tmp_path: Path) -> None:
    """Opening the file twice in a process does not let another one remove the write-ahead log that is in use."""
    path = tmp_path / "j.sqlite"

    def elsewhere(act: Callable[[], object]) -> None:
        child = multiprocessing.get_context("fork").Process(target=act)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child.start()
        child.join(60)
        assert child.exitcode == 0

    def look(n_jobs: int) -> None:
        with Journal(path) as other:
            assert other.summary().jobs == n_jobs

    visits, ready = multiprocessing.get_context("fork").Pipe()

    def stay() -> None:
        with Journal(path) as first:
            first.intend_job("before", "tag")
            for read_only in (False, True):
                Journal(path, read_only=read_only).close()
            ready.send("opened twice")
            assert ready.poll(60) and ready.recv() == ""
            first.intend_job("after", "tag")
            ready.send("sent")
            assert ready.poll(60) and ready.recv() == ""

    child = multiprocessing.get_context("fork").Process(target=stay, daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    assert visits.poll(60) and visits.recv() == "opened twice"
    elsewhere(lambda: look(1))
    visits.send("")
    assert visits.poll(60) and visits.recv() == "sent"
    elsewhere(lambda: look(2))
    visits.send("")
    child.join(60)
    assert child.exitcode == 0
    look(2)
