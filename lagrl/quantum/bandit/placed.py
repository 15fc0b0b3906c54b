"""Profiles of arms on a device: what a circuit would be on one of its lines of qubits."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.bandit.profile import GateCosts, NativeCircuit, native_circuit
from lagrl.quantum.devices.compile import compile_template
from lagrl.quantum.devices.device_errors import ENTANGLERS, DeviceErrors
from lagrl.quantum.devices.noise import readout_flips
from lagrl.quantum.devices.noisy_device import NoisyDevice
from lagrl.quantum.simulators.line_backend import LineBackend

if TYPE_CHECKING:
    from qiskit.transpiler import Target

    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.profile import Profile
    from lagrl.quantum.circuits.backend import Backend
    from lagrl.quantum.circuits.execution import Template

_known: dict[tuple[str, bool], ArmProfiles] = {}
_lock = threading.Lock()


def arm_profile(backend: Backend, arm: Arm, width: int) -> Profile | None:
    """Return the profile of an arm's circuit on its backend, as calibrated now; None if no line of qubits fits.

    Profiles of a calibration are computed once in a process. Raises `InputError` if the backend has no target.
    """
    target, is_whole = backend.target, not isinstance(backend, LineBackend)
    if target is None:
        raise InputError("has no target to choose qubits by", field=backend.name, remedy="give a device's backend")
    with _lock:
        known = _known.get((arm.backend, is_whole))
        if known is None or known.target is not target:
            known = _known[arm.backend, is_whole] = ArmProfiles(arm.backend, target, is_whole)
        return known.profile(arm, width)


@dataclass(frozen=True, eq=False)
class ArmProfiles:
    """Profiles on one calibration of a device.

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
    _costs: dict[tuple[int, str], GateCosts] = field(default_factory=dict, init=False, repr=False)
    _profiles: dict[tuple[str, str, int, int], Profile | None] = field(default_factory=dict, init=False, repr=False)

    def profile(self, arm: Arm, width: int) -> Profile | None:
        """Return the profile of an arm's circuit of `width` variables, computed at the first call.

        None if there is no such line, or the circuit cannot be compiled on it.
        """
        key = (arm.placement, arm.family, arm.layers, width)
        if key not in self._profiles:
            template = arm.ansatz().template(width)
            is_routed = self.is_whole and not template.is_line
            try:
                self._profiles[key] = (self._routed if is_routed else self._on_line)(arm, template)
            except InputError:
                self._profiles[key] = None
        return self._profiles[key]

    def _on_line(self, arm: Arm, template: Template) -> Profile:
        width = template.n_qubits
        line, place = self._device.line(width, arm.placement), (width, arm.placement)
        if place not in self._costs:
            self._costs[place] = GateCosts(line.target)
        costs = self._costs[place]
        if len(set(ENTANGLERS) & set(costs.native)) > 1:  # compile, to see whether each edge has the gates needed
            line.circuit(template)
        circuit = native_circuit(arm.family, arm.layers, width, costs.native)
        readout = readout_flips(line.target).mean(axis=1)[list(circuit.measured)]
        return costs.profile(circuit, arm.layers, readout, self._degree(line.qubits))

    def _routed(self, arm: Arm, template: Template) -> Profile:
        """Return the profile of a circuit that may leave the line, as `DeviceBackend` compiles it."""
        qubits = self._device.line(template.n_qubits, arm.placement).qubits
        circuit = NativeCircuit.of(compile_template(template, self.target, qubits))
        readout = [self._errors.readout.get(q, np.nan) for q in circuit.measured]
        used = {q for _, where in circuit.gates for q in where}
        return self._whole.profile(circuit, template.layers, readout, self._degree(tuple(used)))

    def _degree(self, qubits: tuple[int, ...]) -> int:
        neighbours = self._errors.neighbours()
        return min((len(neighbours.get(q, [])) for q in qubits), default=0)

    @cached_property
    def _device(self) -> NoisyDevice:
        return NoisyDevice(self.name, self.target)

    @cached_property
    def _errors(self) -> DeviceErrors:
        return DeviceErrors.of(self.target)

    @cached_property
    def _whole(self) -> GateCosts:
        return GateCosts(self.target)
