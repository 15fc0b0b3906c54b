"""Simulated annealing of the same QUBOs that circuits sample: the classical baseline of quantum annealers."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError, MissingExtraError
from lagrl.quantum.subproblems.candidates import require_width, select_candidates
from lagrl.quantum.subproblems.codes import count_codes
from lagrl.quantum.subproblems.export import to_bqm
from lagrl.quantum.subproblems.penalties import Penalty, TiltedPenalty
from lagrl.relaxation.sampler import SampleContext, Samples, SamplingCost, require_shots

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.qubo import QUBO


@dataclass(frozen=True)
class AnnealingSampler:
    """Simulated annealing (Kirkpatrick et al. 1983, by dwave-samplers) of each vehicle's QUBO, one read per shot.

    It is classical: its cost counts no circuits and no shots.

    Attributes
    ----------
    width
        Most variables per vehicle, 1 … 22.
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

    width: int = 12
    penalty: Penalty = field(default_factory=partial(TiltedPenalty, fill=0.6, is_aimed=True))
    sweeps: int = 100

    def __post_init__(self) -> None:
        require_width(self.width)
        if self.sweeps < 1:
            raise InputError(f"{self.sweeps} given", field="sweeps", remedy="give 1 or more")
        _annealer()

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
        from lagrl.quantum.subproblems import candidate_kernels  # noqa: F401  compiled before the clock starts

        del context
        require_shots(shots)
        annealer = _annealer()
        started = time.perf_counter()
        candidates = select_candidates(reduced_cost, weight, capacity, self.width)
        problems = self.penalty.qubos(candidates)
        seeds = rng.integers(2**31, size=len(capacity))  # solved vehicles too: a draw depends on no other's presolve
        drawn = np.zeros((len(capacity), shots), np.int64)
        for k in np.flatnonzero(candidates.width):
            drawn[k] = anneal(annealer, problems.qubo(int(k)), shots, self.sweeps, int(seeds[k]))
        code, count = count_codes(drawn, width=candidates.width)
        strings = candidates.strings(code)
        return Samples(strings, count, SamplingCost(seconds=time.perf_counter() - started, backend="annealing"))


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
