"""How chains share moves, constants of a search, and what a second worker is worth, on generated X-type instances.

    python -m benchmarks.chain_choices.run --rows docs/rows/chain_choices.jsonl --part moves
    python -m benchmarks.chain_choices.run --rows docs/rows/chain_choices.jsonl --part priced --seconds 1
    python -m benchmarks.chain_choices.run --rows docs/rows/chain_choices.jsonl --part speed --sizes 100 300 1000
    python -m benchmarks.chain_choices.run --rows docs/rows/chain_choices.jsonl --part solve --variants "share 0.6"
    taskset -c 0,1 python -m benchmarks.chain_choices.run --rows docs/rows/chain_choices.jsonl --part workers
    python -m benchmarks.chain_choices.run --rows docs/rows/chain_choices.jsonl

`moves`: chains alone, from Clarke and Wright's routes, with a number of moves as the clock; the rows depend on the
seed only. `priced`: a chain alone, with and without assignment by prices, with processor time as the clock, so that a
busy machine does not matter. `speed`: moves per second of such a chain at a fixed temperature. `solve`: whole solves,
with the same clock. `workers`: whole solves by the wall clock, for which the machine must be quiet: two workers, and
one with the same or 1.6 times the seconds. Run it again after an interruption to make the rest.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

from benchmarks.harness import Row, append_rows, one_thread, origin, read_rows_if_any, set_constants

if __name__ == "__main__":
    one_thread()  # before numpy and numba are loaded

import numpy as np
import tyro

from lagrl.compilation import compile_kernels
from lagrl.problems.cvrp import CVRP
from lagrl.problems.generate import generate
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.pool import RoutePool
from lagrl.recovery.savings import clarke_wright
from lagrl.search.chaining import Cooling
from lagrl.search.move_chain import MoveChain
from lagrl.search.shared_chain import SharedChain
from lagrl.solver import solve

SIZES = (100, 130, 170, 210, 260, 320, 400, 480, 560, 650, 760, 900)
FEW_SIZES = (100, 260, 650)
SLICES = 200
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "share 0.6": {"chaining._SHARE": 0.6},
    "share 0.9": {"chaining._SHARE": 0.9},
    "share 0.97": {"chaining._SHARE": 0.97},
    "partitioning 0.03": {"recombine._SHARE": 0.03},
    "loads within the capacity": {"chaining._IS_SOFT": False},
    "before": {"chaining._IS_SOFT": False, "chaining._MOVES_PER_CUSTOMER": 10_000},
    "cycles of 10,000": {"chaining._MOVES_PER_CUSTOMER": 10_000},
}
"""Constants of the modules in `lagrl.search` that a variant replaces in a solve."""


class Chains:
    """Some chains from the same routes, and the moves and the temperature of each of their slices."""

    def __init__(self, problem: CVRP, moves: int, n_chains: int, seed: int) -> None:
        self.incumbent = Incumbent(RoutePool(problem))
        routes = [np.array(route) for route in clarke_wright(problem).routes]
        self.incumbent.offer(self.incumbent.pool.add_routes(routes))
        self.chains = [MoveChain(problem, routes, [seed, w]) for w in range(n_chains)]
        self.best = self.incumbent.cost
        self.curve: list[float] = []
        self._mean_arc = self.best / (problem.n_customers + len(routes))
        self._cooling = Cooling(problem.n_customers)
        self._moves = moves // SLICES

    def advance(self, *, is_parts: bool = False) -> None:
        """Make a slice of moves in every chain; chains of parts have costs that add up."""
        temperature = self._mean_arc * self._cooling.temperature(len(self.curve) / SLICES)
        for chain in self.chains:
            chain.run(temperature, self._moves)
        costs = [float(chain.cost[1]) for chain in self.chains]
        self.best = min(self.best, sum(costs) if is_parts else min(costs))
        self.curve.append(self.best)


def apart(chains: Chains) -> None:
    """Chains that never meet."""
    for _ in range(SLICES):
        chains.advance()


def adopting(chains: Chains) -> None:
    """Chains that all continue from the cheapest current routes, eight times."""
    for k in range(SLICES):
        chains.advance()
        if k % (SLICES // 8) == 0:
            first, *others = sorted(chains.chains, key=lambda chain: float(chain.cost[0]))
            for chain in others:
                chain.continue_from(first.routes())


def parts(chains: Chains) -> None:
    """One chain in parts that are split anew twenty times."""
    shared = SharedChain(chains.incumbent, len(chains.chains), [0])
    for k in range(SLICES):
        if k % (SLICES // 20) == 0:
            for chain, part in zip(chains.chains, shared.split(0.0, 0), strict=True):
                chain.continue_from(part.own, len(part.others), part.n_parts)
        chains.advance(is_parts=True)
        if (k + 1) % (SLICES // 20) == 0:
            shared.join([(chain.routes(), chain.best_routes()) for chain in chains.chains])


KINDS: dict[str, tuple[Callable[[Chains], None], int, float]] = {
    "one": (apart, 1, 1.0),
    "one, twice the moves": (apart, 1, 2.0),
    "one, 4 times the moves": (apart, 1, 4.0),
    "one, 16 times the moves": (apart, 1, 16.0),
    "two in parts": (parts, 2, 1.0),
    "two apart": (apart, 2, 1.0),
    "two, adopting the better": (adopting, 2, 1.0),
}
"""What to do, the number of chains, and the moves of each, relative to the first."""


PRICED = {"greedy": 0.0, "half priced": 0.5}
"""Share of a chain's moves that assign by prices."""
SPEED = {"1 mean arc": 1.0, "0.1 mean arcs": 0.1, "0.01 mean arcs": 0.01}
"""Temperature of a chain."""
WORKERS = {"one": (1, 1.0), "one, 1.6 times as long": (1, 1.6), "two": (2, 1.0)}
"""Number of workers, and their seconds relative to the first."""
BASE = {
    "moves": "one",
    "solve": "default",
    "priced": "greedy",
    "speed": "1 mean arc",
    "workers": "one, 1.6 times as long",
}
"""What the other variants of a part are compared with."""


def moves_row(kind: str, n_customers: int, seconds: float, seed: int) -> Row:
    """Run chains for about the moves that one makes in some seconds."""
    run, n_chains, factor = KINDS[kind]
    moves = round(factor * seconds * 260_000 / (1.0 + n_customers / 700))
    chains = Chains(generate(n_customers, seed), moves, n_chains, seed)
    run(chains)
    return {"moves": moves, "cost": chains.best, "mean_cost": round(float(np.mean(chains.curve)), 1)}


def solve_row(variant: str, n_customers: int, seconds: float, seed: int) -> Row:
    """Solve one instance."""
    set_constants(VARIANTS[variant])
    result = solve(generate(n_customers, seed), seconds=seconds, seed=seed)
    return {"cost": result.cost, "chains": round(result.chain_seconds, 4)}


def workers_row(variant: str, n_customers: int, seconds: float, seed: int) -> Row:
    """Solve one instance with some workers, by the wall clock; the mean cost is over the whole time."""
    n_workers, factor = WORKERS[variant]
    result = solve(generate(n_customers, seed), seconds=factor * seconds, seed=seed, workers=n_workers)
    when = np.array([min(passed, factor * seconds) for _, passed, _ in result.history] + [factor * seconds])
    mean_cost = np.average([cost for _, _, cost in result.history], weights=np.diff(when) + 1e-9)
    return {"cost": result.cost, "mean_cost": round(float(mean_cost), 1), "chains": round(result.chain_seconds, 4)}


def priced_row(variant: str, n_customers: int, seconds: float, seed: int) -> Row:
    """Anneal one chain from Clarke and Wright's routes for some seconds of processor time."""
    problem = generate(n_customers, seed)
    routes = [np.array(route) for route in clarke_wright(problem).routes]
    chain, cooling = MoveChain(problem, routes, seed, PRICED[variant]), Cooling(n_customers)
    mean_arc = chain.cost[1] / (n_customers + len(routes))
    started, moves, n_moves = time.perf_counter(), 0, 200
    while (passed := time.perf_counter() - started) < seconds:
        chain.run(mean_arc * cooling.temperature(passed / seconds), n_moves)
        taken = time.perf_counter() - started - passed
        moves += n_moves
        n_moves = int(np.clip(n_moves * np.clip(0.01 * seconds / max(taken, 1e-6), 0.5, 2.0), 100, 20_000))
    return {"moves": moves, "cost": float(chain.cost[1])}


def speed_row(variant: str, n_customers: int, seconds: float, seed: int) -> Row:
    """Make moves at one temperature for some seconds of processor time, after a tenth as many that do not count."""
    problem = generate(n_customers, seed)
    routes = [np.array(route) for route in clarke_wright(problem).routes]
    chain = MoveChain(problem, routes, seed, is_soft=True)
    temperature = SPEED[variant] * chain.cost[0] / (n_customers + len(routes))
    for limit in (seconds / 10, seconds):
        started, moves = time.perf_counter(), 0
        while (passed := time.perf_counter() - started) < limit:
            chain.run(temperature, 2000)
            moves += 2000
    return {"moves": moves, "moves_per_second": round(moves / passed), "cost": float(chain.cost[1])}


def append_row(rows: Path, made: Callable[..., Row], key: list[Any]) -> None:
    """Make one row and append it."""
    part, variant, n_customers, seconds, seed = key
    if part != "workers":
        time.perf_counter = time.process_time  # before anything reads the clock
    named = dict(zip(("part", "variant", "n_customers", "seconds", "seed"), key, strict=True))
    append_rows(rows, [{"key": json.dumps(key), **named, **made(variant, n_customers, seconds, seed), **origin()}])


def show(rows: list[Row]) -> str:
    """Return the mean cost of each variant against the first one of its part, %, with its standard error."""
    cost: dict[tuple[str, float, str], dict[tuple[int, int], Row]] = defaultdict(dict)
    for row in rows:
        cost[row["part"], row["seconds"], row["variant"]][row["n_customers"], row["seed"]] = row
    lines = []
    for (part, seconds, variant), found in cost.items():
        if part == "speed":
            for n in sorted({n for n, _ in found}):
                speeds = [row["moves_per_second"] for (size, _), row in found.items() if size == n]
                lines.append(
                    f"speed  {variant:16} {n:5} customers  {np.median(speeds):8,.0f} moves per second (median)"
                )
            continue
        first = cost[part, seconds, BASE[part]]
        for field in ("cost", "mean_cost") if part in ("moves", "workers") else ("cost",):
            ratio = [100.0 * (row[field] / first[one][field] - 1.0) for one, row in found.items() if one in first]
            error = np.std(ratio, ddof=1) / np.sqrt(len(ratio)) if len(ratio) > 1 else np.nan
            lines.append(
                f"{part:6} {seconds:4g} s  {variant:26} {field:9} {len(ratio):3} instances  "
                f"{np.mean(ratio):+.3f} ± {error:.3f} %"
            )
    return "\n".join(lines)


def main(
    rows: Path,
    part: Literal["moves", "priced", "speed", "solve", "workers", "show"] = "show",
    variants: tuple[str, ...] = (),
    seconds: tuple[float, ...] = (2.0,),
    seeds: tuple[int, ...] = (0,),
    sizes: tuple[int, ...] = (),
) -> None:
    """Make the rows that are missing, and print the table.

    Parameters
    ----------
    rows
        JSONL file, appended to.
    part
        What to run.
    variants
        Names of `KINDS`, `PRICED`, `SPEED`, `VARIANTS` or `WORKERS` (default: all).
    seconds
        Seconds of a solve; of a single chain's moves, about.
    seeds
        Seeds of the instances and of the solves; the kind of an instance depends on the seed alone.
    sizes
        Customers of the instances (default: `FEW_SIZES` for moves, else `SIZES`); of those to show (default: all).
    """
    compile_kernels(*([] if part in ("solve", "workers") else ["search", "recovery"]))
    context = get_context("fork")  # a new process has its kernels loaded, and no pool of another solve
    done = {row["key"] for row in read_rows_if_any(rows)}
    made, names = {
        "moves": (moves_row, KINDS),
        "priced": (priced_row, PRICED),
        "speed": (speed_row, SPEED),
        "workers": (workers_row, WORKERS),
    }.get(part, (solve_row, VARIANTS))
    shown = sizes if part == "show" else ()
    sizes = sizes or (FEW_SIZES if part == "moves" else SIZES)
    for limit in () if part == "show" else seconds:
        for seed in seeds:
            for n_customers in sizes:
                for variant in variants or tuple(names):
                    key = [part, variant, n_customers, limit, seed]
                    if json.dumps(key) not in done:
                        process = context.Process(target=append_row, args=(rows, made, key))
                        process.start()
                        process.join()
    print(show([row for row in read_rows_if_any(rows) if not shown or row["n_customers"] in shown]))


if __name__ == "__main__":
    tyro.cli(main)
