"""Samples, calls and a counting sampler for the tests of journals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.circuits.statevector import QAOASampler
from lagrl.quantum.journal.calls import Call
from lagrl.quantum.journal.journal import Journal
from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples, SamplingCost

if TYPE_CHECKING:
    from pathlib import Path

CODES = [np.array([[3, 0, 2**40]], np.int64), np.array([[1], [2]], np.int64)]
COST = SamplingCost(circuits=3, shots=192, jobs=1, seconds=0.1 + 0.2, qpu_seconds=1 / 3, backend="dice")


def drawn_samples(seed: int = 0, n_vehicles: int = 3, n_strings: int = 5, n_customers: int = 11) -> Samples:
    """Draw strings and counts."""
    rng = np.random.default_rng(seed)
    strings = rng.integers(0, 2, (n_vehicles, n_strings, n_customers), dtype=np.uint8)
    return Samples(strings, rng.integers(1, 90, (n_vehicles, n_strings)), COST)


def drawn_call(step: int = 0, run: str = "toy/0/0", seed: int = 0, sampler: str = "dice") -> Call:
    """Draw prices of 3 vehicles and 11 customers, and ask for them with a fresh generator of the same seed."""
    prices = np.random.default_rng([seed, step]).normal(size=(3, 11))
    weight, capacity = np.arange(1, 12), np.full(3, 20)
    rng, context = np.random.default_rng(seed), SampleContext(run, step)
    return Call.of(SampleQuery(prices, weight, capacity, 64, rng, context), sampler)


def same(first: Samples, second: Samples) -> bool:
    """Whether two samples are equal in every bit, type and cost."""
    return (
        np.array_equal(first.bitstrings, second.bitstrings)
        and np.array_equal(first.counts, second.counts)
        and first.counts.dtype == second.counts.dtype
        and first.cost == second.cost
    )


@dataclass
class Counting:
    """QAOA that keeps what it was asked, and dies at a given call."""

    dies_at: int = -1
    asked: list[SampleContext] = field(default_factory=list)
    is_closed: bool = False

    def sample(self, query: SampleQuery) -> Samples:
        """Answer, with arrays laid out as unusually as numpy allows."""
        if len(self.asked) == self.dies_at:
            raise KeyboardInterrupt
        self.asked.append(query.context)
        samples = QAOASampler(width=8).sample(query)
        return Samples(np.asfortranarray(samples.bitstrings), np.asfortranarray(samples.counts), samples.cost)

    def close(self) -> None:
        """Say that it was closed."""
        self.is_closed = True


def fill(path: Path, n_calls: int) -> None:
    """Record a number of answers."""
    with Journal(path) as journal:
        for step in range(n_calls):
            journal.record(drawn_call(step), drawn_samples(step), np.random.default_rng(step))
