"""Simulated annealing of the same QUBOs that circuits sample: the classical baseline of quantum annealers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError, MissingExtraError
from lagrl.quantum.subproblems.candidate_sampler import CandidateSampler, Drawn
from lagrl.quantum.subproblems.candidates import count_codes
from lagrl.quantum.subproblems.export import to_bqm
from lagrl.quantum.subproblems.penalties import Penalty, TiltedPenalty
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.qubo import QUBO
    from lagrl.quantum.subproblems.candidates import Candidates


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
