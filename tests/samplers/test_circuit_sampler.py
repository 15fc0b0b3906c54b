"""The circuit sampler: one call per step, variables in their places, costs, and recorded fallbacks."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from small_knapsacks import knapsacks

pytest.importorskip("qiskit")

from typing import Any

from lagrl.errors import InputError
from lagrl.quantum.circuits.ansatz import make_ansatz
from lagrl.quantum.circuits.backend import Backend, BackendStatus, Execution, Job, Pub
from lagrl.quantum.circuits.line_qaoa import LineQAOA
from lagrl.quantum.circuits.statevector import QAOASampler
from lagrl.quantum.ibm.failures import ExecutionError
from lagrl.quantum.subproblems.candidate_sampler import ProductSampler
from lagrl.quantum.subproblems.candidates import select_candidates
from lagrl.quantum.subproblems.penalties import Subproblem
from lagrl.quantum.subproblems.slack import SlackPenalty
from lagrl.relaxation.sampler import SampleContext, SampleQuery, SamplingCost, SubproblemSampler
from lagrl.samplers.circuit_sampler import CircuitSampler


@dataclass
class Ideal:
    """Runs circuits without noise, by qiskit's statevector, and records its calls."""

    name: str = "ideal"
    max_width: int = 14
    calls: list[tuple[list[Pub], int]] = field(default_factory=list)
    is_closed: bool = False
    target: None = None

    def status(self, *, wait: bool = False) -> BackendStatus:
        """Return that it takes jobs."""
        return BackendStatus()

    def run(self, job: Job) -> Execution:
        """Draw from the exact distributions."""
        from qiskit.quantum_info import Statevector

        pubs, shots, rng = job.pubs, job.shots, job.rng
        self.calls.append((list(pubs), shots))
        codes = []
        for pub in pubs:
            rows = []
            for values in pub.values:
                bound = pub.template.circuit.assign_parameters(values)
                bits = {
                    bound.find_bit(c.clbits[0]).index: bound.find_bit(c.qubits[0]).index for c in bound.data if c.clbits
                }
                order = [bits[i] for i in range(len(bits))]
                probability = Statevector(bound.remove_final_measurements(inplace=False)).probabilities(order)
                rows.append(rng.choice(len(probability), size=shots, p=probability / probability.sum()))
            codes.append(np.array(rows, np.int64))
        circuits = sum(len(pub.values) for pub in pubs)
        return Execution(codes, SamplingCost(circuits=circuits, shots=circuits * shots, jobs=1, backend=self.name))

    def close(self) -> None:
        """Record that the backend was closed."""
        self.is_closed = True


class Failing(Ideal):
    """A backend whose every call fails."""

    def run(self, job: Job) -> Execution:
        """Raise an error of execution."""
        raise ExecutionError("the plan has no time left", backend="ibm_nowhere")


def mixed() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Four vehicles, the last one solved by presolve."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(0), 4, 14, room=0.5)
    capacity[-1] = weight.sum()
    return reduced_cost, weight, capacity


def drawn(sampler: SubproblemSampler, shots: int = 64, seed: int = 0):
    """Sample the four knapsacks."""
    return sampler.sample(SampleQuery(*mixed(), shots, np.random.default_rng(seed)))


def test_circuits_have_the_distribution_of_the_kernel() -> None:
    """Circuit and kernel sampler have one distribution: same mean value, same share of feasible strings."""
    reduced_cost, weight, capacity = mixed()
    means = []
    for sampler in (CircuitSampler(Ideal(), LineQAOA(), width=6), QAOASampler(width=6)):
        samples = drawn(sampler, 4000)
        share = samples.counts / samples.counts.sum(axis=1, keepdims=True)
        value = np.einsum("ksn,kn->ks", samples.bitstrings, reduced_cost)
        fits = samples.bitstrings @ weight <= capacity[:, None]
        means.append(((share * value).sum(axis=1), (share * fits).sum(axis=1), (share * value**2).sum(axis=1)))
    spread = np.sqrt(np.maximum(means[1][2] - means[1][0] ** 2, 0) / 4000)
    assert (np.abs(means[0][0] - means[1][0]) <= 6 * spread + 1e-9).all()
    assert np.abs(means[0][1] - means[1][1]).max() < 0.05


def test_all_vehicles_of_a_step_go_in_one_call() -> None:
    """The backend gets one PUB per unsolved vehicle in one call; solved vehicles cost nothing."""
    executor = Ideal()
    samples = drawn(CircuitSampler(executor, LineQAOA(), width=5), 96)
    ((pubs, shots),) = executor.calls
    width = select_candidates(*mixed(), 5).width
    assert [pub.template.n_qubits for pub in pubs] == width[width > 0].tolist()
    assert [len(pub.values) for pub in pubs] == [1] * len(pubs)
    assert shots == 96
    assert (samples.cost.circuits, samples.cost.shots, samples.cost.jobs) == (3, 288, 1)
    assert samples.counts.sum(axis=1).tolist() == [96] * 4


def test_solved_vehicles_need_no_call() -> None:
    """If presolve solves all vehicles, the backend is not called."""
    executor = Ideal()
    reduced_cost, weight, capacity = mixed()
    samples = CircuitSampler(executor, LineQAOA()).sample(
        SampleQuery(
            reduced_cost, weight, np.full_like(capacity, weight.sum()), 16, np.random.default_rng(0), SampleContext()
        )
    )
    assert executor.calls == []
    assert (samples.bitstrings[:, 0] == (reduced_cost < 0)).all()
    assert samples.cost.circuits == 0


def test_slack_bits_stay_out_of_the_strings() -> None:
    """With slack bits the circuits are wider than the knapsacks, but the strings are not."""
    executor = Ideal(max_width=20)
    samples = drawn(CircuitSampler(executor, LineQAOA(), width=4, penalty=SlackPenalty()), 32)
    ((pubs, _),) = executor.calls
    width = select_candidates(*mixed(), 4).width
    assert all(pub.template.n_qubits > m for pub, m in zip(pubs, width[width > 0], strict=True))
    assert samples.counts.sum(axis=1).tolist()[:3] == [32] * 3


@pytest.mark.parametrize("name", ["pairwise", "linear"])
def test_other_circuits_plug_in(name: str) -> None:
    """The sampler works with any ansatz."""
    executor = Ideal()
    samples = drawn(CircuitSampler(executor, make_ansatz(name), width=5))
    assert samples.cost.circuits == 3
    assert samples.bitstrings.any()


def test_a_failure_is_an_error_without_a_fallback() -> None:
    """Without a fallback the error is raised; with it the product state is sampled, and the cost records the reason."""
    with pytest.raises(ExecutionError, match="no time left"):
        drawn(CircuitSampler(Failing(), LineQAOA()))
    samples = drawn(CircuitSampler(Failing(), LineQAOA(), fallback="product"))
    expected = drawn(ProductSampler())
    assert (samples.bitstrings == expected.bitstrings).all()
    assert (samples.counts == expected.counts).all()
    assert samples.cost.fallback == "product: ibm_nowhere: the plan has no time left"
    assert (samples.cost.circuits, samples.cost.backend) == (0, "product")


def test_bad_settings_are_refused() -> None:
    """Widths above the limits, unknown fallbacks and zero shots raise an error."""
    with pytest.raises(InputError, match="width: 12 given, ideal takes 5 qubits; give 1 to 5"):
        CircuitSampler(Ideal(max_width=5), LineQAOA())
    with pytest.raises(InputError, match="give 1 to 22"):
        CircuitSampler(Ideal(max_width=50), LineQAOA(), width=23)
    with pytest.raises(InputError, match="fallback: 'greedy' given"):
        CircuitSampler(Ideal(), LineQAOA(), fallback="greedy")
    with pytest.raises(InputError, match="shots: 0 allows nothing"):
        drawn(CircuitSampler(Ideal(), LineQAOA()), shots=0)


def test_it_is_a_sampler_that_closes_its_backend() -> None:
    """The sampler is deterministic, and `close` closes its backend."""
    executor = Ideal()
    sampler = CircuitSampler(executor, LineQAOA(), width=5)
    assert isinstance(sampler, SubproblemSampler)
    assert isinstance(executor, Backend)
    first, second = drawn(sampler), drawn(sampler)
    assert (first.bitstrings == second.bitstrings).all()
    assert (first.counts == second.counts).all()
    sampler.close()
    assert executor.is_closed


@dataclass
class WrongCodes(Ideal):
    """A backend that returns wrong codes."""

    change: Any = None

    def run(self, job: Job) -> Execution:
        """Draw codes and change them."""
        done = super().run(job)
        return Execution(self.change(done.codes), done.cost)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda codes: codes[:-1], "2 arrays of codes for 3 PUBs"),
        (lambda codes: [codes[0][:, :-1], *codes[1:]], r"codes of shape \(1, 63\) for PUB 0, not \(1, 64\)"),
        (lambda codes: [codes[0], codes[1].astype(float), codes[2]], "float64 for PUB 1"),
        (lambda codes: [codes[0], codes[1], codes[2] + 32], "for PUB 2 of 4 variables"),
        (lambda codes: [codes[0] - 32, *codes[1:]], "code -.* for PUB 0"),
        (lambda codes: [["0101"], *codes[1:]], "list for PUB 0"),
    ],
)
def test_a_backend_with_wrong_codes_is_named(change: object, message: str) -> None:
    """Missing PUBs or shots, wrong types and codes out of range raise an error that names the backend."""
    with pytest.raises(InputError, match=rf"backend ideal: gave .*{message}"):
        drawn(CircuitSampler(WrongCodes(change=change), LineQAOA(), width=5))


@pytest.mark.parametrize("shots", [[64, 32, 64], 64.0, True, 10**8])
def test_shots_are_one_number_for_all_circuits(shots: Any) -> None:
    """Every sampler raises an error for several numbers of shots, fractions, and more than a job can have."""
    for sampler in (CircuitSampler(Ideal(), LineQAOA()), QAOASampler(), ProductSampler()):
        with pytest.raises(InputError, match=r"shots: .* given; give"):
            drawn(sampler, shots=shots)


def test_the_cost_of_a_failure_is_recorded() -> None:
    """If the fallback is sampled, the cost includes the seconds that the device charged."""

    class Charging(Failing):
        def run(self, job: Job) -> Execution:
            raise ExecutionError("shots are missing", cost=SamplingCost(jobs=1, qpu_seconds=3.0, backend="ibm_fake"))

    cost = drawn(CircuitSampler(Charging(), LineQAOA(), fallback="product")).cost
    assert (cost.jobs, cost.qpu_seconds, cost.backend) == (1, 3.0, "ibm_fake + product")


def test_parts_of_a_wrong_type_are_named() -> None:
    """A backend, ansatz or penalty of a wrong type raises an error when the sampler is made."""
    for name, wrong in (("backend", "ideal"), ("ansatz", "qaoa"), ("penalty", 30.0)):
        parts: dict[str, Any] = {"backend": Ideal(), "ansatz": LineQAOA()} | {name: wrong}
        with pytest.raises(InputError, match=f"{name}: a {type(wrong).__name__} given; give an object that implements"):
            CircuitSampler(**parts)


def test_a_subproblem_is_taken_out_of_the_batch() -> None:
    """`Subproblem.of` returns a knapsack with slack bits of probability 1/2; a solved vehicle raises an error."""
    knapsack = select_candidates(*mixed(), 6)
    problem = Subproblem.of(knapsack, SlackPenalty().qubos(knapsack), 0)
    m = int(knapsack.width[0])
    assert problem.n_variables > m
    assert (problem.probability[m:] == 0.5).all() and (problem.weight[m:] == 0).all()
    assert (problem.reduced_cost[:m] == knapsack.reduced_cost[0, :m]).all()
    with pytest.raises(InputError, match="3 is solved by presolve"):
        Subproblem.of(knapsack, SlackPenalty().qubos(knapsack), 3)


def test_a_backend_that_gives_nothing_is_named() -> None:
    """A result that is not an `Execution` raises an error that names the backend; wrong angles name the template."""

    class Forgetful(Ideal):
        def run(self, job: Job) -> Any:
            return None

    with pytest.raises(InputError, match="backend ideal: gave NoneType; give Execution"):
        drawn(CircuitSampler(Forgetful(), LineQAOA(), width=5))
    angles: Any = [[0.0]]
    with pytest.raises(InputError, match="angles of type list"):
        Pub(LineQAOA().template(3), angles)
