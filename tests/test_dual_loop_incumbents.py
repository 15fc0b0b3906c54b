"""The dual loop: incumbents and routes, draws that are decoded, traces, and the end of an ascent."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from ascents import LARGE, MIDDLE, SMALL, NoisySampler, Recording, ascend_alone, state

from lagrl.ascent import DualTrace, ascend_all
from lagrl.controllers.constant import ConstantStep
from lagrl.controllers.registry import controller_factory
from lagrl.dual_loop import AscentState, DualLoop, Step
from lagrl.errors import InputError
from lagrl.problems.assignment import AssignmentProblem
from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.pool import RoutePool
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linearise import linearise
from lagrl.relaxation.sampler import SampleQuery, Samples, SamplingCost
from lagrl.relaxation.seeding import SEEDINGS


def easy() -> AscentState:
    """Two far groups of two, two vehicles with a seed each: the dual is solved where every customer is selected."""
    problem = CVRP.from_coordinates("easy", [[0, 0], [9, 1], [9, 2], [-9, 1], [-9, 2]], [1] * 4, 2)
    cost = np.array([[1.0, 1.0, 30.0, 30.0], [30.0, 30.0, 1.0, 1.0]])
    dual = AssignmentDual(AssignmentProblem(cost, problem.demand, np.array([2, 2])))
    return AscentState(dual, Incumbent(RoutePool(problem)), np.random.default_rng(0))


def test_only_the_exact_sampler_proves_optimality() -> None:
    """A selection of every customer once ends an exact ascent; a sampled one continues to its budget."""
    start = [np.full(4, 5.0)]
    (trace,) = ascend_all(DualLoop([easy()]), [Recording()], [10], [np.random.default_rng(0)], start)
    assert len(trace) == 1
    assert trace.best is not None
    assert trace.best.is_optimal
    assert trace.dual_value == 4.0
    sampled = easy()
    sampled.dual = AssignmentDual(sampled.dual.problem, NoisySampler(), shots=4, rng=np.random.default_rng(0))
    (trace,) = ascend_all(
        DualLoop([sampled], record_exact=True), [Recording()], [10], [np.random.default_rng(0)], start
    )
    assert len(trace) == 10
    assert trace.best is not None
    assert not trace.best.point.violation.any()
    assert not trace.best.is_optimal


@pytest.mark.parametrize("noisy", [False, True])
def test_incumbents_bound_the_dual_from_above(noisy: bool) -> None:
    """The feedback's assignment cost never rises and is never below any L of that linearisation."""
    controller = Recording()
    loop = DualLoop([state(MIDDLE, 3, noisy=noisy)], record_exact=True)
    (trace,) = ascend_all(loop, [controller], [40], [np.random.default_rng(0)])
    costs = [feedback.assignment_upper_bound for _, feedback in controller.seen if feedback is not None]
    known = [cost for cost in costs if cost is not None]
    assert len(known) > 30
    assert all(later <= earlier for earlier, later in itertools.pairwise(known))
    assert trace.dual_value is not None
    assert trace.dual_value <= known[-1] + 1e-9
    assert known[-1] == min(trace.assignment_cost[:-1])
    routes = [feedback.route_cost for _, feedback in controller.seen if feedback is not None]
    assert routes[-1] == min(trace.route_cost[:-1])


def test_history_falls_and_ends_at_the_incumbent() -> None:
    """Each entry is an improvement, later and cheaper than the one before, of feasible routes."""
    states = [state(LARGE, b, rule) for b in range(4) for rule in ("farthest", "sweep", "kmeans")]
    one = states[0]
    for other in states[1:]:
        other.incumbent = one.incumbent
    for each in states:
        ascend_alone(each, ConstantStep(), 5)
    assert one.incumbent.evaluations == 60
    history = one.incumbent.history
    assert len(history) >= 3
    for (before, at_before, dearer), (after, at_after, cheaper) in itertools.pairwise(history):
        assert before <= after
        assert at_before <= at_after
        assert cheaper < dearer
    solution = one.incumbent.solution()
    assert solution is not None
    assert solution.is_feasible(one.incumbent.pool.problem)
    assert solution.cost == pytest.approx(history[-1][2])


def test_offers_against_the_fleet_rule_are_refused() -> None:
    """Routes of the wrong number are no incumbent however cheap; equally dear ones are no improvement."""
    problem = CVRP.from_coordinates("pair", [[0, 0], [1, 0], [2, 0]], [1, 1], 2, fleet=Fleet("exact", 2))
    incumbent = Incumbent(RoutePool(problem))
    assert incumbent.solution() is None
    together = incumbent.pool.add_assignment(np.array([0, 0]))
    apart = incumbent.pool.add_assignment(np.array([0, 1]))
    assert not incumbent.offer(together)
    assert incumbent.offer(apart)
    assert not incumbent.offer(apart)
    assert (incumbent.cost, len(incumbent.history)) == (6.0, 1)


def test_routes_against_the_fleet_rule_are_not_route_feasible() -> None:
    """An assignment within the capacities can have the wrong number of routes; the step shows both."""
    fleet = Fleet("exact", 5)
    one = state(SMALL, 0, fleet=fleet)
    seeds = SEEDINGS["sweep"](one.incumbent.pool.problem, 4, np.random.default_rng(0))
    one.dual = AssignmentDual(linearise(one.incumbent.pool.problem, seeds))
    (step,) = DualLoop([one]).step([np.full(15, 900.0)])
    assert step is not None
    assert np.isfinite(step.assignment_cost)
    assert not np.isfinite(step.route_cost)
    assert one.incumbent.solution() is None
    controller = Recording()
    ascend_alone(one, controller, 2)
    assert controller.seen[0][1].route_cost is None


def test_ascent_stops_at_its_budget_or_on_request() -> None:
    """Each ascent keeps its budget and passes it to its controller; `stop` ends all after the current step."""
    states, controllers = [state(LARGE, b) for b in range(3)], [Recording() for _ in range(3)]
    rngs = [np.random.default_rng(b) for b in range(3)]
    traces = ascend_all(DualLoop(states), controllers, [3, 1, 5], rngs)
    assert [len(trace) for trace in traces] == [3, 1, 5]
    assert [controller.budget for controller in controllers] == [3, 1, 5]
    asked = iter([False, True])
    traces = ascend_all(DualLoop(states), controllers, [3, 1, 5], rngs, stop=lambda: next(asked))
    assert [len(trace) for trace in traces] == [2, 1, 2]
    traces = ascend_all(DualLoop(states), controllers, [9, 9, 9], rngs, stop=lambda: True)
    assert [len(trace) for trace in traces] == [1, 1, 1]


def test_best_turn_is_the_highest_not_the_last() -> None:
    """A controller that walks away from its best point leaves that one in the trace as the best."""
    loop, start = DualLoop([state(MIDDLE, 0)]), [np.full(30, 300.0)]
    (trace,) = ascend_all(loop, [Recording(step=-0.2)], [10], [np.random.default_rng(0)], start)
    values = np.array(trace.sampled_value)
    assert trace.best is not None
    assert values.argmax() != len(values) - 1
    assert trace.best.point.sampled_value == values.max() == trace.dual_value


def test_empty_trace_has_no_value() -> None:
    """Before the first evaluation there is neither a best step nor a dual value."""
    assert (len(DualTrace()), DualTrace().best, DualTrace().dual_value) == (0, None, None)


def test_joint_draws_are_decoded() -> None:
    """Under an approximate sampler, more joint draws find routes at least as cheap and fill the pool."""

    def turn_with(n_joint: int, n_toured: int) -> tuple[Step, int]:
        one = state(MIDDLE, 0, noisy=True)
        (step,) = DualLoop([one], n_joint=n_joint, n_toured=n_toured).step([np.full(30, 800.0)])
        assert step is not None
        return step, len(one.incumbent.pool)

    (without, few), (with_draws, many) = turn_with(0, 30), turn_with(30, 30)
    assert with_draws.route_cost <= without.route_cost
    assert with_draws.assignment_cost <= without.assignment_cost
    assert many > few


def test_only_the_best_draws_are_toured() -> None:
    """All draws are repaired, but those of least repaired cost alone become routes, besides the point's own."""
    pools, costs = [], []
    for n_toured in (0, 1, 3, 30):
        one = state(MIDDLE, 4, noisy=True)
        (step,) = DualLoop([one], n_joint=30, n_toured=n_toured).step([np.full(30, 320.0)])
        assert step is not None
        pools.append(len(one.incumbent.pool))
        costs.append(step.assignment_cost)
    assert pools == sorted(pools)
    assert pools[2] < pools[3]
    assert len(set(costs)) == 1
    with pytest.raises(InputError, match="n_toured"):
        DualLoop([state(MIDDLE, 0)], n_toured=-1)


class DealSampler:
    """Deals the customers out by number, whatever their prices: vehicle k gets k, k + K, k + 2K, …"""

    def __init__(self) -> None:
        self.calls = 0

    def sample(self, query: SampleQuery) -> Samples:
        self.calls += 1
        n_vehicles, n = query.reduced_cost.shape
        strings = (np.arange(n) % n_vehicles == np.arange(n_vehicles)[:, None]).astype(np.uint8)
        cost = SamplingCost(circuits=n_vehicles, shots=query.shots * n_vehicles)
        return Samples(strings[:, None, :], np.full((n_vehicles, 1), query.shots), cost)


def test_routes_are_proposed_by_a_second_sampler() -> None:
    """Each `route_every` steps the route dual is evaluated at the same λ, its clusters pooled, its cost recorded."""
    points = np.random.default_rng(0).integers(0, 100, (16, 2))
    problem = CVRP.from_coordinates("even", points, [1] * 15, 6, fleet=Fleet("exact", 3))
    assignment = linearise(problem, SEEDINGS["sweep"](problem, 3, np.random.default_rng(0)))
    sampler = DealSampler()
    one = AscentState(AssignmentDual(assignment), Incumbent(RoutePool(problem)), np.random.default_rng(0))
    one.route_dual = AssignmentDual(assignment, sampler, shots=5, rng=np.random.default_rng(1))
    loop = DualLoop([one], route_every=3, n_joint=1, tour_decoded=False)
    turns = [step for step in range(7) for step in loop.step([np.full(15, 10.0 * step)]) if step is not None]
    assert sampler.calls == 3
    assert [step.route_sampling.circuits for step in turns] == [3, 0, 0, 3, 0, 0, 3]
    assert [step.sampling.circuits for step in turns] == [0] * 7
    assert [bool(np.isfinite(step.route_cost)) for step in turns] == [True, False, False, True, False, False, True]
    dealt = {frozenset(range(k, 16, 3)) for k in (1, 2, 3)}
    assert dealt <= {frozenset(route.tolist()) for route in one.incumbent.pool.routes}
    assert loop.sampling_seconds > 0


def test_with_route_every_decoding_alone_makes_no_routes() -> None:
    """Between route steps selections are repaired to the same assignment costs, but nothing is toured."""
    usual, apart = state(MIDDLE, 0), state(MIDDLE, 0)
    vectors = list(np.random.default_rng(0).uniform(0, 900, (5, 30)))
    every_turn = [DualLoop([usual]).step([vector])[0] for vector in vectors]
    loop = DualLoop([apart], route_every=100, tour_decoded=False)
    seldom = [loop.step([vector])[0] for vector in vectors]
    assert [step.assignment_cost for step in seldom if step] == [step.assignment_cost for step in every_turn if step]
    assert [bool(np.isfinite(step.route_cost)) for step in seldom if step] == [True] + [False] * 4
    assert len(apart.incumbent.pool) < len(usual.incumbent.pool)


def test_a_lane_may_be_replaced() -> None:
    """After an entry is replaced, new and old ascents step as they would alone: no layout or count is stale."""
    loop = DualLoop([state(SMALL, 0), state(MIDDLE, 1)], decode_every=2)
    loop.step([np.full(15, 300.0), np.full(30, 300.0)])
    loop.states[0] = state(LARGE, 5)
    n = loop.states[0].dual.n_multipliers
    together = loop.step([np.full(n, 400.0), np.full(30, 400.0)])
    alone = DualLoop([state(LARGE, 5)], decode_every=2).step([np.full(n, 400.0)])
    assert together[0] is not None
    assert alone[0] is not None
    assert together[1] is not None
    assert together[0].point.value == alone[0].point.value
    assert together[0].route_cost == alone[0].route_cost < np.inf
    assert not np.isfinite(together[1].route_cost)  # its second turn
    expected = state(MIDDLE, 1).dual.evaluate(np.full(30, 400.0)).value
    assert together[1].point.value == expected


@pytest.mark.parametrize("name", ["decode_every", "route_every"])
def test_turns_are_counted_from_one(name: str) -> None:
    """An interval of 0 steps is refused."""
    with pytest.raises(InputError, match=name):
        DualLoop([state(SMALL, 0)], **{name: 0})


class Resigning(Recording):
    """Says that it is finished after some updates."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    @property
    def is_finished(self) -> bool:
        return len(self.seen) >= self.after


class Misnamed(Recording):
    """Has a method of the name, which is no answer."""

    def is_finished(self) -> bool:
        return True


def test_an_ascent_ends_when_its_controller_is_finished() -> None:
    """`is_finished` ends its own ascent only; a method of that name, or no attribute, ends nothing."""
    controllers = [Resigning(3), Recording(), Misnamed()]
    traces = ascend_all(
        DualLoop([state(SMALL, s) for s in range(3)]), controllers, [7] * 3, [np.random.default_rng(0)] * 3
    )
    assert [len(trace) for trace in traces] == [3, 7, 7]


@pytest.mark.parametrize("name", ["bundle", "cg"])
def test_solved_duals_end_before_their_budget(name: str) -> None:
    """The evaluations that are left are not spent."""
    trace = ascend_alone(state(SMALL, 0), controller_factory(name)(), 300)
    assert len(trace) < 300
    longer = ascend_alone(state(SMALL, 0), controller_factory("polyak")(), 300)
    assert trace.dual_value is not None
    assert longer.dual_value is not None
    assert trace.dual_value >= longer.dual_value * (1 - 2e-6)
