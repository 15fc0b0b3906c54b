"""Compilation of templates into a device's native gates, on chosen qubits."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError
from lagrl.quantum.devices.noise import working_edges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

    from lagrl.quantum.circuits.backend import Template

SEED = 0  # of the transpiler, which routes only templates that are not lines
LARGEST_CACHE = 256
_compiled: OrderedDict[tuple[str, tuple[int, int, bool], int, tuple[int, ...]], tuple[Target, Template]] = OrderedDict()
_lock = threading.Lock()  # devices that run concurrently compile in separate threads and share compiled templates


def compile_template(template: Template, device: Any, qubits: Sequence[int]) -> Template:
    """Return a template compiled for a device, with its free parameters; compiled once for each line.

    A line's circuit is neither routed nor optimised across gates (the transpiler's level 1 on a trivial layout), so
    it has exactly the two-qubit gates of its closed form. Other templates are routed, and their counts are those of
    the compiled circuit.

    Parameters
    ----------
    template
        The circuit.
    device
        A `Target`, or a backend, whose current target is used: after a new calibration it is another one.
    qubits
        [n] physical qubits; the template's qubit i is on qubits[i].

    Raises
    ------
    InputError
        If the number of qubits differs from the template's, a qubit is not the device's, a line's compiled circuit
        has other two-qubit gates than it declares, or qiskit cannot compile it (where couplings have different gates).
    """
    target: Target = getattr(device, "target", device)
    line = tuple(int(q) for q in qubits)
    key = (template.digest, template.declared, id(target), line)
    with _lock:
        known = _compiled.get(key)
        if known is not None:  # the cache keeps the target alive, so no other target has its id
            _compiled.move_to_end(key)
            return known[1]
        if len(line) != template.n_qubits or len({*line}) < len(line) or not {*line} <= {*range(target.num_qubits)}:
            raise InputError(
                f"{list(line)} for {template.name}",
                field="qubits",
                remedy=f"give {template.n_qubits} different qubits from 0 to {target.num_qubits - 1}",
            )
        compiled = _compile(template, target, line)
        require_isa(compiled.circuit, target)
        _compiled[key] = (target, compiled)
        if len(_compiled) > LARGEST_CACHE:
            _compiled.popitem(last=False)
        return compiled


def two_qubit_gates(circuit: QuantumCircuit) -> int:
    """Count the gates on two or more qubits."""
    return sum(_is_entangling(step) for step in circuit.data)


def two_qubit_depth(circuit: QuantumCircuit) -> int:
    """Return the depth of the circuit in two-qubit gates."""
    return int(circuit.depth(_is_entangling))


def require_isa(circuit: QuantumCircuit, target: Target) -> None:
    """Raise an error for a circuit that a device cannot run; a service would do so only after queueing.

    Raises `InputError` if it is too wide, or the device does not support an instruction on these qubits.
    """
    if circuit.num_qubits > target.num_qubits:
        raise InputError(
            f"{circuit.num_qubits} qubits on a device of {target.num_qubits}", field="circuit", remedy="give fewer"
        )
    place = {bit: i for i, bit in enumerate(circuit.qubits)}
    for step in circuit.data:
        name, where = step.operation.name, tuple(place[q] for q in step.qubits)
        if name != "barrier" and not target.instruction_supported(name, where):
            raise InputError(
                f"{name} on qubits {list(where)} is not an instruction of {target.description or 'the device'}",
                field="circuit",
                remedy="compile it for this device with compile_template",
            )


def transpiled(template: Template, place: str, remedy: str, **choice: Any) -> Template:
    """Return a template compiled by the transpiler's level 1, with the counts of the compiled circuit.

    Raises `InputError` if qiskit cannot compile it.

    Parameters
    ----------
    template
        The circuit.
    place, remedy
        What it is compiled for, and what helps if that fails, for messages.
    choice
        Target or backend, and layout, as `generate_preset_pass_manager` takes them.
    """
    from qiskit import generate_preset_pass_manager
    from qiskit.exceptions import QiskitError

    try:
        stages = generate_preset_pass_manager(optimization_level=1, seed_transpiler=SEED, **choice)
        circuit = stages.run(template.circuit)
    except QiskitError as error:
        problem = f"cannot be compiled for {place} ({error.message.partition('.')[0]})"
        raise InputError(problem, field=template.name, remedy=remedy) from error
    return replace(
        template,
        circuit=circuit,
        two_qubit_gates=two_qubit_gates(circuit),
        two_qubit_depth=two_qubit_depth(circuit),
    )


def _compile(template: Template, target: Target, line: tuple[int, ...]) -> Template:
    made = transpiled(
        template,
        f"qubits {list(line)}",
        "choose another line or backend",
        target=target,
        initial_layout=list(line),
    )
    gates, depth = made.two_qubit_gates, made.two_qubit_depth
    if template.is_line and (gates, depth) != template.declared[:2]:
        counts = (
            f"{gates} two-qubit gates in depth {depth}, not {template.two_qubit_gates} in {template.two_qubit_depth}"
        )
        joined = {frozenset(pair) for pair in working_edges(target)}
        if all(frozenset(pair) in joined for pair in itertools.pairwise(line)):
            raise InputError(
                f"compiled on a line to {counts} as declared",
                field=template.name,
                remedy="correct two_qubit_gates and two_qubit_depth, or set is_line=False",
            )
        raise InputError(
            f"{counts}: qubits {list(line)} are not a line", field=template.name, remedy="choose a line with find_line"
        )
    return made


def _is_entangling(step: Any) -> bool:
    return len(step.qubits) > 1 and step.operation.name != "barrier"
