"""Animation of a dual ascent: multipliers and selections on the map, and L(λ) so far."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.dual_loop import Step
from lagrl.errors import InputError
from lagrl.io.atomic import replacing, require_writable
from lagrl.plot.picture_style import THEMES, Theme, colour, current_theme, finish_map, imported, new_figure, styled
from lagrl.problems.cvrp import require_cvrp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP

MOST_FRAMES = 120
"""Frames of an animation; of a longer ascent evaluations at equal distances are shown, the last one among them."""

_SIZE = (10.0, 4.8)  # inches
_DOTS_PER_INCH = 80
_FORMATS = (".gif", ".mp4")


@styled
def animate(
    problem: CVRP,
    steps: Sequence[Step],
    path: str | os.PathLike[str],
    *,
    frames_per_second: float = 5.0,
    on_frame: Callable[[int, int], object] | None = None,
) -> int:
    """Write a dual ascent as an animation, atomically: a .gif, or an .mp4 (needs ffmpeg).

    On the map a point is the darker, the higher the customer's multiplier λ. A ring has the colour of the vehicle that
    selects the customer; a cross marks a customer selected by several vehicles. The other panel shows L(λ) at each
    evaluation, and the highest so far. The last frame is held for two seconds.

    Parameters
    ----------
    problem
        The instance, with coordinates.
    steps
        Evaluations of one ascent, such as `on_step` of `lagrl.ascend` receives.
    path
        File to write; its suffix chooses the format.
    frames_per_second
        Speed, above 0 and at most 50.
    on_frame
        Called with the number of frames drawn and of all frames after each.

    Returns
    -------
    The number of different frames.

    Raises
    ------
    InputError
        If the suffix is another one, ffmpeg is missing for .mp4, there is no step, a step is of another instance, the
        instance has no coordinates, or the speed is out of range.
    OutputError
        If the file cannot be written.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import lagrl
    >>> problem, steps = lagrl.read("G-n16-k3"), []
    >>> loop = lagrl.DualLoop.of(lagrl.AssignmentDual(lagrl.linearise(problem)))
    >>> trace = lagrl.ascend(loop, "volume", budget=5, on_step=steps.append)
    >>> lagrl.plot.animate(problem, steps, "dual.gif")
    5
    """
    require_animation(path)
    require_map(problem)
    _require_steps(problem, steps)
    if not 0 < frames_per_second <= 50:
        raise InputError(f"{frames_per_second} given", field="frames_per_second", remedy="give more than 0, up to 50")
    numbers = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), MOST_FRAMES)).round().astype(int)).tolist()
    figure = new_figure(*_SIZE)
    figure.set_layout_engine("constrained", w_pad=0.12)
    picture = _Picture(problem, steps, *figure.subplots(1, 2, width_ratios=(1.15, 1)))
    writer = _writer(path, frames_per_second)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / f"animation{Path(path).suffix.lower()}"  # the writers take the format from the name
        with writer.saving(figure, made, _DOTS_PER_INCH):
            for drawn, number in enumerate(numbers, 1):
                picture.show(number)
                if number == numbers[0]:
                    figure.canvas.draw()
                    figure.set_layout_engine("none")  # the panels keep their places
                writer.grab_frame()
                if on_frame is not None:
                    on_frame(drawn, len(numbers))
            for _ in range(round(2 * frames_per_second)):
                writer.grab_frame()
        with replacing(path) as temporary:
            shutil.copyfile(made, temporary)
    return len(numbers)


def require_animation(path: str | os.PathLike[str] | None, option: str = "path", suffix: str | None = None) -> None:
    """Raise an error before a long computation if no animation can be written to `path`; None is allowed.

    Parameters
    ----------
    path
        The file.
    option
        Name of the option, for the error.
    suffix
        The suffix that the file must have; .gif or .mp4 if None.

    Raises
    ------
    InputError
        If the suffix is another one, or ffmpeg is missing for .mp4.
    OutputError
        If the file cannot be written there.
    MissingExtraError
        If matplotlib is not installed.
    """
    if path is None:
        return
    allowed = _FORMATS if suffix is None else (suffix,)
    if Path(path).suffix.lower() not in allowed:
        remedy = f"give a name that ends in {' or '.join(allowed)}"
        raise InputError(f"{os.fspath(path)!r} given", field=option, remedy=remedy)
    require_writable(path)
    writers = imported("matplotlib.animation")
    if Path(path).suffix.lower() == ".mp4" and not writers.FFMpegWriter.isAvailable():
        raise InputError(
            "ffmpeg is not installed",
            field=option,
            remedy="install it (on Debian or Ubuntu: apt install ffmpeg), or write a .gif, which needs none",
        )


def require_map(problem: CVRP) -> NDArray[np.float64]:
    """Return the places [1 + n, 2] of an instance; raise InputError if it has none."""
    require_cvrp(problem)
    if problem.coordinates is None:
        raise InputError(
            "only distances are known", source=problem.name, field="coordinates", remedy="draw an instance in the plane"
        )
    return problem.coordinates


def _require_steps(problem: CVRP, steps: Sequence[Step]) -> None:
    remedy = "give what on_step of lagrl.ascend received"
    if not len(steps) or not all(isinstance(step, Step) for step in steps):
        raise InputError(f"{steps!r:.80} given", field="steps", remedy=remedy)
    n = problem.n_customers
    for step in steps:
        if len(step.point.multipliers) != n:
            found = f"{len(step.point.multipliers)} multipliers for {n} customers"
            raise InputError(found, source=problem.name, field="steps", remedy="give steps of this instance")


def _writer(path: str | os.PathLike[str], frames_per_second: float) -> Any:
    writers = imported("matplotlib.animation")
    if Path(path).suffix.lower() == ".gif":
        return writers.PillowWriter(fps=frames_per_second)
    return writers.FFMpegWriter(fps=frames_per_second, codec="h264", bitrate=-1)


class _Picture:
    """The two panels of the animation, changed in place from step to step."""

    def __init__(self, problem: CVRP, steps: Sequence[Step], left: Axes, right: Axes) -> None:
        self.steps = steps
        self.left, self.right = left, right
        self.values = np.array([_value(step) for step in steps])
        places = require_map(problem)
        prices = np.array([step.point.multipliers for step in steps])
        high, low = float(np.abs(prices).max()) or 1.0, float(prices.min())
        theme = current_theme()
        self.points = left.scatter(
            places[1:, 0], places[1:, 1], s=80, c=prices[0], cmap=_shades(theme) if low >= 0 else "PuOr", zorder=3,
            vmin=0.0 if low >= 0 else -high, vmax=high,
        )  # fmt: skip
        self.rings = np.array([_rgba(colour(k)) for k in range(len(steps[0].point.selection))])
        self.nobody = _rgba(theme.faint)
        self.several = left.scatter(
            [], [], s=90, marker="X", color=theme.ink, edgecolor=theme.background, linewidth=0.8, zorder=4
        )
        self.places = places[1:]
        bar = left.figure.colorbar(self.points, ax=left, shrink=0.85)
        bar.set_label("multiplier λ, distance units")
        bar.outline.set_visible(False)
        finish_map(left, places[0])
        left.margins(0.06)
        is_exact = all(step.exact_value is not None for step in steps)
        (self.all,) = right.plot([], [], linestyle="", marker="o", markersize=3.5, color=theme.faint)
        (self.best,) = right.plot([], [], linestyle="-", color=colour(0))
        self.name = "L(λ)" if is_exact else "sampled value"
        right.set_xlabel("evaluation")
        right.grid(axis="y")
        right.set_xlim(0.5, len(steps) + 0.5)
        span = float(np.ptp(self.values)) or 1.0
        right.set_ylim(self.values.min() - 0.06 * span, self.values.max() + 0.06 * span)

    def show(self, number: int) -> None:
        """Show one step, by its number from 0."""
        step = self.steps[number]
        selection = np.asarray(step.point.selection) > 0
        times = selection.sum(axis=0)
        rings = self.rings[selection.argmax(axis=0)]
        rings[times == 0] = self.nobody
        self.points.set_array(step.point.multipliers)
        self.points.set_edgecolor(rings)
        self.points.set_linewidth(np.where(times == 0, 0.7, 2.6).tolist())
        self.several.set_offsets(self.places[times > 1])
        count = f"none {int((times == 0).sum())}, one {int((times == 1).sum())}, several (x) {int((times > 1).sum())}"
        self.left.set_title(f"customers selected by vehicles: {count}", fontsize=10)
        evaluations = np.arange(1, number + 2)
        self.all.set_data(evaluations, self.values[: number + 1])
        self.best.set_data(evaluations, np.maximum.accumulate(self.values[: number + 1]))
        highest = self.values[: number + 1].max()
        self.right.set_title(
            f"evaluation {number + 1}: {self.name} {self.values[number]:.6g}, line: highest {highest:.6g}", fontsize=10
        )


def _shades(theme: Theme) -> str:
    """Return the scale whose low end is the background."""
    return "Greys" if theme.background == THEMES["light"].background else "Greys_r"


def _value(step: Step) -> float:
    return step.point.sampled_value if step.exact_value is None else step.exact_value


def _rgba(name: str, alpha: float = 1.0) -> tuple[float, float, float, float]:
    made: tuple[float, float, float, float] = imported("matplotlib.colors").to_rgba(name, alpha)
    return made
