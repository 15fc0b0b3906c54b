"""Errors of the usable qubits and couplings of a device."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qiskit.transpiler import Target

ENTANGLERS = ("cz", "ecr", "cx")
UNUSABLE_ERROR = 1.0  # the error that a calibration gives to a gate that cannot be used


@dataclass(frozen=True, eq=False)
class DeviceErrors:
    """Errors of the usable couplings and qubits of a device.

    Attributes
    ----------
    edge
        Two-qubit gate error of each usable pair (a, b), a < b: that of the better direction.
    readout
        Measurement error of each usable qubit.
    """

    edge: dict[tuple[int, int], float] = field(repr=False)
    readout: dict[int, float] = field(repr=False)

    @staticmethod
    def of(target: Target) -> DeviceErrors:
        """Read the errors of a target, without unusable qubits and edges.

        A qubit is unusable if it cannot be measured, or one of its errors is 1 or more or not a number; an edge also
        if one of its qubits is. An entry without an error is unusable where others have one, and perfect where none
        has (an ideal device).
        """
        readout = {where[0]: error for where, error in _errors(target, ("measure",))}
        single = [name for name in ("sx", "x", "rz") if name in target.operation_names]
        broken = {where[0] for where, error in _errors(target, single) if not error < UNUSABLE_ERROR}
        working = {q: error for q, error in readout.items() if error < UNUSABLE_ERROR and q not in broken}
        edge: dict[tuple[int, int], float] = {}
        for (a, b), error in _errors(target, ENTANGLERS):
            pair = (min(a, b), max(a, b))
            if a in working and b in working and error < UNUSABLE_ERROR:
                edge[pair] = min(error, edge.get(pair, 1.0))
        return DeviceErrors(edge, working)

    def neighbours(self) -> dict[int, list[int]]:
        """Return the neighbours of each usable qubit, ascending."""
        found: dict[int, list[int]] = {q: [] for q in sorted(self.readout)}
        for a, b in sorted(self.edge):
            found[a].append(b)
            found[b].append(a)
        return {q: sorted(partners) for q, partners in found.items()}

    def largest_part(self) -> int:
        """Return the number of qubits of the largest connected part: no line is longer."""
        neighbours, left, largest = self.neighbours(), set(self.readout), 0
        while left:
            reached, frontier = set[int](), {min(left)}
            while frontier:
                reached |= frontier
                frontier = {b for a in frontier for b in neighbours[a]} - reached
            largest = max(largest, len(reached))
            left -= reached
        return largest

    def error(self, a: int, b: int) -> float:
        """Return the two-qubit gate error of a usable pair, in any order."""
        return self.edge[min(a, b), max(a, b)]


def is_unusable(entry: object) -> bool:
    """Whether the calibration of a gate says that it cannot be used: error 1 or more."""
    error = getattr(entry, "error", None)
    return error is not None and error >= UNUSABLE_ERROR


def working_edges(target: Target) -> set[tuple[int, int]]:
    """Return the pairs (a, b) of qubits that a usable two-qubit gate joins, in the gate's direction."""
    return {
        (int(where[0]), int(where[1]))
        for name in target.operation_names
        for where, entry in (target[name] or {}).items()
        if where is not None and len(where) == 2 and not is_unusable(entry)
    }


def _errors(target: Target, names: Iterable[str]) -> list[tuple[tuple[int, ...], float]]:
    """List the qubits and error of each entry of these instructions; without an error infinite if others have one."""
    places: list[tuple[tuple[int, ...], Any]] = []
    for name in names:
        if name in target.operation_names:
            places += [(where, entry) for where, entry in (target[name] or {}).items() if where is not None]
    errors = [getattr(entry, "error", None) for _, entry in places]
    missing = np.inf if any(error is not None for error in errors) else 0.0
    return [
        (where, missing if error is None else float(error)) for (where, _), error in zip(places, errors, strict=True)
    ]
