"""Slack bits give exactly the slacks from 0 to the room, and ground states are the knapsack's optimum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_knapsacks import knapsacks, strings

from lagrl.errors import InputError
from lagrl.quantum.subproblems.candidates import Candidates, select_candidates
from lagrl.quantum.subproblems.penalties import mean_costs
from lagrl.quantum.subproblems.slack import SlackPenalty, reduced_loads, slack_bits, slack_coefficients


def small_candidates(seed: int, width: int = 6, divisor: int = 1, room: float = 0.4) -> Candidates:
    """Candidates of four knapsacks with weights 1 … 9 times a common divisor; the last is solved by presolve."""
    rng = np.random.default_rng(seed)
    reduced_cost, _, _ = knapsacks(rng, 4, 14)
    weight = rng.integers(1, 10, 14)
    wanted = ((reduced_cost < 0) * weight).sum(axis=1)
    capacity = np.maximum((divisor * room * wanted).astype(np.int64), divisor)
    capacity[-1] = divisor * weight.sum()
    return select_candidates(reduced_cost, divisor * weight, capacity, width)


@pytest.mark.parametrize("room", [*range(40), 100, 127, 128, 1816])
def test_slack_bits_make_every_slack_and_no_other(room: int) -> None:
    """The subsets of the ⌈log₂(R + 1)⌉ coefficients sum to exactly 0 … R."""
    coefficients = slack_coefficients(room)
    assert len(coefficients) == slack_bits(np.array([room]))[0] == int(np.ceil(np.log2(room + 1)))
    assert set((strings(len(coefficients)) @ coefficients).tolist()) == set(range(room + 1))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), divisor=st.integers(1, 30))
def test_the_least_penalty_is_zero_just_where_a_string_fits(seed: int, divisor: int) -> None:
    """The least penalty over all slacks is 0 if the load fits, and at least ρ/R² otherwise."""
    found = small_candidates(seed, divisor=divisor)
    problems = SlackPenalty(50.0).qubos(found)
    _, room = reduced_loads(found)
    for k in np.flatnonzero(found.width):
        m = found.width[k]
        y = strings(m)
        energy = problems.qubo(k).energies().reshape(-1, 2**m)  # slack bits are the high ones
        penalty = (energy - y @ found.reduced_cost[k, :m] / mean_costs(found)[k]).min(axis=0)
        fits = y @ found.weight[k, :m] <= found.room[k]
        assert 0 < fits.sum() < len(fits)
        assert penalty[fits] == pytest.approx(0.0, abs=1e-9)
        assert (penalty[~fits] >= 50.0 / room[k] ** 2 - 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_ground_states_are_optimal_at_a_strength_above_m_r2(seed: int) -> None:
    """At ρ = m R² the low bits of the ground state are the optimal string."""
    found = small_candidates(seed)
    strength = float((found.width * reduced_loads(found)[1] ** 2).max())
    problems = SlackPenalty(strength).qubos(found)
    for k in np.flatnonzero(found.width):
        m = found.width[k]
        y = strings(m)
        value = np.where(y @ found.weight[k, :m] <= found.room[k], y @ found.reduced_cost[k, :m], np.inf)
        ground = int(problems.qubo(k).energies().argmin()) & (2**m - 1)
        assert value[ground] == pytest.approx(value.min())


def test_weak_penalties_overload() -> None:
    """With a small strength some ground states are too heavy."""
    found = small_candidates(3)
    problems = SlackPenalty(0.1).qubos(found)
    overloaded = []
    for k in np.flatnonzero(found.width):
        m = found.width[k]
        ground = strings(m)[int(problems.qubo(k).energies().argmin()) & (2**m - 1)]
        overloaded.append(ground @ found.weight[k, :m] > found.room[k])
    assert any(overloaded)


def test_a_common_divisor_needs_no_bits() -> None:
    """Weights in other units give the same QUBOs, although the room is 25 times as large."""
    one, other = (SlackPenalty().qubos(small_candidates(4, divisor=divisor)) for divisor in (1, 25))
    assert np.array_equal(one.width, other.width)
    assert one.linear == pytest.approx(other.linear)
    assert one.quadratic == pytest.approx(other.quadratic)


def test_widths_count_variables_and_slack_bits() -> None:
    """Variables come first, then slack bits, then padding; solved vehicles have neither."""
    found = small_candidates(5, width=7)
    problems = SlackPenalty().qubos(found)
    _, room = reduced_loads(found)
    is_open = found.width > 0
    assert np.array_equal(problems.width, np.where(is_open, found.width + slack_bits(room), 0))
    assert problems.width[-1] == 0
    assert problems.linear.shape[1] >= problems.width.max()
    for k, width in enumerate(problems.width):
        assert problems.linear[k, :width].all()
        assert not problems.linear[k, width:].any()


def test_strings_of_slack_problems_read_as_variables() -> None:
    """`Candidates.strings` reads only the low bits of codes with slack bits."""
    found = small_candidates(6)
    width = found.width[:, None]
    code = np.random.default_rng(0).integers(0, 2**10, (4, 9))
    assert np.array_equal(found.strings(code), found.strings(code & ((1 << width) - 1)))


def test_too_many_bits_are_refused() -> None:
    """The error names the vehicle, both numbers of bits, and an allowed width."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(0), 3, 40)
    capacity[1] = weight[reduced_cost[1] < 0].sum() - 1
    found = select_candidates(reduced_cost, weight, capacity, 22)
    with pytest.raises(InputError, match=r"vehicle \d has \d+ variables and \d+ slack bits.*width of at most \d+"):
        SlackPenalty().qubos(found)


def test_a_negative_strength_is_refused() -> None:
    """A negative strength raises an error."""
    with pytest.raises(InputError, match="strength"):
        SlackPenalty(-1.0)
