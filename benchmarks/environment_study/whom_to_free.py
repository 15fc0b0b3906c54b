"""What is it worth to choose whom a move frees? Random sets against the best of K, in `LagrangianSearch-v0`.

    python -m benchmarks.environment_study.whom_to_free --out docs/rows/environment_search.jsonl
    python -m benchmarks.environment_study.whom_to_free --show-rows docs/rows/environment_search.jsonl

Each row is one generated instance. Per move: at every tenth move of a random search, 30 drawn sets are tried on copies;
the mean best of K of them follows from all of them. Whole searches: the same episode by random choices, random scores,
zero scores, and the oracle that looks one move ahead with 8 sets, at equal moves; the oracle's tries are not counted.
One evaluation per move. Rows that exist are kept, so that an interrupted run continues.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, origin, read_rows, read_rows_if_any

if __name__ == "__main__":
    from benchmarks.harness import one_thread

    one_thread()  # before numpy and numba are loaded

from math import comb
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tyro

from envs.search.baselines import baseline, lookahead
from envs.search.config import SearchEnvConfig
from envs.search.core import SearchBatch
from lagrl.bench.statistics import bootstrap_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from envs.search.baselines import Baseline

ACTORS: tuple[tuple[str, Baseline, dict[str, Any]], ...] = (
    ("random choice", "random", {"action": "choice"}),
    ("random scores", "random", {"action": "scores"}),
    ("zero scores", "zero", {"action": "scores"}),
    ("oracle of 8", "oracle", {"action": "choice"}),
)
_TRIED, _EVERY = 30, 10
_EPISODES, _ACTIONS = 0x46524545, 0x41435453  # random streams of episodes and of random actions


def started(config: SearchEnvConfig, seed: int) -> SearchBatch:
    """Return the episode of a seed; its instance and its start do not depend on the actions."""
    batch = SearchBatch(config, 1)
    batch.reset(0, np.random.default_rng([_EPISODES, seed]))
    return batch


def gains_per_state(config: SearchEnvConfig, seed: int) -> list[list[float]]:
    """Return the rewards of 30 sets at every tenth state of a random search."""
    batch, gains = started(config, seed), []
    while not batch.episodes[0].is_over:
        episode = batch.episodes[0]
        if episode.moves % _EVERY == 0:
            gains.append(lookahead(episode, episode.draw_sets(_TRIED)).reward.tolist())
        batch.step(np.zeros(1, np.int64))
    return gains


def whole_search(config: SearchEnvConfig, seed: int, actor: Baseline) -> list[float]:
    """Return the reward of each move."""
    batch, rewards = started(config, seed), []
    act = baseline(actor, np.random.default_rng([_ACTIONS, seed]))
    while not batch.episodes[0].is_over:
        rewards.append(float(batch.step(act(batch)).rewards[0]))
    return rewards


def best_of(gains: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Return the expected largest of K of M values drawn without replacement: [S, M] to [S]."""
    ranked, m = np.sort(gains, axis=1), gains.shape[1]
    weight = np.array([comb(i, k - 1) / comb(m, k) for i in range(m)])
    return np.asarray(ranked @ weight)


def main(out: Path | None = None, show_rows: Path | None = None, instances: int = 24, moves: int = 100) -> None:
    """Measure or show the gains.

    Parameters
    ----------
    out
        File for the rows.
    show_rows
        Rows of an earlier run, to be shown instead.
    instances
        Number of generated instances of 60 to 170 customers.
    moves
        Moves of each search.
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    assert out is not None
    config = SearchEnvConfig(n_max=170, n_customers=(60, 170), max_moves=moves, action="choice", choices=8)
    done = {row["seed"] for row in read_rows_if_any(out)}
    common = origin("pyvrp")
    for seed in range(instances):
        if seed in done:
            continue
        episode = started(config, seed).episodes[0]
        row: dict[str, Any] = {
            "seed": seed,
            "moves": moves,
            "n_customers": episode.n_customers,
            "start_cost": episode.start_cost,
            "mean_arc": episode.mean_arc,
            "gains": gains_per_state(config, seed),
        }
        for name, actor, changes in ACTORS:
            row[name] = whole_search(config.changed(changes), seed, actor)
        append_rows(out, [row | common])
    show(read_rows(out))


def show(rows: list[dict[str, Any]]) -> None:
    """Print both tables; intervals are over instances."""
    gains = [np.array(row["gains"]) for row in rows]
    single = np.array([best_of(one, 1).mean() for one in gains])
    print(f"{len(rows)} instances, {sum(len(one) for one in gains)} states\n")
    print("| sets | gain per move, mean arcs | ratio to one set |\n|--:|---|---|")
    for k in (1, 2, 4, 8, 16, 30):
        best = np.array([best_of(one, k).mean() for one in gains])
        interval = bootstrap_interval(best, np.random.default_rng(0))
        print(
            f"| {k} | {interval.mean:.4f} [{interval.low:.4f}, {interval.high:.4f}] | {_ratio(best, single)} |"
            if k > 1
            else f"| 1 | {interval.mean:.4f} [{interval.low:.4f}, {interval.high:.4f}] | 1 |"
        )
    moves = rows[0]["moves"]
    print(f"\n| actor | mean arcs gained in {moves} moves | ratio to random choice | cost − that of random choice, % |")
    print("|---|---|---|---|")
    reference = np.array([sum(row[ACTORS[0][0]]) for row in rows])
    scale = np.array([row["mean_arc"] / row["start_cost"] for row in rows])
    for name, _, _ in ACTORS:
        total = np.array([sum(row[name]) for row in rows])
        gained = bootstrap_interval(total, np.random.default_rng(0))
        cost = bootstrap_interval(100 * ((1 - total * scale) / (1 - reference * scale) - 1), np.random.default_rng(0))
        print(
            f"| {name} | {gained.mean:.2f} [{gained.low:.2f}, {gained.high:.2f}] | {_ratio(total, reference)} | "
            f"{cost.mean:+.2f} [{cost.low:+.2f}, {cost.high:+.2f}] |"
        )


def _ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> str:
    """Return the ratio of two means with its paired bootstrap interval over instances."""
    drawn = np.random.default_rng(0).integers(len(a), size=(10_000, len(a)))
    low, high = np.quantile(a[drawn].mean(axis=1) / b[drawn].mean(axis=1), (0.025, 0.975))
    return f"{a.mean() / b.mean():.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    tyro.cli(main)
