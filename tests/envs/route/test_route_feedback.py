"""Routes from the evaluations of a route dual."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from envs.route.feedback import RouteFeedback, greedy_cover
from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_graph import RouteGraph
from lagrl.problems.bundled import read_bundled
from lagrl.problems.fleet import Fleet
from lagrl.relaxation.knapsack import solve_knapsacks
from lagrl.relaxation.sampler import ExactSampler, SampleQuery, Samples, SamplingCost

if TYPE_CHECKING:
    from typing import Any

    from lagrl.problems.cvrp import CVRP


def feedback_of(problem: CVRP, sampler: Any = None, n_vehicles: int = 3, *, keep_chosen: bool = False) -> RouteFeedback:
    """Route feedback with an exact sampler unless one is given."""
    return RouteFeedback(
        problem,
        n_vehicles,
        sampler or ExactSampler(),
        shots=4,
        n_joint=2,
        keep_chosen=keep_chosen,
        rng=np.random.default_rng(0),
    )


def test_a_cover_takes_the_largest_demand_that_is_left() -> None:
    """Clusters are disjoint, none is empty, and a route that adds nothing is not taken."""
    visits = np.array([[1, 1, 0, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 0], [1, 0, 0, 0, 0]], bool)
    demand = np.array([5, 4, 1, 1, 9])
    assert [cluster.tolist() for cluster in greedy_cover([visits], demand, 3)] == [[1, 2], [3, 4]]
    assert [cluster.tolist() for cluster in greedy_cover([visits], demand, 1)] == [[1, 2]]
    assert greedy_cover([visits[:0]], demand, 3) == []


def test_a_cover_prefers_the_first_source() -> None:
    """Routes of the second source serve only customers that no route of the first one visits."""
    first, second = np.array([[1, 0, 0, 0]], bool), np.array([[1, 1, 1, 0], [0, 0, 1, 1]], bool)
    clusters = greedy_cover([first, second], np.array([1, 5, 5, 5]), 4)
    assert [cluster.tolist() for cluster in clusters] == [[1], [2, 3], [4]]


@pytest.mark.parametrize("relaxation", ["ng", "paths"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.8, 1.0, 3.0])
def test_every_evaluation_becomes_a_solution(relaxation: str, share: float) -> None:
    """Whatever routes it chose, none or many that overlap, each customer is served once within the capacities."""
    problem = read_bundled("G-n51-k6")
    dual = RouteDual(RouteGraph.of(problem), relaxation)
    feedback = feedback_of(problem, n_vehicles=6)
    cost, _ = feedback.propose(dual.evaluate(share * dual.first_multipliers()))
    solution = feedback.incumbent.solution()
    assert solution is not None
    assert solution.cost == pytest.approx(cost)
    assert sorted(customer for route in solution.routes for customer in route) == list(range(1, 51))
    assert all(problem.demand[np.array(route) - 1].sum() <= problem.capacity for route in solution.routes)


def test_good_multipliers_give_good_routes() -> None:
    """Routes that the dual chose cost far less than those at λ = 0, where it chose none."""
    problem = read_bundled("G-n51-k6")
    dual = RouteDual(RouteGraph.of(problem))
    at_zero, _ = feedback_of(problem, n_vehicles=6).propose(dual.evaluate(np.zeros(51)))
    chosen, _ = feedback_of(problem, n_vehicles=6).propose(dual.evaluate(dual.first_multipliers()))
    assert chosen < 0.8 * at_zero


def test_routes_of_earlier_evaluations_fill_the_fleet() -> None:
    """After an evaluation that chose nothing, earlier routes still serve vehicles, and cost less than none."""
    problem = read_bundled("G-n51-k6")
    dual = RouteDual(RouteGraph.of(problem))
    dual.evaluate(dual.first_multipliers())
    at_zero = dual.evaluate(np.zeros(51))
    alone, _ = feedback_of(problem, n_vehicles=6).propose(at_zero)
    filled, _ = feedback_of(problem, n_vehicles=6).propose(at_zero, list(dual.routes))
    assert filled < 0.8 * alone


def test_the_route_sampler_completes_the_routes() -> None:
    """The knapsacks of the customers without a route go to the sampler, whose shots are counted."""
    problem = read_bundled("G-n51-k6")
    dual = RouteDual(RouteGraph.of(problem))
    point = dual.evaluate(0.9 * dual.first_multipliers())
    covered = np.concatenate(greedy_cover([point.selection > 0], problem.demand, 6))
    assert len(covered) < 50
    seen = []

    class Recorded:
        def sample(self, query: SampleQuery) -> Samples:
            seen.append(query.reduced_cost.shape)
            optimal, _ = solve_knapsacks(*query.knapsacks)
            counts = np.full((len(query.capacity), 1), query.shots)
            return Samples(optimal[:, None, :], counts, SamplingCost(circuits=len(query.capacity), shots=query.shots))

    feedback = feedback_of(problem, Recorded(), 6)
    cost, sampling = feedback.propose(point)
    assert np.isfinite(cost)
    assert seen == [(6, 50 - len(covered))]
    assert (sampling.circuits, sampling.shots) == (6, 4)


def test_routes_that_break_the_fleet_rule_are_not_offered() -> None:
    """Under a rule that the completed routes do not meet, the cost is infinite and there is no solution."""
    problem = replace(read_bundled("G-n51-k6"), fleet=Fleet.parse("exact:8"))
    dual = RouteDual(RouteGraph.of(problem))
    feedback = feedback_of(problem, n_vehicles=6)
    cost, _ = feedback.propose(dual.evaluate(0.9 * dual.first_multipliers()))
    assert cost == np.inf
    assert feedback.incumbent.solution() is None


def test_chosen_routes_become_columns_on_request() -> None:
    """Set partitioning can use the routes of the dual that overlap, which a completion does not."""
    problem = read_bundled("G-n51-k6")
    dual = RouteDual(RouteGraph.of(problem))
    point = dual.evaluate(dual.first_multipliers())
    sizes = []
    for keep_chosen in (False, True):
        feedback = feedback_of(problem, n_vehicles=6, keep_chosen=keep_chosen)
        feedback.propose(point, list(dual.routes))
        sizes.append(len(feedback.incumbent.pool))
    assert sizes[1] > sizes[0]
