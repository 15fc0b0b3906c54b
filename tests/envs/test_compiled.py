"""Compiled steps: the same bits as those of `DualLoop`, the observer and the rewards, in every configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from env_samplers import NoisySampler

import envs.core
from envs.action import ActionConfig
from envs.batch_kernels import pairwise_sum
from envs.config import EnvConfig
from envs.core import EpisodeBatch
from lagrl.problems.cvrp import CVRP
from lagrl.recovery.pool import RoutePool
from lagrl.recovery.tours import tour_clusters

if TYPE_CHECKING:
    from envs.episode import Episode

SHORT = EnvConfig(n_max=30, n_customers=(8, 30), max_steps=12, route_sampler="exact", route_every=3)
SETTINGS: dict[str, tuple[EnvConfig, dict[str, Any], int | None]] = {
    "defaults": (SHORT, {}, None),
    "noisy routes": (SHORT, {"route_sampler": NoisySampler}, None),
    "repaired only": (replace(SHORT, decode_every=2, tour_decoded=False, phases=(1, 2, 3)), {}, None),
    "toured at times": (replace(SHORT, decode_every=3, route_every=2), {}, 2),
    "direction": (replace(SHORT, action=ActionConfig(mode="direction"), start="zero"), {}, 3),
    "feasibility": (replace(SHORT, phases=(1, 3), bounds=(-40.0, 800.0)), {}, 1),
}


def tight_instance() -> CVRP:
    """Return two vehicles of 10 units for five customers of 4: one customer never finds a place."""
    places = np.random.default_rng(1).integers(0, 100, (6, 2))
    return CVRP.from_coordinates("tight", places, [4] * 5, 10, fleet="exact:2")


def fractional_instance() -> CVRP:
    """Return an instance whose lengths are not whole numbers, with at least 6 routes."""
    places = np.random.default_rng(2).uniform(0, 100, (29, 2))
    return CVRP.from_coordinates("fractional", places, [2] * 28, 13, rounding="none", fleet="atleast:6")


def contents(episode: Episode) -> tuple[Any, ...]:
    """Return all results of an episode, as values that are equal only if every bit is."""
    step, incumbent = episode.step, episode.incumbent
    assert step is not None
    point = step.point
    arrays = [point.multipliers, point.selection, point.violation, point.vehicle_value, *episode.trail]
    history = [(evaluations, cost) for evaluations, _, cost in incumbent.history]
    found = step.feedback, step.assignment_cost, step.route_cost, step.columns, step.columns_cost, step.exact_value
    return (
        [array.tobytes() for array in arrays],
        repr((found, step.sampling, step.route_sampling, episode.best, episode.values, episode.assignment_costs)),
        repr((incumbent.columns, incumbent.cost, incumbent.evaluations, history, episode.state.iteration)),
        [route.tolist() for route in incumbent.pool.routes],
        incumbent.pool.cost.tolist(),
    )


def play(config: EnvConfig, made: dict[str, Any], phase: int | None, instances: list[CVRP | None]) -> list[Any]:
    """Return everything that four environments give in 30 steps, one of them at rest at times."""
    batch = EpisodeBatch(config, len(instances), **made)
    batch.set_phase(phase)
    rngs = [np.random.default_rng([7, index]) for index in range(len(instances))]
    seen: list[Any] = [repr(batch.reset(index, rngs[index], one)) for index, one in enumerate(instances)]
    moves = np.random.default_rng(8)
    for t in range(30):
        resting = (1,) if t % 5 == 4 else ()
        step = batch.step(moves.uniform(-1, 0.5, (len(instances), config.n_max)).astype(np.float32), resting)
        seen.append((step.rewards.tobytes(), step.terminated.tobytes(), repr(step.infos)))
        seen.append([array.tobytes() for array in batch.observations().values()])
        seen.append([contents(episode) for episode in batch.episodes])
        for index in np.flatnonzero(step.terminated).tolist():
            seen.append(repr(batch.reset(index, rngs[index], instances[index])))
    return seen


@pytest.mark.parametrize("name", SETTINGS)
def test_compiled_steps_equal_uncompiled_ones(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Observations, rewards, infos, evaluations, pools and incumbents are equal to the bit.

    Among the instances are one whose repair leaves a customer out, and one of fractional lengths.
    """
    config, made, phase = SETTINGS[name]
    instances = [None, None, tight_instance(), fractional_instance()]
    compiled = play(config, made, phase, instances)
    monkeypatch.setattr(envs.core, "is_compiled", lambda _: False)
    uncompiled = play(config, made, phase, instances)
    assert compiled == uncompiled


def test_only_what_is_defined_is_compiled() -> None:
    """Approximate prices, observations of version 1 and set partitioning take the uncompiled step."""
    for config, made, expected in (
        (SHORT, {}, True),
        (SHORT, {"sampler": NoisySampler}, False),
        (replace(SHORT, observation=1), {}, False),
        (replace(SHORT, recombine=True), {}, False),
    ):
        batch = EpisodeBatch(config, 1, **made)
        batch.reset(0, np.random.default_rng(0))
        assert envs.core.is_compiled(batch.episodes[0]) == expected


def test_an_episode_shows_later_steps() -> None:
    """An episode that a caller holds has the results of all steps since, also when it was not asked in between."""
    batch = EpisodeBatch(SHORT, 1)
    batch.reset(0, np.random.default_rng(0))
    (episode,) = batch.episodes
    pool = episode.incumbent.pool
    first, before = episode.step, len(pool)
    for _ in range(4):
        batch.step(np.full((1, 30), 0.1, np.float32))
    assert episode.step is not first
    assert episode.steps == 4
    assert len(pool) > before


def results(config: EnvConfig, made: dict[str, Any], reads: bool) -> list[Any]:
    """Return what three environments' episodes hold at steps 7 and 16 and at the end; they are reset in between."""
    batch = EpisodeBatch(config, 3, **made)
    instances = [None, tight_instance(), fractional_instance()]
    rngs = [np.random.default_rng([7, index]) for index in range(3)]
    for index, one in enumerate(instances):
        batch.reset(index, rngs[index], one)
    moves, held = np.random.default_rng(8), []
    for t in range(20):
        if reads:
            assert len(batch.episodes) == 3
        resting = (1,) if t % 5 == 4 else ()
        step = batch.step(moves.uniform(-1, 0.5, (3, config.n_max)).astype(np.float32), resting)
        if t in (6, 15, 19):
            held.append([contents(episode) for episode in batch.episodes])
            record, arrays = batch.state()
            held.append((repr(record), {name: array.tobytes() for name, array in arrays.items()}))
        for index in np.flatnonzero(step.terminated).tolist():
            batch.reset(index, rngs[index], instances[index])
    return held


@pytest.mark.parametrize("name", SETTINGS)
def test_records_read_late_are_those_of_episodes_that_are_held(name: str) -> None:
    """Records of several steps at once equal those written step by step, states and incumbents' history included."""
    config, made, _ = SETTINGS[name]
    assert results(config, made, reads=False) == results(config, made, reads=True)


def test_unread_records_do_not_pile_up() -> None:
    """An environment that rests while the others go on keeps no evaluations for ever."""
    batch, rng = EpisodeBatch(SHORT, 2), np.random.default_rng(0)
    for index in range(2):
        batch.reset(index, rng)
    for _ in range(6 * SHORT.max_steps):
        if batch.step(np.zeros((2, 30), np.float32), (1,)).terminated[0]:
            batch.reset(0, rng)
        assert len(batch._steps._evaluated) <= 2 * SHORT.max_steps + 1
    assert batch.episodes[1].steps == 0


@pytest.mark.parametrize("n", [0, 1, 7, 8, 50, 127, 128, 129, 200, 1000, 4099])
def test_pairwise_sums_are_those_of_numpy(n: int) -> None:
    """Values of very different sizes, whose sum depends on the order, give numpy's bits."""
    rng = np.random.default_rng(n)
    for _ in range(20):
        values = rng.normal(size=n) * 10.0 ** rng.uniform(-8, 8, n)
        assert pairwise_sum(values) == values.sum()


def test_toured_clusters_are_columns_of_the_pool() -> None:
    """Clusters toured elsewhere get the columns that touring them in the pool gives, known ones their old column."""
    problem = fractional_instance()
    clusters = [np.array([1, 2, 3]), np.array([4, 9]), np.array([1, 2, 3, 5])]
    routes, cost = tour_clusters(problem, clusters)
    start = np.cumsum([0, 3, 2, 4]).tolist()
    first, other = RoutePool(problem), RoutePool(problem)
    first.add_clusters(clusters[1:2])
    other.add_clusters(clusters[1:2])
    added = first.add_toured(np.concatenate(clusters), np.concatenate(routes), start, cost.tolist())
    assert added == other.add_clusters(clusters) == [1, 0, 2]
    assert [route.tolist() for route in first.routes] == [route.tolist() for route in other.routes]
    assert first.cost.tolist() == other.cost.tolist()
