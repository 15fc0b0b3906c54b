"""Which of several seedings has the shortest routes, and does its linear relaxation say so before any evaluation?

    python -m benchmarks.environment_study.seeding --out docs/rows/environment_seeding.jsonl    # six minutes, one core
    python -m benchmarks.environment_study.seeding --show-rows docs/rows/environment_seeding.jsonl    # the tables again

On each instance every rule places seeds several times. Each seeding is linearised, its linear relaxation is solved, and
`hwc` ascends from the relaxation's prices for 13 evaluations, toured as in `lagrl solve`. A row has the values and the
final route costs of all seedings of one instance, so that every way to choose among K of them can be computed from the
rows. Choices are made on generated instances; those of CVRPLIB are a test. Last, `lagrl solve` is run with the default
rules and with `cheapest`, at equal evaluations and at equal seconds.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, origin, read_rows, read_rows_if_any

if __name__ == "__main__":
    from benchmarks.harness import one_thread

    one_thread()  # before numpy, numba and torch are loaded

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tyro

from lagrl.ascent import ascend
from lagrl.bench.statistics import bootstrap_interval
from lagrl.bench.suites import PAPER30
from lagrl.dual_loop import DualLoop
from lagrl.problems.cvrplib import read
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual, multiplier_ceiling
from lagrl.relaxation.linearise import linearise, vehicles_to_try
from lagrl.relaxation.seeding import SEEDINGS
from lagrl.solve_config import SolveConfig
from lagrl.solver import solve
from train.validation import validation_set

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP

RULES = ("kmeans", "sweep", "farthest", "concentrators")
EVALUATIONS = 13
MIXTURES = (
    ("kmeans", "sweep"),
    ("concentrators",),
    ("concentrators", "kmeans"),
    ("concentrators", "kmeans", "sweep"),
    ("concentrators", "kmeans", "sweep", "farthest"),
)
SIZES = (1, 3, 4, 8, 24)
CHOSEN_BY = "estimate"
_SEEDED = 17  # generated instances
_RESAMPLES = 400
SOLVES: dict[str, dict[str, Any]] = {
    "reference, 40 evaluations": {"method": "reference", "evaluations": 40},
    "search, 1.5 s": {"seconds": 1.5},
}
SEEDINGS_OF_SOLVES: tuple[tuple[str, ...], ...] = (("kmeans", "sweep"), ("cheapest",))


def measure(problem: CVRP, rule: str, draw: int) -> dict[str, Any]:
    """Place seeds by one rule and one draw; return the values of its linearisation and its route cost."""
    n_vehicles = vehicles_to_try(problem)
    started = time.process_time()
    seeds = SEEDINGS[rule](problem, n_vehicles, np.random.default_rng([draw, RULES.index(rule)]))
    placed = time.process_time()
    assignment = linearise(problem, seeds)
    warm = linear_dual(assignment)
    relaxed = time.process_time()
    dual = AssignmentDual(assignment, ceiling=multiplier_ceiling(assignment, warm))
    trace = ascend(DualLoop.of(dual), "hwc", EVALUATIONS, np.random.default_rng(draw), warm.multipliers)
    return {
        "rule": rule,
        "draw": draw,
        "relaxation": round(warm.value, 3),
        "tours": round(2.0 * float(seeds.distance[:, 0].sum()), 3),
        "route_cost": min(trace.route_cost),
        "seeding_ms": round(1e3 * (placed - started), 3),
        "relaxation_ms": round(1e3 * (relaxed - placed), 3),
    }


def solved(problem: CVRP, seed: int) -> list[dict[str, Any]]:
    """Solve an instance under every setting and every choice of rules, these in alternating order."""
    return [
        {
            "setting": name,
            "rules": rules,
            "cost": solve(problem, SolveConfig(seedings=rules, seed=seed, **fields)).solution.cost,
        }
        for name, fields in SOLVES.items()
        for rules in SEEDINGS_OF_SOLVES[:: 1 if seed % 2 else -1]
    ]


def main(
    out: Path | None = None,
    show_rows: Path | None = None,
    generated: int = 64,
    largest: int = 200,
    draws: int = 12,
    solves: int = 24,
) -> None:
    """Measure or show what seedings are worth.

    Parameters
    ----------
    out
        File for the rows.
    show_rows
        Rows of an earlier run, to be shown instead.
    generated
        Number of generated instances of 20 to 150 customers.
    largest
        Customers of the largest CVRPLIB instance; 0: none.
    draws
        Seedings by each rule.
    solves
        Generated instances of 60 to 300 customers that are solved.
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    assert out is not None
    done = {(row["set"], row["instance"]) for row in read_rows_if_any(out)}
    problems = [("generated", problem) for problem in validation_set(_SEEDED, generated, (20, 150))]
    problems += [("CVRPLIB", read(name)) for name in PAPER30 if int(name.split("-")[1][1:]) <= largest]
    common = origin()
    for rule in RULES:  # compiles, before anything is timed
        measure(problems[0][1], rule, 0)
    for kind, problem in problems:
        if (kind, problem.name) not in done:
            seedings = [measure(problem, rule, draw) for rule in RULES for draw in range(draws)]
            row = {"set": kind, "instance": problem.name, "n_customers": problem.n_customers, "seedings": seedings}
            append_rows(out, [row | common])
    for index, problem in enumerate(validation_set(_SEEDED + 1, solves, (60, 300)) if solves else ()):
        if ("solves", problem.name) not in done:
            row = {"set": "solves", "instance": problem.name, "n_customers": problem.n_customers}
            append_rows(out, [row | {"solves": solved(problem, index)} | common])
    show(read_rows(out))


def show(rows: list[dict[str, Any]]) -> None:
    """Print the tables."""
    for kind in dict.fromkeys(row["set"] for row in rows if "seedings" in row):
        chosen = [row["seedings"] for row in rows if row["set"] == kind]
        show_rules(kind, chosen)
        show_choices(kind, chosen)
    show_solves([row["solves"] for row in rows if row["set"] == "solves"])


def show_rules(kind: str, instances: list[list[dict[str, Any]]]) -> None:
    """Print each rule's mean route cost against k-means, and its milliseconds."""
    print(f"\n| {kind}, {len(instances)} instances | mean route cost − kmeans, % | seeding, ms | relaxation, ms |")
    print("|---|---|--:|--:|")
    for rule in RULES:
        costs = [_mean_cost(seedings, (rule,)) / _mean_cost(seedings, ("kmeans",)) - 1.0 for seedings in instances]
        of_rule = [one for seedings in instances for one in seedings if one["rule"] == rule]
        times = [np.median([one[name] for one in of_rule]) for name in ("seeding_ms", "relaxation_ms")]
        print(f"| {rule} | {_interval(costs)} | {times[0]:.1f} | {times[1]:.1f} |")


def show_choices(kind: str, instances: list[list[dict[str, Any]]]) -> None:
    """Print the choice among K seedings of a mixture by different values, against a random one of the same mixture."""
    print(
        f"\n| {kind}: rules | K | lowest relaxation | lowest relaxation + tours | best route cost | − default, % | ms |"
    )
    print("|---|--:|---|---|---|---|--:|")
    for rules in MIXTURES:
        for size in SIZES:
            if size > len(rules) * _draws_of(instances):
                continue
            columns: dict[str, list[float]] = {name: [] for name in ("relaxation", "estimate", "route_cost", "default")}
            times = []
            for seedings in instances:
                drawn = _draws(seedings, rules, size)
                random = float(drawn["route_cost"].mean())
                times.append(drawn["ms"].sum(axis=1).mean())
                for name in ("relaxation", "estimate", "route_cost"):
                    best = drawn[name].argmin(axis=1)
                    cost = float(drawn["route_cost"][np.arange(len(best)), best].mean())
                    columns[name].append(cost / random - 1.0)
                    if name == CHOSEN_BY:
                        columns["default"].append(cost / _mean_cost(seedings, ("kmeans", "sweep")) - 1.0)
            print(
                f"| {', '.join(rules)} | {size} | "
                + " | ".join(map(_interval, columns.values()))
                + f" | {np.median(times):.0f} |"
            )


def show_solves(instances: list[list[dict[str, Any]]]) -> None:
    """Print the difference of route costs by the rule `cheapest` from the default rules, in percent."""
    if not instances:
        return
    print(f"\n| lagrl solve, {len(instances)} generated instances | cheapest − default, % |\n|---|---|")
    for setting in SOLVES:
        found = [{tuple(one["rules"]): one["cost"] for one in row if one["setting"] == setting} for row in instances]
        default, cheapest = SEEDINGS_OF_SOLVES
        print(f"| {setting} | {_interval([costs[cheapest] / costs[default] - 1.0 for costs in found])} |")


def _draws(seedings: list[dict[str, Any]], rules: tuple[str, ...], size: int) -> dict[str, NDArray[np.float64]]:
    """Return the values of `_RESAMPLES` sets of `size` seedings by the rules in turn, different draws each."""
    rng = np.random.default_rng(0)
    of_rule = {rule: [index for index, one in enumerate(seedings) if one["rule"] == rule] for rule in rules}
    sets = []
    for _ in range(_RESAMPLES):
        shuffled = [rng.permutation(of_rule[rule]) for rule in rules]
        sets.append([shuffled[index % len(rules)][index // len(rules)] for index in range(size)])
    values = {name: np.array([one[name] for one in seedings]) for name in ("relaxation", "tours", "route_cost")}
    values["estimate"] = values["relaxation"] + values["tours"]
    values["ms"] = np.array([one["seeding_ms"] + one["relaxation_ms"] for one in seedings])
    return {name: array[np.array(sets)] for name, array in values.items()}


def _draws_of(instances: list[list[dict[str, Any]]]) -> int:
    return 1 + max(one["draw"] for seedings in instances for one in seedings)


def _mean_cost(seedings: list[dict[str, Any]], rules: tuple[str, ...]) -> float:
    return float(np.mean([one["route_cost"] for one in seedings if one["rule"] in rules]))


def _interval(shares: list[float]) -> str:
    interval = bootstrap_interval(100.0 * np.array(shares), np.random.default_rng(0))
    return f"{interval.mean:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"


if __name__ == "__main__":
    tyro.cli(main)
