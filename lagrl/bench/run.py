"""Evaluation of controllers on instances: one resumable row per instance, configuration and seed."""

from __future__ import annotations

import os
import warnings
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import fields, replace
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lagrl.bench.cpu_meter import CpuMeter
from lagrl.bench.evaluation import Evaluation, EvaluationTask, read_problem
from lagrl.bench.rows import RowStore, read_rows
from lagrl.bench.solved_row import make_row
from lagrl.errors import InputError, InputWarning, LagrlError, UnknownNameError, require_type
from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet
from lagrl.problems.locate import resolve_instances
from lagrl.problems.plausibility import question_cost
from lagrl.processes import exit_with_parent, one_thread_each
from lagrl.ray_cluster import completed, connected
from lagrl.samplers.held import HeldSamplers
from lagrl.samplers.registry import default_journal, family_of
from lagrl.solve_config import as_tuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    from lagrl.bench.schema import Row
    from lagrl.bench.shards import CellShard, ShardCell


def run(
    evaluation: Evaluation,
    out: str | os.PathLike[str],
    *,
    workers: int = 1,
    shard: CellShard | None = None,
    ray: str | None = None,
    energy: bool = False,
    on_row: Callable[[Row], None] | None = None,
    on_plan: Callable[[int, int], None] | None = None,
) -> int:
    """Make the rows that `out` does not have yet; return how many were made.

    Each row is on the disk as soon as it is finished: run again after an interruption to make the rest.

    Parameters
    ----------
    evaluation
        What to run.
    out
        JSONL file of rows, appended to.
    workers
        Processes; with 1 everything runs in this one.
    shard
        Part of the rows to make, which then have a field `shard`; None: all rows.
    ray
        Address of a Ray cluster whose nodes make the rows, see `lagrl.ray_cluster.connected`; this process alone
        writes them. None: no cluster.
    energy
        Whether rows get the processor's measured energy, `cpu_joules`; with one worker only. See `CpuMeter`.
    on_row
        Called with each finished row.
    on_plan
        Called once with the number of rows requested and the number already in the file.

    Raises
    ------
    InputError
        If a setting is not allowed, the cluster does not answer, or energy cannot be measured; nothing is run then.
    MissingExtraError
        If energy is to be measured without codecarbon.
    OutputError
        If `out` cannot be written.
    LagrlError
        If a worker process dies; finished rows are kept.
    """
    _require_workers(workers)
    meter = _meter(workers) if energy else None
    with HeldSamplers() as held:
        tasks = evaluation.tasks(held)
        if ray is None:
            return _complete(tasks, out, workers, on_row, on_plan, held, shard, meter=meter)
        _require_no_journal(evaluation, workers)
        if energy:
            raise InputError("given with a Ray cluster", field="energy", remedy="leave one of them out")
        held.close()  # each worker opens its own
        with connected(ray) as cluster:
            return _complete(tasks, out, workers, on_row, on_plan, held, shard, cluster)


def evaluate(
    instances: Sequence[str | os.PathLike[str] | CVRP] | str | os.PathLike[str] | CVRP,
    controllers: Sequence[str] | str = "cfm",
    budgets: Sequence[int] | int = 200,
    *,
    out: str | os.PathLike[str] | None = None,
    workers: int = 1,
    data: str | os.PathLike[str] | None = None,
    on_row: Callable[[Row], None] | None = None,
    on_plan: Callable[[int, int], None] | None = None,
    **options: Any,
) -> list[Row]:
    """Solve every instance with every controller, budget, sampler and seed; return one row (a plain dict) for each.

    Parameters
    ----------
    instances
        Paths, folders of `.vrp` files, instance names (see `lagrl.read`) or instances; one or several.
    controllers
        Names, see `SolveConfig`; one or several.
    budgets
        Evaluations of each solve; one or several.
    out
        JSONL file that keeps every row as soon as it is finished: rows that it has already are not made again. None
        keeps rows in memory only.
    workers
        Processes. With more than 1, a script needs `if __name__ == "__main__":`, as they import it.
    data
        Folder of CVRPLIB files; the environment variable LAGRL_DATA if None.
    on_row
        Called with each row that is made.
    on_plan
        Called once with the number of rows requested and the number already in `out`.
    options
        The other fields of `Evaluation`: samplers, seeds, fleet, …; one value or several where it takes several.

    Returns
    -------
    Rows in the order of instances, then configurations; `pandas.DataFrame(rows)` makes a table of them.

    Raises
    ------
    UnknownNameError
        If an option, instance, controller or sampler is not known.
    InputError
        If a value is not allowed, before anything is run.
    OutputError
        If `out` cannot be written.

    Examples
    --------
    >>> import lagrl
    >>> rows = lagrl.evaluate(["G-n16-k3"], controllers=["volume", "cfm"], budgets=20)
    >>> [(row["controller"], row["feasible"]) for row in rows]
    [('volume', True), ('cfm', True)]
    """
    known = {field.name: field for field in fields(Evaluation)}
    for name in options:
        if name not in known:
            raise UnknownNameError.of("keyword", name, {*known, "out", "workers", "data", "on_row", "on_plan"})
    several: dict[str, Any] = {
        name: as_tuple(value) if isinstance(known[name].default, tuple) else value for name, value in options.items()
    }
    if options.get("fleet") is not None:
        several["fleet"] = Fleet.of(options["fleet"])
    if options.get("journal") is not None:
        several["journal"] = Path(options["journal"])
    for given in as_tuple(instances):
        require_type(given, (str, os.PathLike, CVRP), "instances", "give paths, names or what lagrl.read(...) returns")
    evaluation = Evaluation(
        instances=tuple(
            found
            for given in as_tuple(instances)
            for found in ((given,) if isinstance(given, CVRP) else resolve_instances(os.fspath(given), data))
        ),
        controllers=as_tuple(controllers),
        budgets=as_tuple(budgets),
        **several,
    )
    _require_workers(workers)
    made: list[Row] = []
    with HeldSamplers() as held:
        tasks = evaluation.tasks(held)
        if out is None:
            if on_plan is not None:
                on_plan(len(tasks), 0)
            _run_tasks(list({task.key: task for task in tasks}.values()), workers, _both(made.append, on_row), held)
        else:
            _complete(tasks, out, workers, on_row, on_plan, held)
            made = read_rows(out)
    by_key = {row["key"]: row for row in made}
    return [by_key[key] for key in dict.fromkeys(task.key for task in tasks)]


def _complete(
    tasks: Sequence[EvaluationTask],
    out: str | os.PathLike[str],
    workers: int,
    on_row: Callable[[Row], None] | None,
    on_plan: Callable[[int, int], None] | None,
    held: HeldSamplers,
    shard: CellShard | None = None,
    cluster: ModuleType | None = None,
    meter: CpuMeter | None = None,
) -> int:
    places: dict[str, ShardCell] = {}
    if shard is not None:
        own = shard.select({task.key: task for task in tasks}, {"price": tasks[0].price_per_second})
        tasks = [task for task, _ in own.values()]
        places = {key: place for key, (_, place) in own.items()}
    with RowStore(out) as store:
        done = store.keys()
        due = list({task.key: task for task in tasks if task.key not in done}.values())

        def keep(row: Row) -> None:
            place = places.get(row["key"])
            store.append(row if place is None else {**row, "shard": place.record()})

        if on_plan is not None:
            on_plan(len(tasks), len(tasks) - len(due))

        if cluster is None:
            _run_tasks(due, workers, _both(keep, on_row), held, meter)
        else:
            _run_on_cluster(cluster, due, _both(keep, on_row))
    return len(due)


def _require_workers(workers: int) -> None:
    if workers < 1:
        raise InputError(f"{workers} given", field="workers", remedy="give 1 or more")


def _require_no_journal(evaluation: Evaluation, workers: int) -> None:
    """Refuse what a cluster cannot share: a number of processes here, and a file of answers."""
    if workers != 1:
        remedy = "leave it out: the cluster knows its cores"
        raise InputError(f"{workers} given with a Ray cluster", field="workers", remedy=remedy)
    kept = [sampler for sampler in evaluation.samplers if default_journal(sampler) is not None]
    if evaluation.journal is not None or kept:
        problem = f"{evaluation.journal or kept[0]} keeps answers in a file of one machine"
        raise InputError(problem, field="ray", remedy="leave it out, or divide the rows by --shard")


def _meter(workers: int) -> CpuMeter:
    if workers != 1:
        remedy = "give 1 worker: the counter is that of the whole processor"
        raise InputError(f"{workers} workers", field="energy", remedy=remedy)
    return CpuMeter()


def _both(keep: Callable[[Row], None], on_row: Callable[[Row], None] | None) -> Callable[[Row], None]:
    """Return a callback that keeps a row first and then reports it."""

    def kept(row: Row) -> None:
        keep(row)
        if on_row is not None:
            on_row(row)

    return kept


def _run_tasks(
    due: Sequence[EvaluationTask],
    workers: int,
    keep: Callable[[Row], None],
    held: HeldSamplers,
    meter: CpuMeter | None = None,
) -> None:
    if workers == 1:
        for task in due:
            keep(_row_of(task, held, meter))
    else:
        held.close()  # each worker opens its own
        _run_in_processes(due, workers, keep)


def _row_of(task: EvaluationTask, held: HeldSamplers, meter: CpuMeter | None = None) -> Row:
    """Make a row by a sampler that serves all rows, if it stays open; no session is paid for until the next row."""
    if not family_of(task.config.sampler).stays_open:
        return make_row(task, meter=meter)
    try:
        return make_row(task, held.make(task.config.sampler, task.journal), meter)
    finally:
        held.rest()


_of_worker = HeldSamplers()  # those of a worker process, open until it ends


def _row_of_worker(task: EvaluationTask) -> Row:
    return _row_of(task, _of_worker)


def _begin_worker(parent: int) -> None:
    exit_with_parent(parent)
    warnings.simplefilter("ignore", InputWarning)  # the parent has read the same files, and sees the costs


def _run_in_processes(due: Sequence[EvaluationTask], workers: int, keep: Callable[[Row], None]) -> None:
    context = get_context("spawn")
    others = set(active_children())
    with ProcessPoolExecutor(workers, context, initializer=_begin_worker, initargs=(os.getpid(),)) as executor:
        with one_thread_each():  # all workers start with the first task
            waiting = {executor.submit(_row_of_worker, task): task for task in due}
        try:
            while waiting:
                done = wait(waiting, return_when=FIRST_COMPLETED).done
                for future in sorted(done, key=lambda future: future.exception() is not None):
                    row = future.result()
                    solver = waiting.pop(future).best_known_by
                    question_cost(row["instance"], row["cost"], row["best_known"], solver)
                    keep(row)  # finished rows first: a dead worker fails all that are left
        except BrokenProcessPool as error:
            raise LagrlError(
                "a worker process died (killed, or out of memory); finished rows are kept: run again with fewer workers"
            ) from error
        except BaseException:  # interrupted, or a row failed: rows still in work would not be kept
            for worker in set(active_children()) - others:
                worker.terminate()
            raise
        finally:
            executor.shutdown(wait=False, cancel_futures=True)


def _run_on_cluster(cluster: ModuleType, due: Sequence[EvaluationTask], keep: Callable[[Row], None]) -> None:
    """Make rows on the nodes of a cluster, which get each instance once, and need no file of it."""
    instances = {id(task.instance): task for task in due}
    problems = {key: read_problem(task.instance, task.fleet, task.rounding) for key, task in instances.items()}
    stored = {key: cluster.put(problem) for key, problem in problems.items()}
    calls = [
        (stored[id(task.instance)], replace(task, instance=Path(problems[id(task.instance)].name), rounding="auto"))
        for task in due
    ]
    for number, row in completed(cluster, _row_on_cluster, calls):
        question_cost(row["instance"], row["cost"], row["best_known"], due[number].best_known_by)
        keep(row)


def _row_on_cluster(problem: CVRP, task: EvaluationTask) -> Row:
    warnings.simplefilter("ignore", InputWarning)  # as in `_begin_worker`
    return _row_of(replace(task, instance=problem), _of_worker)
