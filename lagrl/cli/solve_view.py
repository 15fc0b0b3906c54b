"""The live view of `lagrl solve --watch`: the routes as a map, beside costs, bounds and speed."""

from __future__ import annotations

import contextlib
from collections import deque
from typing import TYPE_CHECKING

from rich.segment import Segment

from lagrl.cli.braille_map import BrailleMap, sparkline
from lagrl.cli.live_frame import DIM, Frame, LiveFrame, bar_line, beside, figure_lines, heading, obstacle
from lagrl.cli.progress import COMPILING, solve_bar
from lagrl.compilation import compile_kernels
from lagrl.printable import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from lagrl.cli.live_frame import Line
    from lagrl.problems.cvrp import CVRP
    from lagrl.search.search_report import SolveProgress

_FIGURES = 30  # columns
_NARROW = 64  # columns below which the map is under the figures
_FEWEST_ROWS = 4  # of a map
_WINDOW = 16  # frames over which the speed is measured


@contextlib.contextmanager
def watch_solve(
    problem: CVRP, rooms: Sequence[str], *, later: Sequence[str] = (), is_quiet: bool
) -> Iterator[Callable[[SolveProgress], None] | None]:
    """Show a solve live, with its routes; yields the callback of `solve`.

    Where no live view can be shown, one line says why, and there is the bar of a solve without `--watch`. `rooms`,
    `later` and `is_quiet` are those of `lagrl.cli.progress.solve_bar`.
    """
    reason = obstacle()
    if reason is not None:
        say(f"lagrl: no live view, as {reason}; the solve goes on without it", error=True)
        with solve_bar(problem.name, rooms, later=later, is_quiet=is_quiet) as show:
            yield show
        return
    with LiveFrame() as live:
        waiting = Frame([heading(f"{problem.name}: loading kernels", live.console.width)])
        compiling = Frame([heading(f"{problem.name}: {COMPILING}", live.console.width)])

        def on_start() -> None:
            live.show(lambda *_: compiling, at_once=True)

        live.show(lambda *_: waiting, at_once=True)
        compile_kernels(*rooms, later=later, on_start=on_start)
        view = SolveView(problem)

        def on_evaluation(now: SolveProgress) -> None:
            if live.show(lambda columns, rows: view.frame(now, columns, rows)):
                view.remember(now)

        yield on_evaluation


class SolveView:
    """Makes the frames of a solve.

    Parameters
    ----------
    problem
        The instance; one without coordinates has no map.
    """

    def __init__(self, problem: CVRP) -> None:
        self.problem = problem
        self._costs: list[float] = []  # of every frame
        self._speed: deque[tuple[float, int]] = deque(maxlen=_WINDOW)  # seconds and evaluations of the last frames
        self._map: BrailleMap | None = None
        self._drawn: list[Line] = []
        self._routes: tuple[NDArray[np.int64], ...] | None = None

    def remember(self, now: SolveProgress) -> None:
        """Add a point to the curve of costs and to the speed."""
        if now.cost is not None:
            self._costs.append(now.cost)
        self._speed.append((now.seconds, now.evaluations))

    def frame(self, now: SolveProgress, columns: int, rows: int) -> Frame:
        """Return the frame of a size in characters: the figures, and the map beside or below them."""
        is_narrow = columns < _NARROW
        width = min(columns - 1, _FIGURES)
        figures = self._figures(now, width)[:rows]
        if is_narrow:
            left = rows - len(figures)
            drawn = self._map_lines(now, columns - 1, left) if left >= _FEWEST_ROWS else []
            return Frame([*figures, *drawn])
        drawn = self._map_lines(now, columns - _FIGURES - 3, rows)
        return Frame(beside(drawn, figures, columns - _FIGURES - 3))

    def _figures(self, now: SolveProgress, width: int) -> list[Line]:
        known, bound = self.problem.best_known, now.lower_bound
        above = None if not bound or now.cost is None else 100.0 * (now.cost - bound) / bound
        left = now.seconds / now.share - now.seconds if now.share > 0 else None
        speed = self._evaluations_per_second(now)
        figures = (
            ("best cost", _number(now.cost)),
            ("routes", str(len(now.routes)) if now.routes else ""),
            ("best known", _number(known)),
            ("gap to best known", _number(now.gap, ".2f", " %")),
            ("lower bound", _number(bound)),
            ("gap to bound", _number(above, ".2f", " %")),
            ("dual value (surrogate)", _number(now.dual_value)),
            ("evaluations", f"{now.evaluations}"),
            ("evaluations/s", _number(speed, ".0f")),
            ("seconds", f"{now.seconds:.1f}"),
            ("seconds left", _number(left, ".1f")),
        )
        lines = [
            heading(f"{self.problem.name}, {self.problem.n_customers} customers", width),
            bar_line(now.share, width),
            *figure_lines(figures, width),
        ]
        costs = [*self._costs, *([] if now.cost is None else [now.cost])]
        if len(costs) > 1:
            lines += [[Segment("best cost since the start", DIM)], [Segment(sparkline(costs, width))]]
        return lines

    def _evaluations_per_second(self, now: SolveProgress) -> float | None:
        if not self._speed or now.seconds <= self._speed[0][0]:
            return now.evaluations / now.seconds if now.seconds > 0 else None
        seconds, evaluations = self._speed[0]
        return (now.evaluations - evaluations) / (now.seconds - seconds)

    def _map_lines(self, now: SolveProgress, columns: int, rows: int) -> list[Line]:
        """Return the map of the routes, drawn again only if they or its size have changed."""
        points = self.problem.coordinates
        if points is None:
            return [[Segment("no map: the instance has distances only"[:columns], DIM)]]
        is_resized = self._map is None or (self._map.columns, self._map.rows) != (columns, rows)
        if is_resized or now.routes is not self._routes:
            if is_resized:
                self._map = BrailleMap(points, columns, rows)
            assert self._map is not None
            self._drawn, self._routes = self._map.segments(now.routes), now.routes
        return self._drawn


def _number(value: float | None, digits: str = ".10g", unit: str = "") -> str:
    if value is None:
        return ""
    if digits == ".10g":
        digits = ".2f" if value % 1 else ".0f"
    return f"{value:{digits}}{unit}"
