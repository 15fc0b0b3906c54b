"""Devices and circuits of a few qubits for the tests of noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from lagrl.quantum.circuits.backend import Pub, Template
from lagrl.quantum.devices.noisy_device import NoisyDevice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qiskit.transpiler import Target


class AsymmetricReadout:
    """Mixin: a measurement with both of its errors, under the names that Aer reads."""

    prob_meas1_prep0: float
    prob_meas0_prep1: float


def line_target(
    n: int, edge: float | Sequence[float] = 0.01, single: float = 0.001, readout: tuple[float, float] = (0.02, 0.05)
) -> Target:
    """Make a line of n qubits with CZ, SX, X and RZ of given errors, without relaxation."""
    circuit_library = pytest.importorskip("qiskit.circuit.library")
    circuit = pytest.importorskip("qiskit.circuit")
    transpiler = pytest.importorskip("qiskit.transpiler")

    class Entry(transpiler.InstructionProperties, AsymmetricReadout):
        pass

    edges = [float(edge)] * (n - 1) if np.isscalar(edge) else list(edge)
    target = transpiler.Target(num_qubits=n)
    both = {
        pair: transpiler.InstructionProperties(error=edges[q], duration=7e-8)
        for q in range(n - 1)
        for pair in ((q, q + 1), (q + 1, q))
    }
    target.add_instruction(circuit_library.CZGate(), both)
    for gate, error in (
        (circuit_library.SXGate(), single),
        (circuit_library.XGate(), single),
        (circuit_library.RZGate(circuit.Parameter("a")), 0.0),
    ):
        target.add_instruction(gate, {(q,): transpiler.InstructionProperties(error=error) for q in range(n)})
    measured = {}
    for q in range(n):
        measured[q,] = Entry(error=sum(readout) / 2)
        measured[q,].prob_meas1_prep0, measured[q,].prob_meas0_prep1 = readout
    target.add_instruction(circuit.Measure(), measured)
    return target


def line_device(n: int, **errors: object) -> NoisyDevice:
    """Make a device of one line; see `line_target`."""
    return NoisyDevice(f"line of {n}", line_target(n, **errors))


def chain(n: int, layers: int = 1) -> Template:
    """Make rotations and CX along the line, then swap two neighbours, so that bits and qubits differ in order."""
    qiskit = pytest.importorskip("qiskit")
    circuits = pytest.importorskip("qiskit.circuit")
    angles = circuits.ParameterVector("angle", n * (layers + 1))
    circuit = qiskit.QuantumCircuit(qiskit.QuantumRegister(n, "q"), qiskit.ClassicalRegister(n, "meas"))
    for layer in range(layers):
        for q in range(n):
            circuit.ry(angles[layer * n + q], q)
        for q in range(n - 1):
            circuit.cx(q, q + 1)
    for q in range(n):
        circuit.ry(angles[layers * n + q], q)
    place = list(range(n))
    if n > 1:
        circuit.swap(0, 1)
        place[0], place[1] = 1, 0
    for i in range(n):
        circuit.measure(place[i], i)
    return Template(f"chain p={layers} n={n}", circuit, layers, 0, 0, is_line=False)  # counted when it is compiled


def chain_pub(n: int, seed: int = 0, rows: int = 1, layers: int = 1) -> Pub:
    """Draw random angles for `chain`."""
    template = chain(n, layers)
    return Pub(template, np.random.default_rng(seed).uniform(0.3, 2.8, (rows, template.n_parameters)))


def ideal_distribution(pub: Pub, row: int = 0) -> np.ndarray:
    """Return the distribution [2^n] by qiskit's Statevector; bit i of the index is classical bit i."""
    quantum_info = pytest.importorskip("qiskit.quantum_info")
    circuit = pub.template.circuit.assign_parameters(pub.values[row])
    qubit = {
        circuit.find_bit(step.clbits[0]).index: circuit.find_bit(step.qubits[0]).index
        for step in circuit.data
        if step.operation.name == "measure"
    }
    state = quantum_info.Statevector(circuit.remove_final_measurements(inplace=False))
    return np.asarray(state.probabilities([qubit[i] for i in range(circuit.num_qubits)]))


def shares(codes: np.ndarray, n: int) -> np.ndarray:
    """Return the share of each code, [2^n]."""
    return np.bincount(codes.ravel(), minlength=2**n) / codes.size


def distance(p: np.ndarray, q: np.ndarray) -> float:
    """Return the total variation distance."""
    return float(0.5 * np.abs(p - q).sum())


def sampled_distance(p: np.ndarray, shots: int, samples: int = 1, chance: float = 1e-6) -> float:
    """Return a bound that the distance of a sample from p, or of two samples, exceeds with probability below `chance`.

    Its mean is at most ½ Σ sqrt(samples · p (1 − p) / shots) (Jensen), and as one shot moves it by 1/shots at most, it
    exceeds the mean by sqrt(samples · ln(1/chance) / (2 shots)) with less than that chance (McDiarmid 1989).
    """
    mean = 0.5 * np.sqrt(samples * p * (1 - p) / shots).sum()
    return float(mean + np.sqrt(samples * np.log(1 / chance) / (2 * shots)))
