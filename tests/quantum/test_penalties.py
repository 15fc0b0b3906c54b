"""The tilted penalty: its definition, its target, its scale, its padding."""

from __future__ import annotations

import numpy as np
import pytest
from small_knapsacks import knapsacks, strings

from lagrl.errors import InputError
from lagrl.quantum.candidates import Candidates, select_candidates
from lagrl.quantum.penalties import TiltedPenalty, target_loads, tilted_qubos


def some_candidates(seed: int = 0) -> Candidates:
    """Candidates of six knapsacks of differing widths; the last is solved by presolve."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(seed), 6, 24)
    reduced_cost[0, 6:] = 1.0
    capacity[0] = weight[reduced_cost[0] < 0].sum() - 1
    capacity[-1] = weight.sum()
    found = select_candidates(reduced_cost, weight, capacity, 8)
    assert len(set(found.width.tolist())) > 2
    assert found.width[-1] == 0
    return found


@pytest.mark.parametrize("penalty", [TiltedPenalty(), TiltedPenalty(100.0, 0.5), TiltedPenalty(7.0, 1.0)])
def test_energies_are_cost_and_squared_distance_from_the_target(penalty: TiltedPenalty) -> None:
    """E = Σ ã y / mean|ã| + ρ ((d·y − T)²/room² − (1 − T/room)²): completing the square of ρ (r² + s r)."""
    found = some_candidates()
    target = target_loads(found, penalty.fill)
    problems = tilted_qubos(found, penalty)
    for k in np.flatnonzero(found.width):
        m = found.width[k]
        y, cost, room = strings(m), found.reduced_cost[k, :m], found.room[k]
        miss = (y @ found.weight[k, :m] - target[k]) / room
        square = penalty.strength * (miss**2 - (1 - target[k] / room) ** 2)
        assert problems.qubo(k).energies() == pytest.approx(y @ cost / np.abs(cost).mean() + square)


def test_targets_can_be_reached_and_fit() -> None:
    """0 < T ≤ min(room, Σ d), from greedy's load to the room."""
    found = some_candidates()
    open_ones = found.width > 0
    for fill in (0.0, 0.3, 1.0):
        target = target_loads(found, fill)[open_ones]
        assert (target > 0).all()
        assert (target <= np.minimum(found.room, found.weight.sum(axis=1))[open_ones]).all()
    assert np.array_equal(target_loads(found, 0.0), found.greedy_load)
    assert np.array_equal(target_loads(found, 1.0), found.room)


def test_units_do_not_matter() -> None:
    """Costs in other units of distance, and demands in other units of load, give the same QUBOs."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(4), 3, 20)
    one = tilted_qubos(select_candidates(reduced_cost, weight, capacity, 8), TiltedPenalty())
    other = tilted_qubos(select_candidates(100 * reduced_cost, 8 * weight, 8 * capacity, 8), TiltedPenalty())
    assert other.linear == pytest.approx(one.linear)
    assert other.quadratic == pytest.approx(one.quadratic)


def test_scales_are_the_ising_forms() -> None:
    """The batched σ is each problem's own; solved vehicles have all-zero problems and the harmless scale 1."""
    problems = tilted_qubos(some_candidates(), TiltedPenalty())
    for k in np.flatnonzero(problems.width):
        assert problems.scale[k] == pytest.approx(problems.qubo(k).to_ising().scale)
    assert not problems.linear[-1].any()
    assert not problems.quadratic[-1].any()
    assert (problems.offset[-1], problems.scale[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("wrong", [{"strength": -1.0}, {"strength": np.inf}, {"fill": -0.1}, {"fill": 1.1}])
def test_penalties_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    """The message names the parameter."""
    with pytest.raises(InputError, match=next(iter(wrong))):
        TiltedPenalty(**wrong)
