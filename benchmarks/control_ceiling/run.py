"""How much could controlling the multipliers win? Rules, an oracle and a policy with scaled steps.

    python -m benchmarks.control_ceiling.run --checkpoint checkpoints/bc-small --out docs/rows/control_ceiling.jsonl
    python -m benchmarks.control_ceiling.run --show-rows docs/rows/control_ceiling.jsonl

Every controller ascends the same linearisation of each generated instance, from the same start, with the same decoder.
The oracle `target` knows λ* from a long run of its own and goes straight there: no controller can do better by the
dual. "Steps x 0.40" is the policy with all of its steps multiplied. "Best of all" takes each instance's cheapest routes
over all controllers: what somebody who could foresee them would choose. Rows that exist are kept, so that an
interrupted run continues.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, one_thread, origin, read_rows, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

from lagrl.bench.statistics import bootstrap_interval
from lagrl.controllers.base import Controller
from lagrl.controllers.registry import controller_factory
from lagrl.problems.cvrp import CVRP
from lagrl.recovery.savings import clarke_wright
from lagrl.solver import SolveConfig, solve
from policies.checkpoint import Checkpoint, load_checkpoint
from policies.controller import PolicyController
from train.experts import expert_factory
from train.validation import validation_set

RULES = ("hwc", "cfm", "volume", "polyak", "adam", "perturbed")
LONG = 600  # evaluations of the runs that say how high the dual is


class Shifted(PolicyController):
    """A policy whose actions are all moved by the same amount: its steps times a constant."""

    def __init__(self, checkpoint: Checkpoint, by: float) -> None:
        super().__init__(checkpoint)
        self.by = by

    def action(self, nodes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the mean action, moved."""
        return np.clip(super().action(nodes) + np.float32(self.by), -1.0, 1.0)


def controllers(checkpoint: str | None, shifts: tuple[float, ...]) -> dict[str, Callable[[], Controller]]:
    """Return what makes each controller, by name; the first is what others are compared with."""
    found: dict[str, Callable[[], Controller]] = {name: controller_factory(name) for name in RULES}
    found["target (oracle)"] = expert_factory("target")
    if checkpoint is not None:
        policy = load_checkpoint(checkpoint)
        found[checkpoint] = partial(PolicyController, policy)
        for by in shifts:
            found[f"{checkpoint}, steps x {10 ** (policy.action.decades * by):.2f}"] = partial(Shifted, policy, by)
    return found


def ascend_once(problem: CVRP, make: Callable[[], Controller], budget: int, seed: int) -> tuple[float, float]:
    """Return the cheapest routes of one ascent and its highest exact dual value, distance units."""
    config = SolveConfig(evaluations=budget, method="reference", seed=seed, linearisations=1)
    result = solve(problem, config, controller=make)
    assert result.ascents[0].trace.dual_value is not None
    return result.solution.cost, result.ascents[0].trace.dual_value


def measure(problem: CVRP, makers: dict[str, Callable[[], Controller]], budget: int, seed: int) -> list[dict[str, Any]]:
    """Return one row per controller on one instance."""
    found = {name: ascend_once(problem, make, budget, seed) for name, make in makers.items()}
    highest = max(ascend_once(problem, controller_factory(rule), LONG, seed)[1] for rule in ("cfm", "volume"))
    highest = max([highest, *(value for _, value in found.values())])
    savings = clarke_wright(problem).cost
    return [
        {
            "instance": problem.name,
            "controller": name,
            "budget": budget,
            "cost": cost,
            "savings_cost": savings,
            "dual_gap_pct": 100.0 * (highest - value) / highest,
        }
        for name, (cost, value) in found.items()
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as Markdown: dual gap, and route cost against the first controller with its interval."""
    names = list(dict.fromkeys(row["controller"] for row in rows))
    budgets = list(dict.fromkeys(row["budget"] for row in rows))
    lines = ["| controller | budget | dual gap % | route cost, % over the first one's |", "|---|--:|--:|--:|"]
    rng = np.random.default_rng(0)
    for budget in budgets:
        costs = {n: np.array([r["cost"] for r in rows if (r["controller"], r["budget"]) == (n, budget)]) for n in names}
        costs["best of all, in hindsight"] = np.min(list(costs.values()), axis=0)
        for name, cost in costs.items():
            gaps = [r["dual_gap_pct"] for r in rows if (r["controller"], r["budget"]) == (name, budget)]
            gap = f"{np.mean(gaps):.2f}" if gaps else "—"
            over = 100.0 * (cost / costs[names[0]] - 1.0)
            if name == names[0]:
                lines.append(f"| {name} | {budget} | {gap} | 0 |")
                continue
            interval = bootstrap_interval(over, rng)
            lines.append(
                f"| {name} | {budget} | {gap} | {over.mean():+.2f} [{interval.low:+.2f}, {interval.high:+.2f}] |"
            )
    return "\n".join(lines)


def main(
    out: Path | None = None,
    show_rows: Path | None = None,
    checkpoint: str | None = None,
    shifts: tuple[float, ...] = (-0.4, -0.2, -0.1, 0.1, 0.2, 0.4),
    instances: int = 100,
    sizes: tuple[int, int] = (20, 150),
    budgets: tuple[int, ...] = (10, 25),
    seed: int = 7_000_003,
) -> None:
    """Measure, or show the rows.

    Parameters
    ----------
    out
        File for the rows.
    show_rows
        Rows of an earlier run, to be shown instead.
    checkpoint
        A policy to put beside the rules.
    shifts
        Moves of all its actions.
    instances, sizes, seed
        Generated instances: how many, customers of the smallest and largest, and their seed.
    budgets
        Evaluations.
    """
    if show_rows is not None:
        print(table(read_rows(show_rows)))
        return
    assert out is not None
    makers = controllers(checkpoint, shifts)
    done = {(row["instance"], row["budget"]) for row in read_rows_if_any(out)}
    common = origin("torch")
    for budget in budgets:
        for number, problem in enumerate(validation_set(seed, instances, sizes)):
            if (problem.name, budget) not in done:
                append_rows(out, [row | common for row in measure(problem, makers, budget, number)])
    print(table(read_rows(out)))


if __name__ == "__main__":
    tyro.cli(main)
