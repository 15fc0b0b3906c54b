"""Knapsack samplers by QAOA simulated without noise, and by independent bits, the control that circuits must beat."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.circuits.line_qaoa import line_depth, line_gates
from lagrl.quantum.circuits.statevector import COLD_RAMP, WARM_RAMP, Ramp, sample_qaoa
from lagrl.quantum.subproblems.candidates import require_width, select_candidates
from lagrl.quantum.subproblems.codes import count_codes
from lagrl.quantum.subproblems.penalties import Penalty, TiltedPenalty
from lagrl.quantum.subproblems.product import ProductState, draw_product, rotation_angles
from lagrl.relaxation.sampler import SampleContext, Samples, SamplingCost, require_shots

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.subproblems.candidates import Candidates
    from lagrl.quantum.subproblems.qubo_batch import QUBOBatch


@dataclass(frozen=True)
class ProductSampler:
    """Independent biased bits for the variables that presolve leaves: the control without gates between qubits.

    It is classical: its cost counts no circuits and no shots.

    Attributes
    ----------
    width
        Most variables per vehicle, 1 … 22.
    state
        Probabilities of the bits.

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
        """Draw `shots` strings per vehicle, overloaded ones included; see `SubproblemSampler.sample`."""
        del context
        prepare_sampling(shots)
        started = time.perf_counter()
        candidates = select_candidates(reduced_cost, weight, capacity, self.width)
        code, count = draw_product(self.state.probabilities(candidates), shots, rng)
        strings = candidates.strings(code)
        return Samples(strings, count, SamplingCost(seconds=time.perf_counter() - started, backend="product"))


@dataclass(frozen=True)
class QAOASampler:
    """QAOA of the penalised knapsack, simulated without noise by the statevector kernel.

    There is one circuit, the line network `qaoa_line`, for every vehicle that presolve does not solve.

    Attributes
    ----------
    width
        Most variables per vehicle, 1 … 22; slack bits of a penalty are added to them.
    warm
        Start from the product state, with the mixer aligned to it; otherwise from the uniform superposition.
    ramp
        Layers and their angles; if None the default of the start, `WARM_RAMP` or `COLD_RAMP`.
    penalty
        Penalty of overload.
    state
        The product state of a warm start.

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
        """Draw `shots` strings per vehicle, overloaded ones included; see `SubproblemSampler.sample`."""
        del context
        prepare_sampling(shots)
        started = time.perf_counter()
        candidates = select_candidates(reduced_cost, weight, capacity, self.width)
        problems, code, count = self.draw(candidates, shots, rng)
        if (problems.width > candidates.width).any():  # slack bits
            code, count = count_codes(code, count, candidates.width)
        strings = candidates.strings(code)
        cost = self.cost(problems, shots, time.perf_counter() - started, "statevector")
        return Samples(strings, count, cost)

    @property
    def used_ramp(self) -> Ramp:
        """The ramp, or the default one of the start."""
        return self.ramp or (WARM_RAMP if self.warm else COLD_RAMP)

    def draw(
        self, candidates: Candidates, shots: int, rng: np.random.Generator
    ) -> tuple[QUBOBatch, NDArray[np.int64], NDArray[np.int64]]:
        """Simulate the circuits of all vehicles.

        Returns
        -------
        The QUBOs; codes [K, S], slack bits included, distinct in each row; counts [K, S], where 0 is padding. Solved
        vehicles draw the empty string.
        """
        problems = self.penalty.qubos(candidates)
        probability = self.state.probabilities(candidates) if self.warm else np.full(candidates.item.shape, 0.5)
        slack = problems.linear.shape[1] - probability.shape[1]
        theta = rotation_angles(np.pad(probability, ((0, 0), (0, slack)), constant_values=0.5))
        uniform = rng.random((len(probability), shots))  # solved vehicles too: a draw depends on no other's presolve
        return problems, *sample_qaoa(problems, self.used_ramp, theta, uniform)

    def cost(self, problems: QUBOBatch, shots: int, seconds: float, backend: str) -> SamplingCost:
        """Return the cost of `shots` shots of each circuit, gates and depth by the closed forms of the line network."""
        widths, layers = problems.width[problems.width > 0].tolist(), self.used_ramp.layers
        return SamplingCost(
            circuits=len(widths),
            shots=len(widths) * shots,
            two_qubit_gates=sum(line_gates(width, layers) for width in widths),
            depth=max((line_depth(width, layers) for width in widths), default=0),
            seconds=seconds,
            backend=backend,
        )


def prepare_sampling(shots: int) -> None:
    """Check the number of shots, and compile the kernels before a clock starts.

    Raises
    ------
    InputError
        If the number of shots is not allowed.
    """
    from lagrl.quantum.circuits import statevector_kernels  # noqa: F401
    from lagrl.quantum.subproblems import candidate_kernels  # noqa: F401

    require_shots(shots)
