"""Time the statevector kernel against qiskit-aer's on the same circuits.

python benchmarks/statevector_speed.py --out ROWS.json

One thread each, end to end: from a QUBO's coefficients and the angles to 1024 samples. For the kernel that is
`sample_qaoa`: energies' phases, evolution and samples. For Aer (method `statevector`, one thread) the circuit is given
in RZZ, RZ, RY and RX gates; its time is that of `run(...).result()`, and apart from it that of putting the angles into
a circuit made beforehand, which new prices need as well. The ratio leaves the latter out. Before anything is timed,
the kernel's distribution is compared with qiskit's `Statevector`, up to 16 qubits.
"""

from __future__ import annotations

import os

# libraries read these when they are loaded, hence before the imports
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", NUMBA_NUM_THREADS="1")

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import Statevector
from qiskit_aer import AerSimulator

from lagrl.bench.provenance import git_revision, versions
from lagrl.errors import LagrlError
from lagrl.files import require_writable, write_text
from lagrl.kernels import compile_kernels
from lagrl.problems.qubo import QUBO
from lagrl.quantum.product import rotation_angles
from lagrl.quantum.qubo_batch import QUBOBatch
from lagrl.quantum.statevector import COLD_RAMP, WARM_RAMP, Ramp, qaoa_state, sample_qaoa

LARGEST_CHECK = 16


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
    aer_milliseconds: float
    binding_milliseconds: float
    ratio: float
    largest_difference: float | None


def main(args: Args) -> None:
    """Time every width, print a Markdown table, write the rows."""
    if args.out is not None:
        require_writable(args.out)
    compile_kernels()
    rows = []
    print("| qubits | start | layers | kernel, ms | Aer, ms | binding angles, ms | Aer / kernel |")
    print("|--:|---|--:|--:|--:|--:|--:|")
    for width in args.widths:
        for is_warm, ramp in ((True, WARM_RAMP), (False, COLD_RAMP)):
            row = time_circuit(width, ramp, is_warm=is_warm, args=args)
            rows.append(row)
            times = f"{row.kernel_milliseconds:.3f} | {row.aer_milliseconds:.2f} | {row.binding_milliseconds:.2f}"
            print(f"| {width} | {row.start} | {row.layers} | {times} | {row.ratio:.0f} |", flush=True)
    if args.out is not None:
        record = {"versions": versions("qiskit", "qiskit-aer"), "git_revision": git_revision(), "threads": 1}
        record |= {"shots": args.shots, "rows": [asdict(row) for row in rows]}
        write_text(args.out, json.dumps(record, indent=1) + "\n")


def time_circuit(width: int, ramp: Ramp, *, is_warm: bool, args: Args) -> Row:
    """Time both on one QUBO that looks like a penalised knapsack's."""
    rng = np.random.default_rng([args.seed, width])
    load = rng.random(width)
    qubo = QUBO(rng.normal(size=width), np.triu(3.0 * np.outer(load, load), 1))
    probability = rng.uniform(0.05, 0.95, width) if is_warm else np.full(width, 0.5)
    theta = rotation_angles(probability)
    batch = QUBOBatch(qubo.linear[None], qubo.quadratic[None], np.zeros(1), np.array([width]))
    circuit, values = _circuit(qubo, ramp, theta)
    largest = None
    if width <= LARGEST_CHECK:
        largest = _difference(qubo, ramp, theta, circuit.assign_parameters(values))

    def kernel() -> None:
        sample_qaoa(batch, ramp, theta[None], rng.random((1, args.shots)))

    simulator = AerSimulator(method="statevector", max_parallel_threads=1)
    bound = circuit.assign_parameters(values)
    bound.measure_all()
    few = max(5, args.repeats // 4)
    seconds = _median_seconds(kernel, args.repeats)
    aer = _median_seconds(lambda: simulator.run(bound, shots=args.shots).result(), few)
    return Row(
        width=width,
        start="warm" if is_warm else "cold",
        layers=ramp.layers,
        kernel_milliseconds=1e3 * seconds,
        aer_milliseconds=1e3 * aer,
        binding_milliseconds=1e3 * _median_seconds(lambda: circuit.assign_parameters(values), few),
        ratio=aer / seconds,
        largest_difference=largest,
    )


def _circuit(qubo: QUBO, ramp: Ramp, theta: np.ndarray) -> tuple[QuantumCircuit, np.ndarray]:
    """Build the circuit with free angles, in Aer's own gates, and return the angles' values."""
    n, ising = qubo.n_variables, qubo.to_ising()
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    gammas, betas = ramp.angles()
    values: list[float] = []
    angle = ParameterVector("a", n + ramp.layers * (n + len(pairs) + 3 * n))
    circuit = QuantumCircuit(n)

    def free(value: float):
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
            circuit.ry(free(-theta[i]), i)
            circuit.rz(free(-2 * beta), i)
            circuit.ry(free(theta[i]), i)
    return circuit, np.array(values)


def _difference(qubo: QUBO, ramp: Ramp, theta: np.ndarray, bound: QuantumCircuit) -> float:
    gammas, betas = ramp.angles()
    state = qaoa_state(qubo, gammas / qubo.to_ising().scale, betas, theta)
    difference = float(np.abs(np.abs(state) ** 2 - Statevector(bound).probabilities()).max())
    if difference > 1e-9:
        raise LagrlError(f"the kernel's distribution differs from qiskit's by {difference:g}")
    return difference


def _median_seconds(call, repeats: int) -> float:
    call()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return median(seconds)


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"statevector_speed: {error}")
