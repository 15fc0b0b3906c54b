"""Compiled parts of the actor's forward pass in single precision; see `policies.compiled_mean`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from lagrl.signatures import INTS, Ints, int64, kernel, void

Singles = NDArray[np.float32]

_ROW = types.Array(types.float32, 1, "C", readonly=True)
_ROWS = types.Array(types.float32, 2, "C", readonly=True)
_CUBE = types.Array(types.float32, 3, "C", readonly=True)
_SIDES = types.Array(types.float32, 4, "C", readonly=True)
_OUT_ROWS = types.Array(types.float32, 2, "C")
_OUT_CUBE = types.Array(types.float32, 3, "C")
_NEIGHBOURS = types.Array(types.int16, 3, "C", readonly=True)

_LEAK, _EPSILON = np.float32(0.2), np.float32(1e-5)
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@kernel(void(_ROWS, INTS, _OUT_ROWS), reorders_sums=True)
def pool(h: Singles, first: Ints, mean: Singles) -> None:
    """Write the mean of the embeddings [M, H] of each graph to `mean` [B, H]; graph b has rows from first[b]."""
    width = h.shape[1]
    for b in range(len(first) - 1):
        for c in range(width):
            mean[b, c] = _ZERO
        for i in range(first[b], first[b + 1]):
            for c in range(width):
                mean[b, c] += h[i, c]
        share = _ONE / np.float32(max(1, first[b + 1] - first[b]))
        for c in range(width):
            mean[b, c] *= share


@kernel(void(_SIDES, _ROWS, _NEIGHBOURS, INTS, _OUT_CUBE), reorders_sums=True)
def score_edges(both: Singles, attention: Singles, nearest: NDArray[Any], first: Ints, score: Singles) -> None:
    """Write a·LeakyReLU(source_j + target_i) minus its maximum over j, for the nearest j of i and i itself (GATv2).

    `both` [M, 2, heads, W] holds sources and targets, `attention` [heads, W] the vectors a, `nearest` [B, N, k] each
    customer's nearest within its graph; `score` [M, k + 1, heads] is −∞ where a customer has fewer.
    """
    heads, width = attention.shape
    k = nearest.shape[2]
    for b in range(len(first) - 1):
        start = first[b]
        for own in range(first[b + 1] - start):
            i = start + own
            for edge in range(k + 1):
                near = own if edge == k else int64(nearest[b, own, edge])
                if edge < k and near == own:
                    for head in range(heads):
                        score[i, edge, head] = -np.inf
                    continue
                for head in range(heads):
                    total = _ZERO
                    for w in range(width):
                        x = both[start + near, 0, head, w] + both[i, 1, head, w]
                        total += (x if x > _ZERO else _LEAK * x) * attention[head, w]
                    score[i, edge, head] = total
            for head in range(heads):
                highest = score[i, k, head]
                for edge in range(k):
                    highest = max(highest, score[i, edge, head])
                for edge in range(k + 1):
                    score[i, edge, head] -= highest


@kernel(void(_SIDES, _CUBE, _NEIGHBOURS, INTS, _CUBE, _ROWS, _OUT_CUBE, _OUT_CUBE), reorders_sums=True)
def mix(
    both: Singles,
    weight: Singles,
    nearest: NDArray[Any],
    first: Ints,
    pooled: Singles,
    bias: Singles,
    mixed: Singles,
    negative: Singles,
) -> None:
    """Write Σ_j w_ij·source_j / Σ_j w_ij plus the bias and the graph's pooled row, and its negative part.

    `weight` [M, k + 1, heads] holds exp(score), `pooled` [B, heads, W], `bias` [heads, W], `mixed` and `negative`
    [M, heads, W]; for the other arrays see `score_edges`.
    """
    heads, width = bias.shape
    k = nearest.shape[2]
    for b in range(len(first) - 1):
        start = first[b]
        for own in range(first[b + 1] - start):
            i = start + own
            for head in range(heads):
                mass = _ZERO
                for edge in range(k + 1):
                    mass += weight[i, edge, head]
                for w in range(width):
                    mixed[i, head, w] = bias[head, w] + pooled[b, head, w]
                for edge in range(k + 1):
                    near = own if edge == k else int64(nearest[b, own, edge])
                    share = weight[i, edge, head] / mass  # 0 where a customer has fewer neighbours
                    for w in range(width):
                        mixed[i, head, w] += share * both[start + near, 0, head, w]
                for w in range(width):
                    negative[i, head, w] = min(mixed[i, head, w], _ZERO)


@kernel(void(_ROWS, _ROWS, _ROW, _ROW, _OUT_ROWS), reorders_sums=True)
def add_and_normalise(mixed: Singles, power: Singles, scale: Singles, shift: Singles, h: Singles) -> None:
    """Replace h [M, H] by LayerNorm(h + elu(mixed)), where `power` holds exp(min(mixed, 0))."""
    width = h.shape[1]
    row = np.empty(width, np.float32)
    for i in range(len(h)):
        mean = _ZERO
        for c in range(width):
            x = mixed[i, c]
            row[c] = h[i, c] + (x if x > _ZERO else power[i, c] - _ONE)
            mean += row[c]
        mean /= np.float32(width)
        spread = _ZERO
        for c in range(width):
            row[c] -= mean
            spread += row[c] * row[c]
        unit = _ONE / np.sqrt(spread / np.float32(width) + _EPSILON)
        for c in range(width):
            h[i, c] = row[c] * unit * scale[c] + shift[c]
