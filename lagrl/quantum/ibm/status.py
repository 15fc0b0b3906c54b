"""How a device is at the moment: its queue, its calibration, what the plan has left.

Everything is asked once, not patiently: whoever wants to know asks again later, and meanwhile needs no answer.
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
    """A device at the moment.

    Attributes
    ----------
    pending_jobs
        In its queue, of all its users; None for a device that has no queue.
    is_operational
        Whether it takes jobs.
    calibrated
        When its properties were last measured; None if nobody tells.
    """

    pending_jobs: int | None = None
    is_operational: bool = True
    calibrated: datetime | None = None


def read_state(device: Device) -> DeviceState:
    """Ask the service how a device is now; what is simulated here has no queue and is not calibrated anew.

    Raises
    ------
    ExecutionError
        If the service cannot be reached, or says something else.
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
    """Fetch the newest calibration of a device, if there is a newer one: another `target`.

    Raises
    ------
    ExecutionError
        If the service cannot be reached, or says something else.
    """
    if isinstance(device, AccountDevice) and hasattr(device.backend, "refresh"):
        with redacted_warnings():
            guarded(device.backend.refresh, backend=device.name)


def plan_seconds(device: Device) -> float:
    """Ask the service how many seconds of a quantum computer the plan has left; infinite where nobody tells.

    Raises
    ------
    ExecutionError
        If the service cannot be reached, or says something else.
    """
    if not isinstance(device, AccountDevice):
        return np.inf
    with redacted_warnings():
        usage = guarded(device.service.usage, backend=device.name)
    if usage.get("usage_limit_reached"):
        return 0.0
    left = usage.get("usage_remaining_seconds")
    return np.inf if left is None else float(left)
