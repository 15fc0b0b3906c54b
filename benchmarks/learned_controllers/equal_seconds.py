"""Controllers at equal seconds: what classical rules had found in the time that a trained policy took.

    python -m benchmarks.learned_controllers.equal_seconds --data DIR --out docs/rows/equal_seconds.jsonl
    python -m benchmarks.learned_controllers.equal_seconds --show-rows docs/rows/equal_seconds.jsonl

A policy's evaluation costs more than a rule's. On every instance, the runs of all controllers follow one another; each
rule's run is cut off at the seconds of a policy's run with the same sampler. A rule whose run ends before a policy's
runs again with more evaluations; each 40 of them have a linearisation, so that runs begin alike. All seconds, those of
the history too, are of the processor, one thread, compilation excluded, sampling included: other processes do not
count. The clones of the training seeds count as one method. Rows are those of `lagrl eval`; rows that exist are kept,
so that an interrupted run continues. With `--shard i/n` a process runs every n-th instance.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, one_thread, read_rows, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks.learned_controllers.report import method
from lagrl.bench.evaluation import Evaluation
from lagrl.bench.solved_row import make_row
from lagrl.bench.statistics import bootstrap_interval
from lagrl.bench.suites import suite
from lagrl.problems.locate import resolve_instances

POLICIES = ("checkpoints/bc-small", "checkpoints/bc-small-seed1", "checkpoints/bc-small-seed2")
BUDGETS = (10, 25, 50, 200)
RULES = ("hwc", "cfm")
LONG = {"exact": (1000, 1800, 3600), "qaoa": (400, 600, 1200)}  # evaluations of the rules; the first that last

Pairs = dict[str, list[tuple[float, float]]]  # (policy's gap, rule's gap at its seconds), by instance


class Runs:
    """The rows of a file, which gets those that it lacks."""

    def __init__(self, out: Path, data: Path | None) -> None:
        self.out, self.data = out, data
        self.rows = {row["key"]: row for row in read_rows_if_any(out)}

    def of(self, instance: str, controller: str, sampler: str, budget: int, keep: bool = True) -> dict[str, Any]:
        """Return the row of a run, which is made if the file lacks it, or if it is not to be kept."""
        paths = tuple(resolve_instances(instance, self.data))
        evaluation = Evaluation(paths, (controller,), samplers=(sampler,), methods=("reference",), budgets=(budget,))
        (task,) = evaluation.tasks()
        if not keep:
            return make_row(task)
        if task.key not in self.rows:
            self.rows[task.key] = make_row(task)
            append_rows(self.out, [self.rows[task.key]])
        return self.rows[task.key]

    def complete(self, instance: str, sampler: str) -> None:
        """Make the runs on an instance that are missing: the policies', then rules' that last longer than these."""
        longest = max(seconds(self.of(instance, one, sampler, budget)) for one in POLICIES for budget in BUDGETS)
        for rule in RULES:
            for budget in LONG[sampler]:
                if seconds(self.of(instance, rule, sampler, budget)) >= longest:
                    break


def seconds(row: dict[str, Any]) -> float:
    """Return the seconds of a run, sampling included."""
    return float(row["seconds"] + row["quantum_seconds"])


def gap_after(row: dict[str, Any], seconds: float) -> float:
    """Return the gap, %, of the best routes that a run had after the given seconds; of its first ones if none yet."""
    costs = [cost for _, when, cost in row["history"] if when <= seconds] or [row["history"][0][2]]
    return 100.0 * (min(costs) / row["best_known"] - 1.0)


def compared(rows: list[dict[str, Any]]) -> dict[tuple[Any, ...], Pairs]:
    """Return the pairs of each policy, sampler, budget and rule."""
    longest: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: int(row["budget"])):
        longest[row["controller"], row["instance"], row["sampler"]] = row
    pairs: dict[tuple[Any, ...], Pairs] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["controller"] in RULES:
            continue
        for rule in RULES:
            other = longest[rule, row["instance"], row["sampler"]]
            found = (row["gap_pct"], gap_after(other, seconds(row)))
            pairs[method(row["controller"]), row["sampler"], row["budget"], rule][row["instance"]].append(found)
    return pairs


def main(out: Path | None = None, show_rows: Path | None = None, data: Path | None = None, shard: str = "0/1") -> None:
    """Make or show the rows.

    Parameters
    ----------
    out
        File for the rows.
    show_rows
        Rows of an earlier run, to be shown instead.
    data
        Folder of the CVRPLIB instances (default: LAGRL_DATA).
    shard
        `i/n`: this process runs the instances i, i + n, ….
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    assert out is not None
    time.perf_counter = time.process_time  # in this process only: every clock of a solve counts its processor seconds
    part, parts = map(int, shard.split("/"))
    runs, instances = Runs(out, data), suite("paper30")
    for controller in (*RULES, *POLICIES):  # imports and compiles, before anything is timed
        for sampler in LONG:
            runs.of(instances[0], controller, sampler, min(BUDGETS), keep=False)
    for instance in instances[part::parts]:
        for sampler in LONG:
            runs.complete(instance, sampler)
    show(read_rows(out))


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table, and the seconds of an evaluation."""
    print("| policy | sampler | budget | rule | policy's gap % | rule's at its seconds | difference |")
    print("|---|---|--:|---|--:|--:|--:|")
    rng = np.random.default_rng(0)
    for (policy, sampler, budget, rule), by_instance in sorted(compared(rows).items()):
        means = np.array([np.mean(pairs, axis=0) for pairs in by_instance.values()])
        found = bootstrap_interval(means[:, 0] - means[:, 1], rng)
        print(
            f"| {policy} | {sampler} | {budget} | {rule} | {means[:, 0].mean():.2f} | {means[:, 1].mean():.2f} | "
            f"{found.mean:+.2f} [{found.low:+.2f}, {found.high:+.2f}] |"
        )
    print("\n| controller | sampler | budget | seconds | ms per evaluation |\n|---|---|--:|--:|--:|")
    spent: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for row in rows:
        spent[method(row["controller"]), row["sampler"], row["budget"]].append(seconds(row))
    for (controller, sampler, budget), times in sorted(spent.items()):
        mean = float(np.mean(times))
        print(f"| {controller} | {sampler} | {budget} | {mean:.3f} | {1e3 * mean / budget:.2f} |")


if __name__ == "__main__":
    tyro.cli(main)
