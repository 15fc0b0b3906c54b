"""The dual function: a concave lower bound on the surrogate, and honest about what is sampled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import ascent, column_generation, enumerated_knapsacks, enumerated_optimum, random_problem

from lagrl.controllers.polyak import Polyak
from lagrl.errors import InputError
from lagrl.problems.assignment import AssignmentProblem
from lagrl.relaxation.dual import AssignmentDual, evaluate_duals
from lagrl.relaxation.knapsack import KnapsackBatch, solve_knapsacks
from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples

SHAPES = ((1, 4), (2, 6), (3, 8), (4, 9), (2, 12))

seeds = st.integers(0, 2**32)


class NoisySampler:
    """Answers with the optimum of knapsacks whose costs it misread, and with strings that do not fit."""

    def __init__(self, noise: float) -> None:
        self.noise = noise
        self.contexts: list[SampleContext] = []

    def sample(self, query: SampleQuery) -> Samples:
        """Draw `shots` strings per vehicle, and one more that carries all customers."""
        self.contexts.append(query.context)
        drawn = [
            solve_knapsacks(
                query.reduced_cost + query.rng.normal(0, self.noise, query.reduced_cost.shape),
                query.weight,
                query.capacity,
            )[0]
            for _ in range(query.shots)
        ]
        everybody = np.ones_like(drawn[0])
        bitstrings = np.stack([*drawn, everybody], axis=1)
        return Samples(bitstrings, np.ones(bitstrings.shape[:2], np.int64))


def drawn(seed: int, shape: tuple[int, int] = (3, 8)) -> tuple[np.random.Generator, AssignmentProblem, AssignmentDual]:
    """Return a generator, a random problem of this shape and its dual."""
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, *shape)
    return rng, problem, AssignmentDual(problem)


@settings(max_examples=60, deadline=None)
@given(seed=seeds, shape=st.sampled_from(SHAPES))
def test_a_value_is_what_enumeration_gives_and_below_the_optimum(seed: int, shape: tuple[int, int]) -> None:
    """L(λ) is Σλ plus the enumerated knapsacks, and bounds the least cost over all assignments, at any λ."""
    rng, problem, dual = drawn(seed, shape)
    optimum = enumerated_optimum(problem)
    for spread in (0.0, 50.0, 200.0):
        multipliers = rng.uniform(-0.1, 1.0, problem.n_customers) * spread
        point = dual.evaluate(multipliers)
        enumerated = enumerated_knapsacks(problem.cost - multipliers, problem.weight, problem.capacity)
        assert point.value == pytest.approx(multipliers.sum() + enumerated.sum(), abs=1e-8)
        assert point.vehicle_value == pytest.approx(enumerated, abs=1e-8)
        assert point.value <= optimum + 1e-8


@settings(max_examples=60, deadline=None)
@given(seed=seeds, shape=st.sampled_from(SHAPES))
def test_violations_are_supergradients(seed: int, shape: tuple[int, int]) -> None:
    """L(μ) ≤ L(λ) + g·(μ − λ) for all λ and μ, and g counts how often each customer is served."""
    rng, problem, dual = drawn(seed, shape)
    here, there = rng.uniform(-20, 250, (2, problem.n_customers))
    point = dual.evaluate(here)
    assert np.array_equal(point.violation, 1.0 - point.selection.sum(axis=0))
    assert dual.evaluate(there).value <= point.value + point.violation @ (there - here) + 1e-8


@settings(max_examples=60, deadline=None)
@given(seed=seeds, share=st.floats(0, 1))
def test_the_dual_is_concave_along_segments(seed: int, share: float) -> None:
    """Between two multiplier vectors L is at least the mixture of their values."""
    rng, problem, dual = drawn(seed)
    first, second = rng.uniform(0, 250, (2, problem.n_customers))
    between = dual.evaluate(share * first + (1 - share) * second).value
    assert between >= share * dual.evaluate(first).value + (1 - share) * dual.evaluate(second).value - 1e-8


def test_an_optimal_point_carries_an_optimal_assignment() -> None:
    """Wherever an ascent comes to g = 0, the value is the optimum and the selection an assignment of that cost."""
    n_optimal = 0
    for seed in range(30):
        rng, problem, dual = drawn(seed)
        *_, point = ascent(dual, Polyak(), 100, rng)
        if point.is_optimal:
            n_optimal += 1
            optimum = enumerated_optimum(problem)
            assert point.value == pytest.approx(optimum)
            assert problem.is_feasible(point.selection.argmax(axis=0))
            assert (problem.cost * point.selection).sum() == pytest.approx(optimum)
    assert n_optimal >= 5


def test_bounds_hold_a_maximiser_where_vehicles_have_room() -> None:
    """Clipping the maximiser of column generation to the bounds loses nothing, and negative prices never help."""
    for seed in range(20):
        rng, problem, dual = drawn(seed, (3, 12))
        lower, upper = dual.bounds
        assert not lower.any()
        assert (upper == 2 * problem.cost.max()).all()
        value, multipliers = column_generation(problem)
        assert dual.evaluate(dual.clip(multipliers)).value == pytest.approx(value, rel=1e-7)
        multipliers = rng.uniform(-100, 100, 12)
        assert dual.evaluate(np.maximum(multipliers, 0)).value >= dual.evaluate(multipliers).value - 1e-9


def test_the_floor_is_0_unless_given() -> None:
    """Clipping stops at the floor and at the ceiling."""
    _, problem, usual = drawn(0)
    other = AssignmentDual(problem, floor=-5.0, ceiling=3.0)
    far = np.array([-1e9, 1e9] * (problem.n_customers // 2))
    assert sorted(set(usual.clip(far))) == [0.0, 2 * problem.cost.max()]
    assert sorted(set(other.clip(far))) == [-5.0, 3.0]


def test_the_scale_is_the_typical_cheapest_cost() -> None:
    """Median over customers of the least cost, and never below 1."""
    _, problem, dual = drawn(0)
    assert dual.scale == max(1.0, float(np.median(problem.cost.min(axis=0))))
    free = AssignmentProblem(np.zeros((1, 2)), problem.weight[:2], problem.capacity[:1])
    assert AssignmentDual(free).scale == 1.0


@pytest.mark.parametrize("method", ["evaluate", "clip", "price"])
@pytest.mark.parametrize(
    "multipliers",
    [np.zeros(7), np.zeros(9), np.zeros((1, 8)), np.full(8, np.nan), np.array([0, 0, 0, 0, 0, 0, 0, np.inf])],
)
def test_unusable_multipliers_are_refused(method: str, multipliers: np.ndarray) -> None:
    """Wrong shapes and non-finite prices are the controller's mistake, and are said to be."""
    _, _, dual = drawn(0)
    with pytest.raises(InputError, match="multipliers"):
        getattr(dual, method)(multipliers)


def test_the_offending_customer_is_named() -> None:
    """Customers count from 1, as in solution files."""
    _, _, dual = drawn(0)
    with pytest.raises(InputError, match="customer 3 is priced nan"):
        dual.evaluate(np.array([0, 0, np.nan, 0, 0, 0, 0, 0]))


def test_a_point_does_not_change_with_its_owners_array() -> None:
    """A controller may overwrite the vector that it returned."""
    _, _, dual = drawn(0)
    multipliers = np.full(8, 50.0)
    point = dual.evaluate(multipliers)
    multipliers[:] = 0.0
    assert (point.multipliers == 50.0).all()


def test_a_batch_equals_single_evaluations() -> None:
    """Duals of any sizes, priced together with or without a layout, give the points they give alone, bit for bit."""
    rng = np.random.default_rng(0)
    duals = [AssignmentDual(random_problem(rng, *shape)) for shape in SHAPES]
    vectors = [rng.uniform(0, 150, dual.n_multipliers) for dual in duals]
    alone = [dual.evaluate(vector) for dual, vector in zip(duals, vectors, strict=True)]
    layout = KnapsackBatch([dual.problem for dual in duals])
    for batch in (None, layout):
        for point, single in zip(evaluate_duals(duals, vectors, batch), alone, strict=True):
            assert point.value == single.value
            assert np.array_equal(point.selection, single.selection)
            assert np.array_equal(point.vehicle_value, single.vehicle_value)


@settings(max_examples=40, deadline=None)
@given(seed=seeds, noise=st.floats(0, 100), shots=st.integers(1, 4))
def test_a_sampled_value_is_a_cut_and_no_bound(seed: int, noise: float, shots: int) -> None:
    """An approximate sampler claims no value nor optimum; what it saw is above L(λ), and cuts L from above."""
    rng, problem, exact = drawn(seed)
    dual = AssignmentDual(problem, NoisySampler(noise), shots=shots, rng=rng)
    here, there = rng.uniform(0, 200, (2, problem.n_customers))
    point = dual.evaluate(here)
    assert point.value is None
    assert not point.is_optimal
    assert (point.selection @ problem.weight <= problem.capacity).all()
    assert point.sampled_value >= exact.evaluate(here).value - 1e-8
    assert exact.evaluate(there).value <= point.sampled_value + point.violation @ (there - here) + 1e-8
    assert dual.price(here).value == exact.evaluate(here).value


def test_a_sampler_is_told_which_call_it_answers() -> None:
    """Steps count the evaluations, and pricing for the record is none."""
    rng, problem, _ = drawn(0)
    sampler = NoisySampler(1.0)
    dual = AssignmentDual(problem, sampler, rng=rng, run="here")
    for _ in range(3):
        dual.evaluate(np.zeros(8))
        dual.price(np.zeros(8))
    assert sampler.contexts == [SampleContext("here", step) for step in range(3)]


def test_an_approximate_sampler_needs_randomness() -> None:
    """An approximate sampler requires a Generator."""
    _, problem, _ = drawn(0)
    with pytest.raises(InputError, match="rng"):
        AssignmentDual(problem, NoisySampler(1.0))


def test_exact_and_sampled_duals_mix_in_one_batch() -> None:
    """Points are returned in the order of the duals, for any samplers."""
    rng, problem, exact = drawn(0)
    noisy = AssignmentDual(problem, NoisySampler(0.0), rng=rng)
    vector = rng.uniform(0, 100, 8)
    values = [point.value for point in evaluate_duals([noisy, exact, noisy], [vector] * 3)]
    assert values == [None, exact.evaluate(vector).value, None]
