"""Devices of an account, and fake backends by the same path, as arms see them."""

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
    """A device that jobs are sent to: an `ArmBackend` with one executor for every placement.

    It may be asked from several threads, but is to be made in one that lives on, best the main one: qiskit, imported
    first in a thread that ends, brings the process down in the next.

    The service is asked in a thread of its own, once in a while. If it does not answer, the device counts as not in
    operation, and what was known of its queue and calibration stays, until the service is asked again.

    Attributes
    ----------
    device
        Where to. It is shared by all executors, and closed by `close`.
    options
        How.
    journal
        Records jobs; shared by all executors.
    sleep
        Waits so many seconds between attempts to read a result.
    job_seconds
        How long a job of somebody else is assumed to take, for the expected wait: services tell how many wait only.
    refresh_seconds
        How long an answer of the service counts.
    answer_seconds
        How long an answer is waited for.
    clock
        Seconds since 1970.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    device: Device
    options: RuntimeOptions = field(default_factory=RuntimeOptions)
    journal: JobJournal | None = field(default=None, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    job_seconds: float = 5.0
    refresh_seconds: float = 60.0
    answer_seconds: float = 60.0
    clock: Callable[[], float] = field(default=time.time, repr=False)
    _moment: BackendStatus = field(default_factory=BackendStatus, init=False, repr=False)
    _asked: float | None = field(default=None, init=False, repr=False)
    _asking: threading.Thread | None = field(default=None, init=False, repr=False)
    _charged: float = field(default=0.0, init=False, repr=False)  # seconds, in all
    _charged_before: float = field(default=0.0, init=False, repr=False)  # when the service was asked what is left
    _calibrated: datetime | None = field(default=None, init=False, repr=False)
    _placed: PlacedDevices | None = field(default=None, init=False, repr=False)
    _executors: dict[str, RuntimeExecutor] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)  # never held while asking
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
        """Return the backend of a device's name.

        Parameters
        ----------
        name
            Such as `ibm_kingston` or `FakeKingston`; see `open_device`, also for what it raises.
        options, journal, sleep, clock
            See the class.
        service, primitives
            Of an account; by default those of qiskit-ibm-runtime.
        """
        device = open_device(name, service=service, primitives=primitives, sleep=sleep)
        return RuntimeBackend(device, options or RuntimeOptions(), journal, sleep, clock=clock)

    @property
    def name(self) -> str:
        """The device's."""
        return self.device.name

    @property
    def problem(self) -> str:
        """Why the service did not answer when it was asked last; empty if it did, or was not asked."""
        return self._told_last().problem

    def profile(self, arm: Arm, width: int) -> Profile | None:
        """Describe an arm's circuit by the calibration known; None where there is no such line. See `ArmBackend`."""
        with self._lock:
            if self._placed is None:
                self._placed = PlacedDevices(self.name, self.device.target, is_whole=True)
            placed = self._placed
        with self._profiling:
            return placed.profile(arm, width)

    def context(self) -> BackendContext:
        """Return the expected wait and the calibration's age; see `ArmBackend.context`.

        An age that nobody tells is 0, as is that of a fake backend, whose noise is its snapshot's for ever: a number
        is needed, and with 0 a device is not marked down for saying nothing. The same for the queue before the
        service first answered.
        """
        return self._now().context

    def status(self) -> BackendStatus:
        """Return what the service told last, and have it asked if that is long ago; see `ArmBackend.glance`.

        Of the plan's seconds, what jobs of this backend were charged since is taken off.
        """
        self._ask_if_due()
        return self._told_last()

    @property
    def at_once(self) -> bool:
        """Where jobs wait at a service."""
        return not self.device.is_simulated

    @property
    def max_width(self) -> int:
        """The device's."""
        return self.device.widest

    @property
    def has_journal(self) -> bool:
        """Whether there is a journal."""
        return self.journal is not None

    def executor(self, placement: str) -> RuntimeExecutor:
        """Return what runs circuits on a line of the device.

        Raises
        ------
        UnknownNameError
            If there is no such placement.
        """
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
                    charged=self._note_charge,
                )
            return self._executors[placement]

    def close(self) -> None:
        """Close an open batch or session; its jobs run to their end. The journal stays open."""
        self.device.close()

    def _now(self) -> BackendStatus:
        asking = self._ask_if_due()
        if asking is not None:
            asking.join(self.answer_seconds)
        return self._told_last()

    def _ask_if_due(self) -> threading.Thread | None:
        """Have the service asked, unless it was lately; return who is about it, if it is worth waiting for."""
        with self._lock:
            now = self.clock()
            if self._asking is not None and self._asking.is_alive():
                return None if self._is_late(now) else self._asking
            if self._asked is not None and 0 <= now - self._asked < self.refresh_seconds:
                return None
            self._asked = now
            self._asking = threading.Thread(target=self._ask, args=(now,), name=f"how is {self.name}", daemon=True)
            self._asking.start()
            return self._asking

    def _is_late(self, now: float) -> bool:
        is_asked = self._asking is not None and self._asking.is_alive()
        return is_asked and self._asked is not None and not 0 <= now - self._asked < self.answer_seconds

    def _told_last(self) -> BackendStatus:
        with self._lock:
            left = max(self._moment.plan_seconds - (self._charged - self._charged_before), 0.0)
            if self._is_late(self.clock()):
                problem = f"no answer after {self.answer_seconds:g} s"
                return replace(self._moment, plan_seconds=left, is_operational=False, problem=problem)
            return replace(self._moment, plan_seconds=left)

    def _note_charge(self, seconds: float) -> None:
        with self._lock:
            self._charged += seconds

    def _ask(self, now: float) -> None:
        with self._lock:
            charged = self._charged
        try:
            moment = self._told(now)
        except Exception as error:  # whatever it is, who asks next is told so
            problem = str(error) if isinstance(error, ExecutionError) else redacted(repr(error))
            with self._lock:
                self._moment = replace(self._moment, is_operational=False, problem=problem)
        else:
            with self._lock:
                self._moment, self._charged_before = moment, charged

    def _told(self, now: float) -> BackendStatus:
        state = read_state(self.device)
        if state.calibrated is not None and state.calibrated != self._calibrated:
            if self._calibrated is not None:  # the first one is what the device was opened with
                fetch_calibration(self.device)
                with self._lock:
                    self._placed = None
            self._calibrated = state.calibrated
        age = max(now - self._calibrated.timestamp(), 0.0) / DAY if self._calibrated is not None else 0.0
        context = BackendContext((state.pending_jobs or 0) * self.job_seconds, age)
        return BackendStatus(context, state.is_operational, plan_seconds(self.device))
