"""Greedy by efficiency: the classical control without randomness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.subproblems.candidate_sampler import CandidateSampler
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.subproblems.candidates import Candidates


@dataclass(frozen=True)
class GreedySampler(CandidateSampler):
    """The greedy string of the variables that presolve leaves: the most efficient customers that fit, in turn.

    It has the same variables as the circuits, so only the choice of their values differs. It is classical and draws
    nothing: its cost counts no circuits and no shots.
    """

    def draw(
        self, candidates: Candidates, shots: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], SamplingCost]:
        """Return the greedy string, counted `shots` times; see `CandidateSampler.draw`."""
        del rng
        empty = np.zeros((len(candidates.width), 1), np.int64)
        return candidates.repair(empty)[0], np.full_like(empty, shots), SamplingCost(backend="greedy")
