"""QPU time and queueing time of a job, from the service's metrics."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from lagrl.quantum.ibm.failures import ExecutionError, patiently

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lagrl.quantum.ibm.service import ServiceJob

ATTEMPTS = 4
PAUSE = 0.5  # seconds; charges are known shortly after a job's end


class JobUsage(NamedTuple):
    """QPU seconds and queue seconds of a job."""

    qpu_seconds: float
    queue_seconds: float


def usage_of(job: ServiceJob, sleep: Callable[[float], None], *, backend: str = "") -> JobUsage:
    """Return the seconds that a finished job was charged and waited before it ran.

    Unknown values are 0, because a result is still valid without its charge. A pending charge is read again a few
    times; after that, the part known so far is used.

    Parameters
    ----------
    job
        A job that has ended.
    sleep
        Waits a number of seconds.
    backend
        Name for messages.
    """
    metrics: Mapping[str, Any] = {}
    for attempt in range(ATTEMPTS):
        try:
            metrics = patiently(job.metrics, sleep, backend=backend, job=job.job_id()) or {}
        except ExecutionError:
            break
        if (metrics.get("usage") or {}).get("status", "complete") != "pending":
            break
        if attempt < ATTEMPTS - 1:
            sleep(PAUSE)
    charged = (metrics.get("usage") or {}).get("qpu_charge_time_seconds")
    return JobUsage(float(charged or 0.0), _queued(metrics.get("timestamps") or {}))


def _queued(timestamps: Mapping[str, Any]) -> float:
    created, running = _moment(timestamps.get("created")), _moment(timestamps.get("running"))
    if created is None or running is None:
        return 0.0
    return max((running - created).total_seconds(), 0.0)


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
