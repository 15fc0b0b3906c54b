"""Samplers of knapsacks by simulated circuits, and by the coin flips that circuits must beat."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lagrl.quantum.circuits.line_qaoa import line_depth, line_gates
from lagrl.quantum.circuits.portfolio import Portfolio, Round, draw_portfolio
from lagrl.quantum.circuits.statevector import COLD_RAMP, WARM_RAMP, Ramp, sample_qaoa
from lagrl.quantum.subproblems.candidates import require_width, select_candidates
from lagrl.quantum.subproblems.penalties import Penalty, TiltedPenalty
from lagrl.quantum.subproblems.product import ProductState, draw_product, rotation_angles
from lagrl.relaxation.sampler import SampleContext, Samples, SamplingCost, require_shots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.circuits.portfolio import Counted
    from lagrl.quantum.subproblems.candidates import Candidates
    from lagrl.quantum.subproblems.qubo_batch import QUBOBatch


@dataclass(frozen=True)
class ProductSampler:
    """Independent biased bits for the variables that presolve leaves: the zero-gate control of every circuit.

    It is classical: its cost counts no circuits and no shots.

    Attributes
    ----------
    width
        Most variables per vehicle, 1 … 22.
    state
        The bits' probabilities.

    Raises
    ------
    InputError
        If the width is not in 1 … 22.
    """

    width: int = 12
    state: ProductState = field(default_factory=ProductState)

    def __post_init__(self) -> None:
        require_width(self.width)

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
        code, count = draw_product(self.state.probabilities(candidates), shots, rng)
        strings = candidates.strings(code)
        cost = SamplingCost(seconds=time.perf_counter() - started, backend="product")
        return Samples(strings, count, cost)


@dataclass(frozen=True)
class QAOASampler:
    """QAOA of the penalised knapsack, simulated without noise by the statevector kernel.

    One circuit for every vehicle that presolve does not solve, and for every configuration.

    Attributes
    ----------
    width
        Most variables per vehicle, 1 … 22; slack bits of a penalty that has them come on top.
    warm
        Start from the product state, with the mixer aligned to it; else from the uniform superposition.
    ramp
        Layers and their angles; None for those measured to suit the start (`WARM_RAMP`, `COLD_RAMP`).
    penalty
        How overload is priced.
    state
        The product state of a warm start.
    portfolio
        Configurations that share the shots; the default is a single one.

    Raises
    ------
    InputError
        If the width is not in 1 … 22.
    """

    width: int = 12
    warm: bool = True
    ramp: Ramp | None = None
    penalty: Penalty = field(default_factory=TiltedPenalty)
    state: ProductState = field(default_factory=ProductState)
    portfolio: Portfolio = field(default_factory=Portfolio)

    def __post_init__(self) -> None:
        require_width(self.width)

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
        run = KernelRun(self, candidates, rng)
        code, count = draw_portfolio(candidates, self.penalty, self.portfolio, shots, run)
        strings = candidates.strings(code)
        cost = replace(run.cost, seconds=time.perf_counter() - started, backend="statevector")
        return Samples(strings, count, cost)


class WarmSampler(Protocol):
    """What `KernelRun` reads of a sampler; see `QAOASampler`."""

    @property
    def warm(self) -> bool: ...

    @property
    def ramp(self) -> Ramp | None: ...

    @property
    def state(self) -> ProductState: ...


class Simulation(Protocol):
    """What `sample_qaoa` does."""

    def __call__(
        self, problems: QUBOBatch, ramp: Ramp, theta: NDArray[np.float64], uniform: NDArray[np.float64]
    ) -> Counted: ...


class KernelRun:
    """The simulated circuits of one call, and their bill: those of the line network, see `circuits.qaoa_line`.

    Parameters
    ----------
    sampler
        Whose start and angles.
    candidates
        The knapsacks.
    rng
        Source of randomness.
    draw
        `sample_qaoa`, or what does the same.
    """

    def __init__(
        self, sampler: WarmSampler, candidates: Candidates, rng: np.random.Generator, draw: Simulation = sample_qaoa
    ) -> None:
        self.own_ramp = sampler.ramp or (WARM_RAMP if sampler.warm else COLD_RAMP)
        self.draw = draw
        self.rng = rng
        self.cost = SamplingCost()
        shape = candidates.item.shape
        self.probability = sampler.state.probabilities(candidates) if sampler.warm else np.full(shape, 0.5)

    def __call__(self, rounds: Sequence[Round], shots: int) -> list[Counted]:
        """Simulate one round after the other."""
        drawn = []
        for own in rounds:
            problems, ramp = own.asked, own.configuration.ramp or self.own_ramp
            slack = problems.linear.shape[1] - self.probability.shape[1]
            theta = rotation_angles(np.pad(self.probability, ((0, 0), (0, slack)), constant_values=0.5))
            # vehicles not asked too: a draw depends on no other's presolve
            uniform = self.rng.random((len(own.is_asked), shots))
            drawn.append(self.draw(problems, ramp, theta, uniform))
            self._book(problems.width[problems.width > 0].tolist(), ramp.layers, shots)
        return drawn

    def _book(self, widths: list[int], layers: int, shots: int) -> None:
        self.cost += SamplingCost(
            circuits=len(widths),
            shots=len(widths) * shots,
            two_qubit_gates=sum(line_gates(width, layers) for width in widths),
            depth=max((line_depth(width, layers) for width in widths), default=0),
        )


def make_ready(shots: int) -> None:
    """Refuse to draw nothing, and compile before a clock starts."""
    from lagrl.quantum.circuits import statevector_kernels  # noqa: F401
    from lagrl.quantum.subproblems import candidate_kernels  # noqa: F401

    require_shots(shots)
