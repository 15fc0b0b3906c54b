"""Knapsack samplers by QAOA simulated without noise, and by independent bits, the control that circuits must beat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.circuits.line_qaoa import line_depth, line_gates
from lagrl.quantum.circuits.statevector import COLD_RAMP, WARM_RAMP, Ramp, sample_qaoa
from lagrl.quantum.subproblems.candidate_sampler import CandidateSampler, Drawn
from lagrl.quantum.subproblems.penalties import Penalty, TiltedPenalty
from lagrl.quantum.subproblems.product import ProductState, draw_product, rotation_angles
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from lagrl.quantum.subproblems.candidates import Candidates


@dataclass(frozen=True)
class ProductSampler(CandidateSampler):
    """Independent biased bits for the variables that presolve leaves: the control without gates between qubits.

    It is classical: its cost counts no circuits and no shots.

    Attributes
    ----------
    state
        Probabilities of the bits.
    """

    state: ProductState = field(default_factory=ProductState)

    def draw(self, candidates: Candidates, shots: int, rng: np.random.Generator) -> Drawn:
        """Draw independent bits; see `CandidateSampler.draw`."""
        counted = draw_product(self.state.probabilities(candidates), shots, rng)
        return Drawn(*counted, candidates.width, SamplingCost(backend="product"))


@dataclass(frozen=True)
class QAOASampler(CandidateSampler):
    """QAOA of the penalised knapsack, simulated without noise by the statevector kernel.

    There is one circuit, the line network `qaoa_line`, for every vehicle that presolve does not solve. Slack bits of a
    penalty are added to the `width` variables.

    Attributes
    ----------
    warm
        Start from the product state, with the mixer aligned to it; otherwise from the uniform superposition.
    ramp
        Layers and their angles; if None the default of the start, `WARM_RAMP` or `COLD_RAMP`.
    penalty
        Penalty of overload.
    state
        The product state of a warm start.
    """

    warm: bool = True
    ramp: Ramp | None = None
    penalty: Penalty = field(default_factory=TiltedPenalty)
    state: ProductState = field(default_factory=ProductState)

    @property
    def used_ramp(self) -> Ramp:
        """The ramp, or the default one of the start."""
        return self.ramp or (WARM_RAMP if self.warm else COLD_RAMP)

    def compile_kernels(self) -> None:
        """Load the compiled kernels, before the clock starts."""
        from lagrl.quantum.circuits import statevector_kernels  # noqa: F401
        from lagrl.quantum.subproblems import candidate_kernels  # noqa: F401

    def draw(self, candidates: Candidates, shots: int, rng: np.random.Generator) -> Drawn:
        """Simulate the circuits of all vehicles; gates and depth are the closed forms of the line network."""
        problems, ramp = self.penalty.qubos(candidates), self.used_ramp
        probability = self.state.probabilities(candidates) if self.warm else np.full(candidates.item.shape, 0.5)
        slack = problems.linear.shape[1] - probability.shape[1]
        theta = rotation_angles(np.pad(probability, ((0, 0), (0, slack)), constant_values=0.5))
        uniform = rng.random((len(probability), shots))  # solved vehicles too: a draw depends on no other's presolve
        code, count = sample_qaoa(problems, ramp, theta, uniform)
        widths = problems.width[problems.width > 0].tolist()
        cost = SamplingCost(
            circuits=len(widths),
            shots=len(widths) * shots,
            two_qubit_gates=sum(line_gates(width, ramp.layers) for width in widths),
            depth=line_depth(max(widths, default=1), ramp.layers),
            backend="statevector",
        )
        return Drawn(code, count, problems.width, cost)
