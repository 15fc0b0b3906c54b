"""Fit the noise surrogate's exponents, and show how far it is from density matrices and trajectories.

    python -m benchmarks.noise_calibration.run --out docs/rows/noise_calibration.jsonl       # about 15 minutes
    python -m benchmarks.noise_calibration.run --show-rows docs/rows/noise_calibration.jsonl   # the tables again

The circuits are line networks of knapsacks that dual ascents on the bundled instances priced, compiled for the best
line of each device. Up to 10 qubits the surrogate is compared with exact noisy distributions (density matrices), and
trajectories with the same; at 12 qubits with trajectories' samples. Readout errors are left out of distances, as all
methods have the same. One thread; compilation is not in the seconds.
"""

from __future__ import annotations

from benchmarks.harness import one_thread, read_rows, write_rows

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.noise_calibration.fit import NoisyCase, calibrate, noisy_cases
from lagrl.errors import LagrlError
from lagrl.io.atomic import require_writable
from lagrl.problems.bundled import bundled_names, read_bundled
from lagrl.quantum.circuits.backend import Backend, Job, Pub
from lagrl.quantum.circuits.line_qaoa import COLD_RAMP, WARM_RAMP, LineQAOA, Ramp
from lagrl.quantum.circuits.statevector import QAOASampler
from lagrl.quantum.devices.noisy_device import CALIBRATED, Channel, Exponents, NoisyDevice
from lagrl.quantum.simulators.line_backend import DensityMatrixBackend, SurrogateBackend, TrajectoryBackend
from lagrl.quantum.subproblems.candidates import ProductState, select_candidates
from lagrl.quantum.subproblems.penalties import Subproblem, TiltedPenalty
from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples
from lagrl.solver import SolveConfig, solve

CIRCUITS = {
    "warm p=1": LineQAOA(WARM_RAMP),
    "warm p=2": LineQAOA(Ramp(2, 1.6, 0.9)),
    "cold p=2": LineQAOA(COLD_RAMP, warm=False),
}
SAMPLED = ("warm p=1", "warm p=2")  # compared with trajectories
MODELS = ("ideal", "surrogate", "lost only")


@dataclass(frozen=True)
class Args:
    """What to measure.

    Attributes
    ----------
    backends
        Fake backends.
    widths
        Qubits of the circuits that are compared with density matrices, at most 10.
    sampled_widths
        Qubits of those compared with trajectories only.
    knapsacks
        Of each width.
    sampled_knapsacks, shots
        Knapsacks compared with trajectories, and shots of each; times are for 256.
    seed
        Which knapsacks.
    out
        JSONL file of rows.
    show_rows
        Rows to show instead of measuring.
    """

    backends: tuple[str, ...] = ("FakeKingston", "FakeTorino", "FakeNighthawk", "FakeSherbrooke")
    widths: tuple[int, ...] = (4, 6, 8, 10)
    sampled_widths: tuple[int, ...] = (12,)
    knapsacks: int = 6
    sampled_knapsacks: int = 2
    shots: int = 512
    seed: int = 0
    out: Path | None = None
    show_rows: Path | None = None


class Recorder:
    """Answers as `QAOASampler` does and keeps what it was asked."""

    def __init__(self) -> None:
        self.sampler = QAOASampler()
        self.asked: list[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]] = []

    def sample(self, query: SampleQuery) -> Samples:
        """Sample and keep."""
        self.asked.append(query.knapsacks)
        return self.sampler.sample(query)


def recorded() -> Recorder:
    """Return every knapsack that an ascent on each bundled instance priced."""
    recorder = Recorder()
    for name in bundled_names():
        solve(read_bundled(name), SolveConfig(evaluations=20, linearisations=1, shots=64), sampler=recorder)
    return recorder


def draw_problems(recorder: Recorder, width: int, count: int, rng: np.random.Generator) -> list[Subproblem]:
    """Draw knapsacks that have exactly `width` variables in doubt."""
    found: list[Subproblem] = []
    for index in rng.permutation(len(recorder.asked)):
        candidates = select_candidates(*recorder.asked[index], width)
        vehicles = np.flatnonzero(candidates.width == width)
        if len(vehicles):
            k = int(rng.choice(vehicles))
            probability = ProductState().probabilities(candidates)[k, :width]
            qubo = TiltedPenalty().qubos(candidates).qubo(k)
            reduced_cost, weight = candidates.reduced_cost[k, :width], candidates.weight[k, :width]
            found.append(Subproblem(qubo, probability, reduced_cost, weight, int(candidates.room[k])))
        if len(found) == count:
            return found
    raise SystemExit(f"only {len(found)} knapsacks of {width} variables recorded")


def per_circuit(executor: Backend, pub: Pub) -> float:
    """Return the seconds of a circuit of 256 shots, of two."""
    two = Pub(pub.template, np.repeat(pub.values, 2, axis=0))
    return executor.run(Job([two], 256, 0, SampleContext())).cost.seconds / 2


def fit_row(what: str, cases: list[NoisyCase]) -> dict[str, Any]:
    """Fit both models to some cases."""
    both, lost_only = calibrate(cases), calibrate(cases, is_local=False)
    return {
        "kind": "fit",
        "what": what,
        "cases": len(cases),
        "lost": both.exponents.lost,
        "local": both.exponents.local,
        "lost_only": lost_only.exponents.lost,
        "error": both.error.tolist(),
        "lost_only_error": lost_only.error.tolist(),
        "ideal_error": both.ideal_error.tolist(),
    }


def case_row(
    name: str, label: str, executors: list[Backend], cases: list[NoisyCase], pub: Pub, lost_only: float
) -> dict[str, Any]:
    """Compare the shipped surrogate and the one-exponent one with exact distributions; time every method."""
    models = {"ideal": Exponents(0.0, 0.0), "lost only": Exponents(lost_only, 0.0), "surrogate": CALIBRATED}
    off = {
        model: np.sqrt(np.mean([c.departures(c.surrogate(e)) ** 2 for c in cases], axis=0)).tolist()
        for model, e in models.items()
    }
    return {
        "kind": "cases",
        "backend": name,
        "width": pub.template.n_qubits,
        "circuit": label,
        "two_qubit_gates": pub.template.two_qubit_gates,
        "fidelity": float(np.exp(cases[0].log_fidelity)),
        "optimum": {
            "ideal": float(np.mean([c.ideal @ c.is_optimal for c in cases])),
            "noisy": float(np.mean([c.noisy @ c.is_optimal for c in cases])),
            **{
                m: float(np.mean([c.surrogate(e) @ c.is_optimal for c in cases]))
                for m, e in models.items()
                if m != "ideal"
            },
        },
        "off": off,
        "seconds": {executor.name.split("(")[0]: per_circuit(executor, pub) for executor in executors},
    }


def sampled_row(name: str, label: str, problems: list[Subproblem], shots: int, lost_only: float) -> dict[str, Any]:
    """Compare trajectories, readout errors included, with the surrogate and, where it can be had, the exact noise."""
    device, ansatz = NoisyDevice.of(name), CIRCUITS[label]
    trajectories, density = TrajectoryBackend(device), DensityMatrixBackend(device)
    width = problems[0].n_variables
    template = ansatz.template(width)
    line = device.line(width)
    readings = {
        "ideal": Channel(1.0, np.zeros((width, 2))),
        "lost only": Channel.on(line, template, Exponents(lost_only, 0.0)),
        "surrogate": Channel.on(line, template),
    }
    off: dict[str, list[NDArray[np.float64]]] = {}
    expected, seconds = [], 0.0
    for problem in problems:
        pub = Pub(template, ansatz.values(problem)[None])
        run = trajectories.run(Job([pub], shots, 1, SampleContext()))
        seconds += run.cost.seconds * 256 / shots / len(problems)
        shares = np.bincount(run.codes[0].ravel(), minlength=2**width) / shots
        case = NoisyCase.of(problem, line.circuit(template).log_fidelity, ansatz.probabilities(problem), shares)
        for model, channel in readings.items():
            off.setdefault(model, []).append(case.departures(channel.distribution(case.ideal)))
        if width <= density.max_width:
            exact = density.distributions(pub)[0]
            off.setdefault("density", []).append(case.departures(exact))
        expected.append(0.5 * np.sqrt(2 / np.pi * shares * (1 - shares) / shots).sum())
    return {
        "kind": "sampled",
        "backend": name,
        "width": width,
        "circuit": label,
        "fidelity": float(np.exp(line.circuit(template).log_fidelity)),
        "shots": shots,
        "knapsacks": len(problems),
        "off": {model: np.mean(values, axis=0).tolist() for model, values in off.items()},
        "sampling_distance": float(np.mean(expected)),
        "seconds": seconds,
    }


def main(args: Args) -> None:
    """Measure or read the rows, print the tables, write the rows."""
    if args.show_rows is not None:
        print(tables(read_rows(args.show_rows)))
        return
    if args.out is not None:
        require_writable(args.out)
    rows = list(measure(args))
    print(tables(rows))
    if args.out is not None:
        write_rows(args.out, rows)


def measure(args: Args) -> Iterator[dict[str, Any]]:
    """Yield all rows."""
    recorder, rng = recorded(), np.random.default_rng(args.seed)
    widths = (*args.widths, *args.sampled_widths)
    problems = {width: draw_problems(recorder, width, args.knapsacks, rng) for width in widths}
    cases: dict[tuple[str, int, str], list[NoisyCase]] = {}
    for name in args.backends:
        density = DensityMatrixBackend.of(name)
        for width in args.widths:
            for label, ansatz in CIRCUITS.items():
                cases[name, width, label] = noisy_cases(density, problems[width], ansatz)
                print(name, width, label, file=sys.stderr, flush=True)
    fit = fit_row("all", [case for found in cases.values() for case in found])
    yield fit
    for place, values in ((0, args.backends), (1, args.widths), (2, tuple(CIRCUITS))):
        for value in values:
            label = f"{value} qubits" if place == 1 else str(value)
            yield fit_row(label, [case for key, found in cases.items() if key[place] == value for case in found])
    for (name, width, label), found in cases.items():
        device, ansatz = NoisyDevice.of(name), CIRCUITS[label]
        executors = [DensityMatrixBackend(device), TrajectoryBackend(device), SurrogateBackend(device)]
        pub = Pub(ansatz.template(width), ansatz.values(problems[width][0])[None])
        yield case_row(name, label, executors, found, pub, fit["lost_only"])
    for name in args.backends:
        for width in (args.widths[-1], *args.sampled_widths):
            for label in SAMPLED:
                chosen = problems[width][: args.sampled_knapsacks]
                print(name, width, label, "trajectories", file=sys.stderr, flush=True)
                yield sampled_row(name, label, chosen, args.shots, fit["lost_only"])


def tables(rows: list[dict[str, Any]]) -> str:
    """Render the rows as Markdown."""
    four = ["TV", "P(opt)", "yield", "energy, σ"]
    fits, cases, sampled = ([row for row in rows if row["kind"] == kind] for kind in ("fit", "cases", "sampled"))
    text = ["### Exponents, and root mean square departures from exact noise", ""]
    text += _head(["fitted to", "circuits", "κ", "η", *four, "κ alone", *four, "ideal: TV", *four[1:]])
    for row in fits:
        cells = [row["what"], row["cases"], f"{row['lost']:.3f}", f"{row['local']:.3f}", *_numbers(row["error"])]
        cells += [f"{row['lost_only']:.3f}", *_numbers(row["lost_only_error"]), *_numbers(row["ideal_error"])]
        text.append(_line(cells))
    text += ["", "### Shipped exponents against density matrices", ""]
    names = ["ideal", "noisy", "surrogate", "κ alone"]
    columns = ["backend", "n", "circuit", "gates", "F", *(f"P(opt) {name}" for name in names)]
    columns += [f"{what} {name}" for what in ("TV", "energy") for name in ("ideal", "surrogate", "κ alone")]
    text += _head([*columns, "s per circuit: density", "trajectories", "surrogate"])
    for row in cases:
        cells = [row["backend"], row["width"], row["circuit"], row["two_qubit_gates"], f"{row['fidelity']:.3f}"]
        cells += _numbers([row["optimum"][model] for model in ("ideal", "noisy", "surrogate", "lost only")])
        cells += _numbers([row["off"][model][quantity] for quantity in (0, 3) for model in MODELS])
        cells += [f"{row['seconds'][method]:.3f}" for method in ("density", "trajectories", "surrogate")]
        text.append(_line(cells))
    text += ["", "### Against trajectories, readout included: mean differences from the samples", ""]
    columns = ["backend", "n", "circuit", "F", "shots", "s per 256", "TV of sampling alone", "model", *four]
    text += _head(columns)
    for row in sampled:
        for model, off in row["off"].items():
            cells = [row["backend"], row["width"], row["circuit"], f"{row['fidelity']:.3f}"]
            cells += [f"{row['knapsacks']} × {row['shots']}", f"{row['seconds']:.2f}"]
            text.append(_line([*cells, f"{row['sampling_distance']:.3f}", model, *_numbers(off)]))
    return "\n".join(text)


def _head(columns: list[str]) -> list[str]:
    return [_line(columns), "|---" * len(columns) + "|"]


def _numbers(values: list[float]) -> list[str]:
    return [f"{value:.3f}" for value in values]


def _line(cells: list[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    import tyro

    warnings.filterwarnings("ignore", message="Properties of fake_")  # Nighthawk's caveat
    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"noise_calibration: {error}")
