"""The controller of a trained route policy, and its safeguards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from route_weights import checkpoint_of, random_checkpoint

from lagrl.bounds.bound import lower_bound
from lagrl.bounds.learned_ascent import LearnedAscent
from lagrl.bounds.route_ascent import ascend_route_dual
from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_graph import RouteGraph
from lagrl.bounds.trivial import trivial_bound
from lagrl.errors import InputError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet
from lagrl.problems.generate import generate
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linearise import linearise

if TYPE_CHECKING:
    from lagrl.controllers.policy_checkpoint import PolicyCheckpoint


def ascended(checkpoint: PolicyCheckpoint | None, problem: CVRP, evaluations: int) -> tuple[RouteDual, LearnedAscent]:
    """Return a dual after an ascent, and its controller."""
    dual, controller = RouteDual(RouteGraph.of(problem)), LearnedAscent(checkpoint)
    for _ in ascend_route_dual(dual, controller, evaluations, np.random.default_rng(0)):
        pass
    return dual, controller


def test_the_shipped_policy_is_better_than_volume() -> None:
    """In ten evaluations it has a higher bound than the volume algorithm on every one of five generated instances."""
    for seed in range(5):
        problem = generate(40, seed=seed)
        learned = lower_bound(problem, evaluations=10, controller="learned").value
        assert learned > lower_bound(problem, evaluations=10, controller="volume").value


def test_the_same_ascent_twice() -> None:
    """Two ascents of one instance have the same value to the last bit."""
    problem = generate(30, seed=5)
    assert ascended(None, problem, 8)[0].best == ascended(None, problem, 8)[0].best


@pytest.mark.parametrize("size", [1.0, 30.0, 1e18])
@pytest.mark.parametrize("seed", range(4))
def test_absurd_weights_still_bound(seed: int, size: float) -> None:
    """Random weights of any size give a valid bound, no lower than the trivial one or the classical start."""
    problem = generate(20, seed=seed)
    dual, controller = ascended(random_checkpoint(seed, size), problem, 12)
    assert dual.best is not None
    classical = RouteDual(dual.graph)
    classical.evaluate(classical.first_multipliers())
    assert classical.best is not None
    if any("classical start" in event for event in controller.events):
        assert dual.best >= classical.best
    else:
        assert dual.best >= trivial_bound(dual.graph)
    exact = lower_bound(problem, cuts=False, seconds=60, start="classical")
    assert dual.best / (2 * dual.graph.scale) <= exact.value * (1.0 + 1e-6)


def test_answers_that_are_not_finite() -> None:
    """A network of NaN leaves the ascent to the classical start and rule, and says so."""
    problem = generate(20, seed=1)
    dual, controller = ascended(checkpoint_of(lambda shape: np.full(shape, np.nan)), problem, 12)
    assert controller.events == [
        "the start was not finite: classical start",
        "a step was not finite: bundle method",
    ]
    volume = lower_bound(problem, evaluations=12, controller="volume").value
    assert dual.best is not None
    assert dual.best / (2 * dual.graph.scale) > 0.8 * volume


@pytest.mark.parametrize("n", [1, 2, 9])
@pytest.mark.parametrize("evaluations", [1, 2, 7])
def test_few_customers_and_few_evaluations(n: int, evaluations: int) -> None:
    """One customer and one evaluation are enough; the bound is never above the cost of single visits."""
    rng = np.random.default_rng(n)
    problem = CVRP.from_coordinates("T", rng.integers(0, 50, (n + 1, 2)), rng.integers(1, 5, n), 5)
    bound = lower_bound(problem, evaluations=evaluations, controller="learned")
    assert bound.value <= 2 * problem.distance[0].sum()


def test_distances_without_coordinates() -> None:
    """Instances by road, which are matrices, are bounded too, and better than by the volume algorithm."""
    problem = generate(40, seed=2, kind="roads")
    learned = lower_bound(problem, evaluations=10, controller="learned").value
    assert learned > lower_bound(problem, evaluations=10, controller="volume").value


@pytest.mark.parametrize("fleet", ["free", "exact", "atmost"])
def test_the_bundle_method_finishes(fleet: str) -> None:
    """In 60 evaluations it has the converged bound within a ten-thousandth, and earlier from the learned start."""
    gaps = {("learned", 10): 0.0, ("bundle", 10): 0.0, ("learned", 60): 0.0, ("bundle", 60): 0.0}
    for seed in range(5):
        problem = generate(30, seed=seed)
        if fleet != "free":
            problem = replace(problem, fleet=Fleet.parse(f"{fleet}:{problem.minimum_vehicles}"))
        converged = lower_bound(problem, cuts=False, seconds=60, start="classical").value
        for name, evaluations in gaps:
            value = lower_bound(problem, evaluations=evaluations, controller=name).value
            gaps[name, evaluations] += (1.0 - value / converged) / 5
    assert max(gaps["learned", 60], gaps["bundle", 60]) < 1e-4
    assert gaps["learned", 10] < 0.8 * gaps["bundle", 10]


def test_another_dual_is_refused() -> None:
    """The assignment dual is refused with the remedy."""
    problem = generate(12, seed=0)
    dual = AssignmentDual(linearise(problem))
    with pytest.raises(InputError, match="cannot ascend a AssignmentDual; use it in lagrl bound"):
        LearnedAscent(random_checkpoint(0)).start(dual, budget=5, rng=np.random.default_rng(0))
