"""Circuits of companion problems: a chain of spins, and groups of qubits of which exactly one is 1.

In a chain only neighbouring qubits are coupled. Groups have penalties with an X mixer, or an XY mixer; group i holds
the variables i·M … i·M + M − 1. A cost without terms between groups gives independent circuits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from lagrl.quantum.circuits.backend import measured_circuit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qiskit import QuantumCircuit

Mixer = Literal["ring", "chain"]
Gate = tuple[str, "Sequence[int]", "Sequence[float]"]
"""Name of a gate, its qubits of a pair (0 or 1), and its angles in units of π."""


def penalty_circuit(
    field: NDArray[np.float64],
    coupling: float,
    gamma: Sequence[float],
    beta: Sequence[float],
    blocks: Sequence[Sequence[Gate]] | None = None,
) -> QuantumCircuit:
    """Return QAOA from the uniform superposition with the mixer Σ X, measured: depth grows with M, not with N.

    A layer is exp(−iγ (Σ h Z + J Σ ZZ)), with ZZ between all pairs of a group, and then exp(−iβ Σ X).

    Parameters
    ----------
    field
        [N, M] h.
    coupling
        J.
    gamma, beta
        [p] radians, γ per unit of the cost.
    blocks
        For each layer the gates of exp(−iγ J ZZ) on a pair, instead of one RZZ.
    """
    circuit, (n, m) = measured_circuit(field.size, 1), field.shape
    circuit.h(range(field.size))
    for layer, (g, b) in enumerate(zip(gamma, beta, strict=True)):
        for q, h in enumerate(field.ravel()):
            if h:
                circuit.rz(2.0 * g * float(h), q)
        for i in range(n):
            for j in range(m):
                for k in range(j + 1, m):
                    pair = i * m + j, i * m + k
                    if blocks is None:
                        circuit.rzz(2.0 * g * coupling, *pair)
                    else:
                        _apply(circuit, blocks[layer], pair)
        circuit.rx(2.0 * b, range(field.size))
    _measure(circuit)
    return circuit


def one_hot_circuit(
    share: NDArray[np.float64],
    cost: NDArray[np.float64],
    gamma: Sequence[float],
    beta: Sequence[float],
    mixer: Mixer = "ring",
) -> QuantumCircuit:
    """Return QAOA whose ideal strings all have one 1 in each group (Hadfield et al. 2019), measured.

    The start is Σ_k √p_k |k⟩: X on the first qubit, then M − 1 rotations that pass the rest on (2 CZ each). A layer is
    exp(−iγ Σ cost) and then exp(−iβ/2 (XX + YY)) on even, odd and, in a ring, the closing pairs (Wang et al. 2020).

    Parameters
    ----------
    share
        [N, M] p, each row with the sum 1.
    cost
        [N, M] cost of each choice.
    gamma, beta
        [p] radians, γ per unit of the cost.
    mixer
        `ring`, or `chain` without the closing pair, which a line of qubits would have to route.
    """
    from qiskit.circuit.library import XXPlusYYGate

    circuit, (n, m) = measured_circuit(share.size, 1), share.shape
    for i in range(n):
        circuit.x(i * m)
        for k, angle in enumerate(passing_angles(share[i])):
            circuit.append(XXPlusYYGate(angle, np.pi / 2), [i * m + k, i * m + k + 1])
    for g, b in zip(gamma, beta, strict=True):
        for q, c in enumerate(cost.ravel()):
            circuit.rz(-g * float(c), q)  # exp(−iγ c n) with n = (1 − Z)/2
        for i in range(n):
            for j, k in mixer_pairs(m, mixer):
                circuit.append(XXPlusYYGate(2.0 * b, 0.0), [i * m + j, i * m + k])
    _measure(circuit)
    return circuit


def passing_angles(share: NDArray[np.float64]) -> list[float]:
    """Return the M − 1 angles θ_k = 2 arccos √(p_k / (p_k + … + p_M)) of a start, radians."""
    rest = np.cumsum(share[::-1])[::-1]
    kept = np.divide(share, rest, out=np.ones_like(share), where=rest > 1e-15)
    return [float(angle) for angle in 2.0 * np.arccos(np.sqrt(np.clip(kept[:-1], 0.0, 1.0)))]


def mixer_pairs(m: int, mixer: Mixer) -> list[tuple[int, int]]:
    """Return the pairs of a layer in order: even, odd, and the closing one of a ring of 3 or more."""
    pairs = [(j, j + 1) for start in (0, 1) for j in range(start, m - 1, 2)]
    return [*pairs, (m - 1, 0)] if mixer == "ring" and m > 2 else pairs


def _apply(circuit: QuantumCircuit, gates: Sequence[Gate], pair: tuple[int, int]) -> None:
    for name, where, angles in gates:
        qubits = [pair[q] for q in where]
        radians = [np.pi * angle for angle in angles]
        if name == "u3":
            circuit.u(*radians, *qubits)
        else:
            getattr(circuit, name)(*radians, *qubits)


def _measure(circuit: QuantumCircuit) -> None:
    circuit.barrier()
    circuit.measure(range(circuit.num_qubits), range(circuit.num_qubits))


def chain_circuit(
    field: NDArray[np.float64],
    coupling: NDArray[np.float64],
    gamma: NDArray[np.float64],
    beta: NDArray[np.float64],
    theta: NDArray[np.float64],
) -> QuantumCircuit:
    """Return the measured circuit ∏_l [∏_i exp(iβ_l(sin θ_i X_i + cos θ_i Z_i)) · exp(−iγ_l E/ρ)] ⊗_i RY(θ_i)|0⟩.

    E = Σ h_i z_i + Σ J_i z_i z_{i+1}; ρ is the root mean square of its terms, which does not grow with their number. At
    θ = π/2 this is QAOA (Farhi et al. 2014); other angles start from a product state, with the mixer aligned to it
    (Egger et al. 2021). A layer has depth two in two-qubit gates for every number of qubits.

    Raises `MissingExtraError` without qiskit.

    Parameters
    ----------
    field, coupling
        h [N] and J [N − 1].
    gamma, beta
        [p] angles of the layers, radians.
    theta
        [N] angles of the start, radians.
    """
    circuit, n = measured_circuit(len(field), 1), len(field)
    unit = float(np.sqrt((field @ field + coupling @ coupling) / (2 * n - 1))) or 1.0
    for i in range(n):
        circuit.ry(theta[i], i)
    for g, b in zip(gamma / unit, beta, strict=True):
        for first in (0, 1):
            for i in range(first, n - 1, 2):
                circuit.rzz(2 * g * coupling[i], i, i + 1)
        for i in range(n):
            circuit.rz(2 * g * field[i], i)
            circuit.ry(-theta[i], i)
            circuit.rz(-2 * b, i)
            circuit.ry(theta[i], i)
    circuit.measure(range(n), range(n))
    return circuit
