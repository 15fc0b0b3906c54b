"""Ansätze by name, and the contract of all of them."""

from __future__ import annotations

import numpy as np
import pytest
from small_circuits import measured, subproblem

from lagrl.errors import InputError, UnknownNameError
from lagrl.problems.qubo import QUBO
from lagrl.quantum.circuits.ansatz import ANSATZE, Ansatz, make_ansatz
from lagrl.quantum.circuits.hardware_efficient import HardwareEfficient
from lagrl.quantum.circuits.line_qaoa import COLD_RAMP, WARM_RAMP, LineQAOA, Ramp, default_ramp
from lagrl.quantum.circuits.statevector import qaoa_state, sample_qaoa
from lagrl.quantum.subproblems.penalties import QUBOBatch, Subproblem


@pytest.mark.parametrize("name", ANSATZE)
@pytest.mark.parametrize("layers", [1, 2])
def test_templates_measure_the_ideal_distribution(name: str, layers: int) -> None:
    """The template of every ansatz, at its values, has the distribution `probabilities`."""
    pytest.importorskip("qiskit")
    pytest.importorskip("scipy")
    ansatz = make_ansatz(name, layers)
    assert isinstance(ansatz, Ansatz)
    assert (ansatz.name, ansatz.layers) == (name, layers)
    rng = np.random.default_rng(layers)
    for n in (1, 2, 5):
        problem, template = subproblem(rng, n), ansatz.template(n)
        values = ansatz.values(problem)
        assert values.shape == (template.n_parameters,)
        assert template.n_qubits == n
        assert np.abs(measured(template, values) - ansatz.probabilities(problem)).max() < 1e-10


@pytest.mark.parametrize("warm", [True, False])
def test_qaoa_is_what_the_kernel_samples(warm: bool) -> None:
    """LineQAOA divides by σ as `sample_qaoa` does: both have the same distribution."""
    problem = subproblem(np.random.default_rng(0), 4)
    ansatz = LineQAOA(Ramp(2, 1.3, 0.5), warm)
    qubo = problem.qubo
    batch = QUBOBatch(qubo.linear[None], qubo.quadratic[None], np.zeros(1), np.array([4]))
    theta = 2 * np.arcsin(np.sqrt(problem.probability)) if warm else np.full(4, np.pi / 2)
    shots = 100_000
    uniform = (np.arange(shots)[None] + 0.5) / shots  # the distribution function itself
    code, count = sample_qaoa(batch, ansatz.ramp, theta[None], uniform)
    found = np.bincount(code[0], count[0], minlength=16) / shots
    assert np.abs(found - ansatz.probabilities(problem)).max() < 2e-5


def test_other_ramps() -> None:
    """Another ramp gives other angles; a ramp of another number of layers raises an error."""
    problem, ramp = subproblem(np.random.default_rng(1), 3), Ramp(1, 0.7, 0.9)
    usual, other = make_ansatz("qaoa", 1), make_ansatz("qaoa", ramp=ramp)
    assert not np.allclose(other.values(problem), usual.values(problem))
    assert not np.allclose(other.probabilities(problem), usual.probabilities(problem))
    with pytest.raises(InputError, match="a ramp of 1 layers given; give one of 2"):
        make_ansatz("qaoa", 2, ramp=ramp)


def test_flat_qubo_is_the_start() -> None:
    """If all energies are equal, σ is taken as 1, and the warm circuit measures its product state."""
    p = np.array([0.2, 0.9])
    flat = Subproblem(QUBO(np.zeros(2), np.zeros((2, 2))), p, np.zeros(2), np.ones(2, np.int64), 1)
    assert np.allclose(make_ansatz("qaoa").probabilities(flat), [0.08, 0.02, 0.72, 0.18])


def test_defaults_by_layers() -> None:
    """Default ramps have the requested layers, and equal those of the kernel sampler."""
    assert default_ramp() == WARM_RAMP
    assert default_ramp(warm=False) == COLD_RAMP
    for layers in range(1, 6):
        assert default_ramp(layers).layers == layers == make_ansatz("qaoa", layers).layers
    with pytest.raises(InputError, match="layers"):
        default_ramp(0)


def test_names() -> None:
    """Unknown and removed names raise an error with the known ones; ramps and layers must agree."""
    assert make_ansatz("pairwise", 2) == HardwareEfficient(2, "pairwise")
    assert make_ansatz("qaoa", warm=False).name == "cold-qaoa"
    with pytest.raises(UnknownNameError, match="did you mean 'linear'"):
        make_ansatz("linera")
    for removed in ("copula", "reverse-linear", "circular", "full"):
        with pytest.raises(UnknownNameError, match="known: linear, pairwise, qaoa"):
            make_ansatz(removed)
    with pytest.raises(InputError, match="ramp"):
        make_ansatz("qaoa", 2, ramp=Ramp(1, 1.0, 1.0))


def test_subproblem_is_checked() -> None:
    """Different lengths and probabilities out of range raise an error."""
    good = subproblem(np.random.default_rng(0), 3)
    with pytest.raises(InputError, match="3 variables"):
        Subproblem(good.qubo, good.probability[:2], good.reduced_cost, good.weight, 1)
    with pytest.raises(InputError, match="probability"):
        Subproblem(good.qubo, good.probability + 1, good.reduced_cost, good.weight, 1)
    assert np.isclose(good.scale, good.qubo.to_ising().scale)
    assert qaoa_state(good.qubo, np.zeros(1), np.zeros(1)).shape == (8,)
