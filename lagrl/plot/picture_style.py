"""The one style of all pictures: colours, sizes, themes, and the files that pictures are written to.

Colours are those of Okabe and Ito (2008), which differ under all common colour blindness. Every series also has a line
pattern or a mark of its own. Text is readable on a slide when a picture fills it.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeAlias, TypeVar

from lagrl.errors import InputError, MissingExtraError, UnknownNameError
from lagrl.io.atomic import replacing, require_writable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence, Sized

    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

P = ParamSpec("P")
T = TypeVar("T")

ThemeName: TypeAlias = Literal["light", "dark"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")
"""Colours on white; Okabe and Ito's yellow is too faint there."""
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
"""Line patterns, from solid to dash-dotted."""
MARKS = "os^Dv<PX*"
"""Marks of points: more than colours, so that series of one colour differ."""


@dataclass(frozen=True)
class Theme:
    """Colours of a picture: of series, of text, of secondary text and axes, and of the background."""

    colours: tuple[str, ...]
    ink: str
    faint: str
    background: str


THEMES: dict[str, Theme] = {
    "light": Theme(COLOURS, "#222222", "#6b6b6b", "#ffffff"),
    # blue and grey would be too dim on a dark page
    "dark": Theme(
        ("#56B4E9", "#E8743B", "#1DBE8F", "#DE9BC0", "#E69F00", "#F0E442", "#BBBBBB"), "#eeeeee", "#a8a8a8", "#1e2129"
    ),
}
"""The themes by name; the dark one has the background of the site's dark pages."""

_active: ContextVar[Theme] = ContextVar("theme", default=THEMES["light"])
_DOTS_PER_INCH = 120
# without matplotlib's version and the time, which would make equal pictures differ
_METADATA = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


@contextlib.contextmanager
def style(theme: ThemeName = "light") -> Iterator[Theme]:
    """Draw in the style of lagrl within a `with` block; the user's settings of matplotlib come back after it.

    Yields the theme. The functions of `lagrl.plot` use this style on their own; the block chooses the theme, and gives
    the style to what is drawn with matplotlib itself.

    Parameters
    ----------
    theme
        `light` (on white) or `dark`.

    Raises
    ------
    UnknownNameError
        If there is no such theme.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import lagrl
    >>> problem = lagrl.read("G-n16-k3")
    >>> with lagrl.plot.style("dark"):
    ...     ax = lagrl.plot.routes(problem, lagrl.solve(problem, evaluations=20))
    >>> lagrl.plot.save_figure(ax.figure, "routes.svg")
    """
    if theme not in THEMES:
        raise UnknownNameError.of("theme", str(theme), THEMES)
    with _drawing_as(THEMES[theme]) as chosen:
        yield chosen


def current_theme() -> Theme:
    """Return the theme of the innermost `style` block; the light one outside of any."""
    return _active.get()


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """Return a function that draws in the style of lagrl, under the current theme."""

    @functools.wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> T:
        with _drawing_as(current_theme()):
            return draw(*args, **kwargs)

    return inside


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of `width` × `height` inches in the current theme, bound to no display.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    InputError
        If the environment variable MPLBACKEND stops matplotlib.
    """
    figure = imported("matplotlib.figure").Figure(
        figsize=(width, height), dpi=_DOTS_PER_INCH, layout="constrained", facecolor=current_theme().background
    )
    imported("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    made: Figure = figure
    return made


@styled
def one_panel(draw: Callable[[Axes], object], width: float = 8.0, height: float = 5.0) -> Figure:
    """Return a new figure of `width` × `height` inches whose only axes `draw` has drawn on."""
    figure = new_figure(width, height)
    draw(figure.subplots())
    return figure


def new_axes() -> Axes:
    """Return axes on a new figure of pyplot, which a notebook or `pyplot.show()` displays.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    InputError
        If its backend cannot be loaded, such as one with windows where there is no display.
    """
    pyplot = imported("matplotlib.pyplot")
    try:
        axes: Axes = pyplot.subplots(figsize=(7.0, 4.8), layout="constrained")[1]
    except ImportError as error:
        raise _unusable_backend(error) from error
    return axes


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure as PNG, SVG or PDF, as the suffix of `path` says, atomically; equal pictures give equal files.

    Raises
    ------
    InputError
        If the suffix is another one, or missing.
    OutputError
        If `path` cannot be written; what was there stays.
    """
    kind = _kind(path)
    with replacing(path) as temporary, imported("matplotlib").rc_context({"svg.hashsalt": "lagrl"}):
        figure.savefig(temporary, format=kind, metadata=_METADATA[kind])


def require_picture(path: str | os.PathLike[str] | None, option: str = "--plot") -> None:
    """Raise an error before a long computation if no picture can be drawn to `path`; None is allowed.

    Raises
    ------
    InputError
        If the suffix is not .png, .svg or .pdf, or MPLBACKEND stops matplotlib.
    OutputError
        If the file cannot be written there.
    MissingExtraError
        If matplotlib is not installed.
    """
    if path is not None:
        _kind(path, option)
        require_writable(path)
        imported("matplotlib.figure")


def require_given(values: Sized, field: str, one: str) -> None:
    """Refuse nothing to draw; `one` is the noun of a value.

    Raises
    ------
    InputError
        If there is no value.
    """
    if not values:
        raise InputError("nothing given", field=field, remedy=f"give at least one {one}")


def colour(index: int) -> str:
    """Return the colour of the series `index` in the current theme; colours repeat after seven."""
    colours = current_theme().colours
    return colours[index % len(colours)]


def dashes(index: int) -> Any:
    """Return the line pattern of the series `index`; patterns repeat after four, so 28 series differ."""
    return DASHES[index % len(DASHES)]


def mark(index: int) -> str:
    """Return the mark of the points of the series `index`."""
    return MARKS[index % len(MARKS)]


def finish(axes: Axes, title: str, x_label: str, y_label: str, *, has_legend: bool = True) -> Axes:
    """Give axes their title, labels and legend, and return them."""
    axes.set_title(title)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    if has_legend:
        axes.legend(loc="best")
    return axes


def finish_map(axes: Axes, depot: NDArray[np.float64]) -> Axes:
    """Mark the depot [2] as a square, give both directions one scale and hide the frame; return the axes."""
    theme = current_theme()
    axes.scatter(
        depot[0], depot[1], s=90, marker="s", color=theme.ink, edgecolor=theme.background, linewidth=1.0, zorder=4,
        gid="depot",
    )  # fmt: skip
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    return axes


def reference_line(axes: Axes, value: float, label: str, *, above: bool) -> None:
    """Draw a faint horizontal line with its name at the right end, above or below it."""
    faint = current_theme().faint
    axes.axhline(value, color=faint, linewidth=1.2, linestyle=(0, (2, 2)), zorder=1, gid="reference")
    axes.annotate(
        label, (0.99, value), xycoords=axes.get_yaxis_transform(), xytext=(0, 3 if above else -3),
        textcoords="offset points", ha="right", va="bottom" if above else "top", fontsize=11, color=faint,
    )  # fmt: skip


def outside_legend(axes: Axes, handles: Sequence[Any] | None = None) -> None:
    """Put the legend to the right of the axes, where it covers nothing."""
    given = {} if handles is None else {"handles": list(handles)}
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), borderaxespad=0.2, **given)


@contextlib.contextmanager
def _drawing_as(theme: Theme) -> Iterator[Theme]:
    matplotlib = imported("matplotlib")
    token = _active.set(theme)
    try:
        with matplotlib.rc_context(_settings(theme)):
            yield theme
    finally:
        _active.reset(token)


def _settings(theme: Theme) -> dict[str, Any]:
    """Return matplotlib's settings for a theme."""
    cycler = imported("cycler").cycler
    n = len(theme.colours)
    return {
        **{"figure.facecolor": theme.background, "axes.facecolor": theme.background, "savefig.facecolor": "auto"},
        **{"text.color": theme.ink, "axes.labelcolor": theme.ink, "axes.titlecolor": theme.ink},
        **{"xtick.labelcolor": theme.ink, "ytick.labelcolor": theme.ink},
        **{"axes.edgecolor": theme.faint, "xtick.color": theme.faint, "ytick.color": theme.faint},
        **{"grid.color": theme.faint, "grid.alpha": 0.25, "grid.linewidth": 0.8},
        **{"font.size": 12.0, "axes.titlesize": 13.0, "axes.labelsize": 12.0, "legend.fontsize": 11.0},
        **{"xtick.labelsize": 11.0, "ytick.labelsize": 11.0, "figure.titlesize": 14.0},
        **{"axes.titlelocation": "left", "axes.spines.top": False, "axes.spines.right": False},
        **{"lines.linewidth": 2.0, "lines.markersize": 6.0, "legend.frameon": False, "pdf.fonttype": 42},
        "axes.prop_cycle": cycler(color=theme.colours) + cycler(linestyle=(DASHES * n)[:n]),
    }


def imported(module: str) -> Any:
    """Import a part of matplotlib.

    MissingExtraError: it is not installed. InputError: MPLBACKEND names no backend.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError.of("matplotlib", "viz", "drawing") from error
    except ValueError as error:
        if "backend" not in str(error):
            raise
        raise _unusable_backend(error) from error


def _unusable_backend(error: Exception) -> InputError:
    given = os.environ.get("MPLBACKEND", "")
    reason = "no backend of matplotlib" if isinstance(error, ValueError) else str(error)
    return InputError(f"{given!r} cannot be used: {reason}", field="MPLBACKEND", remedy="set it to Agg, or remove it")


def _kind(path: str | os.PathLike[str], field: str = "path") -> str:
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in _METADATA:
        raise InputError(
            f"{os.fspath(path)!r} given", field=field, remedy="give a name that ends in .png, .svg or .pdf"
        )
    return suffix
