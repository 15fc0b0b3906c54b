"""Backends of bandits by name: simulated ones, made once in a process, and devices of an account."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.devices.fakes import fake_backend, is_fake, known_fakes
from lagrl.quantum.ibm.runtime import DeviceBackend
from lagrl.quantum.simulators.surrogate import noise_method

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lagrl.quantum.circuits.backend import Backend
    from lagrl.quantum.simulators.line_backend import LineBackend

SIX = ("FakeKingston", "FakeTorino", "FakeBrisbane", "FakeCusco", "FakeMumbai", "FakeParis")
"""Snapshots of different quality: two each of Heron, Eagle and Falcon processors (`lagrl devices` lists errors)."""


def is_account_device(name: str) -> bool:
    """Whether a name is that of a device of an account, such as `ibm_kingston`."""
    return name.startswith("ibm_")


def arm_backends(names: Sequence[str], *, method: str = "surrogate", width: int | None = None) -> dict[str, Backend]:
    """Return backends by the names of their devices: `FakeKingston` or `fake_kingston`, or `ibm_…` of your account.

    Fake ones are the same objects in every call, so that circuits are compiled and lines found once in a process.
    Raises `UnknownNameError` if a backend or method is unknown, `InputError` if there is no backend, one is named
    twice, or the method cannot simulate circuits of that width, `MissingExtraError` without qiskit-ibm-runtime or
    qiskit-aer.

    Parameters
    ----------
    names
        Names of the backends.
    method
        Simulation of fake backends: `surrogate`, `density` or `trajectories`.
    width
        Largest number of qubits needed; None to skip the check.
    """
    most = noise_method(method).max_width
    if not names:
        raise InputError("none given", field="backends", remedy="name one or more, joined by /")
    if width is not None and width > most and not all(map(is_account_device, names)):
        raise InputError(
            f"{width} given, {method} takes {most} qubits",
            field="width",
            remedy=f"give 1 to {most} variables per vehicle, or another method",
        )
    found: dict[str, Backend] = {}
    made: Backend
    for name in names:
        if is_account_device(name):
            account = DeviceBackend.of(name)
            device, made = account.device.name, account
        elif is_fake(name):
            device = str(fake_backend(name).name)
            made = _simulated(device, method)
        else:
            raise UnknownNameError.of("backend", name, known_fakes(), hint="; or ibm_… of your account")
        if device in found:
            raise InputError(f"{'/'.join(names)} given", field="backends", remedy="name each once")
        found[device] = made
    return found


@lru_cache(maxsize=64)
def _simulated(device: str, method: str) -> LineBackend:
    return noise_method(method).of(device)
