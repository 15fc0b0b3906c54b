"""Counting of drawn strings, compared with a dictionary."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.quantum.subproblems.candidates import count_codes


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_equal_codes_are_counted_together(seed: int) -> None:
    """Codes become distinct, ascending and padded at the end; a width keeps low bits; a count of 0 drops a code."""
    rng = np.random.default_rng(seed)
    code, count, width = rng.integers(0, 32, (4, 12)), rng.integers(0, 3, (4, 12)), np.array([5, 3, 0, 4])
    count[:, 0] += 1
    found, total = count_codes(code, count, width)
    for k in range(4):
        seen: dict[int, int] = {}
        for value, times in zip(code[k], count[k], strict=True):
            if times:
                key = int(value) & (2 ** int(width[k]) - 1)
                seen[key] = seen.get(key, 0) + int(times)
        used = total[k] > 0
        assert dict(zip(found[k, used].tolist(), total[k, used].tolist(), strict=True)) == seen
        assert found[k, used].tolist() == sorted(seen)
        assert not used[len(seen) :].any()
    once = count_codes(code)
    assert (once[1].sum(axis=1) == 12).all()
