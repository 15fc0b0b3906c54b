"""The noise channel of the surrogate: some ideal samples are replaced by random ones, all are read with errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.circuits.execution import Template
    from lagrl.quantum.devices.noisy_device import NoisyLine


@dataclass(frozen=True)
class Exponents:
    """Exponents that turn a circuit's fidelity F = ∏ (1 − e) over its gates into the surrogate's two error rates.

    Attributes
    ----------
    lost
        κ: the share 1 − F^κ of shots is replaced by uniformly random strings.
    local
        η: the share 1 − F^(2η/n) of bits is replaced by fair random bits. A faulty gate acts on two of n qubits, and
        in QAOA, whose gates are diagonal except one mixer a layer, little of the error spreads.

    Raises
    ------
    InputError
        If one is not a finite number of 0 or more.
    """

    lost: float
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

    Attributes
    ----------
    fidelity
        F', the share of shots that are not replaced by random strings.
    flips
        [n, 2] probabilities that a 0 of variable i is read as 1, and a 1 as 0.

    Raises
    ------
    InputError
        If one of them is not a probability.
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
