"""The batched core: batches equal single episodes, states are replayed, wrong input is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from env_samplers import NoisySampler
from played_batches import JUDGED, ROUTES, SHORT, actions, assert_same, generator, play

from envs.action import ActionConfig
from envs.core import EpisodeBatch
from envs.env import make_batch
from lagrl.errors import InputError, InstanceError, UnknownNameError
from lagrl.problems.bundled import bundled_path, read_bundled
from lagrl.problems.cvrp import CVRP

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from envs.batch import BatchStep
    from envs.config import EnvConfig


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
        batch.reset(0, generator(0), 3)
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
