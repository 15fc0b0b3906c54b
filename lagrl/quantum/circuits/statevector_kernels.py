"""Compiled simulation of QAOA on diagonal Hamiltonians, one vehicle after the other in the same buffers.

The real and imaginary parts are kept apart so that the inner loops vectorise. Importing this module compiles the
kernels or loads them from numba's cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.signatures import (
    CUBE,
    FLOATS,
    INTS,
    MATRIX,
    OUT_FLOATS,
    OUT_INT_MATRIX,
    OUT_INTS,
    OUT_MATRIX,
    float64,
    inner_kernel,
    int64,
    kernel,
    void,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@inner_kernel(
    void(FLOATS, MATRIX, float64, int64, OUT_FLOATS, OUT_FLOATS, OUT_FLOATS, OUT_FLOATS),
)
def fill_phases(
    linear: Floats,
    quadratic: Floats,
    gamma: float,
    m: int,
    real: Floats,
    imaginary: Floats,
    step_real: Floats,
    step_imaginary: Floats,
) -> None:
    """Set real + i·imaginary to exp(−iγE(x)) for all 2^m strings; the steps [≥ 2^(m − 1)] are scratch.

    The phases of strings with bit i are those without it, times exp(−iγ(l_i + Σ_{j<i} q_ji x_j)), and these steps are
    doubled in the same way: 2·2^m complex products and m²/2 sines; a sine per string would take most of the time.
    Each phase is a product of at most m(m + 1)/2 rounded ones.
    """
    real[0] = 1.0
    imaginary[0] = 0.0
    for i in range(m):
        step_real[0] = np.cos(gamma * linear[i])
        step_imaginary[0] = -np.sin(gamma * linear[i])
        for j in range(i):
            half = 1 << j
            c = np.cos(gamma * quadratic[j, i])
            s = -np.sin(gamma * quadratic[j, i])
            for x in range(half):
                a = step_real[x]
                b = step_imaginary[x]
                step_real[half + x] = a * c - b * s
                step_imaginary[half + x] = a * s + b * c
        half = 1 << i
        for x in range(half):
            a = real[x]
            b = imaginary[x]
            real[half + x] = a * step_real[x] - b * step_imaginary[x]
            imaginary[half + x] = a * step_imaginary[x] + b * step_real[x]


@inner_kernel(void(FLOATS, int64, OUT_FLOATS, OUT_FLOATS))
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


@inner_kernel(void(FLOATS, FLOATS, int64, OUT_FLOATS, OUT_FLOATS))
def apply_phases(phase_real: Floats, phase_imaginary: Floats, m: int, real: Floats, imaginary: Floats) -> None:
    """Multiply every amplitude by its phase. 2^m complex products."""
    for x in range(1 << m):
        a = real[x]
        b = imaginary[x]
        real[x] = a * phase_real[x] - b * phase_imaginary[x]
        imaginary[x] = a * phase_imaginary[x] + b * phase_real[x]


@inner_kernel(void(float64, float64, float64, int64, int64, OUT_FLOATS, OUT_FLOATS))
def mix_qubit(c: float, z: float, x: float, half: int, size: int, real: Floats, imaginary: Floats) -> None:
    """Apply c + i (z Z + x X) to the qubit whose bit has value `half`, in the first `size` amplitudes."""
    for block in range(0, size, 2 * half):
        real_0 = real[block : block + half]
        real_1 = real[block + half : block + 2 * half]
        imaginary_0 = imaginary[block : block + half]
        imaginary_1 = imaginary[block + half : block + 2 * half]
        for i in range(half):
            a = real_0[i]
            b = imaginary_0[i]
            d = real_1[i]
            e = imaginary_1[i]
            real_0[i] = c * a - z * b - x * e
            imaginary_0[i] = c * b + z * a + x * d
            real_1[i] = c * d + z * e - x * b
            imaginary_1[i] = c * e - z * d + x * a


@inner_kernel(
    void(FLOATS, float64, int64, OUT_FLOATS, OUT_FLOATS, OUT_FLOATS, OUT_FLOATS),
)
def mix_lowest(
    angle: Floats, beta: float, m: int, real: Floats, imaginary: Floats, chunk_real: Floats, chunk_imaginary: Floats
) -> None:
    """Apply the mixer to qubits 0, 1 and 2 of m ≥ 3.

    Their pairs are too close in memory for vector instructions. A chunk that fits in the cache is transposed, [n, 8] to
    [8, n], so that equal low bits lie together, and back: half the time of three plain passes. The arrays of chunks
    [≥ min(512, 2^m)] are scratch.
    """
    c = np.cos(beta)
    s = np.sin(beta)
    n = min(64, 1 << (m - 3))
    for chunk in range(0, 1 << m, 8 * n):
        for i in range(n):
            for low in range(8):
                chunk_real[low * n + i] = real[chunk + 8 * i + low]
                chunk_imaginary[low * n + i] = imaginary[chunk + 8 * i + low]
        for q in range(3):
            z = s * np.cos(angle[q])
            x = s * np.sin(angle[q])
            mix_qubit(c, z, x, n << q, 8 * n, chunk_real, chunk_imaginary)
        for i in range(n):
            for low in range(8):
                real[chunk + 8 * i + low] = chunk_real[low * n + i]
                imaginary[chunk + 8 * i + low] = chunk_imaginary[low * n + i]


@inner_kernel(void(FLOATS, float64, int64, OUT_MATRIX))
def apply_mixer(angle: Floats, beta: float, m: int, work: Floats) -> None:
    """Apply ∏_i exp(iβ (sin θ_i X_i + cos θ_i Z_i)), of which ⊗ RY(θ_i)|0⟩ is an eigenstate; X_i at θ_i = π/2.

    One pass over the state per qubit, 2^(m − 1) pairs each; one for the lowest three. `work` is that of `evolve`.
    """
    c = np.cos(beta)
    s = np.sin(beta)
    first = 0
    if m > 3:
        mix_lowest(angle, beta, m, work[0], work[1], work[2], work[3])
        first = 3
    for q in range(first, m):
        mix_qubit(c, s * np.cos(angle[q]), s * np.sin(angle[q]), 1 << q, 1 << m, work[0], work[1])


@kernel(void(FLOATS, MATRIX, FLOATS, FLOATS, FLOATS, int64, OUT_MATRIX))
def evolve(linear: Floats, quadratic: Floats, angle: Floats, gamma: Floats, beta: Floats, m: int, work: Floats) -> None:
    """Run all layers on the product state of the angles; γ is in units of the energies.

    `work` is [6, ≥ 2^m]: the state's real and imaginary part, then scratch.
    """
    real, imaginary = work[0], work[1]
    start_product(angle, m, real, imaginary)
    for layer in range(len(gamma)):
        fill_phases(linear, quadratic, gamma[layer], m, work[2], work[3], work[4], work[5])
        apply_phases(work[2], work[3], m, real, imaginary)
        apply_mixer(angle, beta[layer], m, work)


@inner_kernel(void(FLOATS, OUT_INTS, OUT_FLOATS))
def sort_uniforms(uniform: Floats, first: Ints, ordered: Floats) -> None:
    """Sort uniforms in [0, 1): into buckets of one on average, then by insertion. O(S) expected.

    `first` is [S + 1] scratch.
    """
    n = len(uniform)
    first[:] = 0
    for s in range(n):
        first[min(int(uniform[s] * n), n - 1) + 1] += 1
    for s in range(n):
        first[s + 1] += first[s]
    for s in range(n):
        bucket = min(int(uniform[s] * n), n - 1)
        ordered[first[bucket]] = uniform[s]
        first[bucket] += 1
    for s in range(1, n):
        value = ordered[s]
        place = s
        while place > 0 and ordered[place - 1] > value:
            ordered[place] = ordered[place - 1]
            place -= 1
        ordered[place] = value


@inner_kernel(float64(FLOATS, MATRIX, int64))
def energy_scale(linear: Floats, quadratic: Floats, m: int) -> float:
    """Return σ = sqrt(Σ h² + Σ J²) of the Ising form, see `Ising.scale`; 1 where that is 0."""
    variance = 0.0
    for i in range(m):
        pairs = 0.0
        for j in range(m):
            pairs += quadratic[j, i] + quadratic[i, j]
            variance += quadratic[i, j] * quadratic[i, j] / 16
        field = linear[i] / 2 + pairs / 4
        variance += field * field
    return np.sqrt(variance) if variance > 0 else 1.0


@kernel(int64(FLOATS, FLOATS, FLOATS, int64, OUT_INTS, OUT_INTS))
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
    if n_drawn < len(uniform):  # a uniform so close to 1 that its product was rounded up to the total
        if n_distinct == 0 or code[n_distinct - 1] != last:
            code[n_distinct] = last
            count[n_distinct] = 0
            n_distinct += 1
        count[n_distinct - 1] += len(uniform) - n_drawn
    return n_distinct


@kernel(
    int64(MATRIX, CUBE, MATRIX, INTS, FLOATS, FLOATS, MATRIX, OUT_INT_MATRIX, OUT_INT_MATRIX, OUT_MATRIX),
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
    work: Floats,
) -> int:
    """Evolve and sample K problems of m_k = width[k] variables; return the largest number of distinct strings.

    γ is in units of each problem's σ. `uniform` is [K, shots]; `work` [6, ≥ 2^max m] and two rows of shots are the
    only buffers. Problems of width 0 draw the empty string. Rows of `code` and `count` [K, shots] are padded by zeros.
    """
    n_problems, shots = uniform.shape
    first = np.empty(shots + 1, np.int64)
    ordered = np.empty(shots)
    most = 0
    for k in range(n_problems):
        m = width[k]
        scaled = gamma / energy_scale(linear[k], quadratic[k], m)
        evolve(linear[k], quadratic[k], angle[k], scaled, beta, m, work)
        sort_uniforms(uniform[k], first, ordered)
        n_distinct = draw(work[0], work[1], ordered, m, code[k], count[k])
        code[k, n_distinct:] = 0
        count[k, n_distinct:] = 0
        most = max(most, n_distinct)
    return most
