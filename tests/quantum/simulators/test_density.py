"""Density matrices: the exact noisy distribution, samples from it, and their cost."""

from __future__ import annotations

import numpy as np
import pytest
from small_devices import chain_pub, distance, ideal_distribution, line_device, sampled_distance, shares

pytest.importorskip("qiskit_aer")

from qiskit.quantum_info import DensityMatrix, SuperOp
from qiskit_aer.noise.device import basic_device_gate_errors

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.circuits.backend import Backend, Job, Pub
from lagrl.quantum.devices.noisy_device import Channel, NoisyLine, measured_qubits
from lagrl.quantum.simulators.line_backend import DensityMatrixBackend, bind
from lagrl.relaxation.sampler import SampleContext

HERE = SampleContext()


def evolved_by_hand(line: NoisyLine, pub: Pub) -> np.ndarray:
    """Return the distribution [2^n] by qiskit's dense matrices: every gate, then its error, then the readout."""
    circuit = bind(pub, line.circuit(pub.template).template)[0]
    errors = {(name, tuple(where)): SuperOp(error) for name, where, error in _gate_errors(line)}
    state = DensityMatrix.from_label("0" * circuit.num_qubits)
    for step in circuit.data:
        where = tuple(circuit.find_bit(q).index for q in step.qubits)
        if step.operation.name == "measure":
            continue
        state = state.evolve(step.operation, list(where))
        if (step.operation.name, where) in errors:
            state = state.evolve(errors[step.operation.name, where], list(where))
    measured = measured_qubits(circuit)
    return Channel(1.0, line.readout[measured]).distribution(state.probabilities(measured.tolist()))


def _gate_errors(line: NoisyLine) -> list:
    return basic_device_gate_errors(target=line.target, thermal_relaxation=False)


def test_distributions_are_those_of_dense_matrices() -> None:
    """The distribution equals dense matrices gate by gate to 1e-9, and differs from the ideal one."""
    executor = DensityMatrixBackend(line_device(3, edge=(0.03, 0.08), single=0.01))
    pub = chain_pub(3, layers=2)
    found = executor.distributions(pub)[0]
    assert found == pytest.approx(evolved_by_hand(executor.device.line(3), pub), abs=1e-9)
    assert distance(found, ideal_distribution(pub)) > 0.05


def test_without_errors_it_is_the_ideal_distribution() -> None:
    """Bits are in the order of the variables although the circuit swaps qubits."""
    executor = DensityMatrixBackend(line_device(4, edge=0.0, single=0.0, readout=(0.0, 0.0)))
    pub = chain_pub(4)
    assert executor.distributions(pub)[0] == pytest.approx(ideal_distribution(pub), abs=1e-9)


def test_samples_follow_the_distribution() -> None:
    """All rows of PUBs of different widths in one call are in order, within sampling error."""
    executor, shots = DensityMatrixBackend(line_device(4)), 4000
    pubs = [chain_pub(3, seed=1, rows=2), chain_pub(4, seed=2), chain_pub(3, seed=3, layers=2)]
    found = executor.run(Job(pubs, shots, 0, HERE))
    assert [codes.shape for codes in found.codes] == [(2, shots), (1, shots), (1, shots)]
    for pub, codes in zip(pubs, found.codes, strict=True):
        n = pub.template.n_qubits
        for row, expected in enumerate(executor.distributions(pub)):
            assert distance(shares(codes[row], n), expected) < sampled_distance(expected, shots)
    assert distance(shares(found.codes[0][0], 3), executor.distributions(pubs[0])[1]) > 0.1


def test_costs_count_every_row() -> None:
    """The cost has circuits, shots, two-qubit gates and depth of the compiled circuits, and the device's name."""
    executor = DensityMatrixBackend(line_device(3))
    assert isinstance(executor, Backend)
    cost = executor.run(Job([chain_pub(3, rows=4), chain_pub(2)], 10, 0, HERE)).cost
    compiled = [executor.device.line(n).circuit(chain_pub(n).template).template for n in (3, 2)]
    assert (cost.circuits, cost.shots, cost.backend) == (5, 50, "density(line of 3)")
    assert cost.two_qubit_gates == 4 * compiled[0].two_qubit_gates + compiled[1].two_qubit_gates
    assert cost.depth == compiled[0].two_qubit_depth
    assert compiled[0].two_qubit_gates == compiled[0].circuit.count_ops()["cz"] > 0
    assert cost.seconds > 0


def test_the_same_seed_draws_the_same() -> None:
    """The same seed draws the same samples; equal rows of one call draw different ones."""
    executor = DensityMatrixBackend(line_device(3))
    pub = chain_pub(3)
    twice = Pub(pub.template, np.repeat(pub.values, 2, axis=0))
    one, two, other = (executor.run(Job([twice], 200, seed, HERE)).codes[0] for seed in (0, 0, 1))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one[0], one[1])


def test_what_cannot_be_run_is_refused() -> None:
    """Too wide circuits or backends, zero shots or circuits, and unknown devices raise an error."""
    executor = DensityMatrixBackend(line_device(4), max_width=3)
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match=r"density\(line of 4\): a circuit of 4 qubits is above the limit of 3; take"):
        executor.run(Job([chain_pub(4)], 10, rng, HERE))
    with pytest.raises(InputError, match="shots: 0 allows nothing"):
        executor.run(Job([chain_pub(3)], 0, rng, HERE))
    with pytest.raises(InputError, match="no circuits given"):
        executor.run(Job([], 10, rng, HERE))
    with pytest.raises(InputError, match="density, max_width: 13 given; give 1 to 12 qubits"):
        DensityMatrixBackend(line_device(4), max_width=13)


def test_fake_backends_by_name() -> None:
    """The backend has the device's name; an unknown one raises an error with the known ones."""
    pytest.importorskip("qiskit_ibm_runtime")
    executor = DensityMatrixBackend.of("FakeHanoi")
    assert executor.name == "density(fake_hanoi)"
    assert executor.device is DensityMatrixBackend.of("fake_hanoi").device
    with pytest.raises(UnknownNameError, match="FakeKingston"):
        DensityMatrixBackend.of("FakeKingstown")
