"""Noisy circuits at the price of ideal ones: any template by Aer, QAOA by the compiled kernel.

Both draw from the ideal distribution and send each shot through the device's `Channel`, which is exactly sampling
from the surrogate distribution.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from lagrl.quantum.circuits.line_qaoa import qaoa_line
from lagrl.quantum.circuits.portfolio import Portfolio, draw_portfolio
from lagrl.quantum.circuits.qaoa_sampler import KernelRun, make_ready
from lagrl.quantum.circuits.statevector import Ramp, sample_qaoa
from lagrl.quantum.devices.noisy_device import NoisyDevice
from lagrl.quantum.simulators.aer import is_native, run_aer
from lagrl.quantum.simulators.channel import CALIBRATED, Channel, Exponents, disturb
from lagrl.quantum.simulators.line_executor import LineExecutor
from lagrl.quantum.subproblems.candidates import require_width, select_candidates
from lagrl.quantum.subproblems.codes import count_codes
from lagrl.quantum.subproblems.penalties import Penalty, TiltedPenalty
from lagrl.quantum.subproblems.product import ProductState
from lagrl.relaxation.sampler import SampleContext, Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.circuits.execution import Template
    from lagrl.quantum.circuits.portfolio import Counted
    from lagrl.quantum.devices.noisy_device import NoisyLine
    from lagrl.quantum.simulators.line_executor import BoundCircuit
    from lagrl.quantum.subproblems.qubo_batch import QUBOBatch


@dataclass(frozen=True)
class SurrogateExecutor(LineExecutor):
    """Draws ideal samples of any circuits by Aer's `statevector`, and disturbs them.

    Attributes
    ----------
    exponents
        How fidelity becomes error rates; calibrated on QAOA, for other templates an estimate.
    """

    max_width: int = 22
    exponents: Exponents = CALIBRATED
    method: ClassVar[str] = "surrogate"
    limit: ClassVar[int] = 24
    remedy: ClassVar[str] = "take fewer variables per vehicle"
    uses_noise_model: ClassVar[bool] = False

    def simulated(self, template: Template, compiled: Template) -> Template:
        """Return the circuit as built, where Aer knows all its gates: it does the same with a third of them."""
        return template if is_native(template.circuit) else compiled

    def run(
        self, line: NoisyLine, bound: list[BoundCircuit], shots: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return codes [C, shots]; see `LineExecutor.run`."""
        ideal = run_aer("statevector", [circuit for circuit, _ in bound], None, shots, rng)
        channels = {template.digest: Channel.on(line, template, self.exponents) for _, template in bound}
        return disturb(ideal, [channels[template.digest] for _, template in bound], rng)


@dataclass(frozen=True)
class SurrogateSampler:
    """`QAOASampler` as a noisy device would answer: the kernel's samples, disturbed.

    The circuits are line networks (`qaoa_line`), each on the device's best line of its width.

    Attributes
    ----------
    device
        Whose noise.
    width, warm, ramp, penalty, state, portfolio
        As in `QAOASampler`.
    exponents
        How fidelity becomes error rates.

    Raises
    ------
    InputError
        If the width is not in 1 … 22.
    """

    device: NoisyDevice
    width: int = 12
    warm: bool = True
    ramp: Ramp | None = None
    penalty: Penalty = field(default_factory=TiltedPenalty)
    state: ProductState = field(default_factory=ProductState)
    portfolio: Portfolio = field(default_factory=Portfolio)
    exponents: Exponents = CALIBRATED

    def __post_init__(self) -> None:
        require_width(self.width)

    @classmethod
    def of(
        cls,
        name: str,
        width: int = 12,
        warm: bool = True,
        ramp: Ramp | None = None,
        penalty: Penalty | None = None,
        portfolio: Portfolio | None = None,
        exponents: Exponents = CALIBRATED,
    ) -> Self:
        """Stand for the fake backend of a name; see `NoisyDevice.of` for what it raises."""
        return cls(
            NoisyDevice.of(name),
            width,
            warm,
            ramp,
            penalty or TiltedPenalty(),
            portfolio=portfolio or Portfolio(),
            exponents=exponents,
        )

    @property
    def name(self) -> str:
        """Such as `surrogate(fake_kingston)`."""
        return f"surrogate({self.device.name})"

    def sample(
        self,
        reduced_cost: NDArray[np.float64],
        weight: NDArray[np.int64],
        capacity: NDArray[np.int64],
        shots: int,
        rng: np.random.Generator,
        context: SampleContext,
    ) -> Samples:
        """Draw `shots` strings per vehicle as they fall, overloads included; see `SubproblemSampler.sample`."""
        del context
        make_ready(shots)
        started = time.perf_counter()
        candidates = select_candidates(reduced_cost, weight, capacity, self.width)
        simulation = _Disturbed(self, rng)
        run = KernelRun(self, candidates, rng, simulation)
        code, count = draw_portfolio(candidates, self.penalty, self.portfolio, shots, run)
        strings = candidates.strings(code)
        seconds = time.perf_counter() - started - simulation.compiling
        return Samples(strings, count, replace(run.cost, seconds=seconds, backend=self.name))

    def channel(self, width: int, layers: int) -> Channel:
        """Return what noise makes of the circuit of so many variables and layers, on the device's line."""
        line = self.device.line(width)
        template = line.circuit(qaoa_line(width, layers, self.warm)).template
        return Channel.on(line, template, self.exponents)


class _Disturbed:
    """`sample_qaoa` through a device's channels, and the seconds that compiling for it took."""

    def __init__(self, sampler: SurrogateSampler, rng: np.random.Generator) -> None:
        self.sampler = sampler
        self.rng = rng
        self.compiling = 0.0

    def __call__(
        self, problems: QUBOBatch, ramp: Ramp, theta: NDArray[np.float64], uniform: NDArray[np.float64]
    ) -> Counted:
        started = time.perf_counter()
        known = {int(m): self.sampler.channel(int(m), ramp.layers) for m in np.unique(problems.width) if m}
        self.compiling += time.perf_counter() - started
        code, count = sample_qaoa(problems, ramp, theta, uniform)
        return count_codes(disturb(shot_by_shot(code, count), [known.get(int(m)) for m in problems.width], self.rng))


def shot_by_shot(code: NDArray[np.int64], count: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return codes [K, shots], each repeated as often as it was drawn; all rows of the counts have the same sum."""
    return np.repeat(code.reshape(-1), count.reshape(-1)).reshape(len(code), -1)
