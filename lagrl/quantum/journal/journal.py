"""A durable record of samplers' answers and of device jobs, from which a run is resumed or replayed.

A journal is one JSONL file, which several runs and several processes of one machine may share. Every line has a
checksum, is written in one piece under a lock, and is on the disk before anything else happens.

**Calls.** A `JournaledSampler` records the whole answer of every call with the identity of the call: run, step, sha256
of the reduced costs, weights and capacities, shots, the sampler's name with its options, and the random generator's
state before the call. An equal call is later answered from the file, also in another benchmark row that starts from the
same prices with the same seed. The identity holds everything that a sampler may depend on. So two different calls of
one run and step do not contradict each other: they come from different controllers or budgets, which are not part of a
run's name. `JournaledSampler(strict=True)`, for a journal of a single run, refuses the second.

**Jobs.** A call can need several jobs, and a process can end while one is in the queue. A backend records every step
of a job under its fingerprint (see `lagrl.quantum.journal.job_journal.JobJournal`), and calls `find_job` first:

    nothing ── find_job ──▶ claimed ── intend_job(tag) ──▶ intended ── submitted_job(id) ──▶ submitted
                               ▲                              │                                  │
                               └────── failed_job ◀───────────┴──────────────────────────────────┤
                                                                 finished_job(result) ◀──────────┘

    last line     known after a crash                        what the caller of find_job does
    (none)        nothing was sent                           claims, intends and submits it
    claimed       nothing was sent                           the same
    intended      it may have been sent                      looks for the tag at the service; if missing, submits it
    submitted     it was sent and will be paid               reads its result by its id
    unusable      it was paid; the result was damaged        reads it again, until `give_up` makes it failed
    finished      it was paid; the journal has its result    nothing
    failed        it has no result                           claims, intends and submits another

So no executed job is paid twice. While another running process has claimed or intended a job, `find_job` waits. An
backend draws random numbers before it calls `find_job`, so that the generator's state does not depend on whether the
job is known.

**Plans.** What a call is going to send to which backend, where that was a choice (`BanditSampler`). A plan is recorded
before anything is sent, so that the same call does the same after a crash.

Failures are recorded without tokens; nothing else that could hold a token is written.
"""

from __future__ import annotations

import contextlib
import time
import warnings
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lagrl.errors import InputError, UnknownNameError
from lagrl.io.jsonl import JsonLines
from lagrl.io.process_wide import ProcessWide
from lagrl.quantum.journal.calls import Call, CallTable, RecordedAnswer, answer_of_line, call_line
from lagrl.quantum.journal.job_journal import JobRecord
from lagrl.quantum.journal.job_table import JobTable
from lagrl.quantum.journal.lines import JOURNAL, check_line, pack, plain_cost, read_cost, unpack_all
from lagrl.quantum.journal.owner import this_process, this_thread
from lagrl.quantum.journal.redaction import redacted
from lagrl.quantum.journal.summary import JournalSummary
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from lagrl.io.jsonl import Offset
    from lagrl.quantum.journal.job_journal import SentState
    from lagrl.quantum.journal.job_table import JobState, JournaledJob
    from lagrl.relaxation.sampler import SampleContext, Samples

__all__ = ["Journal", "JournalSummary"]

_POLL = 0.05  # seconds
_SENT: dict[JobState, SentState] = {
    "claimed": "",
    "intended": "intended",
    "submitted": "submitted",
    "unusable": "submitted",
    "finished": "finished",
    "failed": "",
}
_PATIENCE = 60.0  # seconds until a warning says what is waited for


class Journal(ProcessWide):
    """The calls, jobs and plans in a file, and the methods that add to it; a context manager.

    Several threads may send different jobs at once. They must not send the same job: a journal makes processes wait
    for each other, but cannot distinguish a thread that is sending a job from one that has given it up.

    Parameters
    ----------
    path
        JSONL file; created with mode 0600 if missing, its folder is not. A torn last line, of a process that was
        killed, is cut off with a `TornLineWarning`.
    read_only
        Whether to leave the file unchanged; it must exist then.

    Raises
    ------
    InputError
        If the file is not a journal, has another schema, or has a damaged line other than a torn last one.
    OutputError
        If it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False) -> None:
        self._calls = CallTable()
        self._jobs = JobTable()
        self._plans: dict[str, Mapping[str, Any]] = {}
        self._context: tuple[str, int] = ("", 0)
        self._file = JsonLines(path, JOURNAL, self._add_line, lock="each", writable=not read_only)

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self._file.path

    def __len__(self) -> int:
        """Return the number of answered calls."""
        return len(self._calls.offsets)

    def answer(self, call: Call) -> RecordedAnswer | None:
        """Return the recorded answer of a call, None if there is none."""
        key = call.key
        if key not in self._calls.offsets:
            self._file.refresh()
        offset = self._calls.offsets.get(key)
        return None if offset is None else self._answer_at(offset)

    def record(self, call: Call, samples: Samples, rng: np.random.Generator) -> RecordedAnswer:
        """Record an answer and return the recorded one: the first, if another process was faster.

        Parameters
        ----------
        call
            The call, described before the sampler was called.
        samples
            Its answer.
        rng
            The random generator after the call.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        key = call.key
        with self._file.locked():
            if key not in self._calls.offsets:
                self._file.append(call_line(call, samples, rng, this_process()))
            offset = self._calls.offsets[key]
        return self._answer_at(offset)

    def kept_plan(self, call: str) -> Mapping[str, Any] | None:
        """Return the plan of a call (`Call.key`), None if there is none."""
        if call not in self._plans:
            self._file.refresh()
        return self._plans.get(call)

    def keep_plan(self, call: str, plan: Mapping[str, Any]) -> None:
        """Record the plan of a call; the first plan counts.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        with self._file.locked():
            if call not in self._plans:
                self._file.append({"kind": "plan", "call": call, "plan": plan})

    def recorded(self, run: str, step: int) -> tuple[Call, ...]:
        """Return the answered calls of a run and step, in the order they were answered."""
        return tuple(self._calls.by_step.get((run, step), ()))

    def steps(self) -> dict[str, list[int]]:
        """Return the recorded steps of each run, in ascending order."""
        steps: dict[str, list[int]] = defaultdict(list)
        for run, step in sorted(self._calls.by_step):
            steps[run].append(step)
        return dict(steps)

    def samplers(self) -> tuple[str, ...]:
        """Return the names of the recorded samplers."""
        return tuple(dict.fromkeys(call.sampler for calls in self._calls.by_step.values() for call in calls))

    @contextlib.contextmanager
    def calling(self, context: SampleContext) -> Iterator[None]:
        """Record the jobs of the body as part of a call."""
        before, self._context = self._context, (context.run, int(context.step))
        try:
            yield
        finally:
            self._context = before

    def find_job(self, fingerprint: str) -> JobRecord | None:
        """Return what is known about a job; claim it for this process if that is nothing, or that it failed.

        It waits while another running process is about to submit the same job, and warns after a minute.

        Raises
        ------
        OutputError
            If the journal cannot be written.
        """
        patience = _PATIENCE
        while True:
            with self._file.locked():
                known = self._jobs.jobs.get(fingerprint)
                if not self._jobs.is_held(fingerprint):
                    if known is None or known.state in ("claimed", "failed"):
                        self._append_job("claimed", fingerprint, **self._own())
                        return None
                    if known.state == "intended" and known.owner != this_thread():
                        self._append_job("taken", fingerprint, owner=this_thread())
                    return self._job_record(known)
            time.sleep(_POLL)
            patience -= _POLL
            if -_POLL < patience <= 0:
                self._warn_waiting(known)

    def job_state(self, fingerprint: str) -> SentState:
        """Return the known state of a job, without claiming it or waiting."""
        self._file.refresh()
        known = self._jobs.jobs.get(fingerprint)
        return _SENT[known.state] if known is not None else ""

    def intend_job(self, fingerprint: str, tag: str) -> None:
        """Record the tag of a job that is about to be submitted.

        Raises
        ------
        InputError
            If it was submitted already, or may have been.
        """
        with self._file.locked():
            self._append_job("intended", fingerprint, tag=tag, **self._own())

    def submitted_job(self, fingerprint: str, job: str) -> None:
        """Record the id that the service returned; the same id twice changes nothing, and the last id counts.

        Raises
        ------
        InputError
            If it was not intended.
        """
        with self._file.locked():
            known = self._jobs.jobs.get(fingerprint)
            if known is None or known.job != job:
                self._append_job("submitted", fingerprint, job=job)

    def finished_job(
        self, fingerprint: str, codes: list[NDArray[np.int64]], cost: SamplingCost, job: str | None = None
    ) -> None:
        """Record the result; a second one, of a process that read the same job, changes nothing.

        See `JobJournal.finished_job`; without a job's id, it is the known one.
        """
        self._end_job("finished", fingerprint, job, cost, codes=[pack(code) for code in codes])

    def failed_job(
        self, fingerprint: str, problem: str, cost: SamplingCost | None = None, job: str | None = None
    ) -> None:
        """Record a failure; if another job has replaced this one, only the cost. See `JobJournal.failed_job`."""
        self._end_job("failed", fingerprint, job, cost or SamplingCost(), problem=redacted(problem))

    def unusable_job(self, fingerprint: str, problem: str, cost: SamplingCost, job: str | None = None) -> None:
        """Record an unusable result; if the job was given up or replaced, only the cost. See `JobJournal.unusable_job`.

        Raises
        ------
        InputError
            If it was not submitted.
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
        OutputError
            If the journal cannot be written.
        """
        with self._file.locked():
            pending = {job.job or job.tag: job for job in self.pending()}
            if name not in pending:
                raise UnknownNameError.of(f"pending job of {self.path}", name, pending)
            job = pending[name]
            if self._jobs.is_held(job.fingerprint):
                raise InputError(
                    f"job {name} is being sent by process {job.owner.split(' ')[1]}",
                    source=str(self.path),
                    remedy="wait, or stop that process first",
                )
            problem = f"given up by its owner{f' ({job.problem})' if job.problem else ''}"
            self._append_job("failed", job.fingerprint, problem=problem)
        return job

    def charge(self, job: JournaledJob) -> SamplingCost | None:
        """Return the cost of a job, None if the journal does not have it."""
        return self._jobs.charge(job)

    def pending(self) -> tuple[JournaledJob, ...]:
        """Return the jobs that were, or may have been, sent and whose result is not in the journal."""
        return tuple(job for job in self._jobs.jobs.values() if job.state in ("intended", "submitted", "unusable"))

    def summary(self) -> JournalSummary:
        """Return counts of what the file holds now."""
        self._file.refresh()
        return JournalSummary(
            path=self.path,
            runs={run: len(steps) for run, steps in self.steps().items()},
            samplers=self.samplers(),
            calls=len(self),
            sampling=self._calls.cost,
            jobs=self._jobs.n_intended,
            failed=self._jobs.n_failed,
            pending=self.pending(),
            paid=self._jobs.paid,
        )

    def close(self) -> None:
        """Close the file; closing twice is allowed."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _add_line(self, record: dict[str, Any], offset: Offset) -> None:
        check_line(record)
        if record["kind"] == "call":
            self._calls.add_line(record, offset)
            self._jobs.release_all(record["owner"])
        elif record["kind"] == "plan":
            self._plans.setdefault(record["call"], record["plan"])
        else:
            self._jobs.add_line(record, offset)

    def _warn_waiting(self, known: JournaledJob | None) -> None:
        process = known.owner.split(" ")[1] if known else "another"
        warnings.warn(
            f"{self.path}: process {process} is about to send the same job; waiting for it; "
            "stop that process if it hangs",
            stacklevel=3,
        )

    def _own(self) -> dict[str, Any]:
        run, step = self._context
        return {"run": run, "step": step, "owner": this_thread()}

    def _append_job(self, kind: str, fingerprint: str, **values: Any) -> None:
        wrong = self._jobs.problem(fingerprint, kind)
        if wrong:
            raise InputError(wrong, source=str(self.path), remedy="call find_job first")
        self._file.append(_job_line(kind, fingerprint, **values))

    def _end_job(self, kind: str, fingerprint: str, job: str | None, cost: SamplingCost, **values: Any) -> None:
        """Record the end of a job; only its cost, if it was given up or another was sent in its place."""
        with self._file.locked():
            known = self._jobs.jobs.get(fingerprint)
            is_replaced = job is not None and known is not None and known.job != job
            is_given_up = kind != "finished" and known is not None and known.state == "failed"
            if is_replaced or is_given_up:
                late = job or (known.job if known else "")
                if late:
                    self._file.append(_job_line("late", fingerprint, job=late, cost=plain_cost(cost)))
            elif known is None or known.state != "finished":
                self._append_job(kind, fingerprint, cost=plain_cost(cost), **values)

    def _answer_at(self, offset: Offset) -> RecordedAnswer:
        record = self._file.read(offset)
        try:
            return answer_of_line(record)
        except InputError as error:
            JOURNAL.refuse(self.path, offset.number, error)

    def _job_record(self, known: JournaledJob) -> JobRecord:
        if known.result is None:
            return JobRecord(known.tag, known.job)
        record = self._file.read(known.result)
        try:
            codes = [code.astype(np.int64) for code in unpack_all(record["codes"])]
            return JobRecord(known.tag, known.job, codes, read_cost(record["cost"]))
        except InputError as error:
            JOURNAL.refuse(self.path, known.result.number, error)


def _job_line(kind: str, fingerprint: str, **values: Any) -> dict[str, Any]:
    return {"kind": kind, "job_of": fingerprint, "at": round(time.time(), 3), **values}
