"""Strings of one-hot groups as answers: raw validity, and feasibility-first decoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def groups_of(codes: NDArray[np.int64], n: int, m: int, *, reversed_reading: bool = False) -> NDArray[np.int64]:
    """Return bits [S, N, M] of codes [S]: bit i·M + j is X_ij, or with reversed reading bit N·M − 1 − (i·M + j)."""
    order = np.arange(n * m)
    bits = (codes[:, None] >> (order[::-1] if reversed_reading else order)) & 1
    return bits.reshape(-1, n, m)


def valid_share(bits: NDArray[np.int64]) -> float:
    """Return the share of strings [S, N, M] with exactly one 1 in every group: raw, nothing is repaired."""
    return float((bits.sum(axis=2) == 1).all(axis=1).mean())


def decode(bits: NDArray[np.int64], cost: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the model of each task, [S, N]: the cheapest among its 1s, and among all models where it has none.

    `cost` [N, M] has what a missed limit costs in it, so that an admissible model comes first.
    """
    none = bits.sum(axis=2, keepdims=True) == 0
    model: NDArray[np.int64] = np.where((bits == 1) | none, cost, np.inf).argmin(axis=2)
    return model


def uniform_bits(shots: int, n: int, m: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return uniformly random strings [S, N, M]; a share of (M / 2^M)^N is valid."""
    return rng.integers(0, 2, (shots, n, m))


def uniform_valid(shots: int, n: int, m: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return uniformly random assignments as strings [S, N, M]."""
    return np.eye(m, dtype=np.int64)[rng.integers(0, m, (shots, n))]
