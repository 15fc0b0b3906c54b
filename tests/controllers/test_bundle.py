"""The proximal bundle and column generation: the exact dual proven, under caps, samplers and at the edges."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from handmade import HandmadeDual, point_at
from oracles import column_generation, random_problem

from lagrl.controllers.base import Finishing
from lagrl.controllers.bundle import ProximalBundle
from lagrl.controllers.dantzig_wolfe import ColumnGeneration
from lagrl.errors import InputError
from lagrl.problems.assignment import AssignmentProblem
from lagrl.relaxation.dual import AssignmentDual, DualPoint
from lagrl.relaxation.knapsack import solve_knapsacks
from lagrl.relaxation.linear_dual import linear_dual
from lagrl.relaxation.sampler import SampleQuery, Samples, SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable


both = pytest.mark.parametrize("make", [ProximalBundle, ColumnGeneration])
Solver = ProximalBundle | ColumnGeneration


def solve(
    dual: AssignmentDual, controller: Solver, budget: int = 400, initial: np.ndarray | None = None
) -> list[DualPoint]:
    """Ascend until the controller is finished; return the points."""
    multipliers = controller.start(dual, budget=budget, rng=np.random.default_rng(0), initial=initial)
    points = []
    while len(points) < budget and not controller.is_finished:
        points.append(dual.evaluate(dual.clip(multipliers)))
        if points[-1].is_optimal:
            break
        multipliers = controller.update(points[-1])
    return points


class Sloppy:
    """Leaves one random customer out of every optimal selection, most of the time."""

    def sample(self, query: SampleQuery) -> Samples:
        selection, _ = solve_knapsacks(*query.knapsacks)
        rows = np.flatnonzero(query.rng.random(len(selection)) < 0.7)
        selection[rows, query.rng.integers(0, selection.shape[1], len(rows))] = 0
        return Samples(selection[:, None], np.full((len(selection), 1), query.shots), SamplingCost())


@both
@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_the_exact_dual_is_found_and_proven(make: Callable[[], Solver], seed: int, warm: bool) -> None:
    """Best value and upper bound meet at the oracle's optimum, from zero and from the LP dual."""
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, int(rng.integers(2, 6)), int(rng.integers(8, 26)), slack=1.05)
    dual, controller = AssignmentDual(problem), make()
    points = solve(dual, controller, initial=linear_dual(problem).multipliers if warm else None)
    top = column_generation(problem)[0]
    assert controller.is_finished or points[-1].is_optimal
    assert max(point.value for point in points) == pytest.approx(top, rel=2e-6)
    assert controller.upper >= top * (1 - 1e-7)
    if controller.is_finished:
        assert dual.evaluate(controller.centre).value == pytest.approx(top, rel=2e-6)


@both
def test_being_finished_stays_and_returns_the_centre(make: Callable[[], Solver]) -> None:
    """Further updates return the best multipliers."""
    dual, controller = AssignmentDual(random_problem(np.random.default_rng(1), 4, 20, slack=1.05)), make()
    solve(dual, controller)
    assert isinstance(controller, Finishing)
    assert controller.is_finished
    for _ in range(3):
        following = controller.update(dual.evaluate(controller.centre))
        np.testing.assert_array_equal(following, controller.centre)
        assert controller.is_finished
    controller.start(dual, budget=5, rng=np.random.default_rng(0))
    assert not controller.is_finished


@both
@pytest.mark.parametrize("seed", range(4))
def test_the_centre_only_rises_and_all_stays_within_the_bounds(make: Callable[[], Solver], seed: int) -> None:
    """And the upper bound only falls, never below the optimum; a low ceiling included."""
    problem = random_problem(np.random.default_rng(seed), 4, 20, slack=1.05)
    dual, controller = AssignmentDual(problem, floor=5.0, ceiling=60.0), make()
    multipliers = controller.start(dual, budget=60, rng=np.random.default_rng(0), initial=np.full(20, 20.0))
    bests, uppers = [], []
    for _ in range(60):
        point = dual.evaluate(multipliers)
        multipliers = controller.update(point)
        assert multipliers.min() >= 5.0
        assert multipliers.max() <= 60.0
        bests.append(controller.best)
        uppers.append(controller.upper)
    assert (np.diff(bests) >= -1e-9).all()
    assert (np.diff(uppers) <= 1e-6).all()
    assert uppers[-1] >= bests[-1] - 1e-6
    assert controller.is_finished


@pytest.mark.parametrize("most_cuts", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_two_cuts_a_vehicle_are_enough_to_converge(seed: int, most_cuts: int) -> None:
    """The average of the others is one of them; it takes longer."""
    dual = AssignmentDual(random_problem(np.random.default_rng(seed), 4, 20, slack=1.05))
    controller = ProximalBundle(most_cuts=most_cuts, patience=0)
    values = [point.value for point in solve(dual, controller, budget=600)]
    assert np.bincount(controller.model.piece).max() <= most_cuts
    assert max(values) == pytest.approx(column_generation(dual.problem)[0], rel=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_the_bundle_needs_few_evaluations(seed: int) -> None:
    """A tenth of a per cent from the LP dual within 60, where a cutting plane would wander."""
    problem = random_problem(np.random.default_rng(seed), 5, 40, slack=1.05)
    points = solve(AssignmentDual(problem), ProximalBundle(), 60, linear_dual(problem).multipliers)
    assert max(point.value for point in points) >= 0.999 * column_generation(problem)[0]


@both
@pytest.mark.parametrize("seed", range(3))
def test_an_approximate_sampler_neither_stops_nor_proves_anything(make: Callable[[], Solver], seed: int) -> None:
    """The ascent continues, rises, and is not finished."""
    problem = random_problem(np.random.default_rng(seed), 4, 20, slack=1.1)
    dual, controller = AssignmentDual(problem, Sloppy(), rng=np.random.default_rng(seed)), make()
    multipliers = controller.start(dual, budget=150, rng=np.random.default_rng(0))
    exact = []
    for _ in range(150):
        point = dual.evaluate(dual.clip(multipliers))
        exact.append(dual.price(point.multipliers).value)
        multipliers = controller.update(point)
        assert np.isfinite(multipliers).all()
    assert not controller.is_finished
    assert max(exact) >= 0.95 * column_generation(problem)[0]


def test_later_cuts_correct_a_value_that_was_too_optimistic() -> None:
    """The bundle's centre is worth what the cuts leave of it."""
    controller = ProximalBundle()
    controller.start(HandmadeDual(1), budget=9, rng=np.random.default_rng(0))
    controller.update(point_at([0.0], 10.0, [1.0]))
    assert controller.best == 10.0
    controller.update(point_at([5.0], -1.0, [-1.0]))
    assert controller.best == 4.0


def small(cost: list[list[float]], weight: list[int], capacity: list[int]) -> AssignmentDual:
    """Return the dual of a problem written out."""
    return AssignmentDual(AssignmentProblem(np.array(cost, float), np.array(weight), np.array(capacity)))


@both
@pytest.mark.parametrize(
    ("dual", "top"),
    [
        (partial(small, [[3.0]], [2], [2]), 3.0),
        (partial(small, [[3.0, 4.0, 5.0]], [2, 1, 1], [4]), 12.0),
        (partial(small, [[3.0], [2.0]], [1], [1, 1]), 2.0),
        (partial(small, [[3.0, 4.0], [2.0, 6.0]], [0, 0], [0, 0]), 6.0),
        (partial(small, [[0.0, 0.0], [0.0, 0.0]], [1, 1], [1, 1]), 0.0),
        (partial(small, [[7.0, 7.0, 7.0]] * 3, [1, 1, 1], [1, 1, 1]), 21.0),
    ],
    ids=["one customer", "one vehicle", "one customer, two vehicles", "no demand", "no cost", "identical vehicles"],
)
def test_the_smallest_problems(make: Callable[[], Solver], dual: Callable[[], AssignmentDual], top: float) -> None:
    """Each is solved to its optimum, which can be seen."""
    assert max(point.value for point in solve(dual(), make(), 50)) == pytest.approx(top, abs=1e-5)


@both
def test_a_dual_of_one_piece_is_maximised(make: Callable[[], Solver]) -> None:
    """−|λ₁ − 3| − |λ₂ + 1| by its supergradients, of a dual that has no vehicles."""
    controller, top = make(), np.array([3.0, -1.0])
    dual = HandmadeDual(2)
    multipliers = controller.start(dual, budget=60, rng=np.random.default_rng(0))
    values = []
    for _ in range(60):
        values.append(-np.abs(multipliers - top).sum())
        slope = np.sign(top - multipliers)
        point = DualPoint(multipliers, values[-1], values[-1], np.zeros((0, 1), np.uint8), slope, np.zeros(0))
        multipliers = np.array(controller.update(point))
    assert max(values) >= -1e-5


def test_constants_without_sense_are_refused() -> None:
    """One cut per piece cannot hold an average and a new one; an unbounded master may have no optimum."""
    mistakes: list[tuple[Callable[..., object], str, float]] = [
        (ProximalBundle, "most_cuts", 1),
        (ProximalBundle, "first_step", 0.0),
        (ProximalBundle, "first_step", np.inf),
        (ProximalBundle, "sufficient", 0.6),
        (ProximalBundle, "patience", -1),
        (ColumnGeneration, "smoothing", 1.0),
        (ColumnGeneration, "smoothing", -0.1),
    ]
    for make, name, value in mistakes:
        with pytest.raises(InputError, match=f"{name}: {value} given"):
            make(**{name: value})

    class Unbounded(HandmadeDual):
        @property
        def bounds(self) -> tuple[np.ndarray, np.ndarray]:
            return np.full(2, -np.inf), np.full(2, np.inf)

    with pytest.raises(InputError, match="an infinite bound"):
        ColumnGeneration().start(Unbounded(2), budget=3, rng=np.random.default_rng(0))
    ProximalBundle().start(Unbounded(2), budget=3, rng=np.random.default_rng(0))
