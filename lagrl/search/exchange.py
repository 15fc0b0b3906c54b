"""The exchange of routes between processes that search in parallel: the side that joins them."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from lagrl.errors import LagrlError
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.partition_master import PartitionMaster
from lagrl.recovery.pool import RoutePool
from lagrl.recovery.set_partitioning import PartitionLimits, partition
from lagrl.search.budget import Budget
from lagrl.search.search_report import SearchRecord, SearchReport, SolveProgress

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Event

    import numpy as np
    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP
    from lagrl.solve_config import SolveConfig

_EXCHANGES = 8
_SLICE = 0.02  # of the seconds, for set partitioning at an exchange
_TICK = 0.2  # seconds between two reports of the progress
_DIED = (
    "a worker process died (killed, or out of memory); use fewer workers, and in a script call solve only under "
    "`if __name__ == '__main__':`"
)


@dataclass(frozen=True)
class Exchange:
    """Results of a worker since the last exchange.

    Attributes
    ----------
    best
        Its best routes.
    new
        Routes new to its pool.
    evaluations
        Its evaluations so far.
    lower_bound, is_proven
        Its bound, and whether that proves that no better routes exist.
    record
        Its record so far, at the last exchange only.
    """

    best: list[NDArray[np.int64]]
    new: list[NDArray[np.int64]]
    evaluations: int
    lower_bound: float
    is_proven: bool
    record: SearchRecord | None = None


class Exchanges:
    """The parent's part of a search in processes: it joins the workers' routes, and reports the progress."""

    def __init__(
        self,
        problem: CVRP,
        config: SolveConfig,
        pipes: list[Connection],
        over: Event,
        on_evaluation: Callable[[SolveProgress], object] | None,
    ) -> None:
        self.config = config
        self.pipes = pipes
        self.over = over
        self.on_evaluation = on_evaluation
        self.budget = Budget(config.evaluation_limit, config.seconds)
        self.incumbent = Incumbent(RoutePool(problem))
        self.lower_bound = 0.0
        self.partitioning = 0.0
        self.is_interrupted = False

    def stop(self) -> None:
        """End the search: the workers stop after their current step."""
        self.is_interrupted = True
        self.over.set()

    def run(self) -> SearchReport:
        """Exchange routes until the budget is spent, the bound proves the best, or the search is stopped."""
        config, pool = self.config, self.incumbent.pool
        master = PartitionMaster(pool) if config.uses("partition") else None
        records: list[SearchRecord] = []
        part = 1.0 if config.seconds is None else 1.0 - _SLICE  # of the budget, until the last exchange
        number, is_last = 0, False
        for pipe in self.pipes:
            send(pipe, self.budget.started)
        while not is_last:
            if not self.over.is_set():  # else the same progress again requests the record only
                past = int(_EXCHANGES * self.budget.progress / part)
                number = min(max(number, past) + 1, _EXCHANGES)
            is_last = self.over.is_set() or number == _EXCHANGES
            best = [pool.routes[column] for column in self.incumbent.columns]
            for pipe in self.pipes:
                send(pipe, (part * number / _EXCHANGES, best, is_last))
            found = self._gather()
            self.incumbent.evaluations = self.budget.spent = sum(exchange.evaluations for exchange in found)
            self.lower_bound = max(exchange.lower_bound for exchange in found)
            for exchange in found:
                pool.add_routes(exchange.new)
                if exchange.best:
                    self.incumbent.offer(pool.add_routes(exchange.best))
            is_over = self.over.is_set() or self.budget.seconds_left <= 0
            if master is not None and self.incumbent.columns and not is_over:
                self._recombine(master)
            self._report_progress()
            records = [exchange.record for exchange in found if exchange.record is not None]
        record = SearchRecord.joined(records)
        record.seconds_of["partition"] += self.partitioning
        return SearchReport(self.incumbent, self.budget.elapsed, record, self.is_interrupted)

    def _recombine(self, master: PartitionMaster) -> None:
        started = self.budget.elapsed
        limits = PartitionLimits.without_clock(self.budget.spent)
        if self.config.seconds is not None:
            limits = PartitionLimits(seconds=min(_SLICE * self.config.seconds, self.budget.seconds_left))
        self.incumbent.offer(partition(self.incumbent.pool, self.incumbent.columns, limits, master).columns)
        self.partitioning += self.budget.elapsed - started

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
