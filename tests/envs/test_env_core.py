"""The batched core: batches equal single episodes, states are replayed, routes come from the route sampler."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from env_samplers import DealSampler, NoisySampler

from envs.action import ActionConfig
from envs.config import EnvConfig
from envs.core import BatchStep, EpisodeBatch
from lagrl.errors import InputError, InstanceError, UnknownNameError
from lagrl.problems.bundled import bundled_path, read_bundled
from lagrl.problems.cvrp import CVRP
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SHORT = EnvConfig(n_max=24, n_customers=(8, 24), max_steps=7, route_sampler="exact", route_every=3)


def generator(lane: int, seed: int = 0) -> np.random.Generator:
    """A lane's generator."""
    return np.random.default_rng([seed, lane])


def actions(step: int, n_lanes: int, n_max: int) -> NDArray[np.float32]:
    """Some actions of a step, the same for a lane however many there are."""
    return np.stack(
        [np.random.default_rng([9, step, lane]).uniform(-1, 1, n_max).astype(np.float32) for lane in range(n_lanes)]
    )


def play(batch: EpisodeBatch, rngs: list[np.random.Generator], steps: range, lanes: list[int]) -> list[list[Any]]:
    """Step a batch whose lanes play as `lanes`, resetting what is over; everything seen, by lane."""
    seen: list[list[Any]] = [[] for _ in lanes]
    for t in steps:
        step = batch.step(actions(t, max(lanes) + 1, batch.config.n_max)[lanes])
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
]
each_setting = pytest.mark.parametrize(("config", "made"), [s[1:] for s in SETTINGS], ids=[s[0] for s in SETTINGS])


@each_setting
def test_a_batch_is_its_lanes_one_by_one(config: EnvConfig, made: dict[str, Any]) -> None:
    """Four lanes of different sizes, through several episodes, see to the bit what each sees alone."""
    together = EpisodeBatch(config, 4, **made)
    rngs = [generator(lane) for lane in range(4)]
    first = [together.reset(lane, rngs[lane]) for lane in range(4)]
    seen = play(together, rngs, range(17), [0, 1, 2, 3])
    assert len({info["n_customers"] for info in first}) > 1
    for lane in range(4):
        alone, rng = EpisodeBatch(config, 1, **made), generator(lane)
        assert repr(alone.reset(0, rng)) == repr(first[lane])
        assert_same(play(alone, [rng], range(17), [lane]), [seen[lane]])


@each_setting
def test_a_state_goes_on_to_the_bit(config: EnvConfig, made: dict[str, Any]) -> None:
    """Saved in the middle of episodes (through JSON), a fresh batch goes on as the undisturbed one does."""
    batch = EpisodeBatch(config, 3, **made)
    rngs = [generator(lane, 4) for lane in range(3)]
    for lane in range(3):
        batch.reset(lane, rngs[lane], read_bundled("G-n16-k3") if lane == 1 else None)
    play(batch, rngs, range(4), [0, 1, 2])
    batch.set_phase(3)
    record, arrays = batch.state()
    kept = [rng.bit_generator.state for rng in rngs]
    undisturbed = play(batch, rngs, range(4, 19), [0, 1, 2])

    again = EpisodeBatch(config, 3, **made)
    again.load_state(json.loads(json.dumps(record)), arrays)
    assert again.phase == 3
    for rng, state in zip(rngs, kept, strict=True):
        rng.bit_generator.state = state
    assert_same(play(again, rngs, range(4, 19), [0, 1, 2]), undisturbed)


def test_a_state_survives_the_file_it_came_from(tmp_path: Path) -> None:
    """Instances given by path are kept with the state: the file may go."""
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
    """There is nothing to play again, and nothing is invented."""
    batch = EpisodeBatch(SHORT, 2)
    again = EpisodeBatch(SHORT, 2)
    again.load_state(*batch.state())
    with pytest.raises(InputError, match="call reset first"):
        again.step(actions(0, 2, 24))


def test_foreign_states_are_refused() -> None:
    """Another configuration or another number of lanes."""
    record, arrays = EpisodeBatch(SHORT, 2).state()
    with pytest.raises(InputError, match="configuration"):
        EpisodeBatch(replace(SHORT, max_steps=8), 2).load_state(record, arrays)
    with pytest.raises(InputError, match="2 lanes, the batch 3"):
        EpisodeBatch(SHORT, 3).load_state(record, arrays)


def test_routes_come_from_the_route_sampler() -> None:
    """A sampler that deals customers out by number finds those clusters in the pool; without it they are not there."""
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
    """Named the same, prices and routes share their strings; otherwise each has its own."""
    shared, apart = replace(SHORT, sampler="product", route_sampler="product"), replace(SHORT, sampler="product")
    for config, has_own in ((shared, False), (apart, True), (SHORT, False)):
        batch = EpisodeBatch(config, 1)
        batch.reset(0, generator(0))
        assert (batch.episodes[0].state.route_dual is not None) == has_own


def test_the_exact_value_is_never_used_under_an_approximate_sampler(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not even computed; the infos have no dual value."""

    def forbidden(*_: object) -> None:
        raise AssertionError("priced exactly")

    monkeypatch.setattr(AssignmentDual, "price", forbidden)
    batch = EpisodeBatch(SHORT, 1, sampler=NoisySampler)
    info = batch.reset(0, generator(1))
    assert np.isnan(info["dual_value"])
    step = batch.step(actions(0, 1, 24))
    assert np.isnan(step.infos[0]["dual_value"])
    assert batch.episodes[0].progress.sampled_value == max(info["sampled_value"], step.infos[0]["sampled_value"])
    assert not step.infos[0]["is_optimal"]


def test_an_episode_spends_its_budget() -> None:
    """Horizon T takes T steps and T + 1 evaluations; a further step is refused until the lane is reset."""
    tiny = replace(SHORT, action=ActionConfig(base_step=0.03))  # or the optimum would be proven on the way
    batch = EpisodeBatch(tiny, 1)
    batch.reset(0, generator(0), "G-n16-k3")
    assert batch.episodes[0].budget == 8
    steps = [batch.step(np.full((1, 24), -1.0, np.float32)) for _ in range(7)]
    assert [bool(step.terminated[0]) for step in steps] == [False] * 6 + [True]
    assert steps[-1].infos[0]["evaluations"] == 8
    assert steps[-1].infos[0]["is_over"]
    assert batch.observations()["nodes"][0, 0, 10] == 0.0
    with pytest.raises(InputError, match="lane 0: the episode is over; reset"):
        batch.step(actions(0, 1, 24))


def test_a_proven_optimum_ends_the_episode() -> None:
    """At λ with g = 0 under the exact sampler the next step is the last, however much budget is left."""
    problem = CVRP.from_coordinates("far", [[0, 0], [100, 0], [0, 100]], [1, 1], 1)
    batch = EpisodeBatch(SHORT, 1)
    batch.reset(0, generator(0), problem)
    step = batch.step(actions(0, 1, 24))
    assert step.terminated[0]
    assert step.infos[0]["is_optimal"]
    assert step.infos[0]["evaluations"] == 2


def test_horizons_are_drawn() -> None:
    """Within [min_steps, max_steps], short ones as often as long ones on a log scale."""
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
    assert bounded.episodes[0].phase == 1
    for _ in range(20):
        if bounded.step(np.ones((1, 24), np.float32)).terminated[0]:
            break
    reached = np.array(bounded.episodes[0].trail)
    assert reached.min() == -400.0
    assert reached.max() == 800.0


def test_the_phase_changes_at_reset_only() -> None:
    """An episode keeps the phase it began in."""
    batch = EpisodeBatch(SHORT, 2)
    for lane in range(2):
        batch.reset(lane, generator(lane), "G-n16-k3")
    batch.set_phase(3)
    assert [info["phase"] for info in batch.step(actions(0, 2, 24)).infos] == [2, 2]
    batch.reset(1, generator(5))
    assert [info["phase"] for info in batch.step(actions(0, 2, 24)).infos] == [2, 3]
    with pytest.raises(InputError, match="phase"):
        batch.set_phase(4)


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


def test_multipliers_may_be_given_and_lanes_may_rest() -> None:
    """`step_multipliers` prices what it is given, clipped; a resting lane stays as it was."""
    batch = EpisodeBatch(SHORT, 2)
    for lane in range(2):
        batch.reset(lane, generator(lane), "G-n16-k3")
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
    ("lane", "entry", "value", "told"),
    [
        (1, 3, np.nan, "lane 1: action: customer 4 is given nan"),
        (0, 14, -1.5, "lane 0: action: customer 15 is given -1.5"),
        (1, 20, np.inf, "lane 1: action: entry 20 beyond the 15 customers is inf"),
    ],
)
def test_bad_actions_are_refused(lane: int, entry: int, value: float, told: str) -> None:
    """Lane, customer and value are named, and no lane has moved."""
    batch = EpisodeBatch(SHORT, 2)
    for b in range(2):
        batch.reset(b, generator(b), "G-n16-k3")
    action = np.zeros((2, 24), np.float32)
    action[lane, entry] = value
    with pytest.raises(InputError, match=told):
        batch.step(action)
    assert [episode.steps for episode in batch.episodes] == [0, 0]


def test_padding_entries_are_ignored() -> None:
    """Whatever finite numbers stand beyond the customers, the step is the same."""
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
    """The message gives the shape that is wanted."""
    batch = EpisodeBatch(SHORT, 2)
    for b in range(2):
        batch.reset(b, generator(b))
    with pytest.raises(InputError, match=r"floats of shape \(2, 24\)"):
        batch.step(wrong)


def test_instances_that_cannot_be_played_are_refused(tmp_path: Path) -> None:
    """Too large for the padding, unknown, of the wrong type, or no file; the lane goes on as before."""
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
    """No lanes; samplers nobody knows."""
    with pytest.raises(InputError, match="n_envs"):
        EpisodeBatch(SHORT, 0)
    with pytest.raises(UnknownNameError, match="did you mean 'qaoa'"):
        EpisodeBatch(replace(SHORT, route_sampler="qaoaa"), 1)


def test_observations_are_fresh() -> None:
    """What was returned does not change later, and changing it changes nothing."""
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
    """After a reset, the padding of the lane is zero again."""
    batch = EpisodeBatch(replace(SHORT, n_max=30), 1)
    batch.reset(0, generator(0), "G-n31-k5")
    batch.reset(0, generator(0), "G-n16-k3")
    seen = batch.observations()
    assert seen["node_mask"][0].tolist() == [1] * 15 + [0] * 15
    assert not seen["nodes"][0, 15:].any()
    assert not seen["neighbours"][0, 15:].any()
