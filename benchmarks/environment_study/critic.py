"""What does the critic of PPO explain, with the expert's baseline and without it?

    python -m benchmarks.environment_study.critic --out docs/rows/environment_critic.jsonl
    python -m benchmarks.environment_study.critic --show-rows docs/rows/environment_critic.jsonl

Short trainings of `train.ppo` from `checkpoints/bc-small`, in phase 3 only. A row is a rollout: the critic's explained
variance, and the standard deviation of the advantages in units of the rewards, which is the noise of the policy
gradient. Both kinds of training have the same episodes.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, one_thread, origin, read_rows, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro

from policies.checkpoint import load_checkpoint
from train.allocator import keep_memory
from train.curves import Curves, read_curves
from train.ppo.config import PPOConfig
from train.ppo.run import PPORun
from train.progress import Progress
from train.stop import Stop

CLONE = "checkpoints/bc-small"


def main(
    out: Path | None = None,
    show_rows: Path | None = None,
    seeds: tuple[int, ...] = (0, 1, 2),
    rollouts: int = 30,
    last: int = 10,
) -> None:
    """Train and show, or show the rows of earlier trainings.

    Parameters
    ----------
    out
        File for the rows; trainings that it has are left out.
    show_rows
        Rows of earlier trainings, to be shown instead.
    seeds
        Seeds of the trainings.
    rollouts
        Rollouts of each.
    last
        Number of rollouts at the end over which the figures are averaged.
    """
    if show_rows is not None:
        show(read_rows(show_rows), last)
        return
    assert out is not None
    torch.set_num_threads(1)
    keep_memory()  # as training does
    done = {(row["seed"], row["baseline"]) for row in read_rows_if_any(out)}
    for seed in seeds:
        for baseline in (True, False):
            if (seed, baseline) not in done:
                common = {"seed": seed, "baseline": baseline} | origin("torch")
                append_rows(out, [row | common for row in trained(seed, baseline, rollouts)])
    show(read_rows(out), last)


def trained(seed: int, baseline: bool, rollouts: int) -> list[dict[str, Any]]:
    """Train in short; return a row for each rollout."""
    config = PPOConfig(
        seed=seed, baseline=baseline, rollouts=rollouts, validate_every=rollouts, validation_instances=1, budgets=(1,)
    )
    run = PPORun(replace(config, env=replace(config.env, phases=(3,))), load_checkpoint(CLONE), device="cpu")
    with tempfile.TemporaryDirectory() as name, Curves(Path(name), None, None) as curves:
        with Progress("ppo", rollouts, unit="rollout") as progress:
            run.learn(Stop(), curves, progress, lambda: None)
        found = read_curves(Path(name) / "curves.jsonl")[1:]  # the first row is the clone's validation
    return [
        {
            "rollout": row["step"],
            "explained_variance": row["explained_variance"],
            "advantage_std": row["advantage_std"] * row["reward_scale"],
        }
        for row in found
    ]


def show(rows: list[dict[str, Any]], last: int) -> None:
    """Print a table of the means over the last rollouts, with the range of the seeds' means."""
    print("| expert's baseline | explained variance | standard deviation of the advantages |\n|---|---|---|")
    until = max(row["rollout"] for row in rows)
    for baseline in (True, False):
        cells = []
        for name in ("explained_variance", "advantage_std"):
            by_seed: dict[int, list[float]] = {}
            for row in rows:
                if row["baseline"] == baseline and row["rollout"] > until - last:
                    by_seed.setdefault(row["seed"], []).append(row[name])
            means = [np.mean(values) for values in by_seed.values()]
            cells.append(f"{np.mean(means):.3f} ({min(means):.3f} … {max(means):.3f})")
        print(f"| {'with' if baseline else 'without'} | {' | '.join(cells)} |")


if __name__ == "__main__":
    tyro.cli(main)
