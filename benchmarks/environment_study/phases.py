"""Draw the phases of a PPO training: when the curriculum advances, and what the reward, the routes and the critic do.

    python -m benchmarks.environment_study.phases --curves docs/rows/training/ppo-small.jsonl \
        --picture docs/pictures/phases.png
"""

from __future__ import annotations

from pathlib import Path

import tyro

from benchmarks.harness import read_rows
from lagrl.plot.picture_style import save_figure
from lagrl.plot.training_curves import training

DRAWN = ("reward", "best_route_ratio", "best_gap", "explained_variance")


def main(curves: Path, picture: Path) -> None:
    """Draw the curves of a run, shaded by phase, and print the first rollout of each phase.

    Parameters
    ----------
    curves
        The run's curves.
    picture
        File of the picture.
    """
    rows = read_rows(curves)
    firsts: dict[int, int] = {}
    for row in rows:
        firsts.setdefault(int(row["phase"]), int(row["step"]))
    save_figure(training(rows, DRAWN, unit="rollout"), picture)
    print("; ".join(f"phase {phase} from rollout {first}" for phase, first in firsts.items()))


if __name__ == "__main__":
    tyro.cli(main)
