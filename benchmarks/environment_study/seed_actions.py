"""What a choice of seeds as the first action is worth: random scores, equal ones, and the best of all candidates.

    python -m benchmarks.environment_study.seed_actions --out docs/rows/environment_seed_actions.jsonl    # 3 minutes
    python -m benchmarks.environment_study.seed_actions --show-rows docs/rows/environment_seed_actions.jsonl

Each generated episode is played once for every first action; after it `hwc` moves the multipliers. In mode `choose`,
equal scores take the lowest estimate, random scores take any, and the scores that take each candidate show the oracle:
the one with the best routes at the end. In mode `scores` there are equal and random scores. All are compared with the
mean of several drawn seedings of mode `draw`.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, origin, read_rows, read_rows_if_any

if __name__ == "__main__":
    from benchmarks.harness import one_thread

    one_thread()  # before numpy, numba and torch are loaded

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tyro

from envs.config import EnvConfig
from envs.core import EpisodeBatch
from lagrl.bench.statistics import bootstrap_interval
from lagrl.problems.cvrp import CVRP
from train.experts import expert_factory, expert_target, start_expert
from train.validation import validation_set

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SEEDED = 19  # generated instances
_RANDOM = 4  # random first actions, and drawn seedings


def final_ratios(config: EnvConfig, problem: CVRP, seeds: list[int], first: NDArray[np.float32] | None) -> list[float]:
    """Play one episode a seed with its first action, if there is one, and `hwc`; return the final route ratios."""
    batch = EpisodeBatch(config, len(seeds))
    for index, seed in enumerate(seeds):
        batch.reset(index, np.random.default_rng([0x53454544, seed]), problem)
    if first is not None:
        batch.step(first)
    make = expert_factory("hwc")
    experts = [start_expert(make, episode, np.random.default_rng(0)) for episode in batch.episodes]
    while not all(episode.is_over for episode in batch.episodes):
        pairs = zip(experts, batch.episodes, strict=True)
        batch.step_multipliers([None if one.is_over else expert_target(expert, one) for expert, one in pairs])
    return [episode.best.route_ratio for episode in batch.episodes]


def played(config: EnvConfig, problem: CVRP, rules: tuple[str, ...], seed: int) -> dict[str, Any]:
    """Play all first actions of both modes on one instance."""
    rng, n_max = np.random.default_rng([0x41435453, seed]), config.n_max
    base = replace(config, seedings=rules)
    choose = EpisodeBatch(replace(base, seeding="choose"), 1)
    choose.reset(0, np.random.default_rng([0x53454544, seed]), problem)
    members = 2.0 * choose.observation(0)["candidates"].T - 1.0
    scores = rng.uniform(-1.0, 1.0, (_RANDOM, n_max))
    first = np.concatenate([np.zeros((1, n_max)), scores, members]).astype(np.float32)
    chosen = final_ratios(replace(base, seeding="choose"), problem, [seed] * len(first), first)
    placed = final_ratios(replace(base, seeding="scores"), problem, [seed] * (1 + _RANDOM), first[: 1 + _RANDOM])
    drawn = final_ratios(base, problem, [1000 * seed + index for index in range(2 * _RANDOM)], None)
    names = ("equal", "random", "candidates")
    parts = (chosen[:1], chosen[1 : 1 + _RANDOM], chosen[1 + _RANDOM :])
    return {"draw": drawn, "choose": dict(zip(names, parts, strict=True)), "scores": [placed[:1], placed[1:]]}


def main(out: Path | None = None, show_rows: Path | None = None, instances: int = 48, steps: int = 12) -> None:
    """Play or show the episodes.

    Parameters
    ----------
    out
        File for the rows.
    show_rows
        Rows of an earlier run, to be shown instead.
    instances
        Number of generated instances of 20 to 100 customers.
    steps
        Moves of the multipliers in an episode.
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    assert out is not None
    done = {(row["instance"], tuple(row["rules"])) for row in read_rows_if_any(out)}
    config, common = EnvConfig(max_steps=steps, route_sampler="exact", route_every=steps + 2), origin()
    for seed, problem in enumerate(validation_set(_SEEDED, instances, (20, 100))):
        for rules in (("kmeans", "sweep"), ("concentrators", "kmeans", "sweep")):
            if (problem.name, rules) not in done:
                row = {"instance": problem.name, "n_customers": problem.n_customers, "rules": rules, "steps": steps}
                append_rows(out, [row | played(config, problem, rules, seed) | common])
    show(read_rows(out))


def show(rows: list[dict[str, Any]]) -> None:
    """Print each first action's route cost against that of drawn seeds, % of Clarke and Wright's cost."""
    print("| rules | mode | first action | final routes − drawn seeds, % |\n|---|---|---|---|")
    for rules in dict.fromkeys(tuple(row["rules"]) for row in rows):
        own = [row for row in rows if tuple(row["rules"]) == rules]
        cells = {
            ("choose", "random scores"): [np.mean(row["choose"]["random"]) for row in own],
            ("choose", "equal scores: lowest estimate"): [row["choose"]["equal"][0] for row in own],
            ("choose", "oracle: best candidate at the end"): [min(row["choose"]["candidates"]) for row in own],
            ("scores", "random scores"): [np.mean(row["scores"][1]) for row in own],
            ("scores", "equal scores: farthest first"): [row["scores"][0][0] for row in own],
        }
        drawn = np.array([np.mean(row["draw"]) for row in own])
        for (mode, action), ratios in cells.items():
            interval = bootstrap_interval(100 * (np.array(ratios) - drawn), np.random.default_rng(0))
            cell = f"{interval.mean:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"
            print(f"| {', '.join(rules)} | {mode} | {action} | {cell} |")


if __name__ == "__main__":
    tyro.cli(main)
