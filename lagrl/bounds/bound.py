"""A lower bound on the CVRP that rises with time and is valid at any time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.bounds.column_generation import CutAndPrice
from lagrl.bounds.learned_ascent import LearnedAscent
from lagrl.bounds.obstacle import ObstacleError
from lagrl.bounds.route_ascent import ascend_route_dual
from lagrl.bounds.route_checkpoint import load_route_policy
from lagrl.bounds.route_dual import RouteDual, distance_units
from lagrl.bounds.route_graph import RouteGraph
from lagrl.bounds.trivial import trivial_bound
from lagrl.controllers.registry import LEARNED, make_controller
from lagrl.errors import BudgetError, FleetError, require_type
from lagrl.problems.cvrp import require_cvrp

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from lagrl.bounds.column_generation import Start
    from lagrl.controllers.base import Controller
    from lagrl.problems.cvrp import CVRP

"""Name of the controller that is a trained route policy."""

_REPORT_EVERY = 0.2  # seconds
_EVALUATIONS = 1000  # budget of a controller without a limit
_EQUAL = 1e-9  # relative


@dataclass(frozen=True)
class LowerBound:
    """A lower bound on the cost of every solution of an instance under its fleet rule.

    Attributes
    ----------
    value
        The bound, distance units.
    rounded
        The bound rounded up to the next whole number where all distances are whole, else `value`.
    seconds
        Wall-clock seconds spent, compilation excluded.
    evaluations
        Number of exact pricings of the ng-routes.
    n_columns, n_cuts
        Routes and capacity cuts generated.
    is_converged
        Whether more time cannot raise the bound.
    is_trivial
        Whether the time was too short for anything better than `trivial_bound`.
    obstacle
        What stopped the work early (a solver's failure, memory); empty if only the given limits did.

    Examples
    --------
    >>> import lagrl
    >>> bound = lagrl.lower_bound(lagrl.read("G-n16-k3"), evaluations=3)
    >>> 0 < bound.value <= bound.rounded <= 5098
    True
    """

    value: float
    rounded: float
    seconds: float
    evaluations: int
    n_columns: int
    n_cuts: int
    is_converged: bool
    is_trivial: bool
    obstacle: str = ""

    def __str__(self) -> str:
        whole = f" (at least {self.rounded:.0f}, as all distances are whole)" if self.rounded > self.value else ""
        state = "converged" if self.is_converged else "not converged"
        value = math.floor(self.value * 1e6) / 1e6  # never more than it is
        return f"lower bound {value:.12g}{whole}, {state}, {self.seconds:.2f} s, {self.evaluations} exact pricings"


class RouteBound:
    """Computes a bound from ng-routes and rounded capacity cuts by column generation, in slices of time.

    A controller may ascend the dual of the ng-routes instead, without cuts. Everything is deterministic except the
    moment when the clock stops it, and does not depend on the slices. Bounds are sums of whole numbers at prices that
    are whole on a grid: no floating-point arithmetic lies between prices and bound (as Held, Cook and Sewell 2012 make
    bounds on colouring safe).

    Parameters
    ----------
    problem
        The instance, of at most 2000 customers.
    n_neighbours
        Number of other customers that each customer remembers, 1 … 12.
    cuts
        Whether to separate rounded capacity cuts.
    start
        What finds the first prices of the column generation: `learned`, the shipped route policy, or `classical`, the
        volume algorithm.
    controller
        Ascends the dual of the ng-routes instead of column generation.
    budget
        Evaluations that the controller may take.
    upper
        Cost of a solution, distance units: work ends when the rounded bound reaches it. May be set later.
    seed
        Seed of the controller's randomness.

    Attributes
    ----------
    seconds
        Wall-clock seconds spent so far.
    obstacle
        See `LowerBound`.

    Raises
    ------
    InputError
        If `n_neighbours` or `budget` is out of range.
    InstanceError
        If there are too many customers.
    """

    def __init__(
        self,
        problem: CVRP,
        *,
        n_neighbours: int = 8,
        cuts: bool = True,
        start: Start = "learned",
        controller: Controller | None = None,
        budget: int = _EVALUATIONS,
        upper: float = np.inf,
        seed: int = 0,
    ) -> None:
        started = time.perf_counter()
        if budget < 1:
            raise BudgetError(f"{budget} evaluations given", field="evaluations", remedy="give 1 or more")
        self.problem = problem
        self.upper = upper
        self._graph = RouteGraph.of(problem, n_neighbours)
        self._trivial = trivial_bound(self._graph)
        self._is_whole = bool((problem.distance == np.floor(problem.distance)).all())
        most_arcs = 2 * problem.n_customers
        self._most_possible = most_arcs * float(problem.distance.max()) * (1.0 + _EQUAL)
        self._is_optimal = False
        self.obstacle = ""
        self._work: Generator[None, None, None] | None
        if controller is None:
            self._source: CutAndPrice | RouteDual = CutAndPrice(self._graph, cuts=cuts, start=start)
            self._work = self._source.run()
        else:
            self._source = RouteDual(self._graph)
            self._work = self._ascend(self._source, controller, budget, seed)
        self.seconds = time.perf_counter() - started

    def improve(self, seconds: float = np.inf, evaluations: float = np.inf) -> float:
        """Continue the work; return the bound.

        `seconds`: wall-clock limit, exceeded by at most one piece of work (some tens of milliseconds; more above 500
        customers). `evaluations`: limit on further exact pricings.
        """
        started = time.perf_counter()
        last = self.evaluations + evaluations
        while self._work is not None and not self.is_finished and self.evaluations < last:
            if time.perf_counter() - started >= seconds:
                break
            try:
                next(self._work)
            except StopIteration:
                self._work = None
            except ObstacleError as error:
                self._work, self.obstacle = None, str(error)
        self.seconds += time.perf_counter() - started
        return self.value

    @property
    def value(self) -> float:
        """The best bound so far, distance units."""
        return distance_units(self._graph, self._half_units)

    @property
    def rounded(self) -> float:
        """The bound, rounded up where all distances are whole, distance units."""
        if not self._is_whole:
            return self.value
        unit = int(2.0 * self._graph.scale)
        return float(-(-self._half_units // unit)) if unit else float(np.ceil(self.value))

    @property
    def is_converged(self) -> bool:
        """Whether more work cannot raise the bound."""
        return self._source.is_converged if isinstance(self._source, CutAndPrice) else self._is_optimal

    @property
    def is_finished(self) -> bool:
        """Whether `improve` has no more work to do."""
        return self._work is None or self.rounded >= self.upper or self.is_infeasible

    @property
    def is_infeasible(self) -> bool:
        """Whether the bound is above the cost of any routes, so that none meet the fleet rule."""
        return self.value > self._most_possible

    @property
    def evaluations(self) -> int:
        """Number of exact pricings of the ng-routes."""
        return self._source.evaluations

    @property
    def n_columns(self) -> int:
        """Number of routes generated."""
        return len(self._source.routes)

    @property
    def n_cuts(self) -> int:
        """Number of capacity cuts generated."""
        return len(self._source.master.crossings) if isinstance(self._source, CutAndPrice) else 0

    def routes(self) -> list[tuple[int, ...]]:
        """Return the generated routes that are elementary and fit a vehicle, customers 1 … n."""
        demand, capacity = self.problem.demand, self.problem.capacity
        return [
            tuple(customer + 1 for customer in route)
            for route in self._source.routes
            if len(set(route)) == len(route) and demand[list(route)].sum() <= capacity
        ]

    def result(self) -> LowerBound:
        """Return the bound and its record so far."""
        return LowerBound(
            value=self.value,
            rounded=self.rounded,
            seconds=self.seconds,
            evaluations=self.evaluations,
            n_columns=self.n_columns,
            n_cuts=self.n_cuts,
            is_converged=self.is_converged,
            is_trivial=self._half_units == self._trivial,
            obstacle=self.obstacle,
        )

    @property
    def _half_units(self) -> int:
        return self._trivial if self._source.best is None else max(self._trivial, self._source.best)

    def _ascend(self, dual: RouteDual, controller: Controller, budget: int, seed: int) -> Generator[None, None, None]:
        _, self._is_optimal = yield from ascend_route_dual(dual, controller, budget, np.random.default_rng(seed))


def route_controller(controller: Controller | type[Controller] | str) -> Controller:
    """Return a controller for the dual of the ng-routes.

    `controller`: see `lagrl.controllers.make_controller`; or `learned`, the shipped route policy, or `learned:PATH`,
    another one.

    Raises InputError or UnknownNameError if it is not known, or cannot be made.
    """
    if isinstance(controller, str) and controller.partition(":")[0] == LEARNED:
        path = controller.partition(":")[2]
        return LearnedAscent(load_route_policy(path) if path else None)
    return make_controller(controller)


def lower_bound(
    problem: CVRP,
    *,
    seconds: float = 60.0,
    evaluations: float = np.inf,
    n_neighbours: int = 8,
    cuts: bool = True,
    start: Start = "learned",
    controller: Controller | type[Controller] | str | None = None,
    upper: float = np.inf,
    seed: int = 0,
    on_progress: Callable[[LowerBound], object] | None = None,
) -> LowerBound:
    """Compute a lower bound on the cost of every solution of an instance under its fleet rule.

    Parameters
    ----------
    problem
        The instance, with its fleet rule.
    seconds
        Wall-clock limit.
    evaluations
        Limit on exact pricings of ng-routes, and the controller's budget (1000 without a limit).
    n_neighbours, cuts, start, upper, seed
        See `RouteBound`.
    controller
        Ascends the dual of the ng-routes instead of column generation, see `route_controller`.
    on_progress
        Called every 0.2 s with the bound so far; a true answer ends the work.

    Raises
    ------
    InputError
        If a limit or `n_neighbours` is out of range, or the controller fails.
    FleetError
        If the bound rises so high that no routes meet the fleet rule.

    Examples
    --------
    >>> import lagrl
    >>> bound = lagrl.lower_bound(lagrl.read("G-n16-k3"), seconds=10)
    >>> bound.value <= 5098
    True
    """
    from lagrl.compilation import BOUND_ROOMS, compile_kernels

    for name, value in (("seconds", seconds), ("evaluations", evaluations), ("upper", upper)):
        require_type(value, (int, float, np.number), name, "give a number")
    require_cvrp(problem)
    for field, limit in (("seconds", seconds), ("evaluations", evaluations)):
        if not limit > 0:
            raise BudgetError(f"{limit:g} given", field=field, remedy="give more than 0")
    budget = _EVALUATIONS if np.isinf(evaluations) else int(evaluations)
    compile_kernels(*BOUND_ROOMS)
    bound = RouteBound(
        problem,
        n_neighbours=n_neighbours,
        cuts=cuts,
        start=start,
        controller=None if controller is None else route_controller(controller),
        budget=budget,
        upper=upper,
        seed=seed,
    )
    while not bound.is_finished and bound.seconds < seconds and bound.evaluations < evaluations:
        left = seconds - bound.seconds
        bound.improve(left if on_progress is None else min(left, _REPORT_EVERY), evaluations - bound.evaluations)
        if on_progress is not None and on_progress(bound.result()):
            break
    if bound.is_infeasible:
        raise FleetError(
            f"no routes meet {problem.fleet}: the demands do not fit",
            source=problem.name,
            field="fleet",
            remedy="allow more vehicles, or use --fleet free",
        )
    return bound.result()
