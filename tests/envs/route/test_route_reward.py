"""The gap of the route relaxations, and the value that it is measured to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.route import reward
from envs.route.reward import RouteBest, reference_value
from lagrl.bounds.obstacle import ObstacleError
from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_graph import RouteGraph
from lagrl.controllers.base import Feedback
from lagrl.dual_loop import Step
from lagrl.problems.bundled import read_bundled
from lagrl.problems.fleet import Fleet
from lagrl.relaxation.dual import DualPoint


def valued(value: float) -> Step:
    """An evaluation with a given value."""
    empty = np.zeros(0)
    point = DualPoint(empty, value, value, empty, np.ones(1), empty)
    return Step(point, Feedback(), np.inf, np.inf, value)


def gaps(best: RouteBest, values: list[float]) -> list[float]:
    """The gap after each of some evaluations."""
    found = []
    for value in values:
        best.note(valued(value), 0.0)
        found.append(best.gap)
    return found


def test_the_gap_is_the_share_that_is_left() -> None:
    """It falls linearly from 1 at the first value to 0 at the reference, never rises, and goes on below 0."""
    best = RouteBest(1.0, least=10.0, reference=100.0)
    assert best.gap == 1.0
    assert gaps(best, [20.0, 60.0, 40.0, 100.0, 108.0]) == pytest.approx([1.0, 0.5, 0.5, 0.0, -0.1])


def test_values_below_the_trivial_bound_do_not_count() -> None:
    """A bad start gives no reward for reaching what is known without an evaluation."""
    best = RouteBest(1.0, least=50.0, reference=100.0)
    assert gaps(best, [-400.0, 20.0, 75.0]) == pytest.approx([1.0, 1.0, 0.5])


def test_without_a_reference_the_progress_counts() -> None:
    """It is relative to the first value."""
    best = RouteBest(1.0, least=0.0, reference=None)
    assert gaps(best, [50.0, 60.0]) == pytest.approx([1.0, 0.8])


def test_a_first_value_at_the_reference_leaves_nothing() -> None:
    """The gap is 0 then, and values above still count; a dual of 0 does not divide by 0."""
    assert gaps(RouteBest(1.0, least=0.0, reference=50.0), [50.0, 60.0]) == pytest.approx([0.0, -0.2])
    assert gaps(RouteBest(1.0, least=0.0, reference=0.0), [0.0]) == [0.0]


@pytest.mark.parametrize("relaxation", ["ng", "paths"])
def test_the_reference_is_a_value_of_the_dual(relaxation: str) -> None:
    """It is above a classical start's, at most the best known cost, and rises with its evaluations."""
    graph = RouteGraph.of(read_bundled("G-n16-k3"))
    dual = RouteDual(graph, relaxation)
    first = dual.evaluate(dual.first_multipliers()).sampled_value
    few, many = (reference_value(graph, relaxation, count) for count in (4, 60))
    assert few is not None
    assert many is not None
    assert first < many <= 5098.0
    assert few < many


def test_an_instance_is_ascended_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The value is kept for the instance with its fleet and loads, the relaxation and the number of evaluations."""
    calls = []

    def counted(graph: RouteGraph, relaxation: str, evaluations: int) -> float:
        calls.append((relaxation, evaluations))
        return 1.0

    monkeypatch.setattr(reward, "_known", type(reward._known)())
    monkeypatch.setattr(reward, "_ascended", counted)
    problem = read_bundled("G-n16-k3")
    for _ in range(2):
        reference_value(RouteGraph.of(problem), "ng", 5)
    assert len(calls) == 1
    reference_value(RouteGraph.of(problem), "paths", 5)
    reference_value(RouteGraph.of(problem), "ng", 6)
    reference_value(RouteGraph.of(replace(problem, fleet=Fleet.parse("exact:3"))), "ng", 5)
    assert len(calls) == 4
    reference_value(RouteGraph.of(problem, most_load=20), "ng", 5)
    assert len(calls) == 5
    assert reference_value(RouteGraph.of(problem), "ng", 0) is None
    assert len(calls) == 5


def test_a_failure_leaves_the_reference_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pricing needs too much memory, there is no value instead of an error."""

    def fail(*_: object) -> None:
        raise ObstacleError("too large")

    monkeypatch.setattr(reward, "_known", type(reward._known)())
    monkeypatch.setattr(reward, "ascend_route_dual", fail)
    assert reference_value(RouteGraph.of(read_bundled("G-n16-k3")), "ng", 5) is None
