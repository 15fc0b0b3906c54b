"""Queries, samples and samplers: checks, the best string that fits, and draws in proportion to the counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.errors import BudgetError, InputError
from lagrl.problems.assignment import AssignmentProblem
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.knapsack import solve_knapsacks
from lagrl.relaxation.sampler import (
    ExactSampler,
    SampleContext,
    SampleQuery,
    Samples,
    SubproblemSampler,
    require_sampler,
)


def samples_of(*strings: str, counts: list[int] | None = None) -> Samples:
    """Return one vehicle's strings, each drawn once unless counted."""
    bits = np.array([[list(map(int, string)) for string in strings]], np.uint8)
    return Samples(bits, np.array([counts or [1] * len(strings)]))


def best_of(samples: Samples, reduced_cost: list[float], weight: list[int], capacity: int) -> tuple[list[int], float]:
    """Return the best string and its value for the one vehicle."""
    chosen, value = samples.best(np.array([reduced_cost]), np.array(weight), np.array([capacity]))
    assert chosen.dtype == np.uint8
    return chosen[0].tolist(), float(value[0])


def test_the_cheapest_string_that_fits_is_chosen() -> None:
    """The string of all three would be cheaper, but is too heavy."""
    samples = samples_of("100", "111", "011")
    assert best_of(samples, [-1.0, -2.0, -3.0], [5, 5, 5], 10) == ([0, 1, 1], -5.0)


def test_where_nothing_fits_the_vehicle_stays_empty() -> None:
    """The empty string is always at hand, although it was not drawn."""
    assert best_of(samples_of("11", "10"), [-1.0, -2.0], [5, 5], 4) == ([0, 0], 0.0)


def test_where_every_string_costs_the_vehicle_stays_empty() -> None:
    """A load that fits but costs is worse than none."""
    assert best_of(samples_of("01", "11"), [-1.0, 2.0], [1, 1], 4) == ([0, 0], 0.0)


def test_padding_is_never_chosen() -> None:
    """A string counted 0 times was not drawn, however cheap it is."""
    assert best_of(samples_of("10", "01", counts=[0, 3]), [-9.0, -1.0], [1, 1], 4) == ([0, 1], -1.0)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_best_is_what_a_loop_over_all_strings_finds(seed: int) -> None:
    """For random strings, counts and costs, vehicle by vehicle."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2, (3, 5, 6), dtype=np.uint8)
    counts, cost = rng.integers(0, 3, (3, 5)), rng.normal(0, 1, (3, 6))
    weight, capacity = rng.integers(0, 9, 6), rng.integers(0, 30, 3)
    counts[:, 0] += counts.sum(axis=1) == 0  # every vehicle has a string
    chosen, value = Samples(bits, counts).best(cost, weight, capacity)
    for k in range(3):
        fitting = [bits[k, s] for s in range(5) if counts[k, s] and bits[k, s] @ weight <= capacity[k]]
        assert value[k] == pytest.approx(min([0.0, *(string @ cost[k] for string in fitting)]))
        assert chosen[k] @ cost[k] == pytest.approx(value[k])
        assert chosen[k] @ weight <= capacity[k]


def test_draws_follow_the_counts() -> None:
    """Of 20 000 draws, each string's share is its count's, to four standard deviations, and padding never comes."""
    counts = [1, 0, 6, 3]
    samples = samples_of("00", "11", "10", "01", counts=counts)
    drawn = samples.draw(20_000, np.random.default_rng(0))
    assert drawn.shape == (20_000, 1, 2)
    names = drawn[:, 0, 0] * 2 + drawn[:, 0, 1]
    for name, count in zip((0, 3, 2, 1), counts, strict=True):
        share = count / sum(counts)
        assert abs((names == name).mean() - share) <= 4 * np.sqrt(share * (1 - share) / 20_000)


def test_vehicles_draw_independently_and_reproducibly() -> None:
    """The same Generator state draws the same, and one vehicle's string says nothing of another's."""
    bits = np.array([[[0], [1]], [[0], [1]]], np.uint8)
    samples = Samples(bits, np.ones((2, 2), np.int64))
    drawn = samples.draw(10_000, np.random.default_rng(1))
    assert np.array_equal(drawn, samples.draw(10_000, np.random.default_rng(1)))
    assert abs(np.corrcoef(drawn[:, 0, 0], drawn[:, 1, 0])[0, 1]) < 0.05


def test_the_exact_sampler_draws_the_optimum_only() -> None:
    """One string per vehicle, that of the dynamic programme, counted once per shot; no circuits, no shots used up."""
    rng = np.random.default_rng(2)
    cost, weight, capacity = rng.normal(0, 1, (4, 10)), rng.integers(1, 9, 10), np.full(4, 15)
    sampler = ExactSampler()
    assert isinstance(sampler, SubproblemSampler)
    samples = sampler.sample(SampleQuery(cost, weight, capacity, 7, rng))
    chosen, value = samples.best(cost, weight, capacity)
    selection, optimum = solve_knapsacks(cost, weight, capacity)
    assert np.array_equal(chosen, selection)
    assert value == pytest.approx(optimum)
    assert (samples.counts == 7).all()
    assert (samples.cost.circuits, samples.cost.shots) == (0, 0)
    assert samples.cost.seconds > 0


@pytest.mark.parametrize(
    ("bitstrings", "counts"),
    [
        (np.zeros((2, 1, 3), np.int64), np.ones((2, 1), np.int64)),
        (np.zeros((2, 3), np.uint8), np.ones((2, 1), np.int64)),
        (np.zeros((2, 1, 3), np.uint8), np.ones((2, 2), np.int64)),
        (np.zeros((2, 1, 3), np.uint8), np.ones((2, 1))),
        (np.zeros((2, 1, 3), np.uint8), np.array([[1], [0]])),
        (np.zeros((2, 2, 3), np.uint8), np.array([[1, -1], [1, 1]])),
        (np.full((2, 1, 3), 2, np.uint8), np.ones((2, 1), np.int64)),
    ],
)
def test_samples_of_the_wrong_kind_are_refused(bitstrings: np.ndarray, counts: np.ndarray) -> None:
    """A sampler that returns another type, shape or empty counts is an error before they are used."""
    with pytest.raises(InputError, match="correct the sampler"):
        Samples(bitstrings, counts)


class Former:
    """A sampler of the former shape."""

    def sample(self, reduced_cost, weight, capacity, shots, rng, context):
        """Never called."""


class Longer:
    """A sampler with an option of its own."""

    def sample(self, query: SampleQuery, scale: float = 1.0) -> Samples:
        """Return the exact samples."""
        return ExactSampler().sample(query)


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (
            Former(),
            "sampler: Former.sample(reduced_cost, weight, capacity, shots, rng, context) given; write "
            "sample(self, query): query has reduced_cost, weight, capacity, shots, rng and context",
        ),
        (Former, "sampler: the class Former given; give an object with sample(query)"),
        (ExactSampler, "sampler: the class ExactSampler given; give an object with sample(query)"),
        (object(), "sampler: a object given; give an object with sample(query)"),
        ("qaoa", "sampler: a str given; give an object with sample(query)"),
    ],
)
def test_an_object_that_is_no_sampler_is_refused_at_once(sampler: Any, message: str) -> None:
    """Classes, other objects and samplers with six parameters are refused where they are given, in one line."""
    problem = AssignmentProblem(np.ones((2, 3)), np.ones(3, np.int64), np.full(2, 2))
    with pytest.raises(InputError) as error:
        AssignmentDual(problem, sampler, rng=np.random.default_rng(0))
    assert str(error.value) == message


def test_further_parameters_with_defaults_are_allowed() -> None:
    """A sampler whose method can be called with a query alone is one."""
    require_sampler(Longer())
    require_sampler(ExactSampler())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"shots": 0}, BudgetError, "shots: 0 allows nothing; give 1 or more"),
        ({"shots": 2.0}, InputError, "shots: 2.0 given; give one whole number for all circuits"),
        ({"shots": 10**8}, InputError, "shots: 100000000 given; give 10000000 or fewer"),
        ({"weight": np.ones(4, np.int64)}, InputError, "knapsacks: (2, 3) costs for (2, 4)"),
        ({"capacity": np.ones(3, np.int64)}, InputError, "knapsacks: (2, 3) costs for (3, 3)"),
        ({"reduced_cost": np.full((2, 3), np.nan)}, InputError, "or an entry that is negative or not finite"),
        ({"weight": np.array([1, -1, 1])}, InputError, "or an entry that is negative or not finite"),
        ({"capacity": np.array([1, -1])}, InputError, "or an entry that is negative or not finite"),
    ],
)
def test_a_query_is_checked_once_when_it_is_made(change: dict[str, Any], error: type[InputError], message: str) -> None:
    """Shots, shapes and values out of range never reach a sampler."""
    parts = {
        "reduced_cost": -np.ones((2, 3)),
        "weight": np.ones(3, np.int64),
        "capacity": np.full(2, 2),
        "shots": 4,
        "rng": np.random.default_rng(0),
    }
    assert SampleQuery(**parts).context == SampleContext()
    with pytest.raises(error) as refused:
        SampleQuery(**(parts | change))
    assert message in str(refused.value)
