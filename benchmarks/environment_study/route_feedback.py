"""What do the circuits' routes bring to a training of PPO under exact pricing, and what do they cost?

    python -m benchmarks.environment_study.route_feedback --out docs/rows/environment_route_feedback.jsonl
    python -m benchmarks.environment_study.route_feedback --show-rows docs/rows/environment_route_feedback.jsonl

Each generated episode of `train.ppo` is played by fourteen actors (see `correlation`), once as in the training, whose
routes are those of the toured evaluations, once with those of QAOA circuits in addition. Actions and multipliers are
the same. A solve with exact pricing, which validates and uses the policy, has the routes without circuits, so both
returns are ranked against these. Costs are processor seconds of short trainings, with and without in alternating order.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, origin, read_rows, read_rows_if_any

if __name__ == "__main__":
    from benchmarks.harness import one_thread

    one_thread()  # before numpy, numba and torch are loaded

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks.environment_study.correlation import PHASES, correlations, returns_and_routes
from benchmarks.training_hours.run import measured_ppo
from envs.config import EnvConfig
from lagrl.bench.statistics import bootstrap_interval
from train.config import TRAINING_ENV
from train.ppo.config import PPOConfig


def settings() -> dict[str, EnvConfig]:
    """Return the episodes of `train.ppo` with the routes of circuits and without them."""
    small = TRAINING_ENV["small"]
    return {"circuits": replace(small, route_sampler="qaoa", route_every=5), "none": small}


def main(
    out: Path | None = None, show_rows: Path | None = None, episodes: int = 48, twins: int = 12, repeats: int = 4
) -> None:
    """Measure or show both.

    Parameters
    ----------
    out
        File for the rows.
    show_rows
        Rows of an earlier run, to be shown instead.
    episodes
        Number of generated episodes of 20 to 100 customers.
    twins
        Times that each is played at random.
    repeats
        Short trainings of each kind.
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    assert out is not None
    done = {(row["kind"], row["index"]) for row in read_rows_if_any(out)}
    common = origin("torch")
    for index in range(episodes):
        if ("episode", index) not in done:
            row: dict[str, Any] = {"kind": "episode", "index": index}
            for name, env in settings().items():
                row[name] = dict(zip(("returns", "route_ratio"), returns_and_routes(env, index, twins), strict=True))
            append_rows(out, [row | common])
    for index in range(repeats):
        if ("training", index) not in done:
            if index == 0:  # compiles, before anything is timed
                for env in settings().values():
                    measured_ppo(PPOConfig(expert="hwc", env=env))
            row = {"kind": "training", "index": index}
            for name, env in list(settings().items())[:: 1 if index % 2 else -1]:
                row[name] = measured_ppo(PPOConfig(expert="hwc", env=env))
            append_rows(out, [row | common])
    show(read_rows(out))


def show(rows: list[dict[str, Any]]) -> None:
    """Print the rank correlations with the routes of a solve, the routes, and the seconds."""
    episodes = [row for row in rows if row["kind"] == "episode"]
    print("| rewards | with circuits | without | difference | episodes |\n|---|---|---|---|--:|")
    for phase in (3, None):
        ranks = []
        for name in settings():
            paired = [row[name] | {"route_ratio": row["none"]["route_ratio"]} for row in episodes]
            ranks.append(np.array(correlations(paired, PHASES.index(phase))))
        cells = [_said(values) for values in (*ranks, ranks[0] - ranks[1])]
        print(f"| {phase or 'all terms'} | {' | '.join(cells)} | {len(ranks[0])} |")
    shorter = [
        100 * np.mean(np.subtract(row["circuits"]["route_ratio"], row["none"]["route_ratio"])) for row in episodes
    ]
    print(f"\nFinal routes with circuits − without, points of Clarke and Wright's cost: {_said(np.array(shorter))}\n")
    print("| CPU hours of | with circuits | without |\n|---|--:|--:|")
    trainings = [row for row in rows if row["kind"] == "training"]
    hours = {
        name: {
            kind: np.array([row[name][kind][0] * row[name][kind][1] for row in trainings]) / 3600
            for kind in trainings[0][name]
        }
        for name in settings()
    }
    for kind in hours["none"]:
        print(f"| {kind} | {hours['circuits'][kind].mean():.3f} | {hours['none'][kind].mean():.3f} |")
    whole = {name: np.sum(list(parts.values()), axis=0) for name, parts in hours.items()}
    print(f"| whole training | {whole['circuits'].mean():.3f} | {whole['none'].mean():.3f} |")
    for title, ratio in (
        ("rollouts", hours["circuits"]["rollout"] / hours["none"]["rollout"]),
        ("whole training", whole["circuits"] / whole["none"]),
    ):
        print(f"{title}, with / without: {ratio.mean():.2f} ({ratio.min():.2f} to {ratio.max():.2f})")


def _said(values: np.ndarray) -> str:
    interval = bootstrap_interval(values, np.random.default_rng(0))
    return f"{interval.mean:.2f} [{interval.low:.2f}, {interval.high:.2f}]"


if __name__ == "__main__":
    tyro.cli(main)
