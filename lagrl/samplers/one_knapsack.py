"""Samples of one knapsack by any sampler, with their values."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.circuits.ansatz import knapsack_arrays
from lagrl.relaxation.sampler import SampleQuery, Samples, SubproblemSampler, require_sampler, require_samples
from lagrl.samplers.registry import open_sampler

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, kw_only=True)
class KnapsackSamples(Samples):
    """The samples of one knapsack (K = 1), see `Samples`, with what they are worth.

    Attributes
    ----------
    query
        The knapsack, and how it was sampled.
    """

    query: SampleQuery

    @property
    def value(self) -> NDArray[np.float64]:
        """[S] Σ ã_i y_i of each string, distance units, whether it fits or not."""
        value: NDArray[np.float64] = self.bitstrings[0] @ self.query.reduced_cost[0]
        return value

    @property
    def fits(self) -> NDArray[np.bool_]:
        """[S] Whether each string respects the capacity."""
        fits: NDArray[np.bool_] = self.bitstrings[0] @ self.query.weight <= self.query.capacity
        return fits

    @property
    def feasible_share(self) -> float:
        """Share of the shots whose string respects the capacity."""
        return float(self.counts[0] @ self.fits / self.counts.sum())

    @property
    def best_selection(self) -> NDArray[np.uint8]:
        """[n] The string of least value that fits; the empty one if none is below 0."""
        selection: NDArray[np.uint8] = self.best(*self.query.knapsacks)[0][0]
        return selection

    @property
    def best_value(self) -> float:
        """Value of `best_selection`, distance units (≤ 0)."""
        return float(self.best(*self.query.knapsacks)[1][0])


def sample(
    reduced_cost: ArrayLike,
    weight: ArrayLike,
    capacity: int,
    *,
    sampler: str | SubproblemSampler = "qaoa",
    shots: int = 256,
    seed: int = 0,
) -> KnapsackSamples:
    """Sample the knapsack min Σ ã_i y_i, Σ d_i y_i ≤ Q.

    Parameters
    ----------
    reduced_cost
        [n] ã, distance units; items with ã ≥ 0 are never worth selecting.
    weight
        [n] d, demand units.
    capacity
        Q, demand units.
    sampler
        A sampler string, such as `qaoa+layers=2` or `noisy:FakeTorino`, see `make_sampler`; or a sampler, which stays
        open.
    shots
        Bitstrings drawn.
    seed
        Same arguments, same samples, except on quantum computers.

    Returns
    -------
    Bitstrings [1, S, n], which may exceed the capacity, counts [1, S], and what they are worth.

    Raises
    ------
    InputError
        If an array or `shots` is out of range, or the sampler cannot be made or returns something else.

    Examples
    --------
    >>> import lagrl
    >>> samples = lagrl.quantum.sample([-9, -7, -5, -4], weight=[4, 3, 3, 2], capacity=8, shots=100)
    >>> samples.bitstrings.shape[2], int(samples.counts.sum()), samples.best_value
    (4, 100, -16.0)
    """
    query = SampleQuery(*knapsack_arrays(reduced_cost, weight, capacity), shots, np.random.default_rng(seed))
    with open_sampler(sampler) if isinstance(sampler, str) else contextlib.nullcontext(sampler) as chosen:
        require_sampler(chosen)
        drawn = chosen.sample(query)
    require_samples(drawn, query.reduced_cost.shape, type(chosen).__name__)
    return KnapsackSamples(drawn.bitstrings, drawn.counts, drawn.cost, query=query)
