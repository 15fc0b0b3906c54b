"""Counts of what a journal holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lagrl.quantum.journal.values import plain_cost

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.quantum.journal.job_table import JournaledJob
    from lagrl.relaxation.sampler import SamplingCost


@dataclass(frozen=True)
class JournalSummary:
    """Number of calls and jobs in a journal, and their costs.

    Attributes
    ----------
    path
        The file.
    runs
        Number of recorded steps of each run.
    samplers
        Names of the recorded samplers.
    calls
        Number of recorded calls.
    sampling
        Cost of those calls when they were made, their jobs included.
    jobs
        Number of jobs that were or may have been sent, replaced ones included.
    failed
        Number of jobs that failed or were given up, whether or not another was sent instead.
    pending
        Jobs whose result is not in the journal.
    paid
        Cost of the jobs that ended, usable or not; an interrupted call counts here only.
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
