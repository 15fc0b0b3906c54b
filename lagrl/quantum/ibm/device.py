"""Devices that jobs are sent to: fake backends simulated here, and devices of an account."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from lagrl.quantum.devices.fakes import is_fake

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

    from lagrl.quantum.ibm.runtime_options import RuntimeOptions
    from lagrl.quantum.ibm.service import Primitives

    IsaPub = tuple[QuantumCircuit, NDArray[np.float64]]


class ServiceJob(Protocol):
    """The part of a submitted job that is used here; `RuntimeJobV2` of qiskit-ibm-runtime has it."""

    def job_id(self) -> str: ...

    def result(self, timeout: float | None = None) -> Any: ...

    def metrics(self) -> dict[str, Any]: ...

    def status(self) -> Any: ...

    def cancel(self) -> Any: ...


@runtime_checkable
class Device(Protocol):
    """A device that runs compiled circuits."""

    @property
    def name(self) -> str:
        """Name of the backend, such as `fake_kingston`."""
        ...

    @property
    def target(self) -> Target:
        """Gates, couplings and calibration of the device."""
        ...

    @property
    def is_simulated(self) -> bool:
        """Whether jobs are simulated here and cost only time."""
        ...

    @property
    def widest(self) -> int:
        """Largest number of qubits of a circuit."""
        ...

    def submit(self, pubs: list[IsaPub], shots: int, options: RuntimeOptions, tag: str, seed: int) -> ServiceJob:
        """Send all PUBs as one job.

        Parameters
        ----------
        pubs
            Compiled circuits with angles [C, P].
        shots
            Shots per circuit.
        options
            How circuits are run.
        tag
            Tag with which `find` finds the job again.
        seed
            Seed of a simulator.
        """
        ...

    def find(self, tag: str) -> ServiceJob | None:
        """Return the job with this tag, None if it was not submitted."""
        ...

    def job(self, job_id: str) -> ServiceJob:
        """Return the job with this id."""
        ...

    def close(self) -> None:
        """Close an open batch or session."""
        ...


def open_device(
    name: str,
    *,
    service: Any = None,
    primitives: Primitives | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """Return a fake backend (`FakeKingston`) or a device of your account (`ibm_kingston`).

    Parameters
    ----------
    name
        Names that begin with `fake` are fake backends; see `fake_backend` for what they raise.
    service, primitives, sleep
        See `AccountDevice.of`, also for what it raises.
    """
    if is_fake(name):
        from lagrl.quantum.ibm.local_device import LocalDevice

        return LocalDevice.of(name)
    from lagrl.quantum.ibm.service import AccountDevice

    return AccountDevice.of(name, service=service, primitives=primitives, sleep=sleep)
