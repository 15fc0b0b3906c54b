"""The exchange of routes between processes that search in parallel: the side that joins them."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from lagrl.errors import LagrlError
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.pool import RoutePool
from lagrl.recovery.set_partitioning import PartitionLimits
from lagrl.search.budget import Budget
from lagrl.search.recombine import Recombination
from lagrl.search.search_report import SearchRecord, SearchReport, SolveProgress
from lagrl.search.shared_chain import SharedChain
from lagrl.search.shared_routes import RouteBox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import BaseContext
    from multiprocessing.synchronize import Event

    from lagrl.problems.cvrp import CVRP
    from lagrl.search.chaining import Cooling
    from lagrl.solve_config import SolveConfig

_EXCHANGES = 8  # without a shared chain; at least as many with one
_MOST_EXCHANGES = 50
_ROUND = 0.1  # seconds between exchanges of a shared chain
_SMALLEST_PART = 100  # customers of a part; on fewer, each worker has a chain of its own
_SLICE = 0.02  # of the seconds, for set partitioning after the last exchange
_NEW_ROUTES = 1_000_000  # customers and routes new to a worker's pool that an exchange has room for
_SPLITTING = 1_000_003  # random stream of the parts
_TICK = 0.2  # seconds between two reports of the progress
_DIED = (
    "a worker process died (killed, or out of memory); use fewer workers, and in a script call solve only under "
    "`if __name__ == '__main__':`"
)


@dataclass(frozen=True)
class Exchange:
    """A worker's message at an exchange; its routes are in shared memory, see `WorkerBoxes`.

    Attributes
    ----------
    evaluations, moves
        Its evaluations and its chain's moves so far.
    lower_bound, is_proven
        Its bound, and whether that proves that no better routes exist.
    record
        Its record so far, at the last exchange only.
    """

    evaluations: int
    moves: int
    lower_bound: float
    is_proven: bool
    record: SearchRecord | None = None


@dataclass(frozen=True)
class Request:
    """The parent's message to a worker: search until the next exchange.

    Attributes
    ----------
    progress
        Spent share of the budget at which the next exchange is due.
    is_last
        Whether the search ends with it.
    n_parts, cooling
        Parts of the shared chain and its temperature; the worker's part is in shared memory. None without one.
    """

    progress: float
    is_last: bool
    n_parts: int = 0
    cooling: Cooling | None = None


class WorkerBoxes:
    """Shared memory between the parent and one worker.

    Attributes
    ----------
    inbox
        Read by the worker: the best routes of all; its part of the shared chain's routes, and the others.
    outbox
        Written by the worker: its best routes; its part's current and best routes; routes new to its pool, as many as
        there is room for.
    """

    def __init__(self, context: BaseContext, n_customers: int) -> None:
        self.inbox = RouteBox(context, 3 * (2 * n_customers + 1))
        self.outbox = RouteBox(context, 3 * (2 * n_customers + 1) + _NEW_ROUTES)


class Exchanges:
    """The parent's part of a search in processes: it joins the workers' routes, and reports the progress."""

    def __init__(
        self,
        problem: CVRP,
        config: SolveConfig,
        pipes: list[Connection],
        boxes: list[WorkerBoxes],
        over: Event,
        on_evaluation: Callable[[SolveProgress], object] | None,
    ) -> None:
        self.config = config
        self.pipes = pipes
        self.boxes = boxes
        self.over = over
        self.on_evaluation = on_evaluation
        self.budget = Budget(config.evaluation_limit, config.seconds)
        self.incumbent = Incumbent(RoutePool(problem))
        self.recombination = Recombination(self.incumbent, self.budget)
        self.chain: SharedChain | None = None
        if config.has_chains and problem.n_customers >= _SMALLEST_PART * len(pipes):
            self.chain = SharedChain(self.incumbent, len(pipes), [config.seed, _SPLITTING])
        self.lower_bound = 0.0
        self.moves = 0
        self.is_interrupted = False

    def stop(self) -> None:
        """End the search: the workers stop after their current step."""
        self.is_interrupted = True
        self.over.set()

    def run(self) -> SearchReport:
        """Exchange routes until the budget is spent, the bound proves the best, or the search is stopped."""
        found: list[Exchange] = []
        seconds = self.config.seconds
        n_exchanges = _EXCHANGES if self.chain is None or seconds is None else _exchanges_within(seconds)
        part = 1.0 if seconds is None else 1.0 - _SLICE  # of the budget, until the last exchange
        number, is_last = 0, False
        for pipe in self.pipes:
            send(pipe, self.budget.started)
        while not is_last:
            reached = part * number / n_exchanges
            if not self.over.is_set():  # else the same progress again requests the record only
                past = int(n_exchanges * self.budget.progress / part)
                number = min(max(number, past) + 1, n_exchanges)
            is_last = self.over.is_set() or number == n_exchanges
            progress = part * number / n_exchanges
            self._request(reached, progress, is_last)
            if seconds is not None:
                self._recombine_until(progress * seconds)
            found = self._gather()
            self._join(found)
            if seconds is None:
                self._recombine_counted()
            self._report_progress()
        if seconds is not None and self._may_recombine:
            self.recombination.finish()
        record = SearchRecord.joined([exchange.record for exchange in found if exchange.record is not None])
        record.seconds_of["partition"] += self.recombination.seconds
        return SearchReport(self.incumbent, self.budget.elapsed, record, self.is_interrupted)

    def _request(self, reached: float, progress: float, is_last: bool) -> None:
        """Send each worker the best routes, its part of the shared chain, and the progress to search until."""
        pool = self.incumbent.pool
        best = [pool.routes[column] for column in self.incumbent.columns]
        parts = [] if self.chain is None else self.chain.split(reached, self.moves)
        for w, (pipe, boxes) in enumerate(zip(self.pipes, self.boxes, strict=True)):
            if parts:
                boxes.inbox.write(best, parts[w].own, parts[w].others)
                send(pipe, Request(progress, is_last, len(parts), parts[w].cooling))
            else:
                boxes.inbox.write(best)
                send(pipe, Request(progress, is_last))

    def _join(self, found: Sequence[Exchange]) -> None:
        """Join the workers' pools, best routes and parts of the chain."""
        pool = self.incumbent.pool
        self.incumbent.evaluations = self.budget.spent = sum(exchange.evaluations for exchange in found)
        self.moves = sum(exchange.moves for exchange in found)
        self.lower_bound = max(exchange.lower_bound for exchange in found)
        lists = [boxes.outbox.read() for boxes in self.boxes]
        for best, _, _, new in lists:
            pool.add_routes(new)
            if best:
                self.incumbent.offer(pool.add_routes(best))
        if self.chain is not None:
            self.chain.join([(current, chain_best) for _, current, chain_best, _ in lists])

    @property
    def _may_recombine(self) -> bool:
        is_over = self.over.is_set() or self.budget.seconds_left <= 0
        return self.config.uses("partition") and bool(self.incumbent.columns) and not is_over

    def _recombine_until(self, end: float) -> None:
        """Choose among the routes of all workers while they search, until the next exchange is due."""
        if self._may_recombine and self.recombination.is_due:
            self.recombination.recombine(max(end - self.budget.elapsed, 0.0))

    def _recombine_counted(self) -> None:
        """Choose among the routes of all workers, with limits that keep the result the same on every run."""
        if self._may_recombine:
            self.recombination.choose(PartitionLimits.without_clock(self.budget.spent))

    def _report_progress(self) -> None:
        if self.on_evaluation is None or self.is_interrupted:
            return
        if self.on_evaluation(SolveProgress.of(self.incumbent, self.budget, self.lower_bound)):
            self.stop()

    def _gather(self) -> list[Exchange]:
        """Receive all exchanges, and end the search as soon as one proves that no better routes exist."""
        found: dict[int, Exchange] = {}
        waiting = dict(enumerate(self.pipes))
        while waiting:
            ready = wait(list(waiting.values()), _TICK)
            for w in [w for w, pipe in waiting.items() if pipe in ready]:
                found[w] = receive(waiting.pop(w))
                if found[w].is_proven:
                    self.over.set()
            if not ready:
                self._report_progress()
        return [found[w] for w in range(len(self.pipes))]


def _exchanges_within(seconds: float) -> int:
    """Return the number of exchanges of a shared chain: each split into parts lasts a while."""
    return int(min(max(seconds / _ROUND, _EXCHANGES), _MOST_EXCHANGES))


def send(pipe: Connection, message: object) -> None:
    """Send a message; raise LagrlError if the process at the other end is gone."""
    try:
        pipe.send(message)
    except OSError as error:
        raise LagrlError(_DIED) from error


def receive(pipe: Connection) -> Any:
    """Receive a message; raise it if it is an error, and LagrlError if the other process is gone."""
    try:
        answer = pipe.recv()
    except (EOFError, OSError) as error:
        raise LagrlError(_DIED) from error
    if isinstance(answer, Exception):
        raise answer
    return answer
