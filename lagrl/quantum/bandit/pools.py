"""Backends of bandits by name: simulated ones, made once in a process, and devices of an account."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.bandit.fake_backends import NoisyBackend
from lagrl.quantum.bandit.runtime_backend import RuntimeBackend
from lagrl.quantum.devices.fakes import is_fake, known_fakes
from lagrl.quantum.simulators.density import DensityMatrixExecutor
from lagrl.quantum.simulators.surrogate import SurrogateExecutor
from lagrl.quantum.simulators.trajectories import TrajectoryExecutor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lagrl.quantum.bandit.backend_qpu import ArmBackend
    from lagrl.quantum.simulators.line_executor import LineExecutor

SIX = ("FakeKingston", "FakeTorino", "FakeBrisbane", "FakeCusco", "FakeMumbai", "FakeParis")
"""Snapshots of different quality: two each of Heron, Eagle and Falcon processors (`lagrl devices` lists errors)."""

_EXECUTORS: dict[str, type[LineExecutor]] = {
    "surrogate": SurrogateExecutor,
    "density": DensityMatrixExecutor,
    "trajectories": TrajectoryExecutor,
}


def is_account_device(name: str) -> bool:
    """Whether a name is that of a device of an account, such as `ibm_kingston`."""
    return name.startswith("ibm_")


def arm_backends(
    names: Sequence[str], *, method: str = "surrogate", width: int | None = None
) -> tuple[ArmBackend, ...]:
    """Return the backends of some names: `FakeKingston` or `fake_kingston`, or `ibm_…` of your account.

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
    if method not in _EXECUTORS:
        raise UnknownNameError.of("noise method", method, _EXECUTORS)
    if not names:
        raise InputError("none given", field="backends", remedy="name one or more, joined by /")
    most = _EXECUTORS[method].max_width
    if width is not None and width > most and not all(map(is_account_device, names)):
        raise InputError(
            f"{width} given, {method} takes {most} qubits",
            field="width",
            remedy=f"give 1 to {most} variables per vehicle, or another method",
        )
    found = tuple(RuntimeBackend.of(name) if is_account_device(name) else _simulated(name, method) for name in names)
    if len({backend.name for backend in found}) < len(found):
        raise InputError(f"{'/'.join(names)} given", field="backends", remedy="name each once")
    return found


def _simulated(name: str, method: str) -> NoisyBackend:
    if not is_fake(name):
        raise UnknownNameError.of("backend", name, known_fakes(), hint="; or ibm_… of your account")
    return _made(NoisyBackend.of(name).name, method)


@lru_cache(maxsize=64)
def _made(name: str, method: str) -> NoisyBackend:
    return NoisyBackend.of(name, _EXECUTORS[method])
