"""Layers of RY and CX along a pattern: the list of CX, and the state of the circuit, which is real."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import UnknownNameError
from lagrl.quantum.subproblems.product import product_amplitudes

if TYPE_CHECKING:
    from numpy.typing import NDArray

PATTERNS = ("linear", "reverse-linear", "pairwise", "circular")
GROUP = 6  # qubits whose rotations are one matrix: 64 × 64


def entanglers(n: int, pattern: str) -> list[tuple[int, int]]:
    """List a layer's CX, control first: `linear` 0 → 1 → …, `reverse-linear` from the other end, `pairwise` even
    pairs then odd ones, `circular` n − 1 → 0 and then linear.

    CX between all pairs (`full`) prepares the same states as `reverse-linear` and is not a separate pattern.

    Raises
    ------
    UnknownNameError
        If there is no such pattern.
    """
    chain = [(i, i + 1) for i in range(n - 1)]
    if pattern == "linear":
        return chain
    if pattern == "reverse-linear":
        return chain[::-1]
    if pattern == "pairwise":
        return chain[::2] + chain[1::2]
    if pattern == "circular":
        return [(n - 1, 0), *chain] if n > 2 else chain
    raise UnknownNameError.of("pattern of entanglers", pattern, PATTERNS)


def amplitudes(angles: NDArray[np.float64], entanglement: str) -> NDArray[np.float64]:
    """Return the circuit's state, which is real, [2^n]; bit i of the index is qubit i.

    Rotations are applied six qubits at a time, 2^6 multiplications an amplitude but in one matrix product; a layer's
    CX permute the amplitudes.

    Parameters
    ----------
    angles
        [r + 1, n] radians.
    entanglement
        Pattern of the CX, see `entanglers`.
    """
    n = angles.shape[1]
    moved = _permutation(n, entanglement)
    state = product_amplitudes(angles[0])
    for layer in angles[1:]:
        state = state[moved]
        for low in range(0, n, GROUP):
            rotation = _joint_rotation(layer[low : low + GROUP])
            if low == 0:
                state = (state.reshape(-1, len(rotation)) @ rotation.T).reshape(-1)
            else:
                state = (rotation @ state.reshape(-1, len(rotation), 1 << low)).reshape(-1)
    return state


@lru_cache(maxsize=32)
def _permutation(n: int, entanglement: str) -> NDArray[np.int64]:
    """Return which amplitude a layer's CX move to each place, [2^n]."""
    source = np.arange(2**n)
    place = np.arange(2**n)
    for control, goal in entanglers(n, entanglement):
        source = source[place ^ ((place >> control & 1) << goal)]
    return source


def _joint_rotation(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix of ⊗ RY(θ_i), the first qubit being the lowest bit."""
    c, s = np.cos(0.5 * theta), np.sin(0.5 * theta)
    joint = np.ones((1, 1))
    for i in range(len(theta)):
        one = np.array([[c[i], -s[i]], [s[i], c[i]]])
        size = 2 * len(joint)
        joint = (one[:, None, :, None] * joint[None, :, None, :]).reshape(size, size)
    return joint
