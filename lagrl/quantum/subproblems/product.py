"""The product state that greedy suggests: no gates between qubits, and the warm start of circuits that have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.subproblems.candidates import count_codes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.subproblems.candidates import Candidates, Counted


@dataclass(frozen=True)
class ProductState:
    """Independent bits, more probably 1 the more efficient their customer is:

    P(y_i = 1) = clip(sigmoid(k (e_i − e_stop) / median_j |e_j − e_stop|), c, 1 − c),    e = −ã/d

    Attributes
    ----------
    sharpness
        k: how fast the probabilities go to 0 or 1 away from the first customer that greedy cannot fit.
    clip
        c: least probability of either value.

    Raises
    ------
    InputError
        If the sharpness is not a finite number of 0 or more, or the clip is not in [0, 1/2].
    """

    sharpness: float = 1.5
    clip: float = 0.05

    def __post_init__(self) -> None:
        if not 0 <= self.sharpness < np.inf:
            raise InputError(f"{self.sharpness} given", field="sharpness", remedy="give a finite number of 0 or more")
        if not 0 <= self.clip <= 0.5:
            raise InputError(f"{self.clip} given", field="clip", remedy="give a probability from 0 to 0.5")

    def probabilities(self, candidates: Candidates) -> NDArray[np.float64]:
        """Return P(y_i = 1) of every variable, [K, W]; 0 in padding.

        Where more than half of the variables are exactly as efficient as e_stop, the mean replaces the median.
        """
        is_variable = candidates.is_variable
        efficiency = -candidates.reduced_cost / np.where(is_variable, candidates.weight, 1)
        distance = np.where(is_variable, efficiency - candidates.stop[:, None], 0.0)
        size = np.abs(distance)
        unit = _median(np.where(is_variable, size, np.inf), candidates.width)
        unit = np.where(unit > 0, unit, size.sum(axis=1) / np.maximum(candidates.width, 1))
        exponent = self.sharpness * distance / np.where(unit > 0, unit, 1.0)[:, None]
        probability = 1.0 / (1.0 + np.exp(-np.clip(exponent, -50.0, 50.0)))
        return np.where(is_variable, np.clip(probability, self.clip, 1.0 - self.clip), 0.0)


def draw_product(probability: NDArray[np.float64], shots: int, rng: np.random.Generator) -> Counted:
    """Draw `shots` strings of independent bits with P(y_i = 1), [K, W], for each of K problems.

    Returns
    -------
    Codes [K, S], distinct in each row, bit j being variable j, and their counts [K, S]; a count of 0 is padding.
    """
    n_problems, width = probability.shape
    ones = rng.random((n_problems, shots, width)) < probability[:, None, :]
    return count_codes(ones @ (1 << np.arange(width)))


def rotation_angles(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return θ = 2 arcsin √P: RY(θ)|0⟩ measures 1 with probability P (Egger et al. 2021)."""
    theta: NDArray[np.float64] = 2.0 * np.arcsin(np.sqrt(probability))
    return theta


def product_amplitudes(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the amplitudes [2^n] of ⊗ RY(θ_i)|0⟩; bit i of the index is qubit i."""
    state = np.ones(1)
    for half in 0.5 * theta:
        state = np.concatenate((np.cos(half) * state, np.sin(half) * state))
    return state


def _median(padded: NDArray[np.float64], length: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the medians [K] of rows whose padding is infinite; 0 of empty ones."""
    ordered = np.sort(padded, axis=1)
    rows = np.arange(len(ordered))
    lower, upper = np.maximum(length - 1, 0) // 2, length // 2
    upper = np.minimum(upper, padded.shape[1] - 1)
    return np.where(length > 0, 0.5 * (ordered[rows, lower] + ordered[rows, upper]), 0.0)
