"""What a circuit would be on a device, before it runs: gates, depth, expected fidelity, duration.

Hundreds of arms are looked at for one that is run, so none is compiled for its place: a circuit is compiled once for
each set of native gates, on a line without errors, and what errors and times every place has is summed over its gates.
The circuit that runs is compiled for its place, and may differ in gates on single qubits where a device has a
two-qubit gate in one direction only. Circuits that are no line are compiled for devices of jobs, as these route them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.circuits.ansatz import make_ansatz
from lagrl.quantum.devices.compile import compile_template
from lagrl.quantum.devices.device_errors import ENTANGLERS, DeviceErrors, is_unusable
from lagrl.quantum.devices.noise import readout_flips, reduced_target
from lagrl.quantum.devices.noisy_device import NoisyDevice, NoisyLine
from lagrl.quantum.devices.placement import placed_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qiskit.transpiler import Target

    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.circuits.execution import Template


@dataclass(frozen=True)
class Profile:
    """A circuit on some qubits of a device, as the calibration tells.

    Attributes
    ----------
    width, layers
        n, and p or r.
    two_qubit_gates, two_qubit_depth
        In the device's gates, routed where the circuit is no line.
    log_gates
        Σ ln(1 − e) over all gates.
    log_readout
        Σ ln(1 − e) over the measurements.
    duration
        Seconds of the longest chain of gates; not a number where the device tells no durations.
    t1, t2
        Least relaxation times of the qubits, seconds; not a number where the device tells none.
    degree
        Least number of working couplings of a qubit.
    """

    width: int
    layers: int
    two_qubit_gates: int
    two_qubit_depth: int
    log_gates: float
    log_readout: float
    duration: float
    t1: float
    t2: float
    degree: int


NO_CIRCUIT = Profile(0, 0, 0, 0, 0.0, 0.0, 0.0, np.inf, np.inf, 0)


@dataclass(frozen=True)
class Skeleton:
    """A circuit in native gates, whose errors and times are still to come.

    Attributes
    ----------
    gates
        Name and qubits of every gate, in order.
    measured
        Which qubit is read as variable i.
    two_qubit_gates, two_qubit_depth
        Counts.
    """

    gates: tuple[tuple[str, tuple[int, ...]], ...] = field(repr=False)
    measured: tuple[int, ...] = field(repr=False)
    two_qubit_gates: int
    two_qubit_depth: int

    @staticmethod
    def of(compiled: Template) -> Skeleton:
        """Read a compiled template."""
        circuit = compiled.circuit
        place = {bit: i for i, bit in enumerate(circuit.qubits)}
        bits = {bit: i for i, bit in enumerate(circuit.clbits)}
        gates, measured = [], [0] * circuit.num_clbits
        for step in circuit.data:
            where = tuple(place[q] for q in step.qubits)
            if step.operation.name == "measure":
                measured[bits[step.clbits[0]]] = where[0]
            elif step.operation.name != "barrier":
                gates.append((step.operation.name, where))
        return Skeleton(tuple(gates), tuple(measured), compiled.two_qubit_gates, compiled.two_qubit_depth)


@lru_cache(maxsize=4096)
def skeleton(family: str, layers: int, width: int, native: tuple[str, ...]) -> Skeleton:
    """Compile an ansatz for a line of qubits that has these gates in both directions of every edge, and no errors.

    Raises
    ------
    UnknownNameError
        If there is no such ansatz.
    """
    template = make_ansatz(family, layers).template(width)
    return Skeleton.of(compile_template(template, _ideal_line(width, native), range(width)))


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
    """What it costs to use each gate of a target, as its calibration tells.

    Parameters
    ----------
    target
        A device, or a line cut out of it.

    Attributes
    ----------
    native
        Names of the gates that circuits are compiled to.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        known = {"measure", "rz", "sx", "x", *ENTANGLERS}
        self.native = tuple(sorted(name for name in target.operation_names if name in known))
        self._cost: dict[tuple[str, tuple[int, ...]], tuple[float, float]] = {}
        for name in self.native:
            for where, entry in (target[name] or {}).items():
                if not is_unusable(entry):
                    error, length = getattr(entry, "error", None), getattr(entry, "duration", None)
                    rate = 0.0 if error is None else float(error)
                    is_told = 0.0 <= rate < 1.0
                    self._cost[name, where] = (
                        float(np.log1p(-rate)) if is_told else np.nan,
                        np.nan if length is None else float(length),
                    )
        joining = set(ENTANGLERS) & set(self.native)
        for (_, where), cost in list(self._cost.items()):
            if len(where) == 2:  # whichever gate and direction the pair has
                for name in joining:
                    self._cost.setdefault((name, where), cost)
                    self._cost.setdefault((name, where[::-1]), cost)

    def profile(self, circuit: Skeleton, layers: int, readout: Sequence[float], degree: int) -> Profile:
        """Sum a circuit up.

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
        told = self.target.qubit_properties or []
        properties = [told[q] for q in sorted(used)] if told else []
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


@dataclass(frozen=True, eq=False)
class PlacedDevice(NoisyDevice):
    """A device of which only one line of each width is used, and not always the best.

    Attributes
    ----------
    placement
        `line0` is the best line, `line1` and `line2` the next, each another set of qubits; `default` qubits
        0 … n − 1 in that order.
    is_whole
        Whether circuits that are no line are described as they are routed over the whole device, see `PlacedDevices`.
    """

    placement: str = "line0"
    is_whole: bool = False
    _placed: dict[int, NoisyLine] = field(default_factory=dict, init=False, repr=False)
    _costs: dict[int, GateCosts] = field(default_factory=dict, init=False, repr=False)
    _profiles: dict[tuple[str, int, int], Profile] = field(default_factory=dict, init=False, repr=False)

    def line(self, width: int) -> NoisyLine:
        """Return the line of so many qubits; found once.

        Raises
        ------
        InputError
            If the device has no such line.
        """
        found = self._placed.get(width)
        if found is None:
            qubits = placed_line(self.target, width, self.placement).qubits
            found = self._placed[width] = NoisyLine(qubits, reduced_target(self.target, qubits))
        return found

    def profile(self, arm: Arm, width: int) -> Profile:
        """Describe an arm's circuit of so many variables here; worked out once.

        Raises
        ------
        InputError
            If there is no such line, or the circuit cannot be compiled on it.
        """
        key = (arm.family, arm.layers, width)
        if key not in self._profiles:
            template = arm.ansatz().template(width)
            is_routed = self.is_whole and not template.is_line
            self._profiles[key] = self._routed(template) if is_routed else self._on_line(arm, template)
        return self._profiles[key]

    def _on_line(self, arm: Arm, template: Template) -> Profile:
        width = template.n_qubits
        line = self.line(width)
        if width not in self._costs:
            self._costs[width] = GateCosts(line.target)
        costs = self._costs[width]
        if len(set(ENTANGLERS) & set(costs.native)) > 1:  # which of them can be had where, only compiling tells
            line.circuit(template)
        circuit = skeleton(arm.family, arm.layers, width, costs.native)
        readout = readout_flips(line.target).mean(axis=1)[list(circuit.measured)]
        return costs.profile(circuit, arm.layers, readout, self._degree(line.qubits))

    def _routed(self, template: Template) -> Profile:
        """Describe a circuit as `RuntimeExecutor` compiles it: it may leave the line."""
        circuit = Skeleton.of(compile_template(template, self.target, self.line(template.n_qubits).qubits))
        readout = [self._calibration.readout.get(q, np.nan) for q in circuit.measured]
        used = {q for _, where in circuit.gates for q in where}
        return self._whole.profile(circuit, template.layers, readout, self._degree(tuple(used)))

    def _degree(self, qubits: tuple[int, ...]) -> int:
        neighbours = self._calibration.neighbours()
        return min((len(neighbours.get(q, [])) for q in qubits), default=0)

    @cached_property
    def _calibration(self) -> DeviceErrors:
        return DeviceErrors.of(self.target)

    @cached_property
    def _whole(self) -> GateCosts:
        return GateCosts(self.target)


def _least(times: list[float | None]) -> float:
    known = [time for time in times if time is not None and np.isfinite(time) and time > 0]
    return min(known) if known and len(known) == len(times) else np.nan
