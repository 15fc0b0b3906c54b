"""Digest of a circuit's operations; the names of circuits and of user-defined gates do not count."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


def circuit_digest(circuit: QuantumCircuit) -> str:
    """Return a sha256 of a circuit's operations, the same in every process; free parameters count by their names."""
    place: dict[Any, int] = {bit: i for bits in (circuit.qubits, circuit.clbits) for i, bit in enumerate(bits)}
    content = hashlib.sha256(f"{circuit.num_qubits} {circuit.num_clbits} {circuit.global_phase}".encode())
    for step in circuit.data:
        where = [place[bit] for bit in (*step.qubits, *step.clbits)]
        content.update(f"{_described(step.operation)} {where}\n".encode())
    return content.hexdigest()


def _described(operation: Any) -> list[str]:
    """Describe an operation; a user-defined one by its content, as its name may be a running number."""
    if hasattr(operation, "base_op"):  # annotated: controlled, inverted, raised to a power
        return [*_described(operation.base_op), str(operation.modifiers)]
    if not hasattr(operation, "base_class"):  # no instruction, such as a Clifford
        operation = operation.to_instruction()
    if _standard().get(operation.name) is not operation.base_class and operation.definition is not None:
        return [circuit_digest(operation.definition)]
    values = (v.tolist() if isinstance(v, np.ndarray) else v for v in operation.params)
    return [operation.name, *map(str, values)]


@cache
def _standard() -> dict[str, type]:
    """Return the classes of qiskit's standard gates by name."""
    from qiskit.circuit.library import get_standard_gate_name_mapping

    return {name: gate.base_class for name, gate in get_standard_gate_name_mapping().items()}
