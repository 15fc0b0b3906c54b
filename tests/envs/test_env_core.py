"""The batched core: batches equal single episodes, states are replayed, routes come from the route sampler."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from env_samplers import DealSampler, NoisySampler

from envs.action import ActionConfig
from envs.config import EnvConfig, RewardWeights
from envs.core import EpisodeBatch
from envs.env import make_batch
from envs.observation import FEATURES
from lagrl.errors import InputError, InstanceError, UnknownNameError
from lagrl.problems.bundled import bundled_path, read_bundled
from lagrl.problems.cvrp import CVRP
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from envs.ascent_batch import AscentBatch
    from envs.batch import BatchStep

SHORT = EnvConfig(n_max=24, n_customers=(8, 24), max_steps=7, route_sampler="exact", route_every=3)
JUDGED = replace(SHORT, judge="samples")
ROUTES = replace(SHORT, relaxation="ng", reference_evaluations=5)


def generator(index: int, seed: int = 0) -> np.random.Generator:
    """Return the generator of an environment."""
    return np.random.default_rng([seed, index])


def actions(step: int, n_envs: int, n_max: int) -> NDArray[np.float32]:
    """Some actions of a step, the same for an environment in a batch of any size."""
    return np.stack(
        [np.random.default_rng([9, step, index]).uniform(-1, 1, n_max).astype(np.float32) for index in range(n_envs)]
    )


def play(batch: AscentBatch[Any], rngs: list[np.random.Generator], steps: range, indices: list[int]) -> list[list[Any]]:
    """Step a batch with the actions of `indices`, reset finished episodes; return all results by environment."""
    seen: list[list[Any]] = [[] for _ in indices]
    for t in steps:
        step = batch.step(actions(t, max(indices) + 1, batch.config.n_max)[indices])
        for b in range(batch.n_envs):
            seen[b].append((step.rewards[b], step.terminated[b], repr(step.infos[b]), batch.observation(b)))
            if step.terminated[b]:
                seen[b].append((repr(batch.reset(b, rngs[b])), batch.observation(b)))
    return seen


def assert_same(first: Any, second: Any) -> None:
    """Nested results are equal to the bit."""
    if isinstance(first, dict):
        assert first.keys() == second.keys()
        for name in first:
            assert_same(first[name], second[name])
    elif isinstance(first, list | tuple):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_same(one, other)
    elif isinstance(first, np.ndarray):
        np.testing.assert_array_equal(first, second)
    else:
        assert first == second


SETTINGS = [
    ("exact", SHORT, {}),
    ("noisy routes", SHORT, {"route_sampler": NoisySampler}),
    ("noisy prices", replace(SHORT, action=ActionConfig(mode="direction"), min_steps=2), {"sampler": NoisySampler}),
    ("quantum", replace(SHORT, route_sampler="qaoa", shots=16), {}),
    ("product", replace(SHORT, sampler="product", route_sampler="product", shots=16), {}),
    ("judged by samples", JUDGED, {"sampler": NoisySampler}),
    ("recombined", replace(SHORT, recombine=True), {}),
    ("chosen seeds", replace(SHORT, seeding="choose", seed_choices=3), {"sampler": NoisySampler}),
    ("placed seeds", replace(SHORT, seeding="scores", judge="samples"), {"sampler": NoisySampler}),
    ("ng-routes", replace(ROUTES, recombine=True), {"route_sampler": NoisySampler}),
    ("paths", replace(ROUTES, relaxation="paths", action=ActionConfig(mode="direction"), min_steps=2), {}),
]
each_setting = pytest.mark.parametrize(("config", "made"), [s[1:] for s in SETTINGS], ids=[s[0] for s in SETTINGS])


@each_setting
def test_a_batch_equals_single_environments(config: EnvConfig, made: dict[str, Any]) -> None:
    """Four environments of different sizes are bit-equal to four single ones through several episodes."""
    together = make_batch(config, 4, made)
    rngs = [generator(index) for index in range(4)]
    first = [together.reset(index, rngs[index]) for index in range(4)]
    seen = play(together, rngs, range(17), [0, 1, 2, 3])
    assert len({info["n_customers"] for info in first}) > 1
    for index in range(4):
        alone, rng = make_batch(config, 1, made), generator(index)
        assert repr(alone.reset(0, rng)) == repr(first[index])
        assert_same(play(alone, [rng], range(17), [index]), [seen[index]])


@each_setting
def test_a_state_goes_on_to_the_bit(config: EnvConfig, made: dict[str, Any]) -> None:
    """A new batch, restored from JSON in the middle of episodes, continues like the undisturbed one."""
    batch = make_batch(config, 3, made)
    rngs = [generator(index, 4) for index in range(3)]
    for index in range(3):
        batch.reset(index, rngs[index], read_bundled("G-n16-k3") if index == 1 else None)
    play(batch, rngs, range(4), [0, 1, 2])
    batch.set_phase(3)
    record, arrays = batch.state()
    kept = [rng.bit_generator.state for rng in rngs]
    undisturbed = play(batch, rngs, range(4, 19), [0, 1, 2])

    again = make_batch(config, 3, made)
    again.load_state(json.loads(json.dumps(record)), arrays)
    assert again.phase == 3
    for rng, state in zip(rngs, kept, strict=True):
        rng.bit_generator.state = state
    assert_same(play(again, rngs, range(4, 19), [0, 1, 2]), undisturbed)


def test_a_state_survives_the_file_it_came_from(tmp_path: Path) -> None:
    """The state contains instances that were given by path: their file may disappear."""
    path = tmp_path / "mine.vrp"
    path.write_bytes(bundled_path("G-n16-k3").read_bytes())
    batch = EpisodeBatch(SHORT, 1)
    batch.reset(0, generator(0), path)
    batch.step(actions(0, 1, 24))
    record, arrays = batch.state()
    path.unlink()
    again = EpisodeBatch(SHORT, 1)
    again.load_state(record, arrays)
    assert_same(again.observations(), batch.observations())
    assert again.episodes[0].problem.name == "G-n16-k3"


def test_a_state_before_the_first_reset_is_empty() -> None:
    """A state without episodes restores no episode."""
    batch = EpisodeBatch(SHORT, 2)
    again = EpisodeBatch(SHORT, 2)
    again.load_state(*batch.state())
    with pytest.raises(InputError, match="call reset first"):
        again.step(actions(0, 2, 24))


def test_a_state_without_a_version_has_the_first_observations() -> None:
    """A state saved before there were versions is restored where observation=1, and refused where it is 2."""
    former = replace(SHORT, observation=1)
    batch = EpisodeBatch(former, 1)
    batch.reset(0, generator(0), "G-n16-k3")
    batch.step(actions(0, 1, 24))
    record, arrays = batch.state()
    del record["config"]["observation"]
    again = EpisodeBatch(former, 1)
    again.load_state(record, arrays)
    assert_same(again.observations(), batch.observations())
    with pytest.raises(InputError, match="another configuration"):
        EpisodeBatch(SHORT, 1).load_state(record, arrays)


def test_foreign_states_are_refused() -> None:
    """A state of another configuration or another number of environments is an error."""
    record, arrays = EpisodeBatch(SHORT, 2).state()
    with pytest.raises(InputError, match="configuration"):
        EpisodeBatch(replace(SHORT, max_steps=8), 2).load_state(record, arrays)
    with pytest.raises(InputError, match="2 environments, the batch 3"):
        EpisodeBatch(SHORT, 3).load_state(record, arrays)


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
            batch.set_phase(unknown)  # type: ignore[arg-type]


@pytest.mark.parametrize("n", range(1, 7))
@pytest.mark.parametrize("capacity", [1, 2, 10])
def test_tiny_instances_work(n: int, capacity: int) -> None:
    """One vehicle, one customer, fewer than five neighbours: episodes run to their end."""
    points = np.random.default_rng(n).integers(0, 50, (n + 1, 2))
    problem = CVRP.from_coordinates(f"tiny{n}", points, [1] * n, capacity)
    batch = EpisodeBatch(replace(SHORT, route_sampler="qaoa", shots=8), 1)
    batch.reset(0, generator(0), problem)
    step: BatchStep | None = None
    while step is None or not step.terminated[0]:
        step = batch.step(actions(0, 1, 24))
        assert np.isfinite(step.rewards[0])
    assert np.isfinite(batch.observations()["nodes"]).all()
    assert batch.observations()["node_mask"].sum() == n


def test_multipliers_may_be_given_and_environments_may_rest() -> None:
    """`step_multipliers` prices the given multipliers, clipped; a resting environment is unchanged."""
    batch = EpisodeBatch(SHORT, 2)
    for index in range(2):
        batch.reset(index, generator(index), "G-n16-k3")
    before = batch.observation(1)
    step = batch.step_multipliers([np.full(15, 1e9), None])
    highest = batch.episodes[0].dual.bounds[1]
    np.testing.assert_array_equal(batch.episodes[0].trail[0], highest)
    assert (step.infos[1], step.rewards[1], step.terminated[1]) == ({}, 0.0, False)
    assert_same(batch.observation(1), before)
    assert [episode.steps for episode in batch.episodes] == [1, 0]
    with pytest.raises(InputError, match="1 vectors for 2 ascents"):
        batch.step_multipliers([None])


@pytest.mark.parametrize(
    ("index", "entry", "value", "message"),
    [
        (1, 3, np.nan, "environment 1: action: customer 4 is given nan"),
        (0, 14, -1.5, "environment 0: action: customer 15 is given -1.5"),
        (1, 20, np.inf, "environment 1: action: entry 20 beyond the 15 customers is inf"),
    ],
)
def test_bad_actions_are_refused(index: int, entry: int, value: float, message: str) -> None:
    """The error names environment, customer and value, and no environment has moved."""
    batch = EpisodeBatch(SHORT, 2)
    for b in range(2):
        batch.reset(b, generator(b), "G-n16-k3")
    action = np.zeros((2, 24), np.float32)
    action[index, entry] = value
    with pytest.raises(InputError, match=message):
        batch.step(action)
    assert [episode.steps for episode in batch.episodes] == [0, 0]


def test_padding_entries_are_ignored() -> None:
    """Finite numbers beyond the customers do not change the step."""
    rewards = []
    for beyond in (0.0, 0.7, -30.0):
        batch = EpisodeBatch(SHORT, 1)
        batch.reset(0, generator(0), "G-n16-k3")
        action = actions(0, 1, 24)
        action[0, 15:] = beyond
        batch.step(action)
        rewards.append(batch.episodes[0].trail[0].tolist())
    assert rewards[0] == rewards[1] == rewards[2]


@pytest.mark.parametrize(
    "wrong", [np.zeros((2, 23), np.float32), np.zeros(24, np.float32), np.zeros((2, 24), np.int64), np.zeros((1, 24))]
)
def test_wrong_shapes_and_types_are_refused(wrong: NDArray[Any]) -> None:
    """The error message gives the required shape."""
    batch = EpisodeBatch(SHORT, 2)
    for b in range(2):
        batch.reset(b, generator(b))
    with pytest.raises(InputError, match=r"floats of shape \(2, 24\)"):
        batch.step(wrong)


def test_instances_that_cannot_be_played_are_refused(tmp_path: Path) -> None:
    """Instances that are too large, unknown, of a wrong type or no file are errors; the episode continues."""
    batch = EpisodeBatch(SHORT, 1)
    batch.reset(0, generator(0), "G-n16-k3")
    with pytest.raises(InstanceError, match=r"G-n31-k5: n_max: 30 customers are more than the 24 .* n_max=30"):
        batch.reset(0, generator(0), "G-n31-k5")
    with pytest.raises(UnknownNameError, match="G-n16-k4"):
        batch.reset(0, generator(0), "G-n16-k4")
    with pytest.raises(InputError, match="int given"):
        batch.reset(0, generator(0), 3)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"none\.vrp"):
        batch.reset(0, generator(0), tmp_path / "none.vrp")
    with pytest.raises(InputError, match="MT19937"):
        batch.reset(0, np.random.Generator(np.random.MT19937(0)))
    assert batch.episodes[0].problem.name == "G-n16-k3"
    batch.step(actions(0, 1, 24))


def test_batches_that_cannot_be_made_are_refused() -> None:
    """Less than one environment and unknown samplers are errors."""
    with pytest.raises(InputError, match="n_envs"):
        EpisodeBatch(SHORT, 0)
    with pytest.raises(UnknownNameError, match="did you mean 'qaoa'"):
        EpisodeBatch(replace(SHORT, route_sampler="qaoaa"), 1)


def test_observations_are_fresh() -> None:
    """Returned observations do not change later, and changing them has no effect."""
    batch = EpisodeBatch(SHORT, 1)
    batch.reset(0, generator(0), "G-n16-k3")
    first = batch.observations()
    kept = {name: array.copy() for name, array in first.items()}
    batch.step(actions(0, 1, 24))
    assert_same(first, kept)
    now = batch.observations()
    kept = {name: array.copy() for name, array in now.items()}
    now["nodes"][:] = 7.0
    assert_same(batch.observations(), kept)


def test_a_smaller_instance_leaves_nothing_of_a_larger_one() -> None:
    """After a reset, the padding of the environment is zero again."""
    batch = EpisodeBatch(replace(SHORT, n_max=30), 1)
    batch.reset(0, generator(0), "G-n31-k5")
    batch.reset(0, generator(0), "G-n16-k3")
    seen = batch.observations()
    assert seen["node_mask"][0].tolist() == [1] * 15 + [0] * 15
    assert not seen["nodes"][0, 15:].any()
    assert not seen["neighbours"][0, 15:].any()
