"""Array types of the compiled kernels' explicit signatures.

Inputs are declared read-only: problem data is frozen, and a kernel that writes into an input does not compile. All
arrays are C-contiguous.
"""

from __future__ import annotations

from numba import boolean, float64, int64, types, uint8, void

__all__ = [
    "BYTES",
    "BYTE_MATRIX",
    "FLOATS",
    "INTS",
    "MATRIX",
    "OUT_BYTES",
    "OUT_FLOATS",
    "OUT_INTS",
    "PAIR",
    "boolean",
    "float64",
    "int64",
    "void",
]

FLOATS = types.Array(float64, 1, "C", readonly=True)
INTS = types.Array(int64, 1, "C", readonly=True)
BYTES = types.Array(uint8, 1, "C", readonly=True)
MATRIX = types.Array(float64, 2, "C", readonly=True)
BYTE_MATRIX = types.Array(uint8, 2, "C", readonly=True)
OUT_FLOATS = types.Array(float64, 1, "C")
OUT_INTS = types.Array(int64, 1, "C")
OUT_BYTES = types.Array(uint8, 1, "C")
PAIR = types.UniTuple(int64, 2)
