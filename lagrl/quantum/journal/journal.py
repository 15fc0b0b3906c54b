"""A durable record of samplers' answers and of device jobs, from which a run is resumed or replayed.

A journal is one SQLite file on a disk of this machine, which several runs, processes and threads may share. What a
method adds is one transaction, and on the disk when it returns (see `lagrl.quantum.journal.database`).

**Calls.** A `JournaledSampler` records the whole answer of every call under everything that a sampler may depend on:
run, step, sha256 of the reduced costs, weights and capacities, shots, the sampler's name with its options, and the
random generator's state. An equal call, also of another benchmark row, is later answered from the file. Two different
calls of one run and step do not contradict each other: controllers and budgets are not part of a run's name.

**Jobs.** A call can need several jobs, and a process can end while one is in the queue. A backend records every step
of a job under its fingerprint and calls `find_job` first:

    last state    known after a crash                        what the caller of find_job does
    (none)        nothing was sent                           claims, intends and submits it
    claimed       nothing was sent                           the same
    intended      it may have been sent                      looks for the tag at the service; if missing, submits it
    submitted     it was sent and will be paid               reads its result by its id
    unusable      it was paid; the result was damaged        reads it again, until `give_up` makes it failed
    finished      it was paid; the journal has its result    nothing
    failed        it has no result                           claims, intends and submits another

So no executed job is paid twice. While another running process has claimed or intended a job, `find_job` waits. A
backend draws random numbers before it calls `find_job`, so that the generator's state does not depend on whether the
job is known.

**Plans.** What a call is going to send to which backend, where that was a choice (`BanditSampler`): recorded before
anything is sent, so that the same call does the same after a crash.

Failures are recorded without tokens; nothing else that could hold a token is written.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from lagrl.errors import InputError, UnknownNameError
from lagrl.io.process_wide import ProcessWide
from lagrl.processes import this_process, this_thread
from lagrl.quantum.journal.calls import Call, as_recorded, find_answer, keep_answer
from lagrl.quantum.journal.database import Tables
from lagrl.quantum.journal.job_table import JobTable
from lagrl.quantum.journal.lines import export_lines, import_lines
from lagrl.quantum.journal.redaction import redacted
from lagrl.quantum.journal.values import plain_cost, plain_state, read_cost
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from lagrl.quantum.journal.calls import RecordedAnswer
    from lagrl.quantum.journal.database import JobState
    from lagrl.quantum.journal.job_table import JournaledJob, SentState
    from lagrl.relaxation.sampler import SampleContext, Samples


@dataclass(frozen=True)
class JournalSummary:
    """Number of calls and jobs in a journal, and their costs."""

    path: Path  # the file
    runs: dict[str, int]  # number of recorded steps of each run
    samplers: tuple[str, ...]  # names of the recorded samplers
    calls: int  # number of recorded calls
    sampling: SamplingCost  # cost of those calls when they were made, their jobs included
    jobs: int  # number of jobs that were or may have been sent, replaced ones included
    failed: int  # number of jobs that failed or were given up, whether or not another was sent instead
    pending: tuple[JournaledJob, ...]  # jobs whose result is not in the journal
    paid: SamplingCost  # cost of the jobs that ended, usable or not; an interrupted call counts here only

    def record(self) -> dict[str, Any]:
        """Return the summary as plain JSON values."""
        names = ("state", "run", "step", "tag", "job", "problem")
        return {
            "journal": str(self.path),
            "samplers": list(self.samplers),
            **{name: getattr(self, name) for name in ("runs", "calls", "jobs", "failed")},
            "sampling": plain_cost(self.sampling),
            "pending": [{name: getattr(job, name) for name in names} for job in self.pending],
            "paid": plain_cost(self.paid),
        }


_POLL = 0.05  # seconds
_PATIENCE = 60.0  # seconds until a warning says what is waited for
_SENT: dict[JobState, SentState] = {"intended": "intended", "submitted": "submitted", "finished": "finished"}
_SENT["unusable"] = "submitted"


class Journal(ProcessWide):
    """The calls, jobs and plans in a file, and the methods that add to it; a context manager.

    Several threads may send different jobs at once. They must not send the same job: a journal makes processes wait
    for each other, but cannot distinguish a thread that is sending a job from one that has given it up.

    Parameters
    ----------
    path
        SQLite file; created with mode 0600 if missing, its folder is not. While it is open, and after a process was
        killed, the files with `-wal` and `-shm` after its name belong to it. Not on a network file system.
    read_only
        Whether to leave its content unchanged; it must exist then.

    Raises
    ------
    InputError
        If the file is not a journal, was written by another version, or is damaged.
    OutputError
        If it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False) -> None:
        self._tables = Tables(path, writable=not read_only)
        self._jobs = JobTable(self._tables)
        self._context: tuple[str, int] = ("", 0)

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self._tables.path

    def __len__(self) -> int:
        """Return the number of answered calls."""
        return self._tables.count("calls")

    def answer(self, call: Call) -> RecordedAnswer | None:
        """Return the recorded answer of a call, None if there is none."""
        return find_answer(self._tables, call.key)

    def record(self, call: Call, samples: Samples, rng: np.random.Generator) -> RecordedAnswer:
        """Record an answer, with the state of the random generator after it; of two, the first counts and is returned.

        The call is described before the sampler is called. As all that follow, it raises OutputError if the file cannot
        be written.
        """
        state = plain_state(rng)
        with self._tables.transaction():
            is_first = keep_answer(self._tables, call, samples, state)
            self._jobs.release_all(this_process())
        recorded = as_recorded(samples, state) if is_first else self.answer(call)
        assert recorded is not None
        return recorded

    def kept_plan(self, call: str) -> Mapping[str, Any] | None:
        """Return the plan of a call (`Call.key`), None if there is none."""
        return next((row["plan"] for row in self._tables.rows("plans", "WHERE call = ?", call)), None)

    def keep_plan(self, call: str, plan: Mapping[str, Any]) -> None:
        """Record the plan of a call; the first plan counts."""
        with self._tables.transaction():
            self._tables.put("plans", keep=True, call=call, plan=plan)

    def calls(self) -> tuple[Call, ...]:
        """Return the answered calls, in the order they were answered."""
        return tuple(map(Call.read, self._tables.rows("calls", "ORDER BY rowid")))

    def recorded(self, run: str, step: int) -> tuple[Call, ...]:
        """Return the answered calls of a run and step, in the order they were answered."""
        return tuple(map(Call.read, self._tables.rows("calls", "WHERE run = ? AND step = ? ORDER BY rowid", run, step)))

    def steps(self) -> dict[str, list[int]]:
        """Return the recorded steps of each run, in ascending order."""
        steps: dict[str, list[int]] = {}
        for run, step in sorted({(call.run, call.step) for call in self.calls()}):
            steps.setdefault(run, []).append(step)
        return steps

    def samplers(self) -> tuple[str, ...]:
        """Return the names of the recorded samplers."""
        return tuple(dict.fromkeys(call.sampler for call in self.calls()))

    @contextlib.contextmanager
    def calling(self, context: SampleContext) -> Iterator[None]:
        """Record the jobs of the body as part of a call."""
        before, self._context = self._context, (context.run, int(context.step))
        try:
            yield
        finally:
            self._context = before

    def find_job(self, fingerprint: str) -> JournaledJob | None:
        """Return what is known about a job; claim it for this process if that is nothing, or that it failed.

        It waits while another running process is about to submit the same job, and warns after a minute.
        """
        patience = _PATIENCE
        while True:
            with self._tables.transaction():
                known = self._jobs.find(fingerprint)
                if known is None or (known.state in ("claimed", "failed") and not known.is_held):
                    self._jobs.claim(fingerprint, this_thread())  # with one name for all, threads would release it
                    return None
                if not known.is_held:
                    if known.state == "intended":
                        self._jobs.claim(fingerprint, this_thread())
                    return self._with_result(known)
            time.sleep(_POLL)
            patience -= _POLL
            if -_POLL < patience <= 0:
                self._warn_waiting(known)

    def job_state(self, fingerprint: str) -> SentState:
        """Return the known state of a job, without claiming it or waiting."""
        known = self._jobs.find(fingerprint)
        return _SENT.get(known.state, "") if known is not None else ""

    def intend_job(self, fingerprint: str, tag: str) -> None:
        """Record the tag of a job that is about to be submitted; InputError if it, or one before, may have been."""
        with self._tables.transaction():
            self._require_step("intended", fingerprint)
            self._jobs.intend(fingerprint, tag, this_thread(), *self._context)

    def submitted_job(self, fingerprint: str, job: str) -> None:
        """Record the id that the service returned: the last counts. InputError if the job was not intended."""
        with self._tables.transaction():
            known = self._jobs.find(fingerprint)
            if known is None or known.job != job:
                self._require_step("submitted", fingerprint)
                self._jobs.advance(fingerprint, "submitted", job=job)

    def finished_job(
        self, fingerprint: str, codes: list[NDArray[np.int64]], cost: SamplingCost, job: str | None = None
    ) -> None:
        """Record the result of the job with that id, None for the known one; a second result changes nothing.

        If another job has replaced this one, only the cost is recorded, here and in the next two methods.
        """
        self._end_job("finished", fingerprint, job, cost, codes=codes)

    def failed_job(
        self, fingerprint: str, problem: str, cost: SamplingCost | None = None, job: str | None = None
    ) -> None:
        """Record that a job has no result and what it cost; another job may then be sent in its place."""
        self._end_job("failed", fingerprint, job, cost or SamplingCost(), problem=redacted(problem))

    def unusable_job(self, fingerprint: str, problem: str, cost: SamplingCost, job: str | None = None) -> None:
        """Record that a job ran and what it cost, although its result as read now cannot be used.

        It is read again, not sent again: the result may have been damaged on the way.
        """
        self._end_job("unusable", fingerprint, job, cost, problem=redacted(problem))

    def give_up(self, name: str) -> JournaledJob:
        """Mark a job as failed, so that another is sent in its place when the run is resumed; its cost still counts.

        Parameters
        ----------
        name
            The service's id of a pending job, or the tag of one without.

        Raises
        ------
        UnknownNameError
            If no pending job has this name.
        InputError
            If a running process is sending it.
        """
        with self._tables.transaction():
            pending = {job.job or job.tag: job for job in self.pending()}
            if name not in pending:
                raise UnknownNameError.of(f"pending job of {self.path}", name, pending)
            job = pending[name]
            known = self._jobs.find(job.fingerprint)
            if known is not None and known.is_held:
                raise InputError(
                    f"job {name} is being sent by process {known.owner.split(' ')[1]}",
                    source=str(self.path),
                    remedy="wait, or stop that process first",
                )
            problem = f"given up by its owner{f' ({job.problem})' if job.problem else ''}"
            self._jobs.advance(job.fingerprint, "failed", problem=problem)
        return job

    def charge(self, job: JournaledJob) -> SamplingCost | None:
        """Return the cost of a job, None if the journal does not have it."""
        return self._jobs.charges(job.fingerprint).get((job.fingerprint, job.job or job.tag))

    def pending(self) -> tuple[JournaledJob, ...]:
        """Return the jobs that were, or may have been, sent and whose result is not in the journal."""
        return self._jobs.all("WHERE state IN ('intended', 'submitted', 'unusable')")

    def summary(self) -> JournalSummary:
        """Return counts of what the file holds now."""
        with self._tables.transaction("DEFERRED"):
            return JournalSummary(
                path=self.path,
                runs={run: len(steps) for run, steps in self.steps().items()},
                samplers=self.samplers(),
                calls=len(self),
                sampling=sum((read_cost(row["cost"]) for row in self._tables.rows("calls")), SamplingCost()),
                jobs=self._tables.count("jobs"),
                failed=self._tables.count("jobs", "WHERE state = 'failed'"),
                pending=self.pending(),
                paid=sum(self._jobs.charges().values(), SamplingCost()),
            )

    def import_lines(self, path: Path) -> None:
        """Add what a journal of an earlier version, or an export, holds; see `lagrl.quantum.journal.lines`."""
        import_lines(self._tables, path)

    def export_lines(self, path: Path) -> None:
        """Write everything to a new file as lines of JSON; see `lagrl.quantum.journal.lines`."""
        export_lines(self._tables, path)

    def close(self) -> None:
        """Close the file; closing twice is allowed."""
        self._tables.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _warn_waiting(self, known: JournaledJob) -> None:
        warnings.warn(
            f"{self.path}: process {known.owner.split(' ')[1]} is about to send the same job; waiting for it; "
            "stop that process if it hangs",
            stacklevel=3,
        )

    def _require_step(self, step: JobState, fingerprint: str) -> None:
        wrong = self._jobs.problem(fingerprint, step)
        if wrong:
            raise InputError(wrong, source=str(self.path), remedy="call find_job first")

    def _end_job(self, state: JobState, fingerprint: str, job: str | None, cost: SamplingCost, **values: Any) -> None:
        """Record the end of a job; only its cost, if it was given up or another was sent in its place."""
        with self._tables.transaction():
            known = self._jobs.find(fingerprint)
            is_replaced = job is not None and known is not None and known.job != job
            is_given_up = state != "finished" and known is not None and known.state == "failed"
            if is_replaced or is_given_up:
                late = job or (known.job if known else "")
                if late:
                    self._jobs.charge(fingerprint, late, cost)
            elif known is None or known.state != "finished":
                self._require_step(state, fingerprint)
                self._jobs.advance(fingerprint, state, cost=cost, **values)

    def _with_result(self, known: JournaledJob) -> JournaledJob:
        if known.state != "finished":
            return known
        return replace(known, codes=self._jobs.codes(known.fingerprint), cost=self.charge(known))
