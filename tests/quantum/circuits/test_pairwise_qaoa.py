"""QAOA written pair by pair is the same distribution as the line network's."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("qiskit", reason="circuits need the extra quantum")


@pytest.mark.parametrize("n", [2, 3, 5])
def test_it_is_the_unitary_of_the_line_network(n: int) -> None:
    """The probabilities of all strings agree with those of `LineQAOA`."""
    from qiskit.quantum_info import Statevector

    from lagrl.paper.drawn_knapsacks import random_subproblem
    from lagrl.quantum.circuits.ansatz import LineQAOA
    from lagrl.quantum.circuits.line_qaoa import pairwise_qaoa

    problem = random_subproblem(n, 0)
    template = pairwise_qaoa(problem)
    found = Statevector(template.circuit.remove_final_measurements(inplace=False)).probabilities()
    assert np.allclose(found, LineQAOA().probabilities(problem), atol=1e-9)
    assert template.two_qubit_gates == n * (n - 1)
    assert not template.is_line
