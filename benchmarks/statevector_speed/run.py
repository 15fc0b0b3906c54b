"""Time the statevector kernel against qiskit-aer's on the same circuits.

python -m benchmarks.statevector_speed.run --out ROWS.json

One thread each, end to end: from a QUBO's coefficients and the angles to 1024 samples. For the kernel that is
`sample_qaoa` and its random numbers. Aer (method `statevector`, one thread) is given the circuit in three ways, all
with one gate a qubit for the start and one for each mixer:

- gates: RZZ and RZ for the phases;
- gates, no fusion: the same, with Aer's gate fusion off;
- diagonal: all phases of a layer as one dense diagonal gate, made from the QUBO's energies.

Their time is that of `run(...).result()`. New prices need a new circuit, too, which is given apart: putting the angles
into one made beforehand, or the energies and gates of the diagonal one. The ratio takes the fastest way with its
circuit; beside it is that of the fastest run alone. Before anything is timed, the kernel's distribution is compared
with qiskit's `Statevector`, up to 16 qubits, and with Aer's beyond.
"""

from __future__ import annotations

from benchmarks.harness import one_thread, write_record

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import DiagonalGate
from qiskit.quantum_info import Statevector
from qiskit_aer import AerSimulator

from lagrl.bench.provenance import git_revision, versions
from lagrl.compilation import compile_kernels
from lagrl.errors import LagrlError
from lagrl.io.atomic import require_writable
from lagrl.problems.qubo import QUBO
from lagrl.quantum.circuits.line_qaoa import COLD_RAMP, WARM_RAMP, Ramp
from lagrl.quantum.circuits.statevector import qaoa_state, sample_qaoa
from lagrl.quantum.subproblems.candidates import rotation_angles
from lagrl.quantum.subproblems.penalties import QUBOBatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from qiskit.circuit import Parameter

AER = {"method": "statevector", "max_parallel_threads": 1}
LARGEST_CHECK = 16
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Args:
    """What to time.

    Attributes
    ----------
    widths
        Qubits.
    shots
        Samples.
    repeats
        Timings of the kernel, of which the median counts; Aer has a quarter of them, at least 5.
    seed
        Seed of the QUBOs.
    out
        JSON file for the rows, if any.
    """

    widths: tuple[int, ...] = (8, 12, 16, 20)
    shots: int = 1024
    repeats: int = 41
    seed: int = 0
    out: Path | None = None


@dataclass(frozen=True)
class Row:
    """One circuit: medians in milliseconds, and the largest difference of a probability."""

    width: int
    start: str
    layers: int
    kernel_milliseconds: float
    gates_milliseconds: float
    unfused_milliseconds: float
    diagonal_milliseconds: float
    binding_milliseconds: float
    making_diagonal_milliseconds: float
    ratio: float
    ratio_of_runs: float
    largest_difference: float


def main(args: Args) -> None:
    """Time every width, print a Markdown table, write the rows."""
    if args.out is not None:
        require_writable(args.out)
    compile_kernels()
    rows = []
    columns = ["qubits", "start", "layers", "kernel, ms", "Aer gates, ms", "no fusion, ms", "diagonal, ms"]
    columns += ["binding, ms", "making the diagonal, ms", "fastest Aer / kernel", "its run alone"]
    print(f"| {' | '.join(columns)} |\n{'|--:' * len(columns)}|")
    for width in args.widths:
        for is_warm, ramp in ((True, WARM_RAMP), (False, COLD_RAMP)):
            row = time_circuit(width, ramp, is_warm=is_warm, args=args)
            rows.append(row)
            print(_line(row), flush=True)
    if args.out is not None:
        record = {"versions": versions("qiskit", "qiskit-aer"), "git_revision": git_revision(), "threads": 1}
        record |= {"shots": args.shots, "rows": [asdict(row) for row in rows]}
        write_record(args.out, record)


def time_circuit(width: int, ramp: Ramp, *, is_warm: bool, args: Args) -> Row:
    """Time all on one QUBO that looks like a penalised knapsack's."""
    rng = np.random.default_rng([args.seed, width])
    load = rng.random(width)
    qubo = QUBO(rng.normal(size=width), np.triu(3.0 * np.outer(load, load), 1))
    theta = rotation_angles(rng.uniform(0.05, 0.95, width) if is_warm else np.full(width, 0.5))
    batch = QUBOBatch(qubo.linear[None], qubo.quadratic[None], np.zeros(1), np.array([width]))
    free, values = _gate_circuit(qubo, ramp, theta, is_warm=is_warm)
    bound, diagonal = free.assign_parameters(values), _diagonal_circuit(qubo, ramp, theta, is_warm=is_warm)
    largest = max(_difference(qubo, ramp, theta, circuit) for circuit in (bound, diagonal))
    for circuit in (bound, diagonal):
        circuit.measure_all()
    fused, unfused = AerSimulator(**AER), AerSimulator(**AER, fusion_enable=False)
    few = max(5, args.repeats // 4)

    def kernel() -> None:
        sample_qaoa(batch, ramp, theta[None], rng.random((1, args.shots)))

    own = _median_milliseconds(kernel, args.repeats, calls=20 if width < 16 else 1)
    gates, plain, dense = (
        _median_milliseconds(partial(_run, simulator, circuit, args.shots), few)
        for simulator, circuit in ((fused, bound), (unfused, bound), (fused, diagonal))
    )
    binding = _median_milliseconds(partial(free.assign_parameters, values), few)
    making = _median_milliseconds(partial(_diagonal_circuit, qubo, ramp, theta, is_warm=is_warm), few)
    return Row(
        width=width,
        start="warm" if is_warm else "cold",
        layers=ramp.layers,
        kernel_milliseconds=own,
        gates_milliseconds=gates,
        unfused_milliseconds=plain,
        diagonal_milliseconds=dense,
        binding_milliseconds=binding,
        making_diagonal_milliseconds=making,
        ratio=min(min(gates, plain) + binding, dense + making) / own,
        ratio_of_runs=min(gates, plain, dense) / own,
        largest_difference=largest,
    )


def _gate_circuit(qubo: QUBO, ramp: Ramp, theta: np.ndarray, *, is_warm: bool) -> tuple[QuantumCircuit, np.ndarray]:
    """Build the circuit with free angles, and return their values."""
    n, ising = qubo.n_variables, qubo.to_ising()
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    gammas, betas = ramp.angles()
    values: list[float] = []
    angle = ParameterVector("a", n + ramp.layers * (n + len(pairs) + 3 * n))
    circuit = QuantumCircuit(n)

    def free(value: float) -> Parameter:
        values.append(value)
        return angle[len(values) - 1]

    for i in range(n):
        circuit.ry(free(theta[i]), i)
    for gamma, beta in zip(gammas / ising.scale, betas, strict=True):
        for i in range(n):
            circuit.rz(free(2 * gamma * ising.field[i]), i)
        for i, j in pairs:
            circuit.rzz(free(2 * gamma * ising.coupling[i, j]), i, j)
        for i in range(n):
            if is_warm:
                circuit.u(*map(free, _mixer_angles(beta, theta[i])), i)
            else:
                circuit.rx(free(-2 * beta), i)
    return circuit, np.array(values)


def _diagonal_circuit(qubo: QUBO, ramp: Ramp, theta: np.ndarray, *, is_warm: bool) -> QuantumCircuit:
    """Build the circuit for these angles, its phases as dense diagonals."""
    n = qubo.n_variables
    gammas, betas = ramp.angles()
    energy = qubo.energies() / qubo.to_ising().scale
    circuit = QuantumCircuit(n)
    for i in range(n):
        circuit.ry(theta[i], i)
    for gamma, beta in zip(gammas, betas, strict=True):
        circuit.append(DiagonalGate(np.exp(-1j * gamma * energy).tolist()), range(n))
        for i in range(n):
            if is_warm:
                circuit.u(*_mixer_angles(beta, theta[i]), i)
            else:
                circuit.rx(-2 * beta, i)
    return circuit


def _mixer_angles(beta: float, theta: float) -> tuple[float, float, float]:
    """Return the angles of the U gate that is exp(iβ (sin θ X + cos θ Z)) up to a phase."""
    zero = complex(np.cos(beta), np.sin(beta) * np.cos(theta))
    phase, one = float(np.angle(zero)), np.sin(beta) * np.sin(theta)
    return 2 * float(np.arctan2(one, abs(zero))), np.pi / 2 - phase, -np.pi / 2 - phase


def _difference(qubo: QUBO, ramp: Ramp, theta: np.ndarray, circuit: QuantumCircuit) -> float:
    gammas, betas = ramp.angles()
    state = qaoa_state(qubo, gammas / qubo.to_ising().scale, betas, theta)
    if qubo.n_variables <= LARGEST_CHECK:
        expected = Statevector(circuit).probabilities()
    else:
        saving = circuit.copy()
        saving.save_statevector()
        expected = np.abs(np.asarray(AerSimulator(**AER).run(saving).result().get_statevector())) ** 2
    difference = float(np.abs(np.abs(state) ** 2 - expected).max())
    if difference > TOLERANCE:
        raise LagrlError(f"the kernel's distribution differs from qiskit's by {difference:g}")
    return difference


def _run(simulator: AerSimulator, circuit: QuantumCircuit, shots: int) -> None:
    result = simulator.run(circuit, shots=shots).result()
    if not result.success:
        raise LagrlError(f"Aer failed: {result.status}")


def _line(row: Row) -> str:
    times = (
        f"{row.gates_milliseconds:.2f} | {row.unfused_milliseconds:.2f} | {row.diagonal_milliseconds:.2f} | "
        f"{row.binding_milliseconds:.2f} | {row.making_diagonal_milliseconds:.2f}"
    )
    own = f"{row.kernel_milliseconds:.3f}"
    return f"| {row.width} | {row.start} | {row.layers} | {own} | {times} | {row.ratio:.0f} | {row.ratio_of_runs:.0f} |"


def _median_milliseconds(call: Callable[[], object], repeats: int, calls: int = 1) -> float:
    """Time `calls` calls together, as one is too short for the clock."""
    call()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        for _ in range(calls):
            call()
        seconds.append((time.perf_counter() - started) / calls)
    return 1e3 * median(seconds)


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"statevector_speed: {error}")
