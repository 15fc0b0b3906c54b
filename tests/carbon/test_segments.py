"""Placements in segments: the kernels against enumeration, and the bound against every placement."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.carbon.brute_force import solve_brute_force
from lagrl.carbon.divisible import divisible_prices
from lagrl.carbon.grid import fewest_transfers
from lagrl.carbon.lagrangian import solve_lagrangian
from lagrl.carbon.placement_dual import PlacementDual
from lagrl.carbon.segment_kernels import best_segments, least_chain
from lagrl.errors import InstanceError
from lagrl.problems.carbon.placement_problem import PlacementProblem
from lagrl.problems.carbon.synthetic import generate_carbon


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.floats(0.3, 1.2))
def test_segments_are_optimal(seed: int, layers: int, devices: int, most: int, room: float) -> None:
    """The least cost is that of all placements with one segment a device, and the labels have it."""
    rng = np.random.default_rng(seed)
    cost, transfer, gb = rng.normal(size=(layers, devices)), rng.random(layers - 1), rng.uniform(0.5, 1.5, layers)
    device_gb = np.full(devices, room * gb.sum())
    worth = {}
    for placed in product(range(devices), repeat=layers):
        segments = [device for device, _ in groupby(placed)]
        used = np.bincount(placed, weights=gb, minlength=devices)
        if len(segments) == len(set(segments)) <= most and (used <= device_gb).all():
            worth[placed] = cost[np.arange(layers), placed].sum() + transfer[np.diff(placed) != 0].sum()
    labels = np.zeros(layers, np.int64)
    least = best_segments(cost, transfer, gb, device_gb, most, labels)
    if not worth:
        assert least == np.inf
        return
    assert least == pytest.approx(min(worth.values()))
    assert worth[tuple(labels.tolist())] == pytest.approx(least)


@pytest.mark.parametrize("transfers", range(4))
def test_chain_counts_transfers(transfers: int) -> None:
    """The bound is at most the least cost with that many transfers, and equal where no transfer has to be counted."""
    rng = np.random.default_rng(transfers)
    cost, transfer = rng.random((5, 2)), rng.random(4)
    worth = [
        cost[np.arange(5), placed].sum() + transfer[np.diff(placed) != 0].sum()
        for placed in product(range(2), repeat=5)
        if (np.diff(placed) != 0).sum() >= transfers
    ]
    bound = least_chain(cost, transfer, transfers)
    assert bound <= min(worth) + 1e-12
    assert bound >= least_chain(cost, transfer, 0)
    if transfers == 0:
        assert bound == pytest.approx(min(worth))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 2), st.integers(2, 4), st.floats(0.4, 0.9), st.floats(0, 4))
def test_bound_in_segments_is_valid(seed: int, hours: int, layers: int, room: float, price: float) -> None:
    """At random prices and after some sweeps, no placement that fits costs less."""
    rng = np.random.default_rng(seed)
    gb, ms = rng.uniform(0.5, 1.5, layers), np.zeros((layers, 3))
    costs = rng.uniform(0, 10, (hours, layers, 3)), rng.uniform(0, 6, (hours, layers - 1))
    problem = PlacementProblem(*costs, rng.uniform(0, 6, (hours - 1, layers)), gb, np.full(3, room * gb.sum()), ms)
    try:
        best = solve_brute_force(problem).emissions_g
    except InstanceError:
        return
    dual = PlacementDual(problem)
    for _ in range(2):
        per_gb = price * rng.random((hours, 3))
        dual.evaluate(np.append(per_gb.ravel(), np.zeros(hours)))
        assert dual.grid.bound_in_segments(problem.running_g, problem.transfer_g, per_gb) <= best + 1e-7


def test_large_days_are_optimal_at_once() -> None:
    """Without limits 500 layers on five devices are proven optimal by the first evaluation."""
    problem = generate_carbon(np.random.default_rng([1, 500, 5]), n_layers=500, n_devices=5).problem()
    found = solve_lagrangian(problem, evaluations=1)
    assert found.gap_percent == pytest.approx(0.0, abs=1e-9)
    assert (found.placement[1:] != found.placement[:-1]).any()  # not a case without moves


@pytest.mark.parametrize(("layers", "devices", "memory"), [(100, 3, 0.5), (200, 4, 0.4), (500, 5, 0.5)])
def test_memory_leaves_a_tenth_of_a_percent(layers: int, devices: int, memory: float) -> None:
    """With memory the first evaluation proves 0.1 %, and its prices do most of that."""
    rng = np.random.default_rng([1, layers, devices])
    problem = generate_carbon(rng, n_layers=layers, n_devices=devices, memory=memory).problem()
    found = solve_lagrangian(problem, evaluations=1)
    assert problem.is_feasible(found.placement)
    assert found.gap_percent is not None
    assert found.gap_percent < 0.1
    prices = divisible_prices(problem, transfers=fewest_transfers(problem))
    free, priced = (PlacementDual(problem).evaluate(factor * prices).value for factor in (0.0, 1.0))
    assert free is not None
    assert priced is not None
    assert priced > free


def test_prices_of_limits_that_no_division_meets_are_zero() -> None:
    """A programme without a solution gives no prices."""
    ones = np.ones((2, 3, 2)), np.ones((2, 2)), np.ones((1, 3))
    problem = PlacementProblem(*ones, np.ones(3), np.full(2, 2.0), np.ones((3, 2)), hop_ms=1.0, limit_ms=3.5)
    assert not divisible_prices(problem, transfers=1).any()
