"""Doubts about distances and costs that are no mistakes by themselves; each is an `InputWarning`."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputWarning

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAMPLE = 150  # nodes whose distances are looked at: half a millisecond
_MOST_ZEROS = 0.05  # share of the distances between different places
_FEW_LENGTHS = 20
_LOST_LENGTHS = 5  # exact lengths for each one that remains
_UNROUNDED = "--rounding none (rounding='none' in Python) keeps them"


def doubt(message: str, *, level: int = 2) -> None:
    """Issue an `InputWarning` at the caller's caller, or `level` calls away; Python shows equal ones once."""
    warnings.warn(message, InputWarning, stacklevel=level + 1)


def question_rounding(name: str, points: NDArray[np.float64]) -> None:
    """Warn where rounding distances to whole numbers loses what distinguishes them.

    That is so if 5 % of the distances between different places become 0, or if no more than 20 lengths remain, each of
    five or more that differed. Instances in the unit square and in degrees are such cases. Of large instances 150 nodes
    are looked at.

    `points`: [n + 1, 2] coordinates.
    """
    some = points[:: -(-len(points) // _SAMPLE)]
    first, second = np.triu_indices(len(some), 1)
    exact = np.hypot(*(some[first] - some[second]).T)
    exact = exact[exact > 0]
    if len(exact) == 0:
        return
    rounded = np.floor(exact + 0.5)
    n_zeros, n_lengths = int(np.count_nonzero(rounded == 0)), len(np.unique(rounded))
    if n_zeros > 0 and n_zeros >= _MOST_ZEROS * len(exact):
        lost = f"{n_zeros} of {len(exact)} distances between different places become 0"
    elif n_lengths <= _FEW_LENGTHS and _different(exact) >= _LOST_LENGTHS * n_lengths:
        lost = f"only {n_lengths} different lengths remain of {_different(exact)}"
    else:
        return
    doubt(f"{name}: distances are rounded to whole numbers, and {lost}; {_UNROUNDED}", level=4)


def question_cost(name: str, cost: float | None, best_known: float | None, solver: str | None = None) -> None:
    """Warn where routes cost less than the best known cost, which may hold for distances of another rounding.

    Not if a `solver` found that cost: its routes, read beside the instance, have it under the same distances, and
    better ones are no surprise. `cost`, `best_known`: distance units. The message is the same for all routes of an
    instance, so it is shown once.
    """
    if cost is None or best_known is None or solver is not None:
        return
    if cost < best_known - max(0.01, 1e-6 * best_known):
        doubt(
            f"{name}: routes cost less than the best known {best_known:.10g}; unless they are a better solution, that "
            "cost is of distances rounded in another way: compare --rounding none and --rounding nint",
            level=3,
        )


def _different(lengths: NDArray[np.float64]) -> int:
    """Count lengths that differ in the first nine digits of the longest."""
    return len(np.unique(np.round(lengths / lengths.max(), 9)))
