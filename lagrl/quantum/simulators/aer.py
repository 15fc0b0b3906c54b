"""Calls of qiskit's Aer simulator, on one thread."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import LagrlError, MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit import QuantumCircuit
    from qiskit_aer.noise import NoiseModel


def run_aer(
    method: str, circuits: list[QuantumCircuit], noise: NoiseModel | None, shots: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Sample circuits without free parameters, each with independent randomness.

    Parameters
    ----------
    method
        `density_matrix` or `statevector`; with noise the latter draws a trajectory per shot.
    circuits
        With all their measurements in one register.
    noise
        Noise of gates and readout; None for ideal ones.
    shots
        Shots per circuit.
    rng
        Draws the simulator's seed.

    Returns
    -------
    Codes [C, shots] int64, in the order of the shots: bit i is classical bit i.

    Raises
    ------
    MissingExtraError
        Without qiskit-aer.
    LagrlError
        If the simulator fails, with its message.
    """
    seed = int(rng.integers(2**31 - 1))
    result = _result(method, circuits, noise, shots=shots, memory=True, seed_simulator=seed)
    return np.array([[int(code, 16) for code in experiment.data.memory] for experiment in result.results], np.int64)


def run_long(method: str, circuit: QuantumCircuit, shots: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Sample a circuit of any number of qubits without noise; see `run_aer` for the errors raised.

    Parameters
    ----------
    method
        `statevector` or `matrix_product_state`.
    circuit, shots, rng
        See `run_aer`.

    Returns
    -------
    Bits [shots, n] uint8: column i is classical bit i.
    """
    seed = int(rng.integers(2**31 - 1))
    words = _result(method, [circuit], None, shots=shots, memory=True, seed_simulator=seed).get_memory()
    return np.array([np.frombuffer(word[::-1].encode(), np.uint8) - ord("0") for word in words], np.uint8)


def is_native(circuit: QuantumCircuit) -> bool:
    """Whether Aer simulates all gates of a circuit without compiling them.

    Raises
    ------
    MissingExtraError
        Without qiskit-aer.
    """
    return set(circuit.count_ops()) <= _native_gates()


def exact_probabilities(
    circuits: list[QuantumCircuit], qubits: list[list[int]], noise: NoiseModel
) -> list[NDArray[np.float64]]:
    """Return the distributions [2^n] before readout errors, by density matrices.

    Parameters
    ----------
    circuits
        Without free parameters or measurements.
    qubits
        For each circuit, the qubit that is bit i of the index.
    noise
        Noise of the gates.

    Raises
    ------
    MissingExtraError
        Without qiskit-aer.
    LagrlError
        If the simulator fails, with its message.
    """
    saving = [circuit.copy() for circuit in circuits]
    for circuit, order in zip(saving, qubits, strict=True):
        circuit.append(_aer().library.SaveProbabilities(len(order)), order)
    result = _result("density_matrix", saving, noise)
    return [np.asarray(result.data(i)["probabilities"], np.float64) for i in range(len(saving))]


def _result(method: str, circuits: list[QuantumCircuit], noise: NoiseModel | None, **options: Any) -> Any:
    simulator = _aer().AerSimulator(method=method, noise_model=noise, max_parallel_threads=1)
    result = simulator.run(circuits, **options).result()
    if not result.success:
        raise LagrlError(f"Aer's {method} simulator failed: {result.status}")
    return result


def _aer() -> Any:
    try:
        import qiskit_aer
        import qiskit_aer.library
    except ImportError as error:
        raise MissingExtraError.of("qiskit-aer", "quantum", "simulating circuits") from error
    return qiskit_aer


@cache
def _native_gates() -> frozenset[str]:
    return frozenset(_aer().AerSimulator(method="statevector").configuration().basis_gates) | {"measure", "barrier"}
