"""Greedy by efficiency: the classical control without randomness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.subproblems.candidate_sampler import CandidateSampler, Drawn
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from lagrl.quantum.subproblems.candidates import Candidates


@dataclass(frozen=True)
class GreedySampler(CandidateSampler):
    """The greedy string of the variables that presolve leaves: the most efficient customers that fit, in turn.

    It has the same variables as the circuits, so only the choice of their values differs. It is classical and draws
    nothing: its cost counts no circuits and no shots.
    """

    def draw(self, candidates: Candidates, shots: int, rng: np.random.Generator) -> Drawn:
        """Return the greedy string, counted `shots` times; see `CandidateSampler.draw`."""
        del rng
        empty = np.zeros((len(candidates.width), 1), np.int64)
        code, cost = candidates.repair(empty)[0], SamplingCost(backend="greedy")
        return Drawn(code, np.full_like(empty, shots), candidates.width, cost)
