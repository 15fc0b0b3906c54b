"""One knapsack: its samples by any sampler, and the circuit that the samplers run for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pytest

import lagrl
from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.circuits.backend import BackendStatus, Execution, Job
from lagrl.relaxation.sampler import SamplingCost

COST, WEIGHT, CAPACITY = [-9.0, -7.0, -5.0, -4.0, 3.0], [4, 3, 3, 2, 1], 8


@dataclass
class Recorder:
    """A backend that keeps the PUBs it is given and answers with empty selections."""

    name: str = "recorder"
    max_width: int = 22
    target: None = None
    pubs: list[Any] = field(default_factory=list)

    def status(self, *, wait: bool = False) -> BackendStatus:
        return BackendStatus()

    def run(self, job: Job) -> Execution:
        self.pubs += job.pubs
        return Execution([np.zeros((len(pub.values), job.shots), np.int64) for pub in job.pubs], SamplingCost())


def distribution(circuit: Any) -> np.ndarray:
    """Probabilities [2^n] of the measured bits, by qiskit's statevector of the circuit without its measurements."""
    from qiskit.quantum_info import Statevector

    qubit = {}
    for step in circuit.data:
        if step.operation.name == "measure":
            qubit[circuit.find_bit(step.clbits[0]).index] = circuit.find_bit(step.qubits[0]).index
    order = [qubit[bit] for bit in range(len(qubit))]
    return Statevector(circuit.remove_final_measurements(inplace=False)).probabilities(order)


@pytest.mark.parametrize("sampler", ["exact", "greedy", "product", "qaoa+layers=2+width=3"])
def test_values_feasibility_and_best_are_those_of_the_strings(sampler: str) -> None:
    """Values, loads and the share that fits are recomputed string by string; the best one is the least that fits."""
    samples = lagrl.quantum.sample(COST, WEIGHT, CAPACITY, sampler=sampler, shots=300, seed=4)
    fitting, values = 0, [0.0]
    for string, count, value, fits in zip(
        samples.bitstrings[0].tolist(), samples.counts[0].tolist(), samples.value, samples.fits, strict=True
    ):
        load = sum(w for w, bit in zip(WEIGHT, string, strict=True) if bit)
        assert value == sum(c for c, bit in zip(COST, string, strict=True) if bit)
        assert fits == (load <= CAPACITY)
        fitting += count * (load <= CAPACITY)
        values += [value] if count and load <= CAPACITY else []
    assert samples.counts.sum() == 300
    assert samples.feasible_share == fitting / 300
    assert samples.best_value == min(values) == float(samples.best_selection @ COST)


def test_the_exact_sampler_gives_the_optimum_and_a_sampler_object_stays_open() -> None:
    """Enumeration gives the same value; an object is used as it is and not closed."""

    class Closable(lagrl.samplers.ExactSampler):
        closed = False

        def close(self) -> None:
            self.closed = True

    sampler = Closable()
    best = min(np.dot(COST, bits) for bits in product((0, 1), repeat=5) if np.dot(WEIGHT, bits) <= CAPACITY)
    assert lagrl.quantum.sample(COST, WEIGHT, CAPACITY, sampler=sampler).best_value == best
    assert not sampler.closed


def test_bad_knapsacks_and_samplers_are_refused() -> None:
    """Lengths, signs, unknown names, and objects that return no samples."""
    for arguments in (([-1.0], [1, 2], 3), ([-1.0, -2.0], [1, -2], 3), ([np.nan, -2.0], [1, 2], 3)):
        with pytest.raises(InputError, match="knapsacks"):
            lagrl.quantum.sample(*arguments, sampler="exact")
    with pytest.raises(InputError, match="not a whole number"):
        lagrl.quantum.sample([-1.0], [np.inf], 3)
    with pytest.raises(UnknownNameError, match="unknown sampler 'qaoaa'"):
        lagrl.quantum.sample(COST, WEIGHT, CAPACITY, sampler="qaoaa")

    class Nothing:
        def sample(self, *_: object) -> None:
            return None

    with pytest.raises(InputError, match="sampler Nothing: returned NoneType"):
        lagrl.quantum.sample(COST, WEIGHT, CAPACITY, sampler=Nothing())


@pytest.mark.parametrize(("ansatz", "layers"), [("qaoa", None), ("qaoa", 2), ("pairwise", None), ("linear", 1)])
def test_the_circuit_is_the_one_that_samplers_run(ansatz: str, layers: int | None) -> None:
    """A circuit sampler hands exactly this circuit, with these angles, to its backend."""
    pytest.importorskip("qiskit")
    executor = Recorder()
    sampler = lagrl.samplers.CircuitSampler(executor, lagrl.quantum.make_ansatz(ansatz, layers), width=3)
    lagrl.quantum.sample(COST, WEIGHT, CAPACITY, sampler=sampler, shots=5)
    (pub,) = executor.pubs
    run = pub.template.circuit.assign_parameters(pub.values[0])
    circuit = lagrl.quantum.circuit(COST, WEIGHT, CAPACITY, ansatz=ansatz, layers=layers, width=3)
    circuit.metadata = run.metadata
    assert run == circuit


@pytest.mark.parametrize("layers", [1, 2])
def test_a_statevector_of_the_circuit_has_the_samplers_distribution(layers: int) -> None:
    """The frequencies of `qaoa` are within five standard deviations of the circuit's probabilities."""
    pytest.importorskip("qiskit")
    shots = 200_000
    samples = lagrl.quantum.sample(COST, WEIGHT, CAPACITY, sampler=f"qaoa+layers={layers}", shots=shots)
    circuit = lagrl.quantum.circuit(COST, WEIGHT, CAPACITY, layers=layers)
    probability = distribution(circuit)
    items = circuit.metadata["items"]
    assert sorted(items) == [0, 1, 2, 3]  # the fifth is never worth selecting
    code = samples.bitstrings[0][:, items].astype(np.int64) @ (1 << np.arange(4))
    found = np.bincount(code, samples.counts[0], minlength=16)
    assert probability.max() < 0.9
    assert (abs(found - shots * probability) <= 5 * np.sqrt(shots * probability) + 1).all()


def test_a_subproblem_gives_the_circuit_of_its_own_penalty() -> None:
    """With another penalty the circuit has another distribution: that of the ansatz for this subproblem."""
    pytest.importorskip("qiskit")
    arrays = np.array([COST]), np.array(WEIGHT), np.array([CAPACITY])
    candidates = lagrl.quantum.select_candidates(*arrays, width=4)
    penalty = lagrl.quantum.make_penalty("unbalanced")
    problem = lagrl.quantum.Subproblem.of(candidates, penalty.qubos(candidates), 0)
    found = distribution(lagrl.quantum.circuit(problem, layers=2))
    expected = lagrl.quantum.make_ansatz("qaoa", 2).probabilities(problem)
    np.testing.assert_allclose(found, expected, atol=1e-10)
    assert abs(found - distribution(lagrl.quantum.circuit(COST, WEIGHT, CAPACITY, layers=2))).max() > 0.01


def test_qasm_3_describes_the_same_circuit() -> None:
    """Exported and read again, the circuit has the same distribution."""
    qasm3 = pytest.importorskip("qiskit.qasm3")
    pytest.importorskip("qiskit_qasm3_import")
    circuit = lagrl.quantum.circuit(COST, WEIGHT, CAPACITY)
    text = qasm3.dumps(circuit)
    assert text.startswith("OPENQASM 3")
    np.testing.assert_allclose(distribution(qasm3.loads(text)), distribution(circuit), atol=1e-9)
