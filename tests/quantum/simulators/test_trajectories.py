"""Trajectories average to the density matrix."""

from __future__ import annotations

import numpy as np
import pytest
from small_devices import chain_pub, distance, ideal_distribution, line_device, sampled_distance, shares

pytest.importorskip("qiskit_aer")

from lagrl.errors import InputError
from lagrl.quantum.circuits.backend import Backend, Job
from lagrl.quantum.simulators.line_backend import DensityMatrixBackend, TrajectoryBackend
from lagrl.relaxation.sampler import SampleContext

HERE = SampleContext()


@pytest.mark.parametrize("n", [4, 6])
def test_trajectories_are_the_density_matrix(n: int) -> None:
    """With strong noise 3000 shots are within sampling error of the exact noisy distribution, not of the ideal one."""
    device, shots = line_device(n, edge=0.05, single=0.005), 3000
    pub = chain_pub(n, layers=2)
    expected = DensityMatrixBackend(device).distributions(pub)[0]
    drawn = TrajectoryBackend(device).run(Job([pub], shots, 0, HERE)).codes[0]
    near = sampled_distance(expected, shots)
    assert distance(shares(drawn, n), expected) < near
    if n == 4:  # where the sampling error is small enough to tell
        assert distance(shares(drawn, n), ideal_distribution(pub)) > near


def test_relaxing_qubits_agree_too() -> None:
    """Trajectories agree with the density matrix on a device's snapshot, whose qubits relax."""
    pytest.importorskip("qiskit_ibm_runtime")
    pub, shots = chain_pub(4, layers=3), 3000
    expected = DensityMatrixBackend.of("FakeHanoi").distributions(pub)[0]
    drawn = TrajectoryBackend.of("FakeHanoi").run(Job([pub], shots, 1, HERE)).codes[0]
    assert distance(shares(drawn, 4), expected) < sampled_distance(expected, shots)


def test_costs_and_determinism() -> None:
    """The name has the method, and the same seed draws the same."""
    executor = TrajectoryBackend(line_device(3))
    assert isinstance(executor, Backend)
    one, two = (executor.run(Job([chain_pub(3, rows=2)], 50, 3, HERE)) for _ in range(2))
    assert np.array_equal(one.codes[0], two.codes[0])
    assert not np.array_equal(one.codes[0][0], one.codes[0][1])
    assert (one.cost.circuits, one.cost.shots, one.cost.backend) == (2, 100, "trajectories(line of 3)")


def test_circuits_beyond_the_limit_are_refused() -> None:
    """The error names the backend, the limit and the remedy."""
    executor = TrajectoryBackend(line_device(5), max_width=4)
    with pytest.raises(InputError, match=r"trajectories\(line of 5\).*limit of 4; take fewer variables"):
        executor.run(Job([chain_pub(5)], 10, 0, HERE))
