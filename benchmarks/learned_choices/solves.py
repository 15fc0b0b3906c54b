"""Which estimate should choose the seeds of `--seedings cheapest` in a solve, and should that rule be a default?

    python -m benchmarks.learned_choices.solves --out docs/rows/learned_seeds_solves.jsonl     # minutes on one core
    python -m benchmarks.learned_choices.solves --show-rows docs/rows/learned_seeds_solves.jsonl

A row is one `lagrl solve` of a generated instance at a number of evaluations, by `--method reference` or `search`. The
rules are the default ones, and `cheapest` (4 or 24 seedings) by the tours to the seeds and the relaxation (`estimate`)
or by the routes to which the relaxation is rounded (`rounded`). Rows that exist are kept.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, one_thread, origin, read_rows, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy and numba are loaded

from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import tyro

from lagrl.bench.statistics import bootstrap_interval
from lagrl.recovery.rounding import rounded_cost
from lagrl.relaxation.seeding import Seeds
from lagrl.search import search
from lagrl.solve_config import SolveConfig
from lagrl.solver import solve
from train.validation import validation_set

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP

SETTINGS = (("reference", 30), ("reference", 100), ("search", 30), ("search", 100), ("search", 200))
RULES: dict[str, tuple[str, ...]] = {
    "default": ("kmeans", "sweep"),
    "estimate": ("cheapest",),
    "rounded": ("cheapest",),
    "estimate of 24": ("cheapest:24",),
    "rounded of 24": ("cheapest:24",),
}
LONG = ("estimate of 24", "rounded of 24")
_LONG_AT = 30  # evaluations of these: their seeds take a second
_SEEDED = 35  # generated instances


def solved(problem: CVRP, seed: int, method: Any, evaluations: int, rule: str) -> dict[str, Any]:
    """Solve an instance with the seeds of a rule."""
    config = SolveConfig(method=method, evaluations=evaluations, seedings=RULES[rule], seed=seed)
    cost_of = Seeds.estimated_cost if rule.startswith("estimate") else rounded_cost
    with patch.object(search, "rounded_cost", cost_of):
        result = solve(problem, config)
    return {"cost": result.cost, "seconds": round(result.elapsed, 3), "spent": result.evaluations}


def main(out: Path | None = None, show_rows: Path | None = None, instances: int = 40) -> None:
    """Measure what is missing, or show rows.

    Parameters
    ----------
    out
        File for the rows.
    show_rows
        Rows of an earlier run, to be shown instead.
    instances
        Number of generated instances of 20 to 150 customers.
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    assert out is not None
    keys = ("instance", "method", "evaluations", "rule")
    done = {tuple(row[key] for key in keys) for row in read_rows_if_any(out)}
    common = origin()
    for index, problem in enumerate(validation_set(_SEEDED, instances, (20, 150))):
        for (method, evaluations), rule in product(SETTINGS, RULES):
            if rule in LONG and evaluations > _LONG_AT:
                continue
            key = (problem.name, method, evaluations, rule)
            if key not in done:
                row = dict(zip(keys, key, strict=True)) | {"n_customers": problem.n_customers}
                append_rows(out, [row | solved(problem, index, method, evaluations, rule) | common])
    show(read_rows(out))


def show(rows: list[dict[str, Any]]) -> None:
    """Print route costs against those of the default rules and of the estimate of as many seedings."""
    print("| method | evaluations | rule | instances | cost − default, % | − estimate, % | seconds |")
    print("|---|--:|---|--:|---|---|--:|")
    for method, evaluations in SETTINGS:
        own = [row for row in rows if (row["method"], row["evaluations"]) == (method, evaluations)]
        costs = {rule: {row["instance"]: row["cost"] for row in own if row["rule"] == rule} for rule in RULES}
        costs = {rule: cost for rule, cost in costs.items() if cost}
        names = sorted(set.intersection(*map(set, costs.values()))) if costs else []
        for rule in costs:
            others = ("default", rule.replace("rounded", "estimate"))
            cells = [
                _interval([100.0 * (costs[rule][name] / costs[other][name] - 1.0) for name in names])
                if other != rule and names
                else ""
                for other in others
            ]
            seconds = np.mean([row["seconds"] for row in own if row["rule"] == rule])
            print(f"| {method} | {evaluations} | {rule} | {len(names)} | {' | '.join(cells)} | {seconds:.2f} |")


def _interval(values: list[float]) -> str:
    interval = bootstrap_interval(np.array(values), np.random.default_rng(0))
    return f"{interval.mean:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"


if __name__ == "__main__":
    tyro.cli(main)
