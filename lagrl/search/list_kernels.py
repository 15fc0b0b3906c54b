"""Routes as doubly linked lists, inside compiled moves.

Node 0 is the depot, nodes 1 … n are customers, and node n + 1 + k is where the list of route k starts and ends, at the
depot as well.
"""

from __future__ import annotations

from lagrl.search.random_kernels import draw_uniform
from lagrl.signatures import (
    MATRIX,
    OUT_FLOATS,
    OUT_INTS,
    OUT_WORDS,
    Floats,
    Ints,
    Matrix,
    Words,
    float64,
    inner_kernel,
    int64,
    void,
)


@inner_kernel(float64(MATRIX, OUT_INTS, OUT_INTS, OUT_FLOATS, int64))
def unlink_customer(distance: Matrix, after: Ints, before: Ints, arc: Floats, c: int) -> float:
    """Take a customer out of its list; return the change of the cost."""
    n = len(distance) - 1
    p, q = before[c], after[c]
    direct = distance[p if p <= n else 0, q if q <= n else 0]
    change: float = direct - arc[p] - arc[c]
    after[p] = q
    before[q] = p
    arc[p] = direct
    return change


@inner_kernel(void(MATRIX, OUT_INTS, OUT_INTS, OUT_FLOATS, int64, int64))
def link_customer(distance: Matrix, after: Ints, before: Ints, arc: Floats, c: int, p: int) -> None:
    """Put a customer after node p of a list."""
    n = len(distance) - 1
    q = after[p]
    after[p] = c
    before[c] = p
    after[c] = q
    before[q] = c
    arc[p] = distance[p if p <= n else 0, c]
    arc[c] = distance[c, q if q <= n else 0]


@inner_kernel(int64(OUT_INTS, OUT_INTS, int64, int64, int64, OUT_WORDS))
def string_start(after: Ints, before: Ints, n: int, c: int, length: int, word: Words) -> int:
    """Return the first customer of a random string of `length` customers around c."""
    ahead = 0
    x: int = after[c]
    while x <= n and ahead < length - 1:
        ahead += 1
        x = after[x]
    back = 0
    x = before[c]
    while x <= n and back < length - 1:
        back += 1
        x = before[x]
    least = length - 1 - ahead
    steps = least + int(draw_uniform(word) * (back - least + 1))
    x = c
    for _ in range(steps):
        x = before[x]
    return x
