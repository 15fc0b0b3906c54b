"""Schedules: what comes next, within the budget."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.errors import InputError
from lagrl.search.schedule import (
    MOVES,
    AdaptiveSchedule,
    Decision,
    History,
    Outcome,
    Schedule,
    SeedSchedule,
    schedule_of,
    split_evenly,
)
from lagrl.solve_config import SolveConfig


@given(st.integers(1, 500), st.integers(1, 40))
def test_shares_are_even_and_none_is_empty(total: int, n_lanes: int) -> None:
    """They add up, differ by one at most, and there are as many as can have one."""
    shares = split_evenly(total, n_lanes)
    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1
    assert len(shares) == min(total, n_lanes)


@settings(max_examples=200)
@given(st.integers(1, 30), st.integers(1, 300))
def test_seeds_spend_exactly_the_limit(linearisations: int, limit: int) -> None:
    """Exactly the given evaluations, over the given number of linearisations, with shares that differ by one."""
    schedule, history, shares = SeedSchedule(linearisations, limit), History(100, limit), []
    while (decision := schedule.next(history)) is not None:
        assert decision.linearisation == "seeds"
        assert history.evaluations < limit
        shares += decision.budgets
        history.evaluations += sum(decision.budgets)
        history.seeds += [("kmeans", 1.0)] * len(decision.budgets)
    assert sum(shares) == limit
    assert len(shares) == min(linearisations, limit)
    assert max(shares) - min(shares) <= 1


@settings(max_examples=100)
@given(st.integers(1, 30), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_what_solved_duals_leave_goes_to_further_seeds(linearisations: int, limit: int, seed: int) -> None:
    """Where ascents end early, others follow until the limit is spent, never beyond it."""
    rng = np.random.default_rng(seed)
    schedule, history = SeedSchedule(linearisations, limit), History(100, limit)
    while (decision := schedule.next(history)) is not None:
        used = [int(rng.integers(1, budget + 1)) for budget in decision.budgets]
        assert history.evaluations + sum(decision.budgets) <= limit
        history.evaluations += sum(used)
        history.seeds += [("kmeans", 1.0)] * len(used)
    assert history.evaluations == limit
    assert history.n_seeds >= min(linearisations, limit)


def test_by_the_clock_alone_seeds_never_end() -> None:
    """Without a limit of evaluations there is always another round, each with its share."""
    schedule, history = SeedSchedule(6, 60), History(100, None)
    for _ in range(10):
        decision = schedule.next(history)
        assert decision is not None
        assert set(decision.budgets) == {10}
        history.evaluations += sum(decision.budgets)
        history.seeds += [("kmeans", 1.0)] * len(decision.budgets)


def under_way(**changes: Any) -> History:
    """Return the history of a search that has routes."""
    fields = {
        "evaluations": 20,
        "progress": 0.1,
        "seeds": [("kmeans", 1.0), ("sweep", 2.0)],
        "has_routes": True,
    } | changes
    return History(100, 200, **fields)


def drawn(schedule: Schedule, history: History, n_draws: int) -> Counter[Decision | None]:
    """Ask again and again without telling anything new, and count the answers."""
    return Counter(schedule.next(history) for _ in range(n_draws))


def test_adaptive_begins_with_seeds() -> None:
    """The given number of ascents, cut to the limit; while none gave routes, one more each time."""
    for n_seeds in (1, 2, 5):
        schedule = AdaptiveSchedule(np.random.default_rng(0), n_seeds=n_seeds, seed_evaluations=7)
        assert schedule.next(History(100, None)) == Decision("seeds", (7,) * n_seeds)
        short = schedule.next(History(100, 3))
        assert short is not None
        assert sum(short.budgets) == min(3, 7 * n_seeds)
        assert schedule.next(under_way(has_routes=False)) == Decision("seeds", (7,))
        assert schedule.next(under_way(restarted=True)) == Decision("seeds", (7,))
        assert schedule.next(under_way(has_routes=False, evaluations=196)) == Decision("seeds", (4,))
        after = schedule.next(under_way())
        assert after is not None
        assert after.linearisation != "seeds"


@pytest.mark.parametrize("worth", ["is_best", "is_better", "is_accepted"])
def test_moves_that_pay_are_preferred(worth: str) -> None:
    """A move whose outcomes were good is drawn more and more often; one that never paid still has a chance."""
    moves = (Decision("partial", (5,), freed=5), Decision("partial", (5,), freed=9))
    schedule = AdaptiveSchedule(np.random.default_rng(0), moves=moves)
    history = under_way()
    before = drawn(schedule, history, 400)
    for _ in range(200):
        good = dict.fromkeys(("is_best", "is_better", "is_accepted"), False) | {worth: True}
        history.outcomes.append(Outcome(moves[1], 5, **good))
        history.outcomes.append(Outcome(moves[0], 5, is_best=False, is_better=False, is_accepted=False))
    after = drawn(schedule, history, 400)
    assert before[moves[0]] == pytest.approx(200, abs=50)
    assert 0 < after[moves[0]] < 80


def test_worth_is_per_evaluation() -> None:
    """Of two moves that pay alike, the one that takes fewer evaluations is preferred."""
    moves = (Decision("partial", (20,), freed=5), Decision("incumbent", (2,)))
    schedule, history = AdaptiveSchedule(np.random.default_rng(0), moves=moves), under_way()
    for _ in range(200):
        for move in moves:
            history.outcomes.append(Outcome(move, move.budgets[0], is_best=False, is_better=True, is_accepted=True))
    after = drawn(schedule, history, 400)
    assert after[moves[1]] > 3 * after[moves[0]]


def test_a_better_outcome_is_worth_more() -> None:
    """A new best over a step forward over going on from something else."""
    kinds = [(True, True, True), (False, True, True), (False, False, True)]
    moves = tuple(Decision("partial", (5,), freed=freed) for freed in (1, 2, 3))
    schedule, history = AdaptiveSchedule(np.random.default_rng(0), moves=moves), under_way()
    for _ in range(200):
        history.outcomes += [Outcome(move, 5, *kind) for move, kind in zip(moves, kinds, strict=True)]
    after = drawn(schedule, history, 1000)
    assert after[moves[0]] > after[moves[1]] > after[moves[2]] > 0


def test_without_prices_no_move_needs_them() -> None:
    """Moves from the master's prices are never drawn before there are any, however well they paid; then they are."""
    schedule, history = AdaptiveSchedule(np.random.default_rng(0)), under_way()
    by_master = {move for move in MOVES if move.prices == "master"}
    assert by_master
    for move in by_master:
        history.outcomes += [Outcome(move, 5, is_best=True, is_better=True, is_accepted=True)] * 100
    assert not set(drawn(schedule, history, 500)) & by_master
    history.has_prices = True
    assert set(drawn(schedule, history, 500)) >= by_master


@pytest.mark.parametrize("moves", [(), tuple(move for move in MOVES if move.prices == "master")])
def test_moves_that_can_never_begin_are_refused(moves: tuple[Decision, ...]) -> None:
    """The master has no prices before there was any other move."""
    with pytest.raises(InputError, match=r"moves: every move needs the master's prices; add one"):
        AdaptiveSchedule(np.random.default_rng(0), moves=moves)


def test_outcomes_of_others_teach_nothing() -> None:
    """A decision that is none of the moves is passed over."""
    history, own = under_way(), Decision("partial", (3,), freed=1)
    history.outcomes = [Outcome(own, 3, is_best=True, is_better=True, is_accepted=True)] * 9
    told, untold = (AdaptiveSchedule(np.random.default_rng(2)) for _ in range(2))
    assert drawn(told, history, 60) == drawn(untold, under_way(), 60)


def test_the_same_generator_decides_the_same() -> None:
    """Draws are the generator's alone."""
    schedules = [AdaptiveSchedule(np.random.default_rng(seed)) for seed in (3, 3, 4)]
    first, again, other = ([schedule.next(under_way()) for _ in range(30)] for schedule in schedules)
    assert first == again != other


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"linearisation": "seeds", "budgets": ()}, r"decision: budgets \(\) given for seeds; give one or more"),
        ({"linearisation": "seeds", "budgets": (5, 0)}, "each of 1 evaluation or more"),
        ({"linearisation": "incumbent", "budgets": (5, 5)}, r"budgets \(5, 5\) given for incumbent; give one,"),
        ({"linearisation": "partial", "budgets": (5,)}, "decision: 0 freed for partial"),
        ({"linearisation": "sedes", "budgets": (5,)}, "unknown linearisation 'sedes'; did you mean 'seeds'"),
        ({"linearisation": "incumbent", "budgets": (5,), "prices": "mster"}, "unknown prices 'mster'; did you mean 'm"),
        ({"linearisation": "seeds", "budgets": (5,), "seeding": "sweeps"}, "unknown seeding 'sweeps'"),
        ({"linearisation": "incumbent", "budgets": (5,), "noise": -0.1}, "decision: noise -0.1 given"),
    ],
)
def test_decisions_that_decide_nothing_are_refused(options: dict[str, Any], message: str) -> None:
    """Refused: no ascent, one without evaluations, several instead of one, no customer freed."""
    with pytest.raises(InputError, match=message):
        Decision(**options)


def test_configurations_name_their_schedule() -> None:
    """Without relinearisation there are seeds only, over the given number of linearisations."""
    assert isinstance(schedule_of(SolveConfig()), AdaptiveSchedule)
    for config in (SolveConfig(without=("relinearisation",)), SolveConfig(method="reference")):
        assert isinstance(schedule_of(config), SeedSchedule)
    asked = SolveConfig(evaluations=50, linearisations=7, without=("relinearisation",))
    seeds_only = schedule_of(asked)
    assert isinstance(seeds_only, SeedSchedule)
    assert (seeds_only.linearisations, seeds_only.evaluations) == (7, 50)
    adaptive = schedule_of(SolveConfig(linearisations=5))
    first = adaptive.next(History(100, 200))
    assert first is not None
    assert len(first.budgets) == 5
