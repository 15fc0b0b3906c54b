"""Where do the curriculum's criteria stand, and how many rollouts does a phase last? Ended episodes of four actors.

    python -m benchmarks.environment_study.criteria --out docs/rows/environment_criteria.jsonl
    python -m benchmarks.environment_study.criteria --show-rows docs/rows/environment_criteria.jsonl

The episodes are those of `train.ppo`, from the linear start and from λ = 0. A phase can end by its threshold as soon as
the mean of a window of episodes passes it; quantiles are over means of the window's length, drawn from the episodes.
Routes do not enter the criteria and are not computed.
"""

from __future__ import annotations

from benchmarks.harness import origin, read_rows, write_rows

if __name__ == "__main__":
    from benchmarks.harness import one_thread

    one_thread()  # before numpy, numba and torch are loaded

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tyro

from benchmarks.environment_study.episodes import play, summary
from train.config import TRAINING_ENV, without_routes
from train.ppo.config import PPOConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

ACTORS = ("random", "zero", "checkpoints/bc-small", "hwc")
STARTS = ("linear", "zero")


def main(out: Path | None = None, show_rows: Path | None = None, episodes: int = 96) -> None:
    """Measure or show the criteria.

    Parameters
    ----------
    out
        File for the rows.
    show_rows
        Rows of an earlier run, to be shown instead.
    episodes
        Number of generated episodes of 20 to 100 customers.
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    rows: list[dict[str, Any]] = []
    for start in STARTS:
        config = replace(without_routes(TRAINING_ENV["small"]), start=start)
        for actor in ACTORS:
            played = play(config, actor, list(range(episodes)))
            rows += [
                {"start": start, "actor": actor, "seed": seed, **summary(episode), **origin()}
                for seed, (episode, _) in enumerate(played)
            ]
    if out is not None:
        write_rows(out, rows)
    show(rows)


def show(rows: list[dict[str, Any]]) -> None:
    """Print the criteria's window means, and the rollouts of phase 2, by start and actor."""
    config = PPOConfig()
    rule = config.env.curriculum
    print("| start | actor | share served, mean [1 %, 99 %] | gap, %, mean [1 %, 99 %] | steps | rollouts of phase 2 |")
    print("|---|---|---|---|--:|--:|")
    for start in STARTS:
        for actor in dict.fromkeys(row["actor"] for row in rows):
            own = [row for row in rows if (row["start"], row["actor"]) == (start, actor)]
            share = window_means([row["best_share_served"] for row in own], rule.window)
            gap = 100 * window_means([row["best_gap"] for row in own], rule.window)
            steps = float(np.mean([row["evaluations"] - 1 for row in own]))
            rollouts = rule.least_episodes * steps / config.rollout_size
            cells = (spread(share, 2), spread(gap, 1), f"{steps:.1f}", f"{rollouts:.1f}")
            print(f"| {start} | {actor.split('/')[-1]} | " + " | ".join(cells) + " |")


def window_means(values: list[float], window: int) -> NDArray[np.float64]:
    """Return means of windows drawn from the values, [2000]."""
    drawn = np.random.default_rng(0).choice(values, (2000, window))
    means: NDArray[np.float64] = drawn.mean(axis=1)
    return means


def spread(means: NDArray[np.float64], digits: int) -> str:
    """Return the mean and the two quantiles as text."""
    low, high = np.quantile(means, [0.01, 0.99])
    return f"{means.mean():.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


if __name__ == "__main__":
    tyro.cli(main)
