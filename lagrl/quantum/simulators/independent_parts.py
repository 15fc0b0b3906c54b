"""Circuits that fall into parts without a common gate: each part is simulated alone, exactly, whatever their number.

A circuit of QAOA whose cost has no term between two groups of variables is a product of circuits. Compiled for a
device it is still one, unless routing joins parts. Noise attached to gates keeps the parts independent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.devices.noise import noise_model, readout_flips, restricted
from lagrl.quantum.devices.noisy_device import Channel, measured_qubits
from lagrl.quantum.simulators.line_backend import exact_probabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

WIDEST_PART = 9  # qubits of a density matrix, a second or so


@dataclass(frozen=True, eq=False)
class PartDistribution:
    """The exact distribution of one part."""

    variables: tuple[int, ...]  # classical bits that the part writes, ascending
    probability: NDArray[np.float64] = field(repr=False)  # [2^k] float64: bit b of the index is variable `variables[b]`


def part_distributions(circuit: QuantumCircuit, target: Target | None = None) -> list[PartDistribution]:
    """Return the distribution of each part of a measured circuit without free parameters.

    Raises `InputError` if a part is wider than 9 qubits, `MissingExtraError` without qiskit-aer.

    Parameters
    ----------
    circuit
        Measures at the end, each variable into the classical bit of its number.
    target
        The device for whose qubits it is compiled, with errors of gates and readout; None: no noise.
    """
    found = []
    written = {qubit: variable for variable, qubit in enumerate(measured_qubits(circuit).tolist())}
    for qubits in connected_qubits(circuit):
        variable = {qubit: written[qubit] for qubit in qubits if qubit in written}
        if not variable:
            continue
        if len(qubits) > WIDEST_PART:
            problem = f"a part of {len(qubits)} qubits"
            raise InputError(problem, field="circuit", remedy=f"at most {WIDEST_PART}; simulate by trajectories")
        order = sorted(variable, key=lambda q: variable[q])
        part = _alone(circuit, qubits)
        places = [qubits.index(q) for q in order]
        if target is None:
            probability = _ideal(part, places)
        else:
            noise = noise_model(restricted(target, qubits, keeps_unusable=True))
            (before,) = exact_probabilities([part], [places], noise)
            probability = Channel(1.0, readout_flips(target)[order]).distribution(before)
        found.append(PartDistribution(tuple(variable[q] for q in order), probability))
    return found


def connected_qubits(circuit: QuantumCircuit) -> list[list[int]]:
    """Return the groups of qubits that gates join, each ascending; qubits without a gate are left out."""
    index = {qubit: i for i, qubit in enumerate(circuit.qubits)}
    group: dict[int, set[int]] = {}
    for step in circuit.data:
        if step.operation.name == "barrier":
            continue
        joined = {index[q] for q in step.qubits}
        for q in list(joined):
            joined |= group.get(q, set())
        for q in joined:
            group[q] = joined
    return [sorted(members) for members in {id(members): members for members in group.values()}.values()]


def draw_codes(parts: list[PartDistribution], shots: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return codes [shots] int64: bit i is variable i."""
    code = np.zeros(shots, np.int64)
    for part in parts:
        cumulative = np.cumsum(part.probability)
        own = np.searchsorted(cumulative, rng.random(shots) * cumulative[-1], side="right")
        for b, variable in enumerate(part.variables):
            code |= ((own >> b) & 1) << variable
    return code


def _alone(circuit: QuantumCircuit, qubits: list[int]) -> QuantumCircuit:
    """Return the gates of a part on qubits 0 … k − 1, without measurements."""
    from qiskit import QuantumCircuit

    place = {circuit.qubits[q]: i for i, q in enumerate(qubits)}
    part = QuantumCircuit(len(qubits))
    for step in circuit.data:
        if step.operation.name not in ("measure", "barrier") and step.qubits[0] in place:
            part.append(step.operation, [place[q] for q in step.qubits])
    return part


def _ideal(part: QuantumCircuit, places: list[int]) -> NDArray[np.float64]:
    from qiskit.quantum_info import Statevector

    probability: NDArray[np.float64] = np.asarray(Statevector(part).probabilities(places), np.float64)
    return probability


def compiled_for(
    circuit: QuantumCircuit, device: Any, qubits: list[int] | None = None, seed: int = 0
) -> QuantumCircuit:
    """Return a measured circuit compiled for a device by qiskit's optimisation level 1.

    Routing may join parts; `part_distributions` refuses one of more than 9 qubits.

    Parameters
    ----------
    circuit
        Without free parameters.
    device
        A backend.
    qubits
        Physical qubits of the circuit's own; chosen by the transpiler if None.
    seed
        Of the transpiler.
    """
    from qiskit.transpiler.preset_passmanagers import generate_preset_pass_manager

    manager = generate_preset_pass_manager(1, device, initial_layout=qubits, seed_transpiler=seed)
    compiled: QuantumCircuit = manager.run(circuit)
    return compiled
