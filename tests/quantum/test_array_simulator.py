"""The array code is the kernel's twin: same states, same samples from the same uniforms."""

from __future__ import annotations

import builtins
import importlib
import types

import numpy as np
import pytest
from small_knapsacks import knapsacks

from lagrl.errors import InputError, LagrlError
from lagrl.problems.qubo import QUBO
from lagrl.quantum.circuits.qaoa_sampler import QAOASampler
from lagrl.quantum.circuits.statevector import Ramp, qaoa_state, sample_qaoa
from lagrl.quantum.simulators import array_simulator
from lagrl.quantum.simulators.array_simulator import evolve_batch, gpu_arrays, sample_qaoa_arrays
from lagrl.quantum.subproblems.candidates import select_candidates
from lagrl.quantum.subproblems.penalties import TiltedPenalty
from lagrl.quantum.subproblems.product import ProductState, rotation_angles
from lagrl.relaxation.sampler import SampleContext


@pytest.mark.parametrize("m", [1, 2, 5, 8])
def test_states_are_those_of_the_kernel(m: int) -> None:
    """Three problems at once, each with its own angles, two layers."""
    rng = np.random.default_rng(m)
    linear, theta = rng.normal(size=(3, m)), rng.uniform(0.2, 2.8, (3, m))
    quadratic = np.triu(rng.normal(size=(3, m, m)), 1)
    gamma, beta = rng.normal(size=(3, 2)), rng.normal(size=2)
    states = evolve_batch(np, linear, quadratic, theta, gamma, beta)
    for k in range(3):
        expected = qaoa_state(QUBO(linear[k], quadratic[k]), gamma[k], beta, theta[k])
        assert np.abs(states[k] - expected).max() < 1e-12


def test_samples_are_those_of_the_kernel() -> None:
    """The same uniforms draw the same strings, whatever the widths; solved vehicles draw the empty one."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(0), 8, 30)
    capacity[0] = weight.sum()
    found = select_candidates(reduced_cost, weight, capacity, 9)
    qubos = TiltedPenalty().qubos(found)
    theta = rotation_angles(ProductState().probabilities(found))
    uniform = np.random.default_rng(1).random((8, 200))
    ramp = Ramp(2, 1.5, 0.5)
    code, count = sample_qaoa(qubos, ramp, theta, uniform)
    ours, ours_count = sample_qaoa_arrays(np, qubos, ramp, theta, uniform)
    assert len(set(found.width.tolist())) > 1
    for k in range(8):
        expected, found_here = (
            dict(zip(codes[k][counts[k] > 0].tolist(), counts[k][counts[k] > 0].tolist(), strict=True))
            for codes, counts in ((code, count), (ours, ours_count))
        )
        assert found_here == expected


def test_the_sampler_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """`device="gpu"` draws through the array code, with the same samples and another name in the record."""
    monkeypatch.setattr(array_simulator, "gpu_arrays", lambda: np)
    knapsack = knapsacks(np.random.default_rng(0), 5, 20)
    drawn = [
        QAOASampler(width=7, device=device).sample(*knapsack, 100, np.random.default_rng(0), SampleContext())
        for device in ("cpu", "gpu")
    ]
    assert (drawn[0].bitstrings == drawn[1].bitstrings).all()
    assert (drawn[0].counts == drawn[1].counts).all()
    assert [samples.cost.backend for samples in drawn] == ["statevector", "statevector(gpu)"]


def test_a_missing_gpu_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No CuPy, no GPU, or no such device: each in a message of its own, before any knapsack is asked."""
    with pytest.raises(InputError, match="device: 'tpu' given; give cpu or gpu"):
        QAOASampler(device="tpu")

    def no_cupy(name: str, *rest: object) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", no_cupy)
    with pytest.raises(LagrlError, match="needs CuPy"):
        gpu_arrays()
    runtime = types.SimpleNamespace(getDeviceCount=lambda: 0)
    fake = types.SimpleNamespace(cuda=types.SimpleNamespace(runtime=runtime))
    monkeypatch.setattr(importlib, "import_module", lambda name: fake)
    with pytest.raises(LagrlError, match="finds no GPU; use device cpu"):
        gpu_arrays()
    runtime.getDeviceCount = lambda: builtins.int("none")
    with pytest.raises(LagrlError, match=r"finds no GPU \(ValueError"):
        gpu_arrays()
