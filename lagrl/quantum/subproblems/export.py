"""Conversion of a QUBO to dimod's binary quadratic model and to qiskit's sparse Pauli operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import MissingExtraError

if TYPE_CHECKING:
    from dimod import BinaryQuadraticModel
    from qiskit.quantum_info import SparsePauliOp

    from lagrl.problems.qubo import QUBO


def to_bqm(qubo: QUBO) -> BinaryQuadraticModel:
    """Return a QUBO as dimod's binary quadratic model with variables 0 … m − 1 in order.

    Raises
    ------
    MissingExtraError
        If dimod is not installed.
    """
    try:
        from dimod import BINARY, BinaryQuadraticModel
    except ImportError as error:
        raise MissingExtraError.of("dimod", "quantum", "a binary quadratic model") from error
    row, column = np.nonzero(qubo.quadratic)
    return BinaryQuadraticModel.from_numpy_vectors(
        qubo.linear, (row, column, qubo.quadratic[row, column]), qubo.offset, BINARY
    )


def to_sparse_pauli_op(qubo: QUBO) -> SparsePauliOp:
    """Return a QUBO's Ising form offset + Σ h_i Z_i + Σ J_ij Z_i Z_j, offset included; qubit i is variable i.

    Its diagonal entry x is the energy of the string x, bit i being y_i, as Z|y⟩ = (1 − 2y)|y⟩.

    Raises
    ------
    MissingExtraError
        If qiskit is not installed.
    """
    try:
        from qiskit.quantum_info import SparsePauliOp
    except ImportError as error:
        raise MissingExtraError.of("qiskit", "quantum", "a Pauli operator") from error
    ising = qubo.to_ising()
    terms: list[tuple[str, list[int], float]] = [("", [], ising.offset)]
    terms += [("Z", [int(i)], float(ising.field[i])) for i in np.flatnonzero(ising.field)]
    terms += [("ZZ", [int(i), int(j)], float(ising.coupling[i, j])) for i, j in np.argwhere(ising.coupling)]
    return SparsePauliOp.from_sparse_list(terms, num_qubits=qubo.n_variables)
