"""The ascents of a search: their duals, controllers and random streams, and the resources that they took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.ascent import DualTrace, ascend_all
from lagrl.dual_loop import AscentState, DualLoop
from lagrl.recovery.rounding import rounded_cost
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import LinearDual, linear_dual, multiplier_ceiling
from lagrl.relaxation.linearise import linearise, vehicles_to_try
from lagrl.relaxation.sampler import SamplingCost, SubproblemSampler
from lagrl.relaxation.seeding import seeding_rule
from lagrl.search.search_report import Ascent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lagrl.controllers.base import Controller
    from lagrl.problems.assignment import AssignmentProblem
    from lagrl.problems.cvrp import CVRP
    from lagrl.recovery.incumbent import Incumbent
    from lagrl.search.budget import Budget
    from lagrl.search.clock import SearchClock
    from lagrl.search.relinearise import Relinearisation
    from lagrl.search.schedule import Decision
    from lagrl.solve_config import SolveConfig


class Ascending:
    """Ascends the duals of linearisations, from seeds or around existing routes, within the budget.

    Parameters
    ----------
    problem, config
        The instance and the configuration.
    make_controller
        Makes a controller for every ascent.
    sampler
        Solves the knapsacks.
    incumbent
        The best routes, and the pool of all.
    budget, clock
        What limits evaluations and seconds.
    after_step
        Called after each step of the loop; True stops it.

    Attributes
    ----------
    ascents
        Ascents from seeds.
    sampling
        Resources that the sampler used.
    seconds_of
        Wall-clock seconds of `sampling` (by approximate samplers), `recording` and `decoding`.
    running
        The ascents of the present batch, or of the last one.
    n_before
        Number of ascents before these.
    dual_value
        Highest exact L(λ) of these so far, distance units; None before there is one.
    """

    def __init__(
        self,
        problem: CVRP,
        config: SolveConfig,
        make_controller: Callable[[], Controller],
        sampler: SubproblemSampler,
        incumbent: Incumbent,
        budget: Budget,
        clock: SearchClock,
        after_step: Callable[[], bool],
    ) -> None:
        self.problem = problem
        self.config = config
        self.make_controller = make_controller
        self.sampler = sampler
        self.incumbent = incumbent
        self.budget = budget
        self.clock = clock
        self.after_step = after_step
        self.ascents: list[Ascent] = []
        self.sampling = SamplingCost()
        self.seconds_of = dict.fromkeys(("sampling", "recording", "decoding"), 0.0)
        self._n_ascents = self.n_before = 0
        self.running: list[AscentState] = []
        self.dual_value: float | None = None

    def from_seeds(self, decision: Decision, customer_price: NDArray[np.float64] | None) -> list[DualTrace]:
        """Linearise from seeds, as many times as the budget allows, and ascend all linearisations together.

        `customer_price`: [n] duals of the set-partitioning master for the controllers, distance units, or None.
        """
        states: list[AscentState] = []
        starts: list[LinearDual] = []
        labels: list[tuple[str, int]] = []
        budgets = self._affordable(decision.budgets)
        for _ in budgets:
            if states and not self.clock.allows_seeds:
                break
            index = len(self.ascents) + len(states)
            rules = self.config.seedings
            rule = decision.seeding or rules[index % len(rules)]
            n_vehicles = vehicles_to_try(self.problem, index // len(rules))
            with self.clock.preparing():
                seeds = seeding_rule(rule, rounded_cost)(self.problem, n_vehicles, self._stream(index, 0))
                assignment = linearise(self.problem, seeds)
                warm = linear_dual(assignment, self.clock.relaxation_limit)
                dual = self._dual(assignment, index, self._stream(index, 1), multiplier_ceiling(assignment, warm))
                duals = None if customer_price is None else np.maximum(customer_price, 0.0)
                states.append(AscentState(dual, self.incumbent, self._stream(index, 2), master_duals=duals))
            starts.append(warm)
            labels.append((rule, n_vehicles))
        rngs = [self._stream(len(self.ascents) + b, 3) for b in range(len(states))]
        first_prices = [warm.multipliers for warm in starts]
        traces = self._ascend(states, budgets, rngs, first_prices, keep_selections=self.config.uses("partition"))
        for (rule, n_vehicles), warm, trace in zip(labels, starts, traces, strict=True):
            self.ascents.append(Ascent(rule, n_vehicles, warm.value, trace))
        return traces

    def around(
        self,
        routes: Relinearisation,
        decision: Decision,
        customer_price: NDArray[np.float64] | None,
        rng: np.random.Generator,
    ) -> DualTrace:
        """Ascend one linearisation around existing routes, from the prices that the decision names."""
        by_master = decision.prices == "master"
        dual = self._dual(routes.assignment, self._n_ascents, rng)
        duals = routes.master_duals(customer_price)
        state = AscentState(dual, self.incumbent, rng, reconstruction=routes.reconstruction, master_duals=duals)
        first_prices = routes.first_prices(duals if by_master else None)
        budgets = self._affordable(decision.budgets)
        [trace] = self._ascend([state], budgets, [rng], [first_prices], keep_selections=by_master)
        return trace

    def _affordable(self, budgets: Sequence[int]) -> list[int]:
        """Reduce budgets to the evaluations that are left, the last ones first."""
        if self.budget.left is None:
            return list(budgets)
        before = np.concatenate([[0], np.cumsum(budgets)])
        affordable: list[int] = np.diff(np.unique(np.minimum(before, self.budget.left))).tolist()
        return affordable

    def _stream(self, index: int, stream: int) -> np.random.Generator:
        """Return a random stream of linearisation `index`, independent of all earlier ones."""
        return np.random.default_rng([self.config.seed, index, stream])

    def _dual(
        self, assignment: AssignmentProblem, index: int, rng: np.random.Generator, ceiling: float | None = None
    ) -> AssignmentDual:
        run = f"{self.problem.name}/{self.config.seed}/{index}"
        return AssignmentDual(assignment, self.sampler, shots=self.config.shots, rng=rng, run=run, ceiling=ceiling)

    def _ascend(
        self,
        states: list[AscentState],
        budgets: Sequence[int],
        rngs: Sequence[np.random.Generator],
        first_prices: list[NDArray[np.float64]],
        *,
        keep_selections: bool,
    ) -> list[DualTrace]:
        loop = DualLoop(states, keep_selections=keep_selections, record_exact=self.config.record_exact)
        controllers = [self.make_controller() for _ in states]
        self.running, self.n_before, self.dual_value = states, self._n_ascents, None
        try:
            traces = ascend_all(loop, controllers, budgets[: len(states)], rngs, list(first_prices), self._after_step)
        finally:  # after Ctrl-C too
            self.budget.spent = self.incumbent.evaluations
            self.seconds_of["sampling"] += loop.sampling_seconds
            self.seconds_of["recording"] += loop.recording_seconds
            self.seconds_of["decoding"] += loop.decoding_seconds
            self.sampling = sum((state.dual.sampling for state in states), self.sampling)
        self._n_ascents += len(states)
        return traces

    def _after_step(self) -> bool:
        exact = [state.last.exact_value for state in self.running if state.last is not None]
        values = [value for value in (self.dual_value, *exact) if value is not None]
        self.dual_value = max(values, default=None)
        return self.after_step()
