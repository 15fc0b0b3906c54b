"""The unbalanced penalty of Montañez-Barrera et al. (2024), and that it is the tilted one.

exp(−h) ≈ 1 − h + h²/2 prices an overload (h < 0) more than room left over, without slack bits. With coefficients to
choose, and h = 1 − Σ_i d_i y_i the part of the room left,

    E(y) = Σ_i ã_i y_i − l₁ h + l₂ h²

As r = −h is the overload of `penalties`, l₂ h² − l₁ h = ρ (r² + s r) with ρ = l₂ and s = l₁/l₂: the same function,
offset included. Both are a soft equality at the load T = 1 − l₁/(2 l₂) of the room. What differs is what is given:
here one T, as a share of the room, for all vehicles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.subproblems.penalties import require_fill, require_strength
from lagrl.quantum.subproblems.qubo_batch import QUBOBatch, normalised

if TYPE_CHECKING:
    from lagrl.quantum.subproblems.candidates import Candidates


@dataclass(frozen=True)
class UnbalancedPenalty:
    """−l₁ h + l₂ h² of the part h of the room left.

    The default aims at .85 of the room, which was best for circuits over knapsacks from dual ascents on the bundled
    instances (.9 gave more ground states that were optimal, and more that were too heavy).

    Attributes
    ----------
    linear
        l₁, for costs in units of their mean and h in units of the room.
    quadratic
        l₂, likewise.
    fill
        Moves the target load from what l₁ and l₂ say (0) towards the room (1) or nothing (−1), by another l₁.

    Raises
    ------
    InputError
        If a coefficient is not a finite number of 0 or more, the target is below 0 (l₁ > 2 l₂), or `fill` is not in
        [−1, 1].
    """

    linear: float = 9.0
    quadratic: float = 30.0
    fill: float = 0.0

    def __post_init__(self) -> None:
        require_strength(self.linear, "linear")
        require_strength(self.quadratic, "quadratic")
        require_fill(self.fill)
        if self.linear > 2 * self.quadratic:
            raise InputError(
                f"{self.linear} given, which puts the target load below 0",
                field="linear",
                remedy=f"give at most twice the quadratic coefficient, {2 * self.quadratic:g}",
            )

    @classmethod
    def of_strength(cls, strength: float = 30.0) -> UnbalancedPenalty:
        """Return the penalty of the default's target load and another l₂."""
        require_strength(strength)
        return cls(cls.linear * strength / cls.quadratic, strength)

    @classmethod
    def from_tilted(cls, strength: float, tilt: float) -> UnbalancedPenalty:
        """Return the penalty that is ρ (r² + s r): l₁ = ρ s, l₂ = ρ.

        Parameters
        ----------
        strength
            ρ.
        tilt
            s; see `TiltedPenalty.tilts`.
        """
        return cls(strength * tilt, strength)

    def to_tilted(self) -> tuple[float, float]:
        """Return ρ = l₂ and s = l₁/l₂ of the same function; s is 0 where both coefficients are."""
        return self.quadratic, 2.0 * (1.0 - self.target)

    @property
    def target(self) -> float:
        """The load T that is aimed at, as a share of the room."""
        own = 1.0 - self.linear / (2.0 * self.quadratic) if self.quadratic else 1.0
        return own + self.fill * (1.0 - own) if self.fill >= 0 else (1.0 + self.fill) * own

    def qubos(self, candidates: Candidates) -> QUBOBatch:
        """Build the QUBO of every vehicle's variables; see `Penalty.qubos`."""
        cost, load = normalised(candidates)
        l_1, l_2 = 2.0 * self.quadratic * (1.0 - self.target), self.quadratic
        linear = cost + l_1 * load + l_2 * (load**2 - 2.0 * load)
        quadratic = np.triu(2.0 * l_2 * load[:, :, None] * load[:, None, :], 1)
        return QUBOBatch(linear, quadratic, np.where(candidates.width > 0, l_2 - l_1, 0.0), candidates.width)

    def at(self, fill: float) -> UnbalancedPenalty:
        """Return the same penalty at another target load; see `Penalty.at`."""
        return replace(self, fill=fill)
