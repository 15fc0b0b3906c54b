"""A device's lines of qubits with their noise: compiled circuits, and the noise channel of the surrogate.

The channel replaces some ideal samples by random ones, and reads all of them with errors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.circuits.backend import BEST_LINE
from lagrl.quantum.devices.compile import compile_template
from lagrl.quantum.devices.noise import noise_model, readout_flips, reduced_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target
    from qiskit_aer.noise import NoiseModel

    from lagrl.quantum.circuits.backend import Template


@dataclass(frozen=True, eq=False)
class LineCircuit:
    """A template compiled for a line of qubits."""

    template: Template  # the compiled template, in the line's native gates, with free parameters
    log_fidelity: float  # ln F = Σ ln(1 − e) over its gates
    measured: NDArray[np.int64] = field(repr=False)  # [n] int64: the line's qubit that is read as variable i
    # [n, 2] probabilities that a 0 of variable i is read as 1, and a 1 as 0
    readout: NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True, eq=False)
class NoisyLine:
    """A line of qubits of a device, with its noise model and its compiled circuits, each made once."""

    qubits: tuple[int, ...]  # physical qubits in the line's order
    target: Target = field(repr=False)  # the device's target reduced to them, see `reduced_target`
    _circuits: dict[tuple[str, tuple[int, int, bool]], LineCircuit] = field(
        default_factory=dict, init=False, repr=False
    )

    @cached_property
    def noise(self) -> NoiseModel:
        """Aer's noise model of the line."""
        return noise_model(self.target)

    @cached_property
    def readout(self) -> NDArray[np.float64]:
        """[n, 2] float64: probabilities that 0 is read as 1, and 1 as 0."""
        return readout_flips(self.target)

    def circuit(self, template: Template) -> LineCircuit:
        """Return a template compiled for this line; equal templates are compiled once."""
        key = (template.digest, template.declared)
        found = self._circuits.get(key)
        if found is None:
            compiled = compile_template(template, self.target, range(len(self.qubits)))
            measured = measured_qubits(compiled.circuit)
            fidelity = log_fidelity(compiled.circuit, self.target)
            found = LineCircuit(compiled, fidelity, measured, self.readout[measured])
            self._circuits[key] = found
        return found


@dataclass(frozen=True, eq=False)
class NoisyDevice:
    """A device's calibration, and its lines of qubits."""

    name: str  # name of the device, such as `fake_kingston`
    target: Target = field(repr=False)  # the whole device's target
    _lines: dict[tuple[int, str], NoisyLine] = field(default_factory=dict, init=False, repr=False)

    @staticmethod
    def of(name: str) -> NoisyDevice:
        """Return the fake backend of a name, the same object every time.

        See `fake_backend` for the errors raised.
        """
        from lagrl.quantum.devices.fakes import fake_backend

        return _fake_device(str(fake_backend(name).name))

    def line(self, width: int, placement: str = BEST_LINE) -> NoisyLine:
        """Return the line of `width` qubits that a placement names, the best one by default; found once.

        Raises `UnknownNameError` if there is no such placement, `InputError` if the device has no such line.
        """
        found = self._lines.get((width, placement))
        if found is None:
            from lagrl.quantum.devices.placement import placed_line

            qubits = tuple(int(q) for q in placed_line(self.target, width, placement).qubits)
            found = self._lines[width, placement] = NoisyLine(qubits, reduced_target(self.target, qubits))
        return found


def log_fidelity(circuit: QuantumCircuit, target: Target) -> float:
    """Return Σ ln(1 − e) over a compiled circuit's gates: log of the probability of no error, if independent.

    Measurements are not counted.

    Raises `InputError` if the target does not support a gate.
    """
    place = {bit: i for i, bit in enumerate(circuit.qubits)}
    total = 0.0
    for step in circuit.data:
        name, where = step.operation.name, tuple(place[q] for q in step.qubits)
        if name in {"measure", "barrier"}:
            continue
        if not target.instruction_supported(name, where):
            raise InputError(f"{name} on {where}", field="circuit", remedy="compile it for this target")
        entry = target[name].get(where)
        total += float(np.log1p(-min((entry.error if entry is not None else None) or 0.0, 1.0 - 1e-12)))
    return total


def measured_qubits(circuit: QuantumCircuit) -> NDArray[np.int64]:
    """Return the qubit that is measured into each classical bit, [n]."""
    qubit = {bit: i for i, bit in enumerate(circuit.qubits)}
    bit = {bit: i for i, bit in enumerate(circuit.clbits)}
    found = np.zeros(len(bit), np.int64)
    for step in circuit.data:
        if step.operation.name == "measure":
            found[bit[step.clbits[0]]] = qubit[step.qubits[0]]
    return found


@lru_cache(maxsize=64)
def _fake_device(name: str) -> NoisyDevice:
    from lagrl.quantum.devices.fakes import fake_backend

    return NoisyDevice(name, fake_backend(name).target)


@dataclass(frozen=True)
class Exponents:
    """Exponents that turn a circuit's fidelity F = ∏ (1 − e) over its gates into the surrogate's two error rates.

    Raises `InputError` if one is not a finite number of 0 or more.
    """

    lost: float  # κ: the share 1 − F^κ of shots is replaced by uniformly random strings
    # η: the share 1 − F^(2η/n) of bits is replaced by fair random bits. A faulty gate acts on two of n qubits, and in
    # QAOA, whose gates are diagonal except one mixer a layer, little of the error spreads.
    local: float

    def __post_init__(self) -> None:
        if not (0 <= self.lost < np.inf and 0 <= self.local < np.inf):
            raise InputError(
                f"{self.lost}, {self.local} given", field="exponents", remedy="give finite numbers of 0 or more"
            )


# least squared error over knapsacks of dual ascents on bundled instances, four devices, 4 to 10 qubits, 1 and 2
# layers, against density matrices: python -m benchmarks.noise_calibration.run
CALIBRATED = Exponents(lost=0.029, local=0.966)


@dataclass(frozen=True, eq=False)
class Channel:
    """The noisy distribution q of a circuit over strings of n bits, from the ideal distribution p:

    q = R [F' p + (1 − F') / 2ⁿ]

    R flips each bit independently: it models errors on few qubits, and readout. F' alone would be global
    depolarising, whose distance from the exact distribution is three quarters of that of ignoring noise, with any
    exponent; with R it is a third (`benchmarks/noise_calibration/run.py`).

    Raises `InputError` if one of them is not a probability.

    Attributes
    ----------
    fidelity
        F', the share of shots that are not replaced by random strings.
    flips
        [n, 2] probabilities that a 0 of variable i is read as 1, and a 1 as 0.
    """

    fidelity: float
    flips: NDArray[np.float64] = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.fidelity <= 1:
            raise InputError(f"{self.fidelity} given", field="fidelity", remedy="give a share from 0 to 1")
        if self.flips.ndim != 2 or self.flips.shape[1] != 2 or not ((self.flips >= 0) & (self.flips <= 1)).all():
            raise InputError(f"array {self.flips.shape}", field="flips", remedy="give [n, 2] probabilities")

    @staticmethod
    def of(log_fidelity: float, readout: NDArray[np.float64], exponents: Exponents = CALIBRATED) -> Channel:
        """Return the channel of a circuit whose gates have ln F, with its variables' readout errors [n, 2]."""
        kept = np.exp(2.0 * exponents.local * log_fidelity / len(readout))
        wrong = kept * readout + (1.0 - kept) * 0.5 * (readout + 1.0 - readout[:, ::-1])  # a fair random bit, then read
        return Channel(float(np.exp(exponents.lost * log_fidelity)), wrong)

    @staticmethod
    def on(line: NoisyLine, template: Template, exponents: Exponents = CALIBRATED) -> Channel:
        """Return the channel of a template on a line of qubits."""
        circuit = line.circuit(template)
        return Channel.of(circuit.log_fidelity, circuit.readout, exponents)

    def distribution(self, ideal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return q [2^n] for the ideal p [2^n]; bit i of the index is variable i."""
        n = len(self.flips)
        q: NDArray[np.float64] = self.fidelity * ideal + (1.0 - self.fidelity) / 2**n
        for i, (zero, one) in enumerate(self.flips):
            pairs = q.reshape(2 ** (n - 1 - i), 2, 2**i)
            low, high = pairs[:, 0], pairs[:, 1]
            q = np.stack([(1 - zero) * low + one * high, zero * low + (1 - one) * high], axis=1).reshape(-1)
        return q


def disturb(code: NDArray[np.int64], channels: Sequence[Channel | None], rng: np.random.Generator) -> NDArray[np.int64]:
    """Turn ideal samples of K circuits into samples of their q, shot by shot: O(K·S·W).

    The draws of a circuit do not depend on the other circuits or their widths.

    Parameters
    ----------
    code
        [K, S] drawn from p, bit i being variable i.
    channels
        K channels; None where there is no circuit, whose codes are not changed.
    rng
        Source of randomness.

    Returns
    -------
    Codes [K, S].
    """
    width = np.array([0 if channel is None else len(channel.flips) for channel in channels], np.int64)
    fidelity = np.array([1.0 if channel is None else channel.fidelity for channel in channels])
    flips = np.zeros((len(width), int(width.max(initial=0)), 2))
    for k, channel in enumerate(channels):
        if channel is not None:
            flips[k, : width[k]] = channel.flips
    is_lost = rng.random(code.shape) >= fidelity[:, None]
    anything = rng.integers(0, 1 << 62, code.shape) & ((np.int64(1) << width) - 1)[:, None]
    left = np.where(is_lost, anything, code)
    for i in range(flips.shape[1]):
        wrong = np.where((left >> i) & 1 == 1, flips[:, i, 1, None], flips[:, i, 0, None])
        left = left ^ ((rng.random(code.shape) < wrong).astype(np.int64) << i)
    return left
