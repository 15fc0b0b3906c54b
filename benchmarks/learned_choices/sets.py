"""What is a network worth that chooses whom a move frees? `LagrangianSearch-v0` at equal evaluations and equal seconds.

    python -m benchmarks.learned_choices.sets --network sets --out docs/rows/learned_sets.jsonl
    python -m benchmarks.learned_choices.sets --show-rows docs/rows/learned_sets.jsonl

Each row is one search from Clarke and Wright's routes after local search, of one evaluation per move. Actors: `random`
sets by the search's own rule, the `network`'s choice among 8 of them or among 2, and `lookahead`, which tries all 8 and
pays for every try, so that a budget of N evaluations allows N/8 moves. Equal seconds are read off random searches of
more moves. Instances of CVRPLIB are a test. Rows that exist are kept, so that an interrupted run continues.
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

from benchmarks.learned_choices.instances import CVRPLIB, NOISY, SHOTS
from envs.search.baselines import lookahead
from envs.search.config import SearchEnvConfig
from envs.search.core import SearchBatch
from lagrl.bench.statistics import bootstrap_interval
from lagrl.problems.cvrplib import read
from policies.choice_checkpoint import load_choice
from train.choices.labels import best_set
from train.validation import validation_set

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lagrl.problems.cvrp import CVRP
    from policies.choice_network import ChoiceNetwork

BUDGETS = (30, 100, 300)
CHOICES = 8
ACTORS = ("random", "network", "network of 2", "random twice", "lookahead")
_SEEDED = 32  # generated instances
_STREAM = 0x53455453


def search(
    problem: CVRP, seed: int, actor: str, moves: int, sampler: str, net: ChoiceNetwork | None
) -> tuple[float, float, float]:
    """Search with an actor; return the start's and the final cost, distance units, and CPU seconds of the moves."""
    n = problem.n_customers
    config = SearchEnvConfig(
        n_max=n,
        n_customers=(n, n),
        max_moves=moves,
        action="choice",
        choices=CHOICES,
        sampler=sampler,
        shots=SHOTS,
    )
    batch = SearchBatch(config, 1)
    batch.reset(0, np.random.default_rng([_STREAM, seed]), problem)
    episode = batch.episodes[0]
    started = time.process_time()
    while not episode.is_over:
        if actor.startswith("network"):
            assert net is not None
            action = best_set(net, batch.observation(0), None if actor == "network" else 2)
        else:
            action = lookahead(episode, batch.sets(0)).best if actor == "lookahead" else 0
        batch.step(np.array([action]))
    return episode.start_cost, episode.search.incumbent.cost, time.process_time() - started


def tasks(instances: int, seeds: int, few: int) -> Iterator[tuple[str, CVRP, int, str, int, str]]:
    """Return set, instance, seed, sampler, evaluations and actor of every row, the exact sampler first."""
    generated = validation_set(_SEEDED, instances, (60, 170))
    test = [read(name) for name in CVRPLIB]
    for budget in BUDGETS:
        for actor in ACTORS:
            for seed in range(seeds if actor != "lookahead" else 1):
                for problem in generated:
                    yield "generated", problem, seed, "exact", budget, actor
    for budget in BUDGETS[1:]:
        for actor in ("random", "network"):
            for problem in test:
                yield "CVRPLIB", problem, 0, "exact", budget, actor
    for sampler in NOISY:
        for budget in BUDGETS[:2]:
            for actor in ("random", "network"):
                for problem in generated[: 2 * few : 2]:
                    yield "generated", problem, 0, sampler, budget, actor


def main(
    out: Path | None = None,
    show_rows: Path | None = None,
    network: str = "sets",
    instances: int = 24,
    seeds: int = 2,
    few: int = 8,
    actors: tuple[str, ...] = ACTORS,
    shard: tuple[int, int] = (0, 1),
) -> None:
    """Measure or show the searches.

    Parameters
    ----------
    out
        File for the rows.
    show_rows
        Rows of an earlier run, to be shown instead.
    network
        Path of the network, or the name of a shipped one.
    instances
        Number of generated instances of 60 to 170 customers.
    seeds
        Seeds per instance; lookahead has one.
    few
        Instances under approximate samplers.
    actors
        Actors to measure.
    shard
        Number of this process, and of all that share the rows; each has a file of its own.
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    assert out is not None
    net = load_choice(network, "sets").net if {"network", "network of 2"} & {*actors} else None
    keys = ("set", "instance", "seed", "sampler", "evaluations", "actor")
    done = {tuple(row[key] for key in keys) for row in read_rows_if_any(out)}
    common = origin("pyvrp")
    wanted = [task for task in tasks(instances, seeds, few) if task[-1] in actors]
    for kind, problem, seed, sampler, budget, actor in wanted[shard[0] :: shard[1]]:
        key = (kind, problem.name, seed, sampler, budget, actor)
        if key in done:
            continue
        moves = {"random twice": 2 * budget, "lookahead": budget // CHOICES}.get(actor, budget)
        start, cost, seconds = search(problem, seed, actor, moves, sampler, net)
        row: dict[str, Any] = dict(zip(keys, key, strict=True))
        row |= {"n_customers": problem.n_customers, "moves": moves, "start_cost": start, "cost": cost}
        append_rows(out, [row | {"cpu_seconds": round(seconds, 4)} | common])
    show(read_rows(out))


def show(rows: list[dict[str, Any]]) -> None:
    """Print differences of cost from random sets, CPU seconds per move, and break-even prices of an evaluation."""
    print("| instances | sampler | evaluations | actor | cost − random, % | pairs | ms per move | random, ms |")
    print("|---|---|--:|---|---|--:|--:|--:|")
    cells = dict.fromkeys((row["set"], row["sampler"], row["evaluations"], row["actor"]) for row in rows)
    for cell in cells:
        kind, sampler, budget, actor = cell
        reference = _costs(rows, (kind, sampler, budget, "random"))
        if actor == "random" or not reference:
            continue
        own = _costs(rows, cell)
        pairs = sorted(own.keys() & reference.keys())
        change = _by_instance({pair: 100.0 * (own[pair][0] / reference[pair][0] - 1.0) for pair in pairs})
        ms, other = (1e3 * np.mean([one[pair][1] for pair in pairs]) for one in (own, reference))
        print(
            f"| {kind} | {sampler} | {budget} | {actor} | {_interval(change)} | {len(pairs)} | {ms:.2f} | {other:.2f} |"
        )
    show_prices(rows)


def show_prices(rows: list[dict[str, Any]]) -> None:
    """Print at which price of an evaluation the network pays: where its N evaluations cost no more than random's M.

    M gives the network's mean cost by linear interpolation, in ln M, between random searches of N and 2·N moves. The
    break-even price p solves N·(t_network + p) = M·(t_random + p).
    """
    print("\n| evaluations N | network − random of N, % | random of 2·N − random of N, % | M | break-even price, ms |")
    print("|--:|---|---|--:|--:|")
    for budget in BUDGETS:
        base, twice, own = (
            _costs(rows, ("generated", "exact", budget, actor)) for actor in ("random", "random twice", "network")
        )
        pairs = sorted(base.keys() & twice.keys() & own.keys())
        if not pairs:
            continue
        gain, more = (
            _by_instance({pair: 100.0 * (one[pair][0] / base[pair][0] - 1.0) for pair in pairs}) for one in (own, twice)
        )
        share = float(np.mean(gain) / np.mean(more))
        equal = budget * 2.0**share
        t_random, t_own = (1e3 * float(np.mean([one[pair][1] for pair in pairs])) for one in (base, own))
        price = (budget * t_own - equal * t_random) / (equal - budget) if equal > budget else np.inf
        text = "none" if not np.isfinite(price) else f"{max(price, 0.0):.2f}"
        print(f"| {budget} | {_interval(gain)} | {_interval(more)} | {equal:.0f} | {text} |")


def _costs(rows: list[dict[str, Any]], cell: tuple[Any, ...]) -> dict[tuple[str, int], tuple[float, float]]:
    """Return cost and CPU seconds per move by instance and seed."""
    return {
        (row["instance"], row["seed"]): (row["cost"], row["cpu_seconds"] / max(row["moves"], 1))
        for row in rows
        if (row["set"], row["sampler"], row["evaluations"], row["actor"]) == cell
    }


def _by_instance(values: dict[tuple[str, int], float]) -> list[float]:
    """Return the mean over the seeds of each instance."""
    names = dict.fromkeys(name for name, _ in values)
    return [float(np.mean([value for (own, _), value in values.items() if own == name])) for name in names]


def _interval(values: list[float]) -> str:
    interval = bootstrap_interval(np.array(values), np.random.default_rng(0))
    return f"{interval.mean:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"


if __name__ == "__main__":
    tyro.cli(main)
