"""Knapsacks for ansätze, and the distributions of their circuits by qiskit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.problems.qubo import QUBO
from lagrl.quantum.subproblems.penalties import Subproblem

if TYPE_CHECKING:
    from lagrl.quantum.circuits.backend import Template


def subproblem(rng: np.random.Generator, n: int) -> Subproblem:
    """Draw a knapsack of n variables with any QUBO and any probabilities."""
    qubo = QUBO(rng.normal(size=n), np.triu(rng.normal(size=(n, n)), 1))
    return Subproblem(qubo, rng.uniform(0, 1, n), rng.normal(-1, 1, n), rng.integers(1, 9, n), 10)


def measured(template: Template, values: np.ndarray) -> np.ndarray:
    """Return qiskit's probabilities [2^n] of the template's classical register, bit i being bit i of the index."""
    from qiskit.quantum_info import Statevector

    circuit = template.circuit.assign_parameters(values)
    qubit = [0] * template.n_qubits
    for step in circuit.data:
        if step.operation.name == "measure":
            qubit[circuit.find_bit(step.clbits[0]).index] = circuit.find_bit(step.qubits[0]).index
    return Statevector(circuit.remove_final_measurements(inplace=False)).probabilities(qubit)


def line_target(n: int, gate: str = "cz", errors: list[float] | None = None, readout: list[float] | None = None):
    """Return a target of n qubits in a row with one kind of two-qubit gate, perfect where no errors are given."""
    return graph_target(
        n,
        {(i, i + 1): errors[i] if errors else None for i in range(n - 1)},
        gate,
        dict(enumerate(readout)) if readout else {},
    )


def graph_target(n: int, edges: dict, gate: str = "cz", readout: dict | None = None):
    """Return a target with these edges and their errors; an `ecr` gate works only in the given direction."""
    from qiskit.circuit import Measure, Parameter
    from qiskit.circuit.library import CZGate, ECRGate, RZGate, SXGate, XGate
    from qiskit.transpiler import InstructionProperties, Target

    target = Target(num_qubits=n)
    target.add_instruction(RZGate(Parameter("t")), {(q,): None for q in range(n)})
    for single in (SXGate(), XGate()):
        target.add_instruction(single, {(q,): None for q in range(n)})
    known = readout or {}
    target.add_instruction(
        Measure(), {(q,): InstructionProperties(error=known.get(q, 0.0)) if known else None for q in range(n)}
    )
    places = {}
    for (a, b), error in edges.items():
        entry = None if error is None else InstructionProperties(error=error)
        places[a, b] = entry
        if gate == "cz":
            places[b, a] = entry
    if places:
        target.add_instruction({"cz": CZGate, "ecr": ECRGate}[gate](), places)
    return target
