"""Compiled simulation of QAOA on diagonal Hamiltonians, one vehicle after the other in the same two buffers.

The real and imaginary parts are kept apart so that the inner loops vectorise. Importing this module compiles the
kernels or loads them from numba's cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from lagrl.signatures import (
    CUBE,
    FLOATS,
    INTS,
    MATRIX,
    OUT_FLOATS,
    OUT_INT_MATRIX,
    OUT_INTS,
    float64,
    int64,
    void,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@njit(void(FLOATS, MATRIX, int64, OUT_FLOATS, OUT_FLOATS), cache=True, nogil=True)
def fill_energies(linear: Floats, quadratic: Floats, m: int, energy: Floats, added: Floats) -> None:
    """Set energy[x] to that of string x for all 2^m; `added` [≥ 2^(m − 1)] is scratch.

    The strings with bit i are those without, raised by l_i + Σ_{j<i} q_ji x_j, and those sums are doubled in the same
    way: 2·2^m additions and as many writes.
    """
    energy[0] = 0.0
    for i in range(m):
        added[0] = linear[i]
        for j in range(i):
            half = 1 << j
            pair = quadratic[j, i]
            for x in range(half):
                added[half + x] = added[x] + pair
        half = 1 << i
        for x in range(half):
            energy[half + x] = energy[x] + added[x]


@njit(void(FLOATS, int64, OUT_FLOATS, OUT_FLOATS), cache=True, nogil=True)
def start_product(angle: Floats, m: int, real: Floats, imaginary: Floats) -> None:
    """Set the state to ⊗_i RY(θ_i)|0⟩: amplitude cos(θ_i/2) of bit 0, sin(θ_i/2) of bit 1. 2·2^m products."""
    real[0] = 1.0
    for i in range(m):
        half = 1 << i
        zero = np.cos(0.5 * angle[i])
        one = np.sin(0.5 * angle[i])
        for x in range(half):
            real[half + x] = real[x] * one
            real[x] *= zero
    imaginary[: 1 << m] = 0.0


@njit(void(FLOATS, float64, int64, OUT_FLOATS, OUT_FLOATS), cache=True, nogil=True)
def apply_phase(energy: Floats, gamma: float, m: int, real: Floats, imaginary: Floats) -> None:
    """Multiply amplitude x by exp(−iγ·energy[x]): one sine and cosine each."""
    for x in range(1 << m):
        c = np.cos(gamma * energy[x])
        s = np.sin(gamma * energy[x])
        a = real[x]
        b = imaginary[x]
        real[x] = a * c + b * s
        imaginary[x] = b * c - a * s


@njit(void(FLOATS, float64, int64, OUT_FLOATS, OUT_FLOATS), cache=True, nogil=True)
def apply_mixer(angle: Floats, beta: float, m: int, real: Floats, imaginary: Floats) -> None:
    """Apply ∏_i exp(iβ (sin θ_i X_i + cos θ_i Z_i)), of which ⊗ RY(θ_i)|0⟩ is an eigenstate; X_i at θ_i = π/2.

    One pass over the state per qubit, 2^(m − 1) pairs each.
    """
    c = np.cos(beta)
    s = np.sin(beta)
    for q in range(m):
        u = s * np.cos(angle[q])
        v = s * np.sin(angle[q])
        half = 1 << q
        for block in range(0, 1 << m, 2 * half):
            real_0 = real[block : block + half]
            real_1 = real[block + half : block + 2 * half]
            imaginary_0 = imaginary[block : block + half]
            imaginary_1 = imaginary[block + half : block + 2 * half]
            for x in range(half):
                a = real_0[x]
                b = imaginary_0[x]
                d = real_1[x]
                e = imaginary_1[x]
                real_0[x] = c * a - u * b - v * e
                imaginary_0[x] = c * b + u * a + v * d
                real_1[x] = c * d + u * e - v * b
                imaginary_1[x] = c * e - u * d + v * a


@njit(void(FLOATS, MATRIX, FLOATS, FLOATS, FLOATS, int64, OUT_FLOATS, OUT_FLOATS, OUT_FLOATS), cache=True, nogil=True)
def evolve(
    linear: Floats,
    quadratic: Floats,
    angle: Floats,
    gamma: Floats,
    beta: Floats,
    m: int,
    energy: Floats,
    real: Floats,
    imaginary: Floats,
) -> None:
    """Run all layers on the product state of the angles; γ is in units of the energies."""
    fill_energies(linear, quadratic, m, energy, real)
    start_product(angle, m, real, imaginary)
    for layer in range(len(gamma)):
        apply_phase(energy, gamma[layer], m, real, imaginary)
        apply_mixer(angle, beta[layer], m, real, imaginary)


@njit(int64(FLOATS, FLOATS, FLOATS, int64, OUT_INTS, OUT_INTS), cache=True, nogil=True)
def draw(real: Floats, imaginary: Floats, uniform: Floats, m: int, code: Ints, count: Ints) -> int:
    """Sample by the inverse distribution function, in one walk: the uniforms in [0, 1) must be sorted.

    Writes the distinct strings in ascending order with their counts, and returns how many there are.
    """
    total = 0.0
    for x in range(1 << m):
        total += real[x] * real[x] + imaginary[x] * imaginary[x]
    reached = 0.0
    n_drawn = 0
    n_distinct = 0
    last = 0
    for x in range(1 << m):
        probability = real[x] * real[x] + imaginary[x] * imaginary[x]
        if probability > 0.0:
            last = x
        reached += probability
        before = n_drawn
        while n_drawn < len(uniform) and uniform[n_drawn] * total < reached:
            n_drawn += 1
        if n_drawn > before:
            code[n_distinct] = x
            count[n_distinct] = n_drawn - before
            n_distinct += 1
    if n_drawn < len(uniform):  # a uniform so near to 1 that its product was rounded up to the total
        if n_distinct == 0 or code[n_distinct - 1] != last:
            code[n_distinct] = last
            count[n_distinct] = 0
            n_distinct += 1
        count[n_distinct - 1] += len(uniform) - n_drawn
    return n_distinct


@njit(
    int64(
        *(MATRIX, CUBE, MATRIX, INTS, MATRIX, FLOATS, MATRIX),
        *(OUT_INT_MATRIX, OUT_INT_MATRIX, OUT_FLOATS, OUT_FLOATS, OUT_FLOATS),
    ),
    cache=True,
    nogil=True,
)
def sample_qaoa_batch(
    linear: Floats,
    quadratic: Floats,
    angle: Floats,
    width: Ints,
    gamma: Floats,
    beta: Floats,
    uniform: Floats,
    code: Ints,
    count: Ints,
    energy: Floats,
    real: Floats,
    imaginary: Floats,
) -> int:
    """Evolve and sample K problems of m_k = width[k] variables; return the largest number of distinct strings.

    `gamma` is [K, p], `uniform` [K, shots] sorted by row; `energy`, `real` and `imaginary` [≥ 2^max m] are the only
    buffers. Problems of width 0 draw the empty string. Rows of `code` and `count` [K, shots] are padded by zeros.
    """
    n_problems, _shots = uniform.shape
    most = 0
    for k in range(n_problems):
        m = width[k]
        evolve(linear[k], quadratic[k], angle[k], gamma[k], beta, m, energy, real, imaginary)
        n_distinct = draw(real, imaginary, uniform[k], m, code[k], count[k])
        code[k, n_distinct:] = 0
        count[k, n_distinct:] = 0
        most = max(most, n_distinct)
    return most
