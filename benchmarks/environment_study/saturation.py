"""How often is a feature at its limit? Both versions of the observations in the same episodes, feature by feature.

    LAGRL_DATA=cvrplib python -m benchmarks.environment_study.saturation --out docs/rows/environment_saturation.jsonl
    python -m benchmarks.environment_study.saturation --show-rows docs/rows/environment_saturation.jsonl

Each instance is played twice, by random actions and by `hwc`, with exact pricing; generated instances also with QAOA at
4 shots. Observations are compared at the start, midway and at the end. A feature is at its limit where it is clipped.
In version 1 it also is where there are more evaluations left than a full budget, and where the gap of the Polyak step
is at its lower limit although the dual is not solved. One row is one instance, actor, sampler and moment. The last row
is the time of an observation of version 2 divided by that of version 1, on the same evaluations.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, one_thread, origin, read_rows, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy and numba are loaded

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

from envs.config import EnvConfig
from envs.core import EpisodeBatch
from envs.observation import OBSERVERS, AscentObserver
from lagrl.controllers.base import Feedback
from lagrl.errors import InputError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.cvrplib import read
from lagrl.relaxation.dual import DualPoint
from train.experts import expert_factory, expert_target, start_expert
from train.validation import validation_set

FAMILIES = ("A", "B", "E", "F", "M", "P", "X")
ACTORS = ("random", "hwc")
FEW_SHOTS = "qaoa, 4 shots"
_SEED = 9_000_011
_TIMED = (20, 50, 100, 400)  # customers


def problems(generated: int, largest: int) -> Iterator[tuple[str, CVRP]]:
    """Yield generated instances, and those of each family in LAGRL_DATA, with the family's name.

    Raises
    ------
    InputError
        If LAGRL_DATA is not set.
    """
    for problem in validation_set(_SEED, generated, (20, 100)):
        yield "generated", problem
    folder = os.environ.get("LAGRL_DATA")
    if folder is None:
        raise InputError(
            "is not set", field="LAGRL_DATA", remedy="give the folder with the families A, B, E, F, M, P, X"
        )
    for family in FAMILIES:
        for path in sorted(Path(folder, family).glob("*.vrp")):
            problem = read(path)
            if problem.n_customers <= largest:
                yield family, problem


def at_limit(observer: AscentObserver, nodes: NDArray[np.float32], point: DualPoint) -> dict[str, float]:
    """Return the share of customers at the limit of each feature."""
    is_end = np.abs(nodes) >= observer.limit
    if observer.version == 1:
        column = {name: index for index, name in enumerate(observer.features)}
        is_end[:, column["budget_left"]] |= nodes[:, column["budget_left"]] >= 1.0
        squared = max(1.0, float(point.violation @ point.violation))
        gap = 10.0 ** float(nodes[0, column["polyak_step"]]) * squared  # in units of the scale
        is_end[:, column["polyak_step"]] |= gap < 1.001e-3 and not point.is_optimal
    return dict(zip(observer.features, is_end.mean(axis=0).round(6).tolist(), strict=True))


def measured(problem: CVRP, actor: str, sampler: str, shots: int, steps: int, seed: int) -> list[dict[str, Any]]:
    """Play one episode; return what is at its limit at the start, midway and at the end."""
    n = problem.n_customers
    config = EnvConfig(
        n_max=n, n_customers=(2, n), max_steps=steps, sampler=sampler, route_sampler=sampler, shots=shots,
        tour_decoded=False, route_every=steps + 2,
    )  # fmt: skip
    batch = EpisodeBatch(config, 1)
    batch.reset(0, np.random.default_rng([_SEED, seed]), problem)
    (episode,) = batch.episodes
    observers = [make(episode.dual, episode.budget) for make in OBSERVERS.values()]
    expert = start_expert(expert_factory("hwc"), episode, np.random.default_rng(0)) if actor == "hwc" else None
    rng, seen = np.random.default_rng([_SEED, seed, 1]), []
    while True:
        assert episode.step is not None
        point, feedback = episode.step.point, episode.step.feedback
        nodes = [observer.observe(point, feedback) for observer in observers]
        seen.append([at_limit(*pair, point) for pair in zip(observers, nodes, strict=True)])
        if episode.is_over:
            break
        if expert is None:
            batch.step(rng.uniform(-1.0, 1.0, (1, n)).astype(np.float32))
        else:
            batch.step_multipliers([expert_target(expert, episode)])
    moments = {"start": 0, "midway": len(seen) // 2, "end": len(seen) - 1}
    return [
        {"moment": moment} | {f"version {version}": shares for version, shares in zip(OBSERVERS, seen[at], strict=True)}
        for moment, at in moments.items()
    ]


def time_ratios(repetitions: int = 60) -> dict[str, float]:
    """Return the time of an observation of version 2 over that of version 1, a median of alternating runs, by n."""
    ratios = {}
    for n in _TIMED:
        batch = EpisodeBatch(EnvConfig(n_max=n, n_customers=(2, n), route_sampler="exact"), 1)
        batch.reset(0, np.random.default_rng(_SEED), validation_set(_SEED, 1, (n, n))[0])
        dual, rng = batch.episodes[0].dual, np.random.default_rng(0)
        points = [dual.evaluate(rng.uniform(0.0, 2.0 * dual.scale, n)) for _ in range(20)]
        found = []
        for repetition in range(repetitions):
            seconds = {}
            for version in (1, 2) if repetition % 2 else (2, 1):
                observer = OBSERVERS[version](dual, 400)
                started = time.perf_counter()
                for point in points * 10:
                    observer.observe(point, Feedback(1e6))
                seconds[version] = time.perf_counter() - started
            found.append(seconds[2] / seconds[1])
        ratios[str(n)] = round(float(np.median(found)), 3)
    return ratios


def show(rows: list[dict[str, Any]]) -> None:
    """Print the share of values at the limit, %, version 1 | version 2, by feature and family, and the times."""
    counted = [row for row in rows if "family" in row]
    groups = list(dict.fromkeys(_group(row) for row in counted))
    names = dict.fromkeys(name for version in (2, 1) for name in counted[0][f"version {version}"])
    print("| feature | " + " | ".join(groups) + " |\n|---|" + "---|" * len(groups))
    for name in names:
        cells = []
        for group in groups:
            own = [row for row in counted if _group(row) == group]
            cells.append(" / ".join(_mean([row[f"version {version}"].get(name) for row in own]) for version in (1, 2)))
        print(f"| {name} | " + " | ".join(cells) + " |")
    sizes = {group: len({row["instance"] for row in counted if _group(row) == group}) for group in groups}
    print("\ninstances: " + ", ".join(f"{group} {count}" for group, count in sizes.items()))
    for row in rows:
        if "time_ratios" in row:
            print(
                "time of version 2 / version 1: " + ", ".join(f"n={n} {x:.2f}" for n, x in row["time_ratios"].items())
            )


def _group(row: dict[str, Any]) -> str:
    return str(row["family"]) if row["sampler"] == "exact" else f"{row['family']}, {FEW_SHOTS}"


def _mean(shares: list[float | None]) -> str:
    known = [share for share in shares if share is not None]
    return f"{100 * float(np.mean(known)):.2f}" if known else "–"


def main(
    out: Path | None = None,
    show_rows: Path | None = None,
    generated: int = 48,
    largest: int = 1000,
    steps: int = 49,
) -> None:
    """Measure, print the table, and write the rows.

    Parameters
    ----------
    out
        File for the rows; existing ones are kept, so that an interrupted run continues.
    show_rows
        Rows of an earlier run, to be shown instead.
    generated
        Number of generated instances of 20 to 100 customers.
    largest
        Customers of the largest instance of a family.
    steps
        Steps of an episode.
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    assert out is not None
    rows = read_rows_if_any(out)
    done = {(row["instance"], row["actor"], row["sampler"]) for row in rows if "family" in row}
    common = origin()
    for seed, (family, problem) in enumerate(problems(generated, largest)):
        for sampler, shots in (("exact", 1), ("qaoa", 4)) if family == "generated" else (("exact", 1),):
            for actor in ACTORS:
                if (problem.name, actor, sampler) in done:
                    continue
                key = {"family": family, "instance": problem.name, "actor": actor, "sampler": sampler, "shots": shots}
                found = measured(problem, actor, sampler, shots, steps, seed)
                append_rows(out, [key | row | common for row in found])
    if not any("time_ratios" in row for row in rows):
        append_rows(out, [{"time_ratios": time_ratios()} | common])
    show(read_rows(out))


if __name__ == "__main__":
    tyro.cli(main)
