"""Samplers of values for the candidates of each knapsack: the common part, and the classical controls."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lagrl.errors import InputError, MissingExtraError
from lagrl.quantum.subproblems.candidates import Candidates, ProductState, count_codes, draw_product, require_width
from lagrl.quantum.subproblems.penalties import Penalty, TiltedPenalty
from lagrl.relaxation.sampler import Samples, SamplingCost

if TYPE_CHECKING:
    from dimod import BinaryQuadraticModel
    from numpy.typing import NDArray
    from qiskit.quantum_info import SparsePauliOp

    from lagrl.problems.qubo import QUBO
    from lagrl.relaxation.sampler import SampleQuery


class Drawn(NamedTuple):
    """Strings of the variables of K knapsacks; those of a solved vehicle are empty."""

    # [K, S] int64, as `counts`: bit j of a code is variable j, slack bits are the high ones; a count of 0 is padding
    codes: NDArray[np.int64]
    counts: NDArray[np.int64]
    width: NDArray[np.int64]  # [K] int64: bits of each vehicle's codes
    cost: SamplingCost  # the cost without seconds


@dataclass(frozen=True)
class CandidateSampler(ABC):
    """Presolves the knapsacks and draws strings of their variables.

    Raises `InputError` if the width is not in 1 … 22.

    Attributes
    ----------
    width
        Most variables per vehicle, 1 … 22.
    """

    width: int = 12

    def __post_init__(self) -> None:
        require_width(self.width)

    def sample(self, query: SampleQuery) -> Samples:
        """Draw the strings, overloaded ones included."""
        self.compile_kernels()
        started = time.perf_counter()
        candidates = Candidates.of(query, self.width)
        code, count, width, cost = self.draw(candidates, query.shots, query.rng)
        if (width > candidates.width).any():  # slack bits
            code, count = count_codes(code, count, candidates.width)
        strings = candidates.strings(code)
        return Samples(strings, count, replace(cost, seconds=time.perf_counter() - started))

    def compile_kernels(self) -> None:
        """Load the compiled kernels, before the clock starts."""
        from lagrl.quantum.subproblems import candidate_kernels  # noqa: F401 - loaded before the clock starts

    @abstractmethod
    def draw(self, candidates: Candidates, shots: int, rng: np.random.Generator) -> Drawn:
        """Draw `shots` strings of every vehicle's variables."""


@dataclass(frozen=True)
class GreedySampler(CandidateSampler):
    """The greedy string of the variables that presolve leaves: the most efficient customers that fit, in turn.

    It has the same variables as the circuits, so only the choice of their values differs. It is classical and draws
    nothing: its cost counts no circuits and no shots.
    """

    def draw(self, candidates: Candidates, shots: int, rng: np.random.Generator) -> Drawn:
        """Return the greedy string, counted `shots` times; see `CandidateSampler.draw`."""
        del rng
        empty = np.zeros((len(candidates.width), 1), np.int64)
        code, cost = candidates.repair(empty)[0], SamplingCost(backend="greedy")
        return Drawn(code, np.full_like(empty, shots), candidates.width, cost)


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


def to_bqm(qubo: QUBO) -> BinaryQuadraticModel:
    """Return a QUBO as dimod's binary quadratic model with variables 0 … m − 1 in order.

    Raises `MissingExtraError` if dimod is not installed.
    """
    try:
        from dimod import BINARY, BinaryQuadraticModel
    except ImportError as error:
        raise MissingExtraError.of("dimod", "quantum", "a binary quadratic model") from error
    row, column = np.nonzero(qubo.quadratic)
    return BinaryQuadraticModel.from_numpy_vectors(
        qubo.linear, (row, column, qubo.quadratic[row, column]), qubo.offset, BINARY
    )


def to_sparse_pauli_op(qubo: QUBO) -> SparsePauliOp:
    """Return a QUBO's Ising form offset + Σ h_i Z_i + Σ J_ij Z_i Z_j, offset included; qubit i is variable i.

    Its diagonal entry x is the energy of the string x, bit i being y_i, as Z|y⟩ = (1 − 2y)|y⟩.

    Raises `MissingExtraError` if qiskit is not installed.
    """
    try:
        from qiskit.quantum_info import SparsePauliOp
    except ImportError as error:
        raise MissingExtraError.of("qiskit", "quantum", "a Pauli operator") from error
    ising = qubo.to_ising()
    terms: list[tuple[str, list[int], float]] = [("", [], ising.offset)]
    terms += [("Z", [int(i)], float(ising.field[i])) for i in np.flatnonzero(ising.field)]
    terms += [("ZZ", [int(i), int(j)], float(ising.coupling[i, j])) for i, j in np.argwhere(ising.coupling)]
    return SparsePauliOp.from_sparse_list(terms, num_qubits=qubo.n_variables)


@dataclass(frozen=True)
class AnnealingSampler(CandidateSampler):
    """Simulated annealing (Kirkpatrick et al. 1983, by dwave-samplers) of each vehicle's QUBO, one read per shot.

    It is classical: its cost counts no circuits and no shots.

    Attributes
    ----------
    penalty
        Penalty of overload. An annealer finds ground states, and those of the circuits' default penalty are mostly too
        heavy (best-of-64 gap .38 over knapsacks of dual ascents, .006 with this one).
    sweeps
        Passes over all bits in a read, from hot to cold; dwave-samplers chooses the range of temperatures.

    Raises
    ------
    InputError
        If the width is not in 1 … 22, or there is no sweep.
    MissingExtraError
        If dwave-samplers is not installed.
    """

    penalty: Penalty = field(default_factory=partial(TiltedPenalty, fill=0.6, is_aimed=True))
    sweeps: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.sweeps < 1:
            raise InputError(f"{self.sweeps} given", field="sweeps", remedy="give 1 or more")
        _annealer()

    def draw(self, candidates: Candidates, shots: int, rng: np.random.Generator) -> Drawn:
        """Anneal every vehicle's QUBO; see `CandidateSampler.draw`."""
        annealer, problems, n_vehicles = _annealer(), self.penalty.qubos(candidates), len(candidates.width)
        seeds = rng.integers(2**31, size=n_vehicles)  # solved vehicles too: a draw depends on no other's presolve
        drawn = np.zeros((n_vehicles, shots), np.int64)
        for k in np.flatnonzero(candidates.width):
            drawn[k] = anneal(annealer, problems.qubo(int(k)), shots, self.sweeps, int(seeds[k]))
        cost = SamplingCost(backend="annealing")
        return Drawn(*count_codes(drawn, width=candidates.width), candidates.width, cost)


def anneal(annealer: Any, qubo: QUBO, reads: int, sweeps: int, seed: int) -> NDArray[np.int64]:
    """Return the codes [reads] that dwave's annealer draws; bit i is variable i."""
    found = annealer.sample(to_bqm(qubo), num_reads=reads, num_sweeps=sweeps, seed=seed)
    codes: NDArray[np.int64] = found.record.sample.astype(np.int64) @ (1 << np.array(found.variables, np.int64))
    return codes


def _annealer() -> Any:
    try:
        from dwave.samplers import SimulatedAnnealingSampler
    except ImportError as error:
        raise MissingExtraError.of("dwave-samplers", "quantum", "the sampler annealing") from error
    return SimulatedAnnealingSampler()
