"""Samplers of values for the candidates of each knapsack: the common part, and the classical controls."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lagrl.quantum.subproblems.candidates import Candidates, count_codes, require_width
from lagrl.quantum.subproblems.product import ProductState, draw_product
from lagrl.relaxation.sampler import Samples, SamplingCost

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.relaxation.sampler import SampleQuery


class Drawn(NamedTuple):
    """Strings of the variables of K knapsacks; those of a solved vehicle are empty.

    Attributes
    ----------
    codes, counts
        [K, S] int64: bit j of a code is variable j, slack bits are the high ones; a count of 0 is padding.
    width
        [K] int64: bits of each vehicle's codes.
    cost
        The cost without seconds.
    """

    codes: NDArray[np.int64]
    counts: NDArray[np.int64]
    width: NDArray[np.int64]
    cost: SamplingCost


@dataclass(frozen=True)
class CandidateSampler(ABC):
    """Presolves the knapsacks and draws strings of their variables.

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

    def sample(self, query: SampleQuery) -> Samples:
        """Draw the strings, overloaded ones included."""
        self.compile_kernels()
        started = time.perf_counter()
        candidates = Candidates.of(query, self.width)
        code, count, width, cost = self.draw(candidates, query.shots, query.rng)
        if (width > candidates.width).any():  # slack bits
            code, count = count_codes(code, count, candidates.width)
        strings = candidates.strings(code)
        return Samples(strings, count, replace(cost, seconds=time.perf_counter() - started))

    def compile_kernels(self) -> None:
        """Load the compiled kernels, before the clock starts."""
        from lagrl.quantum.subproblems import candidate_kernels  # noqa: F401  # loaded before the clock starts

    @abstractmethod
    def draw(self, candidates: Candidates, shots: int, rng: np.random.Generator) -> Drawn:
        """Draw `shots` strings of every vehicle's variables."""


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


@dataclass(frozen=True)
class ProductSampler(CandidateSampler):
    """Independent biased bits for the variables that presolve leaves: the control without gates between qubits.

    It is classical: its cost counts no circuits and no shots.

    Attributes
    ----------
    state
        Probabilities of the bits.
    """

    state: ProductState = field(default_factory=ProductState)

    def draw(self, candidates: Candidates, shots: int, rng: np.random.Generator) -> Drawn:
        """Draw independent bits; see `CandidateSampler.draw`."""
        counted = draw_product(self.state.probabilities(candidates), shots, rng)
        return Drawn(*counted, candidates.width, SamplingCost(backend="product"))
