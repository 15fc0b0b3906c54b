"""Distances of a `.vrp` file in the order of its nodes: TSPLIB's metrics and layouts of weights (Reinelt 1995)."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import numpy as np

from lagrl.problems.cvrplib_text import MAX_LENGTH, fail, length, spec
from lagrl.problems.distances import asymmetry, euclidean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from lagrl.problems.cvrplib_text import InstanceText

_SECTION = "EDGE_WEIGHT_SECTION"
_BLANK = re.compile(rb"\s")
_NOT_A_NUMBER = re.compile(rb"[^\s0-9eE.+-]|\S{61}")
_CHUNK = 2**20  # characters converted at once: a list of all tokens would take 20 times the file's size
_EARTH, _PI = 6378.388, 3.141592  # km; TSPLIB's GEO is defined with these


def _ceil_2d(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ceil(euclidean(points, points, "none"))


def _att(points: NDArray[np.float64]) -> NDArray[np.float64]:
    across, along = _apart(points)
    return np.ceil(np.sqrt((across**2 + along**2) / 10.0))


def _man_2d(points: NDArray[np.float64]) -> NDArray[np.float64]:
    across, along = _apart(points)
    return np.floor(across + along + 0.5)


def _max_2d(points: NDArray[np.float64]) -> NDArray[np.float64]:
    across, along = _apart(points)
    return np.floor(np.maximum(across, along) + 0.5)


def _geo(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return kilometres on the sphere between places in DDD.MM (degrees and minutes): latitude, longitude."""
    degrees = np.trunc(points)
    latitude, longitude = (_PI * (degrees + 5.0 * (points - degrees) / 3.0) / 180.0).T
    q1 = np.cos(np.subtract.outer(longitude, longitude))
    q2 = np.cos(np.subtract.outer(latitude, latitude))
    q3 = np.cos(np.add.outer(latitude, latitude))
    cosine = np.clip(0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3), -1.0, 1.0)
    distance: NDArray[np.float64] = np.floor(_EARTH * np.arccos(cosine) + 1.0)
    np.fill_diagonal(distance, 0.0)
    return distance


def _apart(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    across, along = (np.abs(np.subtract.outer(axis, axis)) for axis in points.T)
    return across, along


METRICS: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "CEIL_2D": _ceil_2d,
    "ATT": _att,
    "GEO": _geo,
    "MAN_2D": _man_2d,
    "MAX_2D": _max_2d,
}
"""Distances from coordinates besides EUC_2D, whose rounding the user chooses."""

# columns of one triangle are rows of the other, as distances are symmetric
_LOWER, _UPPER = ("LOWER_ROW", "UPPER_COL"), ("UPPER_ROW", "LOWER_COL")
_LOWER_DIAG, _UPPER_DIAG = ("LOWER_DIAG_ROW", "UPPER_DIAG_COL"), ("UPPER_DIAG_ROW", "LOWER_DIAG_COL")
LAYOUTS = ("FULL_MATRIX", *_LOWER, *_UPPER, *_LOWER_DIAG, *_UPPER_DIAG)
"""EDGE_WEIGHT_FORMATs of EXPLICIT distances."""


def explicit_distances(raw: InstanceText, size: int) -> NDArray[np.float64]:
    """Return the distances [size, size] of EDGE_WEIGHT_SECTION, which may be wrapped to lines of any length.

    The diagonal, which some files fill with large numbers, is not used and 0 here.

    Raises
    ------
    InstanceError
        If the number of weights is wrong, or one is no number, below 0, or differs from its way back.
    """
    layout = spec(raw, "EDGE_WEIGHT_FORMAT").upper()
    if layout == "FULL_MATRIX":
        matrix = _weights(raw, size, size * size).reshape(size, size)
    else:
        diagonal = layout in _LOWER_DIAG + _UPPER_DIAG
        weights = _weights(raw, size, size * (size + (1 if diagonal else -1)) // 2)
        if layout in _LOWER + _LOWER_DIAG:
            inside = np.tri(size, k=0 if diagonal else -1, dtype=bool)
        else:
            inside = ~np.tri(size, k=-1 if diagonal else 0, dtype=bool)
        matrix = np.zeros((size, size))
        matrix[inside] = weights
        np.fill_diagonal(matrix, 0.0)
        matrix += matrix.T.copy()
    np.fill_diagonal(matrix, 0.0)
    if matrix.min() < 0:
        row, column = np.argwhere(matrix < 0)[0]
        fail(
            raw, _SECTION, f"weight of nodes {row + 1} and {column + 1}: {matrix[row, column]:g} is below 0",
            "distances must be 0 or more",
        )  # fmt: skip
    if one_way := asymmetry(matrix):
        fail(raw, _SECTION, one_way, "asymmetric distances are not supported; give the same both ways")
    return matrix


def _weights(raw: InstanceText, size: int, needed: int) -> NDArray[np.float64]:
    """Return the `needed` numbers of the section; a wrong count is found before any is converted."""
    data = raw.sections[_SECTION].encode()
    blank = np.frombuffer(data, np.uint8) <= ord(" ")
    found = int(np.count_nonzero(blank[:-1] & ~blank[1:])) + int(len(blank) > 0 and not blank[0])
    if found != needed:
        fail(
            raw, _SECTION, f"has {found} of the {needed} weights that DIMENSION {size} needs",
            "the file is cut off or its DIMENSION is wrong",
        )  # fmt: skip
    weights, filled = np.empty(needed), 0
    for piece in _pieces(data):
        numbers = _numbers(raw, piece)
        weights[filled : filled + len(numbers)] = numbers
        filled += len(numbers)
    return weights


def _pieces(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        blank = _BLANK.search(data, start + _CHUNK)
        stop = len(data) if blank is None else blank.start()
        yield data[start:stop]
        start = stop


def _numbers(raw: InstanceText, piece: bytes) -> NDArray[np.float64]:
    tokens = piece.split()
    if not _NOT_A_NUMBER.search(piece):
        with contextlib.suppress(ValueError):
            numbers = np.fromiter(map(float, tokens), np.float64, len(tokens))
            if (np.abs(numbers) <= MAX_LENGTH).all():
                return numbers
    return np.array([length(raw, _SECTION, token.decode(), "weight") for token in tokens])  # refuses a wrong one
