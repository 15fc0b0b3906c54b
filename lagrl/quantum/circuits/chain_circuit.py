"""QAOA of a chain of spins: only neighbouring qubits are coupled, and no qubits are swapped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit import QuantumCircuit


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

    Parameters
    ----------
    field, coupling
        h [N] and J [N − 1].
    gamma, beta
        [p] angles of the layers, radians.
    theta
        [N] angles of the start, radians.

    Raises
    ------
    MissingExtraError
        Without qiskit.
    """
    try:
        from qiskit import QuantumCircuit
    except ImportError as error:
        raise MissingExtraError.of("qiskit", "quantum", "a circuit") from error
    n = len(field)
    unit = float(np.sqrt((field @ field + coupling @ coupling) / (2 * n - 1))) or 1.0
    circuit = QuantumCircuit(n, n)
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
