"""Greedy by efficiency: the classical control without randomness."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.subproblems.candidates import require_width, select_candidates
from lagrl.relaxation.sampler import SampleContext, Samples, SamplingCost, require_shots

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class GreedySampler:
    """The greedy string of the variables that presolve leaves: the most efficient customers that fit, in turn.

    It has the same variables as the circuits, so only the choice of their values differs. It is classical and draws
    nothing: its cost counts no circuits and no shots.

    Attributes
    ----------
    width
        Most variables per vehicle, 1 … 22.

    Raises
    ------
    InputError
        If the width is not in 1 … 22.
    """

    width: int = 12

    def __post_init__(self) -> None:
        require_width(self.width)

    def sample(
        self,
        reduced_cost: NDArray[np.float64],
        weight: NDArray[np.int64],
        capacity: NDArray[np.int64],
        shots: int,
        rng: np.random.Generator,
        context: SampleContext,
    ) -> Samples:
        """Return the greedy string, counted `shots` times; see `SubproblemSampler.sample`."""
        from lagrl.quantum.subproblems import candidate_kernels  # noqa: F401  compiled before the clock starts

        del rng, context
        require_shots(shots)
        started = time.perf_counter()
        candidates = select_candidates(reduced_cost, weight, capacity, self.width)
        code, _ = candidates.repair(np.zeros((len(capacity), 1), np.int64))  # repairs the empty string
        strings = candidates.strings(code)
        cost = SamplingCost(seconds=time.perf_counter() - started, backend="greedy")
        return Samples(strings, np.full((len(capacity), 1), shots, np.int64), cost)
