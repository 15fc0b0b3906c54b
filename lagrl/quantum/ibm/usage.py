"""What a job used up, from the service's metrics."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from lagrl.quantum.ibm.failures import ExecutionError
from lagrl.quantum.ibm.service import patiently

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lagrl.quantum.ibm.device import Job

ATTEMPTS = 4
PAUSE = 0.5  # seconds; charges are known shortly after a job's end


class Usage(NamedTuple):
    """Seconds of a job."""

    qpu_seconds: float
    queue_seconds: float


def usage_of(job: Job, sleep: Callable[[float], None], *, backend: str = "") -> Usage:
    """Return what a finished job was charged and how long it waited before it ran.

    What a service does not tell is 0: a result is not thrown away because its bill is missing. While the charge is
    pending it is asked for again, and at last the part known so far is taken.

    Parameters
    ----------
    job
        That has ended.
    sleep
        Waits so many seconds.
    backend
        To say where something is wrong.
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
    return Usage(float(charged or 0.0), _queued(metrics.get("timestamps") or {}))


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
