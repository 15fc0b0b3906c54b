"""What a journal holds, counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lagrl.quantum.journal.lines import plain_cost

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.quantum.journal.job_table import JournaledJob
    from lagrl.relaxation.sampler import SamplingCost


@dataclass(frozen=True)
class JournalSummary:
    """What a journal holds.

    Attributes
    ----------
    path
        The file.
    runs
        Steps recorded of each run.
    samplers
        Names of the samplers that answered.
    calls
        Answered calls.
    sampling
        What those calls cost when they were made; their jobs are part of it.
    jobs
        Jobs sent or about to be, those that another took the place of too.
    failed
        Those that failed or were given up, whether or not another was sent instead.
    pending
        Jobs whose result is not here.
    paid
        What the jobs that ended cost, usable or not; a call that was interrupted counts here only.
    """

    path: Path
    runs: dict[str, int]
    samplers: tuple[str, ...]
    calls: int
    sampling: SamplingCost
    jobs: int
    failed: int
    pending: tuple[JournaledJob, ...]
    paid: SamplingCost

    def record(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "journal": str(self.path),
            "runs": dict(self.runs),
            "samplers": list(self.samplers),
            "calls": self.calls,
            "sampling": plain_cost(self.sampling),
            "jobs": self.jobs,
            "failed": self.failed,
            "pending": [
                {
                    "state": job.state,
                    "run": job.run,
                    "step": job.step,
                    "tag": job.tag,
                    "job": job.job,
                    "problem": job.problem,
                }
                for job in self.pending
            ],
            "paid": plain_cost(self.paid),
        }
