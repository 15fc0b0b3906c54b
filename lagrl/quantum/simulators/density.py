"""Noisy circuits by density matrices of 4ⁿ numbers: their exact distributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lagrl.quantum.circuits.backend import Job
from lagrl.quantum.simulators.aer import exact_probabilities
from lagrl.quantum.simulators.channel import Channel
from lagrl.quantum.simulators.line_backend import LineBackend, bind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.circuits.execution import Pub


@dataclass(frozen=True)
class DensityMatrixBackend(LineBackend):
    """Draws from the exact distribution of every noisy circuit, by Aer's `density_matrix`.

    Shots take almost no time compared with the evolution: best for few qubits and many shots.
    """

    max_width: int = 10
    method: ClassVar[str] = "density"
    aer_method: ClassVar[str] = "density_matrix"
    limit: ClassVar[int] = 12
    remedy: ClassVar[str] = "take fewer variables per vehicle, trajectories or the surrogate"

    def distributions(self, pub: Pub, readout: bool = True) -> NDArray[np.float64]:
        """Return the exact distributions [C, 2^n] that `run` draws from; bit i of the index is variable i.

        Parameters
        ----------
        pub
            A template of at most `max_width` qubits and its angles.
        readout
            Whether to include readout errors.

        Raises
        ------
        InputError
            If the circuit is too wide.
        """
        Job([pub], shots=1).require(self.name, self.max_width, remedy=self.remedy)
        line = self.device.line(pub.template.n_qubits)
        known = line.circuit(pub.template)
        circuits = [circuit.remove_final_measurements(inplace=False) for circuit in bind(pub, known.template)]
        found = exact_probabilities(circuits, [known.measured.tolist()] * len(circuits), line.noise)
        reading = Channel(1.0, known.readout if readout else np.zeros_like(known.readout))
        return np.array([reading.distribution(p) for p in found])
