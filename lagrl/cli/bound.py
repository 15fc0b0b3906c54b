"""The command `lagrl bound`: a lower bound on the cost of every solution of an instance."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context
from typing import TYPE_CHECKING, Any, Literal

from lagrl.cli.options import Count, OneInstance, Plot, Text
from lagrl.cli.progress import bound_bar
from lagrl.errors import InputError
from lagrl.printable import say

if TYPE_CHECKING:
    from lagrl.bounds.bound import LowerBound
    from lagrl.problems.cvrp import CVRP


@dataclass(frozen=True)
class BoundCommand:
    """Options of `lagrl bound`.

    Unlike the dual value of `lagrl solve`, this bounds the CVRP: no solution that meets the fleet rule is cheaper.
    """

    instance: OneInstance
    seconds: float = 60.0
    """wall-clock limit in seconds, compilation excluded"""
    evaluations: Count = None
    """greatest number of exact pricings of ng-routes (default: no limit; 1000 with --controller)"""
    controller: Text = None
    """controller that ascends the dual of ng-routes: learned (the shipped route policy), learned:PATH, or one of `lagrl
    list controllers` (default: column generation)"""
    start: Literal["learned", "classical"] = "learned"
    """what finds the first prices of the column generation: the shipped route policy, or the volume algorithm"""
    ng: int = 8
    """number of other customers in the ng-neighbourhood of each customer, 1 to 12"""
    no_cuts: bool = False
    """do not separate rounded capacity cuts"""
    seed: int = 0
    """random seed of the controller"""
    plot: Plot = None
    """.svg, .pdf or .png file for the bound over the seconds (default: none)"""
    json: bool = False
    """print one JSON object instead of text"""

    def run(self) -> int:
        """Compute the bound and print it; after Ctrl-C the bound so far, with exit code 130."""
        from lagrl.bounds.bound import lower_bound, route_controller
        from lagrl.plot.bound_curve import bound as draw
        from lagrl.plot.picture_style import one_panel, require_picture, save_figure

        require_picture(self.plot)
        if self.controller is not None and self.no_cuts:
            raise InputError("given with --controller", field="--no-cuts", remedy="leave it out: no cuts there")
        controller = None if self.controller is None else route_controller(self.controller)
        problem = self.instance.read()
        reached: list[LowerBound] = []
        code = 0
        with bound_bar(problem.name, self.seconds, is_quiet=self.json) as show:

            def on_progress(bound: LowerBound) -> None:
                reached.append(bound)
                show(problem, bound)

            try:
                on_progress(
                    lower_bound(
                        problem,
                        seconds=self.seconds,
                        evaluations=float("inf") if self.evaluations is None else self.evaluations,
                        n_neighbours=self.ng,
                        cuts=not self.no_cuts,
                        start=self.start,
                        controller=controller,
                        seed=self.seed,
                        on_progress=on_progress,
                    )
                )
            except KeyboardInterrupt:
                if not reached:
                    raise
                code = 130
        bound = reached[-1]
        if code:
            say(f"lagrl: interrupted after {bound.seconds:.2f} s: the bound so far", error=True)
        try:
            if self.json:
                print(json.dumps(_record(problem, bound), allow_nan=False))
            else:
                say(*_text(problem, bound))
        finally:  # the picture is made even if nothing can be printed
            if self.plot is not None:
                save_figure(one_panel(lambda ax: draw(reached, problem, ax)), self.plot)
        return code


def _gap_percent(problem: CVRP, bound: LowerBound) -> float | None:
    gap = problem.gap_percent(bound.value)
    return None if gap is None else 0.0 - gap  # no -0


def _record(problem: CVRP, bound: LowerBound) -> dict[str, Any]:
    return {
        "instance": problem.name,
        "lower_bound": bound.value,
        "rounded": bound.rounded,
        "bks": problem.best_known,
        "gap_pct": _gap_percent(problem, bound),
        "seconds": bound.seconds,
        "fleet": str(problem.fleet),
        "evaluations": bound.evaluations,
        "columns": bound.n_columns,
        "cuts": bound.n_cuts,
        "converged": bound.is_converged,
        "trivial": bound.is_trivial,
        "obstacle": bound.obstacle,
    }


def _text(problem: CVRP, bound: LowerBound) -> list[str]:
    gap = _gap_percent(problem, bound)
    whole = f"; {bound.rounded:.0f}, as all distances are whole" if bound.rounded > bound.value else ""
    known = "" if gap is None else f", {gap:.2f} % below the best known {problem.best_known:.10g}"
    state = "converged" if bound.is_converged else "not converged"
    lines = [
        f"{problem.name}: lower bound {_rounded_down(bound.value)}{known}{whole}",
        f"{bound.seconds:.2f} s, {bound.evaluations} exact pricings, {bound.n_columns} columns, {bound.n_cuts} cuts, "
        f"{state}",
        f"Every solution with {_routes(problem)} costs at least that (fleet {problem.fleet}).",
    ]
    if bound.is_trivial and not bound.is_converged:
        lines.append("The limit left no time to improve on the trivial bound (distances and loads alone).")
    if bound.obstacle:
        lines.append(f"Ended early: {bound.obstacle}.")
    return lines


def _rounded_down(value: float) -> str:
    """Write a bound with two decimals, or three digits where that is more, and never as more than it is."""
    if 0.0 < value < 1.0:
        digits = Context(prec=3, rounding=ROUND_FLOOR).create_decimal(repr(value))
        return f"{digits:.2e}" if value < 1e-6 else f"{digits:.{2 - digits.adjusted()}f}"
    return f"{math.floor(value * 100.0) / 100.0:.2f}"


def _routes(problem: CVRP) -> str:
    rule, count = problem.fleet.rule, problem.fleet.count
    if rule == "free":
        return "any number of routes"
    words = {"exact": "exactly", "atleast": "at least", "atmost": "at most"}
    return f"{words[rule]} {count} route{'s' if count != 1 else ''}"
