"""One knapsack as a circuit: QAOA samples of it, and the circuit itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.circuits.ansatz import make_ansatz
from lagrl.quantum.circuits.qaoa_sampler import QAOASampler
from lagrl.quantum.circuits.subproblem import Subproblem
from lagrl.quantum.subproblems.candidates import select_candidates
from lagrl.quantum.subproblems.penalties import TiltedPenalty
from lagrl.relaxation.sampler import SampleContext, Samples

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from qiskit import QuantumCircuit

    from lagrl.quantum.circuits.statevector import Ramp


def sample(
    reduced_cost: ArrayLike,
    weight: ArrayLike,
    capacity: int,
    *,
    shots: int = 256,
    width: int = 12,
    ramp: Ramp | None = None,
    seed: int = 0,
) -> Samples:
    """Sample the knapsack min Σ ã_i y_i, Σ d_i y_i ≤ Q by warm-started QAOA, simulated without noise.

    Other samplers are made by `lagrl.samplers.make_sampler`.

    Parameters
    ----------
    reduced_cost
        [n] ã, distance units; items with ã ≥ 0 are never worth selecting.
    weight
        [n] d, demand units.
    capacity
        Q, demand units.
    shots
        Bitstrings drawn.
    width
        Most items that become qubits, 1 … 22; presolve decides the others.
    ramp
        Layers and angles; the default ones if None.
    seed
        Same arguments, same samples.

    Returns
    -------
    `Samples` of one vehicle: bitstrings [1, S, n], which may exceed the capacity, and counts [1, S].

    Raises
    ------
    InputError
        If an array, `shots` or `width` is out of range.

    Examples
    --------
    >>> import lagrl
    >>> samples = lagrl.quantum.sample([-9, -7, -5, -4], weight=[4, 3, 3, 2], capacity=8, shots=100)
    >>> samples.bitstrings.shape[2], int(samples.counts.sum())
    (4, 100)
    """
    cost, demand, room = _arrays(reduced_cost, weight, capacity)
    sampler = QAOASampler(width=width, ramp=ramp)
    return sampler.sample(cost, demand, room, shots, np.random.default_rng(seed), SampleContext())


def circuit(
    reduced_cost: ArrayLike,
    weight: ArrayLike,
    capacity: int,
    *,
    ansatz: str = "qaoa",
    layers: int | None = None,
    width: int = 12,
) -> QuantumCircuit:
    """Return the circuit of a knapsack with its angles, measured into the register `meas`; `.draw()` shows it.

    Parameters
    ----------
    reduced_cost, weight, capacity, width
        As for `sample`.
    ansatz
        `qaoa` (the circuit that `sample` simulates), `copula`, `linear`, `reverse-linear`, `pairwise` or `circular`.
    layers
        Number of layers; the ansatz's default if None.

    Raises
    ------
    InputError
        If an argument is out of range, or presolve solves the knapsack without a circuit.
    UnknownNameError
        If there is no such ansatz.
    MissingExtraError
        Without qiskit.

    Examples
    --------
    >>> import lagrl
    >>> circuit = lagrl.quantum.circuit([-9, -7, -5, -4], weight=[4, 3, 3, 2], capacity=8)
    >>> circuit.num_qubits, circuit.num_parameters
    (4, 0)
    """
    candidates = select_candidates(*_arrays(reduced_cost, weight, capacity), width)
    if not candidates.width[0]:
        raise InputError(
            "presolve solves it without a circuit",
            field="knapsack",
            remedy="lower the capacity: all items of negative reduced cost fit",
        )
    problem = Subproblem.of(candidates, TiltedPenalty().qubos(candidates), 0)
    chosen = make_ansatz(ansatz, layers)
    template = chosen.template(problem.n_variables)
    return cast("QuantumCircuit", template.circuit.assign_parameters(chosen.values(problem)))


def _arrays(
    reduced_cost: ArrayLike, weight: ArrayLike, capacity: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    try:
        return np.array([reduced_cost], np.float64), _whole(weight), _whole([capacity])
    except (TypeError, ValueError) as error:
        remedy = "give n reduced costs, n whole weights and one whole capacity"
        raise InputError(str(error), field="knapsack", remedy=remedy) from error


def _whole(values: ArrayLike) -> NDArray[np.int64]:
    exact = np.asarray(values, np.float64)
    if (exact != np.floor(exact)).any():
        raise ValueError("a weight or the capacity is not a whole number")
    return exact.astype(np.int64)
