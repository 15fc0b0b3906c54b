"""Errors of a device by its calibration, the target reduced to a line of qubits, and its noise model.

A noise model of the whole device takes seconds in every call, one of the few qubits in use almost no time, with the
same results: errors are attached to gates, so those of unused qubits never act.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from qiskit.transpiler import Target
    from qiskit_aer.noise import NoiseModel

ENTANGLERS = ("cz", "ecr", "cx")
UNUSABLE_ERROR = 1.0  # the error that a calibration gives to a gate that cannot be used


@dataclass(frozen=True, eq=False)
class DeviceErrors:
    """Errors of the usable couplings and qubits of a device."""

    # two-qubit gate error of each usable pair (a, b), a < b: that of the better direction
    edge: dict[tuple[int, int], float] = field(repr=False)
    readout: dict[int, float] = field(repr=False)  # measurement error of each usable qubit

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


def reduced_target(device: Any, qubits: Sequence[int]) -> Target:
    """Return the target of a line's qubits alone, numbered 0 … n − 1 in the line's order; see `restricted`.

    Parameters
    ----------
    device
        A `Target`, or a backend with one.
    qubits
        n different physical qubits, each joined to the next.

    Raises
    ------
    InputError
        If a qubit does not exist or occurs twice, or the line needs an edge that is missing or unusable.
    """
    target = getattr(device, "target", device)
    chosen = [int(q) for q in qubits]
    if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(range(target.num_qubits)):
        remedy = f"give different qubits from 0 to {target.num_qubits - 1}"
        raise InputError(f"{chosen} given", field="line", remedy=remedy)
    reduced = restricted(target, chosen)
    known = [reduced[name] or {} for name in reduced.operation_names]
    joined = {frozenset(where) for own in known for where in own if where is not None and len(where) == 2}
    for i in range(len(chosen) - 1):
        if frozenset((i, i + 1)) not in joined:
            raise InputError(
                f"qubits {chosen[i]} and {chosen[i + 1]} are not joined by a working gate",
                field="line",
                remedy="choose a line along edges whose error is below 1",
            )
    return reduced


def restricted(target: Target, qubits: Sequence[int], *, keeps_unusable: bool = False) -> Target:
    """Return the target of a few qubits, in this order.

    Instructions keep their errors and durations, qubits their T1 and T2. Unusable edges are left out by default.
    """
    from qiskit.transpiler import Target

    place = {q: i for i, q in enumerate(qubits)}
    properties = target.qubit_properties
    few = Target(
        description=f"{target.description or 'device'} on {list(qubits)}",
        num_qubits=len(place),
        dt=target.dt,
        granularity=target.granularity,
        min_length=target.min_length,
        pulse_alignment=target.pulse_alignment,
        acquire_alignment=target.acquire_alignment,
        qubit_properties=[properties[q] for q in qubits] if properties else None,
    )
    for name in target.operation_names:
        known = target[name]
        if known is None or None in known:  # control flow and the like, on any qubits
            few.add_instruction(target.operation_from_name(name), name=name)
            continue
        kept = {
            tuple(place[q] for q in where): entry
            for where, entry in known.items()
            if place.keys() >= set(where) and (keeps_unusable or len(where) != 2 or not is_unusable(entry))
        }
        if kept:
            few.add_instruction(target.operation_from_name(name), kept, name=name)
    return few


def noise_model(target: Target) -> NoiseModel:
    """Return Aer's basic device noise of a target: depolarising and relaxing gates, and readout errors.

    Parameters
    ----------
    target
        The target, usually a reduced one.

    Raises
    ------
    MissingExtraError
        Without qiskit-aer.
    """
    try:
        from qiskit_aer.noise import NoiseModel
        from qiskit_aer.noise.device import basic_device_gate_errors, basic_device_readout_errors
    except ImportError as error:
        raise MissingExtraError.of("qiskit-aer", "quantum", "a noise model") from error
    model = NoiseModel(basis_gates=list(target.operation_names))
    for qubits, flips in basic_device_readout_errors(target=target):
        model.add_readout_error(flips, qubits)
    relaxes = target.qubit_properties is not None  # otherwise Aer fails on durations
    for name, qubits, channel in basic_device_gate_errors(target=target, thermal_relaxation=relaxes):
        model.add_quantum_error(channel, name, qubits)
    return model


def readout_flips(target: Target) -> NDArray[np.float64]:
    """Return the probabilities [n, 2] that a qubit in 0 is read as 1, and one in 1 as 0.

    Where a target has only one error, both are that error, as in Aer.
    """
    measured = target["measure"] if "measure" in target.operation_names else {}
    flips = np.zeros((target.num_qubits, 2))
    for (q,), entry in measured.items():
        error = (entry.error if entry is not None else None) or 0.0
        flips[q] = getattr(entry, "prob_meas1_prep0", error), getattr(entry, "prob_meas0_prep1", error)
    return flips
