"""QAOA of a dense QUBO on a line of qubits: a network of swaps with closed-form gate counts."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError, MissingExtraError
from lagrl.quantum.circuits.execution import Template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qiskit import QuantumCircuit
    from qiskit.circuit import ParameterVectorElement


def line_gates(n: int, layers: int) -> int:
    """Return the network's number of CX gates, Ĝ = p (n − 1)(3n − 2)/2.

    Of the n (n − 1)/2 pairs that a layer couples, n − 1 are not swapped, at two CX each; the others are swapped too,
    at three.
    """
    return layers * (n - 1) * (3 * n - 2) // 2


def line_depth(n: int, layers: int) -> int:
    """Return the network's depth in CX gates, p (3n − 2); 2p for two qubits, 0 for one.

    A layer is n bricks, of depth 2 for the first and the last and 3 for the others.
    """
    return layers * (3 * n - 2) if n > 2 else 2 * layers * (n - 1)


@lru_cache(maxsize=128)
def qaoa_line(n: int, layers: int, warm: bool = True) -> Template:
    """Build QAOA with couplings between all pairs of n variables, with gates between neighbours on a line only.

    A layer is n bricks: brick t couples the variables on qubits q and q + 1 for all q ≡ t (mod 2) and swaps them
    (Kivlichan et al. 2018; O'Gorman et al. 2019), after which every pair has been coupled once. Coupling and swap are
    three CX, as two of five cancel; the first and the last brick need no swap. Each layer starts from the order of
    variables that the one before leaves, and each variable is measured into its own bit.

    The parameters are, in this order: the start's angles θ [n] if warm; then of each layer the RZ angles of the
    variables [n] and of the pairs [n (n − 1)/2], and the mixer's RX angles: [n] if warm, else a single one. The
    aligned mixer's RZ parts are in the variables' angles, see `line_angles`; those after the last layer do not change
    the measurement and are left out.

    Parameters
    ----------
    n
        Number of variables and qubits.
    layers
        Number of layers p.
    warm
        Start from ⊗ RY(θ_i)|0⟩ with the mixer aligned to it (Egger et al. 2021), or from the uniform superposition
        with ΣX, which is θ = π/2 with fewer gates and parameters.

    Raises
    ------
    InputError
        If there is no variable or no layer.
    MissingExtraError
        Without qiskit.
    """
    circuit = measured_circuit(n, layers)
    n_pairs = n * (n - 1) // 2
    per_layer = n + n_pairs + (n if warm else 1)
    angle = parameter_vector((n if warm else 0) + layers * per_layer)
    if warm:
        for i in range(n):
            circuit.ry(angle[i], i)
    else:
        circuit.h(range(n))
    order = list(range(n))
    for layer in range(layers):
        first = (n if warm else 0) + layer * per_layer
        for qubit, variable in enumerate(order):
            circuit.rz(angle[first + variable], qubit)
        _couple_all(circuit, order, angle[first + n : first + n + n_pairs])
        for qubit, variable in enumerate(order):
            circuit.rx(angle[first + n + n_pairs + (variable if warm else 0)], qubit)
    for qubit, variable in enumerate(order):
        circuit.measure(qubit, variable)
    return Template(
        name=f"qaoa-line {'warm' if warm else 'cold'} p={layers} n={n}",
        circuit=circuit,
        layers=layers,
        two_qubit_gates=line_gates(n, layers),
        two_qubit_depth=line_depth(n, layers),
    )


def line_angles(
    linear: NDArray[np.float64],
    quadratic: NDArray[np.float64],
    gamma: NDArray[np.float64],
    beta: NDArray[np.float64],
    theta: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the values of `qaoa_line`'s parameters, [P] radians.

    exp(−iγE) is RZ(2γh_i) on the variables and exp(−i 2γJ_ij ZZ/2) on the pairs, h and J being the Ising form's. The
    mixer exp(iβ (sin θ X + cos θ Z)) is RZ(u) RX(v) RZ(u), see `tilted_rotation`; the u before it and the u after the
    mixer of the layer before commute with everything diagonal and are added to the variables' angles.

    Parameters
    ----------
    linear, quadratic
        [n] and strictly upper triangular [n, n] terms of the QUBO.
    gamma, beta
        [p] angles of the layers; γ in radians per unit of energy.
    theta
        [n] angles of the start, for the warm template; None for the cold one.
    """
    pairs = quadratic[_upper_triangle(len(linear))]
    fields = -linear - 0.5 * (quadratic.sum(axis=0) + quadratic.sum(axis=1))  # 2h
    phase, coupling = gamma[:, None] * fields, (0.5 * gamma)[:, None] * pairs
    if theta is None:
        return np.concatenate((phase, coupling, -2.0 * beta[:, None]), axis=1).ravel()
    around, through = tilted_rotation(-2.0 * beta[:, None], theta)
    phase = phase + around
    phase[1:] += around[:-1]
    return np.concatenate((theta, np.concatenate((phase, coupling, through), axis=1).ravel()))


def tilted_rotation(
    zeta: NDArray[np.float64], tilt: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return u and v of RZ(u) RX(v) RZ(u) = exp(−iζ/2 (cos t Z + sin t X)), global phase included.

    sin(v/2) = sin(ζ/2) sin t and tan u = tan(ζ/2) cos t.

    Parameters
    ----------
    zeta, tilt
        ζ and t, of shapes that broadcast, radians.
    """
    c, s = np.cos(0.5 * zeta), np.sin(0.5 * zeta)
    around: NDArray[np.float64] = np.arctan2(s * np.cos(tilt), c)
    through: NDArray[np.float64] = 2.0 * np.arcsin(np.clip(s * np.sin(tilt), -1.0, 1.0))
    return around, through


def measured_circuit(n: int, layers: int) -> QuantumCircuit:
    """Return an empty circuit of n qubits with a classical register `meas` of n bits.

    Raises
    ------
    InputError
        If there is no qubit or no layer.
    MissingExtraError
        Without qiskit.
    """
    if n < 1 or layers < 1:
        raise InputError(f"n = {n}, layers = {layers}", field="circuit", remedy="give 1 or more of each")
    try:
        from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
    except ImportError as error:
        raise MissingExtraError.of("qiskit", "quantum", "a circuit") from error
    return QuantumCircuit(QuantumRegister(n, "q"), ClassicalRegister(n, "meas"))


def parameter_vector(count: int) -> list[ParameterVectorElement]:
    """Return `count` free parameters, which a circuit keeps in this order."""
    from qiskit.circuit import ParameterVector

    return list(ParameterVector("a", count))


def _couple_all(circuit: QuantumCircuit, order: list[int], angle: Sequence[ParameterVectorElement]) -> None:
    """Append a layer's bricks; `order` [n], the variable on each qubit, becomes the order after them."""
    n = len(order)
    for brick in range(n):
        for q in range(brick % 2, n - 1, 2):
            i, j = sorted(order[q : q + 2])
            circuit.cx(q, q + 1)
            circuit.rz(angle[i * n - i * (i + 1) // 2 + j - i - 1], q + 1)
            if 0 < brick < n - 1:
                circuit.cx(q + 1, q)
                order[q], order[q + 1] = order[q + 1], order[q]
            circuit.cx(q, q + 1)


@lru_cache(maxsize=32)
def _upper_triangle(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    rows, columns = np.triu_indices(n, 1)
    return rows, columns
