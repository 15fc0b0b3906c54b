"""Does it pay to choose backend, qubits and circuit for every knapsack? Traces, estimates, truth, transfer.

Everything is simulated: six fake backends under the calibrated surrogate, generated instances, one thread. The whole
takes about half a core-hour: traces 0.24, tables 0.11, runs 0.09, the rest 0.04. Commands, in this order; traces and
runs go on where they were interrupted, and tables that are there are kept:

    EVERY="--placements line0/line1/line2/default"
    lagrl traces --out docs/rows/bandit_training.jsonl --generated 55 --customers 20,50 --seed 601 $EVERY \\
        --widths 4,6,8,10 --controllers cfm,hwc --evaluations 25 --shots 256
    lagrl traces --out docs/rows/bandit_validation.jsonl --generated 22 --customers 20,50 --seed 602 $EVERY \\
        --widths 4,6,8,10 --controllers cfm,hwc --evaluations 25 --shots 256
    gzip -9n docs/rows/bandit_training.jsonl docs/rows/bandit_validation.jsonl
    python -m train.bandit --out checkpoints/bandit.json docs/rows/bandit_training.jsonl.gz \\
        --validate docs/rows/bandit_validation.jsonl.gz
    python -m benchmarks.bandit_study.run --stages tables runs devices
    gzip -9n docs/rows/bandit_run_*.jsonl
    python -m benchmarks.bandit_study.run --stages judge arms
    python -m benchmarks.bandit_study.run --report
    python -m benchmarks.bandit_study.run --picture docs/pictures/bandit.png

`tables` prices all arms on the same knapsacks, exactly, as the surrogate's distributions can be had without drawing:
one set from instances of the training seed, for learners on the way, and one from the validation's, which is the
truth that estimates and policies are held against. `runs` runs policies that do not learn on the validation instances.
A trained bandit that does not learn any more does not explore either: α is 0 (the report's table of α, on training
instances that the model was not fitted to, says what exploring would cost). `devices` looks at circuits and executes
nothing. `judge` reads traces, tables and runs. `arms` says what the bandit loses among fewer arms than the study's 72 a
backend, and what is learned among them.
"""

from __future__ import annotations

from benchmarks.harness import one_thread, origin, read_rows, read_rows_if_any, write_rows

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.bandit_study.coverage import coverage_rows
from benchmarks.bandit_study.curve import alpha_rows, offline_curve, online_curve
from benchmarks.bandit_study.devices import budget_rows, overhead_rows
from benchmarks.bandit_study.fewer_arms import arm_rows, learning_rows
from benchmarks.bandit_study.judge import DEFAULTS, Evidence, log_rows, mix_rows, run_rows
from benchmarks.bandit_study.logs import Judge, require_uniform
from benchmarks.bandit_study.picture import draw
from benchmarks.bandit_study.report import tables
from benchmarks.bandit_study.reward_table import RewardTable, all_screened, make_table
from benchmarks.bandit_study.truth import run_policy
from lagrl.bench.collect import generated_problems
from lagrl.bench.trace_table import TraceTable
from lagrl.bench.trace_training import best_static
from lagrl.errors import InputError, LagrlError
from lagrl.quantum.bandit.arm_policies import LinUCB
from lagrl.quantum.bandit.options import read_state
from lagrl.quantum.bandit.traces import content_digest, read_traces

Row = dict[str, Any]
CUSTOMERS = (20, 50)
WIDTHS = (4, 6, 8, 10)
CONTROLLERS = ("cfm", "hwc")
TRAINING_SEED, VALIDATION_SEED, BUDGET_SEED = 601, 602, 603
N_TABLE = 30  # instances of each table
N_RUNS = 22  # validation instances that policies are really run on
N_BUDGET = 12  # instances whose knapsacks are ranked
EACH = 6  # knapsacks of a width and an instance in a table
ORDERS = 5
ONLINE = 2000  # decisions of learners on the way
COVERAGE_LOGS, COVERAGE_DECISIONS = 100, 6000
EVALUATIONS, SHOTS = 25, 256
STAGES = ("tables", "runs", "devices", "judge", "arms")


@dataclass(frozen=True)
class Args:
    """What to do.

    Attributes
    ----------
    stages
        Of tables, runs, devices, judge and arms.
    rows
        Folder of traces and rows.
    state
        The trained bandit.
    report
        Print the tables instead, from the rows only.
    picture
        Draw the picture instead, from the rows only.
    """

    stages: tuple[str, ...] = ()
    rows: Path = Path("docs/rows")
    state: Path = Path("checkpoints/bandit.json")
    report: bool = False
    picture: Path | None = None


def main(args: Args) -> None:
    """Carry out the stages, or show existing rows."""
    out = args.rows / "bandit_study.jsonl"
    if args.report:
        print(tables(read_rows(out)))
        return
    if args.picture is not None:
        draw(read_rows(out), args.picture)
        return
    unknown = set(args.stages) - set(STAGES)
    if unknown or not args.stages:
        raise InputError(f"{', '.join(sorted(unknown)) or 'none'} given", field="--stages", remedy=f"of {STAGES}")
    work: dict[str, Callable[[Args], Iterable[Row]]] = {"devices": devices, "judge": judge, "arms": arms}
    for stage in args.stages:
        if stage == "tables":
            make_tables(args)
        elif stage == "runs":
            make_runs(args)
        else:
            head = {"kind": "head", **origin("qiskit", "qiskit-aer")}
            made = [{"stage": stage, **row} for row in (head, *work[stage](args))]
            kept = [row for row in read_rows_if_any(out) if row["stage"] != stage]
            write_rows(out, (*kept, *made))


def log_file(args: Args, name: str) -> Path:
    """Return a log's file, packed or not."""
    packed = args.rows / f"bandit_{name}.jsonl.gz"
    return packed if packed.exists() else args.rows / f"bandit_{name}.jsonl"


def make_tables(args: Args) -> None:
    """Make both tables, if they are missing."""
    for name, seed in (("validation", VALIDATION_SEED), ("training", TRAINING_SEED)):
        path = args.rows / f"bandit_{name}_table.npz"
        if not path.exists():
            table = make_table(N_TABLE, CUSTOMERS, seed, widths=WIDTHS, each=EACH, evaluations=EVALUATIONS, shots=SHOTS)
            table.write(path)


def run_policies(args: Args) -> dict[str, str]:
    """Return the policies that are really run, with the names of their logs."""
    static = best_static(TraceTable.of(read_traces([log_file(args, "training")])))
    return {
        "bandit": "run_bandit",
        str(static): "run_static",
        DEFAULTS[0]: "run_default0",
        DEFAULTS[1]: "run_default1",
        "uniform": "run_uniform",
    }


def make_runs(args: Args) -> None:
    """Run every policy on the validation instances; product's reward is 0 by definition."""
    problems = generated_problems(N_RUNS, CUSTOMERS, VALIDATION_SEED)
    policies = run_policies(args)
    for problem in problems:  # outermost: an interrupted stage has the same instances for all
        for policy, name in policies.items():
            path = args.rows / f"bandit_{name}.jsonl"
            if not path.with_name(f"{path.name}.gz").exists():
                run_policy(
                    policy,
                    problem,
                    args.state,
                    path,
                    widths=WIDTHS,
                    controllers=CONTROLLERS,
                    evaluations=EVALUATIONS,
                    shots=SHOTS,
                )


def devices(args: Args) -> Iterator[Row]:
    """Yield what arms cost."""
    yield from overhead_rows()
    yield from budget_rows(read_state(args.state).model, N_BUDGET, BUDGET_SEED)


def arms(args: Args) -> Iterator[Row]:
    """Yield what fewer arms are worth, from the tables and the trained bandit."""
    truth, world = (RewardTable.read(args.rows / f"bandit_{name}_table.npz") for name in ("validation", "training"))
    screened = all_screened(WIDTHS)
    yield from arm_rows(LinUCB(read_state(args.state).model, 0.0), truth, screened)
    yield from learning_rows(world, truth, screened, ORDERS, ONLINE)


def judge(args: Args) -> Iterator[Row]:
    """Yield all that follows from traces, tables and runs."""
    files = {name: log_file(args, name) for name in ("training", "validation")}
    logs = {name: read_traces([path]) for name, path in files.items()}
    for name, traces in logs.items():
        require_uniform(traces)
        yield {"kind": "file", "name": files[name].name, "sha256": content_digest(files[name])}
        yield from log_rows(name, traces)
    truth, world = (RewardTable.read(args.rows / f"bandit_{name}_table.npz") for name in ("validation", "training"))
    screened = all_screened(WIDTHS)
    yield from alpha_rows(logs["training"], world, screened)
    judged = Judge.of(TraceTable.of(logs["validation"]))
    evidence = Evidence(logs["training"], judged, truth, world, screened)
    yield from evidence.value_rows()
    yield from evidence.ceiling_rows()
    yield from evidence.transfer_rows()
    yield from evidence.cap_rows()
    yield from evidence.class_rows(N_TABLE, CUSTOMERS, VALIDATION_SEED)
    runs = {policy: read_traces([log_file(args, name)]) for policy, name in run_policies(args).items()}
    yield from run_rows(runs, logs["validation"], evidence.policies())
    yield from mix_rows("bandit", runs["bandit"])
    yield from coverage_rows(truth, screened, evidence.policies(), COVERAGE_DECISIONS, COVERAGE_LOGS)
    yield from offline_curve(logs["training"], evidence.judge, truth, screened, ORDERS)
    yield from online_curve(world, screened, truth, ORDERS, ONLINE)


if __name__ == "__main__":
    import tyro

    warnings.filterwarnings("ignore", message="Properties of fake_")
    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"bandit_study: {error}")
