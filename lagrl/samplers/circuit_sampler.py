"""Knapsacks answered by circuits, on whatever runs circuits."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.circuits.ansatz import Ansatz
from lagrl.quantum.circuits.execution import CircuitExecutor, Pub, checked_execution
from lagrl.quantum.circuits.portfolio import Portfolio, Round, draw_portfolio
from lagrl.quantum.circuits.subproblem import subproblem
from lagrl.quantum.ibm.failures import ExecutionError
from lagrl.quantum.subproblems.candidates import Candidates, require_width, select_candidates
from lagrl.quantum.subproblems.codes import count_codes
from lagrl.quantum.subproblems.penalties import Penalty, TiltedPenalty
from lagrl.quantum.subproblems.product import ProductState, draw_product
from lagrl.relaxation.sampler import SampleContext, Samples, SamplingCost, require_shots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.circuits.portfolio import Counted

FALLBACKS = ("", "product")


@dataclass(frozen=True)
class CircuitSampler:
    """One circuit for every vehicle that presolve does not solve, all of a step in one call of the executor.

    Attributes
    ----------
    executor
        Runs the circuits.
    ansatz
        Which circuits, and their angles.
    width
        Most variables per vehicle.
    penalty
        How overload is priced.
    state
        The product state: a warm start, and the fallback.
    portfolio
        Configurations that share the shots.
    fallback
        What answers when the executor fails: nothing, so that the error goes on (empty), or `product`, whose use the
        samples' cost records.

    Raises
    ------
    InputError
        If the executor, ansatz or penalty is something else, the executor does not take circuits of that width, or
        the fallback is unknown.
    """

    executor: CircuitExecutor
    ansatz: Ansatz
    width: int = 12
    penalty: Penalty = field(default_factory=TiltedPenalty)
    state: ProductState = field(default_factory=ProductState)
    portfolio: Portfolio = field(default_factory=Portfolio)
    fallback: str = ""

    def __post_init__(self) -> None:
        kinds = {"executor": CircuitExecutor, "ansatz": Ansatz, "penalty": Penalty}
        for name, kind in kinds.items():
            if not isinstance(getattr(self, name), kind):
                raise InputError(
                    f"a {type(getattr(self, name)).__name__} given",
                    field=name,
                    remedy=f"give what {kind.__name__} says",
                )
        require_width(self.width)
        if self.width > self.executor.max_width:
            raise InputError(
                f"{self.width} given, {self.executor.name} takes {self.executor.max_width} qubits",
                field="width",
                remedy=f"give 1 to {self.executor.max_width} variables per vehicle",
            )
        if self.fallback not in FALLBACKS:
            raise InputError(f"{self.fallback!r} given", field="fallback", remedy="give product, or leave it out")

    def sample(
        self,
        reduced_cost: NDArray[np.float64],
        weight: NDArray[np.int64],
        capacity: NDArray[np.int64],
        shots: int,
        rng: np.random.Generator,
        context: SampleContext,
    ) -> Samples:
        """Draw `shots` strings per vehicle as they fall, overloads included; see `SubproblemSampler.sample`.

        Raises
        ------
        ExecutionError
            If circuits cannot be run and there is no fallback.
        """
        require_shots(shots)
        started = time.perf_counter()
        candidates = select_candidates(reduced_cost, weight, capacity, self.width)
        run = _Run(self, candidates, rng, context)
        try:
            code, count = draw_portfolio(candidates, self.penalty, self.portfolio, shots, run)
            cost = run.cost
        except ExecutionError as error:
            if not self.fallback:
                raise
            code, count = draw_product(self.state.probabilities(candidates), shots, rng)
            cost = (
                run.cost
                + error.cost
                + SamplingCost(backend=self.fallback, fallback=f"{self.fallback}: {error.summary}")
            )
        elapsed = time.perf_counter() - started - cost.queue_seconds
        return Samples(candidates.strings(code), count, replace(cost, seconds=max(elapsed, 0.0)))

    def close(self) -> None:
        """Close what the executor holds open."""
        close = getattr(self.executor, "close", None)
        if callable(close):
            close()


class _Run:
    """The circuits of one call, and what they cost so far."""

    def __init__(
        self, sampler: CircuitSampler, candidates: Candidates, rng: np.random.Generator, context: SampleContext
    ) -> None:
        self.sampler = sampler
        self.candidates = candidates
        self.probability = sampler.state.probabilities(candidates)
        self.rng = rng
        self.context = context
        self.cost = SamplingCost()

    def __call__(self, rounds: Sequence[Round], shots: int) -> list[Counted]:
        """Run all rounds in one call: a vehicle's configurations are the rows of one PUB."""
        n_vehicles = len(self.candidates.width)
        asking = [k for k in range(n_vehicles) if any(own.is_asked[k] for own in rounds)]
        codes = np.zeros((len(rounds), n_vehicles, shots), np.int64)
        if asking:
            rows = {k: [c for c, own in enumerate(rounds) if own.is_asked[k]] for k in asking}
            pubs = [self._pub(k, [rounds[c] for c in rows[k]]) for k in asking]
            executor = self.sampler.executor
            given = executor.execute(pubs, shots, self.rng, self.context)
            done = checked_execution(given, pubs, shots, executor.name)
            self.cost += done.cost
            for k, found in zip(asking, done.codes, strict=True):
                codes[rows[k], k] = found
        return [count_codes(found) for found in codes]

    def _pub(self, vehicle: int, rounds: Sequence[Round]) -> Pub:
        ansatz = self.sampler.ansatz
        problems = [subproblem(self.candidates, own.qubos, vehicle, self.probability) for own in rounds]
        values = [ansatz.values(problem, own.configuration.ramp) for problem, own in zip(problems, rounds, strict=True)]
        return Pub(ansatz.template(problems[0].n_variables), np.array(values))
