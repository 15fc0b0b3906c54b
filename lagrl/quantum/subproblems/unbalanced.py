"""The unbalanced penalty of Montañez-Barrera et al. (2024), and why it is the tilted one.

exp(−h) ≈ 1 − h + h²/2 penalises an overload (h < 0) more than unused room, without slack bits. With free coefficients,
and h = 1 − Σ_i d_i y_i the unused part of the room,

    E(y) = Σ_i ã_i y_i − l₁ h + l₂ h²

As r = −h is the overload of `penalties`, l₂ h² − l₁ h = ρ (r² + s r) with ρ = l₂ and s = l₁/l₂: the same function,
offset included. Both are a soft equality at the load T = 1 − l₁/(2 l₂) of the room. The parameters differ: here one T,
as a share of the room, for all vehicles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.subproblems.penalties import QUBOBatch, normalised, require_strength

if TYPE_CHECKING:
    from lagrl.quantum.subproblems.candidates import Candidates


@dataclass(frozen=True)
class UnbalancedPenalty:
    """The penalty −l₁ h + l₂ h² of the unused part h of the room.

    The default target is .85 of the room, the best for circuits over knapsacks from dual ascents on the bundled
    instances (.9 gave more ground states that were optimal, and more that were too heavy).

    Attributes
    ----------
    linear
        l₁, for costs in units of their mean and h in units of the room.
    quadratic
        l₂, likewise.

    Raises
    ------
    InputError
        If a coefficient is not a finite number of 0 or more, or the target is below 0 (l₁ > 2 l₂).
    """

    linear: float = 9.0
    quadratic: float = 30.0

    def __post_init__(self) -> None:
        require_strength(self.linear, "linear")
        require_strength(self.quadratic, "quadratic")
        if self.linear > 2 * self.quadratic:
            raise InputError(
                f"{self.linear} given, which puts the target load below 0",
                field="linear",
                remedy=f"give at most twice the quadratic coefficient, {2 * self.quadratic:g}",
            )

    @classmethod
    def of_strength(cls, strength: float) -> UnbalancedPenalty:
        """Return the penalty of the default's target load and l₂ = `strength`."""
        require_strength(strength)
        return cls(cls.linear * strength / cls.quadratic, strength)

    @property
    def target(self) -> float:
        """The target load T, as a share of the room."""
        return 1.0 - self.linear / (2.0 * self.quadratic) if self.quadratic else 1.0

    def qubos(self, candidates: Candidates) -> QUBOBatch:
        """Build the QUBO of every vehicle's variables; see `Penalty.qubos`."""
        cost, load = normalised(candidates)
        l_1, l_2 = 2.0 * self.quadratic * (1.0 - self.target), self.quadratic
        linear = cost + l_1 * load + l_2 * (load**2 - 2.0 * load)
        quadratic = np.triu(2.0 * l_2 * load[:, :, None] * load[:, None, :], 1)
        return QUBOBatch(linear, quadratic, np.where(candidates.width > 0, l_2 - l_1, 0.0), candidates.width)
