"""What does it matter who acts? Random, zero, classical and cloned actors on the same generated episodes.

    python -m benchmarks.environment_study.actors --out docs/rows/environment_actors.jsonl
    python -m benchmarks.environment_study.actors --show-rows docs/rows/environment_actors.jsonl

Every sampler prices all evaluations of an episode; routes are those that its selections decode to. Each row is one
episode of one actor. The clones of the training seeds count as one method: an episode's route cost is their mean. Rows
that exist are kept, so that an interrupted run continues. With `--shard i/n` a process plays every n-th setting.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, origin, read_rows, read_rows_if_any

if __name__ == "__main__":
    from benchmarks.harness import one_thread

    one_thread()  # before numpy, numba and torch are loaded

from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks.environment_study.episodes import play, summary
from envs.config import EnvConfig
from lagrl.bench.statistics import bootstrap_interval

CLONES = ("checkpoints/bc-small", "checkpoints/bc-small-seed1", "checkpoints/bc-small-seed2")
ACTORS = ("random", "zero", "hwc", "cfm", *CLONES)
SHOTS = (4, 16, 64, 256)
SAMPLERS = ("qaoa", "noisy:FakeKingston")
_TOGETHER = 16


def settings() -> list[tuple[str, int]]:
    """Return the samplers and their shots; exact pricing has none."""
    return [("exact", 0), *((sampler, shots) for sampler in SAMPLERS for shots in SHOTS)]


def main(
    out: Path | None = None,
    show_rows: Path | None = None,
    episodes: int = 96,
    steps: int = 24,
    actors: tuple[str, ...] = ACTORS,
    shard: str = "0/1",
) -> None:
    """Play or show the episodes.

    Parameters
    ----------
    out
        File for the rows.
    show_rows
        Rows of an earlier run, to be shown instead.
    episodes
        Number of generated episodes of 20 to 100 customers.
    steps
        Steps of an episode.
    actors
        Names of the actors, see `benchmarks.environment_study.episodes`.
    shard
        `i/n`: this process plays the settings i, i + n, ….
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    assert out is not None
    part, parts = map(int, shard.split("/"))
    done = {(row["sampler"], row["shots"], row["actor"], row["seed"]) for row in read_rows_if_any(out)}
    common = origin()
    for sampler, shots in settings()[part::parts]:
        config = EnvConfig(
            max_steps=steps, sampler=sampler, route_sampler=sampler, shots=shots or 64, route_every=steps + 1
        )
        for begin in range(0, episodes, _TOGETHER):
            for actor in actors:
                seeds = list(range(begin, min(begin + _TOGETHER, episodes)))
                if all((sampler, shots, actor, seed) in done for seed in seeds):
                    continue
                rows = [
                    {"sampler": sampler, "shots": shots, "actor": actor, "seed": seed, "steps": steps, "return": earned}
                    | summary(episode)
                    | common
                    for seed, (episode, earned) in zip(seeds, play(config, actor, seeds), strict=True)
                ]
                append_rows(out, [row for row in rows if (sampler, shots, actor, row["seed"]) not in done])
    show(read_rows(out))


def show(rows: list[dict[str, Any]]) -> None:
    """Print a table: route cost of each actor minus that of the clones, % of Clarke and Wright's, by setting."""
    cost = {(row["sampler"], row["shots"], row["actor"], row["seed"]): row["best_route_ratio"] for row in rows}
    actors = list(dict.fromkeys(row["actor"] for row in rows))
    others = [actor for actor in actors if actor not in CLONES]
    print("| sampler | shots | clones | training seeds | " + " | ".join(f"{one} − clones" for one in others) + " |")
    print("|---|--:|--:|---|" + "---|" * len(others))
    for sampler, shots in settings():
        seeds = sorted({key[3] for key in cost if key[:2] == (sampler, shots)})
        if not seeds:
            continue
        ratios = {actor: np.array([cost[sampler, shots, actor, seed] for seed in seeds]) for actor in actors}
        clones = np.mean([ratios[actor] for actor in CLONES], axis=0)
        means = [ratios[actor].mean() for actor in CLONES]
        cells = [f"{min(means):.4f} … {max(means):.4f}"]
        for actor in others:
            interval = bootstrap_interval(100 * (ratios[actor] - clones), np.random.default_rng(0))
            cells.append(f"{interval.mean:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]")
        print(f"| {sampler} | {shots or ''} | {clones.mean():.4f} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    tyro.cli(main)
