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
        self._costs: NDArray[np.float64] | None = None  # running costs of the last call
        self._share = 0.0  # of other running costs that goes to the layers' chains
        self._messages = np.zeros((2, hours * layers, states)), np.zeros((2, hours * layers, devices))

    def bound(self, running_g: NDArray[np.float64], transfer_g: NDArray[np.float64], *, sweeps: int) -> float:
        """Return a lower bound on the emissions at other running and transfer costs.

        The limits do not count, except that every hour pays `fewest_transfers`. Message passing starts with all running
        costs in the layers' chains or all in the hours', whichever bounds better, and goes on from the division at
        which the last call ended.

        Parameters
        ----------
        running_g, transfer_g
            [T, N, H] and [T, N − 1], gCO2e; running costs may be negative.
        sweeps
            Number of sweeps that raise the bound.
        """
        from lagrl.carbon.grid_kernels import sweep

        if self._costs is None:
            self._start(running_g, transfer_g)
        else:
            self._moved += self._share * (running_g - self._costs)
        self._costs = running_g
        costs = running_g, transfer_g, self.problem.switching_g, self._hops
        state = *costs, self._moved, *self._messages, self.labels, self._counts
        run: Callable[..., float] = sweep
        found = run(*state, False, False)  # the messages of these costs
        for number in range(sweeps):
            found = max(found, run(*state, number % 2 == 0, True))
        return float(found)

    def bound_in_segments(
        self, running_g: NDArray[np.float64], transfer_g: NDArray[np.float64], per_gb: NDArray[np.float64]
    ) -> float:
        """Return a lower bound in which memory counts exactly where an hour has the fewest transfers.

        The better of two divisions of costs between hours and layers: that of the last call of `bound`, and everything
        in the layers' chains.

        Parameters
        ----------
        running_g, transfer_g
            [T, N, H] and [T, N − 1], gCO2e, without the prices of memory.
        per_gb
            [T, H] prices of memory, gCO2e per GB, 0 where there is no limit.
        """
        from lagrl.carbon.segment_kernels import bound_in_segments

        problem = self.problem
        priced = running_g + per_gb[:, None, :] * problem.layer_gb[:, None]
        run: Callable[..., float] = bound_in_segments
        rest = problem.switching_g, per_gb, problem.layer_gb, problem.device_gb * (1 + 1e-9), self._hops
        return max(float(run(running_g, moved, transfer_g, *rest)) for moved in (self._moved, priced))

    def _start(self, running_g: NDArray[np.float64], transfer_g: NDArray[np.float64]) -> None:
        """Divide the costs between hours' and layers' chains at the start: all in one of them."""
        from lagrl.carbon.grid_kernels import sweep

        run: Callable[..., float] = sweep
        costs = running_g, transfer_g, self.problem.switching_g, self._hops
        bounds = []
        for share in (0.0, 1.0):
            self._moved[:] = share * running_g
            bounds.append(run(*costs, self._moved, *self._messages, self.labels, self._counts, False, False))
        self._share = float(bounds[1] > bounds[0])
        self._moved[:] = self._share * running_g

    def static_start(self) -> NDArray[np.int64]:
        """Return the best placement that is the same in all hours and in segments; zeros if none fits the memory."""
        from lagrl.carbon.segment_kernels import best_segments

        day, labels = self.problem.whole_day(), np.zeros(self.problem.n_layers, np.int64)
        sizes: Any = (day.layer_gb, day.device_gb, self._hops + 1)
        place: Callable[..., float] = best_segments
        place(day.running_g[0].copy(), day.transfer_g[0].copy(), *sizes, labels)
        return np.repeat(labels[None], self.problem.n_hours, axis=0)

    def descend(self, labels: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Return a placement that meets the limits, repaired and improved from labels; None if none was found.

        Block coordinate descent: whole hours and whole layers are relabelled optimally in turn while that helps. Where
        limits count, hours are placed in segments, alone and in windows of 2, 4, … hours, and layers are exchanged too.
        """
        from lagrl.carbon.grid_kernels import improve_hours, improve_layers, repair, swap_layers
        from lagrl.carbon.segment_kernels import improve_windows

        problem, placement = self.problem, labels.copy()
        costs: Any = (*problem.costs, placement)
        limited: Any = (*problem.costs, *problem.limits, placement)
        windows = _windows(problem.n_hours) if problem.is_limited else []
        place: Callable[..., bool] = improve_windows
        for length in windows:
            place(*limited, length, self._hops + 1)
        if problem.is_limited and not repair(*limited):
            return None
        for _ in range(_MOST_ROUNDS):
            has_changed = improve_layers(*limited)
            if problem.is_limited:
                has_changed |= swap_layers(*limited)
                for length in windows:
                    has_changed |= place(*limited, length, self._hops + 1)
            else:
                has_changed |= improve_hours(*costs)
            if not has_changed:
                break
        return placement if problem.is_feasible(placement) else None


def _windows(hours: int) -> list[int]:
    """Return 1, 2, 4, … up to a number of hours, and that number."""
    return [2**k for k in range(hours.bit_length()) if 2**k < hours] + [hours]


def fewest_transfers(problem: PlacementProblem) -> int:
    """Return how many transfers every hour needs: the fewest devices that hold all layers, less one."""
    room = np.sort(problem.device_gb)[::-1].cumsum()
    devices = int(np.searchsorted(room, problem.layer_gb.sum() * (1 - 1e-12))) + 1
    return min(devices, problem.n_devices, problem.n_layers) - 1
