"""Training of a hardware-efficient circuit on the ideal state: the least CVaR of the QUBO's energies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import MissingExtraError
from lagrl.quantum.circuits.entanglers import amplitudes
from lagrl.quantum.subproblems.candidates import require_width

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.qubo import QUBO

ALPHA = 0.25  # share of the distribution that CVaR averages
FIRST_STEP = 0.4  # radians, of COBYLA


def train(
    qubo: QUBO, start: NDArray[np.float64], entanglement: str, iterations: int, alpha: float = ALPHA
) -> NDArray[np.float64]:
    """Minimise the CVaR of the energies over the angles (Barkoutsos et al. 2020), by COBYLA (Powell 1994).

    Deterministic. Returns the best angles evaluated, which are never worse than the start.

    Parameters
    ----------
    qubo
        The knapsack's QUBO, of n variables.
    start
        [(r + 1) n] radians.
    entanglement
        Pattern of the CX, see `entanglers`.
    iterations
        Most evaluations; COBYLA needs at least two more than there are angles.
    alpha
        Share of the distribution that CVaR averages.

    Returns
    -------
    [(r + 1) n] radians.

    Raises
    ------
    InputError
        If there are more than 22 variables or none.
    MissingExtraError
        Without scipy.
    """
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise MissingExtraError.of("scipy", "quantum", "training a hardware-efficient circuit") from error
    n = qubo.n_variables
    require_width(n)
    energy = qubo.energies() / (qubo.to_ising().scale or 1.0)
    order = np.argsort(energy, kind="stable")
    energy = energy[order]
    best, best_angles = np.inf, start

    def loss(flat: NDArray[np.float64]) -> float:
        nonlocal best, best_angles
        probability = amplitudes(flat.reshape(-1, n), entanglement)[order] ** 2
        found = distribution_cvar(energy, probability, alpha)
        if found < best:
            best, best_angles = found, flat.copy()
        return found

    loss(start)
    most = max(iterations, len(start) + 2)
    minimize(loss, start, method="COBYLA", options={"maxiter": most, "rhobeg": FIRST_STEP})
    return best_angles


def distribution_cvar(energy: NDArray[np.float64], probability: NDArray[np.float64], alpha: float) -> float:
    """Return the mean of the lowest `alpha` share of a distribution over ascending energies, all [2^n]."""
    reached = np.minimum(np.cumsum(probability), alpha)
    reached[-1] = alpha  # corrects rounding
    return float((energy[-1] * alpha - (np.diff(energy) * reached[:-1]).sum()) / alpha)
