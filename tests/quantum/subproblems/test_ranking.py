"""Repair and CVaR, held against slow definitions."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_knapsacks import knapsacks

from lagrl.errors import InputError
from lagrl.quantum.subproblems.candidates import Candidates, select_candidates
from lagrl.quantum.subproblems.codes import count_codes
from lagrl.quantum.subproblems.ranking import cvar, repair, repaired_codes, repaired_costs


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
def test_repair_is_the_slow_one(seed: int) -> None:
    """Every code of every vehicle: the same customers, and their exact cost; bits above the variables are ignored."""
    found = some_candidates(seed)
    code = np.random.default_rng(seed).integers(0, 2**11, (5, 30))
    repaired, cost = repair(found, code)
    for k in range(5):
        for s in range(30):
            carried = slowly_repaired(found, k, int(code[k, s]))
            assert repaired[k, s] == sum(1 << j for j in carried)
            assert cost[k, s] == pytest.approx(sum(found.reduced_cost[k, j] for j in carried), abs=1e-9)


def test_repaired_strings_fit_are_maximal_and_stay() -> None:
    """No overload, nothing left over would fit, repairing twice changes nothing, and what fits only grows."""
    found = some_candidates(0)
    code = np.broadcast_to(np.arange(2**8), (5, 2**8))
    repaired, cost = repair(found, code)
    bits = (repaired[:, :, None] >> np.arange(8)) & 1
    load = (bits * found.weight[:, None]).sum(axis=2)
    left = found.room[:, None] - load
    assert (left >= 0).all()
    could = (bits == 0) & (found.item >= 0)[:, None] & (found.weight[:, None] <= left[:, :, None])
    assert not could.any()
    assert np.array_equal(repaired_codes(found, repaired), repaired)
    assert np.array_equal(repaired_costs(found, repaired), cost)
    own = (((code[:, :, None] >> np.arange(8)) & 1) * found.weight[:, None]).sum(axis=2)
    kept = (own <= found.room[:, None]) & (code < (1 << found.width)[:, None])
    assert (repaired[kept] & code[kept] == code[kept]).all()


def test_solved_vehicles_cost_nothing_more() -> None:
    """No variables, no cost: what is carried for sure is not counted."""
    repaired, cost = repair(some_candidates(1), np.full((5, 3), 255))
    assert not repaired[-1].any()
    assert not cost[-1].any()


def test_the_best_repaired_string_is_the_optimum() -> None:
    """Over all codes the least repaired cost is the best filling of the variables' room."""
    found = some_candidates(2)
    code = np.broadcast_to(np.arange(2**8), (5, 2**8))
    bits = (code[:, :, None] >> np.arange(8)) & 1
    fits = (bits * found.weight[:, None]).sum(axis=2) <= found.room[:, None]
    value = np.where(fits, (bits * found.reduced_cost[:, None]).sum(axis=2), np.inf)
    assert repaired_costs(found, code).min(axis=1) == pytest.approx(value.min(axis=1))


def test_a_dual_step_is_ranked_within_milliseconds() -> None:
    """26 vehicles, 256 strings of 12 variables: about a third of a millisecond; ten times that is allowed here."""
    found = some_candidates(3, 26, 12)
    code = np.random.default_rng(0).integers(0, 2**12, (26, 256))
    seconds = []
    for _ in range(20):
        started = time.perf_counter()
        repair(found, code)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 3e-3


def test_codes_without_vehicles_are_refused() -> None:
    """One row per vehicle."""
    with pytest.raises(InputError, match="5 vehicles"):
        repair(some_candidates(0), np.zeros((4, 2), np.int64))


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32), alpha=st.floats(0.001, 1.0))
def test_cvar_is_the_mean_of_the_best_shots(seed: int, alpha: float) -> None:
    """Shots written out, in order of cost, each divided into 1000 parts: the mean of the first α of the parts."""
    rng = np.random.default_rng(seed)
    alpha = max(round(alpha, 3), 0.001)
    cost, count = rng.normal(size=(3, 6)), rng.integers(0, 4, (3, 6))
    count[:, 0] += 1
    cost[count == 0] = np.inf
    found = cvar(cost, count, alpha)
    for k in range(3):
        shots = np.sort(np.repeat(cost[k], count[k]))
        parts = np.repeat(shots, 1000)
        assert found[k] == pytest.approx(parts[: round(alpha * len(parts))].mean())


def test_cvar_goes_from_the_best_to_the_mean() -> None:
    """α → 0 is the least cost, α = 1 the mean; in between it is continuous and ascends."""
    cost, count = np.array([[3.0, -1.0, 7.0]]), np.array([[2, 1, 1]])
    assert cvar(cost, count, 1e-9)[0] == pytest.approx(-1.0)
    assert cvar(cost, count, 1.0)[0] == pytest.approx(3.0)
    assert cvar(cost, count, 0.375)[0] == pytest.approx((-1.0 + 0.5 * 3.0) / 1.5)
    values = [float(cvar(cost, count, alpha)[0]) for alpha in np.linspace(0.01, 1, 50)]
    assert values == sorted(values)


@pytest.mark.parametrize("alpha", [0.0, -0.1, 1.1, np.nan])
def test_shares_that_make_no_sense_are_refused(alpha: float) -> None:
    """The message names it."""
    with pytest.raises(InputError, match="alpha"):
        cvar(np.zeros((1, 1)), np.ones((1, 1), np.int64), alpha)


def test_rows_without_shots_are_refused() -> None:
    """There is no mean of nothing."""
    with pytest.raises(InputError, match="without shots"):
        cvar(np.zeros((2, 2)), np.array([[1, 0], [0, 0]]), 0.5)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_equal_codes_are_counted_together(seed: int) -> None:
    """Distinct, ascending, padded at the end; of low bits only if a width is given; dropped where the count is 0."""
    rng = np.random.default_rng(seed)
    code, count, width = rng.integers(0, 32, (4, 12)), rng.integers(0, 3, (4, 12)), np.array([5, 3, 0, 4])
    count[:, 0] += 1
    found, total = count_codes(code, count, width)
    for k in range(4):
        seen: dict[int, int] = {}
        for value, times in zip(code[k], count[k], strict=True):
            if times:
                key = int(value) & (2 ** int(width[k]) - 1)
                seen[key] = seen.get(key, 0) + int(times)
        used = total[k] > 0
        assert dict(zip(found[k, used].tolist(), total[k, used].tolist(), strict=True)) == seen
        assert found[k, used].tolist() == sorted(seen)
        assert not used[len(seen) :].any()
    once = count_codes(code)
    assert (once[1].sum(axis=1) == 12).all()
