"""Which rule chooses the seeds best before any evaluation: estimate, rounded relaxation, or a network?

    python -m benchmarks.learned_choices.seeds --network seeds --out docs/rows/learned_seeds.jsonl
    python -m benchmarks.learned_choices.seeds --show-rows docs/rows/learned_seeds.jsonl

A row is one run on one instance: linearisations from chosen seeds share the evaluations, as many as in `lagrl solve
--method reference`; each takes the best of K seedings by a rule, and `hwc` ascends from its relaxation's prices. Rules:
`draw`, one seeding by the same rules in turn; `estimate`, the lowest relaxation and tours to the seeds, as `cheapest`;
`rounded`, the shortest routes of the rounded relaxation; `network`. All but `draw` see the same seedings. At equal
seconds, linearisations of 13 evaluations follow each other until the CPU seconds are over, the choices included.
Instances of CVRPLIB are a test. Rows that exist are kept, so that an interrupted run continues.
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
import torch
import tyro

from benchmarks.learned_choices.instances import CVRPLIB, NOISY, SHOTS
from lagrl.ascent import ascend
from lagrl.bench.statistics import bootstrap_interval
from lagrl.dual_loop import DualLoop
from lagrl.problems.cvrplib import read
from lagrl.recovery.rounding import round_relaxation
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import multiplier_ceiling
from lagrl.relaxation.linearise import vehicles_to_try
from lagrl.relaxation.seeding import candidate_seeds
from lagrl.samplers.registry import make_sampler
from lagrl.solve_config import default_linearisations
from policies.choice_checkpoint import load_choice
from policies.graph import as_tensors
from policies.seed_features import observe_seedings
from train.validation import validation_set

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lagrl.problems.cvrp import CVRP
    from lagrl.recovery.rounding import RoundedRelaxation
    from policies.choice_network import ChoiceNetwork

BUDGETS = (30, 100, 300)
SECONDS = (0.3, 1.0)
SIZES = (4, 24)
RULES = ("draw", "estimate", "rounded", "network")
MIXTURE = ("concentrators", "kmeans", "sweep")
_EVALUATIONS = 13  # of a linearisation at equal seconds
_SEEDED = 33  # generated instances
_STREAM = 0x53454453


def chosen(
    problem: CVRP, index: int, rule: str, size: int, rng: np.random.Generator, net: ChoiceNetwork | None
) -> RoundedRelaxation:
    """Draw seedings for linearisation `index`, and return the relaxation of the one that a rule takes."""
    n_vehicles = vehicles_to_try(problem, index)
    if rule == "draw":
        own = MIXTURE[(problem.n_customers + index) % len(MIXTURE)]
        return round_relaxation(problem, candidate_seeds(problem, n_vehicles, rng, (own,), 1)[0])
    seedings = candidate_seeds(problem, n_vehicles, rng, MIXTURE, size)
    if rule == "network":
        assert net is not None
        observation, rounded = observe_seedings(problem, seedings)
        with torch.inference_mode():
            return rounded[int(net(as_tensors(observation)).view(-1).argmax())]
    rounded = [round_relaxation(problem, seeds) for seeds in seedings]
    return min(rounded, key=lambda one: one.cost if rule == "rounded" else one.estimate)


def run(
    problem: CVRP,
    seed: int,
    rule: str,
    size: int,
    sampler: str,
    net: ChoiceNetwork | None,
    evaluations: int | None,
    seconds: float | None = None,
) -> dict[str, Any]:
    """Ascend from chosen seeds until the evaluations or the CPU seconds are spent; return the shortest routes."""
    best, spent, index, choosing = np.inf, 0, 0, 0.0
    started = time.process_time()
    count = 1 if evaluations is None else default_linearisations(evaluations)
    while (seconds is not None and time.process_time() - started < seconds) or (seconds is None and index < count):
        begun = time.process_time()
        rng = np.random.default_rng([_STREAM, seed, index])
        one = chosen(problem, index, rule, size, rng, net)
        choosing += time.process_time() - begun
        each = (
            _EVALUATIONS if evaluations is None else evaluations * (index + 1) // count - evaluations * index // count
        )
        own = np.random.default_rng([_STREAM, seed, index, 1])
        dual = AssignmentDual(
            one.assignment,
            make_sampler(sampler),
            shots=SHOTS,
            rng=own,
            ceiling=multiplier_ceiling(one.assignment, one.dual),
        )
        trace = ascend(DualLoop.of(dual), "hwc", each, own, one.dual.multipliers)
        best, spent, index = min(best, *trace.route_cost), spent + len(trace.route_cost), index + 1
    return {
        "cost": best,
        "spent": spent,
        "linearisations": index,
        "choosing_seconds": round(choosing, 4),
        "cpu_seconds": round(time.process_time() - started, 4),
    }


def tasks(instances: int, few: int) -> Iterator[tuple[str, CVRP, str, int | None, float | None, int]]:
    """Return set, instance, sampler, evaluations, seconds and K of every comparison of the rules."""
    generated = validation_set(_SEEDED, instances, (20, 150))
    test = [read(name) for name in CVRPLIB]
    for problem in generated:
        for size in SIZES:
            yield "generated", problem, "exact", BUDGETS[0], None, size
    for budget in BUDGETS[1:]:
        for problem in generated:
            yield "generated", problem, "exact", budget, None, SIZES[0]
        for problem in test:
            yield "CVRPLIB", problem, "exact", budget, None, SIZES[0]
    for sampler in NOISY:
        for problem in generated[: 2 * few : 2]:
            yield "generated", problem, sampler, BUDGETS[0], None, SIZES[0]
    for seconds in SECONDS:
        for problem in generated[::2]:
            yield "generated", problem, "exact", None, seconds, SIZES[0]


def main(
    out: Path | None = None,
    show_rows: Path | None = None,
    network: str = "seeds",
    instances: int = 32,
    few: int = 12,
    rules: tuple[str, ...] = RULES,
    shard: tuple[int, int] = (0, 1),
) -> None:
    """Measure or show the runs.

    Parameters
    ----------
    out
        File for the rows.
    show_rows
        Rows of an earlier run, to be shown instead.
    network
        Path of the network, or the name of a shipped one.
    instances
        Number of generated instances of 20 to 150 customers.
    few
        Instances under approximate samplers.
    rules
        Rules to measure.
    shard
        Number of this process, and of all that share the rows; each has a file of its own.
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    assert out is not None
    net = load_choice(network, "seeds").net if "network" in rules else None
    keys = ("set", "instance", "sampler", "evaluations", "seconds", "k", "rule")
    done = {tuple(row[key] for key in keys) for row in read_rows_if_any(out)}
    common = origin()
    for number, (kind, problem, sampler, evaluations, seconds, size) in enumerate(tasks(instances, few)):
        if number % shard[1] != shard[0]:
            continue
        for rule in rules[:: 1 if number // shard[1] % 2 else -1]:
            key = (kind, problem.name, sampler, evaluations, seconds, size, rule)
            if key not in done:
                row: dict[str, Any] = dict(zip(keys, key, strict=True)) | {"n_customers": problem.n_customers}
                row |= run(problem, problem.n_customers, rule, size, sampler, net, evaluations, seconds)
                append_rows(out, [row | common])
    show(read_rows(out))


def show(rows: list[dict[str, Any]]) -> None:
    """Print route costs against those of a drawn seeding and of the lowest estimate, and CPU times."""
    print("| instances | sampler | evaluations | CPU s | K | rule | cost − draw, % | − estimate, % | choosing, ms |")
    print("|---|---|--:|--:|--:|---|---|---|--:|")
    names = ("set", "sampler", "evaluations", "seconds", "k")
    for cell in dict.fromkeys(tuple(row[name] for name in names) for row in rows):
        own = [row for row in rows if tuple(row[name] for name in names) == cell]
        costs = {rule: {row["instance"]: row["cost"] for row in own if row["rule"] == rule} for rule in RULES}
        common = sorted(set.intersection(*(set(cost) for cost in costs.values() if cost)))
        for rule in RULES[1:]:
            if not costs[rule] or not common:
                continue
            against = [
                [100.0 * (costs[rule][name] / costs[other][name] - 1.0) for name in common]
                for other in ("draw", "estimate")
            ]
            ms = [1e3 * row["choosing_seconds"] / row["linearisations"] for row in own if row["rule"] == rule]
            shown = ["" if value is None else str(value) for value in cell]
            print(
                f"| {shown[0]}, {len(common)} | {' | '.join(shown[1:])} | {rule} | "
                f"{' | '.join(map(_interval, against))} | {np.mean(ms):.1f} |"
            )


def _interval(values: list[float]) -> str:
    interval = bootstrap_interval(np.array(values), np.random.default_rng(0))
    return f"{interval.mean:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"


if __name__ == "__main__":
    tyro.cli(main)
