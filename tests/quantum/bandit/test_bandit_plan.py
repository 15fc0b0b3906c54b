"""Plans of a step: who goes together, where else they may go, and the way through a file."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lagrl.errors import InputError
from lagrl.quantum.bandit.arm_policies import Choice
from lagrl.quantum.bandit.arms import PRODUCT, all_arms
from lagrl.quantum.bandit.features import BackendContext
from lagrl.quantum.bandit.plan import StepPlan, plan_step
from lagrl.quantum.bandit.profile import NO_CIRCUIT
from lagrl.quantum.bandit.screening import ScreenedArms

ARMS = all_arms(["a", "b", "c"], placements=("line0", "line1"), families=("qaoa",), depths=(1, 2))


def screened(forbidden: tuple[str, ...] = ()) -> ScreenedArms:
    """Return all arms, of which some backends may not run."""
    n = len(ARMS)
    objections = tuple("gates" if arm.backend in forbidden else "" for arm in ARMS)
    return ScreenedArms(4, ARMS, (NO_CIRCUIT,) * n, (BackendContext(),) * n, objections)


def chosen(text: str, scores: dict[str, float], *, is_by_lot: bool = False) -> Choice:
    """Return a choice of an arm, where these arms have scores above 0."""
    names = [str(arm) for arm in ARMS]
    values = np.zeros(len(ARMS))
    for name, score in scores.items():
        values[names.index(name)] = score
    order = np.argsort(-values, kind="stable")
    return Choice(names.index(text), 0.5, order, values, is_by_lot)


BEST = {"a/line0/qaoa/1": 0.9, "b/line1/qaoa/2": 0.85, "c/line0/qaoa/1": 0.5}


def test_vehicles_of_one_place_go_together() -> None:
    """Others have work of their own; who has no circuit has none."""
    plan = plan_step(
        {
            0: (screened(), chosen("a/line0/qaoa/1", BEST)),
            2: (screened(), chosen("product", BEST)),
            3: (screened(), chosen("a/line0/qaoa/2", BEST)),
            5: (screened(), chosen("a/line1/qaoa/1", BEST)),
        }
    )
    assert [piece.vehicles for piece in plan.work] == [(0, 3), (5,)]
    assert [str(arm) for arm in plan.work[0].options[0].arms] == ["a/line0/qaoa/1", "a/line0/qaoa/2"]
    assert [own.vehicle for own in plan.choices] == [0, 2, 3, 5]
    assert plan.choices[1].arm == PRODUCT


def test_jobs_are_no_larger_than_allowed() -> None:
    """The last one may be smaller."""
    group = {k: (screened(), chosen("a/line0/qaoa/1", BEST)) for k in range(5)}
    assert [piece.vehicles for piece in plan_step(group, most_per_job=2).work] == [(0, 1), (2, 3), (4,)]


def test_other_backends_are_for_failures() -> None:
    """Each by its best place, in the order of what they promise, and the chosen one before all."""
    [piece] = plan_step({0: (screened(), chosen("a/line0/qaoa/1", BEST))}).work
    assert [(own.backend, own.placement, own.tier) for own in piece.options] == [
        ("a", "line0", 0),
        ("b", "line1", 1),
        ("c", "line0", 1),
    ]
    assert piece.options[1].priority > piece.options[2].priority
    assert str(piece.options[1].arms[0]) == "b/line1/qaoa/2"


def test_what_may_not_run_is_no_option() -> None:
    """Nor is a backend that has no circuit for one of the group."""
    group = {
        0: (screened(), chosen("a/line0/qaoa/1", BEST)),
        1: (screened(("b",)), chosen("a/line0/qaoa/1", BEST)),
    }
    assert [own.backend for own in plan_step(group).work[0].options] == ["a", "c"]


def test_a_spread_lets_work_go_where_it_is_answered_earlier() -> None:
    """As far as little is lost; what was drawn by lot stays, or its propensity would be wrong."""
    [piece] = plan_step({0: (screened(), chosen("a/line0/qaoa/1", BEST))}, spread=0.1).work
    assert {own.backend: own.tier for own in piece.options} == {"a": 0, "b": 0, "c": 1}
    assert 0.5 <= piece.options[1].priority < piece.options[0].priority
    lot = chosen("a/line0/qaoa/1", BEST, is_by_lot=True)
    [piece] = plan_step({0: (screened(), lot)}, spread=0.1).work
    assert {own.backend: own.tier for own in piece.options} == {"a": 0, "b": 1, "c": 1}


def test_plans_go_through_a_file() -> None:
    """And something else is refused."""
    group = {k: (screened(), chosen("a/line0/qaoa/1", BEST)) for k in range(3)}
    plan = plan_step(group, spread=0.1)
    assert StepPlan.of(json.loads(json.dumps(plan.plain()))) == plan
    with pytest.raises(InputError, match="no plan of a step"):
        StepPlan.of({"choices": [[1]], "work": []})
