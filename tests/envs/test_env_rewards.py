"""The batched core: routes and their judgement, rewards, budgets and ends of episodes, phases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from env_samplers import DealSampler, NoisySampler
from played_batches import JUDGED, SHORT, actions, generator

from envs.action import ActionConfig
from envs.config import EnvConfig, RewardWeights
from envs.core import EpisodeBatch
from envs.observation import FEATURES
from lagrl.errors import InputError
from lagrl.problems.cvrp import CVRP
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual


def test_routes_come_from_the_route_sampler() -> None:
    """The pool contains the route sampler's clusters, and lacks them without this sampler."""
    DealSampler.steps.clear()
    problem = CVRP.from_coordinates("even", np.random.default_rng(0).integers(0, 100, (13, 2)), [1] * 12, 4)
    dealt = {frozenset(range(1 + k, 13, 4)) for k in range(4)}  # three vehicles would be full to the last unit
    pooled = []
    for route_sampler in (DealSampler, None):
        batch = EpisodeBatch(replace(SHORT, n_joint=2), 1, route_sampler=route_sampler)
        batch.reset(0, generator(0), problem)
        for t in range(5):
            batch.step(actions(t, 1, 24))
        (episode,) = batch.episodes
        assert episode.dual.is_exact
        pooled.append({frozenset(route.tolist()) for route in episode.state.incumbent.pool.routes})
    assert dealt <= pooled[0]
    assert not dealt & pooled[1]
    assert DealSampler.steps == [0, 1]  # evaluations 1 and 4


def test_one_sampler_for_prices_and_routes_is_asked_once() -> None:
    """Samplers of equal names share their strings for prices and routes; others have separate strings."""
    shared, apart = replace(SHORT, sampler="product", route_sampler="product"), replace(SHORT, sampler="product")
    for config, has_own in ((shared, False), (apart, True), (SHORT, False)):
        batch = EpisodeBatch(config, 1)
        batch.reset(0, generator(0))
        assert (batch.episodes[0].state.route_dual is not None) == has_own


def test_progress_under_an_approximate_sampler_is_judged_exactly() -> None:
    """The best dual value is the exact one of the best λ, below the sampled one, and no observation depends on it."""
    exact, blind = EpisodeBatch(SHORT, 1, sampler=NoisySampler), EpisodeBatch(JUDGED, 1, sampler=NoisySampler)
    for batch in (exact, blind):
        batch.reset(0, generator(1))
    for step in range(5):
        moved = [batch.step(actions(step, 1, 24)).infos[0] for batch in (exact, blind)]
        np.testing.assert_array_equal(exact.observation(0)["nodes"], blind.observation(0)["nodes"])
        assert not moved[0]["is_optimal"]
    (episode,) = exact.episodes
    trail = [episode.initial, *episode.trail]
    values = [episode.dual.price(multipliers).value for multipliers in trail]
    assert moved[0]["best_dual_value"] == max(value for value in values if value is not None)
    assert moved[0]["best_dual_value"] < episode.best.sampled_value


def test_fresh_samples_judge_without_the_exact_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge `samples` never prices exactly, and counts its samples."""

    def forbidden(*_: object) -> None:
        raise AssertionError("priced exactly")

    monkeypatch.setattr(AssignmentDual, "price", forbidden)
    batch = EpisodeBatch(JUDGED, 1, sampler=NoisySampler)
    info = batch.reset(0, generator(1))
    assert np.isfinite(info["best_dual_value"])
    assert batch.episodes[0].judge is not None
    assert batch.episodes[0].judge.sampler is not batch.episodes[0].dual.sampler


def test_few_shots_do_not_close_the_gap() -> None:
    """With 4 shots the highest sampled value suggests a far smaller gap than the exact one; fresh samples do not.

    Episodes of random actions on generated instances: the gap that is rewarded is that of the exact value, and the
    judge `samples` is on average no more optimistic than one sample of the same λ.
    """
    few = replace(SHORT, sampler="qaoa+width=6", shots=4, max_steps=12, route_every=200)
    gaps = []
    for index in range(8):
        batch, judged = EpisodeBatch(few, 1), EpisodeBatch(replace(few, judge="samples"), 1)
        for one in (batch, judged):
            one.reset(0, generator(index))
        for step in range(12):
            for one in (batch, judged):
                one.step(actions(step, 1, 24))
        best, fresh = batch.episodes[0].best, judged.episodes[0].best
        optimistic = 1.0 - best.sampled_value / best.assignment_cost
        gaps.append((max(optimistic, 0.0), best.gap, fresh.gap))
    naive, exact, fresh_gap = np.mean(gaps, axis=0)
    assert naive < 0.5 * exact
    assert fresh_gap > naive


@pytest.mark.parametrize("sampler", ["bandit", "replay:journal.jsonl"])
def test_samplers_that_cannot_be_judged_are_refused(sampler: str) -> None:
    """A learning bandit would learn from the judge's samples, and a replay has no other ones."""
    with pytest.raises(InputError, match=r"judge.*exact"):
        EpisodeBatch(replace(JUDGED, sampler=sampler), 1)


def test_every_evaluation_has_routes_by_default() -> None:
    """Decoded assignments are toured at every evaluation, the route sampler's at each `route_every`-th one."""
    batch, sampled = (
        EpisodeBatch(replace(SHORT, tour_decoded=is_toured), 1, route_sampler=NoisySampler)
        for is_toured in (True, False)
    )
    for one in (batch, sampled):
        one.reset(0, generator(2))
    toured, circuits = [], []
    for step in range(6):
        for one, seen in ((batch, toured), (sampled, circuits)):
            one.step(actions(step, 1, 24))
            last = one.episodes[0].step
            assert last is not None
            seen.append((np.isfinite(last.columns_cost), last.route_sampling.circuits > 0))
    assert toured == [(True, index % 3 == 0) for index in range(1, 7)]
    assert circuits == [(index % 3 == 0, index % 3 == 0) for index in range(1, 7)]


def test_recombined_routes_are_rewarded() -> None:
    """With `recombine` the best routes are those of the whole pool: never worse, and better in some episodes."""
    config = replace(SHORT, n_max=50, max_steps=20, n_customers=(20, 50), route_every=4)
    gains = []
    for index in range(6):
        costs = []
        for recombine in (False, True):
            batch = EpisodeBatch(replace(config, recombine=recombine), 1)
            batch.reset(0, generator(index), "G-n51-k6")
            for step in range(20):
                info = batch.step(actions(step, 1, 50)).infos[0]
                if info["is_over"]:
                    break
            costs.append(info["best_route_cost"])
        gains.append(costs[0] - costs[1])
    assert min(gains) >= 0.0
    assert max(gains) > 0.0


def test_without_a_curriculum_rewards_have_all_terms() -> None:
    """The reward of no phase is that of phase 2 plus the route term, and phases can be left again."""
    config = replace(SHORT, n_max=50, rewards=RewardWeights(cost_gap=0.0))
    rewards = []
    for phase in (None, 2, 3):
        batch = EpisodeBatch(config, 1)
        batch.set_phase(phase)
        assert batch.reset(0, generator(3), "G-n51-k6")["phase"] == (phase or 0)
        rewards.append([float(batch.step(actions(step, 1, 50)).rewards[0]) for step in range(6)])
    np.testing.assert_allclose(rewards[0], np.add(rewards[1], rewards[2]), atol=1e-12)
    assert np.abs(rewards).sum() > 0
    batch.set_phase(None)
    assert batch.reset(0, generator(3))["phase"] == 0


def test_an_episode_spends_its_budget() -> None:
    """Horizon T allows T steps and T + 1 evaluations; a further step is an error until the next reset."""
    tiny = replace(SHORT, action=ActionConfig(base_step=0.03))  # or the optimum would be proven on the way
    batch = EpisodeBatch(tiny, 1)
    batch.reset(0, generator(0), "G-n16-k3")
    assert batch.episodes[0].budget == 8
    steps = [batch.step(np.full((1, 24), -1.0, np.float32)) for _ in range(7)]
    assert [bool(step.terminated[0]) for step in steps] == [False] * 6 + [True]
    assert steps[-1].infos[0]["evaluations"] == 8
    assert steps[-1].infos[0]["is_over"]
    assert batch.observations()["nodes"][0, 0, FEATURES.index("budget_left")] == 0.0
    with pytest.raises(InputError, match="environment 0: the episode is over; reset"):
        batch.step(actions(0, 1, 24))


def test_a_proven_optimum_ends_the_episode() -> None:
    """After λ with g = 0 under the exact sampler the next step is the last, with any budget left."""
    problem = CVRP.from_coordinates("far", [[0, 0], [100, 0], [0, 100]], [1, 1], 1)
    batch = EpisodeBatch(SHORT, 1)
    batch.reset(0, generator(0), problem)
    step = batch.step(actions(0, 1, 24))
    assert step.terminated[0]
    assert step.infos[0]["is_optimal"]
    assert step.infos[0]["evaluations"] == 2


def test_horizons_are_drawn() -> None:
    """Horizons lie within [min_steps, max_steps], uniformly on a log scale."""
    batch = EpisodeBatch(replace(SHORT, min_steps=2, max_steps=128, n_customers=(3, 4)), 1)
    rng = generator(0)
    horizons = []
    for _ in range(200):
        batch.reset(0, rng)
        horizons.append(batch.episodes[0].horizon)
    assert min(horizons) >= 2
    assert max(horizons) <= 128
    assert 70 < sum(horizon <= 16 for horizon in horizons) < 130


def test_the_start_is_what_the_configuration_says() -> None:
    """`linear` starts at the linear relaxation's prices, `zero` at 0, and bounds are kept throughout."""
    batch = EpisodeBatch(SHORT, 1)
    batch.reset(0, generator(3))
    (episode,) = batch.episodes
    np.testing.assert_array_equal(episode.initial, linear_dual(episode.dual.problem).multipliers)
    bounded = EpisodeBatch(replace(EnvConfig.preset("reference"), n_max=24, n_customers=(8, 24), sampler="exact"), 1)
    bounded.reset(0, generator(3))
    assert not bounded.episodes[0].initial.any()
    assert bounded.episodes[0].phase is None
    for _ in range(20):
        if bounded.step(np.ones((1, 24), np.float32)).terminated[0]:
            break
    reached = np.array(bounded.episodes[0].trail)
    assert reached.min() == -400.0
    assert reached.max() == 800.0


def test_the_phase_changes_at_reset_only() -> None:
    """An episode keeps the phase of its start."""
    batch = EpisodeBatch(SHORT, 2)
    for index in range(2):
        batch.reset(index, generator(index), "G-n16-k3")
    batch.set_phase(3)
    assert [info["phase"] for info in batch.step(actions(0, 2, 24)).infos] == [0, 0]
    batch.reset(1, generator(5))
    assert [info["phase"] for info in batch.step(actions(0, 2, 24)).infos] == [0, 3]
    for unknown in (0, 1, 4, "3"):  # 1 is none of this configuration's
        with pytest.raises(InputError, match=r"phase.*2, 3, or None"):
            batch.set_phase(unknown)
