"""Small batches of episodes for the tests of the environment: configurations, actions, and a game to compare."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.config import EnvConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from envs.ascent_batch import AscentBatch

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
