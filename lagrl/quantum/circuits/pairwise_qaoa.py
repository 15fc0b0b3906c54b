"""QAOA written pair by pair: what a transpiler gets without a line network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.circuits.execution import Template, measured_circuit
from lagrl.quantum.circuits.line_qaoa import LineQAOA, tilted_rotation
from lagrl.quantum.subproblems.product import rotation_angles

if TYPE_CHECKING:
    from lagrl.quantum.subproblems.penalties import Subproblem


def pairwise_qaoa(problem: Subproblem) -> Template:
    """Return one layer of warm-started QAOA with an RZZ for every pair of variables, its angles bound.

    It is the unitary of `qaoa_line` up to the order of qubits. Its declared gates are two for every pair, n (n − 1),
    and its declared depth is that of the pairs in the order written; a transpiler changes both.
    """
    n, ising = problem.n_variables, problem.qubo.to_ising()
    gamma, beta = LineQAOA().ramp.angles()
    phase, theta = float(gamma[0]) / problem.scale, rotation_angles(problem.probability)
    around, through = tilted_rotation(np.full(n, -2.0 * beta[0]), theta)
    circuit = measured_circuit(n, 1)
    for i in range(n):
        circuit.ry(theta[i], i)
        circuit.rz(2.0 * phase * ising.field[i] + around[i], i)
    for i in range(n):
        for j in range(i + 1, n):
            circuit.rzz(2.0 * phase * ising.coupling[i, j], i, j)
    for i in range(n):
        circuit.rx(through[i], i)
    circuit.measure(range(n), range(n))
    depth = 2 * int(circuit.depth(lambda step: len(step.qubits) > 1 and step.operation.name != "barrier"))
    return Template(f"qaoa pair by pair n={n}", circuit, 1, n * (n - 1), depth, is_line=False)
