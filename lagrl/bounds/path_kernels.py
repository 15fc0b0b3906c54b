"""Compiled dynamic programmes over paths that remember one customer back (Christofides, Mingozzi and Toth 1981).

They relax ng-paths and take O(n²·Q) time. They give lower bounds on the ways back of ng-paths, and routes. Everything
is in whole numbers; node n is the depot.
"""

from __future__ import annotations

from lagrl.signatures import INT_MATRIX, INTS, OUT_INT_MATRIX, OUT_INTS, Ints, int64, kernel, void

FAR = 1 << 60


@kernel(
    void(*(INT_MATRIX, INTS, INT_MATRIX, OUT_INT_MATRIX, OUT_INT_MATRIX, OUT_INT_MATRIX, OUT_INT_MATRIX, int64, int64)),
)
def extend_paths_by_load(
    arc: Ints, load: Ints, bit: Ints, best: Ints, before: Ints, other: Ints, before_other: Ints, begin: int, end: int
) -> None:
    """Fill rows begin … end − 1 of the cheapest paths to each customer that carry at most q, by q.

    Paths remember one customer back: after i and j, i is excluded if i is near j. best[q, j] is the cheapest cost,
    before[q, j] the customer before j on it (n for the depot), other[q, j] and before_other[q, j] the same of the
    cheapest path with another customer there. O(n²) per row; one earlier row is read in full for each customer.
    """
    n = len(load)
    for q in range(begin, end):
        for j in range(n):
            first = FAR
            second = FAR
            previous = n
            previous_second = n
            p = q - load[j]
            if p >= 0:
                first = arc[j, n]
                for i in range(n):
                    if i == j:
                        continue
                    path = best[p, i]
                    if before[p, i] == j and bit[i, j]:
                        path = other[p, i]
                    path += arc[j, i]
                    if path < first:
                        second = first
                        previous_second = previous
                        first = path
                        previous = i
                    elif path < second:
                        second = path
                        previous_second = i
            best[q, j] = first
            before[q, j] = previous
            other[q, j] = second
            before_other[q, j] = previous_second


@kernel(void(INT_MATRIX, INT_MATRIX, INT_MATRIX, INTS, INT_MATRIX, int64, OUT_INTS, OUT_INT_MATRIX))
def join_paths_by_load(
    best: Ints, before: Ints, other: Ints, load: Ints, bit: Ints, room: int, lowest: Ints, meeting: Ints
) -> None:
    """Join two paths at each customer into its cheapest route, neither side carrying more than half the room.

    lowest[j] becomes the least cost, 0 if it is not negative; row j of `meeting` [n, 3] the loads of the two paths, j
    included, and which of them is the `other` path (0 none, 1 the first, 2 the second). O(n·max d).
    """
    half = room // 2
    for j in range(len(load)):
        lowest[j] = 0
        for q in range(max(load[j], room - half), (room + load[j]) // 2 + 1):
            p = room + load[j] - q
            here = before[q, j]
            ways = 1
            if here == before[p, j] and here < len(load) and bit[j, here]:
                ways = 3
            for way in range(ways):
                if way == 0 and ways == 3:
                    continue
                cost = (other[q, j] if way == 1 else best[q, j]) + (other[p, j] if way == 2 else best[p, j])
                if cost < lowest[j]:
                    lowest[j] = cost
                    meeting[j, 0] = q
                    meeting[j, 1] = p
                    meeting[j, 2] = way


@kernel(int64(INT_MATRIX, INT_MATRIX, INTS, INT_MATRIX, int64, int64, int64, OUT_INTS))
def trace_path(
    before: Ints, before_other: Ints, load: Ints, bit: Ints, q: int, j: int, takes_other: int, path: Ints
) -> int:
    """Write the customers before j on a path, latest first; return their number."""
    n, length = len(load), 0
    while True:
        i = before_other[q, j] if takes_other else before[q, j]
        if i == n:
            return length
        path[length] = i
        length += 1
        q -= load[j]
        takes_other = 1 if before[q, i] == j and bit[i, j] else 0
        j = i
