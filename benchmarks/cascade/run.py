"""Methods of LLM cascade routing on generated instances, and its published circuits on fake backends.

    python -m benchmarks.cascade.run --out docs/rows/cascade.jsonl           # measures, about half a core-hour
    python -m benchmarks.cascade.run --report docs/rows/cascade.jsonl.gz

Rows are appended as soon as they are there: run again after a stop, and only the missing ones are made. Timing is of
one core: wall-clock and processor seconds; kernels are compiled before. The parts, each alone by
`--parts`: `timing` (methods), `candidates` (one-hot QAOA against controls, without noise), `experiments` (the published
circuits, as `lagrl cascade experiment`).
"""

from __future__ import annotations

from benchmarks.harness import append_rows, one_thread, origin, read_rows, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy and numba are loaded

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cascade.report import report
from lagrl.cascade.choice import KnapsackChoice, choice_of
from lagrl.cascade.routing_qaoa import best_candidate, draw_models, qaoa_candidates
from lagrl.cascade.scalar_multiplier import solve_scalar
from lagrl.cascade.solve_cascade import CascadeConfig, solve_cascade
from lagrl.compilation import compile_kernels
from lagrl.errors import InputError, LagrlError
from lagrl.io.atomic import require_writable
from lagrl.problems.cascade.generate_cascade import CascadeParams, generate_cascade
from lagrl.relaxation.sampler import SamplingCost

Source = Callable[[KnapsackChoice, int], tuple[NDArray[np.int64] | None, SamplingCost]]

SHOTS = 256  # candidates of each source
PARTS = ("timing", "candidates", "experiments")
SIX = (1, 2, 3, 4, 5, 6)
THREE = (1, 2, 3)
CASES: tuple[tuple[CascadeParams, str, float, tuple[int, ...]], ...] = tuple(
    (params, method, seconds, seeds)
    for params, methods in (
        (
            CascadeParams(1000, 10, "quality", 0.05),
            (
                ("lagrangian", 2.0, SIX),
                ("greedy", 2.0, SIX),
                ("threshold", 2.0, SIX),
                ("annealing", 2.0, SIX),
                ("highs", 30.0, THREE),
            ),
        ),
        (CascadeParams(1000, 10, "quality", 0.3), (("lagrangian", 2.0, SIX), ("threshold", 2.0, SIX))),
        (
            CascadeParams(100_000, 20, "quality", 0.05),
            (("lagrangian", 2.0, THREE), ("greedy", 2.0, THREE), ("threshold", 2.0, THREE)),
        ),
        (
            CascadeParams(1000, 10, "capacitated"),
            (("lagrangian", 2.0, SIX), ("annealing", 2.0, SIX), ("highs", 30.0, THREE)),
        ),
    )
    for method, seconds, seeds in methods
)


@dataclass(frozen=True)
class Args:
    """What to measure, or to report.

    Attributes
    ----------
    out
        JSONL file of rows; one that is there is completed.
    report
        Rows to report instead of measuring.
    parts
        `timing`, `candidates` and `experiments`.
    """

    out: Path | None = None
    report: Path | None = None
    parts: tuple[str, ...] = PARTS

    def __post_init__(self) -> None:
        if (self.out is None) == (self.report is None):
            raise InputError("both or neither given", field="--out, --report", remedy="give one of them")
        if self.out is not None and self.out.suffix == ".gz":
            raise InputError(f"{self.out} given", field="--out", remedy="unpack the rows to go on with them")
        if not set(self.parts) <= set(PARTS):
            raise InputError(
                f"{', '.join(self.parts)} given", field="--parts", remedy=f"give some of {', '.join(PARTS)}"
            )


def main(args: Args) -> None:
    """Measure what is missing, or read; print the tables."""
    if args.out is not None:
        require_writable(args.out)
        if not read_rows_if_any(args.out):
            append_rows(args.out, [{"kind": "head", **origin("qiskit", "qiskit-aer", "qiskit-ibm-runtime", "scipy")}])
        if "timing" in args.parts:
            compile_kernels("relaxation", "recovery", "cascade")
            run_timing(args.out)
        if "candidates" in args.parts:
            run_candidates(args.out)
        if "experiments" in args.parts:
            run_experiments(args.out)
    source = args.out or args.report
    assert source is not None
    print(report(read_rows(source)))


def run_timing(path: Path) -> None:
    """Append a row for each method and instance that is missing."""
    done = {(row["instance"], row["method"]) for row in read_rows_if_any(path) if row["kind"] == "timing"}
    for params, method, seconds, seeds in CASES:
        for seed in seeds:
            cascade = generate_cascade(params, seed)
            instance = f"{cascade.name}-b{params.budget_share:g}"
            if (instance, method) in done:
                continue
            started, processor = time.perf_counter(), time.process_time()
            answer = solve_cascade(cascade, CascadeConfig(method, seconds=seconds, iterations=200))
            wall, used = time.perf_counter() - started, time.process_time() - processor
            routing = answer.routing
            row: dict[str, Any] = {
                "kind": "timing",
                "instance": instance,
                "variant": params.variant,
                "n": params.n_tasks,
                "m": params.n_models,
                "budget_share": params.budget_share,
                "seed": seed,
                "method": method,
                "seconds_allowed": seconds,
                "wall_seconds": round(wall, 5),
                "processor_seconds": round(used, 5),
                "objective": None if routing is None else routing.objective,
                "dollars": None if routing is None else routing.dollars,
                "mean_quality": None if routing is None else routing.mean_quality,
                "bound": answer.bound,
                "gap_percent": answer.gap_percent,
            }
            append_rows(path, [row])
            print(instance, method, answer.gap_percent, f"{wall:.3f} s", file=sys.stderr, flush=True)


def run_candidates(path: Path) -> None:
    """Append the rows of candidates from circuits and from controls, with and without refinement, that are missing."""
    done = {
        (row["instance"], row["source"], row["refined"])
        for row in read_rows_if_any(path)
        if row["kind"] == "candidates"
    }
    for n, m in ((20, 4), (100, 5)):
        for seed in SIX:
            cascade = generate_cascade(CascadeParams(n, m, "quality", 0.05), seed)
            choice = choice_of(cascade)
            started = time.perf_counter()
            relaxed = solve_scalar(choice)
            multiplier_seconds = time.perf_counter() - started
            assert relaxed.model is not None
            for refined in (False, True):
                for source, drawn in _SOURCES.items():
                    if (cascade.name, source, refined) in done:
                        continue
                    model, seconds = relaxed.model, {"seconds": multiplier_seconds}
                    if drawn is not None:
                        model, seconds = _candidate(choice, seed, refined, drawn)
                    if model is None:
                        continue
                    gap = 100.0 * (choice.totals(model)[0] - relaxed.bound) / (n - choice.totals(model)[0])
                    head = {"kind": "candidates", "instance": cascade.name, "n": n, "m": m, "seed": seed}
                    found = {
                        "source": source,
                        "refined": refined,
                        "shots": SHOTS if drawn else 0,
                        "gap_percent": gap,
                    }
                    append_rows(path, [{**head, **found, "objective": choice.totals(model)[0], **seconds}])


def _xy_ring(choice: KnapsackChoice, seed: int) -> tuple[NDArray[np.int64] | None, SamplingCost]:
    return qaoa_candidates(choice, np.random.default_rng(seed), SHOTS)


def _weighted_start(choice: KnapsackChoice, seed: int) -> tuple[NDArray[np.int64] | None, SamplingCost]:
    return qaoa_candidates(choice, np.random.default_rng(seed), SHOTS, layers=0)


def _uniform_valid(choice: KnapsackChoice, seed: int) -> tuple[NDArray[np.int64] | None, SamplingCost]:
    started = time.perf_counter()
    pairs = np.isfinite(choice.loss.T)
    drawn = draw_models(pairs / pairs.sum(axis=1, keepdims=True), SHOTS, np.random.default_rng(seed))
    return drawn, SamplingCost(seconds=time.perf_counter() - started)


_SOURCES: dict[str, Source | None] = {
    "XY ring, one layer": _xy_ring,
    "weighted start alone": _weighted_start,
    "uniform valid": _uniform_valid,
    "one multiplier, no circuit": None,
}


def _candidate(
    choice: KnapsackChoice, seed: int, refined: bool, drawn: Source
) -> tuple[NDArray[np.int64] | None, dict[str, float]]:
    """Return the best candidate [n] and the seconds of its parts: multiplier, sampling with encoding, and decoding."""
    started = time.perf_counter()
    candidates, cost = drawn(choice, seed)
    if candidates is None:
        return None, {}
    sampled = time.perf_counter()
    model = best_candidate(choice, candidates, refine=refined)
    decoding = time.perf_counter() - sampled
    of_draws = {"sampling_seconds": cost.seconds, "encoding_seconds": cost.encoding_seconds}
    return model, {"seconds": sampled - started - cost.seconds, **of_draws, "decoding_seconds": decoding}


def run_experiments(path: Path) -> None:
    """Append the rows of the published experiments that are missing."""
    done = {row["key"] for row in read_rows_if_any(path) if row["kind"] == "experiment"}
    for row in _experiment_rows(done):
        append_rows(path, [{"kind": "experiment", **row}])


def _experiment_rows(done: set[str]) -> Iterator[dict[str, Any]]:
    from lagrl.cascade.experiments import EXPERIMENTS, experiment_rows

    for name in EXPERIMENTS:
        yield from experiment_rows(name, skip=done)


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"cascade: {error}")
