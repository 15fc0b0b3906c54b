"""Does a higher return mean better routes? Rank correlation of returns with final routes within an episode's twins.

    python -m benchmarks.environment_study.correlation --out docs/rows/environment_correlation.jsonl
    python -m benchmarks.environment_study.correlation --show-rows docs/rows/environment_correlation.jsonl

Each generated episode is played many times with other random actions: each step draws its level and its spread, so that
some episodes stand still and some jump; once with zero actions and once by the classical rule `hwc`. The returns of all
phases are computed from the same episodes, as differences of potentials; the correlation is Spearman's between the
return and minus the final route cost. Twins with equal routes everywhere say nothing and are left out.
"""

from __future__ import annotations

from benchmarks.harness import origin, read_rows, write_rows

if __name__ == "__main__":
    from benchmarks.harness import one_thread

    one_thread()  # before numpy, numba and torch are loaded

from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from scipy.stats import spearmanr

from benchmarks.environment_study.episodes import episode_rng, play
from envs.config import EnvConfig
from envs.core import EpisodeBatch
from envs.reward import potential
from lagrl.bench.statistics import bootstrap_interval

PHASES: tuple[int | None, ...] = (1, 2, 3, None)
OTHERS = ("zero", "hwc")


def returns_and_routes(config: EnvConfig, seed: int, twins: int) -> tuple[list[list[float]], list[float]]:
    """Play one episode `twins` times at random, and by the others; return all returns by phase, and route ratios."""
    batch = EpisodeBatch(config, twins)
    for index in range(twins):
        batch.reset(index, episode_rng(seed))
    start = copy(batch.episodes[0].best)  # equal for all, as the multipliers and the random numbers are
    rngs = [np.random.default_rng([seed, index]) for index in range(twins)]
    levels = [rng.uniform(-1.0, 1.0) for rng in rngs]
    resting: list[int] = []
    while len(resting) < twins:
        actions = [level + 0.3 * rng.standard_normal(config.n_max) for level, rng in zip(levels, rngs, strict=True)]
        batch.step(np.clip(actions, -1.0, 1.0).astype(np.float32), resting)
        resting = [index for index, episode in enumerate(batch.episodes) if episode.is_over]
    ends = [episode.best for episode in batch.episodes]
    ends += [play(config, actor, [seed])[0][0].best for actor in OTHERS]
    earned = [
        [
            potential(end, phase, config.rewards, config.phases)
            - potential(start, phase, config.rewards, config.phases)
            for phase in PHASES
        ]
        for end in ends
    ]
    return earned, [end.route_ratio for end in ends]


def main(
    out: Path | None = None, show_rows: Path | None = None, episodes: int = 48, twins: int = 12, steps: int = 50
) -> None:
    """Measure or show the correlations.

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
    steps
        Steps of an episode.
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    rows: list[dict[str, Any]] = []
    config = EnvConfig(max_steps=steps)
    for seed in range(episodes):
        earned, ratios = returns_and_routes(config, seed, twins)
        rows.append({"seed": seed, "steps": steps, "returns": earned, "route_ratio": ratios, **origin()})
        if out is not None:
            write_rows(out, rows)
    show(rows)


def correlations(rows: list[dict[str, Any]], index: int) -> list[float]:
    """Return the rank correlation of each episode whose twins' routes differ, for the phase `PHASES[index]`."""
    found = []
    for row in rows:
        returns = np.array(row["returns"])[:, index]
        routes = -np.array(row["route_ratio"])
        if np.ptp(routes) > 0:
            found.append(float(spearmanr(returns, routes).statistic) if np.ptp(returns) > 0 else 0.0)
    return found


def show(rows: list[dict[str, Any]]) -> None:
    """Print one line a phase."""
    print("| rewards | rank correlation with final routes | interval | episodes |\n|---|--:|---|--:|")
    for index, phase in enumerate(PHASES):
        found = correlations(rows, index)
        interval = bootstrap_interval(found, np.random.default_rng(0))
        name = "all terms (default)" if phase is None else f"phase {phase}"
        print(f"| {name} | {np.mean(found):.2f} | [{interval.low:.2f}, {interval.high:.2f}] | {len(found)} |")


if __name__ == "__main__":
    tyro.cli(main)
