"""Devices by name, and those of an IBM Quantum account."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lagrl.errors import MissingExtraError, UnknownNameError
from lagrl.quantum.devices.fakes import fake_backend, is_fake
from lagrl.quantum.ibm.device import Device, DeviceState, JobUsage, LocalDevice
from lagrl.quantum.ibm.failures import (
    BackendDownError,
    ConnectionLostError,
    ExecutionError,
    NotArrivedError,
    NotReadyError,
    PlanExhaustedError,
    guarded,
    patiently,
)
from lagrl.quantum.journal.redaction import guard_logs, hide_account, hide_saved_accounts, redacted_warnings

if TYPE_CHECKING:
    from collections.abc import Callable

    from lagrl.quantum.ibm.device import IsaPub, RuntimeOptions, ServiceJob

_CHARGE_READS = 4
_CHARGE_PAUSE = 0.5  # seconds; charges are known shortly after a job's end
ENDED = ("Closed", "In progress, not accepting new jobs")


class Primitives:
    """The classes of qiskit-ibm-runtime that send jobs; tests replace them."""

    def sampler(self, mode: Any, options: Any) -> Any:
        """Return a Sampler on a backend, batch or session."""
        from qiskit_ibm_runtime.executor_sampler import Sampler

        return Sampler(mode=mode, options=options)

    def batch(self, backend: Any, max_time: int | None) -> Any:
        """Open a batch on a backend."""
        from qiskit_ibm_runtime import Batch

        return Batch(backend=backend, max_time=max_time)

    def session(self, backend: Any, max_time: int | None) -> Any:
        """Open a session on a backend."""
        from qiskit_ibm_runtime import Session

        return Session(backend=backend, max_time=max_time)


@dataclass(eq=False)
class AccountDevice(Device):
    """Sends jobs to a device of an account; opens a batch or session with the first job that needs it, until `close`.

    Attributes
    ----------
    service
        A `QiskitRuntimeService`.
    backend
        One of its backends.
    primitives
        The classes that send jobs.
    sleep
        Waits a number of seconds between attempts to read.
    """

    service: Any = field(repr=False)
    backend: Any = field(repr=False)
    primitives: Primitives = field(default_factory=Primitives, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    is_simulated: ClassVar[bool] = False
    most_qubits: ClassVar[int] = 62  # so that an int64 holds the bits
    _opened: Any = field(default=None, init=False, repr=False)

    def submit(self, pubs: list[IsaPub], shots: int, options: RuntimeOptions, tag: str, seed: int) -> ServiceJob:
        """Send a job; if the connection is lost meanwhile, the service is asked whether it arrived.

        Raises
        ------
        BackendDownError
            If the device is not in operation.
        PlanExhaustedError
            If the plan has no time left; the service would never run the job.
        NotArrivedError
            If the connection was lost and the job did not arrive.
        ConnectionLostError
            If the service cannot be reached, so that it is unknown whether the job arrived.
        ExecutionError
            If the service refuses the job.
        """
        del seed
        with redacted_warnings():
            self._require_ready()
            mode = guarded(lambda: self._mode(options), backend=self.name)
            wanted = options.sampler_options(shots, is_simulated=False, tags=[tag])
            sent: ServiceJob | None = None
            problem = ""
            try:
                sent = guarded(lambda: self.primitives.sampler(mode, wanted).run(pubs, shots=shots), backend=self.name)
            except (ConnectionLostError, BackendDownError) as error:
                arrived = self.find(tag)
                if arrived is not None:
                    return arrived
                problem = f"{error.problem}; the job did not arrive"
        if sent is None:
            raise NotArrivedError(problem, backend=self.name)
        return sent

    def find(self, tag: str) -> ServiceJob | None:
        """Return the job with this tag, None if the service has none."""
        found = patiently(lambda: self.service.jobs(limit=1, job_tags=[tag]), self.sleep, backend=self.name)
        return found[0] if found else None

    def job(self, job_id: str) -> ServiceJob:
        """Return the job with this id."""
        found: ServiceJob = patiently(lambda: self.service.job(job_id), self.sleep, backend=self.name, job=job_id)
        return found

    def result(self, sent: ServiceJob, timeout: float | None) -> Any:
        """Wait for a job's result; only reading is repeated."""
        return patiently(lambda: sent.result(timeout=timeout), self.sleep, backend=self.name, job=sent.job_id())

    def usage(self, sent: Any) -> JobUsage:
        """Return the seconds that a finished job was charged and waited before it ran.

        Unknown values are 0, because a result is still valid without its charge. A pending charge is read again a few
        times; after that, the part known so far is used.
        """
        metrics: dict[str, Any] = {}
        charge: dict[str, Any] = {}
        for attempt in range(_CHARGE_READS):
            try:
                metrics = patiently(sent.metrics, self.sleep, backend=self.name, job=sent.job_id()) or {}
            except ExecutionError:
                break
            charge = metrics.get("usage") or {}
            if charge.get("status", "complete") != "pending":
                break
            if attempt < _CHARGE_READS - 1:
                self.sleep(_CHARGE_PAUSE)
        created, running = (_moment((metrics.get("timestamps") or {}).get(name)) for name in ("created", "running"))
        queued = 0.0 if created is None or running is None else max((running - created).total_seconds(), 0.0)
        return JobUsage(float(charge.get("qpu_charge_time_seconds") or 0.0), queued)

    def state(self) -> DeviceState:
        """Return the current state, without retries, as `refresh` and `plan_seconds` are: the caller asks again later.

        Raises `ExecutionError` if the service cannot be reached or returns an error.
        """
        with redacted_warnings():
            status = guarded(self.backend.status, backend=self.name)
            properties = guarded(
                lambda: self.backend.properties(refresh=True), backend=self.name
            )  # else the first ones
        measured = getattr(properties, "last_update_date", None)
        return DeviceState(
            int(status.pending_jobs), bool(status.operational), measured if isinstance(measured, datetime) else None
        )

    def refresh(self) -> None:
        """Fetch the newest calibration, if the service offers it; a newer one is another `target`."""
        if hasattr(self.backend, "refresh"):
            with redacted_warnings():
                guarded(self.backend.refresh, backend=self.name)

    def plan_seconds(self) -> float:
        """Return how many seconds of QPU time the plan has left; infinite if unknown."""
        with redacted_warnings():
            usage = guarded(self.service.usage, backend=self.name)
        if usage.get("usage_limit_reached"):
            return 0.0
        left = usage.get("usage_remaining_seconds")
        return float(np.inf if left is None else left)

    def close(self) -> None:
        """Close the batch or session; its jobs still finish."""
        opened, self._opened = self._opened, None
        if opened is not None:
            guarded(opened.close, backend=self.name)

    def _mode(self, options: RuntimeOptions) -> Any:
        if options.mode == "job":
            return self.backend
        if self._opened is not None and self._opened.status() in ENDED:  # its time is over
            self._opened = None
        if self._opened is None:
            opening = self.primitives.batch if options.mode == "batch" else self.primitives.session
            self._opened = opening(self.backend, options.session_time or None)
        return self._opened

    def _require_ready(self) -> None:
        status = patiently(self.backend.status, self.sleep, backend=self.name)
        if not status.operational:
            raise NotReadyError(
                f"not operational ({status.status_msg}); wait or use another backend", backend=self.name
            )
        usage = patiently(self.service.usage, self.sleep, backend=self.name)
        if usage.get("usage_limit_reached"):
            raise PlanExhaustedError(
                "usage limit of the plan reached; wait for its next period or use another instance",
                backend=self.name,
            )


def open_device(
    name: str,
    *,
    service: Any = None,
    primitives: Primitives | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """Return a fake backend or a device of the account in qiskit's store or the environment.

    Parameters
    ----------
    name
        `FakeKingston`, see `fake_backend`; or a name such as `ibm_kingston`.
    service
        An open `QiskitRuntimeService`; if None, one is opened.
    primitives, sleep
        See `AccountDevice`.

    Raises
    ------
    NoAccountError
        If there is no account.
    TokenError
        If its token is not accepted.
    UnknownNameError
        If there is no such device; the message lists the account's devices or the fake backends.
    InputError
        If a fake backend is too old or too small, or broken.
    ExecutionError
        If the service cannot be reached or returns an error.
    MissingExtraError
        Without qiskit-ibm-runtime.
    """
    if is_fake(name):
        return LocalDevice(fake_backend(name))
    known = {device.name: device for device in account_devices(service, primitives=primitives, sleep=sleep)}
    if name not in known:
        raise UnknownNameError.of("backend", name, list(known), hint="; these are your account's")
    return known[name]


def open_service() -> Any:
    """Open the account in qiskit's own store or the environment; lagrl itself takes no token.

    QISKIT_IBM_TOKEN, QISKIT_IBM_INSTANCE, QISKIT_IBM_URL and QISKIT_IBM_CHANNEL in the environment override the store.
    See `open_device` for the errors raised.
    """
    guard_logs()
    try:
        from qiskit_ibm_runtime import QiskitRuntimeService
    except ImportError as error:
        raise MissingExtraError.of("qiskit-ibm-runtime", "quantum", "a quantum computer") from error
    hide_saved_accounts()
    with redacted_warnings():
        return guarded(QiskitRuntimeService)


def account_devices(
    service: Any = None, *, primitives: Primitives | None = None, sleep: Callable[[float], None] = time.sleep
) -> list[AccountDevice]:
    """Return all devices of an account, ordered by name; see `open_device` for arguments and errors."""
    guard_logs()  # and hide the account's tokens from now on
    if service is None:
        service = open_service()
    if hasattr(service, "active_account"):
        hide_account(guarded(service.active_account))
    with redacted_warnings():
        found = patiently(lambda: {str(backend.name): backend for backend in service.backends()}, sleep)
    return [AccountDevice(service, found[name], primitives or Primitives(), sleep) for name in sorted(found)]


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
