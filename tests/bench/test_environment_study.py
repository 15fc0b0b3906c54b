"""The study of the environment: what counts as saturated, and rules as they were before values were corrected."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tyro")  # only the study needs it

from benchmarks.environment_study.correlation import PHASES, correlations, returns_and_routes
from benchmarks.environment_study.criteria import window_means
from benchmarks.environment_study.noisy_best import Uncorrected
from benchmarks.environment_study.routes import config_of, played
from benchmarks.environment_study.saturation import at_limit
from benchmarks.environment_study.whom_to_free import best_of
from benchmarks.harness import read_rows
from envs.config import EnvConfig
from envs.observation import make_observer
from lagrl.ascent import ascend
from lagrl.controllers.base import Feedback
from lagrl.controllers.held_wolfe_crowder import HeldWolfeCrowder
from lagrl.dual_loop import DualLoop
from lagrl.problems.bundled import read_bundled
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linearise import linearise
from lagrl.samplers.registry import make_sampler

ROWS = Path(__file__).parents[2] / "docs" / "rows" / "environment_saturation.jsonl"
CORRELATION = ROWS.with_name("environment_correlation.jsonl")


def a_dual(sampler: str = "exact") -> AssignmentDual:
    """Return the dual of a bundled instance."""
    problem = linearise(read_bundled("G-n16-k3"))
    return AssignmentDual(problem, make_sampler(sampler), shots=4, rng=np.random.default_rng(0))


def test_clipped_features_and_constant_ones_count() -> None:
    """In version 1, large multipliers, a large budget and a gap of 0 are at a limit; in version 2 nothing is."""
    dual = a_dual()
    multipliers = np.full(15, dual.scale)
    multipliers[:6] *= 40.0
    point = dual.evaluate(multipliers)
    found = {
        version: at_limit(observer, observer.observe(point, Feedback(point.value)), point)
        for version, observer in ((version, make_observer(dual, 500, version)) for version in (1, 2))
    }
    assert found[1]["multiplier"] == found[1]["cheapest_reduced"] == pytest.approx(6 / 15)
    assert found[1]["budget_left"] == found[1]["polyak_step"] == 1.0
    assert found[1]["violation"] == found[1]["demand"] == 0.0
    assert not any(found[2].values())


def test_an_uncorrected_rule_compares_sampled_values() -> None:
    """Its best value is the highest sampled one, and that of a corrected rule is lower."""
    best = []
    for is_corrected in (False, True):
        rule = HeldWolfeCrowder()
        loop = DualLoop.of(a_dual("product"))
        trace = ascend(loop, rule if is_corrected else Uncorrected(rule), 30, np.random.default_rng(0))
        best.append((rule.best, max(trace.sampled_value)))
    assert best[0][0] == best[0][1]
    assert best[1][0] < best[1][1]


def test_no_feature_of_version_2_saturates() -> None:
    """In the committed rows, every feature of version 2 is at its limit in less than 1 % of the states."""
    rows = [row for row in read_rows(ROWS) if "family" in row]
    for group in {(row["family"], row["sampler"]) for row in rows}:
        own = [row["version 2"] for row in rows if (row["family"], row["sampler"]) == group]
        assert len({row["instance"] for row in rows if (row["family"], row["sampler"]) == group}) >= 3
        for name in own[0]:
            assert np.mean([shares[name] for shares in own]) < 0.01, (group, name)


def test_the_mean_best_of_some_sets_is_that_of_all_subsets() -> None:
    """Over every subset of K of five values, as by enumeration; all five have their maximum, one the mean."""
    gains = np.random.default_rng(0).random((3, 5))
    for k in range(1, 6):
        wanted = np.mean([gains[:, list(chosen)].max(axis=1) for chosen in combinations(range(5), k)], axis=0)
        np.testing.assert_allclose(best_of(gains, k), wanted)
    np.testing.assert_allclose(best_of(gains, 1), gains.mean(axis=1))


def test_returns_of_the_default_rank_final_routes() -> None:
    """In the committed rows, over at least 24 episodes, the mean rank correlation with the routes is .6 or more."""
    found = correlations(read_rows(CORRELATION), PHASES.index(None))
    assert len(found) >= 24
    assert np.mean(found) >= 0.6


def test_a_phase_of_routes_ranks_them() -> None:
    """With a gap weight of 0 the return of phase 3 is minus the routes' cost, whose rank correlation is 1."""
    config = EnvConfig(n_max=20, n_customers=(16, 20), max_steps=6, route_sampler="exact")
    config = config.changed({"rewards": {"cost_gap": 0.0}})
    rows = []
    for seed in range(4):
        returns, ratios = returns_and_routes(config, seed, 4)
        assert len(ratios) == len(returns) == 6  # four at random, zero actions, and a classical rule
        rows.append({"returns": returns, "route_ratio": ratios})
    assert correlations(rows, PHASES.index(3)) == pytest.approx([1.0] * len(correlations(rows, PHASES.index(3))))
    assert correlations(rows, PHASES.index(3))


def test_window_means_are_means_of_the_values() -> None:
    """Means of large windows are close to the mean, those of a window of one are the values."""
    assert set(window_means([0.0, 1.0], 1)) == {0.0, 1.0}
    assert np.ptp(window_means([0.0, 1.0], 400)) < 0.3


def test_actors_of_route_episodes_start_alike() -> None:
    """Rules and equal steps play the same episode from the same first value, each in its own way."""
    problem, config = read_bundled("G-n16-k3"), config_of("paths", 11)
    plays = [played(problem, config, actor) for actor in ("equal", "random", "volume", "bundle")]
    assert len({play["first"] for play in plays}) == 1
    assert len({play["gap"] for play in plays}) == 4
    assert all(play["gap"] <= play["early_gap"] <= 1.0 for play in plays)


def test_the_baseline_takes_out_what_the_critic_could_explain() -> None:
    """In the committed rows the critic explains nothing with the baseline and half without; the noise is level."""
    rows = [row for row in read_rows(CORRELATION.with_name("environment_critic.jsonl")) if row["rollout"] > 20]
    found = {
        (name, has_baseline): np.mean([row[name] for row in rows if row["baseline"] == has_baseline])
        for name in ("explained_variance", "advantage_std")
        for has_baseline in (True, False)
    }
    assert abs(found["explained_variance", True]) < 0.1
    assert found["explained_variance", False] > 0.4
    assert 0.8 < found["advantage_std", True] / found["advantage_std", False] < 1.1
