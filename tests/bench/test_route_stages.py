"""The study of a route policy's training stages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("torch")

from benchmarks.route_policy.stages import BUDGETS, Args, acting, closest, imitation, main, played, stages_table
from envs.route.action import POLICY_ACTION, next_route_multipliers
from lagrl.bounds.ascent_memory import AscentMemory
from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_features import RouteFeatures
from lagrl.bounds.route_graph import RouteGraph
from lagrl.errors import InputError
from lagrl.problems.bundled import read_bundled

if TYPE_CHECKING:
    from pathlib import Path

POLICY = "unrolled=policy:route-policy"


@pytest.fixture
def memory() -> AscentMemory:
    """An ascent of two evaluations of G-n16-k3."""
    dual = RouteDual(RouteGraph.of(read_bundled("G-n16-k3")))
    memory = AscentMemory(RouteFeatures.of(dual.graph), 5, 3)
    for share in (0.7, 1.0):
        memory.record(dual.evaluate(share * dual.first_multipliers()))
    return memory


def test_what_an_action_makes_is_represented(memory: AscentMemory) -> None:
    """The step of a random action leaves no error in its mode, and some in a narrower one."""
    action = np.random.default_rng(0).uniform(-1.0, 1.0, (16, 2))
    action[-1, 0] = 0.0
    moved = next_route_multipliers(action, memory, POLICY_ACTION)
    errors = closest((moved - memory.multipliers)[:-1] / memory.features.unit, memory)
    assert errors["diagonal+momentum"] == pytest.approx(0.0, abs=1e-20)
    assert errors["diagonal"] > 0.0
    assert closest(np.zeros(15), memory)["direction"] == 0.0


def test_actors_start_alike_and_bound_the_optimum() -> None:
    """All but rules with another start begin at the shipped start; every value is a bound, and routes cost no less."""
    problem = read_bundled("G-n16-k3")
    rows = {actor: played(problem, actor, 5) for actor in (POLICY, "zero", "random", "cfm@learned", "cfm@linear")}
    firsts = [row["first"] for row in rows.values()]
    assert len(set(firsts[:4])) == 1
    assert firsts[4] != firsts[0]
    for row in rows.values():
        assert row["first"] <= row["value"] <= 5098 <= row["route_cost"]
    assert rows["zero"] != rows["random"]
    searched = played(problem, "bundle@search", 8)
    assert searched["value"] <= 5098
    assert "route_cost" not in searched


def test_an_actor_without_a_path_is_refused(memory: AscentMemory) -> None:
    """The message names the option."""
    with pytest.raises(InputError, match="--actors"):
        acting("ppo", memory)


def test_imitation_compares_steps() -> None:
    """A rule's steps have a length; the widest mode leaves least of it."""
    found = imitation(read_bundled("G-n16-k3"), POLICY, "cfm")
    assert found["step"] > 0
    assert found["modes"]["diagonal+momentum"] <= min(found["modes"].values())


def row(actor: str, instance: str, budget: int, value: float) -> dict[str, Any]:
    """A row of an episode."""
    return {
        "actor": actor,
        "instance": instance,
        "budget": budget,
        "value": value,
        "route_cost": 110.0,
        "savings_cost": 100.0,
    }


def test_the_table_has_gaps_and_differences() -> None:
    """Gaps are means over instances that all actors have, and differences are paired."""
    rows = [row("unrolled", name, budget, 90.0) for name in "abc" for budget in BUDGETS]
    rows += [row("zero", name, budget, 80.0) for name in "ab" for budget in BUDGETS]
    table = stages_table(rows, dict.fromkeys("abc", 100.0), "generated")
    assert "generated, 2 instances" in table
    assert "| unrolled | 10.00 | 10.00 | 10.00 | 10.00 | 110.00 |" in table
    assert "20.00 [+10.00, +10.00]" in table


def test_without_unrolled_steps_the_first_actor_is_compared_with() -> None:
    """The title names it, and its own line has no interval."""
    rows = [row(actor, name, 5, value) for actor, value in (("rule", 90.0), ("zero", 80.0)) for name in "ab"]
    table = stages_table(rows, dict.fromkeys("ab", 100.0), "generated")
    assert "difference to `rule`" in table
    assert "| rule | 10.00 | — |" in table
    assert "| zero | 20.00 [+10.00, +10.00] |" in table


def test_rows_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repeated call adds nothing; the rows say who acted."""
    monkeypatch.setattr("benchmarks.route_policy.stages._GENERATED", 1)
    monkeypatch.setattr("benchmarks.route_policy.stages._CUSTOMERS", (8, 8))
    monkeypatch.setattr("benchmarks.route_policy.stages.BUDGETS", (2, 3))
    out = tmp_path / "rows.jsonl"
    for _ in range(2):
        main(Args(actors=("zero",), out=out))
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(found["actor"], found["budget"]) for found in rows] == [("zero", 2), ("zero", 3)]
