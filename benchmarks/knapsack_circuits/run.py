"""Penalty × ansatz × depth on knapsacks of real dual loops, ideal and under a Heron's noise, against controls.

    python -m benchmarks.knapsack_circuits.run --out docs/rows/knapsack_circuits.jsonl          # 0.25 core-hours
    python -m benchmarks.knapsack_circuits.run --report docs/rows/knapsack_circuits.jsonl.gz --picture PICTURE.png

240 knapsacks by default, 60 of each width (`drawn_knapsacks`), under every configuration of `circuit_grid`, measured as
`string_measures` says, by exact distributions wherever they are known. A run that was stopped goes on where it was.
The report needs no more than the rows (which may be gzipped).

Noise is the surrogate's (`SurrogateBackend`) for all circuits; density matrices check it on some knapsacks of the
narrower widths, trajectories on some of the wider ones. Circuits are on the device's best line of their width.

Core-hours, one thread: 0.25 in all, of which 0.1 for the grid, ideal and by the surrogate (training hardware-efficient
circuits and slack bits up to 20 qubits are most of it), 0.06 for density matrices, 0.05 for trajectories.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, one_thread, origin, read_rows, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.knapsack_circuits.picture import draw
from benchmarks.knapsack_circuits.report import report
from lagrl.compilation import compile_kernels
from lagrl.errors import InputError, LagrlError
from lagrl.io.atomic import require_writable
from lagrl.paper.circuit_grid import (
    CIRCUITS,
    CONTROLS,
    LONGER,
    NONE,
    Case,
    StringSource,
    ansatz_of,
    template_of,
)
from lagrl.paper.circuit_rows import grid_rows, row, stream
from lagrl.paper.drawn_knapsacks import Knapsack, draw_knapsacks
from lagrl.paper.string_measures import SHOTS
from lagrl.quantum.circuits.backend import Job, Pub
from lagrl.quantum.devices.noisy_device import NoisyDevice
from lagrl.quantum.simulators.line_backend import DensityMatrixBackend, TrajectoryBackend
from lagrl.relaxation.sampler import SampleContext

CHECKED = [c for c in CIRCUITS if c.penalty in {"greedy", NONE} and c.ansatz != LONGER]  # by density matrices
SAMPLED = [c for c in CHECKED if c.ansatz == "warm QAOA" or (c.ansatz == "linear" and c.depth == 1)]


@dataclass(frozen=True)
class Args:
    """What to measure, or to report.

    Attributes
    ----------
    widths
        Variables of the knapsacks.
    per_width
        Knapsacks of each width.
    evaluations
        Multiplier vectors of the ascents they are drawn from.
    seed
        Of the knapsacks, of annealing and of trajectories.
    backend
        Fake backend whose noise it is.
    density_widths, density_knapsacks
        Widths checked by density matrices, and on how many knapsacks each.
    trajectory_widths, trajectory_knapsacks, trajectory_shots
        Widths checked by trajectories, on how many knapsacks each, and shots of each circuit.
    out
        JSONL file of rows; one that is there is completed.
    report
        Rows to report instead of measuring.
    picture
        PNG file for the picture, if any.
    """

    widths: tuple[int, ...] = (6, 8, 10, 12)
    per_width: int = 60
    evaluations: int = 60
    seed: int = 20260
    backend: str = "FakeKingston"
    density_widths: tuple[int, ...] = (6, 8)
    density_knapsacks: int = 30
    trajectory_widths: tuple[int, ...] = (10, 12)
    trajectory_knapsacks: int = 3
    trajectory_shots: int = 256
    out: Path | None = None
    report: Path | None = None
    picture: Path | None = None

    def __post_init__(self) -> None:
        if (self.out is None) == (self.report is None):
            raise InputError("both or neither given", field="--out, --report", remedy="give one of them")
        if self.out is not None and self.out.suffix == ".gz":
            raise InputError(f"{self.out} given", field="--out", remedy="unpack the rows to go on with them")
        if self.per_width < 1 or self.evaluations < 1 or not self.widths:
            raise InputError("nothing to draw", field="--widths, --per-width, --evaluations", remedy="give 1 or more")

    @property
    def head(self) -> dict[str, Any]:
        """What has to be the same in a run that goes on."""
        drawn = {"widths": list(self.widths), "per_width": self.per_width, "evaluations": self.evaluations}
        return {"kind": "head", **drawn, "seed": self.seed, "backend": self.backend, "shots": SHOTS}


def main(args: Args) -> None:
    """Measure what is missing, or read; print the tables, draw the picture."""
    if args.picture is not None:
        require_writable(args.picture)
    if args.out is not None:
        require_writable(args.out)
        compile_kernels()
        run(args, args.out)
    source = args.out or args.report
    assert source is not None
    rows = read_rows(source)
    print(report(rows))
    if args.picture is not None:
        draw(rows, args.picture)


def run(args: Args, path: Path) -> None:
    """Append the rows that are missing, a knapsack's at a time."""
    rows = read_rows_if_any(path)
    if rows and {key: rows[0].get(key) for key in args.head} != args.head:
        raise InputError(f"rows of another run: {rows[0]}", source=str(path), field="--out", remedy="give another file")
    done = {(row["knapsack"], row["noise"], row["name"]) for row in rows if row["kind"] == "row"}
    knapsacks = draw_knapsacks(args.widths, args.per_width, args.evaluations, args.seed)
    if not rows:
        append_rows(path, [{**args.head, **origin("qiskit", "qiskit-aer", "scipy")}])
        append_rows(path, [{"kind": "knapsack", "name": k.name, **k.to_json()} for k in knapsacks])
    for number, found in enumerate(measure(args, knapsacks, done)):
        append_rows(path, found)
        if number % 20 == 0:
            print(number, found[0]["knapsack"], found[0]["noise"], file=sys.stderr, flush=True)


def measure(args: Args, knapsacks: list[Knapsack], done: set[tuple[str, str, str]]) -> Iterator[list[dict[str, Any]]]:
    """Yield each knapsack's missing rows: ideal and surrogate, then density matrices, then trajectories."""
    device = NoisyDevice.of(args.backend)

    def missing(knapsack: Knapsack, noise: str, wanted: list[StringSource]) -> list[StringSource]:
        return [c for c in wanted if (knapsack.name, noise, c.name) not in done]

    for knapsack in knapsacks:
        todo = missing(knapsack, "ideal", [*CONTROLS, *CIRCUITS])
        todo += [c for c in missing(knapsack, "surrogate", [*CONTROLS, *CIRCUITS]) if c.has_circuit and c not in todo]
        rows = grid_rows(Case(knapsack), device, todo, args.seed)
        found = [row for row in rows if (row["knapsack"], row["noise"], row["name"]) not in done]
        if found:
            yield found
    for noise, widths, count, wanted in (
        ("density", args.density_widths, args.density_knapsacks, CHECKED),
        ("trajectories", args.trajectory_widths, args.trajectory_knapsacks, SAMPLED),
    ):
        for width in widths:
            same = [knapsack for knapsack in knapsacks if knapsack.width == width]
            places = np.unique(np.linspace(0, len(same) - 1, min(count, len(same)), dtype=int))
            for place in places if same else []:
                todo = missing(same[place], noise, wanted)
                if todo:
                    yield check_rows(Case(same[place]), device, noise, todo, args.trajectory_shots, args.seed)


def check_rows(
    case: Case, device: NoisyDevice, noise: str, wanted: list[StringSource], shots: int, seed: int
) -> list[dict[str, Any]]:
    """Measure circuits by density matrices (exact) or trajectories (shares of the shots)."""
    rows = []
    for configuration in wanted:
        template = template_of(configuration, case.qubits(configuration))
        pub = Pub(template, ansatz_of(configuration).values(case.problem(configuration.penalty))[None])
        started = time.perf_counter()
        if noise == "density":
            distribution = DensityMatrixBackend(device).distributions(pub)[0]
        else:
            rng = stream(case, configuration, seed)
            codes = TrajectoryBackend(device).run(Job([pub], shots, rng, SampleContext())).codes[0]
            distribution = np.bincount(codes.ravel(), minlength=2**case.knapsack.width) / shots
        rows.append(row(case, configuration, noise, distribution, time.perf_counter() - started))
    return rows


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"knapsack_circuits: {error}")
