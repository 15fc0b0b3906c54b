"""What an executor tells a journal about its jobs, so that none is paid twice."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np

from lagrl.quantum.devices.placement import BEST_LINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.circuits.execution import Pub
    from lagrl.quantum.ibm.runtime_options import RuntimeOptions
    from lagrl.relaxation.sampler import SampleContext, SamplingCost


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


def fingerprint(
    backend: str,
    pubs: Sequence[Pub],
    shots: int,
    seed: int,
    options: RuntimeOptions,
    context: SampleContext,
    placement: str = BEST_LINE,
) -> str:
    """Return what tells a job from every other: device, line, circuits, angles, shots, seed, options, run and step."""
    content = hashlib.sha256()
    rest = [backend, shots, seed, asdict(options), context.run, context.step]
    if placement != BEST_LINE:  # journals older than placements know none
        rest.append(placement)
    content.update(json.dumps(rest, sort_keys=True).encode())
    for pub in pubs:
        content.update(json.dumps([pub.template.digest, pub.values.shape]).encode())
        content.update(np.ascontiguousarray(pub.values, "<f8").tobytes())
    return content.hexdigest()
