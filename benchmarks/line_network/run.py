"""The line network against the transpiler: two-qubit gates, depth and expected fidelity on four backends.

python -m benchmarks.line_network.run
python -m benchmarks.line_network.run --sizes 4 8 --seeds 3 --out ROWS.json

One layer of warm-started QAOA of a dense knapsack QUBO, the same unitary up to the order of qubits, in three ways:
written as RZZ on all pairs and compiled at the transpiler's levels 1 to 3; the line network on the transpiler's own
layout; and the line network on the line that beam search finds. The transpiler gets bound angles, so that it may
simplify, and its medians over seeds are given. Fidelities are ∏ (1 − e) of the calibration's errors, of two-qubit gates
and of readout apart: 0 where a dead edge is used. Seconds are those of placing and compiling once, in one thread; the
network keeps its parameters free and is compiled once for all knapsacks of its size.
"""

from __future__ import annotations

from benchmarks.harness import one_thread, write_record

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from lagrl.bench.provenance import git_revision, versions
from lagrl.errors import InputError, LagrlError
from lagrl.io.atomic import require_writable
from lagrl.paper.drawn_knapsacks import random_subproblem
from lagrl.quantum.circuits.line_qaoa import LineQAOA, line_depth, line_gates, pairwise_qaoa
from lagrl.quantum.devices.compile import compile_template, two_qubit_depth, two_qubit_gates
from lagrl.quantum.devices.fakes import fake_backend
from lagrl.quantum.devices.noise import DeviceErrors
from lagrl.quantum.devices.placement import find_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qiskit import QuantumCircuit
    from qiskit.providers import BackendV2
    from qiskit.transpiler import Target


@dataclass(frozen=True)
class Args:
    """What to compile, and for what.

    Attributes
    ----------
    backends
        Fake backends of qiskit-ibm-runtime.
    sizes
        Numbers of variables.
    seeds
        Seeds of the transpiler.
    seed
        Seed of the knapsacks.
    out
        JSON file for the rows, if any.
    """

    backends: tuple[str, ...] = ("FakeKingston", "FakePittsburgh", "FakeNighthawk", "FakeSherbrooke")
    sizes: tuple[int, ...] = (4, 8, 12, 16, 20)
    seeds: int = 11
    seed: int = 0
    out: Path | None = None

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise InputError(f"{self.seeds} given", field="--seeds", remedy="give 1 or more")


@dataclass(frozen=True)
class Row:
    """One way on one backend: medians over the seeds."""

    backend: str
    n_qubits: int
    n: int
    method: str
    two_qubit_gates: float
    two_qubit_depth: float
    gate_fidelity: float
    readout_fidelity: float
    fidelity: float
    seconds: float
    seeds: int


@dataclass(frozen=True)
class Compiled:
    """One compilation."""

    circuit: QuantumCircuit
    seconds: float


def main(args: Args) -> None:
    """Compile everything, print a Markdown table, write the rows."""
    if args.out is not None:
        require_writable(args.out)
    heads = ["backend", "n", "method", "two-qubit gates", "two-qubit depth"]
    heads += ["∏(1 − e) of gates", "of readout", "of both", "compilation, s"]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    rows = []
    for name in args.backends:
        backend = fake_backend(name)
        _transpiled(pairwise_qaoa(random_subproblem(3, args.seed)).circuit, backend, 3, 0)  # warm caches, not timed
        for n in args.sizes:
            for row in compare(name, backend, n, args):
                rows.append(row)
                print(_line(row), flush=True)
    if args.out is not None:
        record = {"versions": versions("qiskit", "qiskit-ibm-runtime"), "git_revision": git_revision(), "threads": 1}
        record["rows"] = [asdict(row) for row in rows]
        write_record(args.out, record)


def compare(name: str, backend: BackendV2, n: int, args: Args) -> Iterator[Row]:
    """Compile one knapsack's circuit in every way."""
    problem = random_subproblem(n, args.seed)
    seeds = range(args.seeds)
    for level in (1, 2, 3):
        naive = pairwise_qaoa(problem).circuit
        found = [_transpiled(naive, backend, level, seed) for seed in seeds]
        yield _row(name, backend, n, f"RZZ, transpiler level {level}", found)
    ansatz = LineQAOA()
    template = ansatz.template(n)
    bound = template.circuit.assign_parameters(ansatz.values(problem))
    found = [_transpiled(bound, backend, 1, seed) for seed in seeds]
    yield _row(name, backend, n, "network, transpiler's layout", found)
    started = time.perf_counter()
    compiled = compile_template(template, backend, find_line(backend.target, n).qubits)
    own = Compiled(compiled.circuit, time.perf_counter() - started)
    if (two_qubit_gates(own.circuit), two_qubit_depth(own.circuit)) != (line_gates(n, 1), line_depth(n, 1)):
        raise AssertionError(f"{name}, n = {n}: not the closed form's gates")
    yield _row(name, backend, n, "network, found line", [own])


def fidelities(circuit: QuantumCircuit, target: Target) -> tuple[float, float]:
    """Return ∏ (1 − e) of a compiled circuit's two-qubit gates and of its measurements."""
    calibration = DeviceErrors.of(target)
    place = {bit: i for i, bit in enumerate(circuit.qubits)}
    gates, readout = 1.0, 1.0
    for step in circuit.data:
        where = sorted(place[q] for q in step.qubits)
        if step.operation.name == "measure":
            readout *= 1.0 - calibration.readout.get(where[0], 1.0)
        elif len(where) == 2:
            gates *= 1.0 - calibration.edge.get((where[0], where[1]), 1.0)
    return gates, readout


def _transpiled(circuit: QuantumCircuit, backend: BackendV2, level: int, seed: int) -> Compiled:
    from qiskit import generate_preset_pass_manager

    started = time.perf_counter()
    stages = generate_preset_pass_manager(optimization_level=level, backend=backend, seed_transpiler=seed)
    return Compiled(stages.run(circuit), time.perf_counter() - started)


def _row(name: str, backend: BackendV2, n: int, method: str, found: list[Compiled]) -> Row:
    fidelity = [fidelities(one.circuit, backend.target) for one in found]
    return Row(
        backend=name,
        n_qubits=backend.target.num_qubits,
        n=n,
        method=method,
        two_qubit_gates=median(two_qubit_gates(one.circuit) for one in found),
        two_qubit_depth=median(two_qubit_depth(one.circuit) for one in found),
        gate_fidelity=median(gates for gates, _ in fidelity),
        readout_fidelity=median(readout for _, readout in fidelity),
        fidelity=median(gates * readout for gates, readout in fidelity),
        seconds=median(one.seconds for one in found),
        seeds=len(found),
    )


def _line(row: Row) -> str:
    cells = [row.backend, row.n, row.method, f"{row.two_qubit_gates:g}", f"{row.two_qubit_depth:g}"]
    cells += [f"{row.gate_fidelity:.3f}", f"{row.readout_fidelity:.3f}", f"{row.fidelity:.3f}", f"{row.seconds:.2f}"]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"line_network: {error}")
