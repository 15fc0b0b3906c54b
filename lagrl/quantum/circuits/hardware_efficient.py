"""Hardware-efficient circuits (Kandala et al. 2017): layers of RY and CX along a pattern, trained on each knapsack."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.problems.qubo import QUBO
from lagrl.quantum.circuits.entanglers import amplitudes, entanglers
from lagrl.quantum.circuits.execution import Template
from lagrl.quantum.circuits.hardware_efficient_training import ALPHA, train
from lagrl.quantum.circuits.line_qaoa import measured_circuit, parameter_vector
from lagrl.quantum.subproblems.candidates import require_width
from lagrl.quantum.subproblems.product import rotation_angles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.circuits.subproblem import Subproblem


@lru_cache(maxsize=128)
def hardware_efficient_template(n: int, layers: int, entanglement: str) -> Template:
    """Build RY on all qubits, then `layers` times the pattern's CX and RY on all: r (n − 1) CX, `circular` r·n.

    The parameters are the RY angles, [r + 1, n]. Depth in CX: n − 1 + 2 (r − 1) for the linear patterns, as each layer
    starts two gates after the one before, 2r for `pairwise`, r·n for `circular`; r for two qubits.

    Raises
    ------
    InputError
        If there is no variable, or the number of layers is negative.
    UnknownNameError
        If there is no such pattern.
    MissingExtraError
        Without qiskit.
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
    if n <= 2:
        depth = layers * (n - 1)
    else:
        depth = {"pairwise": 2 * layers, "circular": layers * n}.get(entanglement, n - 1 + 2 * (layers - 1))
    return Template(
        name=f"hardware-efficient {entanglement} r={layers} n={n}",
        circuit=circuit,
        layers=layers,
        two_qubit_gates=layers * len(gates),
        two_qubit_depth=depth,
        is_line=entanglement != "circular" or n <= 2,
    )


@dataclass(frozen=True)
class HardwareEfficient:
    """A hardware-efficient circuit with angles trained on the ideal state; see `train`.

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

    Raises
    ------
    InputError
        If a number is out of range.
    UnknownNameError
        If there is no such pattern.
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

        Raises
        ------
        MissingExtraError
            Without scipy.
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
