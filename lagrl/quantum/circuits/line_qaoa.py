"""QAOA of a dense QUBO on a line of qubits: a network of swaps with closed-form gate counts, and its angles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.circuits.backend import Template, measured_circuit, parameter_vector
from lagrl.quantum.subproblems.candidates import rotation_angles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qiskit import QuantumCircuit
    from qiskit.circuit import ParameterVectorElement

    from lagrl.quantum.subproblems.penalties import Subproblem


@dataclass(frozen=True)
class Ramp:
    """Untrained angles: γ_l = g (l + 1)/p and β_l = b (1 − l/p) for layers l = 0 … p − 1.

    A layer is exp(−iγ E/σ) and then the mixer exp(+iβ …). The signs belong together: the start is the mixer's state
    of largest eigenvalue, and with exp(−iβ …) and γ > 0 the energy would rise.

    Attributes
    ----------
    layers
        Number of layers p.
    gamma
        g, radians per standard deviation σ of the energy.
    beta
        b, radians.

    Raises
    ------
    InputError
        If there is no layer, or an angle is not finite.
    """

    layers: int
    gamma: float
    beta: float

    def __post_init__(self) -> None:
        if self.layers < 1:
            raise InputError(f"{self.layers} given", field="layers", remedy="give 1 or more")
        if not np.isfinite([self.gamma, self.beta]).all():
            raise InputError(f"{self.gamma}, {self.beta} given", field="gamma, beta", remedy="give finite angles")

    def angles(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return γ [p] and β [p], radians; read-only."""
        return _angles(self.layers, self.gamma, self.beta)


# about the least best-of-64 gap of a grid, over knapsacks from dual ascents on bundled instances
WARM_RAMP = Ramp(layers=1, gamma=1.2, beta=0.4)
COLD_RAMP = Ramp(layers=2, gamma=2.0, beta=0.6)

# about the largest P(opt) and the least best-of-64 gap of a grid, over knapsacks of generated instances' duals
WARM_RAMPS = (WARM_RAMP, Ramp(2, 2.0, 0.3), Ramp(3, 2.0, 0.2))
COLD_RAMPS = (Ramp(1, 1.4, 0.3), COLD_RAMP, Ramp(3, 1.6, 0.5))


def default_ramp(layers: int | None = None, *, warm: bool = True) -> Ramp:
    """Return the default angles of a warm or cold start; beyond three layers those of the ramp of three.

    Raises `InputError` if there is no layer.

    Parameters
    ----------
    layers
        p; if None, 1 for a warm start and 2 for a cold one.
    warm
        Whether it starts from the product state.
    """
    ramps = WARM_RAMPS if warm else COLD_RAMPS
    if layers is None:
        layers = 1 if warm else 2
    if 1 <= layers <= len(ramps):
        return ramps[layers - 1]
    return Ramp(layers, ramps[-1].gamma, ramps[-1].beta)


@dataclass(frozen=True)
class LineQAOA:
    """QAOA of the QUBO, divided by its σ, on a line of qubits; see `qaoa_line`.

    Attributes
    ----------
    ramp
        Angles of the layers.
    warm
        Start from the product state with the aligned mixer (Egger et al. 2021), or from the uniform superposition.
    """

    ramp: Ramp = WARM_RAMP
    warm: bool = True

    @property
    def name(self) -> str:
        """`qaoa`, or `cold-qaoa` from the uniform superposition."""
        return "qaoa" if self.warm else "cold-qaoa"

    @property
    def layers(self) -> int:
        """Number of layers p."""
        return self.ramp.layers

    def template(self, n: int) -> Template:
        """Return the line network of n variables; see `Ansatz.template`."""
        return qaoa_line(n, self.layers, self.warm)

    def values(self, problem: Subproblem) -> NDArray[np.float64]:
        """Return the network's angles; see `Ansatz.values`."""
        gamma, beta = self.ramp.angles()
        return line_angles(
            problem.qubo.linear, problem.qubo.quadratic, gamma / problem.scale, beta, self._theta(problem)
        )

    def probabilities(self, problem: Subproblem) -> NDArray[np.float64]:
        """Return the distribution by the statevector kernel; see `Ansatz.probabilities`."""
        from lagrl.quantum.circuits.statevector import qaoa_state

        gamma, beta = self.ramp.angles()
        state = qaoa_state(problem.qubo, gamma / problem.scale, beta, self._theta(problem))
        return state.real**2 + state.imag**2

    def _theta(self, problem: Subproblem) -> NDArray[np.float64] | None:
        return rotation_angles(problem.probability) if self.warm else None


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


@lru_cache(maxsize=256)
def _angles(layers: int, gamma: float, beta: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    step = np.arange(layers)
    gammas, betas = gamma * (step + 1) / layers, beta * (1.0 - step / layers)
    for angles in (gammas, betas):
        angles.setflags(write=False)
    return gammas, betas


def pairwise_qaoa(problem: Subproblem) -> Template:
    """Return one layer of warm-started QAOA with an RZZ for every pair of variables, its angles bound.

    It is the unitary of `qaoa_line` up to the order of qubits. Its declared gates are two for every pair, n (n − 1),
    and its declared depth is that of the pairs in the order written; a transpiler changes both.
    """
    n, ising = problem.n_variables, problem.qubo.to_ising()
    gamma, beta = LineQAOA().ramp.angles()
    phase, theta = float(gamma[0]) / problem.scale, rotation_angles(problem.probability)
    around, through = tilted_rotation(np.full(n, -2.0 * beta[0]), theta)
    circuit = measured_circuit(n, 1)
    for i in range(n):
        circuit.ry(theta[i], i)
        circuit.rz(2.0 * phase * ising.field[i] + around[i], i)
    for i in range(n):
        for j in range(i + 1, n):
            circuit.rzz(2.0 * phase * ising.coupling[i, j], i, j)
    for i in range(n):
        circuit.rx(through[i], i)
    circuit.measure(range(n), range(n))
    depth = 2 * int(circuit.depth(lambda step: len(step.qubits) > 1 and step.operation.name != "barrier"))
    return Template(f"qaoa pair by pair n={n}", circuit, 1, n * (n - 1), depth, is_line=False)
