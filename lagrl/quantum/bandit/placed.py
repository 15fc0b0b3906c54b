"""A device as arms see it: one line for every placement and width."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lagrl.errors import InputError
from lagrl.quantum.bandit.profile import PlacedDevice

if TYPE_CHECKING:
    from qiskit.transpiler import Target

    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.profile import Profile


@dataclass(frozen=True, eq=False)
class PlacedDevices:
    """One calibration of a device, with a `PlacedDevice` for every placement.

    Attributes
    ----------
    name
        The device's.
    target
        Its calibration.
    is_whole
        Whether circuits that are no line are routed over the whole device, as jobs are, or stay on the line, as in
        simulations of noise.
    """

    name: str
    target: Target = field(repr=False)
    is_whole: bool = False
    _placed: dict[str, PlacedDevice] = field(default_factory=dict, init=False, repr=False)
    _misfits: set[tuple[str, int, str, int]] = field(default_factory=set, init=False, repr=False)

    def on(self, placement: str) -> PlacedDevice:
        """Return the device with this placement's lines alone."""
        if placement not in self._placed:
            self._placed[placement] = PlacedDevice(self.name, self.target, placement, self.is_whole)
        return self._placed[placement]

    def profile(self, arm: Arm, width: int) -> Profile | None:
        """Describe an arm's circuit; None where there is no line for it. See `ArmBackend.profile`."""
        key = (arm.placement, width, arm.family, arm.layers)
        if key in self._misfits:
            return None
        try:
            return self.on(arm.placement).profile(arm, width)
        except InputError:
            self._misfits.add(key)
            return None
