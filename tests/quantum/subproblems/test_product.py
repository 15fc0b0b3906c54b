"""The product state: its probabilities, and draws from it."""

from __future__ import annotations

import numpy as np
import pytest
from small_knapsacks import knapsacks, strings

from lagrl.errors import InputError
from lagrl.quantum.subproblems.candidates import ProductState, draw_product, rotation_angles, select_candidates


def test_probabilities_are_the_definition() -> None:
    """Probabilities are the clipped sigmoid of the distance from e_stop in units of its median size."""
    found = select_candidates(*knapsacks(np.random.default_rng(0), 5, 24), 7)
    state = ProductState(sharpness=1.7, clip=0.1)
    probability = state.probabilities(found)
    assert (found.width > 0).any()
    for k in range(5):
        m = found.width[k]
        distance = -found.reduced_cost[k, :m] / found.weight[k, :m] - found.stop[k]
        if m:
            exponent = 1.7 * distance / np.median(np.abs(distance))
            assert probability[k, :m] == pytest.approx(np.clip(1 / (1 + np.exp(-exponent)), 0.1, 0.9))
        assert not probability[k, m:].any()


def test_equal_customers_are_even_odds() -> None:
    """If all customers are equally efficient, all probabilities are 1/2."""
    found = select_candidates(np.full((1, 4), -6.0), np.full(4, 3), np.array([7]))
    assert ProductState().probabilities(found)[0, :4] == pytest.approx(0.5)


def test_one_outlier_among_equals_is_still_told_apart() -> None:
    """With a median distance of 0 the mean distance is the unit."""
    found = select_candidates(np.array([[-30.0, -6.0, -6.0, -6.0]]), np.full(4, 3), np.array([7]))
    probability = ProductState().probabilities(found)[0]
    assert probability[1:4] == pytest.approx(0.5)
    assert probability[0] == pytest.approx(0.95)


def test_draws_follow_the_probabilities() -> None:
    """Each string's share of 20 000 is the product of its bits', to five standard deviations; codes are distinct."""
    probability = np.array([[0.2, 0.9, 0.5], [0.05, 0.0, 0.0]])
    code, count = draw_product(probability, 20_000, np.random.default_rng(0))
    assert (count.sum(axis=1) == 20_000).all()
    for k in range(2):
        expected = np.where(strings(3), probability[k], 1 - probability[k]).prod(axis=1)
        drawn = code[k, count[k] > 0]
        assert len(set(drawn.tolist())) == len(drawn)
        share = np.zeros(8)
        share[drawn] = count[k, count[k] > 0] / 20_000
        assert (np.abs(share - expected) <= 5 * np.sqrt(expected * (1 - expected) / 20_000) + 1e-12).all()


def test_rotations_measure_their_probabilities() -> None:
    """RY(θ)|0⟩ has amplitude sin(θ/2) on 1."""
    probability = np.linspace(0, 1, 11)
    assert np.sin(rotation_angles(probability) / 2) ** 2 == pytest.approx(probability)


@pytest.mark.parametrize("wrong", [{"sharpness": -1.0}, {"sharpness": np.nan}, {"clip": -0.1}, {"clip": 0.6}])
def test_states_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    """A parameter out of range raises an error that names it."""
    with pytest.raises(InputError, match=next(iter(wrong))):
        ProductState(**wrong)
