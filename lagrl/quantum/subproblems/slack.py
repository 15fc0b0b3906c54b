"""Slack bits: the capacity as an exact equation, with ⌈log₂(R + 1)⌉ more bits.

    E(y, z) = Σ_i ã_i y_i + ρ (Σ_i d_i y_i + Σ_j c_j z_j − R)² / R²

where loads d and room R are divided by the loads' greatest common divisor first. The coefficients
c = 1, 2, 4, …, 2^(b−2), R − (2^(b−1) − 1) give every slack from 0 to R and no other (Lucas 2014, section 5.2), so the
least penalty over z is 0 if and only if y fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.subproblems.candidates import MAX_WIDTH
from lagrl.quantum.subproblems.penalties import QUBOBatch, normalised, require_strength, soft_equalities

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.subproblems.candidates import Candidates


@dataclass(frozen=True)
class SlackPenalty:
    """The squared difference between load plus slack and the room.

    Attributes
    ----------
    strength
        ρ, for costs in units of their mean and loads in units of the room. Above m R² (of m variables) the ground
        state is the knapsack's optimum: the least overload is 1/R, which costs ρ/R², and gains at most m mean costs.
        Such a strength leaves little of the costs in the angles of a circuit.

    Raises
    ------
    InputError
        If the strength is not a finite number of 0 or more.
    """

    strength: float = 100.0

    def __post_init__(self) -> None:
        require_strength(self.strength)

    def qubos(self, candidates: Candidates) -> QUBOBatch:
        """Build the QUBO of every vehicle's variables and, above them, slack bits; see `Penalty.qubos`.

        Raises
        ------
        InputError
            If a vehicle's variables and slack bits are more than 22.
        """
        weight, room = reduced_loads(candidates)
        n_bits = slack_bits(room) * (candidates.width > 0)
        width = candidates.width + n_bits
        if width.max(initial=0) > MAX_WIDTH:
            widest = int(width.argmax())
            raise InputError(
                f"vehicle {widest + 1} has {candidates.width[widest]} variables and {n_bits[widest]} slack bits",
                field="slack penalty",
                remedy=f"give a width of at most {max(MAX_WIDTH - int(n_bits.max()), 1)}, as {MAX_WIDTH} bits can be "
                "simulated, or a penalty without slack bits",
            )
        cost, load = np.zeros((2, len(width), max(int(width.max(initial=0)), weight.shape[1])))
        cost[:, : weight.shape[1]] = normalised(candidates)[0]
        load[:, : weight.shape[1]] = weight
        for k in np.flatnonzero(n_bits):
            load[k, candidates.width[k] : width[k]] = slack_coefficients(int(room[k]))
        load /= np.maximum(room, 1)[:, None]
        return soft_equalities(cost, load, np.zeros(len(width)), self.strength, width)


def slack_bits(room: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of bits for every slack from 0 to the room, ⌈log₂(R + 1)⌉, [...]."""
    bits: NDArray[np.int64] = np.frexp(room.astype(np.float64))[1].astype(np.int64)  # R's length in binary
    return bits


def slack_coefficients(room: int) -> NDArray[np.int64]:
    """Return the slack bits' coefficients [b]: powers of 2, the last reduced so that their sum is the room."""
    bits = room.bit_length()
    coefficients = 1 << np.arange(bits, dtype=np.int64)
    if bits:
        coefficients[-1] = room - (2 ** (bits - 1) - 1)
    return coefficients


def reduced_loads(candidates: Candidates) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return weights [K, W] and room [K] in units of the weights' greatest common divisor, the room rounded down."""
    divisor = np.maximum(np.gcd.reduce(candidates.weight, axis=1), 1)
    return candidates.weight // divisor[:, None], candidates.room // divisor
