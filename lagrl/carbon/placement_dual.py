"""The Lagrangian dual of the limits of memory and time, over the grid of hours and layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.carbon.grid import Grid
from lagrl.errors import InputError
from lagrl.relaxation.dual import DualPoint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.carbon.placement_problem import PlacementProblem


class PlacementDual:
    """L(μ, ν) = min over placements of emissions + Σ μ_td·(memory used − room) + Σ ν_t·(time − limit), μ, ν ≥ 0.

    A `DualFunction`, so that every controller applies. Each evaluation continues message passing by a few sweeps: its
    value is a lower bound on the emissions of every placement within the limits, and without switching L itself. The
    violation is that of the labels which the sweeps round to.

    The multipliers are μ by hour and device, in gCO2e per GB, then ν by hour, in gCO2e per ms; those of limits that
    cannot bind are fixed at 0.

    Parameters
    ----------
    problem
        The placement problem.
    sweeps
        Sweeps of an evaluation.
    """

    def __init__(self, problem: PlacementProblem, sweeps: int = 4) -> None:
        self.problem = problem
        self.grid = Grid(problem)
        self.sweeps = sweeps
        hours, _, devices = problem.running_g.shape
        running = problem.running_g
        spread = (running.max(axis=2) - running.min(axis=2)).mean(axis=1) + running.mean(axis=(1, 2)) * 1e-3
        per_gb, per_ms = spread / problem.layer_gb.mean(), spread / max(float(problem.layer_ms.mean()), 1e-12)
        self._unit = np.concatenate([np.repeat(per_gb, devices), per_ms])
        slowest = problem.layer_ms.max(axis=1).sum() + problem.hop_ms * (problem.n_layers - 1)
        may_bind = np.append(
            np.tile(problem.device_gb < problem.layer_gb.sum(), hours), np.full(hours, slowest > problem.limit_ms)
        )
        self._room = np.where(
            may_bind, np.append(np.tile(problem.device_gb, hours), np.full(hours, problem.limit_ms)), 0.0
        )
        self._upper = np.where(may_bind, 100.0 * self._unit, 0.0)
        self._may_bind = may_bind

    @property
    def n_multipliers(self) -> int:
        """T·H + T."""
        return len(self._unit)

    @property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """0, and 100 times the mean difference between devices per GB or ms."""
        return np.zeros(self.n_multipliers), self._upper

    @property
    def scale(self) -> float:
        """Median of the mean differences between devices per GB and ms, at least 1e-9."""
        units = self._unit[self._may_bind]
        return max(float(np.median(units)) if len(units) else 0.0, 1e-9)

    @property
    def spread(self) -> NDArray[np.float64]:
        """Relative sizes of the multipliers' moves."""
        return self._unit / self.scale

    def clip(self, multipliers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the nearest multipliers within the bounds; InputError for wrong shapes and non-finite entries."""
        vector = np.array(multipliers, dtype=np.float64)
        if vector.shape != (self.n_multipliers,) or not np.isfinite(vector).all():
            raise InputError(
                f"array of shape {vector.shape}, finite: {bool(np.isfinite(vector).all())}",
                field="multipliers",
                remedy=f"this dual takes {self.n_multipliers} finite numbers",
            )
        return np.clip(vector, *self.bounds)

    def evaluate(self, multipliers: NDArray[np.float64]) -> DualPoint:
        """Return the bound at some multipliers, and the violation of the labels there."""
        problem, vector = self.problem, self.clip(multipliers)
        hours, layers, devices = problem.running_g.shape
        per_gb, per_ms = vector[: hours * devices].reshape(hours, 1, devices), vector[hours * devices :]
        timed = problem.running_g + per_ms[:, None, None] * problem.layer_ms
        transfer = problem.transfer_g + problem.hop_ms * per_ms[:, None]
        running = timed + per_gb * problem.layer_gb[:, None]
        bound = self.grid.bound(running, transfer, sweeps=self.sweeps) - float(vector @ self._room)
        if self._may_bind[: hours * devices].any():
            in_segments = self.grid.bound_in_segments(timed, transfer, np.ascontiguousarray(per_gb[:, 0]))
            bound = max(bound, in_segments - float(vector[hours * devices :] @ self._room[hours * devices :]))
        labels = self.grid.labels
        used = np.append(problem.memory_gb(labels).ravel(), problem.time_ms(labels))
        violation = np.where(self._may_bind, used - self._room, 0.0)
        return DualPoint(vector, bound, bound, np.zeros((0, layers), np.uint8), violation, np.zeros(0))
