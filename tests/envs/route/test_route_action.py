"""Actions of the route relaxations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from route_weights import random_checkpoint

from envs.action import ActionConfig
from envs.route.action import POLICY_ACTION, ROUTE_ACTION, next_route_multipliers, policy_action
from lagrl.bounds.ascent_memory import AscentMemory
from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_features import RouteFeatures
from lagrl.bounds.route_graph import RouteGraph
from lagrl.bounds.route_policy import RoutePolicy
from lagrl.problems.bundled import read_bundled

if TYPE_CHECKING:
    from lagrl.relaxation.dual import DualPoint


@pytest.fixture
def ascent() -> tuple[AscentMemory, list[DualPoint]]:
    """An ascent of two evaluations of G-n16-k3."""
    dual = RouteDual(RouteGraph.of(read_bundled("G-n16-k3")))
    memory = AscentMemory(RouteFeatures.of(dual.graph), 5, 3)
    points = [dual.evaluate(share * dual.first_multipliers()) for share in (0.7, 1.0)]
    for point in points:
        memory.record(point)
    return memory, points


def test_diagonal_scales_the_natural_step(ascent: tuple[AscentMemory, list[DualPoint]]) -> None:
    """A customer moves by u·D·asinh of its mean violation, with D between D₀/10^c and D₀·10^c."""
    memory, (first, second) = ascent
    action = np.linspace(-1.0, 1.0, 15).astype(np.float32)
    config = ActionConfig(base_step=0.1, decades=2.0)
    moved = next_route_multipliers(action, memory, config) - second.multipliers
    mean = 0.5 * first.violation + 0.5 * second.violation
    assert np.abs(mean[:-1]).max() > 0
    wanted = memory.features.unit * np.arcsinh(mean[:-1]) * 0.1 * 100.0 ** action.astype(float)
    np.testing.assert_allclose(moved[:-1], wanted, rtol=1e-12, atol=1e-9)


def test_direction_moves_without_a_violation(ascent: tuple[AscentMemory, list[DualPoint]]) -> None:
    """A customer moves by r·u times its action, whatever its violation."""
    memory, (_, second) = ascent
    action = np.linspace(-1.0, 1.0, 15).astype(np.float32)
    moved = next_route_multipliers(action, memory, ActionConfig(mode="direction", reach=0.5)) - second.multipliers
    np.testing.assert_allclose(moved[:-1], 0.5 * memory.features.unit * action, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("mode", ["diagonal", "direction"])
def test_the_fleet_moves_by_its_own_rule(mode: str, ascent: tuple[AscentMemory, list[DualPoint]]) -> None:
    """Its multiplier moves by 0.05·s times its mean violation, and no action changes that."""
    memory, points = ascent
    config = ActionConfig(mode=mode)
    mean = 0.5 * (points[0].violation[-1] + points[1].violation[-1])
    assert mean != 0
    for value in (-1.0, 0.0, 1.0):
        following = next_route_multipliers(np.full(15, value, np.float32), memory, config)
        assert following[-1] == pytest.approx(points[1].multipliers[-1] + 0.05 * memory.features.scale * mean)


def test_equal_actions_of_the_preset_close_much_of_the_gap() -> None:
    """Zero actions, the natural step for all, raise half of the classical start's value by 30 % and more."""
    dual = RouteDual(RouteGraph.of(read_bundled("G-n16-k3")))
    memory = AscentMemory(RouteFeatures.of(dual.graph), 20, 3)
    multipliers, values = 0.5 * dual.first_multipliers(), []
    for _ in range(20):
        point = dual.evaluate(multipliers)
        memory.record(point)
        values.append(point.sampled_value)
        multipliers = next_route_multipliers(np.zeros(15, np.float32), memory, ROUTE_ACTION)
    assert max(values) > 1.3 * values[0]


def lost(memory: AscentMemory, dual: RouteDual) -> None:
    """Record one more evaluation, which is worse than the best."""
    memory.record(dual.evaluate(3.0 * dual.first_multipliers()))
    assert not np.array_equal(memory.best, memory.multipliers)


@pytest.mark.parametrize("seed", range(3))
def test_an_action_expresses_every_step_of_a_route_policy(
    seed: int, ascent: tuple[AscentMemory, list[DualPoint]]
) -> None:
    """The action of a network's numbers moves as `RoutePolicy.step` does, away from the best point as well."""
    memory, _ = ascent
    lost(memory, RouteDual(RouteGraph.of(read_bundled("G-n16-k3"))))
    policy = RoutePolicy(random_checkpoint(seed).weights, memory.features)
    action = policy_action(*policy.numbers(memory.observe()))
    assert action.shape == (16, 2)
    assert np.abs(action).max() <= 1.0
    moved = next_route_multipliers(action, memory, POLICY_ACTION)
    np.testing.assert_allclose(moved, policy.step(memory), rtol=1e-12, atol=1e-9)


def test_momentum_returns_to_the_best_point(ascent: tuple[AscentMemory, list[DualPoint]]) -> None:
    """The share ρ is that of the way back, customers' and fleet's; below 0 there is no return."""
    memory, _ = ascent
    lost(memory, RouteDual(RouteGraph.of(read_bundled("G-n16-k3"))))
    action = np.zeros((16, 2))
    plain = next_route_multipliers(action, memory, POLICY_ACTION)
    for share, wanted in ((1.0, 1.0), (0.25, 0.25), (-0.7, 0.0)):
        action[-1, 0] = share
        back = next_route_multipliers(action, memory, POLICY_ACTION) - plain
        np.testing.assert_allclose(back, wanted * (memory.best - memory.multipliers), atol=1e-9)


def test_momentum_has_the_other_modes(ascent: tuple[AscentMemory, list[DualPoint]]) -> None:
    """Its first number is that of `diagonal`; its second adds what `direction` does."""
    memory, (_, second) = ascent
    action = np.linspace(-1.0, 1.0, 32).reshape(16, 2)
    action[-1] = 0.0
    diagonal, direction = (
        next_route_multipliers(action[:-1, column], memory, replace(POLICY_ACTION, mode=mode)) - second.multipliers
        for column, mode in ((0, "diagonal"), (1, "direction"))
    )
    moved = next_route_multipliers(action, memory, POLICY_ACTION) - second.multipliers
    np.testing.assert_allclose(moved[:-1], (diagonal + direction)[:-1], atol=1e-9)
