"""Noisy circuits by quantum trajectories: one random pure state of 2ⁿ amplitudes per shot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lagrl.quantum.simulators.aer import run_aer
from lagrl.quantum.simulators.line_executor import LineExecutor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lagrl.quantum.devices.noisy_device import NoisyLine
    from lagrl.quantum.simulators.line_executor import BoundCircuit


@dataclass(frozen=True)
class TrajectoryExecutor(LineExecutor):
    """Draws every shot from a state with random errors (Dalibard, Castin, Mølmer 1992), by Aer's `statevector`.

    The average over shots is the density matrix. The time is proportional to the shots.
    """

    max_width: int = 16
    method: ClassVar[str] = "trajectories"
    limit: ClassVar[int] = 20
    remedy: ClassVar[str] = "take fewer variables per vehicle or the surrogate"

    def run(
        self, line: NoisyLine, bound: list[BoundCircuit], shots: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return codes [C, shots]; see `LineExecutor.run`."""
        return run_aer("statevector", [circuit for circuit, _ in bound], line.noise, shots, rng)
