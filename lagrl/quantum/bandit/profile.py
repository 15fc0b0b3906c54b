"""Profile of a circuit on a device before it runs (gates, depth, expected fidelity, duration), and limits on it.

Hundreds of arms are profiled for each one that runs, so a circuit is compiled once for each set of native gates, on a
line without errors, and each place's errors and times are summed over its gates. The circuit that runs is compiled for
its place; its single-qubit gates may differ where a two-qubit gate exists in one direction only.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.bandit.features import ArmTable, ansatz_of
from lagrl.quantum.circuits.ansatz import make_ansatz
from lagrl.quantum.devices.compile import compile_template
from lagrl.quantum.devices.noise import ENTANGLERS, DeviceErrors, is_unusable, readout_flips
from lagrl.quantum.devices.noisy_device import NoisyDevice, measured_qubits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from qiskit.transpiler import Target

    from lagrl.quantum.bandit.features import Arm
    from lagrl.quantum.circuits.backend import Backend


@dataclass(frozen=True)
class Profile:
    """Cost and expected quality of a circuit on some qubits of a device, by its calibration; NaN for unknown values."""

    width: int  # n
    layers: int  # p or r
    two_qubit_gates: int  # in the device's gates, after routing if the circuit is not a line
    two_qubit_depth: int  # likewise
    log_gates: float  # Σ ln(1 − e) over all gates
    log_readout: float  # Σ ln(1 − e) over the measurements
    duration: float  # seconds of the longest chain of gates
    t1: float  # least relaxation times of the qubits, seconds
    t2: float
    degree: int  # least number of working couplings of a qubit


NO_CIRCUIT = Profile(0, 0, 0, 0, 0.0, 0.0, 0.0, np.inf, np.inf, 0)


@dataclass(frozen=True)
class NativeCircuit:
    """A compiled circuit as a list of native gates, without errors and times."""

    gates: tuple[tuple[str, tuple[int, ...]], ...] = field(repr=False)  # name and qubits of every gate, in order
    measured: tuple[int, ...] = field(repr=False)  # qubit that is read as variable i
    two_qubit_gates: int
    two_qubit_depth: int


@lru_cache(maxsize=4096)
def native_circuit(family: str, layers: int, width: int, native: tuple[str, ...]) -> NativeCircuit:
    """Compile an ansatz for a line without errors that has the `native` gates in both directions of every edge.

    Raises `UnknownNameError` if there is no such ansatz.
    """
    template = make_ansatz(family, layers).template(width)
    compiled = compile_template(template, _ideal_line(width, native), range(width))
    circuit = compiled.circuit
    number = {bit: i for i, bit in enumerate(circuit.qubits)}
    gates = tuple(
        (step.operation.name, tuple(number[q] for q in step.qubits))
        for step in circuit.data
        if step.operation.name not in ("measure", "barrier")
    )
    measured = tuple(measured_qubits(circuit).tolist())
    return NativeCircuit(gates, measured, compiled.two_qubit_gates, compiled.two_qubit_depth)


@lru_cache(maxsize=256)
def _ideal_line(width: int, native: tuple[str, ...]) -> Target:
    from qiskit.circuit.library import get_standard_gate_name_mapping
    from qiskit.transpiler import Target

    gates = get_standard_gate_name_mapping()
    target = Target(description="a line", num_qubits=width)
    for name in native:
        places: list[tuple[int, ...]] = [(i,) for i in range(width)]
        if gates[name].num_qubits == 2:
            places = [pair for i in range(width - 1) for pair in ((i, i + 1), (i + 1, i))]
        if places:
            target.add_instruction(gates[name], dict.fromkeys(places))
    return target


class GateCosts:
    """Errors and durations of each gate of a line, by its calibration.

    Parameters
    ----------
    target
        The line, cut out of a device.

    Attributes
    ----------
    native
        Names of the gates that circuits are compiled to.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        known = {"measure", "rz", "sx", "x", *ENTANGLERS}
        self.native = tuple(sorted(name for name in target.operation_names if name in known))
        self._cost: dict[tuple[str, tuple[int, ...]], tuple[float, float]] = {}  # ln(1 − e), seconds
        for name in self.native:
            for where, entry in (target[name] or {}).items():
                if not is_unusable(entry):
                    error, length = getattr(entry, "error", None), getattr(entry, "duration", None)
                    rate = 0.0 if error is None else float(error)
                    self._cost[name, where] = (
                        float(np.log1p(-rate)) if 0.0 <= rate < 1.0 else np.nan,
                        np.nan if length is None else float(length),
                    )
        entanglers = set(ENTANGLERS) & set(self.native)
        for (_, where), cost in list(self._cost.items()):
            if len(where) == 2:  # whichever gate and direction the pair has
                for name in entanglers:
                    self._cost.setdefault((name, where), cost)
                    self._cost.setdefault((name, where[::-1]), cost)

    def profile(self, circuit: NativeCircuit, layers: int, readout: Sequence[float], degree: int) -> Profile:
        """Return the profile of a circuit in this target's gates.

        Parameters
        ----------
        circuit
            In this target's gates.
        layers
            p or r.
        readout
            [n] probabilities to read variable i wrongly.
        degree
            Least number of working couplings of a qubit.
        """
        log_gates, end = 0.0, dict[int, float]()
        for name, where in circuit.gates:
            error, length = self._cost.get((name, where), (np.nan, np.nan))
            log_gates += error
            if length:  # virtual gates take no time
                latest = max(end.get(q, 0.0) for q in where) + length
                end.update(dict.fromkeys(where, latest))
        used = {q for _, where in circuit.gates for q in where} | set(circuit.measured)
        known = self.target.qubit_properties or []
        properties = [known[q] for q in sorted(used)] if known else []
        flips = np.array(readout, dtype=np.float64)
        flips[~((flips >= 0.0) & (flips < 1.0))] = np.nan
        return Profile(
            width=len(circuit.measured),
            layers=layers,
            two_qubit_gates=circuit.two_qubit_gates,
            two_qubit_depth=circuit.two_qubit_depth,
            log_gates=log_gates,
            log_readout=float(np.log1p(-flips).sum()),
            duration=float(np.max(list(end.values()), initial=0.0)),
            t1=_least([entry.t1 for entry in properties]),
            t2=_least([entry.t2 for entry in properties]),
            degree=degree,
        )


def _least(times: list[float | None]) -> float:
    known = [time for time in times if time is not None and np.isfinite(time) and time > 0]
    return min(known) if known and len(known) == len(times) else np.nan


_known: dict[str, ArmProfiles] = {}
_lock = threading.Lock()


def arm_profile(backend: Backend, arm: Arm, width: int) -> Profile | None:
    """Return the profile of an arm's circuit on its backend, as calibrated now; None if no line of qubits fits.

    Profiles of a calibration are computed once in a process. Raises `InputError` if the backend has no target.
    """
    target = backend.target
    if target is None:
        raise InputError("has no target to choose qubits by", field=backend.name, remedy="give a device's backend")
    with _lock:
        known = _known.get(arm.backend)
        if known is None or known.target is not target:
            known = _known[arm.backend] = ArmProfiles(arm.backend, target)
        return known.profile(arm, width)


@dataclass(frozen=True, eq=False)
class ArmProfiles:
    """Profiles on one calibration of a device."""

    name: str  # name of the device
    target: Target = field(repr=False)  # its calibration
    _costs: dict[tuple[int, str], GateCosts] = field(default_factory=dict, init=False, repr=False)
    _profiles: dict[tuple[str, str, int, int], Profile | None] = field(default_factory=dict, init=False, repr=False)

    def profile(self, arm: Arm, width: int) -> Profile | None:
        """Return the profile of an arm's circuit of `width` variables, computed at the first call.

        None if there is no such line, or the circuit cannot be compiled on it.
        """
        key = (arm.placement, arm.family, arm.layers, width)
        if key not in self._profiles:
            try:
                self._profiles[key] = self._on_line(arm, width)
            except InputError:
                self._profiles[key] = None
        return self._profiles[key]

    def _on_line(self, arm: Arm, width: int) -> Profile:
        line, place = self._device.line(width, arm.placement), (width, arm.placement)
        if place not in self._costs:
            self._costs[place] = GateCosts(line.target)
        costs = self._costs[place]
        if len(set(ENTANGLERS) & set(costs.native)) > 1:  # compile, to see whether each edge has the gates needed
            line.circuit(ansatz_of(arm).template(width))
        circuit = native_circuit(arm.family, arm.layers, width, costs.native)
        readout = readout_flips(line.target).mean(axis=1)[list(circuit.measured)]
        degree = min((len(self._neighbours.get(q, [])) for q in line.qubits), default=0)
        return costs.profile(circuit, arm.layers, readout, degree)

    @cached_property
    def _device(self) -> NoisyDevice:
        return NoisyDevice(self.name, self.target)

    @cached_property
    def _neighbours(self) -> dict[int, list[int]]:
        return DeviceErrors.of(self.target).neighbours()


@dataclass(frozen=True)
class Limits:
    """Limits on the circuits that may run. Raises `InputError` if a limit is out of range.

    Attributes
    ----------
    gates
        Largest number of two-qubit gates, G_max.
    least_fidelity
        Least ∏ (1 − e) over gates and measurements, F_min in [0, 1).
    most_decay
        Longest duration, as a multiple of the T2 of the qubit that decays first.
    """

    gates: int = 400
    least_fidelity: float = 0.02
    most_decay: float = 1.0

    def __post_init__(self) -> None:
        if self.gates < 0 or not 0.0 <= self.least_fidelity < 1.0 or not self.most_decay > 0.0:
            raise InputError(
                f"{self.gates} gates, fidelity {self.least_fidelity}, decay {self.most_decay}",
                field="limits",
                remedy="give gates of 0 or more, a fidelity from 0 to below 1, and a decay above 0",
            )

    def objection(self, profile: Profile) -> str:
        """Return why a circuit may not run: `gates`, `fidelity` or `duration`; empty if it may.

        `calibration` if the calibration lacks a number that is needed.
        """
        needed = (profile.log_gates, profile.log_readout, profile.duration, profile.t1, profile.t2)
        if np.isnan(needed).any():
            return "calibration"
        if profile.two_qubit_gates > self.gates:
            return "gates"
        if self.least_fidelity > 0.0 and profile.log_gates + profile.log_readout < np.log(self.least_fidelity):
            return "fidelity"
        if profile.duration / profile.t2 > self.most_decay:
            return "duration"
        return ""


@dataclass(frozen=True, eq=False)
class ScreenedArms:
    """Arms for knapsacks of one width, and which of them may run, for one state of the backends."""

    width: int  # number of variables
    arms: tuple[Arm, ...] = field(repr=False)  # [A] arms that fit on the devices and have finite features
    profiles: tuple[Profile, ...] = field(repr=False)  # [A] profile of each circuit
    objections: tuple[str, ...] = field(repr=False)  # [A] why an arm may not run; empty if it may
    # numbers of further arms by reason: no line of qubits on which the circuit can be compiled (`place`), or an
    # incomplete calibration (`calibration`)
    left_out: Mapping[str, int] = field(default_factory=dict, repr=False)

    @cached_property
    def table(self) -> ArmTable:
        """Features of the arms, to be joined with a knapsack."""
        return ArmTable(self.arms, self.profiles)

    @cached_property
    def is_allowed(self) -> NDArray[np.bool_]:
        """Whether each arm may run, [A]."""
        return np.array([not objection for objection in self.objections])

    @cached_property
    def places(self) -> dict[tuple[str, str], NDArray[np.int64]]:
        """Indices of the arms that may run, by backend and placement."""
        found: dict[tuple[str, str], list[int]] = {}
        for index, (arm, objection) in enumerate(zip(self.arms, self.objections, strict=True)):
            if arm.backend and not objection:
                found.setdefault((arm.backend, arm.placement), []).append(index)
        return {place: np.array(arms, np.int64) for place, arms in found.items()}

    @property
    def why_none(self) -> str:
        """Why no circuit may run; empty if one may, or there are no circuits."""
        reasons = Counter(objection for objection in self.objections if objection) + Counter(self.left_out)
        if self.places or not reasons:
            return ""
        counts = ", ".join(f"{n} for {reason}" for reason, n in sorted(reasons.items()))
        return f"no circuit may run ({counts})"

    @cached_property
    def index(self) -> dict[str, int]:
        """Index of each arm by its name."""
        return {str(arm): index for index, arm in enumerate(self.arms)}
