"""The interface through which a backend records its jobs, so that none is paid twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lagrl.relaxation.sampler import SamplingCost


SentState = Literal["", "intended", "submitted", "finished"]
"""State of a job: not sent or failed (empty), possibly sent, sent, or finished with its result here."""


@dataclass(frozen=True)
class JobRecord:
    """What a journal knows about a job.

    Attributes
    ----------
    tag
        Tag it was, or was going to be, submitted with; written before the submission.
    job
        The service's id; empty if the process ended before it was written.
    codes
        One [C, shots] int64 array per PUB; None if the result was not read.
    cost
        What it used; None if `codes` is None.
    """

    tag: str
    job: str = ""
    codes: list[NDArray[np.int64]] | None = field(default=None, repr=False)
    cost: SamplingCost | None = None


@runtime_checkable
class JobJournal(Protocol):
    """Records jobs durably: when a method returns, what it was given survives a crash.

    Several threads may call it, for different jobs.
    """

    def find_job(self, fingerprint: str) -> JobRecord | None:
        """Return what is known about the job with this fingerprint."""
        ...

    def job_state(self, fingerprint: str) -> SentState:
        """Return the known state of the job with this fingerprint, without claiming it."""
        ...

    def intend_job(self, fingerprint: str, tag: str) -> None:
        """Record that a job is about to be submitted with this tag."""
        ...

    def submitted_job(self, fingerprint: str, job: str) -> None:
        """Record the id that the service returned."""
        ...

    def finished_job(self, fingerprint: str, codes: list[NDArray[np.int64]], cost: SamplingCost, job: str) -> None:
        """Record the result of the job with that id; if another job replaced it, record the cost only."""
        ...

    def failed_job(self, fingerprint: str, problem: str, cost: SamplingCost, job: str | None) -> None:
        """Record that the job has no result and what it cost; another job may then be sent in its place.

        The id is None if the service refused the job.
        """
        ...

    def unusable_job(self, fingerprint: str, problem: str, cost: SamplingCost, job: str) -> None:
        """Record that a job ran and what it cost, although the result as read now cannot be used.

        It is read again, not sent again: the result may have been damaged on the way.
        """
        ...
