"""Plans of a step: groups of vehicles, their candidates, and the stored form."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lagrl.errors import InputError
from lagrl.quantum.bandit.arm_policies import Choice, PlannedCandidate, PlannedTask, StepPlan, rank
from lagrl.quantum.bandit.bandit_sampler import plan_step
from lagrl.quantum.bandit.features import PRODUCT, all_arms
from lagrl.quantum.bandit.profile import NO_CIRCUIT, ScreenedArms

ARMS = all_arms(["a", "b", "c"], placements=("line0", "line1"), families=("qaoa",), depths=(1, 2))


def screened(forbidden: tuple[str, ...] = ()) -> ScreenedArms:
    """Return all arms, some backends forbidden."""
    n = len(ARMS)
    objections = tuple("gates" if arm.backend in forbidden else "" for arm in ARMS)
    return ScreenedArms(4, ARMS, (NO_CIRCUIT,) * n, objections)


def chosen(text: str, scores: dict[str, float]) -> Choice:
    """Return a choice of an arm by its name, given the scores of some arms."""
    names = [str(arm) for arm in ARMS]
    values = np.zeros(len(ARMS))
    for name, score in scores.items():
        values[names.index(name)] = score
    return Choice(names.index(text), 0.5, values)


BEST = {"a/line0/qaoa/1": 0.9, "b/line1/qaoa/2": 0.85, "c/line0/qaoa/1": 0.5}


def test_vehicles_on_one_line_share_a_task() -> None:
    """Vehicles on one line share a task; those without a circuit have none."""
    plan = plan_step(
        {
            0: (screened(), chosen("a/line0/qaoa/1", BEST)),
            2: (screened(), chosen("product", BEST)),
            3: (screened(), chosen("a/line0/qaoa/2", BEST)),
            5: (screened(), chosen("a/line1/qaoa/1", BEST)),
        }
    )
    assert [task.vehicles for task in plan.tasks] == [(0, 3), (5,)]
    assert [str(arm) for arm in plan.tasks[0].candidates[0].arms] == ["a/line0/qaoa/1", "a/line0/qaoa/2"]
    assert [own.vehicle for own in plan.choices] == [0, 2, 3, 5]
    assert plan.choices[1].arm == PRODUCT


def test_other_backends_are_for_failures() -> None:
    """Other backends are for failures: each on its best line, in the order of expected rewards."""
    [task] = plan_step({0: (screened(), chosen("a/line0/qaoa/1", BEST))}).tasks
    assert [(own.backend, own.placement) for own in task.candidates] == [
        ("a", "line0"),
        ("b", "line1"),
        ("c", "line0"),
    ]
    assert [rank(place) for place in range(3)] == [(0, 1.0), (1, 0.5), (1, 0.25)]
    assert str(task.candidates[1].arms[0]) == "b/line1/qaoa/2"


def test_a_forbidden_backend_is_no_candidate() -> None:
    """A backend on which one of the group may not run is no candidate."""
    group = {
        0: (screened(), chosen("a/line0/qaoa/1", BEST)),
        1: (screened(("b",)), chosen("a/line0/qaoa/1", BEST)),
    }
    assert [own.backend for own in plan_step(group).tasks[0].candidates] == ["a", "c"]


def test_plans_are_read_back() -> None:
    """A plan is read back from JSON; something else is refused."""
    group = {k: (screened(), chosen("a/line0/qaoa/1", BEST)) for k in range(3)}
    plan = plan_step(group)
    plain = json.loads(json.dumps(plan.to_json()))
    assert StepPlan.from_json(plain, range(3)) == plan
    for wrong, message in (
        ({"choices": [[1]], "work": []}, r"plan\.choices\[0\]"),
        ({**plain, "choices": [[0, 3, 0.5, ""]]}, r"plan\.choices\[0\]\[1\]: 3 is not text"),
        ({**plain, "choices": [[0, "a/line9/qaoa/1", 0.5, ""]], "work": []}, "other vehicles"),
        ({**plain, "work": [{"vehicles": [7], "options": plain["work"][0]["options"]}]}, "other vehicles"),
        ({**plain, "work": [{**plain["work"][0], "options": []}]}, "other vehicles"),
        ({**plain, "work": plain["work"] * 2}, "other vehicles"),
    ):
        with pytest.raises(InputError, match=message):
            StepPlan.from_json(wrong, range(3))


def test_a_plan_of_an_earlier_version_is_read() -> None:
    """The stored form is fixed, as journals of paid jobs must stay readable."""
    stored = {
        "choices": [[0, "a/line0/qaoa/1", 0.5, "gates"], [2, "product", 0.25, ""]],
        "work": [{"vehicles": [0], "options": [["a", "line0", ["a/line0/qaoa/1"], 0, 1.0]]}],
    }
    plan = StepPlan.from_json(stored, (0, 2))
    assert [(own.vehicle, own.arm, own.propensity, own.objection) for own in plan.choices] == [
        (0, ARMS[1], 0.5, "gates"),
        (2, PRODUCT, 0.25, ""),
    ]
    assert plan.tasks == (PlannedTask((0,), (PlannedCandidate("a", "line0", (ARMS[1],)),)),)
    assert plan.to_json() == stored
