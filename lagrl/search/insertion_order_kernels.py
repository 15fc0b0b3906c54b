"""Order of the insertions of a compiled move, and places that they do not see (Christiaens and Vanden Berghe 2020)."""

from __future__ import annotations

import math

from lagrl.search.random_kernels import draw_uniform
from lagrl.signatures import (
    INTS,
    MATRIX,
    OUT_FLOATS,
    OUT_INTS,
    OUT_WORDS,
    Floats,
    Ints,
    Matrix,
    Words,
    inner_kernel,
    int64,
    void,
)

_BLINK = 0.01  # share of places that an insertion does not see


@inner_kernel(int64(OUT_WORDS))
def until_blink(word: Words) -> int:
    """Return the number of places up to the next one that is not seen, 1 or more."""
    return 1 + int(math.log(1.0 - draw_uniform(word)) / math.log(1.0 - _BLINK))


@inner_kernel(void(MATRIX, INTS, int64, OUT_INTS, OUT_INTS, OUT_FLOATS, OUT_WORDS))
def sort_freed(
    distance: Matrix, demand: Ints, n_freed: int, freed: Ints, order: Ints, key: Floats, word: Words
) -> None:
    """Sort freed customers for insertion: at random, largest demand, farthest or nearest first."""
    rule = draw_uniform(word) * 11.0
    for i in range(n_freed):
        c = freed[i]
        if rule < 4.0:
            value = draw_uniform(word)
        elif rule < 8.0:
            value = -float(demand[c - 1])
        elif rule < 10.0:
            value = -distance[0, c]
        else:
            value = distance[0, c]
        j = i
        while j > 0 and key[j - 1] > value:
            key[j] = key[j - 1]
            order[j] = order[j - 1]
            j -= 1
        key[j] = value
        order[j] = c
