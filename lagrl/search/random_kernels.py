"""Random numbers inside compiled kernels."""

from __future__ import annotations

from lagrl.signatures import OUT_WORDS, Words, float64, inner_kernel, uint64

_UNIT = 2.0**-53


@inner_kernel(float64(OUT_WORDS))
def draw_uniform(word: Words) -> float:
    """Return a number from [0, 1) by xorshift (Marsaglia 2003); word[0] is the state, not 0."""
    x = word[0]
    x ^= x << uint64(13)
    x ^= x >> uint64(7)
    x ^= x << uint64(17)
    word[0] = x
    return float(x >> uint64(11)) * _UNIT
