"""The jobs in a journal: their states, which step may follow which, and who is about to send one."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from lagrl.processes import is_alive_elsewhere, process_of
from lagrl.quantum.journal.calls import find_arrays, keep_arrays
from lagrl.quantum.journal.database import TABLES
from lagrl.quantum.journal.values import plain_cost, read_cost

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from lagrl.quantum.journal.database import JobState, Tables
    from lagrl.relaxation.sampler import SamplingCost

SentState = Literal["", "intended", "submitted", "finished"]
"""State of a job: not sent or failed (empty), possibly sent, sent, or finished with its result here."""
FOLLOWS: dict[str, tuple[str, ...]] = {
    "claimed": ("", "claimed", "failed"),
    "intended": ("", "claimed", "failed"),
    "taken": ("intended",),  # claimed again, from a process that ended; its state stays
    # a simulated job ends with its process and is run again; a failed one may have been given up while it was sent
    "submitted": ("intended", "submitted", "unusable", "failed"),
    "unusable": ("submitted", "unusable"),
    "finished": ("submitted", "unusable", "failed"),  # of two processes that read the same job, one may stop waiting
    "failed": ("intended", "submitted", "unusable"),
}
"""Each step of a job, which is the state after it, and the states that it may follow."""


@dataclass(frozen=True)
class JournaledJob:
    """State of a job in a journal."""

    fingerprint: str  # digest of everything that the job runs
    state: JobState  # see `lagrl.quantum.journal.journal`
    attempt: int = 0  # number of jobs that were, or were going to be, sent for the fingerprint, this one included
    run: str = ""  # the sampler call that it belongs to, with `step`; empty and 0 if not known
    step: int = 0
    tag: str = ""  # tag it was, or was going to be, submitted with; empty until intended
    job: str = ""  # the service's id; empty until submitted
    problem: str = ""  # why it failed, or why its result cannot be used
    at: float = field(default=0.0, repr=False)  # when its state changed, in seconds since 1970
    # the process, or the thread of a process, that is about to send it; empty if none is
    owner: str = field(default="", repr=False)
    # one [C, shots] int64 array per PUB, and what the job used; both None if `find_job` did not read the result
    codes: list[NDArray[np.int64]] | None = field(default=None, repr=False)
    cost: SamplingCost | None = None

    @property
    def is_held(self) -> bool:
        """Whether another running process is about to send it."""
        return bool(self.owner) and is_alive_elsewhere(self.owner)


class JobTable:
    """The jobs, claims and charges of a journal; what changes them belongs into `Tables.transaction`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def find(self, fingerprint: str) -> JournaledJob | None:
        """Return the last job of a fingerprint, or the claim to send the next; None if there is neither."""
        claims = self._tables.rows("claims", "WHERE fingerprint = ?", fingerprint)
        owner = claims[0]["owner"] if claims else ""
        rows = self._tables.rows("jobs", "WHERE fingerprint = ? ORDER BY attempt DESC LIMIT 1", fingerprint)
        job = JournaledJob(**rows[0], owner=owner) if rows else None
        if owner and (job is None or job.state == "failed"):
            return JournaledJob(fingerprint, "claimed", job.attempt if job else 0, owner=owner)
        return job

    def problem(self, fingerprint: str, step: str) -> str:
        """Return why a job cannot take a step: it would be paid twice, or lost. Empty if it can."""
        known = self.find(fingerprint)
        if (known.state if known else "") in FOLLOWS[step]:
            return ""
        name = known.job or known.tag if known else ""
        return f"job {name or fingerprint[:12]} is {known.state if known else 'unknown'} and cannot become {step}"

    def claim(self, fingerprint: str, owner: str) -> None:
        """Note that an owner is about to send a job; it releases its last one, and nobody else has this one."""
        self._tables.put("claims", owner=owner, process=process_of(owner), fingerprint=fingerprint)

    def release_all(self, process: str) -> None:
        """Release the jobs of all threads of a process that started something else."""
        self._tables.delete("claims", "process", process)

    def intend(self, fingerprint: str, tag: str, owner: str, run: str, step: int, *, at: float | None = None) -> None:
        """Add a job that is about to be sent, at a time in seconds since 1970 or now."""
        known = self.find(fingerprint)
        attempt = 1 + (known.attempt if known else 0)
        self.claim(fingerprint, owner)
        self._put(JournaledJob(fingerprint, "intended", attempt, run, step, tag), at)

    def advance(
        self,
        fingerprint: str,
        state: JobState,
        *,
        cost: SamplingCost | None = None,
        codes: Sequence[NDArray[np.int64]] = (),
        at: float | None = None,
        **changes: str,
    ) -> None:
        """Change the last job's state, and add its charge and result; nobody is about to send it any longer."""
        known = self.find(fingerprint)
        assert known is not None
        if cost is not None:
            self.charge(fingerprint, known.job or known.tag, cost)
        keep_arrays(self._tables, fingerprint, codes)
        changes = {"problem": "", **changes} if state == "finished" else changes
        self._put(replace(known, state=state, **changes), at)  # type: ignore[arg-type]  # of text fields only
        self._tables.delete("claims", "fingerprint", fingerprint)

    def charge(self, fingerprint: str, job: str, cost: SamplingCost) -> None:
        """Note the cost of a job, by its id or tag."""
        self._tables.put("charges", fingerprint=fingerprint, job=job, cost=plain_cost(cost))

    def charges(self, fingerprint: str = "") -> dict[tuple[str, str], SamplingCost]:
        """Return the known costs of jobs, usable or not, replaced ones included, by fingerprint and id or tag.

        Sorted by these names: the last digit of a sum depends on its order, and an import adds rows in another order.
        """
        where, values = ("WHERE fingerprint = ? ", [fingerprint]) if fingerprint else ("", [])
        found = self._tables.rows("charges", f"{where}ORDER BY fingerprint, job", *values)
        return {(row["fingerprint"], row["job"]): read_cost(row["cost"]) for row in found}

    def codes(self, fingerprint: str) -> list[NDArray[np.int64]]:
        """Return the result of a finished job."""
        try:
            return [code.astype("int64") for code in find_arrays(self._tables, fingerprint)]
        except ValueError as error:
            self._tables.refuse(error)

    def all(self, condition: str = "", *values: Any) -> tuple[JournaledJob, ...]:
        """Return jobs for which an SQL condition holds, by run and step; without their owners."""
        rows = self._tables.rows("jobs", f"{condition} ORDER BY run, step, fingerprint, attempt", *values)
        return tuple(JournaledJob(**row) for row in rows)

    def _put(self, job: JournaledJob, at: float | None) -> None:
        values = {name: getattr(job, name) for name in TABLES["jobs"]}
        self._tables.put("jobs", **values | {"at": round(time.time(), 3) if at is None else float(at)})
