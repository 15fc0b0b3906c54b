"""Time one dual step under the quantum samplers, part by part.

python -m benchmarks.quantum_step.run
python -m benchmarks.quantum_step.run --instance X-n101-k25 --data DIR --out ROWS.json

One thread. A step is `AssignmentDual.evaluate`: from multipliers to supergradient, all samples drawn and weighed; it
is also given without the part spent in the sampler. Without --instance it is a generated instance of the size of
X-n101-k25: 100 customers, about four a route, hence some 26 vehicles. The multipliers are the linear relaxation's
prices, raised by --lift of the dual's scale so that every vehicle wants more than it can carry.
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

import numpy as np

from lagrl.bench.provenance import versions
from lagrl.compilation import compile_kernels
from lagrl.errors import InputError, LagrlError
from lagrl.io.atomic import require_writable
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.generate import XTypeParams, generate_x_type
from lagrl.problems.locate import resolve_instance
from lagrl.quantum.circuits.line_qaoa import Ramp
from lagrl.quantum.circuits.statevector import QAOASampler
from lagrl.quantum.subproblems.candidate_sampler import ProductSampler
from lagrl.quantum.subproblems.candidates import select_candidates
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual
from lagrl.relaxation.linearise import linearise
from lagrl.relaxation.seeding import kmeans

if TYPE_CHECKING:
    from lagrl.relaxation.sampler import SubproblemSampler

SIZE = XTypeParams(n_customers=100, depot="R", customers="RC", demand="1-100", route_length=4.0)


@dataclass(frozen=True)
class Args:
    """What to time.

    Attributes
    ----------
    instance
        Name or file; a generated one of X-n101-k25's size if empty.
    data
        Folder of CVRPLIB files; LAGRL_DATA if not given.
    widths
        Most variables per vehicle.
    shots
        Strings per vehicle.
    lift
        Added to every multiplier, in units of the dual's scale.
    repeats
        Timings of each step, of which the median counts.
    seed
        Seed of the instance, its linearisation and the samples.
    out
        JSON file for the rows, if any.
    """

    instance: str = ""
    data: Path | None = None
    widths: tuple[int, ...] = (8, 12, 16)
    shots: int = 256
    lift: float = 0.5
    repeats: int = 51
    seed: int = 0
    out: Path | None = None

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise InputError(f"{self.repeats} given", field="--repeats", remedy="give 1 or more")


@dataclass(frozen=True)
class Row:
    """One sampler: medians in milliseconds."""

    instance: str
    n_customers: int
    n_vehicles: int
    sampler: str
    width: int
    mean_variables: float
    circuits: int
    shots: int
    step_milliseconds: float
    sampler_milliseconds: float
    repeats: int


def main(args: Args) -> None:
    """Time every sampler at every width, print a Markdown table, write the rows."""
    if args.out is not None:
        require_writable(args.out)
    compile_kernels()
    rows = []
    columns = ["instance", "n", "K", "sampler", "width", "mean variables", "circuits", "shots each"]
    print(f"| {' | '.join([*columns, 'step, ms', 'of it in the sampler, ms'])} |\n{'|---' * (len(columns) + 2)}|")
    for width in args.widths:
        samplers = {
            "product": ProductSampler(width),
            "qaoa, 1 layer": QAOASampler(width),
            "qaoa, 2 layers": QAOASampler(width, ramp=Ramp(2, 1.6, 0.9)),
        }
        for name, sampler in samplers.items():
            row = time_step(name, sampler, width, args)
            rows.append(row)
            print(_line(row), flush=True)
    if args.out is not None:
        record = {"versions": versions(), "threads": 1, "rows": [asdict(row) for row in rows]}
        write_record(args.out, record)


def time_step(name: str, sampler: SubproblemSampler, width: int, args: Args) -> Row:
    """Linearise the instance and evaluate its dual again and again at one multiplier vector."""
    rng = np.random.default_rng(args.seed)
    if args.instance:
        instance = read_instance(resolve_instance(args.instance, args.data))
    else:
        instance = generate_x_type(SIZE, rng)
    problem = linearise(instance, kmeans(instance, instance.minimum_vehicles, rng))
    multipliers = linear_dual(problem).multipliers + args.lift * problem.cost_scale
    dual = AssignmentDual(problem, sampler, shots=args.shots, rng=rng)
    found = select_candidates(problem.cost - multipliers, problem.weight, problem.capacity, width)
    dual.evaluate(multipliers)  # warm caches, not timed
    steps, inside = [], []
    for _ in range(args.repeats):
        started = time.perf_counter()
        point = dual.evaluate(multipliers)
        steps.append(time.perf_counter() - started)
        inside.append(point.samples.cost.seconds)
    return Row(
        instance=instance.name,
        n_customers=problem.n_customers,
        n_vehicles=problem.n_vehicles,
        sampler=name,
        width=width,
        mean_variables=float(found.width.mean()),
        circuits=point.samples.cost.circuits,
        shots=args.shots,
        step_milliseconds=1e3 * median(steps),
        sampler_milliseconds=1e3 * median(inside),
        repeats=args.repeats,
    )


def _line(row: Row) -> str:
    cells = [row.instance, row.n_customers, row.n_vehicles, row.sampler, row.width, f"{row.mean_variables:.1f}"]
    cells += [row.circuits, row.shots, f"{row.step_milliseconds:.2f}", f"{row.sampler_milliseconds:.2f}"]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"quantum_step: {error}")
