"""What error suppression and readout mitigation bring to the strings of single knapsacks, on fake backends.

    python -m benchmarks.error_mitigation.run --out docs/rows/error_mitigation.jsonl
    python -m benchmarks.error_mitigation.run --report docs/rows/error_mitigation.jsonl

Knapsacks are those of `benchmarks/knapsack_circuits`, the first 20 of 6 and of 8 variables. Warm QAOA of one layer runs
on the path of `ibm:BACKEND`, 4096 shots, with each setting by itself. Readout mitigation inverts the confusion matrix
of every qubit, by the calibration (tensored, Bravyi et al. 2021), and takes the nearest distribution (Smolin, Gambetta
and Smith 2012). About five minutes.
"""

from __future__ import annotations

from benchmarks.harness import one_thread, origin, read_rows, write_rows

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

from lagrl.errors import InputError, LagrlError
from lagrl.paper.drawn_knapsacks import Knapsack
from lagrl.paper.string_measures import Worth
from lagrl.quantum.circuits.ansatz import make_ansatz
from lagrl.quantum.circuits.backend import Job, Pub
from lagrl.quantum.ibm.device import RuntimeOptions
from lagrl.quantum.ibm.runtime import DeviceBackend
from lagrl.quantum.simulators.line_backend import SurrogateBackend
from lagrl.quantum.subproblems.penalties import Subproblem, TiltedPenalty

Row = dict[str, Any]
Floats = NDArray[np.float64]

KNAPSACKS = Path("docs/rows/knapsack_circuits.jsonl")
BACKENDS = ("FakeKingston", "FakeCusco")
WIDTHS, EACH, SHOTS, RESAMPLES = (6, 8), 20, 4096, 5000
PLAIN = "nothing"
OFF = {"dynamical_decoupling": False, "twirl_gates": "off"}
SETTINGS = {
    PLAIN: RuntimeOptions(**OFF),
    "dynamical decoupling": RuntimeOptions(**{**OFF, "dynamical_decoupling": True}),
    "gates twirled": RuntimeOptions(**{**OFF, "twirl_gates": "on"}),
    "readout twirled": RuntimeOptions(**OFF, twirl_measure=True),
}
MITIGATED = "readout mitigated"


@dataclass(frozen=True)
class Args:
    """What to do.

    Attributes
    ----------
    out
        File of rows to write.
    report
        File of rows to report on instead.
    """

    out: Path | None = None
    report: Path | None = None


def main(args: Args) -> None:
    """Make the rows, or report."""
    if args.report is not None:
        print(tables(read_rows(args.report)))
    elif args.out is None:
        raise InputError("nothing given", field="--out", remedy="give a file of rows, or --report FILE")
    else:
        write_rows(args.out, [{"kind": "head", "shots": SHOTS, **origin("qiskit", "qiskit-aer")}, *rows()])


def rows() -> Iterator[Row]:
    """Yield feasible yield and P(opt) of every knapsack, backend and setting."""
    names = [field.name for field in fields(Knapsack)]
    known = [row for row in read_rows(KNAPSACKS) if row["kind"] == "knapsack"]
    for width in WIDTHS:
        own = [row for row in known if len(row["weight"]) == width][:EACH]
        plain = [{name: row[name] for name in names} for row in own]
        knapsacks = [
            Knapsack(**{name: tuple(v) if isinstance(v, list) else v for name, v in row.items()}) for row in plain
        ]
        for backend in BACKENDS:
            yield from backend_rows(backend, knapsacks)
            print(f"{backend}, width {width}: done", file=sys.stderr, flush=True)


def backend_rows(backend: str, knapsacks: list[Knapsack]) -> Iterator[Row]:
    """Yield the rows of knapsacks of one width on a backend."""
    ansatz = make_ansatz("qaoa", 1)
    problems = [Subproblem.of(own.candidates, TiltedPenalty().qubos(own.candidates), 0) for own in knapsacks]
    template = ansatz.template(problems[0].n_variables)
    pubs = [Pub(template, ansatz.values(problem)[None]) for problem in problems]
    found = {"ideal": [ansatz.probabilities(problem) for problem in problems]}
    for name, options in SETTINGS.items():
        device = DeviceBackend.of(backend, options)
        codes = device.run(Job(pubs, SHOTS, seed=1)).codes
        device.close()
        found[name] = [np.bincount(own[0], minlength=2**template.n_qubits) / SHOTS for own in codes]
    flips = SurrogateBackend.of(backend).device.line(template.n_qubits).circuit(template).readout
    found[MITIGATED] = [nearest(unread(own, flips)) for own in found[PLAIN]]
    for name, distributions in found.items():
        for knapsack, own in zip(knapsacks, distributions, strict=True):
            worth = Worth.of(knapsack)
            values = {"feasible": float(own[worth.fits].sum()), "optimal": float(own[worth.is_optimal].sum())}
            yield {"kind": "mitigation", "backend": backend, "knapsack": knapsack.name, "setting": name, **values}


def unread(distribution: Floats, flips: Floats) -> Floats:
    """Return the quasi-distribution [2^n] before readout, which flips a 0 and a 1 of bit i at the rates of [n, 2]."""
    n = len(flips)
    found = distribution
    for i, (zero, one) in enumerate(flips):
        inverse = np.linalg.inv(np.array([[1 - zero, one], [zero, 1 - one]]))
        found = np.einsum("ab,xby->xay", inverse, found.reshape(2 ** (n - 1 - i), 2, 2**i)).reshape(-1)
    return found


def nearest(quasi: Floats) -> Floats:
    """Return the distribution nearest to a quasi-distribution that sums to 1, in the Euclidean norm."""
    ordered = np.sort(quasi)[::-1]
    excess = (np.cumsum(ordered) - 1.0) / np.arange(1, len(ordered) + 1)
    return np.asarray(np.maximum(quasi - excess[int((ordered > excess).sum()) - 1], 0.0), dtype=np.float64)


def tables(rows: list[Row]) -> str:
    """Render feasible yield and P(opt) by backend and setting, with paired differences from nothing, in %."""
    own = [row for row in rows if row["kind"] == "mitigation"]
    head = ["backend", "setting", "feasible", "less nothing's", "P(opt)", "less nothing's"]
    text = [f"| {' | '.join(head)} |", "|---|---|--:|--:|--:|--:|"]
    for backend in dict.fromkeys(row["backend"] for row in own):
        for setting in dict.fromkeys(row["setting"] for row in own):
            cells = []
            for measure in ("feasible", "optimal"):
                value, base = (_values(own, backend, name, measure) for name in (setting, PLAIN))
                cells += [f"{value.mean():.2f}", _interval(value - base) if setting != PLAIN else ""]
            text.append(f"| {' | '.join([backend, setting, *cells])} |")
    return "\n".join(text)


def _values(rows: list[Row], backend: str, setting: str, measure: str) -> Floats:
    return 100 * np.array([r[measure] for r in rows if (r["backend"], r["setting"]) == (backend, setting)])


def _interval(difference: Floats) -> str:
    drawn = np.random.default_rng(0).integers(len(difference), size=(RESAMPLES, len(difference)))
    low, high = np.quantile(difference[drawn].mean(axis=1), [0.025, 0.975])
    return f"{difference.mean():+.2f} [{low:+.2f}, {high:+.2f}]"


if __name__ == "__main__":
    warnings.filterwarnings("ignore", module="qiskit")
    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"error_mitigation: {error}")
