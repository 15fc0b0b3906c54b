"""QAOA with noise in the time of ideal QAOA, by the compiled kernel.

The surrogate draws from the ideal distribution and sends each shot through the device's `Channel`, which samples
exactly from the surrogate distribution.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import numpy as np

from lagrl.quantum.circuits.line_qaoa import qaoa_line
from lagrl.quantum.circuits.statevector import QAOASampler
from lagrl.quantum.devices.noisy_device import CALIBRATED, Channel, Exponents, NoisyDevice, disturb
from lagrl.quantum.subproblems.candidates import Candidates, count_codes
from lagrl.relaxation.sampler import Samples

if TYPE_CHECKING:
    from lagrl.relaxation.sampler import SampleQuery


@dataclass(frozen=True)
class SurrogateSampler:
    """QAOA on a noisy device: the samples of a `QAOASampler`, disturbed by the noise of the device's best lines.

    Attributes
    ----------
    device
        The device whose noise is simulated.
    ideal
        The circuits: line networks (`qaoa_line`), each on the best line of its width.
    exponents
        Exponents of the channel.
    """

    device: NoisyDevice
    ideal: QAOASampler = field(default_factory=QAOASampler)
    exponents: Exponents = CALIBRATED
    _channels: dict[int, Channel] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, name: str, ideal: QAOASampler | None = None) -> Self:
        """Simulate the fake backend of a name; see `NoisyDevice.of` for the errors raised."""
        return cls(NoisyDevice.of(name), ideal or QAOASampler())

    @property
    def name(self) -> str:
        """The name that records use, such as `surrogate(fake_kingston)`."""
        return f"surrogate({self.device.name})"

    def sample(self, query: SampleQuery) -> Samples:
        """Draw the strings, overloaded ones included."""
        self.ideal.compile_kernels()
        started = time.perf_counter()
        candidates = Candidates.of(query, self.ideal.width)
        code, count, width, cost = self.ideal.draw(candidates, query.shots, query.rng)
        began = time.perf_counter()
        channels = {m: self.channel(m) for m in np.unique(width).tolist() if m}  # compiles
        encoding = cost.encoding_seconds + time.perf_counter() - began
        one_by_one = np.repeat(code.reshape(-1), count.reshape(-1)).reshape(-1, query.shots)
        noisy = disturb(one_by_one, [channels.get(m) for m in width.tolist()], query.rng)
        code, count = count_codes(noisy, width=candidates.width)
        strings = candidates.strings(code)
        seconds = time.perf_counter() - started
        cost = replace(cost, backend=self.name, seconds=seconds, encoding_seconds=encoding)
        return Samples(strings, count, cost)

    def channel(self, width: int) -> Channel:
        """Return the channel of the circuit of `width` variables on the device's best line, found once."""
        if width not in self._channels:
            line = self.device.line(width)
            template = line.circuit(qaoa_line(width, self.ideal.used_ramp.layers, self.ideal.warm)).template
            self._channels[width] = Channel.on(line, template, self.exponents)
        return self._channels[width]
