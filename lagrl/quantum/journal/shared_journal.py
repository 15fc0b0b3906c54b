"""A journal of jobs for several threads."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lagrl.quantum.journal.job_journal import JobJournal, JobRecord, SentState
    from lagrl.relaxation.sampler import SamplingCost


@dataclass(frozen=True, eq=False)
class SharedJobJournal:
    """A `JobJournal` that lets one thread at a time at another one.

    Threads may send different jobs at the same time, not the same one: a `Journal` makes processes wait for each
    other, but cannot tell a thread that sends from one that gave up. A scheduler sends no piece of work twice at once.

    Attributes
    ----------
    journal
        The other one. It stays its owner's to close.
    """

    journal: JobJournal
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def find_job(self, fingerprint: str) -> JobRecord | None:
        """Ask without the lock; see `JobJournal.find_job`.

        It may wait for another process, which may itself wait for what a thread here is about to tell: with the lock
        held neither would go on. `Journal.find_job` looks and claims in one step under the lock of its file, which
        keeps threads apart as it does processes.
        """
        return self.journal.find_job(fingerprint)

    def job_state(self, fingerprint: str) -> SentState:
        """See `JobJournal.job_state`."""
        with self._lock:
            return self.journal.job_state(fingerprint)

    def intend_job(self, fingerprint: str, tag: str) -> None:
        """See `JobJournal.intend_job`."""
        with self._lock:
            self.journal.intend_job(fingerprint, tag)

    def submitted_job(self, fingerprint: str, job: str) -> None:
        """See `JobJournal.submitted_job`."""
        with self._lock:
            self.journal.submitted_job(fingerprint, job)

    def finished_job(self, fingerprint: str, codes: list[NDArray[np.int64]], cost: SamplingCost, job: str) -> None:
        """See `JobJournal.finished_job`."""
        with self._lock:
            self.journal.finished_job(fingerprint, codes, cost, job)

    def failed_job(self, fingerprint: str, problem: str, cost: SamplingCost, job: str | None) -> None:
        """See `JobJournal.failed_job`."""
        with self._lock:
            self.journal.failed_job(fingerprint, problem, cost, job)

    def unusable_job(self, fingerprint: str, problem: str, cost: SamplingCost, job: str) -> None:
        """See `JobJournal.unusable_job`."""
        with self._lock:
            self.journal.unusable_job(fingerprint, problem, cost, job)
