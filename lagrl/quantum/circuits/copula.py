"""Copula-QAOA: only the linear terms of the objective, with two-qubit mixers that correlate neighbours.

After van Dam, Eldefrawy, Genise and Parham (2021, "Quantum optimization heuristics with an application to knapsack
problems"). A layer is exp(−iγ Σ ã_i y_i/σ), without gates between qubits, and then for each pair of neighbours (i, j)

    U_ij(β) = R_ij exp(iβ (Z_i + Z_j)) R_ij†,      R_ij |00⟩ = Σ_xy √P(x, y) |xy⟩,

where P has the product state's marginals p_i, p_j and is correlated by the Farlie–Gumbel–Morgenstern copula:

    P(1, 1) = p_i p_j + κ p_i p_j (1 − p_i)(1 − p_j),      −1 ≤ κ ≤ 1.

R_ij is RY(2 arcsin √p_i) on i, then on j RY of P(1 | x_i), multiplexed by i. The capacity enters only through the
marginals and κ < 0, which favours one of two neighbours over both. At κ = 0 it is the aligned mixer of a warm start,
twice on inner qubits.

Here the pairs are those of a line, even ones first, then odd ones; the paper's ring has one pair more. R and R† as
circuits take four CX a pair; two suffice, see `copula_mixer`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.circuits.copula_mixer import pair_angles, pair_unitaries
from lagrl.quantum.circuits.execution import Template
from lagrl.quantum.circuits.line_qaoa import measured_circuit, parameter_vector, tilted_rotation
from lagrl.quantum.circuits.statevector import Ramp
from lagrl.quantum.subproblems.candidates import require_width
from lagrl.quantum.subproblems.product import product_amplitudes, rotation_angles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.circuits.subproblem import Subproblem


# about the largest P(opt) of a grid, over knapsacks from generated instances' duals, for 1 to 3 layers
COPULA_RAMPS = (Ramp(1, 0.4, 0.5), Ramp(2, 0.3, 0.3), Ramp(3, 0.2, 0.2))
PAIR_ANGLES = 6  # s, u, and U0, U1, w, w' of `pair_angles`


@lru_cache(maxsize=128)
def copula_template(n: int, layers: int) -> Template:
    """Build copula-QAOA of n variables: 2p (n − 1) CX in depth 4p (2p for two qubits).

    The parameters are θ [n]; then of each layer the RZ angles of the variables [n] and six angles of each pair,
    [n − 1, 6], or for n = 1 the mixer's RX angle.

    Raises
    ------
    InputError
        If there is no variable or no layer.
    MissingExtraError
        Without qiskit.
    """
    circuit = measured_circuit(n, layers)
    n_mixer = PAIR_ANGLES * (n - 1) if n > 1 else 1
    angle = parameter_vector(n + layers * (n + n_mixer))
    for i in range(n):
        circuit.ry(angle[i], i)
    for layer in range(layers):
        first = n + layer * (n + n_mixer)
        for i in range(n):
            circuit.rz(angle[first + i], i)
        if n == 1:
            circuit.rx(angle[first + 1], 0)
        for i in (*range(0, n - 1, 2), *range(1, n - 1, 2)):
            j, start = i + 1, first + n + PAIR_ANGLES * i
            lean, around, outer_j, outer_i, inner_j, inner_i = angle[start : start + PAIR_ANGLES]
            circuit.rz(around, i)
            circuit.rx(outer_i, i)
            circuit.ry(-lean, j)
            circuit.rz(outer_j - np.pi / 2, j)
            circuit.cx(i, j)
            circuit.ry(inner_i, i)
            circuit.ry(-inner_j, j)
            circuit.cx(i, j)
            circuit.rz(outer_j + np.pi / 2, j)
            circuit.ry(lean, j)
            circuit.rx(outer_i, i)
            circuit.rz(around, i)
    circuit.measure(range(n), range(n))
    return Template(
        name=f"copula p={layers} n={n}",
        circuit=circuit,
        layers=layers,
        two_qubit_gates=2 * layers * (n - 1),
        two_qubit_depth=layers * min(4, 2 * (n - 1)),
    )


@dataclass(frozen=True)
class CopulaQAOA:
    """Copula-QAOA of a knapsack's reduced costs; the circuit does not use its QUBO.

    Attributes
    ----------
    ramp
        Angles of the layers; γ in radians per σ = ½ sqrt(Σ ã²), the standard deviation of ã·y over random strings.
    correlation
        κ.

    Raises
    ------
    InputError
        If κ is not in [−1, 1].
    """

    ramp: Ramp = COPULA_RAMPS[0]
    correlation: float = -1.0

    def __post_init__(self) -> None:
        if not -1 <= self.correlation <= 1:
            raise InputError(f"{self.correlation} given", field="correlation", remedy="give a number from −1 to 1")

    @property
    def name(self) -> str:
        """The name that records use, `copula`."""
        return "copula"

    @property
    def layers(self) -> int:
        """Number of layers p."""
        return self.ramp.layers

    def template(self, n: int) -> Template:
        """Return the circuit for n variables; see `Ansatz.template`."""
        return copula_template(n, self.layers)

    def values(self, problem: Subproblem) -> NDArray[np.float64]:
        """Return the circuit's angles; see `Ansatz.values`."""
        gamma, beta = self.ramp.angles()
        theta = rotation_angles(problem.probability)
        phase = -gamma[:, None] * _unit_costs(problem)
        if problem.n_variables == 1:
            around, mixer = tilted_rotation(-2.0 * beta[:, None], theta)
            phase = phase + around
            phase[1:] += around[:-1]
        else:
            pairs = pair_angles(problem.probability, self.correlation, beta)
            mixer = pairs.reshape(len(beta), -1)
        return np.concatenate((theta, np.concatenate((phase, mixer), axis=1).ravel()))

    def probabilities(self, problem: Subproblem) -> NDArray[np.float64]:
        """Return the distribution, by the definition of the mixers; see `Ansatz.probabilities`."""
        n = problem.n_variables
        require_width(n)
        gamma, beta = self.ramp.angles()
        theta = rotation_angles(problem.probability)
        state: NDArray[np.complex128] = product_amplitudes(theta).astype(np.complex128)
        cost = subset_sums(_unit_costs(problem))
        for g, b in zip(gamma, beta, strict=True):
            state *= np.exp(-1j * g * cost)
            if n == 1:
                state = _aligned(float(theta[0]), float(b)) @ state
            else:
                state = _mix(state, pair_unitaries(problem.probability, self.correlation, float(b)))
        return state.real**2 + state.imag**2


def subset_sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Σ values_i y_i of all strings y, [2^n]."""
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate((sums, sums + value))
    return sums


def _mix(state: NDArray[np.complex128], mixer: NDArray[np.complex128]) -> NDArray[np.complex128]:
    n = len(mixer) + 1
    for i in (*range(0, n - 1, 2), *range(1, n - 1, 2)):
        state = (mixer[i] @ state.reshape(-1, 4, 1 << i)).reshape(-1)
    return state


def _aligned(theta: float, beta: float) -> NDArray[np.complex128]:
    """Return the matrix exp(iβ (sin θ X + cos θ Z))."""
    tilted = np.array([[np.cos(theta), np.sin(theta)], [np.sin(theta), -np.cos(theta)]])
    mixer: NDArray[np.complex128] = np.cos(beta) * np.eye(2) + 1j * np.sin(beta) * tilted
    return mixer


def _unit_costs(problem: Subproblem) -> NDArray[np.float64]:
    cost = problem.reduced_cost
    return cost / (0.5 * float(np.sqrt((cost**2).sum())) or 1.0)
