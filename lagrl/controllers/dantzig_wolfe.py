"""Dantzig–Wolfe column generation: the dual's cuts as columns of a linear programme that HiGHS keeps warm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.controllers.best_point import BestPoint
from lagrl.controllers.bundle import PROVEN
from lagrl.controllers.pieces import Pieces, pieces_of
from lagrl.errors import InputError
from lagrl.highs import add_columns, linear_program, new_solver, solve_to_optimality, sparse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.controllers.base import Feedback
    from lagrl.relaxation.dual import DualFunction, DualPoint

_NEGLIGIBLE = 1e-3  # times the tolerance: gain above which a column counts as new


@dataclass
class ColumnGeneration:
    """Solve the Dantzig–Wolfe master over the selections seen so far; its prices, smoothed, are the next multipliers.

    The master min Σ_kj c_kj α_kj, Σ_kj y_kji α_kj = 1 for all i, Σ_j α_kj = 1 for all k, α ≥ 0 (Dantzig and Wolfe
    1960) is the dual of maximising the bundle's model. Leaving customer i out costs the multiplier's upper bound,
    serving a customer twice earns the lower one, so that the master is always feasible and its prices μ lie within the
    bounds. Its value falls to max L, and proves it.

    The next multipliers are β·λ̂ + (1 − β)·μ, with λ̂ the best seen (Wentges 1997). β rises when the supergradient
    there points back to λ̂ and falls when it points away; while no new column is found, β falls step by step to 0
    (Pessoa, Sadykov, Uchoa and Vanderbeck 2018).

    Under an approximate sampler λ̂ is the best by its lowest upper bound on L, see `BestPoint`; the master does not
    depend on it.

    Parameters
    ----------
    smoothing
        First β, in [0, 1).

    Attributes
    ----------
    centre
        [n] λ̂, distance units.
    best
        L there, or its lowest upper bound, distance units.
    upper
        The master's value, an upper bound on L within the bounds, distance units.
    is_finished
        Whether `upper` has reached `best` under the exact sampler: no multipliers are better by a millionth.

    Raises
    ------
    InputError
        If `smoothing` is out of its range.
    """

    smoothing: float = 0.95

    def __post_init__(self) -> None:
        if not 0.0 <= self.smoothing < 1.0:
            raise InputError(f"{self.smoothing} given", field="smoothing", remedy="give a number in [0, 1)")

    def start(
        self, dual: DualFunction, *, budget: int, rng: np.random.Generator, initial: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Start at `initial`, or at zero if None; see `Controller.start`.

        Raises
        ------
        InputError
            If a bound of the dual is infinite: the master could then be infeasible.
        """
        low, high = dual.bounds
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise InputError("an infinite bound", field="dual.bounds", remedy="bound it, or use the bundle")
        self.centre = np.zeros(dual.n_multipliers) if initial is None else np.array(initial, dtype=np.float64)
        self._best_point = BestPoint(self.centre)
        self.best, self.upper = -np.inf, np.inf
        self.is_finished = False
        self._master = _DantzigWolfeMaster(low, high, dual.scale)
        self._scale = dual.scale
        self._smoothing = self.smoothing
        self._misses = 0
        self._optimum: _Optimum | None = None
        self._is_exact = True
        return self.centre.copy()

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        """Add the point's columns, and solve the master if they change its prices; see `Controller.update`."""
        self._is_exact &= point.value is not None
        pieces = pieces_of(point)
        self._rate(point, pieces)
        self._master.add(pieces)
        if self._optimum is None or not self._misses:
            self._optimum = self._master.solve()
            self.upper = self._optimum.value
        if not point.violation.any():
            return point.multipliers  # a supergradient of zero: the maximum
        self.is_finished = self._is_exact and self.upper - self.best <= self._tolerance
        if self.is_finished:
            return self.centre.copy()
        smoothing = max(0.0, 1.0 - (1 + self._misses) * (1.0 - self._smoothing))
        return smoothing * self.centre + (1.0 - smoothing) * self._optimum.prices

    @property
    def _tolerance(self) -> float:
        return PROVEN * max(self._scale, abs(self.best))

    def _rate(self, point: DualPoint, pieces: Pieces) -> None:
        """Record whether the prices led to a new column, adjust the smoothing, and move the centre."""
        if self._optimum is not None:
            value = pieces.intercept + pieces.slope @ self._optimum.prices
            is_miss = bool((value >= self._optimum.piece_values - _NEGLIGIBLE * self._tolerance).all())
            self._misses = self._misses + 1 if is_miss else 0
            if point.violation @ (self._optimum.prices - self.centre) > 0:
                self._smoothing = _reduced(self._smoothing)
            else:
                self._smoothing += 0.1 * (1.0 - self._smoothing)
        self._best_point.note(point)
        self.best, self.centre = self._best_point.value, self._best_point.multipliers


def _reduced(smoothing: float) -> float:
    return smoothing / 1.1 if smoothing >= 0.5 else max(0.0, smoothing - 0.1 * (1.0 - smoothing))


@dataclass(frozen=True)
class _Optimum:
    """An optimum of the master: its value, the multipliers' prices [n] and the pieces' values [K + 1] there."""

    value: float
    prices: NDArray[np.float64]
    piece_values: NDArray[np.float64]


class _DantzigWolfeMaster:
    """min Σ c·α + Σ (high·p − low·m), Σ s·α − p + m = 0 for each multiplier, Σ α = 1 for each piece, in HiGHS.

    Costs are in units of about `scale`, a power of two, as HiGHS's tolerances are absolute.
    """

    def __init__(self, low: NDArray[np.float64], high: NDArray[np.float64], scale: float) -> None:
        self._unit = 2.0 ** np.floor(np.log2(scale))
        self._bounds = low / self._unit, high / self._unit
        self._solver: Any = None
        self._seen: set[tuple[int, bytes]] = set()

    def add(self, pieces: Pieces) -> None:
        """Add a column for each cut that is new."""
        if self._solver is None:
            self._solver = self._empty_master(len(pieces.intercept))
            if pieces.may_be_empty:
                self.add(pieces.empty())
        n = len(self._bounds[0])
        new = []
        for k, slope in enumerate(pieces.slope):
            if (key := (k, slope.tobytes())) not in self._seen:
                self._seen.add(key)
                new.append(k)
        count = len(new)
        slope = np.zeros((count, n + len(pieces.intercept)))
        slope[:, :n] = pieces.slope[new]
        slope[np.arange(count), n + np.array(new, np.int64)] = 1.0
        add_columns(self._solver, pieces.intercept[new] / self._unit, *sparse(slope))

    def solve(self) -> _Optimum:
        """Solve the master from its last basis."""
        low, high = self._bounds
        solution, value = solve_to_optimality(self._solver)
        dual = np.array(solution.row_dual)
        prices = np.clip(-dual[: len(low)], low, high)
        return _Optimum(value * self._unit, prices * self._unit, dual[len(low) :] * self._unit)

    def _empty_master(self, n_pieces: int) -> Any:
        """Return HiGHS with the rows, and a column for each end of each multiplier's bounds."""
        low, high = self._bounds
        n = len(low)
        right_side = np.append(np.zeros(n), np.ones(n_pieces))
        entries = np.arange(2 * n + 1), np.tile(np.arange(n), 2), np.repeat([-1.0, 1.0], n)
        solver = new_solver()
        solver.passModel(linear_program(np.append(high, -low), np.inf, (right_side, right_side), entries))
        return solver
