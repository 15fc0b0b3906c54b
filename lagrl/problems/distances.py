"""Distances: the Euclidean ones, the size up to which they are kept as a matrix, and the symmetry of a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Rounding = Literal["nint", "none", "explicit"]

MOST_IN_MATRIX: Final = 5000
"""Largest number of customers whose distances are kept as a matrix, of 0.2 GB there."""


def euclidean(first: NDArray[np.float64], second: NDArray[np.float64], rounding: Rounding) -> NDArray[np.float64]:
    """Return the [len(first), len(second)] Euclidean distances, rounded to floor(d + 0.5) under `nint`."""
    return elementwise(first[:, None], second[None, :], rounding)


def elementwise(first: NDArray[np.float64], second: NDArray[np.float64], rounding: Rounding) -> NDArray[np.float64]:
    """Return the Euclidean distances between points [..., 2], whose arrays are broadcast against each other.

    Under `nint` they are floor(d + 0.5). Halves go up, as CVRPLIB defines; half-to-even is wrong on the F family, whose
    coordinates are in halves.
    """
    exact: NDArray[np.float64] = np.hypot(first[..., 0] - second[..., 0], first[..., 1] - second[..., 1])
    return np.floor(exact + 0.5) if rounding == "nint" else exact


def asymmetry(distance: NDArray[np.float64]) -> str | None:
    """Return a sentence on the first arc of a matrix that differs from its way back in nine digits; None if none does.

    Nodes are numbered from 1 in the order of the matrix.
    """
    if np.array_equal(distance, distance.T) or np.allclose(distance, distance.T, rtol=1e-9, atol=1e-9):
        return None
    row, column = np.argwhere(~np.isclose(distance, distance.T, rtol=1e-9, atol=1e-9))[0]
    return f"node {row + 1} to {column + 1} is {distance[row, column]}, back it is {distance[column, row]}"


def matrix_memory(n_customers: int) -> str:
    """Return the memory of a distance matrix as text, such as `7.2 GB`."""
    return f"{8 * (n_customers + 1) ** 2 / 1e9:,.1f} GB"
