"""QAOA simulated without noise, exact for up to 22 variables: the state, its samples, and the knapsack sampler."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.circuits.line_qaoa import COLD_RAMP, WARM_RAMP, Ramp, line_depth, line_gates
from lagrl.quantum.subproblems.candidate_sampler import CandidateSampler, Drawn
from lagrl.quantum.subproblems.candidates import ProductState, require_width, rotation_angles
from lagrl.quantum.subproblems.penalties import Penalty, TiltedPenalty
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.qubo import QUBO
    from lagrl.quantum.subproblems.candidates import Candidates
    from lagrl.quantum.subproblems.penalties import QUBOBatch


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
        from lagrl.quantum.circuits import statevector_kernels  # noqa: F401 - loaded before the clock starts
        from lagrl.quantum.subproblems import candidate_kernels  # noqa: F401 - loaded before the clock starts

    def draw(self, candidates: Candidates, shots: int, rng: np.random.Generator) -> Drawn:
        """Simulate the circuits of all vehicles; gates and depth are the closed forms of the line network."""
        started = time.perf_counter()
        problems, ramp = self.penalty.qubos(candidates), self.used_ramp
        probability = self.state.probabilities(candidates) if self.warm else np.full(candidates.item.shape, 0.5)
        slack = problems.linear.shape[1] - probability.shape[1]
        theta = rotation_angles(np.pad(probability, ((0, 0), (0, slack)), constant_values=0.5))
        encoding = time.perf_counter() - started
        uniform = rng.random((len(probability), shots))  # solved vehicles too: a draw depends on no other's presolve
        code, count = sample_qaoa(problems, ramp, theta, uniform)
        widths = problems.width[problems.width > 0].tolist()
        cost = SamplingCost(
            circuits=len(widths),
            shots=len(widths) * shots,
            two_qubit_gates=sum(line_gates(width, ramp.layers) for width in widths),
            depth=line_depth(max(widths, default=1), ramp.layers),
            encoding_seconds=encoding,
            backend="statevector",
        )
        return Drawn(code, count, problems.width, cost)


def qaoa_state(
    qubo: QUBO, gamma: NDArray[np.float64], beta: NDArray[np.float64], theta: NDArray[np.float64] | None = None
) -> NDArray[np.complex128]:
    """Evolve ∏_l [∏_i exp(iβ_l (sin θ_i X_i + cos θ_i Z_i)) · exp(−iγ_l E)] ⊗_i RY(θ_i)|0⟩.

    At θ = π/2 this is QAOA (Farhi et al. 2014) from the uniform superposition with the mixer Σ X; other angles start
    from a product state, with the mixer aligned to it (Egger et al. 2021, equation 4).

    Raises `InputError` if there are more than 22 variables or none, or the angles' shapes do not match.

    Parameters
    ----------
    qubo
        E; its offset is a global phase and is left out.
    gamma, beta
        [p] angles of the layers; γ in radians per unit of E.
    theta
        [m] angles of the start, radians; π/2 if None.

    Returns
    -------
    Amplitudes [2^m]; bit i of the index is y_i.
    """
    from lagrl.quantum.circuits.statevector_kernels import evolve

    m = qubo.n_variables
    require_width(m)
    start = np.full(m, np.pi / 2) if theta is None else np.ascontiguousarray(theta, np.float64)
    if start.shape != (m,) or gamma.ndim != 1 or gamma.shape != beta.shape:
        raise InputError(
            f"θ {start.shape}, γ {gamma.shape}, β {beta.shape}",
            field="angles",
            remedy=f"give θ [{m}] and as many γ as β",
        )
    work = np.empty((6, 2**m))
    evolve(qubo.linear, qubo.quadratic, start, _floats(gamma), _floats(beta), m, work)
    state: NDArray[np.complex128] = work[0] + 1j * work[1]
    return state


def sample_qaoa(
    problems: QUBOBatch, ramp: Ramp, theta: NDArray[np.float64], uniform: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sample the QAOA state of K problems, each Hamiltonian divided by its own σ.

    Raises `InputError` if a problem has more than 22 variables, or the shapes do not match.

    Parameters
    ----------
    problems
        K QUBOs of up to W variables.
    ramp
        Angles of the layers.
    theta
        [K, W] angles of the starts, radians.
    uniform
        [K, shots] independent uniforms in [0, 1).

    Returns
    -------
    Codes [K, S], distinct in each row, and their counts [K, S]; a count of 0 is padding.
    """
    from lagrl.quantum.circuits.statevector_kernels import sample_qaoa_batch

    n_problems, width = problems.linear.shape
    require_width(width)
    if theta.shape != (n_problems, width) or uniform.ndim != 2 or len(uniform) != n_problems or uniform.shape[1] < 1:
        raise InputError(
            f"θ {theta.shape}, uniforms {uniform.shape}",
            field="angles",
            remedy=f"give θ {(n_problems, width)} and uniforms [{n_problems}, shots]",
        )
    gamma, beta = ramp.angles()
    code, count = np.empty((2, *uniform.shape), np.int64)
    n_distinct = sample_qaoa_batch(
        problems.linear,
        problems.quadratic,
        _floats(theta),
        problems.width,
        gamma,
        beta,
        _floats(uniform),
        code,
        count,
        np.empty((6, 2 ** int(problems.width.max(initial=0)))),
    )
    return code[:, :n_distinct], count[:, :n_distinct]


def _floats(array: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ascontiguousarray(array, np.float64)
