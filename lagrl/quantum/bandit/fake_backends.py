"""Fake backends of arms, simulated with the noise of a calibration snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from lagrl.quantum.bandit.backend_qpu import BackendStatus
from lagrl.quantum.bandit.features import BackendContext
from lagrl.quantum.bandit.placed import PlacedDevices
from lagrl.quantum.devices.noisy_device import NoisyDevice
from lagrl.quantum.simulators.surrogate import SurrogateExecutor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.profile import Profile
    from lagrl.quantum.circuits.execution import CircuitExecutor


@dataclass(frozen=True, eq=False)
class NoisyBackend:
    """A device simulated with its noise, with one executor for every placement; see `ArmBackend`.

    Attributes
    ----------
    device
        The device's calibration.
    make
        Returns an executor for a placed device; the calibrated surrogate by default.
    """

    device: NoisyDevice
    make: Callable[[NoisyDevice], CircuitExecutor] = SurrogateExecutor
    max_concurrent_jobs: ClassVar[int | None] = 1
    has_journal: ClassVar[bool] = False
    _executors: dict[str, CircuitExecutor] = field(default_factory=dict, init=False, repr=False)

    @staticmethod
    def of(name: str, make: Callable[[NoisyDevice], CircuitExecutor] = SurrogateExecutor) -> NoisyBackend:
        """Return the fake backend of a name; raises what `NoisyDevice.of` does."""
        return NoisyBackend(NoisyDevice.of(name), make)

    @property
    def name(self) -> str:
        """Name of the device."""
        return self.device.name

    @property
    def max_width(self) -> int:
        """Largest number of qubits that can be simulated."""
        return self.executor("line0").max_width

    def profile(self, arm: Arm, width: int) -> Profile | None:
        """Return the profile of an arm's circuit; see `ArmBackend.profile`."""
        return self._placed.profile(arm, width)

    def context(self) -> BackendContext:
        """Return an empty queue and a calibration of today."""
        return BackendContext()

    def status(self) -> BackendStatus:
        """Return that it is in operation, without a limit."""
        return BackendStatus()

    def executor(self, placement: str) -> CircuitExecutor:
        """Return the executor of circuits on one of its lines of qubits."""
        if placement not in self._executors:
            self._executors[placement] = self.make(self._placed.on(placement))
        return self._executors[placement]

    @cached_property
    def _placed(self) -> PlacedDevices:
        return PlacedDevices(self.device.name, self.device.target)
