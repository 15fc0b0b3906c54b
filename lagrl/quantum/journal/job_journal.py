"""What an executor tells a journal about its jobs, so that none is paid twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lagrl.relaxation.sampler import SamplingCost


SentState = Literal["", "intended", "submitted", "finished"]
"""How far a job is known to be: nothing was sent, or it failed; it may have been sent; it was sent; it is here."""


@dataclass(frozen=True)
class JobRecord:
    """What a journal knows of a job.

    Attributes
    ----------
    tag
        Under which it was, or was to be, submitted: written before.
    job
        The service's id; empty if the process ended before it was written.
    codes
        One [C, shots] int64 array per PUB; None if the result was not read.
    cost
        What it used up; None as long as `codes` is.
    """

    tag: str
    job: str = ""
    codes: list[NDArray[np.int64]] | None = field(default=None, repr=False)
    cost: SamplingCost | None = None


@runtime_checkable
class JobJournal(Protocol):
    """Remembers jobs durably; every method returns only once what it was told would survive a crash."""

    def find_job(self, fingerprint: str) -> JobRecord | None:
        """Return what is known of the job with this fingerprint."""
        ...

    def job_state(self, fingerprint: str) -> SentState:
        """Return how far the job with this fingerprint is known to be; nothing is claimed."""
        ...

    def intend_job(self, fingerprint: str, tag: str) -> None:
        """Remember that a job is about to be submitted under a tag."""
        ...

    def submitted_job(self, fingerprint: str, job: str) -> None:
        """Remember the id that the service gave."""
        ...

    def finished_job(self, fingerprint: str, codes: list[NDArray[np.int64]], cost: SamplingCost, job: str) -> None:
        """Remember the result of the job with that id; of one that another took the place of, only the cost."""
        ...

    def failed_job(self, fingerprint: str, problem: str, cost: SamplingCost, job: str | None) -> None:
        """Remember that there will be no result, so that another job may be sent in its place, and what it cost.

        The id is None of a job that the service refused.
        """
        ...

    def unusable_job(self, fingerprint: str, problem: str, cost: SamplingCost, job: str) -> None:
        """Remember that a job ran, and what it cost, though its result as read now cannot be used.

        It is read again, not sent again: the result may have been damaged on the way.
        """
        ...
