"""A device for simulators of its noise: one line of qubits for every width and placement."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.circuits.backend import BEST_LINE
from lagrl.quantum.devices.compile import compile_template
from lagrl.quantum.devices.noise import noise_model, readout_flips, reduced_target

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target
    from qiskit_aer.noise import NoiseModel

    from lagrl.quantum.circuits.execution import Template


@dataclass(frozen=True, eq=False)
class LineCircuit:
    """A template compiled for a line of qubits.

    Attributes
    ----------
    template
        The compiled template, in the line's native gates, with free parameters.
    log_fidelity
        ln F = Σ ln(1 − e) over its gates.
    measured
        [n] int64: the line's qubit that is read as variable i.
    readout
        [n, 2] probabilities that a 0 of variable i is read as 1, and a 1 as 0.
    """

    template: Template
    log_fidelity: float
    measured: NDArray[np.int64] = field(repr=False)
    readout: NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True, eq=False)
class NoisyLine:
    """A line of qubits of a device, with its noise model and its compiled circuits, each made once.

    Attributes
    ----------
    qubits
        Physical qubits in the line's order.
    target
        The device's target reduced to them, see `reduced_target`.
    """

    qubits: tuple[int, ...]
    target: Target = field(repr=False)
    _circuits: dict[tuple[str, tuple[int, int, bool]], LineCircuit] = field(
        default_factory=dict, init=False, repr=False
    )

    @cached_property
    def noise(self) -> NoiseModel:
        """Aer's noise model of the line."""
        return noise_model(self.target)

    @cached_property
    def readout(self) -> NDArray[np.float64]:
        """[n, 2] float64: probabilities that 0 is read as 1, and 1 as 0."""
        return readout_flips(self.target)

    def circuit(self, template: Template) -> LineCircuit:
        """Return a template compiled for this line; equal templates are compiled once."""
        key = (template.digest, template.declared)
        found = self._circuits.get(key)
        if found is None:
            compiled = compile_template(template, self.target, range(len(self.qubits)))
            measured = measured_qubits(compiled.circuit)
            fidelity = log_fidelity(compiled.circuit, self.target)
            found = LineCircuit(compiled, fidelity, measured, self.readout[measured])
            self._circuits[key] = found
        return found


@dataclass(frozen=True, eq=False)
class NoisyDevice:
    """A device's calibration, and its lines of qubits.

    Attributes
    ----------
    name
        Name of the device, such as `fake_kingston`.
    target
        The whole device's target.
    """

    name: str
    target: Target = field(repr=False)
    _lines: dict[tuple[int, str], NoisyLine] = field(default_factory=dict, init=False, repr=False)

    @staticmethod
    def of(name: str) -> NoisyDevice:
        """Return the fake backend of a name, the same object every time.

        Raises
        ------
        UnknownNameError
            If there is no such fake backend; the message lists the known ones.
        MissingExtraError
            Without qiskit-ibm-runtime.
        """
        from lagrl.quantum.devices.fakes import fake_backend

        return _fake_device(str(fake_backend(name).name))

    def line(self, width: int, placement: str = BEST_LINE) -> NoisyLine:
        """Return the line of `width` qubits that a placement names, the best one by default; found once.

        Raises
        ------
        UnknownNameError
            If there is no such placement.
        InputError
            If the device has no such line.
        """
        found = self._lines.get((width, placement))
        if found is None:
            from lagrl.quantum.devices.placement import placed_line

            qubits = tuple(int(q) for q in placed_line(self.target, width, placement).qubits)
            found = self._lines[width, placement] = NoisyLine(qubits, reduced_target(self.target, qubits))
        return found


def log_fidelity(circuit: QuantumCircuit, target: Target) -> float:
    """Return Σ ln(1 − e) over a compiled circuit's gates: log of the probability of no error, if independent.

    Measurements are not counted.

    Raises
    ------
    InputError
        If the target does not support a gate.
    """
    place = {bit: i for i, bit in enumerate(circuit.qubits)}
    total = 0.0
    for step in circuit.data:
        name, where = step.operation.name, tuple(place[q] for q in step.qubits)
        if name in {"measure", "barrier"}:
            continue
        if not target.instruction_supported(name, where):
            raise InputError(f"{name} on {where}", field="circuit", remedy="compile it for this target")
        entry = target[name].get(where)
        total += float(np.log1p(-min((entry.error if entry is not None else None) or 0.0, 1.0 - 1e-12)))
    return total


def measured_qubits(circuit: QuantumCircuit) -> NDArray[np.int64]:
    """Return the qubit that is measured into each classical bit, [n]."""
    qubit = {bit: i for i, bit in enumerate(circuit.qubits)}
    bit = {bit: i for i, bit in enumerate(circuit.clbits)}
    found = np.zeros(len(bit), np.int64)
    for step in circuit.data:
        if step.operation.name == "measure":
            found[bit[step.clbits[0]]] = qubit[step.qubits[0]]
    return found


@lru_cache(maxsize=64)
def _fake_device(name: str) -> NoisyDevice:
    from lagrl.quantum.devices.fakes import fake_backend

    return NoisyDevice(name, fake_backend(name).target)
