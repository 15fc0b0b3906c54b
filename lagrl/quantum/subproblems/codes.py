"""Counting drawn strings: equal codes of a problem become one code with a count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counted = tuple[NDArray[np.int64], NDArray[np.int64]]  # codes [K, S] and counts [K, S]


def count_codes(
    code: NDArray[np.int64], count: NDArray[np.int64] | None = None, width: NDArray[np.int64] | None = None
) -> Counted:
    """Merge equal codes of each of K problems.

    Parameters
    ----------
    code
        [K, N] in any order.
    count
        [K, N] how often each was drawn; once if None. Codes with a count of 0 are dropped.
    width
        [K] number of low bits to read, which merges strings that differ only in slack bits; all bits if None.

    Returns
    -------
    Codes [K, S], distinct and ascending in each row, and their counts [K, S]; a count of 0 is padding, at the end of
    the row.
    """
    drawn = np.ones(code.shape, np.int64) if count is None else count
    kept = code if width is None else code & ((np.int64(1) << width) - 1)[:, None]
    kept = np.where(drawn > 0, kept, np.iinfo(np.int64).max)  # last in order
    order = np.argsort(kept, axis=1, kind="stable")
    kept, drawn = (np.take_along_axis(array, order, axis=1) for array in (kept, drawn))
    is_new = np.ones(kept.shape, np.bool_)
    is_new[:, 1:] = kept[:, 1:] != kept[:, :-1]
    place = is_new.cumsum(axis=1) - 1
    problem = np.arange(len(kept))[:, None]
    distinct, total = np.zeros((2, len(kept), int(place.max(initial=-1)) + 1), np.int64)
    distinct[problem, place] = kept
    np.add.at(total, (problem, place), drawn)
    used = int((total > 0).sum(axis=1).max(initial=1))
    distinct = np.where(total > 0, distinct, 0)
    return distinct[:, :used], total[:, :used]
