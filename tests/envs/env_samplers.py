"""Samplers whose strings decide what the tests look for."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lagrl.relaxation.knapsack import solve_knapsacks
from lagrl.relaxation.sampler import SampleContext, Samples, SamplingCost

if TYPE_CHECKING:
    from numpy.typing import NDArray


class NoisySampler:
    """Optimal strings with one bit flipped at random, different on every call."""

    def sample(
        self,
        reduced_cost: NDArray[np.float64],
        weight: NDArray[np.int64],
        capacity: NDArray[np.int64],
        shots: int,
        rng: np.random.Generator,
        context: SampleContext,
    ) -> Samples:
        """See `SubproblemSampler.sample`."""
        optimal, _ = solve_knapsacks(reduced_cost, weight, capacity)
        strings = np.repeat(optimal[:, None, :], 3, axis=1)
        for k in range(len(capacity)):
            strings[k, np.arange(3), rng.integers(0, len(weight), 3)] ^= 1
        return Samples(strings, rng.integers(1, shots + 1, (len(capacity), 3)), SamplingCost(circuits=len(capacity)))


class DealSampler:
    """Assigns customers by number, independent of prices: vehicle k gets k, k + K, k + 2K, …"""

    steps: ClassVar[list[int]] = []

    def sample(
        self,
        reduced_cost: NDArray[np.float64],
        weight: NDArray[np.int64],
        capacity: NDArray[np.int64],
        shots: int,
        rng: np.random.Generator,
        context: SampleContext,
    ) -> Samples:
        """Record the requested step; see `SubproblemSampler.sample`."""
        self.steps.append(context.step)
        n_vehicles, n = reduced_cost.shape
        strings = (np.arange(n)[None, :] % n_vehicles == np.arange(n_vehicles)[:, None]).astype(np.uint8)
        return Samples(strings[:, None, :], np.full((n_vehicles, 1), shots))
