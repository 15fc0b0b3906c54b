"""Several short lines of qubits on one device, without a common qubit."""

from __future__ import annotations

from typing import Any

from lagrl.errors import InputError
from lagrl.quantum.devices.placement import find_lines

_CANDIDATES = 2000


def disjoint_lines(device: Any, n: int, count: int) -> list[tuple[int, ...]]:
    """Return the qubits of `count` lines of n qubits each, the best first, every later one the best that is left.

    Parameters
    ----------
    device
        A `Target`, or a backend.
    n
        Qubits of a line.
    count
        Number of lines.

    Raises
    ------
    InputError
        If the device does not have as many.
    """
    used: set[int] = set()
    found: list[tuple[int, ...]] = []
    for line in find_lines(device, n, _CANDIDATES):
        if used.isdisjoint(line.qubits):
            found.append(line.qubits)
            used.update(line.qubits)
            if len(found) == count:
                return found
    raise InputError(
        f"{len(found)} disjoint lines of {n} qubits", field="circuit", remedy=f"give at most {len(found)} groups"
    )
