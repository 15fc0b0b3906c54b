"""The study of route policies: its ascents, and the figures of its tables."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.route_policy import routes
from benchmarks.route_policy.ascents import ascend, checkpoints
from benchmarks.route_policy.cards import record
from benchmarks.route_policy.gaps import Gaps, difference, ratio, shown
from benchmarks.route_policy.generated import class_of, of_classes
from benchmarks.route_policy.tables import all_tables
from lagrl.bounds import bound as bound_module
from lagrl.bounds.bound import route_controller
from lagrl.bounds.learned_ascent import LearnedAscent
from lagrl.bounds.route_ascent import ascend_route_dual
from lagrl.bounds.route_checkpoint import load_route_policy, save_route_policy
from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_graph import RouteGraph
from lagrl.errors import InputError, UnknownNameError
from lagrl.problems.generate import generate

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.problems.cvrp import CVRP
    from lagrl.solve_config import SolveConfig

GRAPH = RouteGraph.of(generate(15, seed=4))
POLICY = {"p": load_route_policy()}


def value(method: str, budget: int) -> float:
    return ascend(method, GRAPH, budget, POLICY)[0]


def value_at(multipliers: np.ndarray) -> float:
    return RouteDual(GRAPH).evaluate(multipliers).sampled_value


def test_whole_methods_are_those_of_the_bound() -> None:
    """A rule alone and a policy alone have the values that `lagrl bound --controller` has."""
    for method, name in (("bundle", "bundle"), ("p", "learned")):
        dual = RouteDual(GRAPH)
        for _ in ascend_route_dual(dual, route_controller(name), 8, np.random.default_rng(0)):
            pass
        assert value(method, 8) == dual.best / (2.0 * GRAPH.scale)


def test_parts_have_the_start_of_their_name() -> None:
    """With one evaluation every method has the value of its start alone."""
    first = RouteDual(GRAPH).first_multipliers()
    learned = LearnedAscent(POLICY["p"]).start(RouteDual(GRAPH), budget=1, rng=np.random.default_rng(0))
    assert value("p+bundle", 1) == value("p", 1) == value_at(learned)
    assert value("classical+p", 1) == value("bundle", 1) == value_at(first)
    assert value("uniform+bundle", 1) == value_at(np.append(np.full(15, first[:-1].mean()), 0.0))
    assert len({value(method, 1) for method in ("bundle", "p", "uniform+cfm", "random+cfm")}) == 4


def test_learned_steps_differ_from_the_rules() -> None:
    """From the classical start the policy makes its own steps."""
    assert value("classical+p", 8) not in {value(method, 8) for method in ("volume", "cfm", "bundle", "p")}


@pytest.mark.parametrize("method", ["q", "q+bundle", "p+q", "random+q"])
def test_unknown_methods_are_named(method: str) -> None:
    """The message has the unknown part and the known ones."""
    with pytest.raises(UnknownNameError, match=r"'q'.*known"):
        ascend(method, GRAPH, 1, POLICY)


def test_names_of_policies_are_checked() -> None:
    """A name may be given once, and is none of a rule or a start; without a name it is the path."""
    assert set(checkpoints(["a=route-policy", "route-policy"])) == {"a", "route-policy"}
    for named in (["a=route-policy", "a=route-policy"], ["bundle=route-policy"], ["a+b=route-policy"]):
        with pytest.raises(InputError, match="--policies"):
            checkpoints(named)


def test_ratios_and_differences_are_of_means() -> None:
    """A ratio compares with the lowest mean; intervals contain the figure, and are exact where nothing varies."""
    rng = np.random.default_rng(1)
    others = rng.uniform(2.0, 6.0, size=(2, 30))
    ours = 0.5 * others.min(axis=0) + rng.normal(scale=0.1, size=(5, 30))
    figure, low, high = ratio(ours, others)
    assert figure == pytest.approx(ours.mean() / others.mean(axis=1).min())
    assert low < figure < high
    assert ratio(2.0 * others[:1], others[:1]) == pytest.approx((2.0, 2.0, 2.0))
    assert difference(ours + 1.5, ours) == pytest.approx((1.5, 1.5, 1.5))
    assert shown(ratio(ours[:, :2], others[:, :2])) == f"{ours[:, :2].mean() / others[:, :2].mean(axis=1).min():.2f}"


def test_seeds_are_resampled_too() -> None:
    """If seeds differ and instances do not, the interval has the deviation of a mean of seeds."""
    of_seeds = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    _, low, high = ratio(np.repeat(of_seeds[:, None], 40, axis=1), np.ones((1, 40)))
    deviation = of_seeds.std() / np.sqrt(5)
    assert high - low == pytest.approx(2 * 1.96 * deviation, rel=0.1)


def row(instance: str, method: str, budget: int, bound: float, part: str = "evaluations") -> dict[str, Any]:
    return {
        "part": part,
        "instance": instance,
        "method": method,
        "budget": budget,
        "value": bound,
        "n_customers": 30 if instance < "A-n6" else 130,
        "tightness": 0.92,
        "best_known": 110.0,
    }


def study() -> list[dict[str, Any]]:
    """Two instances of bound 100: gaps of 8 % and 4 % after 10 and 30 with rules, 4 and 2 with policies."""
    rows = []
    for instance in ("A-n31-k5", "A-n61-k5", "X-n131-k5", "X-n141-k5", "X-n151-k5"):
        rows.append(row(instance, "converged", 20, 100.0, "converged"))
        for budget, gap in ((10, 8.0), (30, 4.0)):
            rows += [row(instance, method, budget, 100.0 - gap) for method in ("volume", "cfm", "bundle")]
            rows += [row(instance, f"full-{seed}", budget, 100.0 - gap / 2 - 0.1 * (seed - 0.5)) for seed in (0, 1)]
            rows += [row(instance, "short-1", budget, 100.0 - gap / 2 - 1.05)]
            rows += [row(instance, f"full-{seed}+bundle", budget, 100.0 - 0.75 * gap) for seed in (0, 1)]
            rows += [row(instance, f"classical+full-{seed}", budget, 100.0 - 0.9 * gap) for seed in (0, 1)]
    for start, bound in (("classical", 100.0), ("learned", 105.0)):
        rows += [row("X-n131-k5", start, limit, bound, "seconds") for limit in (1.0, 2.0)]
    return rows


def test_the_tables_have_the_figures_of_the_rows() -> None:
    """Means, ratios, differences paired by seed, groups, budgets, halves and seconds."""
    shown_tables = all_tables(study())
    for line in (
        "| 10 | 8.00 | 8.00 | 8.00 | 4.00 | 0.50 [0.49, 0.51] |",
        "| full-1 | 4.05 (0.51) | 2.05 (0.51) |",
        "| 10 | 0.50 [0.49, 0.51] | 1.00 [0.99, 1.01] |",
        "| n 101 – 200 | 4 | 8.00 → 4.00 | 0.50 | 4.00 → 2.00 | 0.50 |",
        "| X | 3 | 8.00 → 4.00 | 0.50 | 4.00 → 2.00 | 0.50 |",
        "| short | 1 | 5 | 5.05 | +1.00 [+1.00, +1.00] | 3.05 | +1.00 [+1.00, +1.00] |",
        "| learned start, classical rule | 6.00 (0.75 [0.75, 0.75]) | 3.00 (0.75 [0.75, 0.75]) |",
        "| classical start, learned steps | 7.20 (0.90 [0.90, 0.90]) | 3.60 (0.90 [0.90, 0.90]) |",
        "| mean (ratio) | 9.09 → 4.55 (0.50) | 9.09 → 4.55 (0.50) |",
    ):
        assert line in shown_tables
    assert "at 2 s: -4.55 points (X-n131-k5)" in shown_tables


def test_instances_that_lack_a_row_are_left_out() -> None:
    """An instance of which one policy has no row is in no mean."""
    rows = [each for each in study() if (each["instance"], each["method"]) != ("A-n31-k5", "full-1")]
    gaps = Gaps(rows)
    assert gaps.variants["full"] == {"0": "full-0", "1": "full-1"}
    assert "4 instances, 2 training seed(s)" in all_tables(rows)


def test_variants_are_compared_at_seeds_that_both_have() -> None:
    """A variant with a seed that `full` lacks is shown without a difference."""
    rows = study() + [row(f"A-n{n}-k5", "late-7", at, 95.0) for n in (31, 61) for at in (10, 30)]
    assert "| late | 1 | 2 | 5.00 | — | 5.00 | — |" in all_tables(rows)


def test_generated_instances_have_their_class_and_own_tables() -> None:
    """Every pair of classes occurs; held-out classes are marked, and compared by seed with `full`."""
    made = list(of_classes(1, (11, 14)))
    assert len({class_of(problem) for problem in made}) == len({problem.name for problem in made}) == 21
    assert all(11 <= problem.n_customers <= 14 for problem in made)
    rows = []
    for number, problem in enumerate(made):
        about = {"class": class_of(problem), "held_out": []}
        rows.append(row(problem.name, "converged", 20, 100.0, "converged") | about)
        for at in (10, 30):
            is_out = "depot=E" in class_of(problem)
            rows.append(row(problem.name, "bundle", at, 90.0 - 0.1 * number) | about)
            rows.append(row(problem.name, "full-0", at, 95.0 - 0.1 * number) | about)
            held_out = about | {"held_out": ["depot=E"]}
            rows.append(row(problem.name, "held-out-0", at, 94.0 - 0.1 * number - is_out) | held_out)
    text = all_tables(rows)
    assert "| depot=C | 7 | 10 | 10.30 | 5.30 | 6.30 (+1.00 [+1.00, +1.00]) |" in text
    assert "| depot=E (held out) | 7 | 10 | 11.00 | 6.00 | 8.00 (+2.00 [+2.00, +2.00]) |" in text
    assert "| all others | 14 | 30 | 11.00 | 6.00 | 7.00 (+1.00 [+1.00, +1.00]) |" in text
    assert "| all | 21 | 10 | 11.00 | 6.00 | 7.33 (+1.33 " in text
    assert "by group" not in text


def test_routes_are_compared_by_seed_and_instance() -> None:
    """The costs' gaps to the best known, their differences, and the runs with better and with worse routes."""
    rows = []
    for instance, seed in product(("A-n31-k5", "A-n61-k5"), (0, 1, 2)):
        for method, cost in (("without", 112.2), ("classical", 111.1), ("learned", 111.1 if seed else 113.3)):
            rows.append(row(instance, method, 2, cost, "solve") | {"seed": seed})
    assert "| 2 s | 2 × 3 | 2.000 | 1.000 | 1.667 | -0.333 | +0.667 | 4 : 2 |" in all_tables(rows)


def test_routes_without_a_best_known_cost_are_compared_with_the_best_of_all_rows() -> None:
    """A generated instance has no best known cost, so that some row's routes have a gap of 0."""
    costs = (("without", 101.0), ("classical", 100.0), ("learned", 102.0))
    rows = [row("G", method, 2, cost, "solve") | {"seed": 0, "best_known": None} for method, cost in costs]
    assert "| 2 s | 1 × 1 | 1.000 | 0.000 | 2.000 |" in all_tables(rows)


def test_bounds_of_solve_have_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """`solve` makes its bound with the start in question, and none without one."""
    seen = []

    def spy(problem: CVRP, config: SolveConfig) -> Any:
        made = bound_module.RouteBound(problem)
        seen.append((made._source._start, config.uses("bound")))
        names = ("elapsed", "lower_bound", "bound_seconds", "partition_seconds", "evaluations")
        return SimpleNamespace(cost=7.0, **dict.fromkeys(names, 0))

    monkeypatch.setattr(routes, "solve", spy)
    for of_bound in routes.BOUNDS:
        assert routes.solved(generate(12), of_bound, 1.0, 0)["value"] == 7.0
    assert seen == [("learned", False), ("classical", True), ("learned", True)]
    assert bound_module.RouteBound(generate(12))._source._start == "learned"


def test_pools_grow_by_the_routes_of_the_bound() -> None:
    """Without a bound no route is added; the best routes never cost more than before."""
    rows = routes.pooled(generate(25, seed=1), 1.0, 0)
    assert rows["without"]["n_added"] == 0
    assert all(each["value"] <= each["before"] + 1e-6 for each in rows.values())
    assert len({each["n_routes"] for each in rows.values()}) == 1


def test_figures_are_recorded_in_the_card(tmp_path: Path) -> None:
    """The card gets gaps and ratios by budget, the weights stay; rows of other weights are refused."""
    policy = POLICY["p"]
    path = tmp_path / "mine"
    save_route_policy(path, policy.weights, policy.policy, policy.card)
    rows = [each | {"policies": [policy.fingerprint]} if each["method"] == "full-0" else each for each in study()]
    record(rows, [f"full-0={path}"], "make rows")
    found = load_route_policy(path)
    assert found.fingerprint == policy.fingerprint
    figures = found.card["results"][0]["figures"]
    assert figures["gap"] == {"10": 3.95, "30": 1.95}
    assert figures["ratio"] == pytest.approx({"10": 3.95 / 8.0, "30": 1.95 / 4.0}, abs=1e-3)
    assert found.card | {"results": []} == policy.card | {"results": []}
    for name in ("full-1", "none"):
        with pytest.raises(InputError, match=r"weights|no rows"):
            record(rows, [f"{name}={path}"], "make rows")
