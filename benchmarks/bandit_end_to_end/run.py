"""What a bandit's choice of hardware is worth in routes: samplers in one pipeline on the 20 smallest of paper30.

    LAGRL_DATA=DIR python -m benchmarks.bandit_end_to_end.run --rows ROWS.jsonl --state checkpoints/bandit.json
    python -m benchmarks.bandit_end_to_end.run --report ROWS.jsonl …                   # the tables, from rows alone
    LAGRL_DATA=DIR python -m benchmarks.bandit_end_to_end.run --rows CHECK.jsonl --crosscheck 0.05 [--state …]
    python -m benchmarks.bandit_end_to_end.run --report CHECK.jsonl

The same controller, linearisation, starts and decoder, 256 shots and 25 evaluations for all: exact strings, the product
state, noisy simulation of one backend, one hardware arm always (one layer of QAOA on the best line of each of six
backends; the best arm of the training traces), the trained bandit, and one that learns from scratch: one for each seed,
through all instances in their order. Rows are those of `lagrl eval`, so `lagrl report` reads them, with how far each
answer was from its knapsack's optimum. Run again after an interruption to make the rest: the bandit that learns solves
the instances before again, for what it learned there.

`--crosscheck SHARE` runs that share of steps a second time by trajectories under the device's noise model, with the
same plan and the same randomness otherwise: by the state's choices, or at random without one.

A full run is 20 instances × 5 seeds × 2 decoders × 13 samplers, about half a core-hour on one thread: of A-n60-k9 and
M-n121-k7, CPU seconds of a run with `reference` and with `search` are 0.02 to 0.1 for exact strings, the product state
and `noisy`, 0.5 to 0.9 for a static arm, 0.2 to 1 for the trained bandit and 1.6 to 3.5 for the one that learns. The
decoders can be run side by side, `--methods reference` and `--methods search` with files of their own, which
`--report` and `lagrl report` read together, gzipped or not. A cross-check of 5 % of the steps takes about 0.2
core-hours: 3 seconds for a step's trajectories, 4 for a run's own answers.
"""

from __future__ import annotations

from benchmarks.harness import one_thread

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import json
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks.bandit_end_to_end.crosscheck import check
from benchmarks.bandit_end_to_end.knapsack_quality import Measured
from benchmarks.bandit_end_to_end.report import report
from lagrl.bench.evaluation import Evaluation, EvaluationTask
from lagrl.bench.rows import RowStore
from lagrl.bench.solved_row import make_row
from lagrl.bench.suites import suite
from lagrl.errors import InputError, LagrlError
from lagrl.problems.locate import data_folder, find_instance
from lagrl.quantum.bandit.options import SIX, BanditOptions, make_bandit
from lagrl.relaxation.sampler import SubproblemSampler
from lagrl.samplers.registry import close_sampler, make_sampler

LEARNING = "bandit"
CONTROLLER = "cfm"


@dataclass(frozen=True)
class Args:
    """What to run.

    Attributes
    ----------
    rows
        JSONL file of rows, appended to.
    report
        Files of rows to report on instead of running.
    instances
        How many of the 20 smallest of paper30, in their order.
    seeds
        0 … this − 1.
    methods
        Methods of `SolveConfig`: `reference` or `search`.
    state
        A trained bandit; left out without.
    best_static
        The best arm of the training traces; the state's card tells it if left out.
    noisy
        The backend of noisy simulation without a choice of hardware.
    evaluations, shots, width
        Of every run.
    crosscheck
        Share of steps that are run by trajectories too; 0 for the samplers' rows.
    """

    rows: Path | None = None
    report: tuple[Path, ...] = ()
    instances: int = 20
    seeds: int = 5
    methods: tuple[str, ...] = ("reference", "search")
    state: Path | None = None
    best_static: str = ""
    noisy: str = "FakeBrisbane"
    evaluations: int = 25
    shots: int = 256
    width: int = 8
    crosscheck: float = 0.0


def smallest(count: int) -> list[Path]:
    """Return the files of the smallest instances of paper30, the smallest first."""
    names = sorted(suite("paper30"), key=lambda name: int(name.split("-")[1][1:]))[:count]
    return [find_instance(name, data_folder()) for name in names]


def best_static(args: Args) -> str:
    """Return the best arm of the training traces; empty if nobody tells."""
    if args.best_static or args.state is None:
        return args.best_static
    card = args.state.with_name(f"{args.state.stem}.card.json")
    if not card.is_file():
        raise InputError("no such file", source=str(card), remedy="give --best-static ARM")
    return str(json.loads(card.read_text(encoding="utf-8"))["best_static"])


def samplers(args: Args) -> dict[str, list[str]]:
    """Return the roles of every sampler, by its name."""
    found = {
        "exact": ["exact, free to go on"],
        "benchmarks.bandit_end_to_end.knapsack_quality:ExactStrings": ["exact"],
        f"product+width={args.width}": ["product"],
        f"noisy:{args.noisy}+width={args.width}": ["noisy"],
    }
    wide = "" if args.width == BanditOptions.width else f"+width={args.width}"
    for name in SIX:
        found[f"bandit+static={name}/line0/qaoa/1{wide}"] = ["static"]
    arm = best_static(args)
    if arm:
        known = {f"fake_{name.removeprefix('Fake').lower()}": name for name in SIX}
        backend, _, rest = arm.partition("/")
        found.setdefault(f"bandit+static={known.get(backend, backend)}/{rest}{wide}", []).append("best static")
    if args.state is not None:
        found[f"bandit:{args.state}+learn=false+epsilon=0{wide}"] = ["trained"]
    found[f"{LEARNING}{wide}"] = ["learning"]
    return found


def tasks(args: Args) -> Iterator[tuple[EvaluationTask, list[str]]]:
    """Yield what to run: decoder by decoder and seed by seed, each sampler through all instances."""
    roles = samplers(args)
    for method in args.methods:
        for seed in range(args.seeds):
            for sampler in roles:
                evaluation = Evaluation(
                    tuple(smallest(args.instances)),
                    (CONTROLLER,),
                    (sampler,),
                    (method,),
                    (args.evaluations,),
                    (seed,),
                    shots=args.shots,
                )
                yield from ((task, roles[sampler]) for task in evaluation.tasks())


def measured_row(task: EvaluationTask, roles: list[str], sampler: SubproblemSampler, width: int) -> dict[str, Any]:
    """Make a row by a sampler, and tell how far its answers were from their knapsacks' optima."""
    if task.config.sampler == "exact":
        return {**make_row(task), "roles": roles}
    measured = Measured(sampler, width)
    row = make_row(task, sampler=measured)
    row["quantum_seconds"] = round(max(0.0, row["quantum_seconds"] - measured.seconds), 6)
    shortfall = float(np.mean(measured.shortfalls)) if measured.shortfalls else None
    return {**row, "roles": roles, "knapsacks": len(measured.shortfalls), "shortfall": shortfall}


def run(args: Args, rows: Path) -> None:
    """Make the rows that are missing."""
    plan = list(tasks(args))
    with RowStore(rows) as store:
        done = store.keys()
        stream: tuple[str, int] | None = None
        learner: SubproblemSampler | None = None
        for number, (task, roles) in enumerate(plan):
            is_learning = "learning" in roles
            if is_learning:
                own = (task.config.method, task.config.seed)
                if own != stream:
                    due = {t.key for t, r in plan if r is roles and (t.config.method, t.config.seed) == own} - done
                    stream, learner = own, make_bandit("", BanditOptions(width=args.width))
                if not due:
                    continue
                sampler = learner
            elif task.key in done:
                continue
            else:
                sampler = make_sampler(task.config.sampler)
            assert sampler is not None
            row = measured_row(task, roles, sampler, args.width)
            if is_learning:
                due.discard(task.key)
            else:
                close_sampler(sampler)
            if task.key not in done:
                store.append(row)
            gap = "none" if row["gap_pct"] is None else f"{row['gap_pct']:.2f} %"
            told = f"{row['instance']} {row['method']} seed {row['seed']} {row['sampler']}: {gap}"
            print(f"{number + 1}/{len(plan)} {told}, {row['seconds'] + row['quantum_seconds']:.2f} s", flush=True)


def main(args: Args) -> None:
    """Run, or report."""
    if args.report:
        print(report(args.report))
    elif args.rows is None:
        raise InputError("nothing given", field="--rows", remedy="give a file to write to, or --report FILE …")
    elif args.crosscheck:
        check(smallest(args.instances), args, args.rows)
    else:
        run(args, args.rows)


if __name__ == "__main__":
    warnings.filterwarnings("ignore", module="qiskit")
    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"bandit_end_to_end: {error}")
