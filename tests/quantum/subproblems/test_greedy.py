"""Greedy by efficiency as a knapsack sampler."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_knapsacks import knapsacks

from lagrl.errors import InputError
from lagrl.quantum.subproblems.candidate_sampler import GreedySampler
from lagrl.relaxation.knapsack import solve_knapsacks
from lagrl.relaxation.sampler import SampleQuery, Samples, SubproblemSampler


def drawn(sampler: GreedySampler, problem: tuple[np.ndarray, np.ndarray, np.ndarray], shots: int = 64) -> Samples:
    """Sample knapsacks by the greedy sampler."""
    return sampler.sample(SampleQuery(*problem, shots, np.random.default_rng(0)))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 22))
def test_it_takes_what_fits_in_order_of_efficiency(seed: int, n: int) -> None:
    """If the width covers all customers, the string equals that of a plain greedy loop."""
    reduced_cost, weight, capacity = problem = knapsacks(np.random.default_rng(seed), 3, n)
    samples = drawn(GreedySampler(22), problem)
    assert samples.counts.tolist() == [[64]] * 3
    for k in range(3):
        left, expected = capacity[k], np.zeros(n, np.uint8)
        for i in np.argsort(reduced_cost[k] / weight, kind="stable"):
            if reduced_cost[k, i] < 0 and weight[i] <= left:
                expected[i] = 1
                left -= weight[i]
        assert np.array_equal(samples.bitstrings[k, 0], expected)


def test_narrow_sets_are_decided_within_them() -> None:
    """The string is feasible, no better than the optimum, and close to it."""
    reduced_cost, weight, capacity = problem = knapsacks(np.random.default_rng(1), 40, 80)
    samples = drawn(GreedySampler(), problem)
    assert isinstance(GreedySampler(), SubproblemSampler)
    string = samples.bitstrings[:, 0]
    assert (string @ weight <= capacity).all()
    gap = 1.0 - (string * reduced_cost).sum(axis=1) / solve_knapsacks(reduced_cost, weight, capacity)[1]
    assert (gap > -1e-9).all()
    assert 0 < gap.mean() < 0.02


def test_it_is_classical_and_draws_nothing() -> None:
    """Greedy counts no circuits and no shots, and draws no random numbers."""
    problem = knapsacks(np.random.default_rng(2), 3, 20)
    rng = np.random.default_rng(7)
    cost = GreedySampler().sample(SampleQuery(*problem, 16, rng)).cost
    assert (cost.circuits, cost.shots, cost.backend) == (0, 0, "greedy")
    assert cost.seconds > 0
    assert rng.random() == np.random.default_rng(7).random()


def test_bad_input_is_refused() -> None:
    """Widths out of range and zero shots raise an error."""
    with pytest.raises(InputError, match="width"):
        GreedySampler(23)
    with pytest.raises(InputError, match="shots"):
        drawn(GreedySampler(), knapsacks(np.random.default_rng(0)), 0)
