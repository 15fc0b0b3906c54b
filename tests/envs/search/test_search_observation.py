"""Observations of the search: what the features are, and that they have neither unit nor size."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from searches import started

from envs.observation import HORIZON
from envs.search.observation import FEATURES, LIMIT, SearchObserver
from lagrl.problems.cvrp import CVRP
from lagrl.problems.generate import generate_x_type, sample_params

if TYPE_CHECKING:
    from envs.search.core import SearchBatch


def feature(batch: SearchBatch, name: str) -> np.ndarray:
    """Return a feature of the first environment's customers."""
    n = batch.episodes[0].n_customers
    column: np.ndarray = batch.observation(0)["nodes"][:n, FEATURES.index(name)]
    return column


def symlog(values: np.ndarray) -> np.ndarray:
    """Return sign(x)·log(1 + |x|)."""
    compressed: np.ndarray = np.sign(values) * np.log1p(np.abs(values))
    return compressed


def test_route_features_agree_with_their_definitions() -> None:
    """By loops over the routes, at the start and after some moves."""
    batch = started(seed=4, action="choice")
    for _ in range(4):
        (episode,) = batch.episodes
        problem, routes, scale = episode.problem, episode.routes, episode.mean_arc
        d, load = problem.distance, [sum(problem.demand[i - 1] for i in route) for route in routes]
        for k, route in enumerate(routes):
            stops = [0, *route, 0]
            length = sum(d[a, b] for a, b in itertools.pairwise(stops))
            total = sum(sum(d[a, b] for a, b in zip([0, *r], [*r, 0], strict=True)) for r in routes)
            for before, i, behind in zip(stops[:-2], route, stops[2:], strict=True):
                gain = d[before, i] + d[i, behind] - d[before, behind]
                inserted = [
                    min(d[a, i] + d[i, b] - d[a, b] for a, b in zip([0, *other], [*other, 0], strict=True))
                    for other in ([j for j in r if j != i] for r in routes)
                ]
                others = [cost for one, cost in enumerate(inserted) if one != k]
                first, second = sorted([gain, *others])[:2]
                wanted = {
                    "removal_gain": symlog(np.array(gain / scale)),
                    "relocation": symlog(np.array((min(others) - gain) / scale)),
                    "regret": symlog(np.array((second - first) / scale)),
                    "detour": gain / (d[before, i] + d[i, behind]),
                    "route_slack": 1 - load[k] / problem.capacity,
                    "demand": problem.demand[i - 1] / problem.capacity,
                    "longest_arc": symlog(np.array(max(d[before, i], d[i, behind]) / scale)),
                    "route_length": symlog(np.array(length * len(routes) / total)),
                    "route_customers": symlog(np.array(len(route) * len(routes) / problem.n_customers)),
                }
                for name, value in wanted.items():
                    np.testing.assert_allclose(feature(batch, name)[i - 1], value, rtol=1e-5, atol=1e-6, err_msg=name)
        batch.step(np.zeros(1, np.int64))


def test_history_features_count_moves() -> None:
    """Freed customers whose routes stay are counted until their route changes; the budget falls to 0."""
    batch = started(max_moves=6, seed=1)
    (episode,) = batch.episodes
    np.testing.assert_allclose(feature(batch, "budget_left"), math.log1p(6) / math.log1p(HORIZON), rtol=1e-6)
    tries = np.zeros(episode.n_customers)
    changed_at = np.zeros(episode.n_customers)
    recent = np.zeros(episode.n_customers)
    for move in range(1, 7):
        before = {i: tuple(route) for route in episode.routes for i in route}
        freed = episode.routes[0][:3]
        batch.step_freed([freed])
        after = {i: tuple(route) for route in episode.routes for i in route}
        recent *= 0.9
        for i in freed:
            recent[i - 1] += 1
            tries[i - 1] += 1
        for i in after:
            if set(after[i]) != set(before[i]):
                tries[i - 1], changed_at[i - 1] = 0, move
        np.testing.assert_allclose(feature(batch, "freed_recently"), recent, rtol=1e-6)
        full = math.log1p(HORIZON)
        np.testing.assert_allclose(feature(batch, "tries"), np.log1p(tries) / full, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(feature(batch, "since_change"), np.log1p(move - changed_at) / full, atol=1e-6)
    assert tries.max() > 0
    assert (feature(batch, "budget_left") == 0).all()
    assert (feature(batch, "above_best") >= 0).all()


def test_features_have_no_unit() -> None:
    """Distances a thousand times as long, and demands and capacities ten times as large, are observed the same."""
    batch = started(seed=5)
    (episode,) = batch.episodes
    problem = episode.problem
    large = replace(problem, matrix=1000 * problem.distance, demand=10 * problem.demand, capacity=10 * problem.capacity)
    seen = []
    for one in (problem, large):
        batch.reset(0, np.random.default_rng(1), one)
        for move in range(3):
            batch.step_freed([batch.episodes[0].draw_sets(1)[0]])
            assert batch.episodes[0].moves == move + 1
        seen.append(batch.observation(0)["nodes"])
    np.testing.assert_allclose(seen[0], seen[1], rtol=1e-4, atol=1e-5)


def test_nothing_saturates() -> None:
    """On clustered and large instances no feature comes near the limit; all differ, except where no move is worse."""
    batch = started(n_max=200, n_customers=(20, 200), action="choice")
    rows = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        problem = generate_x_type(sample_params(rng, (20, 200)), rng)
        batch.reset(0, np.random.default_rng(seed), problem)
        for _ in range(4):
            batch.step(np.zeros(1, np.int64))
            rows.append(batch.observation(0)["nodes"][: problem.n_customers])
    seen = np.concatenate(rows)
    assert np.isfinite(seen).all()
    assert np.abs(seen).max() < LIMIT / 2
    assert [name for name, spread in zip(FEATURES, np.ptp(seen, axis=0), strict=True) if spread == 0] == ["above_best"]


def test_one_route_has_nowhere_else() -> None:
    """With a single route the features of other routes are 0, and all are finite."""
    rng = np.random.default_rng(0)
    single = CVRP.from_coordinates("single", rng.integers(0, 99, (9, 2)), [1] * 8, 8)
    batch = started()
    batch.reset(0, np.random.default_rng(0), single)
    assert len(batch.episodes[0].routes) == 1
    for name in ("relocation", "regret", "room_elsewhere", "neighbours_elsewhere"):
        assert not feature(batch, name).any()
    assert np.isfinite(batch.observation(0)["nodes"]).all()


def test_sets_and_mask_show_what_can_be_chosen() -> None:
    """`sets` has a 1 for each customer of each drawn set; padding is 0 everywhere."""
    batch = started(2, action="choice")
    for index, episode in enumerate(batch.episodes):
        seen, n = batch.observation(index), episode.n_customers
        assert [(np.flatnonzero(row) + 1).tolist() for row in seen["sets"]] == [sorted(s) for s in batch.sets(index)]
        assert seen["node_mask"].tolist() == [1] * n + [0] * (30 - n)
        assert not seen["nodes"][n:].any() and not seen["sets"][:, n:].any()
        np.testing.assert_array_equal(seen["neighbours"][:n], SearchObserver(episode.problem, 6, 1.0).neighbours)
