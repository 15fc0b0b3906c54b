"""What works on a device, and how badly: a target's errors without what is dead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qiskit.transpiler import Target

ENTANGLERS = ("cz", "ecr", "cx")


@dataclass(frozen=True, eq=False)
class Calibration:
    """Errors of what works on a device.

    Attributes
    ----------
    edge
        Two-qubit gate error of each working pair (a, b), a < b: the better direction's.
    readout
        Measurement error of each working qubit.
    """

    edge: dict[tuple[int, int], float] = field(repr=False)
    readout: dict[int, float] = field(repr=False)

    @staticmethod
    def of(target: Target) -> Calibration:
        """Read a target, leaving out what is dead.

        A qubit is dead if it cannot be measured, or an error of it is 1 or more or not a number; an edge also if one
        of its qubits is. An entry without an error is dead where others have one, and perfect where none has (an
        ideal device).
        """
        readout = {where[0]: error for where, error in _errors(target, ("measure",))}
        single = [name for name in ("sx", "x", "rz") if name in target.operation_names]
        broken = {where[0] for where, error in _errors(target, single) if not error < 1}
        working = {q: error for q, error in readout.items() if error < 1 and q not in broken}
        edge: dict[tuple[int, int], float] = {}
        for (a, b), error in _errors(target, ENTANGLERS):
            pair = (min(a, b), max(a, b))
            if a in working and b in working and error < 1:
                edge[pair] = min(error, edge.get(pair, 1.0))
        return Calibration(edge, working)

    def neighbours(self) -> dict[int, list[int]]:
        """Return each working qubit's partners, ascending."""
        found: dict[int, list[int]] = {q: [] for q in sorted(self.readout)}
        for a, b in sorted(self.edge):
            found[a].append(b)
            found[b].append(a)
        return {q: sorted(partners) for q, partners in found.items()}

    def largest_part(self) -> int:
        """Return how many qubits the largest connected part has: no line is longer."""
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
        """Two-qubit gate error of a working pair, in any order."""
        return self.edge[min(a, b), max(a, b)]


def _errors(target: Target, names: Iterable[str]) -> list[tuple[tuple[int, ...], float]]:
    """List every place of these instructions with its error, infinite where only others have one."""
    places: list[tuple[tuple[int, ...], Any]] = []
    for name in names:
        if name in target.operation_names:
            places += [(where, entry) for where, entry in (target[name] or {}).items() if where is not None]
    errors = [getattr(entry, "error", None) for _, entry in places]
    missing = np.inf if any(error is not None for error in errors) else 0.0
    return [
        (where, missing if error is None else float(error)) for (where, _), error in zip(places, errors, strict=True)
    ]
