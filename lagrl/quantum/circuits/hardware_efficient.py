"""Hardware-efficient circuits (Kandala et al. 2017): layers of RY and CX along a pattern, trained on each knapsack."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError, MissingExtraError, UnknownNameError
from lagrl.problems.qubo import QUBO
from lagrl.quantum.circuits.backend import Template, measured_circuit, parameter_vector
from lagrl.quantum.subproblems.candidates import product_amplitudes, require_width, rotation_angles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.subproblems.penalties import Subproblem

PATTERNS = ("linear", "pairwise")
GROUP = 6  # qubits whose rotations are one matrix: 64 × 64
ALPHA = 0.25  # share of the distribution that CVaR averages
FIRST_STEP = 0.4  # radians, of COBYLA


def entanglers(n: int, pattern: str) -> list[tuple[int, int]]:
    """List a layer's CX, control first: `linear` 0 → 1 → …, `pairwise` even pairs then odd ones.

    Raises `UnknownNameError` if there is no such pattern.
    """
    if pattern not in PATTERNS:
        raise UnknownNameError.of("pattern of entanglers", pattern, PATTERNS)
    chain = [(i, i + 1) for i in range(n - 1)]
    return chain if pattern == "linear" else chain[::2] + chain[1::2]


@lru_cache(maxsize=128)
def hardware_efficient_template(n: int, layers: int, entanglement: str) -> Template:
    """Build RY on all qubits, then `layers` times the pattern's CX and RY on all: r (n − 1) CX.

    The parameters are the RY angles, [r + 1, n]. Depth in CX: n − 1 + 2 (r − 1) for `linear`, as each layer starts two
    gates after the one before, 2r for `pairwise`; r for two qubits.

    Raises `InputError` if there is no variable, or the number of layers is negative; `UnknownNameError` if there is no
    such pattern; `MissingExtraError` without qiskit.
    """
    gates = entanglers(n, entanglement)
    circuit = measured_circuit(n, layers)
    angle = parameter_vector((layers + 1) * n)
    for layer in range(layers + 1):
        if layer:
            for control, goal in gates:
                circuit.cx(control, goal)
        for i in range(n):
            circuit.ry(angle[layer * n + i], i)
    circuit.measure(range(n), range(n))
    first = n - 1 if entanglement == "linear" else 2
    depth = layers * (n - 1) if n <= 2 else first + 2 * (layers - 1)
    return Template(
        name=f"hardware-efficient {entanglement} r={layers} n={n}",
        circuit=circuit,
        layers=layers,
        two_qubit_gates=layers * len(gates),
        two_qubit_depth=depth,
    )


@dataclass(frozen=True)
class HardwareEfficient:
    """A hardware-efficient circuit with angles trained on the ideal state; see `train`.

    Raises `InputError` if a number is out of range, `UnknownNameError` if there is no such pattern.

    Attributes
    ----------
    layers
        Number of layers r.
    entanglement
        Pattern of the CX, see `entanglers`.
    iterations
        Evaluations of the training; with 0 the circuit prepares exactly the product state.
    alpha
        Share of the distribution whose mean energy is minimised.
    """

    layers: int = 1
    entanglement: str = "linear"
    iterations: int = 200
    alpha: float = ALPHA

    def __post_init__(self) -> None:
        entanglers(2, self.entanglement)
        if self.layers < 1 or self.iterations < 0 or not 0 < self.alpha <= 1:
            raise InputError(
                f"layers {self.layers}, iterations {self.iterations}, alpha {self.alpha}",
                field=self.entanglement,
                remedy="give 1 layer or more, 0 iterations or more, and an alpha in (0, 1]",
            )

    @property
    def name(self) -> str:
        """The name that records use: the pattern."""
        return self.entanglement

    def template(self, n: int) -> Template:
        """Return the circuit for n variables; see `Ansatz.template`."""
        return hardware_efficient_template(n, self.layers, self.entanglement)

    def values(self, problem: Subproblem) -> NDArray[np.float64]:
        """Return trained angles, the same for the same problem; see `Ansatz.values`.

        Raises `MissingExtraError` without scipy.
        """
        start = product_angles(problem.probability, self.layers)
        if self.iterations == 0:
            return start
        qubo = problem.qubo
        key = (qubo.linear.tobytes(), qubo.quadratic.tobytes(), problem.probability.tobytes())
        return _trained(self, *key).copy()

    def probabilities(self, problem: Subproblem) -> NDArray[np.float64]:
        """Return the distribution at the trained angles; see `Ansatz.probabilities`."""
        require_width(problem.n_variables)
        angles = self.values(problem).reshape(self.layers + 1, -1)
        return amplitudes(angles, self.entanglement) ** 2


def product_angles(probability: NDArray[np.float64], layers: int) -> NDArray[np.float64]:
    """Return the angles that prepare a product state, [(r + 1) n]: 0 except in the last layer.

    CX does not change |0…0⟩, so only the last rotations act.
    """
    return np.concatenate((np.zeros(layers * len(probability)), rotation_angles(probability)))


@lru_cache(maxsize=512)
def _trained(ansatz: HardwareEfficient, linear: bytes, quadratic: bytes, probability: bytes) -> NDArray[np.float64]:
    terms = np.frombuffer(linear)
    qubo = QUBO(terms, np.frombuffer(quadratic).reshape(len(terms), len(terms)))
    start = product_angles(np.frombuffer(probability), ansatz.layers)
    return train(qubo, start, ansatz.entanglement, ansatz.iterations, ansatz.alpha)


def train(
    qubo: QUBO, start: NDArray[np.float64], entanglement: str, iterations: int, alpha: float = ALPHA
) -> NDArray[np.float64]:
    """Minimise the CVaR of the energies over the angles (Barkoutsos et al. 2020), by COBYLA (Powell 1994).

    Deterministic. Returns the best angles evaluated, which are never worse than the start.

    Raises `InputError` if there are more than 22 variables or none, `MissingExtraError` without scipy.

    Parameters
    ----------
    qubo
        The knapsack's QUBO, of n variables.
    start
        [(r + 1) n] radians.
    entanglement
        Pattern of the CX, see `entanglers`.
    iterations
        Most evaluations; COBYLA needs at least two more than there are angles.
    alpha
        Share of the distribution that CVaR averages.

    Returns
    -------
    [(r + 1) n] radians.
    """
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise MissingExtraError.of("scipy", "quantum", "training a hardware-efficient circuit") from error
    n = qubo.n_variables
    require_width(n)
    energy = qubo.energies() / (qubo.to_ising().scale or 1.0)
    order = np.argsort(energy, kind="stable")
    energy = energy[order]
    best, best_angles = np.inf, start

    def loss(flat: NDArray[np.float64]) -> float:
        nonlocal best, best_angles
        probability = amplitudes(flat.reshape(-1, n), entanglement)[order] ** 2
        found = distribution_cvar(energy, probability, alpha)
        if found < best:
            best, best_angles = found, flat.copy()
        return found

    loss(start)
    most = max(iterations, len(start) + 2)
    minimize(loss, start, method="COBYLA", options={"maxiter": most, "rhobeg": FIRST_STEP})
    return best_angles


def distribution_cvar(energy: NDArray[np.float64], probability: NDArray[np.float64], alpha: float) -> float:
    """Return the mean of the lowest `alpha` share of a distribution over ascending energies, all [2^n]."""
    reached = np.minimum(np.cumsum(probability), alpha)
    reached[-1] = alpha  # corrects rounding
    return float((energy[-1] * alpha - (np.diff(energy) * reached[:-1]).sum()) / alpha)


def amplitudes(angles: NDArray[np.float64], entanglement: str) -> NDArray[np.float64]:
    """Return the circuit's state, which is real, [2^n]; bit i of the index is qubit i.

    Rotations are applied six qubits at a time, 2^6 multiplications an amplitude but in one matrix product; a layer's
    CX permute the amplitudes.

    Parameters
    ----------
    angles
        [r + 1, n] radians.
    entanglement
        Pattern of the CX, see `entanglers`.
    """
    n = angles.shape[1]
    moved = _permutation(n, entanglement)
    state = product_amplitudes(angles[0])
    for layer in angles[1:]:
        state = state[moved]
        for low in range(0, n, GROUP):
            rotation = _joint_rotation(layer[low : low + GROUP])
            if low == 0:
                state = (state.reshape(-1, len(rotation)) @ rotation.T).reshape(-1)
            else:
                state = (rotation @ state.reshape(-1, len(rotation), 1 << low)).reshape(-1)
    return state


@lru_cache(maxsize=32)
def _permutation(n: int, entanglement: str) -> NDArray[np.int64]:
    """Return which amplitude a layer's CX move to each place, [2^n]."""
    source = np.arange(2**n)
    place = np.arange(2**n)
    for control, goal in entanglers(n, entanglement):
        source = source[place ^ ((place >> control & 1) << goal)]
    return source


def _joint_rotation(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix of ⊗ RY(θ_i), the first qubit being the lowest bit."""
    c, s = np.cos(0.5 * theta), np.sin(0.5 * theta)
    joint = np.ones((1, 1))
    for i in range(len(theta)):
        one = np.array([[c[i], -s[i]], [s[i], c[i]]])
        size = 2 * len(joint)
        joint = (one[:, None, :, None] * joint[None, :, None, :]).reshape(size, size)
    return joint
