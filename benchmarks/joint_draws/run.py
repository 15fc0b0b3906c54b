"""How many joint draws of an approximate sampler should be toured: routes against Clarke and Wright's.

python -m benchmarks.joint_draws.run --out ROWS.json

Under an approximate sampler every evaluation draws `n_joint` selections, one sampled string per vehicle each, and
repairs them all. This compares how many of them are then toured, those of least repaired cost first, on generated
instances, with and without set partitioning. One thread.
"""

from __future__ import annotations

from benchmarks.harness import one_thread, write_record

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from unittest import mock

import numpy as np

import lagrl.search.ascending
from lagrl.bench.provenance import git_revision, versions
from lagrl.dual_loop import DualLoop
from lagrl.errors import LagrlError
from lagrl.io.atomic import require_writable
from lagrl.problems.cvrp import CVRP
from lagrl.problems.generate import XTypeParams, generate_x_type
from lagrl.recovery.savings import clarke_wright
from lagrl.solver import SolveConfig, solve


@dataclass(frozen=True)
class Args:
    """What to compare.

    Attributes
    ----------
    instances
        Generated instances.
    n_customers
        Least and greatest size.
    draws
        Pairs of joint draws and how many of them are toured.
    budgets
        Evaluations.
    sampler, controller
        See `lagrl solve --help`.
    seed
        Seed of the instances.
    out
        JSON file for the rows, if any.
    """

    instances: int = 24
    n_customers: tuple[int, int] = (30, 110)
    draws: tuple[tuple[int, int], ...] = ((0, 0), (8, 0), (8, 1), (8, 2), (8, 3), (8, 8), (24, 2), (24, 8))
    budgets: tuple[int, ...] = (50, 200)
    sampler: str = "qaoa"
    controller: str = "cfm"
    seed: int = 77
    out: Path | None = None


@dataclass(frozen=True)
class Row:
    """Mean excess over Clarke and Wright's routes, per cent, and classical seconds per instance."""

    n_joint: int
    n_toured: int
    method: str
    budget: int
    excess_pct: float
    seconds: float


def main(args: Args) -> None:
    """Solve every instance with every number of draws, print a Markdown table, write the rows."""
    if args.out is not None:
        require_writable(args.out)
    problems = [_instance(args, index) for index in range(args.instances)]
    baseline = [clarke_wright(problem).cost for problem in problems]
    rows = []
    print("| joint draws | toured | method | budget | over Clarke-Wright, % | seconds |\n|--:|--:|---|--:|--:|--:|")
    for n_joint, n_toured in args.draws:
        loop = partial(DualLoop, n_joint=n_joint, n_toured=n_toured)
        with mock.patch.object(lagrl.search.ascending, "DualLoop", loop):
            for method in ("reference", "search"):
                for budget in args.budgets:
                    without = () if method == "reference" else ("relinearisation", "polish")
                    config = SolveConfig(args.controller, args.sampler, budget, method=method, without=without)
                    found = [solve(problem, config) for problem in problems]
                    pairs = zip(found, baseline, strict=True)
                    excess = fmean(100 * (result.solution.cost / cost - 1) for result, cost in pairs)
                    seconds = fmean(result.seconds for result in found)
                    row = Row(n_joint, n_toured, method, budget, excess, seconds)
                    rows.append(row)
                    print(
                        f"| {n_joint} | {n_toured} | {method} | {budget} | {excess:+.2f} | {seconds:.2f} |",
                        flush=True,
                    )
    if args.out is not None:
        record = {"versions": versions(), "git_revision": git_revision(), "args": asdict(args) | {"out": None}}
        write_record(args.out, record | {"rows": [asdict(row) for row in rows]})


def _instance(args: Args, index: int) -> CVRP:
    rng = np.random.default_rng([args.seed, index])
    params = XTypeParams(
        n_customers=int(rng.integers(args.n_customers[0], args.n_customers[1] + 1)),
        depot=rng.choice(["C", "E", "R"]).item(),
        customers=rng.choice(["R", "C", "RC"]).item(),
        demand=rng.choice(["U", "1-10", "5-10", "1-100", "50-100", "Q", "SL"]).item(),
    )
    return generate_x_type(params, rng)


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"joint_draws: {error}")
