"""What must hold of every controller: it starts, moves, climbs, repeats itself and stays at an optimum."""

from __future__ import annotations

import numpy as np
import pytest
from handmade import HandmadeDual, point_at
from oracles import ascent, column_generation, random_problem

from lagrl.controllers import CONTROLLERS, Controller, Feedback
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual

every = pytest.mark.parametrize("name", CONTROLLERS)
climbing = pytest.mark.parametrize("name", [name for name in CONTROLLERS if name != "perturbed"])


def problem_of(seed: int) -> AssignmentDual:
    """Return the dual of a random problem of 4 vehicles and 20 customers."""
    return AssignmentDual(random_problem(np.random.default_rng(seed), 4, 20, slack=1.05))


def path(
    name: str,
    dual: AssignmentDual,
    *,
    seed: int = 0,
    budget: int = 30,
    initial: np.ndarray | None = None,
    controller: Controller | None = None,
) -> np.ndarray:
    """Return all multipliers of an ascent, [evaluations, n]."""
    controller = controller or CONTROLLERS[name]()
    points = ascent(dual, controller, budget, np.random.default_rng(seed), initial)
    return np.array([point.multipliers for point in points])


@every
def test_it_is_a_controller_that_starts_where_it_is_reported(name: str) -> None:
    """At `initial`, and at zero without one."""
    controller, rng, initial = CONTROLLERS[name](), np.random.default_rng(0), np.arange(5.0)
    assert isinstance(controller, Controller)
    assert controller.start(HandmadeDual(5), budget=9, rng=rng, initial=initial).tolist() == initial.tolist()
    assert controller.start(HandmadeDual(5), budget=9, rng=rng).tolist() == [0.0] * 5


@every
def test_it_returns_finite_vectors_and_leaves_the_point_alone(name: str) -> None:
    """Whatever value, sign or size of the supergradient it sees, and an incumbent below the bound included."""
    rng = np.random.default_rng(0)
    controller = CONTROLLERS[name]()
    controller.start(HandmadeDual(6), budget=200, rng=rng)
    for t in range(200):
        value = float(rng.choice([0.0, -50.0, 1e-12, 1e9, rng.normal(100, 30)]))
        point = point_at(rng.normal(0, 50, 6).tolist(), value, rng.integers(-3, 2, 6).tolist())
        before = point.multipliers.copy(), point.violation.copy()
        feedback = (None, Feedback(), Feedback(assignment_upper_bound=100.0))[t % 3]
        following = controller.update(point, feedback)
        assert following.shape == (6,)
        assert np.isfinite(following).all()
        assert np.array_equal(point.multipliers, before[0])
        assert np.array_equal(point.violation, before[1])


@every
def test_the_same_generator_gives_the_same_path(name: str) -> None:
    """Two runs agree bit for bit."""
    assert np.array_equal(path(name, problem_of(0)), path(name, problem_of(0)))


def test_only_the_control_is_random() -> None:
    """Of all rules, another Generator moves only the perturbed iterates."""
    moved = {
        name for name in CONTROLLERS if not np.array_equal(*(path(name, problem_of(0), seed=seed) for seed in (1, 2)))
    }
    assert moved == {"perturbed"}


@every
def test_a_second_start_forgets_the_first_ascent(name: str) -> None:
    """One object can serve ascent after ascent, of other sizes too."""
    used = CONTROLLERS[name]()
    path(name, AssignmentDual(random_problem(np.random.default_rng(9), 2, 7)), controller=used)
    path(name, problem_of(1), controller=used)
    assert np.array_equal(path(name, problem_of(0), controller=used), path(name, problem_of(0)))


@pytest.mark.parametrize("name", sorted(set(CONTROLLERS) - {"perturbed"}))
def test_it_stays_where_the_supergradient_is_zero(name: str) -> None:
    """There is nowhere to go, at the first point and later."""
    controller = CONTROLLERS[name]()
    controller.start(HandmadeDual(3), budget=9, rng=np.random.default_rng(0))
    assert controller.update(point_at([1, 2, 3], 5.0, [0, 0, 0])).tolist() == [1, 2, 3]
    controller.update(point_at([1, 2, 3], 5.0, [1, 0, -1]))
    assert controller.update(point_at([4, 5, 6], 5.0, [0, 0, 0])).tolist() == [4, 5, 6]


def test_the_control_goes_on_perturbing_where_the_supergradient_is_zero() -> None:
    """Under an approximate sampler that is not the end, and the control must not collapse onto one point."""
    controller = CONTROLLERS["perturbed"]()
    controller.start(HandmadeDual(3), budget=9, rng=np.random.default_rng(0))
    assert controller.update(point_at([1, 2, 3], 5.0, [0, 0, 0])).tolist() != [1, 2, 3]


@climbing
@pytest.mark.parametrize("with_incumbent", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_it_climbs_from_zero(name: str, seed: int, with_incumbent: bool) -> None:
    """Within 100 evaluations it is nine tenths of the way from L(0) = 0 to the top, whether or not repair helps."""
    dual = problem_of(seed)
    top = column_generation(dual.problem)[0]
    feedback = Feedback(assignment_upper_bound=1.05 * top) if with_incumbent else None
    values = [point.value for point in ascent(dual, CONTROLLERS[name](), 100, np.random.default_rng(0), None, feedback)]
    assert values[0] == 0.0
    assert max(values) >= 0.9 * top


@climbing
@pytest.mark.parametrize("seed", range(3))
def test_it_improves_on_the_linear_relaxation(name: str, seed: int) -> None:
    """From the LP dual, 100 evaluations close a tenth or more of what is left to the top."""
    dual = problem_of(seed)
    top, start = column_generation(dual.problem)[0], linear_dual(dual.problem).multipliers
    values = [point.value for point in ascent(dual, CONTROLLERS[name](), 100, np.random.default_rng(0), start)]
    assert max(values) - values[0] >= 0.1 * (top - values[0])


def test_the_control_does_not_climb() -> None:
    """Perturbed iterates stay around their start: no ascent by accident."""
    values = [point.value for point in ascent(problem_of(0), CONTROLLERS["perturbed"](), 100, np.random.default_rng(0))]
    assert max(values) <= 0.25 * column_generation(problem_of(0).problem)[0]
