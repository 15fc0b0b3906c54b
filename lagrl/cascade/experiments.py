"""The published experiments on fake backends: as published, as written, as run, and with the right circuits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lagrl.cascade.feasible_decoding import decode, groups_of, uniform_bits, uniform_valid, valid_share
from lagrl.cascade.one_hot_states import one_layer_angles, scaled_cost, weighted_shares
from lagrl.cascade.published_runs import (
    ASSIGNMENT,
    PublishedRun,
    all_bits,
    circuit_field,
    formula_energies,
    pair_costs,
    published_penalties,
    published_runs,
)
from lagrl.cascade.right_circuits import budget_rows, right_circuit
from lagrl.errors import UnknownNameError
from lagrl.problems.cascade.published_cascades import published_cascade
from lagrl.quantum.circuits.companion_circuits import Mixer, one_hot_circuit, penalty_circuit
from lagrl.quantum.devices.compile import two_qubit_gates
from lagrl.quantum.devices.fakes import fake_backend
from lagrl.quantum.devices.placement import disjoint_lines
from lagrl.quantum.simulators.independent_parts import compiled_for, draw_codes, part_distributions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from lagrl.quantum.simulators.independent_parts import PartDistribution

EXPERIMENTS: Final = ("a", "b", "c", "d", "penalties")
BACKENDS: Final = ("fez", "kingston", "marrakesh")
LAMBDAS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 80.0)
_MIXERS: Final[tuple[Mixer, ...]] = ("ring", "chain")
M: Final = 3
Row = dict[str, Any]


def experiment_rows(name: str, seed: int = 0, skip: Collection[str] = ()) -> Iterator[Row]:
    """Yield the rows of an experiment; each has a `key`, and those in `skip` are left out.

    `valid` is the share of shots that assign every task once, without any repair: counted where published, else the
    exact probability. `hit` and `floors` are of 4,000 shots after feasibility-first decoding: the share of shots that
    give the best answer (fewest floors missed, then dollars), and the mean share of floors met.

    Raises
    ------
    UnknownNameError
        If there is no such experiment.
    MissingExtraError
        Without qiskit.
    """
    if name not in EXPERIMENTS:
        raise UnknownNameError.of("experiment", name, EXPERIMENTS)
    if name == "penalties":
        yield from (row for row in _penalty_rows() if row["key"] not in skip)
        return
    sizes = set()
    for run in published_runs(name):
        yield from _run_rows(run, seed, skip)
        if name == "a" and run.n_tasks not in sizes:
            sizes.add(run.n_tasks)
            yield from _right_rows(run.n_tasks, seed, skip)


@dataclass(frozen=True, eq=False)
class _Judge:
    """Measures distributions over the strings of one published instance."""

    n_tasks: int
    seed: int
    shots: int = 4000
    cost: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        scaled, missed = pair_costs(self.n_tasks)
        object.__setattr__(self, "cost", scaled + missed)

    def of_bits(self, bits: NDArray[np.int64]) -> Row:
        """Measure strings [S, N, 3] after decoding."""
        model = decode(bits, self.cost)
        cascade, each = published_cascade(self.n_tasks), np.arange(self.n_tasks)
        met = cascade.quality[model, each] >= cascade.quality_floor
        best = self.cost.argmin(axis=1)
        hit = (self.cost[each, model] <= self.cost[each, best] + 1e-12).all(axis=1)
        return {"hit": float(hit.mean()), "floors": float(met.mean())}

    def of_parts(self, parts: list[PartDistribution], *, reversed_reading: bool = False) -> Row:
        """Measure a circuit's parts: `valid` exactly, the rest of drawn shots."""
        codes = draw_codes(parts, self.shots, np.random.default_rng(self.seed))
        bits = groups_of(codes, self.n_tasks, M, reversed_reading=reversed_reading)
        return {"valid": exact_validity(parts, self.n_tasks, M), **self.of_bits(bits)}


def exact_validity(parts: list[PartDistribution], n: int, m: int) -> float:
    """Return the probability that each group i·m … i·m + m − 1 has one 1; parts must hold whole groups."""
    total = 1.0
    for part in parts:
        bits = all_bits(len(part.variables))
        ones = np.zeros((len(bits), n), np.int64)
        for b, variable in enumerate(part.variables):
            ones[:, variable // m] += bits[:, b]
        own = sorted({variable // m for variable in part.variables})
        assert len(part.variables) == m * len(own), "a part of a group cannot be judged alone"
        total *= float(part.probability[(ones[:, own] == 1).all(axis=1)].sum())
    return total


def _run_rows(run: PublishedRun, seed: int, skip: Collection[str]) -> Iterator[Row]:
    head = {
        "experiment": run.experiment,
        "n_tasks": run.n_tasks,
        "qubits": M * run.n_tasks,
        "layers": run.layers,
        "shots": run.shots,
    }
    name = f"{run.experiment}-{run.n_tasks}-{run.layers}"
    judge = _Judge(run.n_tasks, seed)
    field_ = circuit_field(run.n_tasks)
    written = penalty_circuit(field_, ASSIGNMENT, run.gamma, run.beta)
    exported = penalty_circuit(field_, ASSIGNMENT, run.gamma, run.beta, run.swapped_blocks)

    def row(source: str, backend: str | None, found: Row) -> Row:
        return {"key": f"{name}-{source}-{backend}", **head, "source": source, "backend": backend, **found}

    def missing(source: str, backend: str | None = None) -> bool:
        return f"{name}-{source}-{backend}" not in skip

    if missing("published simulator"):
        yield row("published simulator", None, {"valid": run.simulator_valid / run.shots})
    for source, circuit in (("as written", written), ("as run", exported)):
        if missing(source):
            yield row(source, None, judge.of_parts(part_distributions(circuit), reversed_reading=source == "as run"))
    rng = np.random.default_rng([seed, run.n_tasks])
    if missing("uniform bits"):
        bits = uniform_bits(judge.shots, run.n_tasks, M, rng)
        yield row("uniform bits", None, {"valid": (M / 2**M) ** run.n_tasks, **judge.of_bits(bits)})
    if missing("uniform valid"):
        bits = uniform_valid(judge.shots, run.n_tasks, M, rng)
        yield row("uniform valid", None, {"valid": valid_share(bits), **judge.of_bits(bits)})
    for backend in BACKENDS:
        device = run.devices.get(backend)
        if device is not None and missing("published hardware", backend):
            published = {"valid": device.valid / run.shots, "depth": device.depth, "cz": device.cz}
            yield row("published hardware", backend, published)
        for source, circuit in (("as written", written), ("as run", exported)):
            if missing(source, backend):
                parts, counts = _noisy(circuit, fake_backend(f"Fake{backend}"))
                found = judge.of_parts(parts, reversed_reading=source == "as run")
                yield row(source, backend, {**found, **counts})


def _noisy(circuit: Any, device: Any, qubits: list[int] | None = None) -> tuple[list[PartDistribution], Row]:
    """Return the parts of a circuit compiled for a device, with noise, and the compiled depth and two-qubit gates."""
    compiled = compiled_for(circuit, device, qubits)
    counts = {"depth": int(compiled.depth()), "cz": two_qubit_gates(compiled)}
    return part_distributions(compiled, device.target), counts


def _right_rows(n_tasks: int, seed: int, skip: Collection[str]) -> Iterator[Row]:
    """Yield rows of the right circuits with one layer: penalties with an X mixer, and XY mixers."""
    judge = _Judge(n_tasks, seed)
    cost = scaled_cost(judge.cost)
    share = weighted_shares(cost)
    circuits: dict[str, Any] = {"right penalties": right_circuit(cost)}
    for mixer in _MIXERS:
        gamma, beta, _ = one_layer_angles(share, cost, mixer)
        circuits[f"XY {mixer}"] = one_hot_circuit(share, cost, [gamma], [beta], mixer)
    circuits["weighted start alone"] = one_hot_circuit(share, cost, [], [])
    head = {"experiment": "a", "n_tasks": n_tasks, "qubits": M * n_tasks, "layers": 1, "shots": judge.shots}
    for source, circuit in circuits.items():
        for backend in (None, *BACKENDS):
            key = f"right-{n_tasks}-{source}-{backend}"
            if key in skip:
                continue
            if backend is None:
                found = judge.of_parts(part_distributions(circuit))
            else:
                device = fake_backend(f"Fake{backend}")
                qubits = [q for line in disjoint_lines(device, M, n_tasks) for q in line]
                parts, counts = _noisy(circuit, device, qubits)
                found = {**judge.of_parts(parts), **counts}
            yield {"key": key, **head, "source": source, "backend": backend, **found}
    for source, probability in budget_rows(n_tasks, cost):
        key = f"right-{n_tasks}-{source}-None"
        if key not in skip:
            codes = np.random.default_rng(seed).choice(len(probability), judge.shots, p=probability)
            valid = (all_bits(M * n_tasks).reshape(-1, n_tasks, M).sum(axis=2) == 1).all(axis=1)
            found = {"valid": float(probability[valid].sum()), **judge.of_bits(groups_of(codes, n_tasks, M))}
            yield {"key": key, **head, "source": source, "backend": None, **found}


def _penalty_rows() -> Iterator[Row]:
    """Yield the minimum of the published formula for each λ_Q, with its λ_A and with a right one."""
    n_tasks = 4
    cascade = published_cascade(n_tasks)
    published = {row["lambda_quality"]: row for row in published_penalties()}
    bits = all_bits(M * n_tasks).reshape(-1, n_tasks, M)
    met = (bits * (cascade.quality >= cascade.quality_floor).T).sum(axis=2).clip(0, 1).mean(axis=1)
    for value in LAMBDAS:
        found: Row = {"key": f"penalties-{value}", "experiment": "penalties", "lambda_quality": value}
        for name, strength in (("published", ASSIGNMENT), ("right", 1.05 * (1.0 + 10.0 * value) + ASSIGNMENT)):
            energy = formula_energies(n_tasks, value, strength)
            best = int(energy.argmin())
            found[f"{name}_lambda_assignment"] = strength
            found[f"{name}_energy"] = float(energy[best])
            found[f"{name}_dollars"] = float((bits[best] * cascade.dollars.T).sum())
            found[f"{name}_quality"] = float(met[best])
            found[f"{name}_unassigned"] = int((bits[best].sum(axis=1) != 1).sum())
        own = published.get(value)
        found["table_dollars"] = None if own is None else own["dollars"]
        found["table_quality"] = None if own is None else own["quality"]
        yield found
