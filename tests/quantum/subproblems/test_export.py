"""QUBOs as objects of dimod and qiskit have the same energies."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from small_knapsacks import knapsacks, strings

from lagrl.errors import MissingExtraError
from lagrl.problems.qubo import QUBO
from lagrl.quantum.subproblems.candidate_sampler import to_bqm, to_sparse_pauli_op
from lagrl.quantum.subproblems.candidates import select_candidates
from lagrl.quantum.subproblems.penalties import make_penalty


def some_qubos() -> list[QUBO]:
    """Return QUBOs of knapsacks under every penalty, a random sparse one, and a constant."""
    found = select_candidates(*knapsacks(np.random.default_rng(0), 2, 20), 5)
    problems = [make_penalty(name).qubos(found).qubo(0) for name in ("tilted", "unbalanced", "slack")]
    rng = np.random.default_rng(1)
    sparse = np.triu(rng.normal(size=(6, 6)) * (rng.random((6, 6)) < 0.4), 1)
    return [*problems, QUBO(rng.normal(size=6), sparse, 2.5), QUBO(np.zeros(3), np.zeros((3, 3)), -1.5)]


@pytest.mark.parametrize("index", range(5))
def test_bqm_has_the_same_energies(index: int) -> None:
    """The model has the QUBO's energy for every string, variable i being bit i."""
    pytest.importorskip("dimod")
    qubo = some_qubos()[index]
    model = to_bqm(qubo)
    assert list(model.variables) == list(range(qubo.n_variables))
    assert model.vartype.name == "BINARY"
    assert model.energies(strings(qubo.n_variables)) == pytest.approx(qubo.energies())


@pytest.mark.parametrize("index", range(5))
def test_pauli_operator_has_the_same_diagonal(index: int) -> None:
    """The operator is diagonal, and entry x is the energy of the string x: qubit i is variable i."""
    pytest.importorskip("qiskit")
    qubo = some_qubos()[index]
    operator = to_sparse_pauli_op(qubo)
    assert operator.num_qubits == qubo.n_variables
    matrix = operator.to_matrix(sparse=True)
    assert abs(matrix - matrix.multiply(np.eye(2**qubo.n_variables))).max() == 0
    assert matrix.diagonal() == pytest.approx(qubo.energies())


@pytest.mark.parametrize(("module", "export"), [("dimod", to_bqm), ("qiskit.quantum_info", to_sparse_pauli_op)])
def test_without_the_extra_its_name_is_told(module: str, export: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra to install."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"pip install -c constraints.txt '\.\[quantum\]'"):
        export(some_qubos()[0])
