"""The surrogate: its formula, its limits, its samples, and its distance from the density matrix."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce

import numpy as np
import pytest
from small_devices import (
    chain_pub,
    distance,
    ideal_distribution,
    line_device,
    line_target,
    sampled_distance,
    shares,
)
from small_knapsacks import knapsacks

pytest.importorskip("qiskit_aer")

from benchmarks.noise_calibration.fit import calibrate, noisy_cases
from lagrl.errors import InputError
from lagrl.quantum.circuits.backend import Backend, Job, Pub
from lagrl.quantum.circuits.line_qaoa import WARM_RAMP, LineQAOA, Ramp
from lagrl.quantum.circuits.statevector import QAOASampler
from lagrl.quantum.devices.noisy_device import CALIBRATED, Channel, Exponents, NoisyDevice, disturb
from lagrl.quantum.simulators.line_backend import DensityMatrixBackend, SurrogateBackend
from lagrl.quantum.simulators.surrogate import SurrogateSampler
from lagrl.quantum.subproblems.candidates import ProductState, select_candidates
from lagrl.quantum.subproblems.penalties import Subproblem, TiltedPenalty
from lagrl.quantum.subproblems.slack import SlackPenalty
from lagrl.relaxation.sampler import SampleContext, SampleQuery, SubproblemSampler

HERE = SampleContext()
TWO_LAYERS = Ramp(2, 1.6, 0.9)


def some_distribution(n: int, seed: int = 0) -> np.ndarray:
    """Draw a random distribution p [2^n]."""
    return np.random.default_rng(seed).dirichlet(np.full(2**n, 0.3))


def some_flips(n: int, seed: int = 1) -> np.ndarray:
    """Draw random asymmetric errors [n, 2]."""
    return np.random.default_rng(seed).uniform(0.0, 0.3, (n, 2))


def subproblems(n: int, count: int = 4) -> list[Subproblem]:
    """Make knapsacks of exactly n variables."""
    found = select_candidates(*knapsacks(np.random.default_rng(n), 12, 40), n)
    state, qubos = ProductState().probabilities(found), TiltedPenalty().qubos(found)
    vehicles = np.flatnonzero(found.width == n)[:count]
    assert len(vehicles) == count
    return [
        Subproblem(qubos.qubo(k), state[k, :n], found.reduced_cost[k, :n], found.weight[k, :n], int(found.room[k]))
        for k in vehicles
    ]


def test_the_formula_by_dense_matrices() -> None:
    """q = R [F' p + (1 − F')/2ⁿ] with R a Kronecker product of 2 × 2 matrices, bit 0 the last factor."""
    n, p, flips = 4, some_distribution(4), some_flips(4)
    reading = reduce(np.kron, [np.array([[1 - zero, one], [zero, 1 - one]]) for zero, one in flips[::-1]])
    expected = reading @ (0.7 * p + 0.3 / 2**n)
    assert Channel(0.7, flips).distribution(p) == pytest.approx(expected, abs=1e-12)


def test_limits() -> None:
    """Without noise q is the ideal distribution, with F = 0 the uniform one, in between neither."""
    p, nothing = some_distribution(5), np.zeros((5, 2))
    assert Channel(1.0, nothing).distribution(p) == pytest.approx(p, abs=1e-15)
    assert Channel(0.0, nothing).distribution(p) == pytest.approx(1 / 32)
    assert Channel.of(0.0, nothing).distribution(p) == pytest.approx(p, abs=1e-15)
    for exponents in (Exponents(1.0, 0.0), Exponents(0.0, 1.0), CALIBRATED):
        assert Channel.of(-1e4, nothing, exponents).distribution(p) == pytest.approx(1 / 32)
        halfway = Channel.of(-0.5, nothing, exponents).distribution(p)
        assert distance(halfway, p) > 0.05 < distance(halfway, np.full(32, 1 / 32))


def test_local_errors_come_before_readout() -> None:
    """A bit is replaced by a fair random bit with probability 1 − F^(2η/n), and is then read with errors."""
    readout, log_fidelity = some_flips(3), -0.4
    spoilt = 1 - np.exp(2 * 0.9 * log_fidelity / 3)
    coins = Channel(1.0, np.full((3, 2), spoilt / 2))
    p = some_distribution(3)
    found = Channel.of(log_fidelity, readout, Exponents(0.0, 0.9)).distribution(p)
    assert found == pytest.approx(Channel(1.0, readout).distribution(coins.distribution(p)), abs=1e-12)


def test_disturbed_samples_follow_the_formula() -> None:
    """Samples of circuits of different widths are within sampling error of q, and not of p."""
    shots, rng = 20_000, np.random.default_rng(5)
    channels = [Channel(0.8, some_flips(4)), None, Channel(0.6, some_flips(2))]
    ideals = [some_distribution(4), np.ones(1), some_distribution(2)]
    code = np.array([rng.choice(len(p), shots, p=p) for p in ideals])
    found = disturb(code, channels, rng)
    assert not found[1].any()
    for k, n in ((0, 4), (2, 2)):
        q = channels[k].distribution(ideals[k])
        near = sampled_distance(q, shots)
        assert distance(shares(found[k], n), q) < near < distance(shares(code[k], n), q)


def test_a_circuit_does_not_depend_on_the_others() -> None:
    """A circuit's draws depend only on its place in the batch."""
    code = np.random.default_rng(0).integers(0, 4, (3, 50))
    narrow, wide = Channel(0.5, some_flips(2)), Channel(0.5, some_flips(6))
    one, other = (disturb(code, [first, narrow, narrow], np.random.default_rng(1)) for first in (wide, None))
    assert np.array_equal(one[1:], other[1:])
    assert np.array_equal(other[0], code[0])


@pytest.mark.parametrize("wrong", [{"fidelity": 1.2}, {"fidelity": np.nan}, {"flips": np.full((3, 2), -0.1)}])
def test_wrong_channels_raise_errors(wrong: dict[str, object]) -> None:
    """A parameter out of range raises an error that names it."""
    with pytest.raises(InputError, match=next(iter(wrong))):
        Channel(**{"fidelity": 0.5, "flips": np.zeros((3, 2)), **wrong})
    with pytest.raises(InputError, match="exponents"):
        Exponents(-1.0, 0.0)


def test_the_backend_draws_from_the_formula() -> None:
    """The backend draws from q for any template, with the readout errors of the measured qubits."""
    target = line_target(3, edge=0.03, readout=(0.02, 0.1))
    executor, pub, shots = SurrogateBackend(NoisyDevice("noisy", target)), chain_pub(3, rows=2), 6000
    assert isinstance(executor, Backend)
    found = executor.run(Job([pub], shots, 0, HERE))
    channel = Channel.on(executor.device.line(3), pub.template)
    for row in range(2):
        q = channel.distribution(ideal_distribution(pub, row))
        assert distance(shares(found.codes[0][row], 3), q) < sampled_distance(q, shots)
    assert (found.cost.circuits, found.cost.backend) == (2, "surrogate(noisy)")
    with pytest.raises(InputError, match="limit of 2; take fewer"):
        SurrogateBackend(executor.device, max_width=2).run(Job([pub], 1, 0, HERE))


@pytest.mark.parametrize("ramp", [WARM_RAMP, TWO_LAYERS])
def test_it_is_near_the_density_matrix(ramp: Ramp) -> None:
    """At the errors of a Heron device the distance is under half of that of ignoring noise."""
    executor = DensityMatrixBackend(line_device(6, edge=0.004, single=0.0003))
    cases = noisy_cases(executor, subproblems(6), LineQAOA(ramp))
    off = np.array([case.departures(case.surrogate(CALIBRATED)) for case in cases])
    ideal = np.array([case.departures(case.ideal) for case in cases])
    assert off[:, 0].max() < 0.08
    assert off[:, 0].mean() < 0.5 * ideal[:, 0].mean()
    assert np.abs(off[:, 1:]).max() < 0.06
    assert np.abs(off[:, 1]).mean() < 0.5 * np.abs(ideal[:, 1]).mean()


def test_the_fit_recovers_the_exponents() -> None:
    """The fit recovers the exponents of cases made by the surrogate."""
    executor = DensityMatrixBackend(line_device(6, edge=0.008, single=0.0005))
    cases = noisy_cases(executor, subproblems(6), LineQAOA(TWO_LAYERS))
    made = Exponents(0.2, 0.6)
    for case in cases:
        object.__setattr__(case, "noisy", case.surrogate(made))
    found = calibrate(cases)
    assert (found.exponents.lost, found.exponents.local) == pytest.approx((0.2, 0.6), abs=0.01)
    assert found.error.max() < 1e-3 < found.ideal_error.max()
    alone = calibrate(cases, is_local=False)
    assert alone.exponents.local == 0.0
    assert (alone.error**2).sum() > (found.error**2).sum()
    with pytest.raises(InputError, match="no cases"):
        calibrate([])


def sampled(sampler: SubproblemSampler, seed: int = 0, shots: int = 64, free: tuple[int, ...] = ()) -> object:
    """Sample eight knapsacks; vehicles in `free` are solved by presolve."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(0), 8, 30)
    for k in (6, *free):
        capacity[k] = weight.sum()
    reduced_cost[7] = 3.0
    return sampler.sample(SampleQuery(reduced_cost, weight, capacity, shots, np.random.default_rng(seed), HERE))


def test_without_noise_it_is_the_kernels_sampler() -> None:
    """On a perfect device the samples equal those of `QAOASampler` from the same seed, warm and cold."""
    perfect = line_device(8, edge=0.0, single=0.0, readout=(0.0, 0.0))
    for warm in (True, False):
        ideal = sampled(QAOASampler(width=7, warm=warm))
        found = sampled(SurrogateSampler(perfect, QAOASampler(width=7, warm=warm)))
        assert np.array_equal(found.bitstrings, ideal.bitstrings)
        assert np.array_equal(found.counts, ideal.counts)


def test_samples_costs_and_seeds() -> None:
    """Shots add up, strings are distinct, gates have the closed form, and the same seed draws the same."""
    sampler = SurrogateSampler(line_device(8), QAOASampler(width=8))
    assert isinstance(sampler, SubproblemSampler)
    one, two, other = sampled(sampler), sampled(sampler), sampled(sampler, seed=1)
    assert np.array_equal(one.bitstrings, two.bitstrings)
    assert one.counts.shape != other.counts.shape or not np.array_equal(one.counts, other.counts)
    assert (one.counts.sum(axis=1) == 64).all()
    for k in range(8):
        own = one.bitstrings[k, one.counts[k] > 0]
        assert len(np.unique(own, axis=0)) == len(own)
    widths = select_candidates(*_eight(), 8).width
    widths = widths[widths > 0]
    assert len(widths) == 6
    assert one.cost.circuits == 6
    assert one.cost.shots == 6 * 64
    assert one.cost.two_qubit_gates == sum((m - 1) * (3 * m - 2) // 2 for m in widths)
    assert one.cost.depth == 3 * widths.max() - 2
    assert one.cost.backend == "surrogate(line of 8)"
    with pytest.raises(InputError, match="shots: 0 allows nothing"):
        sampled(sampler, shots=0)
    with pytest.raises(InputError, match="give 1 to 22 variables"):
        SurrogateSampler(line_device(8), QAOASampler(width=23))


def _eight() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(0), 8, 30)
    capacity[6] = weight.sum()
    reduced_cost[7] = 3.0
    return reduced_cost, weight, capacity


def test_a_noisy_vehicle_does_not_depend_on_the_others() -> None:
    """A vehicle's samples do not depend on whether presolve solves the others."""
    sampler = SurrogateSampler(line_device(8), QAOASampler(width=6))
    one, other = sampled(sampler), sampled(sampler, free=(0, 1))
    for k in (2, 3, 4, 5):
        for first, second in ((one, other), (other, one)):
            own = first.bitstrings[k, first.counts[k] > 0]
            assert np.array_equal(own, second.bitstrings[k, second.counts[k] > 0])


def test_slack_bits_are_noisy_qubits_too() -> None:
    """Circuits have slack bits, strings only customers."""
    sampler = SurrogateSampler(line_device(12), QAOASampler(width=5, penalty=SlackPenalty()))
    reduced_cost, weight, capacity = _eight()
    found = select_candidates(reduced_cost, weight, capacity, 5)
    widths = SlackPenalty().qubos(found).width
    samples = sampled(sampler)
    assert (widths > found.width).any()
    assert samples.cost.depth == 3 * widths.max() - 2
    for k in range(8):
        own = samples.bitstrings[k, samples.counts[k] > 0]
        assert len(np.unique(own, axis=0)) == len(own) <= 2 ** found.width[k]


def test_noise_lowers_the_probability_of_the_optimum() -> None:
    """More noise lowers the probability of the best string, down to that of uniform strings."""
    rare = []
    for edge in (0.0, 0.02, 0.3):
        executor_line = line_device(6, edge=edge, single=edge / 10, readout=(0.0, 0.0))
        ansatz, problems = LineQAOA(), subproblems(6)
        channel = Channel.on(executor_line.line(6), ansatz.template(6))
        best = []
        for problem in problems:
            bits = (np.arange(64)[:, None] >> np.arange(6)) & 1
            value = np.where(bits @ problem.weight <= problem.room, bits @ problem.reduced_cost, np.inf)
            best.append(channel.distribution(ansatz.probabilities(problem))[value.argmin()])
        rare.append(np.mean(best))
    assert rare[0] > 1.2 * rare[1] > 1.5 * rare[2]
    assert rare[2] == pytest.approx(1 / 64, rel=0.3)


def test_surrogate_takes_gates_that_the_simulator_does_not_know() -> None:
    """A circuit with a user-defined gate is simulated as compiled, another one as built, both correctly."""
    built = chain_pub(3)
    packed = built.template.circuit.copy_empty_like()
    gates = built.template.circuit.remove_final_measurements(inplace=False)
    packed.append(gates.to_gate(label="mine"), range(3))
    for step in built.template.circuit.data:
        if step.operation.name == "measure":
            packed.append(step)
    own = Pub(replace(built.template, circuit=packed), built.values)
    executor, shots = SurrogateBackend(line_device(3)), 6000
    for pub, as_built in ((built, True), (own, False)):
        compiled = executor.device.line(3).circuit(pub.template).template
        assert (executor.simulated(pub.template, compiled) is pub.template) == as_built
        found = shares(executor.run(Job([pub], shots, 0, HERE)).codes[0], 3)
        expected = Channel.on(executor.device.line(3), compiled).distribution(ideal_distribution(pub))
        assert distance(found, expected) < sampled_distance(expected, shots)
