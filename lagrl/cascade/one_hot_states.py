"""One-hot QAOA per task in its own subspace: M amplitudes a task instead of 2^M, without noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.circuits.companion_circuits import Mixer, mixer_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_GAMMAS = np.linspace(-3.0, 3.0, 25)  # radians per unit of a task's cost spread
_BETAS = np.linspace(-1.5, 1.5, 25)


def weighted_shares(cost: NDArray[np.float64], sharpness: float = 2.0) -> NDArray[np.float64]:
    """Return start probabilities [N, M] ∝ exp(−s c), with c the cost [N, M] scaled to 0 … 1 in each task.

    An infinite cost has probability 0.
    """
    scaled = scaled_cost(cost)
    weight = np.exp(-sharpness * np.where(np.isfinite(scaled), scaled, np.inf))
    shares: NDArray[np.float64] = weight / weight.sum(axis=1, keepdims=True)
    return shares


def scaled_cost(cost: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the costs [N, M] with each task's finite ones moved and scaled to 0 … 1."""
    finite = np.isfinite(cost)
    low = np.where(finite, cost, np.inf).min(axis=1, keepdims=True)
    span = np.where(finite, cost, -np.inf).max(axis=1, keepdims=True) - low
    scaled: NDArray[np.float64] = (cost - low) / np.where(span > 0, span, 1.0)
    return scaled


def one_hot_probabilities(
    share: NDArray[np.float64],
    cost: NDArray[np.float64],
    gamma: Sequence[float],
    beta: Sequence[float],
    mixer: Mixer = "ring",
) -> NDArray[np.float64]:
    """Return the probabilities [N, M] of each task's choices after the circuit `one_hot_circuit`; infinite costs as 0.

    exp(−iβ/2 (XX + YY)) turns the amplitudes of a pair: a' = cos β a − i sin β b, and the same with a and b exchanged.
    """
    state = np.sqrt(share).astype(np.complex128)
    finite = np.where(np.isfinite(cost), cost, 0.0)
    for g, b in zip(gamma, beta, strict=True):
        state = state * np.exp(-1j * g * finite)
        for j, k in mixer_pairs(share.shape[1], mixer):
            first, second = state[:, j].copy(), state[:, k].copy()
            state[:, j] = np.cos(b) * first - 1j * np.sin(b) * second
            state[:, k] = np.cos(b) * second - 1j * np.sin(b) * first
    probabilities: NDArray[np.float64] = np.abs(state) ** 2
    return probabilities


def one_layer_angles(
    share: NDArray[np.float64], cost: NDArray[np.float64], mixer: Mixer = "ring"
) -> tuple[float, float, float]:
    """Return γ and β of one layer with the least mean cost on a grid of 25 × 25, and that cost; finite costs only."""
    best = (0.0, 0.0, float((share * cost).sum()))
    for g in _GAMMAS:
        for b in _BETAS:
            mean = float((one_hot_probabilities(share, cost, [g], [b], mixer) * cost).sum())
            if mean < best[2] - 1e-12:
                best = float(g), float(b), mean
    return best
