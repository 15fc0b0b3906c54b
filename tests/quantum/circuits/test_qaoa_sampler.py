"""Product and QAOA samplers: valid samples, costs, determinism, and quality."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_knapsacks import knapsacks, strings

from lagrl.cli.entry import main
from lagrl.errors import InputError
from lagrl.problems.bundled import bundled_names, read_bundled
from lagrl.quantum.circuits.line_qaoa import COLD_RAMP, WARM_RAMP, Ramp
from lagrl.quantum.circuits.statevector import QAOASampler, qaoa_state
from lagrl.quantum.subproblems.candidate_sampler import ProductSampler
from lagrl.quantum.subproblems.candidates import Candidates, ProductState, rotation_angles, select_candidates
from lagrl.quantum.subproblems.penalties import TiltedPenalty, make_penalty
from lagrl.relaxation.knapsack import solve_knapsacks
from lagrl.relaxation.sampler import SampleQuery, Samples, SubproblemSampler
from lagrl.solver import SolveConfig, solve

if TYPE_CHECKING:
    from pathlib import Path

SHOTS = 64
SMALL = bundled_names()[0]
SAMPLERS = [
    ProductSampler(),
    ProductSampler(width=5),
    QAOASampler(),
    QAOASampler(width=7, ramp=Ramp(2, 1.3, 0.8)),
    QAOASampler(width=6, warm=False),
]


def mixed_knapsacks() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eight vehicles of different widths; presolve solves the last two (all customers fit; none has ã < 0)."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(0), 8, 30)
    reduced_cost[0, 4:] = 1.0
    capacity[0] = weight[reduced_cost[0] < 0].sum() - 1
    capacity[6] = weight.sum()
    reduced_cost[7] = 3.0
    return reduced_cost, weight, capacity


def drawn(sampler: SubproblemSampler, seed: int = 0, shots: int = SHOTS) -> Samples:
    """Sample the mixed knapsacks."""
    return sampler.sample(SampleQuery(*mixed_knapsacks(), shots, np.random.default_rng(seed)))


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_samples_are_valid_for_all_widths(sampler: ProductSampler | QAOASampler) -> None:
    """Shots add up, strings are distinct, and no string has a customer with ã ≥ 0 or one that is too heavy."""
    reduced_cost, weight, capacity = mixed_knapsacks()
    assert isinstance(sampler, SubproblemSampler)
    samples = drawn(sampler)
    widths = select_candidates(reduced_cost, weight, capacity, sampler.width).width
    assert len(set(widths.tolist())) > 2
    assert samples.bitstrings.shape[::2] == reduced_cost.shape
    assert (samples.counts.sum(axis=1) == SHOTS).all()
    for k in range(len(capacity)):
        own = samples.bitstrings[k, samples.counts[k] > 0]
        assert len(np.unique(own, axis=0)) == len(own) <= 2 ** widths[k]
        assert not own[:, (reduced_cost[k] >= 0) | (weight > capacity[k])].any()
    chosen, value = samples.best(reduced_cost, weight, capacity)
    _, optimum = solve_knapsacks(reduced_cost, weight, capacity)
    assert (chosen @ weight <= capacity).all()
    assert (value >= optimum - 1e-9).all()


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_solved_vehicles_have_one_string(sampler: SubproblemSampler) -> None:
    """A solved vehicle has one string, the optimal one, counted for all shots."""
    reduced_cost, weight, capacity = mixed_knapsacks()
    samples = drawn(sampler)
    selection, _ = solve_knapsacks(reduced_cost, weight, capacity)
    for k in (6, 7):
        assert samples.counts[k].tolist() == [SHOTS] + [0] * (samples.counts.shape[1] - 1)
        assert np.array_equal(samples.bitstrings[k, 0], selection[k])


@pytest.mark.parametrize("name", ["tilted", "unbalanced", "slack"])
def test_penalties_keep_shots_and_strings(name: str) -> None:
    """With any penalty shots add up, strings are distinct, and slack bits are not in the strings."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(3), 4, 12)
    sampler = QAOASampler(width=5, penalty=make_penalty(name))
    samples = sampler.sample(SampleQuery(reduced_cost, weight, capacity, 80, np.random.default_rng(0)))
    unsolved = int((select_candidates(reduced_cost, weight, capacity, 5).width > 0).sum())
    assert (samples.cost.circuits, samples.cost.shots) == (unsolved, 80 * unsolved)
    assert samples.cost.two_qubit_gates > 0 and samples.cost.depth > 0
    assert samples.bitstrings.shape[2] == 12
    assert (samples.counts.sum(axis=1) == 80).all()
    for rows, counts in zip(samples.bitstrings, samples.counts, strict=True):
        assert len({bytes(row) for row in rows[counts > 0]}) == (counts > 0).sum() <= 2**5


def test_costs_count_circuits_and_shots() -> None:
    """QAOA counts a circuit and its shots per unsolved vehicle; the product sampler counts none."""
    cost = drawn(QAOASampler()).cost
    assert (cost.circuits, cost.shots, cost.backend) == (6, 6 * SHOTS, "statevector")
    assert cost.seconds > 0
    cost = drawn(ProductSampler()).cost
    assert (cost.circuits, cost.shots, cost.backend) == (0, 0, "product")
    assert cost.seconds > 0


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_the_same_seed_draws_the_same(sampler: SubproblemSampler) -> None:
    """The same seed draws the same samples bit for bit, another seed others."""
    first, second, other = drawn(sampler), drawn(sampler), drawn(sampler, seed=1)
    assert np.array_equal(first.bitstrings, second.bitstrings)
    assert np.array_equal(first.counts, second.counts)
    assert first.counts.shape != other.counts.shape or not np.array_equal(first.counts, other.counts)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_a_vehicle_does_not_depend_on_the_others(sampler: SubproblemSampler) -> None:
    """A vehicle's samples do not depend on whether presolve solved the vehicles before it."""
    reduced_cost, weight, capacity = mixed_knapsacks()
    freed = capacity.copy()
    freed[:3] = weight.sum()
    one, other = (
        sampler.sample(SampleQuery(reduced_cost, weight, q, SHOTS, np.random.default_rng(0))) for q in (capacity, freed)
    )
    for k in (3, 4, 5):
        for first, second in ((one, other), (other, one)):
            own = first.bitstrings[k, first.counts[k] > 0]
            assert np.array_equal(own, second.bitstrings[k, second.counts[k] > 0])


def optimum_probabilities(seed: int = 7) -> dict[str, np.ndarray]:
    """Return the exact probabilities of the optimum of 40 small knapsacks, by distribution."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(seed), 40, 20)
    found = select_candidates(reduced_cost, weight, capacity, 8)
    state, problems = ProductState(), TiltedPenalty().qubos(found)
    warm_start = state.probabilities(found)
    chance: dict[str, list[float]] = {"uniform": [], "product": [], "cold": [], "warm": []}
    for k in np.flatnonzero(found.width):
        m = found.width[k]
        y, p = strings(m), warm_start[k, :m]
        value = np.where(y @ found.weight[k, :m] <= found.room[k], y @ found.reduced_cost[k, :m], np.inf)
        product = np.where(y, p, 1 - p).prod(axis=1)
        drawn_with = {"uniform": np.full(2**m, 0.5**m), "product": product}
        for name, ramp, theta in (("cold", COLD_RAMP, None), ("warm", WARM_RAMP, rotation_angles(p))):
            gamma, beta = ramp.angles()
            drawn_with[name] = (
                np.abs(qaoa_state(problems.qubo(k), gamma / problems.qubo(k).to_ising().scale, beta, theta)) ** 2
            )
        for name, probability in drawn_with.items():
            chance[name].append(float(probability[value <= value.min() + 1e-9].sum()))
    return {name: np.array(values) for name, values in chance.items()}


def test_circuits_have_a_higher_probability_of_the_optimum() -> None:
    """Mean probability of the optimum: warm QAOA well above the product state, both well above uniform strings."""
    chance = {name: float(values.mean()) for name, values in optimum_probabilities().items()}
    assert chance["warm"] > 1.3 * chance["product"]
    assert chance["product"] > 3 * chance["uniform"]
    assert chance["cold"] > 3 * chance["uniform"]
    assert chance["warm"] > chance["cold"]


def test_samples_come_from_the_circuit() -> None:
    """Over 40 vehicles the optimum has the frequency of the circuit's amplitudes, to four standard deviations."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(7), 40, 20)
    found = select_candidates(reduced_cost, weight, capacity, 8)
    is_open = found.width > 0
    expected = optimum_probabilities()
    for name, sampler in (("warm", QAOASampler(width=8)), ("product", ProductSampler(width=8))):
        samples = sampler.sample(SampleQuery(reduced_cost, weight, capacity, 1000, np.random.default_rng(8)))
        value = np.einsum("ksn,kn->ks", samples.bitstrings, reduced_cost)
        fits = (samples.bitstrings @ weight <= capacity[:, None]) & (samples.counts > 0)
        variables = np.array([_candidate_optimum(found, k, reduced_cost) for k in range(40)])
        hits = (samples.counts * (fits & (value <= variables[:, None] + 1e-9))).sum(axis=1)[is_open]
        spread = np.sqrt((expected[name] * (1 - expected[name])).sum() * 1000)
        assert abs(hits.sum() - 1000 * expected[name].sum()) < 4 * spread


def _candidate_optimum(found: Candidates, k: int, reduced_cost: np.ndarray) -> float:
    m = found.width[k]
    y = strings(m)
    value = np.where(y @ found.weight[k, :m] <= found.room[k], y @ found.reduced_cost[k, :m], np.inf)
    return float(value.min() + found.fixed[k] @ reduced_cost[k])


@pytest.mark.parametrize("name", ["product", "qaoa"])
def test_solve_with_sampled_knapsacks(name: str) -> None:
    """Routes are feasible and the same twice; the dual value is not claimed; circuits are counted."""
    config = SolveConfig(sampler=name, evaluations=12, linearisations=2, shots=32)
    first, second = (solve(read_bundled(SMALL), config) for _ in range(2))
    assert first.solution.is_feasible(first.problem)
    assert first.solution.routes == second.solution.routes
    assert [a.trace.sampled_value for a in first.ascents] == [a.trace.sampled_value for a in second.ascents]
    assert first.dual_value is None
    assert first.sampling.shots == 32 * first.sampling.circuits
    assert (first.sampling.circuits > 0) == (name == "qaoa")


def test_rows_carry_circuits_and_shots(tmp_path: Path) -> None:
    """`lagrl eval --samplers exact,product,qaoa` writes a row each; only circuits have shots and quantum seconds."""
    out = tmp_path / "rows.jsonl"
    command = ["eval", SMALL, "--controllers", "cfm", "--samplers", "exact,product,qaoa", "--budgets", "4"]
    assert main([*command, "--out", str(out)]) == 0
    rows = {row["sampler"]: row for row in map(json.loads, out.read_text(encoding="utf-8").splitlines())}
    assert set(rows) == {"exact", "product", "qaoa"}
    for name, row in rows.items():
        assert row["feasible"]
        assert row["shots"] == 256 * row["circuits"]
        assert (row["circuits"] > 0) == (name == "qaoa")
        assert (row["quantum_seconds"] > 0) == (name != "exact")


@pytest.mark.parametrize("kind", [ProductSampler, QAOASampler])
def test_bad_parameters_are_refused(kind: type) -> None:
    """Widths out of range and zero shots raise an error."""
    for width in (0, 23):
        with pytest.raises(InputError, match="give 1 to 22 variables"):
            kind(width=width)
    with pytest.raises(InputError, match="shots: 0 allows nothing"):
        drawn(kind(), shots=0)
