"""A device restricted to one line of qubits for every placement and width."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.bandit.profile import GateCosts, NativeCircuit, native_circuit
from lagrl.quantum.devices.compile import compile_template
from lagrl.quantum.devices.device_errors import ENTANGLERS, DeviceErrors
from lagrl.quantum.devices.noise import readout_flips, reduced_target
from lagrl.quantum.devices.noisy_device import NoisyDevice, NoisyLine
from lagrl.quantum.devices.placement import placed_line

if TYPE_CHECKING:
    from qiskit.transpiler import Target

    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.profile import Profile
    from lagrl.quantum.circuits.execution import Template


@dataclass(frozen=True, eq=False)
class PlacedDevice(NoisyDevice):
    """A device of which one line of each width is used, chosen by a placement.

    Attributes
    ----------
    placement
        `line0` is the best line, `line1` and `line2` the next ones, each another set of qubits; `default` is qubits
        0 … n − 1 in that order.
    is_whole
        See `PlacedDevices`.
    """

    placement: str = "line0"
    is_whole: bool = False
    _placed: dict[int, NoisyLine] = field(default_factory=dict, init=False, repr=False)
    _costs: dict[int, GateCosts] = field(default_factory=dict, init=False, repr=False)
    _profiles: dict[tuple[str, int, int], Profile] = field(default_factory=dict, init=False, repr=False)

    def line(self, width: int) -> NoisyLine:
        """Return the line of `width` qubits, found at the first call; InputError if the device has none."""
        found = self._placed.get(width)
        if found is None:
            qubits = placed_line(self.target, width, self.placement).qubits
            found = self._placed[width] = NoisyLine(qubits, reduced_target(self.target, qubits))
        return found

    def profile(self, arm: Arm, width: int) -> Profile:
        """Return the profile of an arm's circuit of `width` variables, computed at the first call.

        Raises `InputError` if there is no such line, or the circuit cannot be compiled on it.
        """
        key = (arm.family, arm.layers, width)
        if key not in self._profiles:
            template = arm.ansatz().template(width)
            is_routed = self.is_whole and not template.is_line
            self._profiles[key] = self._routed(template) if is_routed else self._on_line(arm, template)
        return self._profiles[key]

    def _on_line(self, arm: Arm, template: Template) -> Profile:
        width = template.n_qubits
        line = self.line(width)
        if width not in self._costs:
            self._costs[width] = GateCosts(line.target)
        costs = self._costs[width]
        if len(set(ENTANGLERS) & set(costs.native)) > 1:  # compile, to see whether each edge has the gates needed
            line.circuit(template)
        circuit = native_circuit(arm.family, arm.layers, width, costs.native)
        readout = readout_flips(line.target).mean(axis=1)[list(circuit.measured)]
        return costs.profile(circuit, arm.layers, readout, self._degree(line.qubits))

    def _routed(self, template: Template) -> Profile:
        """Return the profile of a circuit that may leave the line, as `RuntimeExecutor` compiles it."""
        circuit = NativeCircuit.of(compile_template(template, self.target, self.line(template.n_qubits).qubits))
        readout = [self._errors.readout.get(q, np.nan) for q in circuit.measured]
        used = {q for _, where in circuit.gates for q in where}
        return self._whole.profile(circuit, template.layers, readout, self._degree(tuple(used)))

    def _degree(self, qubits: tuple[int, ...]) -> int:
        neighbours = self._errors.neighbours()
        return min((len(neighbours.get(q, [])) for q in qubits), default=0)

    @cached_property
    def _errors(self) -> DeviceErrors:
        return DeviceErrors.of(self.target)

    @cached_property
    def _whole(self) -> GateCosts:
        return GateCosts(self.target)


@dataclass(frozen=True, eq=False)
class PlacedDevices:
    """One calibration of a device, with a `PlacedDevice` for every placement.

    Attributes
    ----------
    name
        Name of the device.
    target
        Its calibration.
    is_whole
        Whether circuits that need more couplings than a line are routed over the whole device, as in jobs, or stay on
        the line, as in simulations of noise.
    """

    name: str
    target: Target = field(repr=False)
    is_whole: bool = False
    _placed: dict[str, PlacedDevice] = field(default_factory=dict, init=False, repr=False)
    _misfits: set[tuple[str, int, str, int]] = field(default_factory=set, init=False, repr=False)

    def on(self, placement: str) -> PlacedDevice:
        """Return the device restricted to the lines of a placement."""
        if placement not in self._placed:
            self._placed[placement] = PlacedDevice(self.name, self.target, placement, self.is_whole)
        return self._placed[placement]

    def profile(self, arm: Arm, width: int) -> Profile | None:
        """Return the profile of an arm's circuit; None if no line fits. See `ArmBackend.profile`."""
        key = (arm.placement, width, arm.family, arm.layers)
        if key in self._misfits:
            return None
        try:
            return self.on(arm.placement).profile(arm, width)
        except InputError:
            self._misfits.add(key)
            return None
