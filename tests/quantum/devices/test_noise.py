"""Reduced targets keep their properties, and their noise is that of the whole device."""

from __future__ import annotations

import numpy as np
import pytest
from small_devices import chain_pub, distance, line_target, sampled_distance, shares

pytest.importorskip("qiskit_aer")

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.transpiler import InstructionProperties
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from lagrl.errors import InputError
from lagrl.quantum.devices.noise import noise_model, readout_flips, reduced_target
from lagrl.quantum.devices.noisy_device import NoisyLine, log_fidelity, measured_qubits
from lagrl.quantum.simulators.line_backend import exact_probabilities, run_aer


def fake(name: str) -> object:
    """Load a fake backend by its class name."""
    return getattr(pytest.importorskip("qiskit_ibm_runtime.fake_provider"), name)()


def test_qubits_are_renamed_and_nothing_else_changes() -> None:
    """Every gate, measurement and qubit of the line has the error, duration, T1 and T2 of the physical one."""
    target = fake("FakeGuadalupeV2").target
    qubits = (4, 7, 10, 12)
    reduced = reduced_target(target, qubits)
    assert reduced.num_qubits == 4
    for i, q in enumerate(qubits):
        assert reduced.qubit_properties[i].t1 == target.qubit_properties[q].t1
        for name in ("sx", "x", "measure"):
            assert reduced[name][i,] == target[name][q,]
    for i in range(3):
        for pair in ((i, i + 1), (i + 1, i)):
            assert reduced["cx"][pair] == target["cx"][qubits[pair[0]], qubits[pair[1]]]
    assert len(reduced["cx"]) == 6


def test_lines_that_do_not_exist_are_refused() -> None:
    """Missing or unusable edges, repeated qubits and unknown qubits raise an error."""
    target = fake("FakeGuadalupeV2").target
    with pytest.raises(InputError, match="qubits 4 and 12 are not joined"):
        reduced_target(target, (4, 12))
    for wrong in ((), (0, 0), (-1, 0), (15, 16)):
        with pytest.raises(InputError, match="give different qubits from 0 to 15"):
            reduced_target(target, wrong)
    dead = line_target(4, edge=(0.01, 1.0, 0.01))
    with pytest.raises(InputError, match="qubits 1 and 2 are not joined by a working gate"):
        reduced_target(dead, range(4))
    assert reduced_target(dead, (3, 2)).num_qubits == 2


@pytest.mark.parametrize(
    ("name", "qubits"),
    [
        ("FakeGuadalupeV2", (4, 7, 10, 12)),
        pytest.param("FakeSherbrooke", (0, 1, 2, 3), marks=pytest.mark.slow),
        pytest.param("FakeKingston", (0, 1, 2, 3), marks=pytest.mark.slow),
    ],
)
def test_the_reduced_noise_model_is_the_whole_one(name: str, qubits: tuple[int, ...]) -> None:
    """The noise of the reduced target and of the whole device agree: exact distributions to 1e-7, and samples."""
    backend = fake(name)
    pub, shots = chain_pub(4, layers=3), 4000
    line = NoisyLine(qubits, reduced_target(backend.target, qubits))
    small = line.circuit(pub.template).template.circuit.assign_parameters(pub.values[0])
    whole = QuantumCircuit(QuantumRegister(backend.num_qubits), ClassicalRegister(4, "meas"))
    whole.compose(small, qubits=list(qubits), clbits=range(4), inplace=True)
    simulator = AerSimulator(method="density_matrix", noise_model=NoiseModel.from_backend(backend))
    saving = whole.remove_final_measurements(inplace=False)
    saving.save_probabilities([int(q) for q in measured_qubits(whole)])
    expected = simulator.run(saving).result().data()["probabilities"]
    order = measured_qubits(small).tolist()
    found = exact_probabilities([small.remove_final_measurements(inplace=False)], [order], line.noise)[0]
    assert found == pytest.approx(expected, abs=1e-7)
    rng = np.random.default_rng(0)
    sampled = shares(run_aer("density_matrix", [small], line.noise, shots, rng), 4)
    memory = simulator.run(whole, shots=shots, memory=True, seed_simulator=1).result().get_memory()
    reference = shares(np.array([int(code, 2) for code in memory]), 4)
    assert distance(sampled, reference) < sampled_distance(reference, shots, samples=2)
    assert distance(found, expected) < 1e-6 < distance(found, shares(np.array([0]), 4))


def test_noise_models_have_every_gate_and_readout() -> None:
    """CZ, SX, X and measurements of all qubits have errors; the virtual RZ has none."""
    model = noise_model(line_target(3))
    errors = model.to_dict()["errors"]
    gates = {(name, tuple(e["gate_qubits"][0])) for e in errors for name in e["operations"] if e["type"] == "qerror"}
    edges = [(0, 1), (1, 0), (1, 2), (2, 1)]
    assert gates == {*(("cz", e) for e in edges), *((name, (q,)) for name in ("sx", "x") for q in range(3))}
    assert sum(e["type"] == "roerror" for e in errors) == 3
    assert "rz" in model.basis_gates


def test_readout_errors_are_asymmetric_where_the_target_says_so() -> None:
    """Readout has both probabilities if the target has two, and one for both otherwise."""
    assert readout_flips(line_target(2, readout=(0.01, 0.07))).tolist() == [[0.01, 0.07]] * 2
    target = line_target(2)
    target.update_instruction_properties("measure", (1,), InstructionProperties(error=0.2))
    assert readout_flips(target)[1].tolist() == [0.2, 0.2]


def test_fidelity_is_the_product_over_gates() -> None:
    """The fidelity equals ∏ (1 − e) computed by hand."""
    target = line_target(3, edge=(0.01, 0.03), single=0.002)
    compiled = NoisyLine((0, 1, 2), target).circuit(chain_pub(3).template).template.circuit
    counts = compiled.count_ops()
    by_edge = [0, 0]
    for step in compiled.data:
        if step.operation.name == "cz":
            by_edge[min(compiled.find_bit(q).index for q in step.qubits)] += 1
    singles = counts.get("sx", 0) + counts.get("x", 0)
    expected = 0.99 ** by_edge[0] * 0.97 ** by_edge[1] * 0.998**singles
    assert np.exp(log_fidelity(compiled, target)) == pytest.approx(expected)
    assert expected < 0.95
