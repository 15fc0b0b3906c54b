"""Repair of drawn strings, compared with a slow definition."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_knapsacks import knapsacks

from lagrl.errors import InputError
from lagrl.quantum.subproblems.candidates import Candidates, select_candidates


def some_candidates(seed: int, n_vehicles: int = 5, width: int = 8) -> Candidates:
    """Candidates of random knapsacks; the last is solved by presolve."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(seed), n_vehicles, 24)
    capacity[-1] = weight.sum()
    return select_candidates(reduced_cost, weight, capacity, width)


def slowly_repaired(found: Candidates, k: int, code: int) -> set[int]:
    """Return the variables carried after dropping the least efficient and adding the most efficient, one at a time."""
    m = int(found.width[k])
    efficiency = [-found.reduced_cost[k, j] / found.weight[k, j] for j in range(m)]
    carried = {j for j in range(m) if code >> j & 1}

    def load() -> int:
        return sum(int(found.weight[k, j]) for j in carried)

    while load() > found.room[k]:
        carried.remove(min(carried, key=lambda j: efficiency[j]))
    for j in sorted(set(range(m)) - carried, key=lambda j: -efficiency[j]):
        if load() + found.weight[k, j] <= found.room[k]:
            carried.add(j)
    return carried


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_repair_equals_the_slow_definition(seed: int) -> None:
    """Every code gives the same customers and their exact cost; bits above the variables are ignored."""
    found = some_candidates(seed)
    code = np.random.default_rng(seed).integers(0, 2**11, (5, 30))
    repaired, cost = found.repair(code)
    for k in range(5):
        for s in range(30):
            carried = slowly_repaired(found, k, int(code[k, s]))
            assert repaired[k, s] == sum(1 << j for j in carried)
            assert cost[k, s] == pytest.approx(sum(found.reduced_cost[k, j] for j in carried), abs=1e-9)


def test_repaired_strings_are_feasible_and_maximal() -> None:
    """Repaired strings are feasible and maximal; a second repair changes nothing; feasible strings lose no customer."""
    found = some_candidates(0)
    code = np.broadcast_to(np.arange(2**8), (5, 2**8))
    repaired, cost = found.repair(code)
    bits = (repaired[:, :, None] >> np.arange(8)) & 1
    load = (bits * found.weight[:, None]).sum(axis=2)
    left = found.room[:, None] - load
    assert (left >= 0).all()
    could = (bits == 0) & (found.item >= 0)[:, None] & (found.weight[:, None] <= left[:, :, None])
    assert not could.any()
    assert np.array_equal(found.repair(repaired)[0], repaired)
    assert np.array_equal(found.repair(repaired)[1], cost)
    own = (((code[:, :, None] >> np.arange(8)) & 1) * found.weight[:, None]).sum(axis=2)
    kept = (own <= found.room[:, None]) & (code < (1 << found.width)[:, None])
    assert (repaired[kept] & code[kept] == code[kept]).all()


def test_solved_vehicles_have_no_cost() -> None:
    """Without variables the cost is 0: fixed customers are not counted."""
    repaired, cost = some_candidates(1).repair(np.full((5, 3), 255))
    assert not repaired[-1].any()
    assert not cost[-1].any()


def test_the_best_repaired_string_is_the_optimum() -> None:
    """Over all codes the least repaired cost is that of the optimal string."""
    found = some_candidates(2)
    code = np.broadcast_to(np.arange(2**8), (5, 2**8))
    bits = (code[:, :, None] >> np.arange(8)) & 1
    fits = (bits * found.weight[:, None]).sum(axis=2) <= found.room[:, None]
    value = np.where(fits, (bits * found.reduced_cost[:, None]).sum(axis=2), np.inf)
    assert found.repair(code)[1].min(axis=1) == pytest.approx(value.min(axis=1))


def test_a_dual_step_is_repaired_within_milliseconds() -> None:
    """26 vehicles, 256 strings of 12 variables take about a third of a millisecond; ten times that is allowed here."""
    found = some_candidates(3, 26, 12)
    code = np.random.default_rng(0).integers(0, 2**12, (26, 256))
    seconds = []
    for _ in range(20):
        started = time.perf_counter()
        found.repair(code)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 3e-3


def test_codes_must_have_a_row_per_vehicle() -> None:
    """Codes without one row per vehicle raise an error."""
    with pytest.raises(InputError, match="5 vehicles"):
        some_candidates(0).repair(np.zeros((4, 2), np.int64))
