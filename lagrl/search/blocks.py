"""Search on large instances: blocks of neighbouring routes, each improved by a chain of moves.

Decomposition by the barycentres of routes: Santini, Schneider, Vidal and Vigo (2023), Decomposition strategies for
vehicle routing heuristics, INFORMS Journal on Computing 35.
"""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError, SolutionError
from lagrl.problems.distances import MOST_IN_MATRIX
from lagrl.problems.fleet import Fleet
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.polish import dissolve_to, split_to
from lagrl.recovery.pool import RoutePool
from lagrl.recovery.savings import clarke_wright
from lagrl.relaxation.sampler import SamplingCost
from lagrl.search.budget import Budget
from lagrl.search.move_chain import MoveChain
from lagrl.search.search_report import SearchRecord, SearchReport, SolveProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP
    from lagrl.solve_config import SolveConfig

_BLOCK = 1000  # customers of a block, at most; a single route may have more
_MOVES_PER_CUSTOMER = 50  # of a visit, about
_FIRST_SPEED = 100_000.0  # moves per second, until it was measured
_SLICE = 0.05  # seconds between two reports of the progress
_FEWEST, _MOST = 100, 20_000  # moves of a call
_HOTTEST, _COLDEST = 0.1, 0.01  # mean arcs: temperature at the start and at the end
_STREAM = 1_000_003  # random stream


class BlockSearch:
    """Improves routes of an instance without a distance matrix, until the seconds are over.

    In each round all routes are divided into blocks of about a thousand customers. A block is an instance of its own,
    with a small matrix, on which a chain of moves anneals for its share of the round. The temperature falls over all
    rounds: a block continues where the last round ended. It needs O(n) memory.

    Parameters
    ----------
    problem
        The instance.
    config
        The configuration, with `seconds`.
    on_evaluation
        Called with the progress about every 0.05 s; a true answer stops the search.
    size
        Customers of a block, at most.

    Attributes
    ----------
    incumbent
        The best routes, and the pool of all.
    is_interrupted
        Whether `on_evaluation` stopped the search; a caller that catches KeyboardInterrupt sets it too.
    """

    def __init__(
        self,
        problem: CVRP,
        config: SolveConfig,
        on_evaluation: Callable[[SolveProgress], object] | None = None,
        size: int = _BLOCK,
    ) -> None:
        self.problem = problem
        self.budget = Budget(None, config.seconds)
        self.incumbent = Incumbent(RoutePool(problem))
        self.is_interrupted = False
        self._on_evaluation = on_evaluation
        self._size = size
        self._seed = config.seed
        self._rng = np.random.default_rng([config.seed, _STREAM])
        self._columns: list[int] = []  # of the current routes
        self._seconds = 0.0  # of the chains
        self._moves = self._visits = 0

    def run(self) -> None:
        """Make routes by savings, and improve them until the seconds are over."""
        pool = self.incumbent.pool
        routes = [np.array(route) for route in clarke_wright(self.problem).routes]
        routes = dissolve_to(self.problem, routes, self.problem.maximum_vehicles)
        self._columns = pool.add_routes(split_to(self.problem, routes, self.problem.fleet.fewest))
        self.incumbent.offer(self._columns)
        if not self.incumbent.columns:
            raise SolutionError(
                f"no routes that meet the fleet rule {self.problem.fleet} were found; "
                f"savings make {len(self._columns)}",
                source=self.problem.name,
                field="fleet",
                remedy="allow more vehicles, or use --fleet free",
            )
        while self.budget.seconds_left > 0 and not self._report() and self._improve_all():
            pass

    def report(self) -> SearchReport:
        """Return the result of the search so far."""
        seconds_of = dict.fromkeys(("polish", "partition", "bound", "sampling", "recording", "decoding"), 0.0)
        record = SearchRecord([], SamplingCost(), {**seconds_of, "chains": self._seconds}, 0.0, False)
        return SearchReport(self.incumbent, self.budget.elapsed, record, self.is_interrupted)

    def _improve_all(self) -> bool:
        """Visit every block once; rounds are as long as lets the last one end with the clock.

        A route of more customers than have a matrix stays as it is. Returns whether there were others.
        """
        speed = self._moves / self._seconds if self._moves else _FIRST_SPEED
        left = self.budget.seconds_left
        n_rounds = max(1, round(left * speed / (_MOVES_PER_CUSTOMER * self.problem.n_customers)))
        begin, end = self.budget.progress, self.budget.elapsed + left / n_rounds
        upto = begin + (1.0 - begin) / n_rounds
        routes = [self.incumbent.pool.routes[column] for column in self._columns]
        blocks = divided(self.problem, routes, self._size, self._rng)
        columns = [[self._columns[k] for k in block] for block in blocks]
        sizes = [sum(len(routes[k]) for k in block) for block in blocks]
        waiting = sum(n_customers for n_customers in sizes if n_customers <= MOST_IN_MATRIX)
        for b, n_customers in enumerate(sizes):
            if n_customers > MOST_IN_MATRIX:
                continue
            seconds = (end - self.budget.elapsed) * n_customers / waiting
            waiting -= n_customers
            columns[b] = self._improve(columns[b], begin, upto, seconds, is_last=n_rounds == 1)
            self._columns = [column for part in columns for column in part]
            self.incumbent.offer(self._columns)
            if self.budget.seconds_left <= 0 or self._report():
                break
        return min(sizes) <= MOST_IN_MATRIX

    def _improve(
        self, columns: Sequence[int], begin: float, upto: float, seconds: float, *, is_last: bool
    ) -> list[int]:
        """Anneal one block's routes for some seconds; return their columns.

        The temperature falls from that of progress `begin` to that of `upto`. In the last round the best routes are
        returned, before the current ones.
        """
        started, pool = self.budget.elapsed, self.incumbent.pool
        routes = [pool.routes[column] for column in columns]
        customers = np.sort(np.concatenate(routes))
        number = np.zeros(self.problem.n_customers + 1, np.int64)
        number[customers] = np.arange(1, len(customers) + 1)
        part = self.problem.restricted_to(customers)
        part = replace(part, fleet=remaining_rule(self.problem.fleet, len(self._columns) - len(columns)))
        chain = MoveChain(part, [number[route] for route in routes], [self._seed, _STREAM, self._visits])
        self._visits += 1
        mean_arc = self.incumbent.cost / (self.problem.n_customers + len(self.incumbent.columns))
        n_moves = _FEWEST
        while True:
            passed = min((self.budget.elapsed - started) / max(seconds, 1e-9), 1.0)
            progress = begin + (upto - begin) * passed
            before = self.budget.elapsed
            chain.run(mean_arc * _HOTTEST * math.pow(_COLDEST / _HOTTEST, progress), n_moves)
            self._moves += n_moves
            took = max(self.budget.elapsed - before, 1e-6)
            left = seconds - (self.budget.elapsed - started)
            if left <= 0 or self._report():
                break
            n_moves = int(min(max(n_moves * min(min(_SLICE, left) / took, 4.0), _FEWEST), _MOST))
        found = chain.best_routes() if is_last else chain.routes()
        self._seconds += self.budget.elapsed - started
        return pool.add_routes([customers[route - 1] for route in found])

    def _report(self) -> bool:
        """Report the progress; return whether the search is to stop."""
        if self._on_evaluation is not None and not self.is_interrupted:
            self.is_interrupted = bool(self._on_evaluation(SolveProgress.of(self.incumbent, self.budget, 0.0)))
        return self.is_interrupted


def require_chains_alone(problem: CVRP, config: SolveConfig, given: Mapping[str, object]) -> None:
    """Refuse what `BlockSearch` does not use.

    `given`: objects that replace or accompany a setting, by the name of it; None for those not given.

    Raises
    ------
    InputError
        If a setting needs multipliers, evaluations or several processes, or if there is no clock.
    """
    default = type(config)()
    names = [field.name for field in fields(config) if field.name not in ("seconds", "seed", "without")]
    refused = [name for name in names if getattr(config, name) != getattr(default, name)]
    refused += [name for name, value in given.items() if value is not None and name not in refused]
    refused += ["without"] if "chains" in config.without else []
    remedy = "give seconds, and leave out all else but the seed"
    alone = f"but {problem.n_customers} customers, without a distance matrix, are searched by chains of moves alone"
    for name in refused:
        value = given.get(name) or getattr(config, name)
        raise InputError(f"{value!s:.80} given, {alone}", source=problem.name, field=name, remedy=remedy)
    if config.seconds is None:
        raise InputError(f"none given, {alone}", source=problem.name, field="seconds", remedy=remedy)


def divided(problem: CVRP, routes: Sequence[NDArray[np.int64]], size: int, rng: np.random.Generator) -> list[list[int]]:
    """Divide routes into blocks of at most `size` customers, by repeated bisection of their barycentres.

    Cuts alternate between two directions at right angles, which are drawn at random. A route of more than `size`
    customers is a block of its own. Returns the indices of the routes of each block.
    """
    assert problem.coordinates is not None
    angle = rng.uniform(0.0, math.pi / 2.0)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    centre = np.array([problem.coordinates[route].mean(axis=0) for route in routes]) @ turn
    length = np.array([len(route) for route in routes])
    waiting, blocks = [np.arange(len(routes))], []
    while waiting:
        inside = waiting.pop()
        total = int(length[inside].sum())
        if total <= size or len(inside) == 1:
            blocks.append(inside.tolist())
            continue
        axis = int(np.argmax(np.ptp(centre[inside], axis=0)))
        inside = inside[np.argsort(centre[inside, axis], kind="stable")]
        n_blocks = -(-total // size)
        share = total * (n_blocks // 2) / n_blocks
        cut = int(np.searchsorted(np.cumsum(length[inside]), share)) + 1
        cut = min(cut, len(inside) - 1)
        waiting += [inside[:cut], inside[cut:]]
    return blocks


def remaining_rule(fleet: Fleet, n_others: int) -> Fleet:
    """Return the rule for some of the routes, where the number of all others does not change."""
    if fleet.rule in ("free", "atleast"):
        fewest = max(fleet.fewest - n_others, 0)
        return Fleet("atleast", fewest) if fewest else Fleet()
    return Fleet(fleet.rule, fleet.count - n_others)
