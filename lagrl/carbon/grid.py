"""The grid of hours and layers: lower bounds by message passing, and placements by descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lagrl.problems.carbon.placement_problem import PlacementProblem

_MOST_ROUNDS = 50


class Grid:
    """Messages and labels of a placement problem whose costs change with multipliers.

    Parameters
    ----------
    problem
        The placement problem.

    Attributes
    ----------
    labels
        [T, N] int64, rounded by the last sweep.
    """

    def __init__(self, problem: PlacementProblem) -> None:
        self.problem = problem
        hours, layers, devices = problem.running_g.shape
        self.labels = np.zeros((hours, layers), np.int64)
        self._counts = np.zeros_like(self.labels)
        self._hops = fewest_transfers(problem)
        states = devices * (self._hops + 1)
        self._moved = np.zeros((hours, layers, devices))
        self._messages = np.zeros((2, hours * layers, states)), np.zeros((2, hours * layers, devices))

    def bound(self, running_g: NDArray[np.float64], transfer_g: NDArray[np.float64], *, sweeps: int) -> float:
        """Return a lower bound on the emissions at other running and transfer costs.

        The limits do not count, except that every hour pays `fewest_transfers`. Message passing goes on from the
        division of costs between hours and layers at which the last call ended.

        Parameters
        ----------
        running_g, transfer_g
            [T, N, H] and [T, N − 1], gCO2e; running costs may be negative.
        sweeps
            Number of sweeps that raise the bound.
        """
        from lagrl.carbon.grid_kernels import sweep

        costs = running_g, transfer_g, self.problem.switching_g, self._hops
        state = *costs, self._moved, *self._messages, self.labels, self._counts
        run: Callable[..., float] = sweep
        found = run(*state, False, False)  # the messages of these costs
        for number in range(sweeps):
            found = max(found, run(*state, number % 2 == 0, True))
        return float(found)

    def descend(self, labels: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Return a placement that meets the limits, repaired and improved from labels; None if none was found.

        Block coordinate descent: whole hours and whole layers are relabelled optimally in turn while that helps (only
        layers, and exchanges of two layers, where limits count).
        """
        from lagrl.carbon.grid_kernels import improve_hours, improve_layers, repair, swap_layers

        problem, placement = self.problem, labels.copy()
        costs: Any = (*problem.costs, placement)
        limited: Any = (*problem.costs, *problem.limits, placement)
        if problem.is_limited and not repair(*limited):
            return None
        for _ in range(_MOST_ROUNDS):
            has_changed = improve_layers(*limited)
            if problem.is_limited:
                has_changed |= swap_layers(*limited)
            else:
                has_changed |= improve_hours(*costs)
            if not has_changed:
                break
        return placement if problem.is_feasible(placement) else None


def fewest_transfers(problem: PlacementProblem) -> int:
    """Return how many transfers every hour needs: the fewest devices that hold all layers, less one."""
    room = np.sort(problem.device_gb)[::-1].cumsum()
    devices = int(np.searchsorted(room, problem.layer_gb.sum() * (1 - 1e-12))) + 1
    return min(devices, problem.n_devices, problem.n_layers) - 1
