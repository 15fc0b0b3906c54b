"""How good the strings are that a sampler answers knapsacks with, measured beside it, whatever the sampler."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lagrl.quantum.subproblems.candidates import Candidates, select_candidates
from lagrl.relaxation.sampler import ExactSampler, SampleQuery, Samples, SubproblemSampler
from lagrl.samplers.registry import close_sampler

ALPHA = 0.25  # share of the strings that the mean is of


class ExactStrings:
    """The optimal string of every knapsack, taken as any sampler's strings are.

    `exact` itself ends an ascent whose dual is solved and begins another linearisation with what is left of the
    evaluations, which no sampler can; this one has the same linearisation as all of them.
    """

    def sample(self, query: SampleQuery) -> Samples:
        """Answer as `ExactSampler` does."""
        return ExactSampler().sample(query)


@dataclass(eq=False)
class Measured:
    """Hands a sampler's answers on and measures them.

    Attributes
    ----------
    sampler
        Who answers; left open.
    width
        Most variables of the knapsacks that are measured.
    shortfalls
        Of every knapsack that presolve does not solve: 1 − CVaR of the strings' worth over the optimum.
    seconds
        Spent measuring.
    """

    sampler: SubproblemSampler
    width: int = 8
    shortfalls: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def sample(self, query: SampleQuery) -> Samples:
        """Ask the sampler, and measure."""
        samples = self.sampler.sample(query)
        started = time.perf_counter()
        candidates = select_candidates(*query.knapsacks, self.width)
        for k in np.flatnonzero(candidates.width):
            worth = np.where(
                samples.bitstrings[k] @ query.weight <= query.capacity[k],
                -(samples.bitstrings[k] - candidates.fixed[k].astype(np.float64)) @ query.reduced_cost[k],
                0.0,
            )
            best = optimum(candidates, int(k))
            self.shortfalls.append(1.0 - cvar(worth, samples.counts[k]) / best if best > 0 else 0.0)
        self.seconds += time.perf_counter() - started
        return samples

    def close(self) -> None:
        """Close the sampler."""
        close_sampler(self.sampler)


def optimum(candidates: Candidates, vehicle: int) -> float:
    """Return what a vehicle's variables are worth at most, by trying all strings, distance units."""
    m = int(candidates.width[vehicle])
    bits = (np.arange(2**m)[:, None] >> np.arange(m)) & 1
    fits = bits @ candidates.weight[vehicle, :m] <= candidates.room[vehicle]
    return float((bits @ -candidates.reduced_cost[vehicle, :m])[fits].max())


def cvar(worth: NDArray[np.float64], counts: NDArray[np.int64], alpha: float = ALPHA) -> float:
    """Return the mean worth [S] of the best share α of the shots, each string as often as it was drawn [S]."""
    every = np.sort(np.repeat(worth, counts))[::-1]
    return float(every[: max(1, round(alpha * len(every)))].mean())
