"""The statevector simulation in array code: for a GPU through CuPy, for numpy in the tests.

All problems of one width are evolved together, so that few large operations keep a GPU busy. On a CPU the compiled
kernel is faster. This has been run with numpy only: no GPU was at hand.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError, LagrlError
from lagrl.quantum.subproblems.codes import count_codes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.circuits.statevector import Ramp
    from lagrl.quantum.subproblems.qubo_batch import QUBOBatch

DEVICES = ("cpu", "gpu")


def gpu_arrays() -> Any:
    """Return CuPy, if it is installed and finds a GPU.

    Raises
    ------
    LagrlError
        If not; the message tells which.
    """
    try:
        xp = importlib.import_module("cupy")
    except ImportError as error:
        raise LagrlError("device gpu needs CuPy; install cupy-cuda12x or the like, or use device cpu") from error
    try:
        n_devices = int(xp.cuda.runtime.getDeviceCount())
    except Exception as error:  # CuPy has several, from a missing driver to a wrong one
        raise LagrlError(f"CuPy finds no GPU ({type(error).__name__}: {error}); use device cpu") from error
    if n_devices < 1:
        raise LagrlError("CuPy finds no GPU; use device cpu")
    return xp


def require_device(device: str) -> None:
    """Refuse an unknown device.

    Raises
    ------
    InputError
        If it is neither `cpu` nor `gpu`.
    """
    if device not in DEVICES:
        raise InputError(f"{device!r} given", field="device", remedy=f"give {' or '.join(DEVICES)}")


def evolve_batch(
    xp: Any,
    linear: NDArray[np.float64],
    quadratic: NDArray[np.float64],
    theta: NDArray[np.float64],
    gamma: NDArray[np.float64],
    beta: NDArray[np.float64],
) -> Any:
    """Evolve K problems of m variables; see `statevector.qaoa_state` for the state.

    Parameters
    ----------
    xp
        numpy or CuPy.
    linear, quadratic, theta
        [K, m], [K, m, m] and [K, m] of `xp`.
    gamma
        [K, p] radians per unit of energy.
    beta
        [p] radians, of numpy.

    Returns
    -------
    Amplitudes [K, 2^m] of `xp`; bit i of the index is variable i. 16·K·2^m bytes, and as many again in between.
    """
    n_problems, m = linear.shape
    energy, state = xp.zeros((n_problems, 1)), xp.ones((n_problems, 1), dtype=complex)
    for i in range(m):
        added = linear[:, i : i + 1]
        for j in range(i):
            added = xp.concatenate([added, added + quadratic[:, j, i, None]], axis=1)
        energy = xp.concatenate([energy, energy + added], axis=1)
        half = 0.5 * theta[:, i : i + 1]
        state = xp.concatenate([state * xp.cos(half), state * xp.sin(half)], axis=1)
    for layer, angle in enumerate(beta):
        state = state * xp.exp(-1j * gamma[:, layer, None] * energy)
        c, s = float(np.cos(angle)), float(np.sin(angle))
        for i in range(m):
            pairs = state.reshape(n_problems, 2 ** (m - 1 - i), 2, 2**i)
            z = 1j * s * xp.cos(theta[:, i])[:, None, None]
            x = 1j * s * xp.sin(theta[:, i])[:, None, None]
            zero, one = pairs[:, :, 0], pairs[:, :, 1]
            state = xp.stack([(c + z) * zero + x * one, (c - z) * one + x * zero], axis=2).reshape(n_problems, -1)
    return state


def sample_qaoa_arrays(
    xp: Any, problems: QUBOBatch, ramp: Ramp, theta: NDArray[np.float64], uniform: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Do what `statevector.sample_qaoa` does, with arrays of `xp`; everything given and returned is numpy's."""
    gamma, beta = ramp.angles()
    code = np.zeros(uniform.shape, np.int64)
    for m in np.unique(problems.width[problems.width > 0]):
        rows = np.flatnonzero(problems.width == m)
        state = evolve_batch(
            xp,
            xp.asarray(problems.linear[rows, :m]),
            xp.asarray(problems.quadratic[rows, :m, :m]),
            xp.asarray(theta[rows, :m]),
            xp.asarray(gamma / problems.scale[rows, None]),
            beta,
        )
        code[rows] = _on_host(_drawn(xp, state.real**2 + state.imag**2, xp.asarray(uniform[rows])))
    return count_codes(code)


def _drawn(xp: Any, probability: Any, uniform: Any) -> Any:
    """Sample by the inverse distribution function; all rows in one search, each shifted by its number."""
    reached = xp.cumsum(probability, axis=1)
    reached = reached / reached[:, -1:]
    shift = xp.arange(len(reached), dtype=float)[:, None]
    place = xp.searchsorted((reached + shift).ravel(), (uniform + shift).ravel(), side="right")
    own = place.reshape(uniform.shape) - xp.arange(len(reached))[:, None] * probability.shape[1]
    return xp.clip(own, 0, probability.shape[1] - 1)


def _on_host(array: Any) -> NDArray[np.int64]:
    host: NDArray[np.int64] = array.get() if hasattr(array, "get") else array
    return host
