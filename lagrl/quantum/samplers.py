"""Samplers of knapsacks by simulated circuits, and by the coin flips that circuits must beat."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.candidates import require_width, select_candidates
from lagrl.quantum.penalties import TiltedPenalty, tilted_qubos
from lagrl.quantum.product import ProductState, draw_product, rotation_angles
from lagrl.quantum.statevector import COLD_RAMP, WARM_RAMP, Ramp, sample_qaoa
from lagrl.relaxation.sampler import SampleContext, Samples, SamplingCost

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
        _make_ready(shots)
        started = time.perf_counter()
        candidates = select_candidates(reduced_cost, weight, capacity, self.width)
        code, count = draw_product(self.state.probabilities(candidates), shots, rng)
        strings = candidates.strings(code)
        cost = SamplingCost(seconds=time.perf_counter() - started, backend="product")
        return Samples(strings, count, cost)


@dataclass(frozen=True)
class QAOASampler:
    """QAOA of the tilted QUBO, simulated without noise.

    One circuit for every vehicle that presolve does not solve.

    Attributes
    ----------
    width
        Most variables per vehicle, 1 … 22.
    warm
        Start from the product state, with the mixer aligned to it; else from the uniform superposition.
    ramp
        Layers and their angles; None for those measured to suit the start (`WARM_RAMP`, `COLD_RAMP`).
    penalty
        How overload is priced.
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
    penalty: TiltedPenalty = field(default_factory=TiltedPenalty)
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
        _make_ready(shots)
        started = time.perf_counter()
        candidates = select_candidates(reduced_cost, weight, capacity, self.width)
        probability = self.state.probabilities(candidates) if self.warm else np.full(candidates.item.shape, 0.5)
        code, count = sample_qaoa(
            tilted_qubos(candidates, self.penalty),
            self.ramp or (WARM_RAMP if self.warm else COLD_RAMP),
            rotation_angles(probability),
            rng.random((len(capacity), shots)),  # solved vehicles too: a draw depends on no other's presolve
        )
        strings = candidates.strings(code)
        circuits = candidates.n_unsolved
        cost = SamplingCost(
            circuits=circuits,
            shots=circuits * shots,
            seconds=time.perf_counter() - started,
            backend="statevector",
        )
        return Samples(strings, count, cost)


def _make_ready(shots: int) -> None:
    """Refuse to draw nothing, and compile before a clock starts."""
    from lagrl.quantum import candidate_kernels, statevector_kernels  # noqa: F401

    if shots < 1:
        raise InputError(f"{shots} given", field="shots", remedy="give 1 or more")
