"""The tilted penalty: its definition, its target, its scale, its padding."""

from __future__ import annotations

import numpy as np
import pytest
from small_knapsacks import knapsacks, strings

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.subproblems.candidates import Candidates, select_candidates
from lagrl.quantum.subproblems.penalties import (
    Penalty,
    TiltedPenalty,
    UnbalancedPenalty,
    make_penalty,
    mean_costs,
    target_loads,
)
from lagrl.quantum.subproblems.slack import SlackPenalty


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
    problems = penalty.qubos(found)
    for k in np.flatnonzero(found.width):
        m = found.width[k]
        y, cost, room = strings(m), found.reduced_cost[k, :m], found.room[k]
        miss = (y @ found.weight[k, :m] - target[k]) / room
        square = penalty.strength * (miss**2 - (1 - target[k] / room) ** 2)
        assert problems.qubo(k).energies() == pytest.approx(y @ cost / np.abs(cost).mean() + square)


def test_targets_can_be_reached_and_fit() -> None:
    """The target load is in 0 < T ≤ min(room, Σ d), from greedy's load to the room."""
    found = some_candidates()
    open_ones = found.width > 0
    for fill in (0.0, 0.3, 1.0):
        target = target_loads(found, fill)[open_ones]
        assert (target > 0).all()
        assert (target <= np.minimum(found.room, found.weight.sum(axis=1))[open_ones]).all()
    assert np.array_equal(target_loads(found, 0.0), found.greedy_load)
    assert np.array_equal(target_loads(found, 1.0), found.room)


def test_an_aimed_penalty_finds_its_target() -> None:
    """A correction for the pull of the costs moves ground states closer to T, and makes more of them feasible."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(1), 40, 40)
    found = select_candidates(reduced_cost, weight, capacity, 10)
    target = target_loads(found, 0.5)
    missed, fits = {}, {}
    for aimed in (False, True):
        problems = TiltedPenalty(10.0, 0.5, is_aimed=aimed).qubos(found)
        ground = [strings(m)[problems.qubo(k).energies().argmin()] for k, m in enumerate(found.width)]
        load = np.array([y @ found.weight[k, : len(y)] for k, y in enumerate(ground)])
        missed[aimed] = np.abs(load - target).mean()
        fits[aimed] = (load <= found.room).mean()
    assert missed[True] < 0.5 * missed[False]
    assert fits[True] > fits[False]


def test_aiming_is_a_tilt() -> None:
    """An aimed penalty is a plain one whose s is larger by e_stop·room/(ρ mean|ã|)."""
    found = some_candidates()
    plain, aimed = TiltedPenalty(20.0, 0.3), TiltedPenalty(20.0, 0.3, is_aimed=True)
    pull = found.stop * found.room / (20.0 * mean_costs(found))
    assert aimed.tilts(found) == pytest.approx(plain.tilts(found) + pull)


@pytest.mark.parametrize(
    ("name", "kind"), [("tilted", TiltedPenalty), ("unbalanced", UnbalancedPenalty), ("slack", SlackPenalty)]
)
def test_penalties_are_made_by_name(name: str, kind: type) -> None:
    """Each name makes a `Penalty`; a strength changes the squared load, not the target."""
    penalty, strong = make_penalty(name), make_penalty(name, 77.0)
    assert isinstance(penalty, kind)
    assert isinstance(penalty, Penalty)
    assert getattr(strong, "quadratic" if name == "unbalanced" else "strength") == 77.0
    if isinstance(penalty, UnbalancedPenalty):
        assert isinstance(strong, UnbalancedPenalty)
        assert strong.target == pytest.approx(penalty.target)


def test_unknown_penalties_raise_an_error() -> None:
    """An unknown penalty raises an error with the nearest name."""
    with pytest.raises(UnknownNameError, match=r"did you mean 'tilted'\? known: slack, tilted, unbalanced"):
        make_penalty("titled")


def test_the_fill_moves_the_target() -> None:
    """The least penalty moves from greedy's load to the room as the fill goes from 0 to 1."""
    found = some_candidates()
    k = int(found.width.argmax())
    y = strings(found.width[k])
    load, cost = y @ found.weight[k, : found.width[k]], y @ found.reduced_cost[k, : found.width[k]]
    best = []
    for fill in (0.0, 1.0):
        penalty = TiltedPenalty(1000.0, fill).qubos(found).qubo(k).energies() - cost / mean_costs(found)[k]
        best.append(load[penalty.argmin()])
    assert best[0] == found.greedy_load[k]
    assert abs(best[-1] - found.room[k]) == np.abs(load - found.room[k]).min()


def test_units_do_not_matter() -> None:
    """Costs in other units of distance, and demands in other units of load, give the same QUBOs."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(4), 3, 20)
    one = TiltedPenalty().qubos(select_candidates(reduced_cost, weight, capacity, 8))
    other = TiltedPenalty().qubos(select_candidates(100 * reduced_cost, 8 * weight, 8 * capacity, 8))
    assert other.linear == pytest.approx(one.linear)
    assert other.quadratic == pytest.approx(one.quadratic)


def test_solved_vehicles_have_empty_problems() -> None:
    """The QUBO of a solved vehicle is all zero, offset included."""
    problems = TiltedPenalty().qubos(some_candidates())
    assert not problems.linear[-1].any()
    assert not problems.quadratic[-1].any()
    assert problems.offset[-1] == 0.0


@pytest.mark.parametrize("wrong", [{"strength": -1.0}, {"strength": np.inf}, {"fill": -0.1}, {"fill": 1.1}])
def test_parameters_out_of_range_raise_errors(wrong: dict[str, float]) -> None:
    """A parameter out of range raises an error that names it."""
    with pytest.raises(InputError, match=next(iter(wrong))):
        TiltedPenalty(**wrong)
