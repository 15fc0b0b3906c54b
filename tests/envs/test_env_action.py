"""Actions: their effect on multipliers, their inverse, and their errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.action import ActionConfig, action_label, next_multipliers
from lagrl.errors import InputError, UnknownNameError
from lagrl.relaxation.dual import DualPoint

SCALE = 7.0


def point(multipliers: list[float], violation: list[float]) -> DualPoint:
    """A priced point with the given λ and g."""
    n = len(multipliers)
    return DualPoint(
        np.array(multipliers), 0.0, 0.0, np.zeros((1, n), np.uint8), np.array(violation, dtype=float), np.zeros(1)
    )


def test_diagonal_is_a_step_along_g_of_the_length_the_action_says() -> None:
    """a = 0 steps by D₀·s·g, ±1 by 10^±c of that, and a customer with g = 0 stays."""
    config = ActionConfig(base_step=0.05, decades=2.0)
    moved = next_multipliers(
        np.array([0.0, 1.0, -1.0, 1.0]), point([10.0, 10.0, 10.0, 10.0], [1, -2, 1, 0]), SCALE, config
    )
    np.testing.assert_allclose(moved, [10.35, 10 - 2 * 35.0, 10 + 0.0035, 10.0], rtol=1e-12)


def test_direction_moves_where_g_is_zero() -> None:
    """λ + s·r·a, whatever g."""
    config = ActionConfig(mode="direction", reach=0.5)
    moved = next_multipliers(np.array([1.0, -0.5, 0.0]), point([1.0, 2.0, 3.0], [0, 0, 1]), SCALE, config)
    np.testing.assert_allclose(moved, [4.5, 0.25, 3.0])


@given(st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=3), st.sampled_from(["diagonal", "direction"]))
def test_the_label_of_a_move_is_the_action_that_made_it(action: list[float], mode: str) -> None:
    """action_label inverts next_multipliers wherever the mask is true."""
    config, at = ActionConfig(mode=mode), point([5.0, 20.0, 9.0], [1, -3, 0])
    target = next_multipliers(np.array(action), at, SCALE, config)
    label, mask = action_label(at.multipliers, target, at.violation, SCALE, config)
    assert mask.tolist() == ([True, True, False] if mode == "diagonal" else [True] * 3)
    np.testing.assert_allclose(label[mask], np.array(action)[mask], atol=1e-5)
    assert label.dtype == np.float32


def test_labels_stay_in_range() -> None:
    """Moves too long, too short or against g become ±1; a customer with g = 0 is labelled 0 and masked."""
    at, g = np.full(5, 100.0), np.array([1.0, 1.0, 1.0, -1.0, 0.0])
    target = np.array([1e6, 100.0 + 1e-9, 90.0, 110.0, 300.0])
    label, mask = action_label(at, target, g, SCALE, ActionConfig())
    assert label.tolist() == [1.0, -1.0, -1.0, -1.0, 0.0]
    assert mask.tolist() == [True, True, True, True, False]
    label, mask = action_label(at, target, g, SCALE, ActionConfig(mode="direction"))
    assert label[0] == 1.0
    assert mask.all()


@pytest.mark.parametrize("mode", ["diagonal", "direction"])
@pytest.mark.parametrize(
    ("action", "message"),
    [
        ([0.0, np.nan, 0.0], "customer 2 is given nan"),
        ([0.0, 0.0, 1.01], "customer 3 is given 1.01"),
        ([-np.inf, 0.0, 0.0], "customer 1 is given -inf"),
        ([0.0, 0.0], r"shape \(2,\)"),
    ],
)
def test_bad_actions_are_refused(mode: str, action: list[float], message: str) -> None:
    """NaN, out of range and wrong shapes are named, with the customer and the value."""
    with pytest.raises(InputError, match=message):
        next_multipliers(np.array(action), point([1.0, 2.0, 3.0], [1, 1, 1]), SCALE, ActionConfig(mode=mode))


def test_what_float32_adds_to_one_is_forgiven() -> None:
    """An action a rounding error above 1 counts as 1."""
    config, at = ActionConfig(), point([1.0], [1])
    np.testing.assert_array_equal(
        next_multipliers(np.array([1.0 + 1e-7]), at, SCALE, config),
        next_multipliers(np.array([1.0]), at, SCALE, config),
    )


def test_labels_need_finite_targets() -> None:
    """A target that is not finite, or of another shape, is refused by name."""
    with pytest.raises(InputError, match="target"):
        action_label(np.zeros(2), np.array([0.0, np.nan]), np.ones(2), SCALE, ActionConfig())
    with pytest.raises(InputError, match="violation"):
        action_label(np.zeros(2), np.zeros(2), np.ones(3), SCALE, ActionConfig())


def test_bad_configurations_are_refused() -> None:
    """Unknown modes and constants that are not positive."""
    with pytest.raises(UnknownNameError, match="diagonal"):
        ActionConfig(mode="diagonl")
    with pytest.raises(InputError, match=r"action\.base_step"):
        ActionConfig(base_step=0.0)
