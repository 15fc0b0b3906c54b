"""Knapsacks sampled by circuits on any `Backend`: a simulator or a quantum computer."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.circuits.ansatz import Ansatz
from lagrl.quantum.circuits.backend import Backend, Job, Pub, checked_execution
from lagrl.quantum.ibm.failures import ExecutionError
from lagrl.quantum.subproblems.candidates import Candidates, ProductState, count_codes, draw_product, require_width
from lagrl.quantum.subproblems.penalties import Penalty, Subproblem, TiltedPenalty
from lagrl.relaxation.sampler import Samples, SamplingCost

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.relaxation.sampler import SampleQuery

FALLBACKS = ("", "product")


@dataclass(frozen=True)
class CircuitSampler:
    """One circuit for every vehicle that presolve does not solve; the backend runs all of a step as one job.

    Attributes
    ----------
    backend
        Runs the circuits.
    ansatz
        The circuits and their angles.
    width
        Most variables per vehicle.
    penalty
        Penalty of overload.
    state
        The product state: the warm start, and the fallback.
    fallback
        What is sampled if the backend fails: `product` (the cost records it), or nothing, which raises the error
        (empty).

    Raises
    ------
    InputError
        If the backend, ansatz or penalty has another type, the backend does not run circuits of that width, or the
        fallback is unknown.
    """

    backend: Backend
    ansatz: Ansatz
    width: int = 12
    penalty: Penalty = field(default_factory=TiltedPenalty)
    state: ProductState = field(default_factory=ProductState)
    fallback: str = ""

    def __post_init__(self) -> None:
        kinds = {"backend": Backend, "ansatz": Ansatz, "penalty": Penalty}
        for name, kind in kinds.items():
            given = getattr(self, name)
            if not isinstance(given, kind):
                raise InputError(
                    f"a {type(given).__name__} given",
                    field=name,
                    remedy=f"give an object that implements {kind.__name__}",
                )
        require_width(self.width)
        if self.width > self.backend.max_width:
            raise InputError(
                f"{self.width} given, {self.backend.name} takes {self.backend.max_width} qubits",
                field="width",
                remedy=f"give 1 to {self.backend.max_width} variables per vehicle",
            )
        if self.fallback not in FALLBACKS:
            raise InputError(f"{self.fallback!r} given", field="fallback", remedy="give product, or leave it out")

    def sample(self, query: SampleQuery) -> Samples:
        """Draw the strings, overloaded ones included.

        Raises
        ------
        ExecutionError
            If circuits cannot be run and there is no fallback.
        """
        started = time.perf_counter()
        candidates = Candidates.of(query, self.width)
        probability = self.state.probabilities(candidates)
        codes, cost = np.zeros((len(query.capacity), query.shots), np.int64), SamplingCost()
        unsolved, built = np.flatnonzero(candidates.width), 0.0
        try:
            if len(unsolved):
                began = time.perf_counter()
                pubs = self._pubs(candidates, unsolved.tolist(), probability)
                built = time.perf_counter() - began
                execution = self.backend.run(Job(pubs, query.shots, query.rng, query.context))
                done = checked_execution(execution, pubs, query.shots, self.backend.name)
                codes[unsolved], cost = np.concatenate(done.codes), done.cost
            code, count = count_codes(codes, width=candidates.width)
        except ExecutionError as error:
            if not self.fallback:
                raise
            code, count = draw_product(probability, query.shots, query.rng)
            cost = error.cost + SamplingCost(backend=self.fallback, fallback=f"{self.fallback}: {error.summary}")
        elapsed = time.perf_counter() - started - cost.queue_seconds
        cost = replace(cost, seconds=max(elapsed, 0.0), encoding_seconds=built + cost.encoding_seconds)
        return Samples(candidates.strings(code), count, cost)

    def close(self) -> None:
        """Close the connections and files of the backend."""
        close = getattr(self.backend, "close", None)
        if callable(close):
            close()

    def _pubs(self, candidates: Candidates, vehicles: list[int], probability: NDArray[np.float64]) -> list[Pub]:
        qubos = self.penalty.qubos(candidates)
        problems = [Subproblem.of(candidates, qubos, k, probability) for k in vehicles]
        return [Pub(self.ansatz.template(p.n_variables), self.ansatz.values(p)[None]) for p in problems]
