"""Current state of a device: its queue, its calibration and the time left in the plan.

Nothing is retried here: the caller asks again later and can wait without an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.ibm.failures import guarded
from lagrl.quantum.ibm.service import AccountDevice
from lagrl.quantum.journal.redaction import redacted_warnings

if TYPE_CHECKING:
    from lagrl.quantum.ibm.device import Device


@dataclass(frozen=True)
class DeviceState:
    """Current state of a device.

    Attributes
    ----------
    pending_jobs
        Number of jobs of all users in its queue; None for a device without a queue.
    is_operational
        Whether it accepts jobs.
    calibrated
        When its properties were last measured; None if unknown.
    """

    pending_jobs: int | None = None
    is_operational: bool = True
    calibrated: datetime | None = None


def read_state(device: Device) -> DeviceState:
    """Return the current state of a device; a simulated one has no queue and keeps its calibration.

    Raises
    ------
    ExecutionError
        If the service cannot be reached or returns an error.
    """
    if not isinstance(device, AccountDevice):
        return DeviceState()
    backend = device.backend
    with redacted_warnings():
        status = guarded(backend.status, backend=device.name)
        properties = guarded(lambda: backend.properties(refresh=True), backend=device.name)  # else the first ones
    measured = getattr(properties, "last_update_date", None)
    return DeviceState(
        pending_jobs=int(status.pending_jobs),
        is_operational=bool(status.operational),
        calibrated=measured if isinstance(measured, datetime) else None,
    )


def fetch_calibration(device: Device) -> None:
    """Fetch the newest calibration of a device; a newer one is another `target`.

    Raises
    ------
    ExecutionError
        If the service cannot be reached or returns an error.
    """
    if isinstance(device, AccountDevice) and hasattr(device.backend, "refresh"):
        with redacted_warnings():
            guarded(device.backend.refresh, backend=device.name)


def plan_seconds(device: Device) -> float:
    """Return how many seconds of QPU time the plan has left; infinite if unknown.

    Raises
    ------
    ExecutionError
        If the service cannot be reached or returns an error.
    """
    if not isinstance(device, AccountDevice):
        return np.inf
    with redacted_warnings():
        usage = guarded(device.service.usage, backend=device.name)
    if usage.get("usage_limit_reached"):
        return 0.0
    left = usage.get("usage_remaining_seconds")
    return np.inf if left is None else float(left)
