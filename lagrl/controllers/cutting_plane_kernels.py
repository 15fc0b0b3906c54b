"""Compiled work on cuts: finding equal ones, chaining those of a piece, and their values.

A cut is a linear function c + s·λ that lies nowhere below its piece of the dual. Slopes are sparse: the entries of cut
c are `entry[start[c]:start[c + 1]]`, of the multipliers `index[...]`. `cuts` is (intercept, start, index, entry). The
cuts of a piece are chained: `chains` is (head [pieces], following [cuts]), −1 at the end.
"""

from __future__ import annotations

import numpy as np
from numba import types

from lagrl.signatures import (
    FLOATS,
    INTS,
    OUT_FLOATS,
    OUT_INTS,
    Floats,
    Ints,
    float64,
    inner_kernel,
    int64,
    kernel,
    void,
)

CUTS = types.Tuple((FLOATS, INTS, INTS, FLOATS))
CHAINS = types.UniTuple(INTS, 2)
Cuts = tuple[Floats, Ints, Ints, Floats]
Chains = tuple[Ints, Ints]


@kernel(int64(INTS, INTS, INTS, FLOATS, int64, INTS, FLOATS))
def equal_cut(piece: Ints, start: Ints, index: Ints, entry: Floats, of: int, where: Ints, slope: Floats) -> int:
    """Return the cut of piece `of` with this slope (nonzero entries and their multipliers), −1 if there is none.

    O(cuts) comparisons, most of which end at the length or the first entry.
    """
    length = len(where)
    for cut in range(len(piece)):
        if piece[cut] != of or start[cut + 1] - start[cut] != length:
            continue
        first = start[cut]
        same = True
        for j in range(length):
            if index[first + j] != where[j] or entry[first + j] != slope[j]:
                same = False
                break
        if same:
            return cut
    return -1


@kernel(void(INTS, OUT_INTS, OUT_INTS))
def link_pieces(piece: Ints, head: Ints, following: Ints) -> None:
    """Write the chains: `head` [pieces] is a piece's first cut, `following` [cuts] the next one, −1 at the end."""
    head[:] = -1
    for cut in range(len(piece) - 1, -1, -1):
        following[cut] = head[piece[cut]]
        head[piece[cut]] = cut


@inner_kernel(float64(CUTS, int64, FLOATS))
def cut_value(cuts: Cuts, cut: int, multipliers: Floats) -> float:
    """Return c + s·λ of one cut; reads its entries and as many multipliers."""
    intercept, start, index, entry = cuts
    value: float = intercept[cut]
    for j in range(start[cut], start[cut + 1]):
        value += entry[j] * multipliers[index[j]]
    return value


@kernel(void(CUTS, CHAINS, FLOATS, FLOATS, OUT_FLOATS, OUT_FLOATS))
def rate_weights(
    cuts: Cuts, chains: Chains, weight: Floats, multipliers: Floats, value: Floats, outcome: Floats
) -> None:
    """Write each cut's `value` at λ, and to `outcome` the model there and the duality gap; reads every entry once."""
    head, following = chains
    model = 0.0
    gap = 0.0
    for k in range(len(head)):
        lowest = np.inf
        average = 0.0
        cut = head[k]
        while cut >= 0:
            value[cut] = cut_value(cuts, cut, multipliers)
            lowest = min(lowest, value[cut])
            average += weight[cut] * value[cut]
            cut = following[cut]
        model += lowest
        gap += average - lowest
    outcome[0] = model
    outcome[1] = gap
