"""Parallel search in several processes that exchange routes."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.compilation import compile_kernels
from lagrl.controllers.registry import controller_factory
from lagrl.errors import LagrlError
from lagrl.processes import exit_with_parent
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.partition_master import PartitionMaster
from lagrl.recovery.pool import RoutePool
from lagrl.recovery.set_partitioning import PartitionLimits, partition
from lagrl.relaxation.sampler import SamplingCost
from lagrl.samplers.registry import close_sampler, make_sampler
from lagrl.search.budget import Budget
from lagrl.search.schedule import schedule_of
from lagrl.search.search import Search
from lagrl.search.search_report import SearchReport

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Event

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP
    from lagrl.solve_config import SolveConfig

_EXCHANGES = 8
_SLICE = 0.02  # of the seconds, for set partitioning at an exchange
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_DIED = (
    "a worker process died (killed, or out of memory); use fewer workers, and in a script call solve only under "
    "`if __name__ == '__main__':`"
)
_CLOSING = 30.0  # seconds that a worker may take to close its sampler
_SEED_STRIDE = 1_000_003  # between the workers' seeds, so that runs with nearby seeds share none


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
    is_proven
        Whether its bound proves that no better routes exist.
    report
        Its record so far, at the last exchange only.
    """

    best: list[NDArray[np.int64]]
    new: list[NDArray[np.int64]]
    evaluations: int
    is_proven: bool
    report: SearchReport | None = None


def search_in_processes(
    problem: CVRP, config: SolveConfig, on_evaluation: Callable[[int], None] | None = None
) -> SearchReport:
    """Search in `config.workers` processes that exchange their routes eight times.

    Each worker has its share of the evaluations (all of the seconds) and its own seed. At an exchange all routes are
    collected in one pool, set partitioning chooses among them, and every worker continues from the best; all end once
    the bound proves that no better routes exist. Without a clock the result depends on the configuration only.
    `on_evaluation` is called with the number of evaluations so far, after each exchange.

    Raises LagrlError if a worker fails, with its reason.
    """
    context = get_context("spawn")
    over = context.Event()
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    pipes: list[Connection] = []
    processes = []
    try:
        for settings in _shares(config):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, problem, settings, over, os.getpid()), daemon=True)
            process.start()
            theirs.close()
            pipes.append(ours)
            processes.append(process)
        for pipe in pipes:
            _receive(pipe)  # ready: kernels are loaded before any clock starts
        report = _exchange(problem, config, pipes, over, on_evaluation)
        for process in processes:
            process.join(_CLOSING)
        return report
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(_CLOSING)
            process.kill()
            process.join()


def _shares(config: SolveConfig) -> list[SolveConfig]:
    """Return each worker's configuration: its evaluations and seed; only the first computes the bound."""
    shares = []
    limit = config.evaluation_limit
    for w in range(config.workers):
        own = None if limit is None else limit // config.workers + (w < limit % config.workers)
        if own == 0:
            continue
        is_bounding = w == 0 or not config.uses("bound")
        without = config.without if is_bounding else (*config.without, "bound")
        seed = config.seed + w * _SEED_STRIDE
        shares.append(replace(config, evaluations=own, seed=seed, workers=1, without=without))
    return shares


def _exchange(
    problem: CVRP,
    config: SolveConfig,
    pipes: list[Connection],
    over: Event,
    on_evaluation: Callable[[int], None] | None,
) -> SearchReport:
    budget = Budget(config.evaluation_limit, config.seconds)
    incumbent = Incumbent(RoutePool(problem))
    pool, partitioning = incumbent.pool, 0.0
    master = PartitionMaster(pool) if config.uses("partition") else None
    reports: list[SearchReport] = []
    part = 1.0 if config.seconds is None else 1.0 - _SLICE  # of the budget, until the last exchange
    number, is_last = 0, False
    while not is_last:
        number += not over.is_set()  # the same progress again requests the report only
        is_last = over.is_set() or number == _EXCHANGES
        best = [pool.routes[column] for column in incumbent.columns]
        for pipe in pipes:
            _send(pipe, (part * number / _EXCHANGES, best, is_last))
        found = _gather(pipes, over)
        incumbent.evaluations = sum(exchange.evaluations for exchange in found)
        for exchange in found:
            pool.add_routes(exchange.new)
            if exchange.best:
                incumbent.offer(pool.add_routes(exchange.best))
        if master is not None and incumbent.columns and not over.is_set():
            started = budget.elapsed
            limits = PartitionLimits(seconds=np.inf if config.seconds is None else _SLICE * config.seconds)
            incumbent.offer(partition(pool, incumbent.columns, limits, master).columns)
            partitioning += budget.elapsed - started
        if on_evaluation is not None:
            on_evaluation(incumbent.evaluations)
        reports = [exchange.report for exchange in found if exchange.report is not None]
    seconds_of = {name: sum(report.seconds_of[name] for report in reports) for name in reports[0].seconds_of}
    seconds_of["partition"] += partitioning
    return SearchReport(
        incumbent=incumbent,
        elapsed=budget.elapsed,
        ascents=[ascent for report in reports for ascent in report.ascents],
        sampling=sum((report.sampling for report in reports), SamplingCost()),
        seconds_of=seconds_of,
        lower_bound=max(report.lower_bound for report in reports),
        is_infeasible=any(report.is_infeasible for report in reports),
    )


def _gather(pipes: list[Connection], over: Event) -> list[Exchange]:
    """Receive all exchanges, and set `over` as soon as one proves that no better routes exist."""
    found: dict[int, Exchange] = {}
    waiting = dict(enumerate(pipes))
    while waiting:
        ready = wait(list(waiting.values()))
        for w in [w for w, pipe in waiting.items() if pipe in ready]:
            found[w] = _receive(waiting.pop(w))
            if found[w].is_proven:
                over.set()
    return [found[w] for w in range(len(pipes))]


def _send(pipe: Connection, message: object) -> None:
    try:
        pipe.send(message)
    except OSError as error:
        raise LagrlError(_DIED) from error


def _receive(pipe: Connection) -> Any:
    try:
        answer = pipe.recv()
    except (EOFError, OSError) as error:
        raise LagrlError(_DIED) from error
    if isinstance(answer, Exception):
        raise answer
    return answer


def _serve(pipe: Connection, problem: CVRP, config: SolveConfig, over: Event, parent: int) -> None:
    """Run a worker: Ctrl-C is handled by the parent, and samplers are closed at any end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    exit_with_parent(parent)
    _work(pipe, problem, config, over)


def _work(pipe: Connection, problem: CVRP, config: SolveConfig, over: Event) -> None:
    """Search in slices, as the parent's messages say, until the last one or until `over` is set."""
    at_the_end = contextlib.ExitStack()
    try:
        compile_kernels(*config.kernel_rooms)
        make_controller, sampler = controller_factory(config.controller), make_sampler(config.sampler)
        at_the_end.callback(close_sampler, sampler)
        pipe.send("ready")
        search: Search | None = None
        sent, is_last = 0, False
        while not is_last:
            progress, best, is_last = pipe.recv()
            if search is None:  # created here, so that waiting for the other workers is not measured
                search = Search(
                    problem, config, make_controller, sampler, schedule_of(config), is_cancelled=over.is_set
                )
            if best:
                search.take_over(best)
            search.run(progress)
            pool, columns = search.pool, search.incumbent.columns
            pipe.send(
                Exchange(
                    [pool.routes[column] for column in columns],
                    list(pool.routes[sent:]),
                    search.incumbent.evaluations,
                    search.bounding.proves(search.incumbent.cost),
                    search.report() if is_last else None,
                )
            )
            sent = len(pool)
    except EOFError:  # the parent is gone
        return
    except Exception as error:  # the parent reports it
        pipe.send(error if isinstance(error, LagrlError) else LagrlError(f"a worker failed: {error!r}"))
    finally:
        at_the_end.close()
