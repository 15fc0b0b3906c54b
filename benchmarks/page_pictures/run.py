"""Draw the pictures of the README, of the start page and of the guide to pictures, on a light and a dark background.

    python -m benchmarks.page_pictures.run --checkpoint checkpoints/first --out docs/pictures

The checkpoint is that of the start page's training. Dark pictures have `_dark` in their name.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

import lagrl
from lagrl.bench.demo import demo
from lagrl.plot.picture_style import THEMES, one_panel, save_figure, style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

    from lagrl.plot.picture_style import ThemeName
    from lagrl.samplers.one_knapsack import KnapsackSamples

NAMES: tuple[ThemeName, ...] = ("light", "dark")


@dataclass(frozen=True)
class Shown:
    """What the pictures show: results that do not depend on the theme."""

    problem: lagrl.CVRP
    result: lagrl.SolveResult
    first: lagrl.SolveResult
    trace: lagrl.DualTrace
    steps: list[lagrl.LowerBound]
    samples: KnapsackSamples


def results(checkpoint: str) -> Shown:
    """Compute what is drawn."""
    problem = lagrl.read("G-n51-k6")
    loop = lagrl.DualLoop.of(lagrl.AssignmentDual(lagrl.linearise(problem)))
    steps: list[lagrl.LowerBound] = []
    steps.append(lagrl.lower_bound(problem, seconds=30, on_progress=steps.append))
    return Shown(
        problem,
        result=lagrl.solve(problem, evaluations=100, seed=0),
        first=lagrl.solve(problem, evaluations=2, seed=0),
        trace=lagrl.ascend(loop, checkpoint, budget=50),
        steps=steps,
        samples=lagrl.quantum.sample([-9.0, -7.0, -6.0, -4.0], [4, 3, 3, 2], 8, shots=256),
    )


def figures(shown: Shown) -> Iterator[tuple[str, Figure]]:
    """Yield each figure with its name, in the current theme."""
    problem, result, trace = shown.problem, shown.result, shown.trace
    assert trace.best is not None
    multipliers = trace.best.point.multipliers
    yield "start_routes", one_panel(lambda ax: lagrl.plot.routes(problem, result, ax), 7.0, 5.4)
    yield "start_ascent", one_panel(lambda ax: lagrl.plot.dual(trace, ax), 7.5, 4.8)
    yield "start_samples", one_panel(lambda ax: lagrl.plot.samples(shown.samples, ax), 8.5, 4.8)
    yield "guide_bound", one_panel(lambda ax: lagrl.plot.bound(shown.steps, problem, ax))
    yield "guide_multipliers", one_panel(lambda ax: lagrl.plot.multipliers(problem, multipliers, ax), 7.5, 5.4)
    yield "guide_compare", lagrl.plot.compare_routes(problem, {"2 evaluations": shown.first, "100 evaluations": result})


def main(checkpoint: str = "checkpoints/first", out: Path = Path("docs/pictures"), only_pages: bool = False) -> None:
    """Draw everything.

    Parameters
    ----------
    checkpoint
        Controller of the ascent.
    out
        Existing folder.
    only_pages
        Leave out `demo.png`, the picture of `lagrl demo`.
    """
    shown = results(checkpoint)
    for theme in NAMES:
        end = "" if theme == "light" else "_dark"
        with style(theme):
            for name, figure in figures(shown):
                save_figure(figure, out / f"{name}{end}.svg")
            if not only_pages:
                folder = out if theme == "light" else out / "dark"
                made = demo(folder, progress=False).picture
                if theme == "dark":
                    made.rename(out / "demo_dark.png")
                    folder.rmdir()
    print(f"{out}: pictures in the themes {', '.join(THEMES)}")


if __name__ == "__main__":
    tyro.cli(main)
