"""Parallel search in several processes that exchange routes."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from dataclasses import replace
from multiprocessing import get_context
from typing import TYPE_CHECKING

from lagrl.compilation import compile_kernels
from lagrl.controllers.registry import controller_factory
from lagrl.errors import LagrlError
from lagrl.processes import exit_with_parent, one_thread_each
from lagrl.samplers.registry import open_sampler
from lagrl.search.exchange import Exchange, Exchanges, Request, WorkerBoxes, receive
from lagrl.search.schedule import schedule_of
from lagrl.search.search import Search
from lagrl.search.shared_chain import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Event

    from lagrl.problems.cvrp import CVRP
    from lagrl.search.search_report import SearchReport, SolveProgress
    from lagrl.solve_config import SolveConfig

_CLOSING = 30.0  # seconds that a worker may take to close its sampler
_SEED_STRIDE = 1_000_003  # between the workers' seeds, so that runs with nearby seeds share none


def search_in_processes(
    problem: CVRP,
    config: SolveConfig,
    on_evaluation: Callable[[SolveProgress], object] | None = None,
    *,
    catch_interrupt: bool = False,
) -> SearchReport:
    """Search in `config.workers` processes that exchange their routes through shared memory.

    Each worker has its share of the evaluations (all of the seconds) and its own seed. At an exchange all routes are
    collected in one pool, set partitioning chooses among them, and every worker continues from the best; all end once
    the bound proves that no better routes exist. By the clock set partitioning runs in this process between exchanges;
    on instances of 100 customers per worker or more, the workers share one compiled chain, each on a part of its
    routes, and exchanges are more frequent. Without a clock the result depends on the configuration only.
    `on_evaluation` is called every 0.2 s with the progress at the last exchange; a true answer ends the search, and so
    does Ctrl-C if `catch_interrupt` (KeyboardInterrupt without it, or the second time).

    Raises LagrlError if a worker fails, with its reason.
    """
    context = get_context("spawn")
    over = context.Event()
    pipes: list[Connection] = []
    boxes: list[WorkerBoxes] = []
    processes = []
    is_over = False  # whether all samplers are closed; the processes then end by themselves, which takes a while
    try:
        with one_thread_each():
            for settings in _shares(config):
                ours, theirs = context.Pipe()
                boxes.append(WorkerBoxes(context, problem.n_customers))
                arguments = (theirs, boxes[-1], problem, settings, over, os.getpid())
                process = context.Process(target=_serve, args=arguments, daemon=True)
                process.start()
                theirs.close()
                pipes.append(ours)
                processes.append(process)
        for pipe in pipes:
            receive(pipe)  # ready: kernels are loaded before any clock starts
        exchanges = Exchanges(problem, config, pipes, boxes, over, on_evaluation)
        with _interrupts_caught(exchanges.stop) if catch_interrupt else contextlib.nullcontext():
            report = exchanges.run()
        is_over = all(pipe.poll(_CLOSING) and receive(pipe) for pipe in pipes)
        return report
    finally:
        for pipe in pipes:
            pipe.close()
        for process in [] if is_over else processes:
            process.terminate()
        for process in [] if is_over else processes:
            process.join(_CLOSING)
            process.kill()
            process.join()


def _shares(config: SolveConfig) -> list[SolveConfig]:
    """Return each worker's configuration: its evaluations and seed.

    Only the first computes the bound. With a clock the parent does set partitioning, over the routes of all.
    """
    shares = []
    limit = config.evaluation_limit
    for w in range(config.workers):
        own = None if limit is None else limit // config.workers + (w < limit % config.workers)
        if own == 0:
            continue
        left = {"bound"} if w else set()
        left |= {"partition"} if config.seconds is not None else set()
        without = (*config.without, *sorted(part for part in left if config.uses(part)))
        seed = config.seed + w * _SEED_STRIDE
        shares.append(replace(config, evaluations=own, seed=seed, workers=1, without=without))
    return shares


@contextlib.contextmanager
def _interrupts_caught(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first Ctrl-C instead of raising KeyboardInterrupt; only the main thread gets any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_signal(number: int, _: object) -> None:
        signal.signal(number, before[signal.Signals(number)])
        stop()

    caught = [number for number, handler in before.items() if handler is signal.default_int_handler]
    for number in caught:
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, before[number])


def _serve(pipe: Connection, boxes: WorkerBoxes, problem: CVRP, config: SolveConfig, over: Event, parent: int) -> None:
    """Run a worker: Ctrl-C is handled by the parent, and samplers are closed at any end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    exit_with_parent(parent)
    _work(pipe, boxes, problem, config, over)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing is left to close


def _work(pipe: Connection, boxes: WorkerBoxes, problem: CVRP, config: SolveConfig, over: Event) -> None:
    """Search in slices, as the parent's messages say, until the last one or until `over` is set."""
    at_the_end = contextlib.ExitStack()
    try:
        compile_kernels(*config.kernel_rooms)
        make_controller = controller_factory(config.controller)
        sampler = at_the_end.enter_context(open_sampler(config.sampler))
        pipe.send("ready")
        schedule, started = schedule_of(config), pipe.recv()
        search = Search(problem, config, make_controller, sampler, schedule, is_cancelled=over.is_set, started=started)
        sent, is_last = 0, False
        while not is_last:
            request: Request = pipe.recv()
            is_last = request.is_last
            best, *routes_of_chain = boxes.inbox.read()
            if best:
                search.take_over(best)
            if request.cooling is not None:
                own, others = routes_of_chain
                search.chaining.share(Part(own, others, request.n_parts, request.cooling))
            search.run(request.progress)
            pool, columns = search.pool, search.incumbent.columns
            best = [pool.routes[column] for column in columns]
            sent += boxes.outbox.write(best, *search.chaining.shared(), pool.routes[sent:])
            pipe.send(
                Exchange(
                    search.incumbent.evaluations,
                    search.chaining.moves,
                    search.bounding.value,
                    search.bounding.proves(search.incumbent.cost),
                    search.record() if is_last else None,
                )
            )
        at_the_end.close()  # an open session would be paid for
        pipe.send("closed")
    except EOFError:  # the parent is gone
        return
    except Exception as error:  # the parent reports it
        pipe.send(error if isinstance(error, LagrlError) else LagrlError(f"a worker failed: {error!r}"))
    finally:
        at_the_end.close()
