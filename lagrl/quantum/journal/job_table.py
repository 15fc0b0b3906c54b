"""The jobs a journal knows, and the steps that each may take."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from lagrl.quantum.journal.owner import is_alive_elsewhere, process_of
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lagrl.io.jsonl import Offset

JobState = Literal["claimed", "intended", "submitted", "unusable", "finished", "failed"]

_BEFORE: dict[str, tuple[str, ...]] = {
    "claimed": ("", "claimed", "failed"),
    "intended": ("", "claimed", "failed"),
    "taken": ("intended",),  # over, from a process that ended
    # a simulated job ends with its process, and is run anew; a failed one may have been given up while it was sent
    "submitted": ("intended", "submitted", "unusable", "failed"),
    "unusable": ("submitted", "unusable"),
    "finished": ("submitted", "unusable", "failed"),  # two processes may read the same job, one with less patience
    "failed": ("intended", "submitted", "unusable"),
}


@dataclass(frozen=True)
class JournaledJob:
    """A job as far as a journal knows it.

    Attributes
    ----------
    fingerprint
        Of all that it runs.
    state
        See `lagrl.quantum.journal.journal`.
    run, step
        Of the sampler call it is for; empty and 0 if not known.
    tag
        Under which it was, or was to be, submitted; empty until intended.
    job
        The service's id; empty until submitted.
    problem
        Why it failed, or cannot be used.
    owner
        The process, or the thread of one, that claimed or intended it.
    result
        Where the line with its result is.
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
        """What all jobs used up that ended, usable or not, those that others took the place of too."""
        return sum(self._charges.values(), SamplingCost())

    def charge(self, job: JournaledJob) -> SamplingCost | None:
        """Return what a job used up, None if that is not known."""
        return self._charges.get((job.fingerprint, job.job or job.tag))

    def problem(self, fingerprint: str, step: str) -> str:
        """Say why a job cannot take a step: it would be paid twice, or lost. Empty if it can."""
        known = self.jobs.get(fingerprint)
        if (known.state if known else "") in _BEFORE[step]:
            return ""
        name = known.job or known.tag if known else ""
        return f"job {name or fingerprint[:12]} is {known.state if known else 'unknown'} and cannot become {step}"

    def take(self, record: Mapping[str, Any], offset: Offset) -> None:
        """Learn from a line.

        Raises
        ------
        ValueError
            If it does not follow from the earlier ones.
        """
        fingerprint, step = record["job_of"], record["kind"]
        if step == "late":
            self._charges[fingerprint, record["job"]] = SamplingCost(**record["cost"])
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
            self._charges[fingerprint, known.job or known.tag] = SamplingCost(**record["cost"])
        if step == "finished":
            self.jobs[fingerprint] = replace(known, state=step, problem="", result=offset)
        else:
            self.jobs[fingerprint] = replace(known, state=step, problem=record["problem"])
            self.n_failed += step == "failed"

    def release_all(self, process: str) -> None:
        """Let others at the jobs of all threads of a process that went on to something else."""
        for owner in [owner for owner in self._busy if process_of(owner) == process]:
            self.release(owner)

    def release(self, owner: str) -> None:
        """Let others at the job of an owner that went on to something else."""
        known = self.jobs.get(self._busy.pop(owner, ""))
        if known is not None and known.state == "claimed" and known.owner == owner:
            del self.jobs[known.fingerprint]

    def is_held(self, fingerprint: str) -> bool:
        """Whether another living process is about to submit this job."""
        known = self.jobs.get(fingerprint)
        return known is not None and self._busy.get(known.owner) == fingerprint and is_alive_elsewhere(known.owner)

    def _held(self, job: JournaledJob, owner: str) -> JournaledJob:
        if self._busy.get(owner) != job.fingerprint:
            self.release(owner)
        self._busy[owner] = job.fingerprint
        return replace(job, owner=owner)
