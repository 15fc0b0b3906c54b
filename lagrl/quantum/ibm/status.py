"""The status of a device, which its service reports on request in a separate thread."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from lagrl.quantum.circuits.backend import BackendStatus
from lagrl.quantum.ibm.failures import ExecutionError
from lagrl.quantum.journal.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lagrl.quantum.ibm.device import Device

DAY = 86_400.0  # seconds


class StatusReader:
    """Queue, calibration and plan of a device; there is at most one request in `refresh_seconds`.

    If the service does not respond, the device counts as not in operation, and its queue and calibration as last
    known, until the next request. Several threads may call it.

    Parameters
    ----------
    device
        The device; a new calibration is fetched.
    clock
        Returns seconds since 1970.
    """

    job_seconds = 5.0  # assumed length of a job of another user: services report only the number of jobs
    refresh_seconds = 60.0  # for which a response is valid
    answer_seconds = 60.0  # that a response is waited for

    def __init__(self, device: Device, clock: Callable[[], float]) -> None:
        self._device = device
        self._clock = clock
        self._known = BackendStatus()
        self._requested_at: float | None = None
        self._request: threading.Thread | None = None
        self._charged = 0.0  # seconds, in all
        self._charged_before = 0.0  # at the request that returned `_known`
        self._calibrated: datetime | None = None
        self._lock = threading.RLock()  # not held in requests

    def read(self, *, wait: bool = False) -> BackendStatus:
        """Return the last known status and start a request if one is due; with `wait`, wait for its response.

        Seconds charged since the last response are subtracted from the plan. An unknown age of the calibration is 0,
        as is the queue before the first response: features must be finite, and 0 does not penalise the device.
        """
        request = self._request_if_due()
        if wait and request is not None:
            request.join(self.answer_seconds)
        with self._lock:
            left = max(self._known.plan_seconds - (self._charged - self._charged_before), 0.0)
            if self._is_late(self._clock()):
                problem = f"no answer after {self.answer_seconds:g} s"
                return replace(self._known, plan_seconds=left, is_operational=False, problem=problem)
            return replace(self._known, plan_seconds=left)

    def charge(self, seconds: float) -> None:
        """Count seconds that a job was charged."""
        with self._lock:
            self._charged += seconds

    def _request_if_due(self) -> threading.Thread | None:
        """Start a request to the service if one is due; return the thread of one that is worth waiting for."""
        with self._lock:
            now = self._clock()
            if self._request is not None and self._request.is_alive():
                return None if self._is_late(now) else self._request
            if self._requested_at is not None and 0 <= now - self._requested_at < self.refresh_seconds:
                return None
            self._requested_at = now
            name = f"status of {self._device.name}"
            self._request = threading.Thread(target=self._update, args=(now,), name=name, daemon=True)
            self._request.start()
            return self._request

    def _is_late(self, now: float) -> bool:
        if self._request is None or self._requested_at is None or not self._request.is_alive():
            return False
        return not 0 <= now - self._requested_at < self.answer_seconds

    def _update(self, now: float) -> None:
        """Update the known status by a request to the service; any error is stored in it."""
        with self._lock:
            charged = self._charged
        try:
            status = self._requested(now)
        except Exception as error:
            problem = str(error) if isinstance(error, ExecutionError) else redacted(repr(error))
            with self._lock:
                self._known = replace(self._known, is_operational=False, problem=problem)
        else:
            with self._lock:
                self._known, self._charged_before = status, charged

    def _requested(self, now: float) -> BackendStatus:
        state = self._device.state()
        if state.calibrated is not None and state.calibrated != self._calibrated:
            if self._calibrated is not None:  # the device was opened with the first one
                self._device.refresh()
            self._calibrated = state.calibrated
        age = max(now - self._calibrated.timestamp(), 0.0) / DAY if self._calibrated is not None else 0.0
        return BackendStatus(
            pending_jobs=state.pending_jobs,
            queue_seconds=(state.pending_jobs or 0) * self.job_seconds,
            age_days=age,
            is_operational=state.is_operational,
            plan_seconds=self._device.plan_seconds(),
        )
