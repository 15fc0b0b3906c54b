"""Where the defaults of controllers and of `solve` come from: measured on generated instances, never on CVRPLIB.

    python -m benchmarks.choose_defaults.run --out docs/rows/choose_defaults.jsonl     # about ten minutes on two cores
    python -m benchmarks.choose_defaults.run --show-rows docs/rows/choose_defaults.jsonl    # the tables again

Generates 24 X-type instances (30 … 220 customers, a seed apart from the bundled ones), lets PyVRP search 5 s on each
for a reference cost, and solves them under each setting. One JSON line per setting and instance.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.harness import one_thread, read_rows, write_rows

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import numpy as np
import tyro

from benchmarks.bundled_instances.run import route_with_pyvrp
from lagrl.bench.schema import with_method
from lagrl.controllers.registry import CONTROLLERS
from lagrl.errors import InputError
from lagrl.io.atomic import require_writable
from lagrl.problems.cvrp import CVRP
from lagrl.problems.generate import generate_x_type, sample_params
from lagrl.solver import SolveConfig, solve

SIZES = ((30, 60), (60, 110), (110, 220))
INSTANCE_SEED = 4242
SEARCH = ("relinearisation", "polish")  # what follows the linearisations from seeds, which are in question here
CONSTANTS: dict[str, dict[str, list[Any]]] = {
    "constant": {"step": [0.02, 0.05, 0.1, 0.2]},
    "polyak": {"initial_gap": [0.02, 0.05, 0.1]},
    "hwc": {"relaxation": [0.5, 1.0, 2.0]},
    "cfm": {"relaxation": [0.4, 0.7, 1.0], "patience": [5, 10]},
    "volume": {"step": [0.1, 0.2, 0.3, 0.6]},
    "adam": {"step": [0.05, 0.1, 0.2, 0.4]},
    "perturbed": {"noise": [0.05, 0.1, 0.2, 0.4]},
}


@dataclass(frozen=True)
class Setting:
    """One way to solve, and the question it belongs to."""

    question: str
    label: str
    config: SolveConfig
    constants: tuple[tuple[str, Any], ...] = ()


def settings() -> Iterator[Setting]:
    """Yield every setting of every question."""
    for evaluations in (10, 25, 50, 200):
        for lanes in (1, 2, 3, 5, 10, 20, 50):
            if lanes * 2 <= evaluations:
                config = SolveConfig(evaluations=evaluations, linearisations=lanes, without=SEARCH)
                yield Setting("linearisations", f"{lanes}", config)
    for rules in (("kmeans",), ("sweep",), ("farthest",), ("kmeans", "sweep"), ("kmeans", "sweep", "farthest")):
        for evaluations in (50, 200):
            config = SolveConfig(evaluations=evaluations, seedings=rules, without=SEARCH)
            yield Setting("seedings", " + ".join(rules), config)
    for name, fields in CONSTANTS.items():
        grid: list[tuple[tuple[str, Any], ...]] = [()]
        for field, values in fields.items():
            grid = [(*chosen, (field, value)) for chosen in grid for value in values]
        for chosen in grid:
            label = f"{name} " + ", ".join(f"{field} {value}" for field, value in chosen)
            for evaluations in (50, 200):
                config = SolveConfig(controller=name, evaluations=evaluations, method="reference")
                yield Setting("constants", label, config, chosen)


def instances() -> list[CVRP]:
    """Generate the validation instances."""
    rng = np.random.default_rng(INSTANCE_SEED)
    return [generate_x_type(sample_params(rng, SIZES[j % 3]), rng, name=f"V-{j:02d}") for j in range(24)]


def referenced(problem: CVRP) -> CVRP:
    """Attach PyVRP's cost after 5 s."""
    return replace(problem, best_known=route_with_pyvrp(problem, 5.0, 1).cost)


def measure(task: tuple[CVRP, Setting]) -> dict[str, Any]:
    """Solve one instance under one setting."""
    problem, setting = task
    name = setting.config.controller
    rule: Any = CONTROLLERS[name]
    if setting.constants:
        CONTROLLERS[name] = partial(rule, **dict(setting.constants))
    try:
        result = solve(problem, setting.config)
    finally:
        CONTROLLERS[name] = rule
    return {
        "question": setting.question,
        "label": setting.label,
        "evaluations": setting.config.evaluations,
        "method": setting.config.method,
        "instance": problem.name,
        "reference": problem.best_known,
        "cost": result.solution.cost,
        "gap_pct": problem.gap_percent(result.solution.cost),
        "seconds": round(result.seconds, 4),
    }


def show(rows: list[dict[str, Any]]) -> str:
    """Render one table per question: mean gap by setting and budget."""
    text = []
    for question in dict.fromkeys(row["question"] for row in rows):
        mine = [row for row in rows if row["question"] == question]
        budgets = sorted({row["evaluations"] for row in mine})
        gaps: dict[tuple[str, int], list[float]] = defaultdict(list)
        for row in mine:
            gaps[row["label"], row["evaluations"]].append(row["gap_pct"])
        text += [f"### {question} ({mine[0]['method']}), mean gap % on 24 generated instances", ""]
        text += ["| setting | " + " | ".join(f"{budget}" for budget in budgets) + " |", "|---|" + "--:|" * len(budgets)]
        for label in dict.fromkeys(row["label"] for row in mine):
            cells = (gaps.get((label, budget)) for budget in budgets)
            text.append(f"| {label} | " + " | ".join(f"{fmean(cell):.2f}" if cell else "—" for cell in cells) + " |")
        text.append("")
    return "\n".join(text)


def main(out: Path | None = None, show_rows: Path | None = None, workers: int = 2) -> None:
    """Measure, or show what was measured.

    Parameters
    ----------
    out
        Where the rows go.
    show_rows
        Rows to show instead of measuring.
    workers
        Processes, one thread each.
    """
    if show_rows is not None:
        print(show([with_method(row) for row in read_rows(show_rows)]))
        return
    if out is None:
        raise InputError("no file given", field="--out", remedy="say where the rows go, or --show-rows what to show")
    require_writable(out)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        problems = list(executor.map(referenced, instances()))
        tasks = [(problem, setting) for setting in settings() for problem in problems]
        rows = []
        for row in executor.map(measure, tasks, chunksize=4):
            rows.append(row)
            print(f"\r{len(rows)}/{len(tasks)}", end="", file=sys.stderr, flush=True)
    write_rows(out, rows)
    print(show(rows))


if __name__ == "__main__":
    tyro.cli(main)
