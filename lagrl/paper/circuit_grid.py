"""What is compared on a knapsack: penalty × ansatz × depth, and the controls that need no gates between qubits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lagrl.paper.string_measures import Worth
from lagrl.quantum.circuits.ansatz import Ansatz, make_ansatz
from lagrl.quantum.circuits.backend import Template, measured_circuit, parameter_vector
from lagrl.quantum.circuits.hardware_efficient import PATTERNS, HardwareEfficient
from lagrl.quantum.subproblems.candidate_sampler import AnnealingSampler, anneal
from lagrl.quantum.subproblems.candidates import ProductState
from lagrl.quantum.subproblems.penalties import QUBOBatch, Subproblem, TiltedPenalty, normalised, soft_equalities
from lagrl.quantum.subproblems.slack import SlackPenalty, reduced_loads, slack_bits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.paper.drawn_knapsacks import Knapsack

NONE = "-"
PENALTIES = ("greedy", "room", "unbalanced", "slack")
QAOA = ("cold QAOA", "warm QAOA")
LONGER = "linear, trained longer"
UNTRAINED = "linear, untrained"
REMOVED = ("copula", "reverse-linear", "circular")  # lagrl makes them no more; the committed rows have them
REPORTED_PATTERNS = ("linear", "reverse-linear", "pairwise", "circular")
DEPTHS = (1, 2, 3)
LITERATURE = (0.96, 0.0371)  # λ₁, λ₂ for knapsacks (Montañez-Barrera et al. 2024)
LITERATURE_MEAN = 10.0  # about the mean value and the mean weight of their knapsacks' items
MOST_QUBITS = 20
MOST_TRAINED = 14  # qubits of trained circuits: slack bits would make their training the whole benchmark
ITERATIONS, LONGER_ITERATIONS = 10, 200  # COBYLA takes at least two evaluations more than there are angles
READS = 1024
PRODUCTS = {
    "product": ProductState(),
    "product, softer": ProductState(sharpness=0.75),
    "product, sharper": ProductState(sharpness=3.0),
    "product, clipped": ProductState(clip=0.2),  # about the least gap of a dozen tried on these very knapsacks
}
COINS = "coins"  # even odds for all, such that the mean load is the room


@dataclass(frozen=True)
class StringSource:
    """One way to draw strings; penalty `-` where none is in it, depth 0 for controls."""

    penalty: str
    ansatz: str
    depth: int

    @property
    def name(self) -> str:
        """Such as `room / warm QAOA / 2`."""
        return f"{self.penalty} / {self.ansatz} / {self.depth}"

    @property
    def is_trained(self) -> bool:
        """Whether its angles are fitted to each knapsack."""
        return self.ansatz in (*REPORTED_PATTERNS, LONGER)

    @property
    def is_control(self) -> bool:
        """Whether it has no two-qubit gates."""
        return self.depth == 0

    @property
    def has_circuit(self) -> bool:
        """Whether it can be run on a device, be it without two-qubit gates."""
        return not self.is_control or self.ansatz in PRODUCTS


GREEDY, UNIFORM, REFERENCE = (StringSource(NONE, name, 0) for name in ("greedy", "uniform", "product"))
CONTROLS = (
    StringSource(NONE, "exact", 0),
    GREEDY,
    UNIFORM,
    *(StringSource(NONE, name, 0) for name in PRODUCTS),
    *(StringSource(penalty, "annealing", 0) for penalty in (*PENALTIES, "aimed")),
    StringSource(NONE, COINS, 0),
)
INDEPENDENT = [control for control in CONTROLS if control.ansatz in {"uniform", COINS, *PRODUCTS}]  # bits, at random
REPORTED = (
    *(StringSource(penalty, name, p) for penalty in PENALTIES for name in (*QAOA, *REPORTED_PATTERNS) for p in DEPTHS),
    *(StringSource(NONE, "copula", p) for p in DEPTHS),
    *(StringSource(NONE, UNTRAINED, p) for p in DEPTHS),
    *(StringSource("greedy", LONGER, p) for p in DEPTHS),
)
CIRCUITS = tuple(circuit for circuit in REPORTED if circuit.ansatz not in REMOVED)


class Case:
    """A knapsack with everything that configurations are made of, each made once.

    Parameters
    ----------
    knapsack
        The knapsack.
    """

    def __init__(self, knapsack: Knapsack) -> None:
        self.knapsack = knapsack
        self.candidates = knapsack.candidates
        self._problems: dict[str, Subproblem] = {}

    @cached_property
    def worth(self) -> Worth:
        """What every string is worth."""
        return Worth.of(self.knapsack)

    @cached_property
    def product(self) -> NDArray[np.float64]:
        """[2^W] the product state's distribution: what circuits have to beat."""
        return product_distribution(ProductState().probabilities(self.candidates)[0])

    def qubits(self, configuration: StringSource) -> int:
        """Return how many qubits it takes: the variables, and slack bits if any."""
        extra = slack_bits(reduced_loads(self.candidates)[1])[0] if configuration.penalty == "slack" else 0
        return self.knapsack.width + int(extra)

    def allows(self, configuration: StringSource) -> bool:
        """Whether it is within the limits on qubits."""
        return self.qubits(configuration) <= (MOST_TRAINED if configuration.is_trained else MOST_QUBITS)

    def problem(self, penalty: str) -> Subproblem:
        """Return the knapsack under a penalty; slack bits start from even odds."""
        if penalty not in self._problems:
            qubos = make_qubos(self.knapsack, "greedy" if penalty == NONE else penalty)
            self._problems[penalty] = Subproblem.of(self.candidates, qubos, 0)
        return self._problems[penalty]

    def distribution(self, configuration: StringSource, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return how likely each string is without noise, [2^q]; slack bits, the high ones, are still there.

        Exact, except annealing, whose reads are counted.
        """
        if not configuration.is_control:
            return ansatz_of(configuration).probabilities(self.problem(configuration.penalty))
        size = 2**self.knapsack.width
        if configuration.ansatz == "uniform":
            return np.full(size, 1.0 / size)
        if configuration.ansatz in PRODUCTS:
            return product_distribution(PRODUCTS[configuration.ansatz].probabilities(self.candidates)[0])
        if configuration.ansatz == COINS:
            odds = self.knapsack.room / sum(self.knapsack.weight)  # below 1: the room binds
            return product_distribution(np.full(self.knapsack.width, odds))
        if configuration.ansatz == "annealing":
            qubo = make_qubos(self.knapsack, configuration.penalty).qubo(0)
            codes = anneal(_annealer(), qubo, READS, AnnealingSampler().sweeps, int(rng.integers(2**31)))
            return np.bincount(codes, minlength=2**qubo.n_variables) / READS
        only = np.zeros(size)
        only[self.worth.greedy if configuration.ansatz == "greedy" else int(self.worth.is_optimal.argmax())] = 1.0
        return only

    def of_variables(self, distribution: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over slack bits, [2^W]."""
        summed: NDArray[np.float64] = distribution.reshape(-1, 2**self.knapsack.width).sum(axis=0)
        return summed


def make_qubos(knapsack: Knapsack, penalty: str) -> QUBOBatch:
    """Return the knapsack's QUBO, a batch of one.

    `greedy`, `room`: tilted, at greedy's load and at the room; `aimed`: annealing's own. `unbalanced`: −λ₁ h + λ₂ h²
    with the literature's constants, which hold for values and weights of about 10: both are scaled to that mean.
    """
    candidates = knapsack.candidates
    if penalty == "unbalanced":
        cost, load = normalised(candidates)  # |ã| of mean 1, loads in units of the room
        unit = LITERATURE_MEAN * knapsack.room / float(np.mean(knapsack.weight))  # of h, in theirs
        linear, quadratic = LITERATURE[0] * unit / LITERATURE_MEAN, LITERATURE[1] * unit**2 / LITERATURE_MEAN
        return soft_equalities(cost, load, np.array([linear / quadratic]), quadratic, candidates.width)
    if penalty == "slack":
        return SlackPenalty().qubos(candidates)
    if penalty == "aimed":
        return AnnealingSampler().penalty.qubos(candidates)
    return TiltedPenalty(fill={"greedy": 0.0, "room": 1.0}[penalty]).qubos(candidates)


def ansatz_of(configuration: StringSource) -> Ansatz:
    """Return the circuits of a configuration that is no control, with the default angles of that depth."""
    name, depth = configuration.ansatz, configuration.depth
    if name in QAOA:
        return make_ansatz("qaoa", depth, warm=name == "warm QAOA")
    iterations = {LONGER: LONGER_ITERATIONS, UNTRAINED: 0}.get(name, ITERATIONS)
    return HardwareEfficient(depth, name if name in PATTERNS else "linear", iterations)


def template_of(configuration: StringSource, qubits: int) -> Template:
    """Return the circuit of a configuration that has one."""
    return product_template(qubits) if configuration.is_control else ansatz_of(configuration).template(qubits)


@lru_cache(maxsize=32)
def product_template(qubits: int) -> Template:
    """Return the product state as a circuit: RY on each qubit."""
    circuit = measured_circuit(qubits, 1)
    for i, angle in enumerate(parameter_vector(qubits)):
        circuit.ry(angle, i)
    circuit.measure(range(qubits), range(qubits))
    return Template(f"product n={qubits}", circuit, layers=0, two_qubit_gates=0, two_qubit_depth=0)


def circuits_run(configuration: StringSource, qubits: int) -> int:
    """Return how many circuits it takes, training included: every evaluation of COBYLA's is one, at most.

    The start is evaluated apart; COBYLA needs two more evaluations than there are angles.
    """
    if not configuration.is_trained:
        return 0 if configuration.is_control else 1
    iterations = LONGER_ITERATIONS if configuration.ansatz == LONGER else ITERATIONS
    return 2 + max(iterations, qubits * (configuration.depth + 1) + 2)


def product_distribution(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how likely independent bits are to make each string, [2^n]."""
    distribution = np.ones(1)
    for p in probability:
        distribution = np.concatenate(((1.0 - p) * distribution, p * distribution))
    return distribution


def _annealer() -> object:
    from dwave.samplers import SimulatedAnnealingSampler

    return SimulatedAnnealingSampler()
