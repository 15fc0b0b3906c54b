"""Placements with a proven gap: message passing on the grid, limits priced by multipliers, repair and descent."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from lagrl.carbon.divisible import divisible_prices
from lagrl.carbon.grid import fewest_transfers
from lagrl.carbon.placement_dual import PlacementDual
from lagrl.carbon.result import PlacementResult
from lagrl.controllers.base import Feedback, ask_controller
from lagrl.controllers.registry import make_controller
from lagrl.errors import InstanceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.carbon.placement_problem import PlacementProblem

_PATIENCE, _LEAST_RISE = 10, 1e-5
"""Number of evaluations after which an ascent with limits ends, if none found a better placement or raised the bound by
this share."""


def solve_lagrangian(
    problem: PlacementProblem,
    *,
    controller: str = "volume",
    evaluations: int = 100,
    seconds: float = np.inf,
    gap_percent: float = 1e-7,
    seed: int = 0,
) -> PlacementResult:
    """Ascend the dual of the limits, and repair and improve what each evaluation places.

    The first multipliers are the prices of a programme in which the model can be divided at will; the first placement
    puts windows of hours in segments.

    Parameters
    ----------
    problem
        The placement problem.
    controller
        Name of the rule that chooses the multipliers, see `lagrl list controllers`.
    evaluations
        Most evaluations; with limits the ascent ends earlier once ten of them bring nothing.
    seconds
        Wall-clock limit.
    gap_percent
        Proven gap at which the ascent ends, %.
    seed
        Random seed of the controller.

    Raises
    ------
    InstanceError
        If no placement can meet the limits, or none was found.
    InputError
        If the controller is unknown, or answers with anything but finite multipliers.
    """
    from lagrl.carbon import grid_kernels, segment_kernels  # noqa: F401 - compiled before the clock starts

    problem.require_feasible()
    started = time.perf_counter()
    rule = _Rule(controller, evaluations, started + seconds, gap_percent, seed)
    together = _PlacementAscent(PlacementDual(problem))
    initial = None
    if problem.is_limited:
        initial = divisible_prices(problem, transfers=fewest_transfers(problem))
        together.recover(together.dual.grid.static_start())
    rule.run(together, initial)
    taken = time.perf_counter() - started
    if together.placement is None:
        raise InstanceError(
            f"no placement within the limits found in {together.evaluations} evaluations",
            field="device_gb, limit_ms",
            remedy="raise a limit, or allow more evaluations",
        )
    bound = min(together.bound, together.cost)
    return PlacementResult(together.placement, together.cost, bound, taken, together.evaluations)


class _PlacementAscent:
    """The best bound of a dual so far, and the best placement."""

    def __init__(self, dual: PlacementDual) -> None:
        self.dual = dual
        self.bound, self.cost = -np.inf, np.inf
        self.placement: NDArray[np.int64] | None = None
        self.evaluations = 0
        self._tried: set[bytes] = set()

    def recover(self, labels: NDArray[np.int64]) -> None:
        """Repair and improve labels [T, N], unless the same were tried before."""
        key = labels.tobytes()
        if key in self._tried:
            return
        self._tried.add(key)
        placement = self.dual.grid.descend(labels)
        if placement is not None and self.dual.problem.emissions(placement) < self.cost:
            self.placement, self.cost = placement, self.dual.problem.emissions(placement)


@dataclass(frozen=True)
class _Rule:
    """A controller, and when an ascent under it ends."""

    controller: str
    evaluations: int
    deadline: float
    gap_percent: float
    seed: int

    def run(self, ascent: _PlacementAscent, initial: NDArray[np.float64] | None) -> None:
        dual, rule = ascent.dual, make_controller(self.controller)
        rng = np.random.default_rng(self.seed)
        start = partial(rule.start, dual, budget=self.evaluations, rng=rng, initial=initial)
        multipliers = ask_controller(rule, start, dual.clip)
        progress, known = 0, (-np.inf, np.inf)  # the evaluation that last moved the bound or the placement, and both
        while True:
            point = dual.evaluate(multipliers)
            ascent.evaluations += 1
            assert point.value is not None
            ascent.bound = max(ascent.bound, point.value)
            if not self._is_proven(ascent):
                ascent.recover(dual.grid.labels)
            if ascent.bound > known[0] + _LEAST_RISE * abs(ascent.bound) or ascent.cost < known[1]:
                progress, known = ascent.evaluations, (ascent.bound, ascent.cost)
            is_stuck = dual.problem.is_limited and ascent.evaluations >= progress + _PATIENCE
            is_spent = ascent.evaluations >= self.evaluations or time.perf_counter() > self.deadline
            if self._is_proven(ascent) or is_stuck or is_spent:
                return
            feedback = Feedback(ascent.cost if np.isfinite(ascent.cost) else None)
            multipliers = ask_controller(rule, partial(rule.update, point, feedback), dual.clip)

    def _is_proven(self, ascent: _PlacementAscent) -> bool:
        return bool(ascent.cost - ascent.bound <= 1e-2 * self.gap_percent * abs(ascent.bound))
