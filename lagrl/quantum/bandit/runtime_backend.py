"""Backends of arms that jobs are sent to: devices of an account, and fake backends in the same way."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.bandit.backend_qpu import BackendStatus
from lagrl.quantum.bandit.features import BackendContext
from lagrl.quantum.bandit.placed import PlacedDevices
from lagrl.quantum.ibm.device import open_device
from lagrl.quantum.ibm.failures import ExecutionError
from lagrl.quantum.ibm.runtime import RuntimeExecutor
from lagrl.quantum.ibm.runtime_options import RuntimeOptions
from lagrl.quantum.ibm.status import fetch_calibration, plan_seconds, read_state
from lagrl.quantum.journal.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.profile import Profile
    from lagrl.quantum.ibm.device import Device
    from lagrl.quantum.ibm.service import Primitives
    from lagrl.quantum.journal.job_journal import JobJournal

DAY = 86_400.0  # seconds


@dataclass(eq=False)
class RuntimeBackend:
    """A device that jobs are sent to, with one executor for every placement; see `ArmBackend`.

    It may be called from several threads, but must be made in one that lives on, best the main one: qiskit, imported
    first in a thread that ends, crashes the process in the next.

    Requests to the service run in a separate thread, at most one in `refresh_seconds`. If the service does not respond,
    the device counts as not in operation, and its queue and calibration as last known, until the next request. Raises
    `InputError` if a number is out of range.

    Attributes
    ----------
    device
        The device, shared by all executors; `close` closes it.
    options
        Options of the jobs.
    journal
        Records jobs; shared by all executors.
    sleep
        Waits the given seconds between attempts to read a result.
    job_seconds
        Assumed length of a job of another user, for the expected wait: services report only the number of jobs.
    refresh_seconds
        Seconds for which a response of the service is valid.
    answer_seconds
        Seconds that a response of the service is waited for.
    clock
        Returns seconds since 1970.
    """

    device: Device
    options: RuntimeOptions = field(default_factory=RuntimeOptions)
    journal: JobJournal | None = field(default=None, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    job_seconds: float = 5.0
    refresh_seconds: float = 60.0
    answer_seconds: float = 60.0
    clock: Callable[[], float] = field(default=time.time, repr=False)
    _known: BackendStatus = field(default_factory=BackendStatus, init=False, repr=False)
    _requested_at: float | None = field(default=None, init=False, repr=False)
    _request: threading.Thread | None = field(default=None, init=False, repr=False)
    _charged: float = field(default=0.0, init=False, repr=False)  # seconds, in all
    _charged_before: float = field(default=0.0, init=False, repr=False)  # at the request that returned `_known`
    _calibrated: datetime | None = field(default=None, init=False, repr=False)
    _placed: PlacedDevices | None = field(default=None, init=False, repr=False)
    _executors: dict[str, RuntimeExecutor] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)  # not held in requests
    _profiling: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _sending: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("job_seconds", "refresh_seconds", "answer_seconds"):
            value = getattr(self, name)
            if not 0 <= value < np.inf:
                raise InputError(f"{value} given", field=name, remedy="give seconds, 0 or more")

    @staticmethod
    def of(
        name: str,
        options: RuntimeOptions | None = None,
        *,
        journal: JobJournal | None = None,
        service: Any = None,
        primitives: Primitives | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> RuntimeBackend:
        """Return the backend of a device's name, such as `ibm_kingston`; see `open_device` for service and errors."""
        device = open_device(name, service=service, primitives=primitives, sleep=sleep)
        return RuntimeBackend(device, options or RuntimeOptions(), journal, sleep, clock=clock)

    @property
    def name(self) -> str:
        """Name of the device."""
        return self.device.name

    @property
    def max_width(self) -> int:
        """Largest number of qubits of a circuit."""
        return self.device.widest

    @property
    def max_concurrent_jobs(self) -> int | None:
        """No limit for jobs that wait at a service; 1 for a simulator."""
        return 1 if self.device.is_simulated else None

    @property
    def has_journal(self) -> bool:
        """Whether jobs are recorded in a journal."""
        return self.journal is not None

    def profile(self, arm: Arm, width: int) -> Profile | None:
        """Return the profile of an arm's circuit by the last known calibration; see `ArmBackend.profile`."""
        with self._lock:
            if self._placed is None:
                self._placed = PlacedDevices(self.name, self.device.target, is_whole=True)
            placed = self._placed
        with self._profiling:
            return placed.profile(arm, width)

    def context(self) -> BackendContext:
        """Return the expected wait and the calibration's age, after waiting for a request that is due.

        An unknown age is 0, as is that of a fake backend: features must be finite, and 0 does not penalise the device.
        The same holds for the queue before the first response.
        """
        request = self._request_if_due()
        if request is not None:
            request.join(self.answer_seconds)
        return self._last_known().context

    def status(self) -> BackendStatus:
        """Return the last known status without waiting, and start a request if one is due.

        Seconds charged for jobs of this backend since the last response are subtracted from its plan.
        """
        self._request_if_due()
        return self._last_known()

    def executor(self, placement: str) -> RuntimeExecutor:
        """Return the executor of circuits on a line of the device; `UnknownNameError` for an unknown placement."""
        with self._lock:
            if placement not in self._executors:
                self._executors[placement] = RuntimeExecutor(
                    self.device,
                    self.options,
                    max_width=self.device.widest,  # slack bits come on top of the variables
                    journal=self.journal,
                    sleep=self.sleep,
                    placement=placement,
                    sending=self._sending,
                    charged=self._add_charge,
                )
            return self._executors[placement]

    def close(self) -> None:
        """Close an open batch or session, whose jobs run to their end; the journal stays open."""
        self.device.close()

    def _request_if_due(self) -> threading.Thread | None:
        """Start a request to the service if one is due; return the thread of one that is worth waiting for."""
        with self._lock:
            now = self.clock()
            if self._request is not None and self._request.is_alive():
                return None if self._is_late(now) else self._request
            if self._requested_at is not None and 0 <= now - self._requested_at < self.refresh_seconds:
                return None
            self._requested_at = now
            self._request = threading.Thread(
                target=self._update, args=(now,), name=f"status of {self.name}", daemon=True
            )
            self._request.start()
            return self._request

    def _is_late(self, now: float) -> bool:
        if self._request is None or self._requested_at is None or not self._request.is_alive():
            return False
        return not 0 <= now - self._requested_at < self.answer_seconds

    def _last_known(self) -> BackendStatus:
        with self._lock:
            left = max(self._known.plan_seconds - (self._charged - self._charged_before), 0.0)
            if self._is_late(self.clock()):
                problem = f"no answer after {self.answer_seconds:g} s"
                return replace(self._known, plan_seconds=left, is_operational=False, problem=problem)
            return replace(self._known, plan_seconds=left)

    def _add_charge(self, seconds: float) -> None:
        with self._lock:
            self._charged += seconds

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
        state = read_state(self.device)
        if state.calibrated is not None and state.calibrated != self._calibrated:
            if self._calibrated is not None:  # the device was opened with the first one
                fetch_calibration(self.device)
                with self._lock:
                    self._placed = None
            self._calibrated = state.calibrated
        age = max(now - self._calibrated.timestamp(), 0.0) / DAY if self._calibrated is not None else 0.0
        context = BackendContext((state.pending_jobs or 0) * self.job_seconds, age)
        return BackendStatus(context, state.is_operational, plan_seconds(self.device))
