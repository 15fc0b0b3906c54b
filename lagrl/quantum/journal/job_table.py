"""The jobs in a journal, and which step may follow which."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from lagrl.quantum.journal.lines import read_cost
from lagrl.quantum.journal.owner import is_alive_elsewhere, process_of
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lagrl.io.jsonl import Offset

JobState = Literal["claimed", "intended", "submitted", "unusable", "finished", "failed"]

_BEFORE: dict[str, tuple[str, ...]] = {
    "claimed": ("", "claimed", "failed"),
    "intended": ("", "claimed", "failed"),
    "taken": ("intended",),  # taken over from a process that ended
    # a simulated job ends with its process and is run again; a failed one may have been given up while it was sent
    "submitted": ("intended", "submitted", "unusable", "failed"),
    "unusable": ("submitted", "unusable"),
    "finished": ("submitted", "unusable", "failed"),  # of two processes that read the same job, one may stop waiting
    "failed": ("intended", "submitted", "unusable"),
}


@dataclass(frozen=True)
class JournaledJob:
    """State of a job in a journal.

    Attributes
    ----------
    fingerprint
        Digest of everything that the job runs.
    state
        See `lagrl.quantum.journal.journal`.
    run, step
        The sampler call that it belongs to; empty and 0 if not known.
    tag
        Tag it was, or was going to be, submitted with; empty until intended.
    job
        The service's id; empty until submitted.
    problem
        Why it failed, or why its result cannot be used.
    owner
        The process, or the thread of a process, that claimed or intended it.
    result
        Offset of the line with its result.
    """

    fingerprint: str
    state: JobState
    run: str = ""
    step: int = 0
    tag: str = ""
    job: str = ""
    problem: str = ""
    owner: str = field(default="", repr=False)
    result: Offset | None = field(default=None, repr=False)


@dataclass
class JobTable:
    """All jobs of a journal, by fingerprint."""

    jobs: dict[str, JournaledJob] = field(default_factory=dict)
    n_intended: int = 0
    n_failed: int = 0
    _charges: dict[tuple[str, str], SamplingCost] = field(default_factory=dict)  # by fingerprint, and id or tag
    _busy: dict[str, str] = field(default_factory=dict)  # which job each owner was last about to submit

    @property
    def paid(self) -> SamplingCost:
        """Cost of all jobs that ended, usable or not, replaced ones included."""
        return sum(self._charges.values(), SamplingCost())

    def charge(self, job: JournaledJob) -> SamplingCost | None:
        """Return the cost of a job, None if it is not known."""
        return self._charges.get((job.fingerprint, job.job or job.tag))

    def problem(self, fingerprint: str, step: str) -> str:
        """Return why a job cannot take a step: it would be paid twice, or lost. Empty if it can."""
        known = self.jobs.get(fingerprint)
        if (known.state if known else "") in _BEFORE[step]:
            return ""
        name = known.job or known.tag if known else ""
        return f"job {name or fingerprint[:12]} is {known.state if known else 'unknown'} and cannot become {step}"

    def add_line(self, record: Mapping[str, Any], offset: Offset) -> None:
        """Apply the step of a line.

        Raises
        ------
        ValueError
            If it cannot follow the job's earlier lines.
        """
        fingerprint, step = record["job_of"], record["kind"]
        if step == "late":
            self._charges[fingerprint, record["job"]] = read_cost(record["cost"])
            return
        wrong = self.problem(fingerprint, step)
        if wrong:
            raise ValueError(wrong)
        known = self.jobs.get(fingerprint) or JournaledJob(fingerprint, step)
        if step in ("claimed", "intended"):
            new = JournaledJob(fingerprint, step, record["run"], record["step"], record.get("tag", ""))
            self.n_intended += step == "intended"
            self.jobs[fingerprint] = self._held(new, record["owner"])
            return
        if step == "taken":
            self.jobs[fingerprint] = self._held(known, record["owner"])
            return
        self._busy.pop(known.owner, None)
        if step == "submitted":
            self.jobs[fingerprint] = replace(known, state=step, job=record["job"])
            return
        if "cost" in record:
            self._charges[fingerprint, known.job or known.tag] = read_cost(record["cost"])
        if step == "finished":
            self.jobs[fingerprint] = replace(known, state=step, problem="", result=offset)
        else:
            self.jobs[fingerprint] = replace(known, state=step, problem=record["problem"])
            self.n_failed += step == "failed"

    def release_all(self, process: str) -> None:
        """Release the jobs of all threads of a process that started something else."""
        for owner in [owner for owner in self._busy if process_of(owner) == process]:
            self.release(owner)

    def release(self, owner: str) -> None:
        """Release the job of an owner that started something else."""
        known = self.jobs.get(self._busy.pop(owner, ""))
        if known is not None and known.state == "claimed" and known.owner == owner:
            del self.jobs[known.fingerprint]

    def is_held(self, fingerprint: str) -> bool:
        """Whether another running process is about to submit this job."""
        known = self.jobs.get(fingerprint)
        return known is not None and self._busy.get(known.owner) == fingerprint and is_alive_elsewhere(known.owner)

    def _held(self, job: JournaledJob, owner: str) -> JournaledJob:
        if self._busy.get(owner) != job.fingerprint:
            self.release(owner)
        self._busy[owner] = job.fingerprint
        return replace(job, owner=owner)
