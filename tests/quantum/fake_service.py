"""A double of IBM Quantum's service: it runs nothing, answers with random bits, and goes wrong on demand."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lagrl.quantum.devices.fakes import fake_backend
from lagrl.quantum.ibm.service import Primitives

if TYPE_CHECKING:
    from datetime import datetime

TOKEN = "q7-NotARealToken_0123456789abcdefghijklmnopq"
LOGGER = logging.getLogger("qiskit_ibm_runtime.api.session")


def ibm_error(name: str, *args: Any) -> Exception:
    """Make one of qiskit-ibm-runtime's exceptions, the token in its text."""
    module = "api.exceptions" if name == "RequestsApiError" else "exceptions"
    kinds = pytest.importorskip(f"qiskit_ibm_runtime.{module}")
    made: Exception = getattr(kinds, name)(f"{args[0]} (Authorization: Bearer {TOKEN})", *args[1:])
    return made


@dataclass
class FakeJob:
    """A job that is done at once, unless its service has another fate for it."""

    identity: str
    service: FakeService
    pubs: list[tuple[Any, Any]]
    shots: int
    tags: list[str]
    cancelled: bool = False

    def job_id(self) -> str:
        return self.identity

    def status(self) -> str:
        return self.service.job_status

    def cancel(self) -> None:
        self.cancelled = True

    def metrics(self) -> dict[str, Any]:
        status = "pending" if self.service.take("pending") else "complete"
        return {
            "timestamps": {"created": "2026-01-01T00:00:00Z", "running": "2026-01-01T00:00:07.5Z", "finished": None},
            "usage": {"status": status, "qpu_charge_time_seconds": 0 if status == "pending" else 3},
        }

    def result(self, timeout: float | None = None) -> list[Any]:
        service = self.service
        service.reads += 1
        LOGGER.debug("GET /jobs/%s with %s", self.identity, TOKEN)
        if service.take("lost while reading"):
            raise ibm_error("RequestsApiError", "Connection reset", -1)
        if service.take("failed"):
            raise ibm_error("RuntimeJobFailureError", "Unable to retrieve job result. Error code 1517; out of cheese")
        if service.take("too long"):
            raise ibm_error("RuntimeJobMaxTimeoutError", "ran longer than maximum execution time")
        if service.take("cancelled"):
            raise ibm_error("RuntimeInvalidStateError", "Job was cancelled")
        if service.take("timeout"):
            raise ibm_error("RuntimeJobTimeoutError", f"Timed out waiting for job to complete after {timeout} secs.")
        if service.take("undecodable"):
            raise ValueError("Expecting value: line 1 column 1 (char 0)")
        pubs = [self._drawn(circuit, values) for circuit, values in self.pubs]
        if service.take("empty"):
            pubs[-1] = None
        if service.take("no bits"):
            pubs[-1].data.meas = [0, 1]
        return pubs[:-1] if service.take("dropped") else pubs

    def _drawn(self, circuit: Any, values: Any) -> Any:
        bit_array = pytest.importorskip("qiskit.primitives").BitArray
        rng = np.random.default_rng([len(self.pubs), int(np.abs(values).sum() * 1e6)])
        shots = self.shots - 1 if self.service.take("wrong shots") else self.shots
        bits = rng.integers(0, 2, (len(values), shots, circuit.num_clbits), dtype=np.uint8).astype(bool)
        register = circuit.cregs[0].name
        return SimpleNamespace(data=SimpleNamespace(**{register: bit_array.from_bool_array(bits, order="little")}))


@dataclass
class FakeService:
    """Knows one device; `faults` names what goes wrong next, each once."""

    faults: list[str] = field(default_factory=list)
    job_status: str = "DONE"
    device: str = "ibm_fake"
    submitted: list[FakeJob] = field(default_factory=list)
    opened: list[FakeMode] = field(default_factory=list)
    reads: int = 0
    pending_jobs: int = 0
    calibrated: datetime | None = None
    fresh: Any = None  # target after the next refresh
    plan: dict[str, float] = field(default_factory=lambda: {"usage_remaining_seconds": 600.0})
    asked: list[str] = field(default_factory=list)

    def take(self, fault: str) -> bool:
        """Tell whether this goes wrong now."""
        if fault in self.faults:
            self.faults.remove(fault)
            return True
        return False

    def active_account(self) -> dict[str, str]:
        return {"channel": "ibm_quantum_platform", "token": TOKEN}

    def backends(self) -> list[Any]:
        if self.take("expired token"):
            raise ibm_error("IBMNotAuthorizedError", "401 Client Error: Unauthorized")
        LOGGER.warning("Loading instance with %s", TOKEN)
        return [self.backend(name) for name in (self.device, "ibm_other")]

    def backend(self, name: str) -> Any:
        made = SimpleNamespace(name=name, target=fake_backend("FakeHanoi").target, status=self._status)
        made.properties, made.refresh = self._properties, lambda: self._refresh(made)
        return made

    def usage(self) -> dict[str, Any]:
        self.asked.append("usage")
        return {"usage_limit_reached": self.take("exhausted"), **self.plan}

    def job(self, job_id: str) -> FakeJob:
        if self.take("forgotten"):
            raise ibm_error("RuntimeJobNotFound", f"Job not found: {job_id}")
        return next(job for job in self.submitted if job.identity == job_id)

    def jobs(self, *, limit: int, job_tags: list[str]) -> list[FakeJob]:
        return [job for job in self.submitted if set(job_tags) <= set(job.tags)][:limit]

    def _status(self) -> Any:
        self.asked.append("status")
        if self.take("silent"):
            raise ibm_error("RequestsApiError", "Connection refused", -1)
        down = self.take("down")
        told = "maintenance" if down else "active"
        return SimpleNamespace(operational=not down, status_msg=told, pending_jobs=self.pending_jobs)

    def _properties(self, refresh: bool = False) -> Any:
        self.asked.append("properties" if refresh else "cached properties")
        return None if self.calibrated is None else SimpleNamespace(last_update_date=self.calibrated)

    def _refresh(self, backend: Any) -> None:
        self.asked.append("refresh")
        if self.take("lost while refreshing"):
            raise ibm_error("RequestsApiError", "Connection reset", -1)
        backend.target = self.fresh


@dataclass
class FakeMode:
    """A batch or session."""

    kind: str
    max_time: int | None
    closed: bool = False
    ended: bool = False

    def status(self) -> str:
        return "Closed" if self.ended else "In progress, accepting new jobs"

    def close(self) -> None:
        self.closed = True


@dataclass
class FakePrimitives(Primitives):
    """Sends jobs to the double; keeps the modes and options that it was given."""

    service: FakeService
    modes: list[Any] = field(default_factory=list)
    options: list[Any] = field(default_factory=list)

    def sampler(self, mode: Any, options: Any) -> Any:
        self.modes.append(mode)
        self.options.append(options)
        return SimpleNamespace(run=lambda pubs, shots: self._run(pubs, shots, options))

    def batch(self, backend: Any, max_time: int | None) -> Any:
        return self._open("batch", max_time)

    def session(self, backend: Any, max_time: int | None) -> Any:
        return self._open("session", max_time)

    def _open(self, kind: str, max_time: int | None) -> FakeMode:
        self.service.opened.append(FakeMode(kind, max_time))
        return self.service.opened[-1]

    def _run(self, pubs: list[Any], shots: int, options: Any) -> FakeJob:
        service = self.service
        if service.take("lost before submission"):
            raise ibm_error("RequestsApiError", "Connection refused", -1)
        if service.take("refused"):
            raise ibm_error("IBMRuntimeError", "Failed to run program: usage limit exceeded")
        job = FakeJob(f"job{len(service.submitted)}", service, pubs, shots, list(options.environment.job_tags))
        service.submitted.append(job)
        if service.take("lost after submission"):
            raise ibm_error("RequestsApiError", "Connection reset", -1)
        if service.take("killed after submission"):
            raise KeyboardInterrupt
        return job
