"""Noisy circuits by quantum trajectories: one random pure state of 2ⁿ amplitudes per shot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lagrl.quantum.simulators.line_backend import LineBackend


@dataclass(frozen=True)
class TrajectoryBackend(LineBackend):
    """Draws every shot from a state with random errors (Dalibard, Castin, Mølmer 1992), by Aer's `statevector`.

    The average over shots is the density matrix. The time is proportional to the shots.
    """

    max_width: int = 16
    method: ClassVar[str] = "trajectories"
    aer_method: ClassVar[str] = "statevector"
    limit: ClassVar[int] = 20
    remedy: ClassVar[str] = "take fewer variables per vehicle or the surrogate"
