"""One call of qiskit's Aer simulator, on one thread."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import LagrlError, MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit import QuantumCircuit
    from qiskit_aer.noise import NoiseModel


def run_aer(
    method: str, circuits: list[QuantumCircuit], noise: NoiseModel | None, shots: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Simulate circuits without free parameters; each gets its own stream of randomness.

    Parameters
    ----------
    method
        `density_matrix` or `statevector`; with noise the latter draws a trajectory per shot.
    circuits
        With all their measurements in one register.
    noise
        None for ideal gates.
    shots
        Per circuit.
    rng
        Draws the simulator's seed.

    Returns
    -------
    Codes [C, shots] int64: bit i is classical bit i. Shots stay in their order.

    Raises
    ------
    MissingExtraError
        Without qiskit-aer.
    LagrlError
        If the simulator fails, with what it says.
    """
    try:
        from qiskit_aer import AerSimulator
    except ImportError as error:
        raise MissingExtraError.of("qiskit-aer", "quantum", "simulating circuits") from error
    simulator = AerSimulator(method=method, noise_model=noise, max_parallel_threads=1)
    seed = int(rng.integers(2**31 - 1))
    result = simulator.run(circuits, shots=shots, memory=True, seed_simulator=seed).result()
    if not result.success:
        raise LagrlError(f"Aer's {method} simulator failed: {result.status}")
    return np.array([[int(code, 16) for code in experiment.data.memory] for experiment in result.results], np.int64)


def is_native(circuit: QuantumCircuit) -> bool:
    """Whether Aer simulates all gates of a circuit as they are.

    Raises
    ------
    MissingExtraError
        Without qiskit-aer.
    """
    return set(circuit.count_ops()) <= _native_gates()


@cache
def _native_gates() -> frozenset[str]:
    try:
        from qiskit_aer import AerSimulator
    except ImportError as error:
        raise MissingExtraError.of("qiskit-aer", "quantum", "simulating circuits") from error
    return frozenset(AerSimulator(method="statevector").configuration().basis_gates) | {"measure", "barrier"}


def exact_probabilities(
    circuits: list[QuantumCircuit], qubits: list[list[int]], noise: NoiseModel
) -> list[NDArray[np.float64]]:
    """Return the distributions [2^n] before readout errors of circuits without measurements, by density matrices.

    Parameters
    ----------
    circuits
        Without free parameters or measurements.
    qubits
        For each circuit, which qubit is bit i of the index.
    noise
        Of the gates.

    Raises
    ------
    MissingExtraError
        Without qiskit-aer.
    LagrlError
        If the simulator fails, with what it says.
    """
    try:
        from qiskit_aer import AerSimulator
        from qiskit_aer.library import SaveProbabilities
    except ImportError as error:
        raise MissingExtraError.of("qiskit-aer", "quantum", "simulating circuits") from error
    saving = [circuit.copy() for circuit in circuits]
    for circuit, order in zip(saving, qubits, strict=True):
        circuit.append(SaveProbabilities(len(order)), order)
    result = AerSimulator(method="density_matrix", noise_model=noise, max_parallel_threads=1).run(saving).result()
    if not result.success:
        raise LagrlError(f"Aer's density_matrix simulator failed: {result.status}")
    return [np.asarray(result.data(i)["probabilities"], np.float64) for i in range(len(saving))]
