"""Fake backends as arms see them: circuits under the noise of a calibration snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

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
    """A device simulated with its noise, one executor for every placement.

    Attributes
    ----------
    device
        Its calibration.
    make
        Makes an executor for a placed device; the calibrated surrogate by default.
    """

    device: NoisyDevice
    make: Callable[[NoisyDevice], CircuitExecutor] = SurrogateExecutor
    _executors: dict[str, CircuitExecutor] = field(default_factory=dict, init=False, repr=False)

    @staticmethod
    def of(name: str, make: Callable[[NoisyDevice], CircuitExecutor] = SurrogateExecutor) -> NoisyBackend:
        """Return the fake backend of a name; see `NoisyDevice.of` for what it raises."""
        return NoisyBackend(NoisyDevice.of(name), make)

    @property
    def name(self) -> str:
        """The device's."""
        return self.device.name

    def profile(self, arm: Arm, width: int) -> Profile | None:
        """Describe an arm's circuit; None where there is no such line. See `ArmBackend.profile`."""
        return self._placed.profile(arm, width)

    def context(self) -> BackendContext:
        """No queue, and a calibration of today."""
        return BackendContext()

    def executor(self, placement: str) -> CircuitExecutor:
        """Return what runs circuits on a line of it."""
        if placement not in self._executors:
            self._executors[placement] = self.make(self._placed.on(placement))
        return self._executors[placement]

    @property
    def max_width(self) -> int:
        """As far as it can be simulated."""
        return self.executor("line0").max_width

    def status(self) -> BackendStatus:
        """Always there."""
        return BackendStatus()

    @property
    def at_once(self) -> bool:
        """No."""
        return False

    @property
    def has_journal(self) -> bool:
        """No."""
        return False

    @cached_property
    def _placed(self) -> PlacedDevices:
        return PlacedDevices(self.device.name, self.device.target)
