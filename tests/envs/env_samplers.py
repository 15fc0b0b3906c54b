"""Samplers whose strings decide what the tests look for."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lagrl.relaxation.knapsack import solve_knapsacks
from lagrl.relaxation.sampler import SampleQuery, Samples, SamplingCost


class NoisySampler:
    """Optimal strings with one bit flipped at random, different on every call."""

    def sample(self, query: SampleQuery) -> Samples:
        """See `SubproblemSampler.sample`."""
        optimal, _ = solve_knapsacks(*query.knapsacks)
        strings = np.repeat(optimal[:, None, :], 3, axis=1)
        for k in range(len(query.capacity)):
            strings[k, np.arange(3), query.rng.integers(0, len(query.weight), 3)] ^= 1
        return Samples(
            strings,
            query.rng.integers(1, query.shots + 1, (len(query.capacity), 3)),
            SamplingCost(circuits=len(query.capacity)),
        )


class DealSampler:
    """Assigns customers by number, independent of prices: vehicle k gets k, k + K, k + 2K, …"""

    steps: ClassVar[list[int]] = []

    def sample(self, query: SampleQuery) -> Samples:
        """Record the requested step; see `SubproblemSampler.sample`."""
        self.steps.append(query.context.step)
        n_vehicles, n = query.reduced_cost.shape
        strings = (np.arange(n)[None, :] % n_vehicles == np.arange(n_vehicles)[:, None]).astype(np.uint8)
        return Samples(strings[:, None, :], np.full((n_vehicles, 1), query.shots))
