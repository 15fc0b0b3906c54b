"""Compilation of templates: a line adds no gates, and wrong declarations raise errors."""

from __future__ import annotations

import numpy as np
import pytest
from small_circuits import graph_target, line_target, measured, subproblem

from lagrl.errors import InputError
from lagrl.quantum.circuits.ansatz import make_ansatz
from lagrl.quantum.circuits.backend import Pub, Template, measured_circuit, parameter_vector
from lagrl.quantum.circuits.line_qaoa import qaoa_line
from lagrl.quantum.devices.compile import compile_template, require_isa
from lagrl.quantum.devices.placement import find_line

pytest.importorskip("qiskit")


@pytest.mark.parametrize("name", ["FakeKingston", "FakeNighthawk", "FakeSherbrooke"])
def test_devices_get_exactly_the_closed_form(name: str) -> None:
    """On Heron, Nighthawk and Eagle the compiled network is ISA, on the line, with Ĝ gates; compiled once."""
    pytest.importorskip("qiskit_ibm_runtime")
    from lagrl.quantum.devices.fakes import fake_backend

    backend, template = fake_backend(name), qaoa_line(6, 2)
    line = find_line(backend.target, 6).qubits
    compiled = compile_template(template, backend, line)
    require_isa(compiled.circuit, backend.target)
    assert (compiled.two_qubit_gates, compiled.two_qubit_depth) == (template.two_qubit_gates, template.two_qubit_depth)
    used = {compiled.circuit.find_bit(q).index for step in compiled.circuit.data for q in step.qubits}
    assert used == set(line)
    assert compile_template(template, backend.target, list(line)) is compiled
    assert compile_template(template, backend, line[::-1]) is not compiled


@pytest.mark.parametrize("gate", ["cz", "ecr"])
@pytest.mark.parametrize("name", ["qaoa", "linear", "pairwise"])
def test_compiling_changes_no_measurement(name: str, gate: str) -> None:
    """A compiled template has the template's distribution, on a line in another order."""
    pytest.importorskip("scipy")
    edges = {(0, 3): 0.01, (3, 1): 0.01, (1, 4): 0.01, (4, 2): 0.01}
    target = graph_target(5, edges, gate, dict.fromkeys(range(5), 0.01))
    ansatz, problem = make_ansatz(name), subproblem(np.random.default_rng(0), 5)
    compiled = compile_template(ansatz.template(5), target, (0, 3, 1, 4, 2))
    assert np.abs(measured(compiled, ansatz.values(problem)) - ansatz.probabilities(problem)).max() < 1e-10


def test_routed_circuits_say_what_they_cost() -> None:
    """A ring is routed on a line, measures the same, and the compiled template counts the added gates."""
    circuit, angle = measured_circuit(4, 1), parameter_vector(4)
    for i in range(4):
        circuit.ry(angle[i], i)
    for i in range(4):
        circuit.cx(i, (i + 1) % 4)
    circuit.measure(range(4), range(4))
    ring = Template("ring n=4", circuit, 1, two_qubit_gates=4, two_qubit_depth=4, is_line=False)
    compiled, values = compile_template(ring, line_target(4), range(4)), np.linspace(0.3, 2.0, 4)
    assert compiled.two_qubit_gates > ring.two_qubit_gates
    assert np.abs(measured(compiled, values) - measured(ring, values)).max() < 1e-10


def test_what_is_no_line_is_refused() -> None:
    """A line's template on qubits that are not a line raises an error."""
    with pytest.raises(InputError, match="are not a line"):
        compile_template(qaoa_line(4, 1), line_target(5), (0, 1, 3, 2))
    with pytest.raises(InputError, match="4 different qubits from 0 to 4"):
        compile_template(qaoa_line(4, 1), line_target(5), (0, 1, 2, 5))
    with pytest.raises(InputError, match="different qubits"):
        compile_template(qaoa_line(4, 1), line_target(5), (0, 1, 2))


def test_foreign_instructions_are_named() -> None:
    """A circuit with other gates than the device's raises an error with the gate and its qubits."""
    target = line_target(4)
    with pytest.raises(InputError, match=r"ry on qubits \[0\] is not an instruction"):
        require_isa(qaoa_line(3, 1).circuit, target)
    far = compile_template(qaoa_line(4, 1), line_target(4), range(4)).circuit
    with pytest.raises(InputError, match="4 qubits on a device of 3"):
        require_isa(far, line_target(3))
    from qiskit import QuantumCircuit

    jump = QuantumCircuit(4)
    jump.barrier()
    jump.cz(0, 2)
    with pytest.raises(InputError, match=r"cz on qubits \[0, 2\]"):
        require_isa(jump, target)


def test_wrong_counts_are_not_blamed_on_the_line() -> None:
    """A template that declares a wrong number of gates raises an error."""
    template = qaoa_line(4, 1)
    wrong = Template("wrong counts", template.circuit, 1, 3, 3)
    with pytest.raises(
        InputError, match=r"wrong counts: compiled on a line to .*, not 3 in 3 as declared; correct two_q"
    ):
        compile_template(wrong, line_target(4), range(4))


@pytest.mark.parametrize("flaw", ["register", "twice", "none", "two registers", "few"])
def test_templates_measure_every_variable_once(flaw: str) -> None:
    """Another register, bits written twice or never, and fewer bits than qubits raise an error."""
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

    registers = {"register": [ClassicalRegister(3, "c")], "few": [ClassicalRegister(2, "meas")]}
    registers["two registers"] = [ClassicalRegister(3, "meas"), ClassicalRegister(1, "flag")]
    circuit = QuantumCircuit(QuantumRegister(3), *registers.get(flaw, [ClassicalRegister(3, "meas")]))
    if flaw != "none":
        for q in range(min(3, circuit.num_clbits)):
            circuit.measure(q, 0 if flaw == "twice" else q)
    with pytest.raises(InputError, match=r"flawed: .*(measure every variable once|ClassicalRegister|of n qubits)"):
        Pub(Template("flawed", circuit, 1, 0, 0), np.zeros((1, 0)))


def test_circuits_of_the_same_name_are_not_mixed_up() -> None:
    """The cache identifies a template by its circuit: another circuit of the same name is compiled again."""
    first, other = (
        Template("mine", qaoa_line(4, p).circuit, p, qaoa_line(4, p).two_qubit_gates, qaoa_line(4, p).two_qubit_depth)
        for p in (1, 2)
    )
    again = Template("anything", qaoa_line(4, 1).circuit, 1, first.two_qubit_gates, first.two_qubit_depth)
    target = line_target(4)
    assert first.digest == again.digest != other.digest
    assert compile_template(first, target, range(4)) is compile_template(again, target, range(4))
    assert compile_template(other, target, range(4)).two_qubit_gates == other.two_qubit_gates
    with pytest.raises(InputError, match="as declared"):
        compile_template(Template("mine", first.circuit, 1, 3, 3), target, range(4))


def test_a_circuit_is_known_by_what_it_does() -> None:
    """The digest depends on the content of user-defined gates, on angles and on qubits, not on names."""
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
    from qiskit.circuit import Parameter

    def made(angle: float, *, swapped: bool = False) -> Template:
        block = QuantumCircuit(2)  # qiskit numbers these
        block.rzz(angle * Parameter("t"), 0, 1)
        circuit = QuantumCircuit(QuantumRegister(2), ClassicalRegister(2, "meas"))
        circuit.append(block.to_gate(), [1, 0] if swapped else [0, 1])
        circuit.measure([0, 1], [0, 1])
        return Template("block", circuit, 1, 2, 2)

    assert made(1.0).digest == made(1.0).digest
    assert len({made(1.0).digest, made(2.0).digest, made(1.0, swapped=True).digest}) == 3


def test_operations_that_are_no_instructions_count_by_content_too() -> None:
    """The digest covers Cliffords and annotated gates."""
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
    from qiskit.circuit import AnnotatedOperation, InverseModifier
    from qiskit.circuit.library import SGate
    from qiskit.quantum_info import Clifford

    def made(part: object) -> Template:
        circuit = QuantumCircuit(QuantumRegister(1), ClassicalRegister(1, "meas"))
        circuit.append(part, [0])
        circuit.measure(0, 0)
        return Template("part", circuit, 1, 0, 0)

    flip, phase = QuantumCircuit(1), QuantumCircuit(1)
    flip.x(0)
    phase.s(0)
    parts = [Clifford(flip), Clifford(phase), SGate(), AnnotatedOperation(SGate(), InverseModifier())]
    assert len({made(part).digest for part in parts}) == len(parts)
    assert made(Clifford(flip)).digest == made(Clifford(flip)).digest


def test_threads_compile_at_once() -> None:
    """Eight threads that compile more templates than the cache keeps each get the right circuit."""
    from concurrent.futures import ThreadPoolExecutor

    from lagrl.quantum.devices import compile as room

    target, templates = line_target(6), [qaoa_line(n, 1) for n in (2, 3, 4)]
    jobs = [(template, range(first, first + template.n_qubits)) for template in templates for first in (0, 1, 2)] * 3
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(8) as pool:
        patch.setattr(room, "LARGEST_CACHE", 4)
        patch.setattr(room, "_compiled", type(room._compiled)())
        made = list(pool.map(lambda job: compile_template(job[0], target, job[1]), jobs))
        assert len(room._compiled) <= 4
    for (template, line), compiled in zip(jobs, made, strict=True):
        assert compiled.name == template.name
        used = {compiled.circuit.find_bit(q).index for step in compiled.circuit.data for q in step.qubits}
        assert used == set(line)
