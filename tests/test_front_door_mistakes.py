"""Mistakes at the front door of lagrl: each is one line with a remedy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lagrl
from lagrl.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent


def small() -> lagrl.CVRP:
    """Read the smallest bundled instance."""
    return lagrl.read("G-n16-k3")


BAD: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "a number is read": (lambda: lagrl.read(3), InputError, r"instance: 3 given; .*lagrl\.read\('G-n51-k6'\)"),
    "an unknown rule": (lambda: lagrl.read("G-n16-k3", fleet="five"), InputError, "'five' is not a fleet rule; write"),
    "an unknown instance": (lambda: lagrl.read("G-n61-k5", data=ROOT / "docs"), UnknownNameError, "G-n61-k5"),
    "a name is solved": (lambda: lagrl.solve("x"), InputError, r"problem: 'x' given; .* lagrl\.read\('x'\)"),
    "a path is bounded": (
        lambda: lagrl.lower_bound(Path("a.vrp")),
        InputError,
        r"read it first: lagrl\.read\('a\.vrp'\)",
    ),
    "a number is linearised": (lambda: lagrl.linearise(3), InputError, "problem: 3 given; give a CVRP"),
    "an unknown seeding": (lambda: lagrl.linearise(small(), "kmean"), UnknownNameError, "did you mean 'kmeans'"),
    "an unknown keyword": (
        lambda: lagrl.solve(small(), second=3),
        UnknownNameError,
        "unknown keyword 'second'; did you mean 'seconds'?",
    ),
    "an unknown option": (
        lambda: lagrl.evaluate("G-n16-k3", seed=[1]),
        UnknownNameError,
        "unknown keyword 'seed'; did you mean 'seeds'?",
    ),
    "a wrong type": (
        lambda: lagrl.solve(small(), seconds="5"),
        InputError,
        "seconds: '5' given; give a number of seconds",
    ),
    "a name as configuration": (
        lambda: lagrl.solve(small(), "cfm"),
        InputError,
        "config: 'cfm' given; give a SolveConf",
    ),
    "one controller for all": (
        lambda: lagrl.solve(small(), controller=lagrl.controllers.Volume()),
        InputError,
        "controller: a Volume given; give its class",
    ),
    "an unknown controller": (
        lambda: lagrl.solve(small(), controller="volum"),
        UnknownNameError,
        "unknown controller 'volum'; did you mean 'volume'?",
    ),
    "a sampler's class": (
        lambda: lagrl.solve(small(), sampler=lagrl.samplers.QAOASampler),
        InputError,
        "sampler: the class QAOASampler given",
    ),
    "no solution": (lambda: lagrl.check(small(), 3), InputError, "solution: 3 given; give a Solution"),
    "arguments in another order": (
        lambda: lagrl.write_solution("mine.sol", small()),
        InputError,
        r"solution: 'mine\.sol' given; give a Solution or the result of lagrl\.solve\(\.\.\.\) first",
    ),
    "an ascent of no evaluation": (
        lambda: lagrl.ascend(lagrl.DualLoop.of(lagrl.AssignmentDual(lagrl.linearise(small()))), "cfm", 0),
        InputError,
        "budget: 0 allows nothing; give 1 or more",
    ),
    "a fraction of a unit": (
        lambda: lagrl.quantum.sample([-1.0, -2.0], [1.5, 2], 3),
        InputError,
        "knapsack: a weight or the capacity is not a whole number",
    ),
    "a knapsack without a circuit": (
        lambda: lagrl.quantum.circuit([-1.0, -2.0], [1, 2], 3),
        InputError,
        "knapsack: presolve solves it without a circuit; lower the capacity",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_reported_in_one_line_with_a_remedy(case: str, tmp_path: Path, monkeypatch: Any) -> None:
    """Typed, one line: where, what, and what to do."""
    monkeypatch.chdir(tmp_path)
    call, kind, message = BAD[case]
    with pytest.raises(kind, match=message) as caught:
        call()
    assert isinstance(caught.value, lagrl.LagrlError)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_instance_from_distances_takes_lists_and_refuses_what_is_wrong() -> None:
    """Arrays and errors are those of the instance; the depot's demand is not wanted."""
    minutes = [[0, 5, 9], [5, 0, 7], [9, 7, 0]]
    problem = lagrl.CVRP.from_distances("m", minutes, [1, 2], 3, fleet="exact:1", coordinates=[(0, 0), (1, 0), (2, 2)])
    assert problem.rounding == "explicit"
    assert problem.distance.tolist() == minutes
    assert problem.fleet == lagrl.Fleet("exact", 1)
    assert lagrl.solve(problem, evaluations=5).cost == 21.0
    for distance, demand, message in (
        (minutes, [0, 1, 2], "3 demands for 2 customers; leave out the depot's demand"),
        ([[0, 5], [6, 0]], [1], "back it is 6"),
        ([[0, 5], [5]], [1], "distance: .*give numbers, the same number of them in every row"),
        (minutes, [1.5, 2], "1.5 is not a whole number"),
        ([["a"]], [1], "distance: .*could not convert"),
    ):
        with pytest.raises(InputError, match=message):
            lagrl.CVRP.from_distances("m", distance, demand, 3)
    with pytest.raises(InputError, match="3 demands for 2 customers"):
        lagrl.CVRP.from_coordinates("m", [(0, 0), (1, 1), (2, 2)], [0, 1, 2], 3)


def test_what_is_of_the_wrong_type_is_named_with_what_makes_the_right_thing(tmp_path: Path) -> None:
    """An instance's name, a class where a name is due, a number in words: one typed error each, nothing raw."""
    problem = small()
    result = lagrl.solve(problem, evaluations=3)
    dual = lagrl.AssignmentDual(lagrl.linearise(problem))
    volume: Any = lagrl.controllers.Volume
    wrong: Any = lagrl
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: wrong.solve("G-n51-k6"), r"problem: 'G-n51-k6' given; read it first: lagrl\.read\('G-n51-k6'\)"),
        (lambda: wrong.solve(problem, controller=volume()), "controller: a Volume given; give its class"),
        (lambda: lagrl.SolveConfig(controller=volume), r"controller: .*lagrl\.solve\(problem, controller=…\)"),
        (lambda: lagrl.SolveConfig(sampler=wrong), "sampler: .*give a name"),
        (lambda: wrong.solve(problem, evaluations="3"), "evaluations: '3' given; give a whole number"),
        (lambda: wrong.solve(problem, evaluations=2.5), "evaluations: 2.5 given; give a whole number"),
        (lambda: wrong.solve(problem, seed=None), "seed: None given; give a whole number"),
        (lambda: wrong.solve(problem, seconds="1"), "seconds: '1' given; give a number"),
        (lambda: wrong.solve(problem, schedule="x"), "schedule: 'x' given"),
        (lambda: wrong.solve(problem, on_evaluation="x"), "on_evaluation: 'x' given; give a function"),
        (lambda: wrong.lower_bound(problem, seconds="1"), "seconds: '1' given"),
        (lambda: wrong.AssignmentDual(problem), r"problem: .*lagrl\.linearise\(problem\)"),
        (lambda: wrong.linearise(problem, [1, 2]), r"seeds: \[1, 2\] given; give a rule's name"),
        (lambda: wrong.DualLoop("x"), r"states: 'x' given; make the loop with lagrl\.DualLoop\.of"),
        (lambda: wrong.DualLoop.of(problem), r"dual: .*lagrl\.AssignmentDual\(lagrl\.linearise\(problem\)\)"),
        (lambda: wrong.ascend(dual, "volume", 3), r"loop: .*lagrl\.DualLoop\.of"),
        (lambda: wrong.Fleet("exact", "3"), r"fleet: '3' given; .*lagrl\.Fleet\.parse"),
        (lambda: wrong.Solution.of("x", [[1]]), "problem: 'x' given; read it first"),
        (lambda: wrong.write_instance("x", tmp_path / "x.vrp"), "problem: 'x' given; read it first"),
        (lambda: wrong.read_solution(3), "path: 3 given; give the path of a file"),
        (lambda: wrong.read_rows(["a.jsonl"]), r"paths: \['a.jsonl'\] given; give paths one by one"),
        (lambda: wrong.evaluate(3), "instances: 3 given; give paths, names"),
        (lambda: wrong.evaluate(problem, controllers=volume), "controller: .*give a name"),
        (lambda: wrong.controllers.make_controller(3), "controller: 3 given"),
        (lambda: wrong.samplers.make_sampler(3), "sampler: 3 given"),
        (
            lambda: wrong.CVRP.from_coordinates("x", [(0, 0), (1, 1)], [1], 2, rounding="floor"),
            "unknown rounding 'floor'",
        ),
        (lambda: wrong.CVRP.from_distances("x", 3, [1], 2), "distance: matrix of shape"),
    ]
    for call, message in cases:
        with pytest.raises(InputError, match=message):
            call()
    assert lagrl.solve(problem, evaluations=3.0).cost == result.cost  # a whole number as well
