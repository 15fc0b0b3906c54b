"""What the spare-vehicle rule (decision 006) is worth on paper30: rows solved again without it.

    LAGRL_DATA=DIR python -m benchmarks.spare_vehicle.run --rows docs/rows/paper30.jsonl.gz

The rule was thought of after a result on this list, so its share of the figures there has to be known.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.harness import one_thread

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import numpy as np
import tyro

from lagrl import solver as solving
from lagrl.bench.rows import read_rows
from lagrl.controllers.registry import is_built_in as has_controller
from lagrl.plugins import NamedRule, require_trusted
from lagrl.problems.cvrp import CVRP
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.locate import data_folder, find_instance
from lagrl.relaxation import linearise as linearising
from lagrl.samplers.registry import is_built_in as has_sampler


def instance(name: str) -> CVRP:
    """Read an instance of LAGRL_DATA under its own fleet rule."""
    return read_instance(find_instance(name, data_folder()))


def gap_without_rule(row: dict[str, Any]) -> float:
    """Solve a row again as if no fleet were ever full."""
    linearising.FULL = np.inf
    without = () if row["method"] == "reference" else ("relinearisation", "polish")
    settings = {**row["config"], "seedings": tuple(row["config"]["seedings"]), "without": without}
    own = {"controller": has_controller, "sampler": has_sampler}
    rules = [NamedRule(name, settings[name], is_built_in(settings[name])) for name, is_built_in in own.items()]
    require_trusted(rules, source=f"row of {row['instance']}")
    problem = instance(row["instance"])
    gap = problem.gap_percent(solving.solve(problem, solving.SolveConfig(**settings)).solution.cost)
    assert gap is not None
    return gap


def main(rows: Path, controllers: tuple[str, ...] = ("cfm", "volume", "perturbed"), workers: int = 2) -> None:
    """Print the mean gap on the instances that the rule touches, with and without it, and the effect on the list.

    Parameters
    ----------
    rows
        What `lagrl eval --suite paper30` wrote.
    controllers
        Whose rows to solve again.
    workers
        Processes, one thread each.
    """
    all_rows = read_rows(rows)
    names = sorted({row["instance"] for row in all_rows})
    problems = {name: instance(name) for name in names}
    touched = [n for n, p in problems.items() if p.fleet.rule != "exact" and p.tightness > linearising.FULL]
    chosen = [row for row in all_rows if row["instance"] in touched and row["controller"] in controllers]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        again = list(executor.map(gap_without_rule, chosen, chunksize=2))
    pairs: dict[tuple[str, str, int], list[tuple[float, float]]] = defaultdict(list)
    for row, gap in zip(chosen, again, strict=True):
        pairs[row["controller"], row["method"], row["budget"]].append((row["gap_pct"], gap))
    print(f"Touched: {', '.join(touched)} ({len(touched)} of {len(names)})\n")
    print("| controller | method | budget | with the rule | without | mean of the list without it |")
    print("|---|---|--:|--:|--:|--:|")
    for (controller, method, budget), gaps in sorted(pairs.items()):
        kept, dropped = fmean(gap for gap, _ in gaps), fmean(gap for _, gap in gaps)
        effect = (dropped - kept) * len(touched) / len(names)
        print(f"| {controller} | {method} | {budget} | {kept:.2f} | {dropped:.2f} | {effect:+.2f} |")


if __name__ == "__main__":
    tyro.cli(main)
