"""How good a batch of drawn strings is: exact costs after repair, and the mean of the best share (CVaR).

A sampler that tries several angles or targets ranks them by this, not by the energies it minimised: penalties of
different targets do not compare, costs of repaired strings do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.subproblems.candidates import Candidates


def repair(candidates: Candidates, code: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Make every string fit and leave no room that a variable could use.

    While it is too heavy, the least efficient customer is dropped; then those not carried are added, the most
    efficient first, where they fit.

    Parameters
    ----------
    candidates
        The knapsacks.
    code
        [K, S], bit j being variable j; bits above the variables (slack, padding) are ignored.

    Returns
    -------
    Repaired codes [K, S] int64, and the costs Σ ã_j y_j of their variables [K, S], distance units; the customers
    carried for sure are not counted. 0 and 0 where a vehicle is solved.

    Raises
    ------
    InputError
        If there is not one row of codes per vehicle.
    """
    from lagrl.quantum.subproblems.ranking_kernels import repair_codes

    if code.ndim != 2 or len(code) != len(candidates.width):
        raise InputError(
            f"codes of shape {code.shape} for {len(candidates.width)} vehicles", field="code", remedy="give [K, S]"
        )
    repaired = np.empty(code.shape, np.int64)
    cost = np.empty(code.shape)
    repair_codes(
        np.ascontiguousarray(candidates.reduced_cost),
        np.ascontiguousarray(candidates.weight),
        np.ascontiguousarray(candidates.width),
        np.ascontiguousarray(candidates.room),
        np.ascontiguousarray(code, np.int64),
        repaired,
        cost.reshape(-1),
    )
    return repaired, cost


def repaired_codes(candidates: Candidates, code: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the repaired codes [K, S] alone; see `repair`."""
    return repair(candidates, code)[0]


def repaired_costs(candidates: Candidates, code: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the costs [K, S] of the repaired codes alone, distance units; see `repair`."""
    return repair(candidates, code)[1]


def cvar(cost: NDArray[np.float64], count: NDArray[np.int64], alpha: float) -> NDArray[np.float64]:
    """Return the mean cost of the best share of the shots, the conditional value at risk (Barkoutsos et al. 2020).

    With N shots, the α N of least cost are averaged; the one on the boundary counts with the fraction that is needed,
    so the value is continuous in α. α = 1 is the mean, α → 0 the least cost.

    Parameters
    ----------
    cost
        [K, S] of the strings.
    count
        [K, S] how often each was drawn; costs where that is 0 are not read.
    alpha
        Share in (0, 1].

    Returns
    -------
    [K], in the unit of the costs.

    Raises
    ------
    InputError
        If the share is not in (0, 1], the shapes differ, or a row has no shot.
    """
    if not 0 < alpha <= 1:
        raise InputError(f"{alpha} given", field="alpha", remedy="give a share above 0 and up to 1")
    if cost.shape != count.shape or cost.ndim != 2 or (count < 0).any() or not count.any(axis=1).all():
        raise InputError(
            f"costs {cost.shape}, counts {count.shape}, or a row without shots",
            field="cost, count",
            remedy="give both [K, S], with a count above 0 in every row",
        )
    order = np.argsort(np.where(count > 0, cost, np.inf), axis=1, kind="stable")
    drawn = np.take_along_axis(count, order, axis=1).astype(np.float64)
    wanted = alpha * drawn.sum(axis=1)
    taken = np.clip(wanted[:, None] - (drawn.cumsum(axis=1) - drawn), 0.0, drawn)
    best = np.where(drawn > 0, np.take_along_axis(cost, order, axis=1), 0.0)
    mean: NDArray[np.float64] = (taken * best).sum(axis=1) / wanted
    return mean
