"""The model of cuts: its maximum against its dual bound, and what filing, merging and purging keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lagrl.controllers.cutting_plane_model import CutModel, Maximum
from lagrl.controllers.pieces import Pieces

N = 5


def drawn(rng: np.random.Generator, n_pieces: int = 3) -> Pieces:
    """One cut per piece: slopes like those of selections, and a last piece of slope 1."""
    slope = -(rng.random((n_pieces, N)) < 0.4).astype(float)
    return Pieces(np.vstack([slope, np.ones(N)]), np.append(rng.uniform(0, 30, n_pieces), 0.0))


def filled(seed: int, rounds: int, most_cuts: int = 50, patience: int = 20) -> tuple[CutModel, list[Pieces]]:
    """Return a model and the cuts that it was given."""
    rng = np.random.default_rng(seed)
    model = CutModel(np.zeros(N), np.full(N, 20.0), most_cuts=most_cuts, patience=patience)
    given_cuts = [drawn(rng) for _ in range(rounds)]
    for pieces in given_cuts:
        model.add(pieces)
    return model, given_cuts


def maximum(model: CutModel, centre: np.ndarray, step: np.ndarray) -> Maximum:
    """Maximise to a gap of 1e-9."""
    return model.maximise(centre, step, -np.inf, relative=0.0, absolute=1e-9)


def model_at(cuts: list[Pieces], multipliers: np.ndarray) -> float:
    """The model's value from its definition."""
    return float(np.min([pieces.intercept + pieces.slope @ multipliers for pieces in cuts], axis=0).sum())


def dual_bound(model: CutModel, centre: np.ndarray, step: np.ndarray) -> float:
    """What the penalised model nowhere exceeds within the bounds, by its weights and weak duality."""
    np.testing.assert_allclose(np.bincount(model.piece, model.weight), np.ones(model.piece.max() + 1), atol=1e-9)
    assert (model.weight >= 0.0).all()
    slope = np.zeros(N)
    for cut, weight in enumerate(model.weight):
        entries = slice(model.start[cut], model.start[cut + 1])
        slope[model.index[entries]] += weight * model.entry[entries]
    highest = np.clip(centre + step * slope, model.low, model.high)
    return float(model.weight @ model.intercept + slope @ highest - ((highest - centre) ** 2 / (2 * step)).sum())


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), rounds=st.integers(1, 12), length=st.sampled_from([0.1, 3.0, 100.0]))
def test_the_maximum_is_certified_by_the_weights(seed: int, rounds: int, length: float) -> None:
    """The value there is the model's, and equals the dual bound; with bounds that bind and steps that differ."""
    model, cuts = filled(seed, rounds)
    rng = np.random.default_rng(seed + 1)
    centre, step = rng.uniform(0, 20, N), length * rng.uniform(0.5, 2.0, N)
    found = maximum(model, centre, step)
    penalty = ((found.multipliers - centre) ** 2 / (2 * step)).sum()
    assert found.value == pytest.approx(model_at(cuts, found.multipliers), abs=1e-9)
    assert found.gap <= 1e-9
    assert found.value - penalty == pytest.approx(dual_bound(model, centre, step), abs=1e-8)
    assert (found.multipliers >= 0.0).all()
    assert (found.multipliers <= 20.0).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), most_cuts=st.integers(2, 4))
@example(seed=22121, most_cuts=3)  # two cuts of a piece equal but for rounding, all multipliers they have at a bound
def test_weights_stay_on_the_simplices_and_bound_the_model(seed: int, most_cuts: int) -> None:
    """Whatever is merged or purged: weights of a piece sum to 1, no more cuts than allowed, and an upper bound."""
    rng = np.random.default_rng(seed)
    model, cuts = filled(seed, 1, most_cuts, patience=2)
    for _ in range(15):
        maximum(model, rng.uniform(0, 20, N), np.full(N, 5.0))
        np.testing.assert_allclose(np.bincount(model.piece, model.weight), np.ones(4), atol=1e-9)
        top = max(model_at(cuts, rng.uniform(0, 20, N)) for _ in range(50))
        assert model.upper_bound() >= top - 1e-9
        model.purge()
        cuts.append(drawn(rng))
        model.add(cuts[-1])
        assert np.bincount(model.piece).max() <= most_cuts


@pytest.mark.parametrize("seed", range(10))
def test_merging_keeps_the_last_maximum(seed: int) -> None:
    """After a merge the penalised maximum is no higher than before the new cut, and the model none the lower."""
    centre, step = np.full(N, 8.0), np.full(N, 50.0)
    model, cuts = filled(seed, 2, most_cuts=2)
    before = maximum(model, centre, step)
    cuts.append(drawn(np.random.default_rng([seed, 1])))
    model.add(cuts[-1])
    probe = np.random.default_rng(seed).uniform(0, 20, N)
    assert model.value(probe) >= model_at(cuts, probe) - 1e-9
    after = maximum(model, centre, step)
    values = [m.value - ((m.multipliers - centre) ** 2 / (2 * step)).sum() for m in (before, after)]
    assert values[1] <= values[0] + 1e-6


def test_equal_slopes_are_filed_once() -> None:
    """The lower of two parallel cuts counts, whichever came first."""
    model, (pieces,) = filled(0, 1)
    n_cuts = len(model)
    for change in (5.0, -2.0, 1.0):
        model.add(Pieces(pieces.slope, pieces.intercept + change))
    assert len(model) == n_cuts
    probe = np.full(N, 3.0)
    assert model.value(probe) == pytest.approx(model_at([pieces], probe) - 2.0 * len(pieces.intercept))


def test_cuts_without_weight_are_purged_after_the_patience() -> None:
    """Not before, and never one that is in use."""
    model, _ = filled(3, 8, patience=2)
    counts = []
    for _ in range(5):
        maximum(model, np.full(N, 5.0), np.full(N, 5.0))
        model.purge()
        counts.append(len(model))
    in_use = int((model.weight > 0).sum())
    assert counts[0] == counts[1] > counts[2] == counts[4] == in_use


def test_an_unbounded_multiplier_leaves_the_upper_bound_infinite() -> None:
    """The cuts' slopes are zero for this multiplier."""
    model = CutModel(np.full(N, -np.inf), np.full(N, np.inf), most_cuts=5, patience=5)
    model.add(Pieces(np.ones((1, N)), np.zeros(1)))
    model.weight[:] = 1.0
    assert model.upper_bound() == np.inf
    flat = CutModel(np.full(N, -np.inf), np.full(N, np.inf), most_cuts=5, patience=5)
    flat.add(Pieces(np.zeros((1, N)), np.full(1, 3.0)))
    assert flat.upper_bound() == 3.0
