"""Draw the phases of a PPO training: when the curriculum advances, and what the reward, the routes and the critic do.

    python -m benchmarks.environment_study.phases --curves docs/rows/environment_phases.jsonl \
        --picture docs/pictures/phases.png
"""

from __future__ import annotations

from pathlib import Path

import tyro

from benchmarks.harness import read_rows
from lagrl.plot.pictures import COLOURS, new_figure, save_figure

PANELS = (
    ("reward", "return of an episode"),
    ("best_route_ratio", "route cost / Clarke–Wright at the end"),
    ("best_gap", "relative dual gap at the end"),
    ("explained_variance", "explained variance of the critic"),
)


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
    figure = new_figure(12.0, 3.2)
    for axes, (name, title) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        points = [(row["step"], row[name]) for row in rows if name in row]
        axes.plot(*zip(*points, strict=True), color=COLOURS[0], linewidth=1.2)
        for number, (phase, first) in enumerate(firsts.items()):
            last = [*firsts.values(), int(rows[-1]["step"])][number + 1]
            axes.axvspan(first, last, color=COLOURS[number + 1], alpha=0.12, label=f"phase {phase}")
        axes.set_title(title, fontsize=9, loc="left")
        axes.set_xlabel("rollout")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=7)
    save_figure(figure, picture)
    print("; ".join(f"phase {phase} from rollout {first}" for phase, first in firsts.items()))


if __name__ == "__main__":
    tyro.cli(main)
