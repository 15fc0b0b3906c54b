"""One call for all methods of cascade routing."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lagrl.cascade.capacity_dual import DualOptions, solve_capacitated
from lagrl.cascade.cascade_answer import CascadeAnswer
from lagrl.cascade.choice import choice_of
from lagrl.cascade.efficiency_greedy import greedy, threshold
from lagrl.cascade.routing_annealing import anneal
from lagrl.cascade.routing_enumeration import enumerate_routings
from lagrl.cascade.routing_milp import solve_milp
from lagrl.cascade.routing_qaoa import qaoa_routing
from lagrl.cascade.scalar_multiplier import solve_scalar
from lagrl.errors import InputError, UnknownNameError
from lagrl.problems.cascade.admissible import require_feasible
from lagrl.problems.cascade.routing import Routing
from lagrl.samplers.registry import make_sampler

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lagrl.problems.cascade.cascade import Cascade

Found = tuple["NDArray[np.int64] | None", "float | None"]
"""The answer [n] and the lower bound, each None if there is none."""


@dataclass(frozen=True)
class CascadeConfig:
    """How to solve an instance of cascade routing.

    Attributes
    ----------
    method
        `lagrangian`: one multiplier for a budget or a floor of the mean quality, and for capacities the dual of this
        library; `highs`: mixed-integer programme; `greedy`: incremental efficiency on undominated models; `threshold`:
        one quality threshold for all tasks; `annealing`; `enumerate`: all answers of a small instance; `qaoa`:
        candidates of one-hot QAOA without noise, refined.
    seconds
        Wall-clock limit of `highs` and, for capacities, of `lagrangian`.
    iterations
        Moves of `annealing` for each task.
    controller
        Controller of the capacities' dual, as in `lagrl solve`.
    sampler
        Solver of the capacities' knapsacks, as in `lagrl solve`; it needs `evaluations`.
    evaluations
        Evaluations of the capacities' dual after its linear relaxation.
    shots
        Strings per model of a sampler, and candidates of `qaoa`.
    seed
        Random seed.
    """

    method: str = "lagrangian"
    seconds: float = 2.0
    iterations: int = 1000
    controller: str = "volume"
    sampler: str = "exact"
    evaluations: int = 0
    shots: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UnknownNameError.of("method", self.method, METHODS)
        if not self.seconds > 0:
            raise InputError(f"{self.seconds} given", field="seconds", remedy="give a number above 0")
        for name, least in (("iterations", 1), ("evaluations", 0), ("shots", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{getattr(self, name)} given", field=name, remedy=f"give {least} or more")
        if self.sampler != "exact" and not self.evaluations:
            raise InputError("0 given with a sampler", field="evaluations", remedy="give 1 or more")


def solve_cascade(cascade: Cascade, config: CascadeConfig | None = None, source: str | None = None) -> CascadeAnswer:
    """Solve an instance by one method; an answer that is returned has no faults.

    Parameters
    ----------
    cascade
        The instance.
    config
        The method and its options; the defaults if None.
    source
        Its file, for messages.

    Raises
    ------
    InstanceError
        If the instance is proven to have no solution; the message is the proof.
    InputError
        If the method does not do this variant, or the instance is too large for it.
    """
    config = config or CascadeConfig()
    require_feasible(cascade, source)
    started = time.perf_counter()
    answer = METHODS[config.method](cascade, config)
    routing = answer.routing
    if routing is not None and routing.faults():  # of a relaxation that left a limit out
        routing = None
    return replace(answer, method=config.method, routing=routing, seconds=time.perf_counter() - started)


def _answer(
    cascade: Cascade, model: NDArray[np.int64] | None, bound: float | None, evaluations: int = 0
) -> CascadeAnswer:
    return CascadeAnswer("", None if model is None else Routing(cascade, model), bound, 0.0, evaluations)


def _lagrangian(cascade: Cascade, config: CascadeConfig) -> CascadeAnswer:
    if cascade.variant != "capacitated":
        found = solve_scalar(choice_of(cascade))
        return _answer(cascade, found.model, found.bound, found.evaluations)
    sampler = None if config.sampler == "exact" else make_sampler(config.sampler)
    options = DualOptions(config.controller, sampler, config.evaluations, config.shots, seed=config.seed)
    result = solve_capacitated(cascade, options, config.seconds)
    return replace(_answer(cascade, result.model, result.bound, result.evaluations), sampling=result.sampling)


def _highs(cascade: Cascade, config: CascadeConfig) -> CascadeAnswer:
    return _answer(cascade, *solve_milp(cascade, config.seconds))


def _greedy(cascade: Cascade, config: CascadeConfig) -> CascadeAnswer:
    _refuse_capacities(cascade, config)
    return _answer(cascade, *greedy(choice_of(cascade)))


def _threshold(cascade: Cascade, config: CascadeConfig) -> CascadeAnswer:
    _refuse_capacities(cascade, config)
    choice = choice_of(cascade)
    dollars = choice.use if cascade.variant == "quality" else choice.loss
    return _answer(
        cascade, threshold(cascade.quality, dollars, cascade.budget_dollars, cascade.mean_quality_floor), None
    )


def _annealing(cascade: Cascade, config: CascadeConfig) -> CascadeAnswer:
    rng = np.random.default_rng(config.seed)
    return _answer(cascade, anneal(cascade, rng, config.iterations * cascade.n_tasks), None)


def _enumerate(cascade: Cascade, config: CascadeConfig) -> CascadeAnswer:
    return _answer(cascade, *enumerate_routings(cascade))


def _qaoa(cascade: Cascade, config: CascadeConfig) -> CascadeAnswer:
    _refuse_capacities(cascade, config)
    model, cost = qaoa_routing(choice_of(cascade), np.random.default_rng(config.seed), config.shots)
    return replace(_answer(cascade, model, None), sampling=cost)


def _refuse_capacities(cascade: Cascade, config: CascadeConfig) -> None:
    if cascade.variant == "capacitated":
        remedy = "give lagrangian, highs, annealing or enumerate for capacities"
        raise InputError(f"{config.method} given", field="method", remedy=remedy)


METHODS: dict[str, Callable[[Cascade, CascadeConfig], CascadeAnswer]] = {
    "lagrangian": _lagrangian,
    "highs": _highs,
    "greedy": _greedy,
    "threshold": _threshold,
    "annealing": _annealing,
    "enumerate": _enumerate,
    "qaoa": _qaoa,
}
