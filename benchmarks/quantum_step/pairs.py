"""Time dual steps of two revisions in pairs: the checkout of another revision, and this one, in turn.

python -m benchmarks.quantum_step.pairs --before CHECKOUT --instance X-n101-k25 --data DIR --rows ROWS.jsonl
python -m benchmarks.quantum_step.pairs --report ROWS.jsonl.gz

Each run is `benchmarks.quantum_step.run` of its revision in a process of its own, on one thread. Compile the kernels of
both before (`lagrl doctor`, or a run that is not counted).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.harness import Row, append_rows, read_rows, rows_in
from lagrl.errors import InputError, LagrlError


@dataclass(frozen=True)
class Args:
    """What to time in pairs.

    Attributes
    ----------
    before
        Checkout of the other revision.
    instance, data
        As in `benchmarks.quantum_step.run`.
    pairs
        Number of pairs of runs.
    repeats
        Timings of each step in a run, of which the median counts.
    rows
        JSON-lines file that the rows are appended to.
    report
        Print the medians and ratios of these rows instead.
    """

    before: Path | None = None
    instance: str = ""
    data: Path | None = None
    pairs: int = 5
    repeats: int = 101
    rows: Path = Path("quantum_step_pairs.jsonl")
    report: Path | None = None


def main(args: Args) -> None:
    """Time the pairs and append their rows, or print the table of given rows."""
    if args.report is not None:
        print_table(read_rows(args.report))
        return
    if args.before is None:
        raise InputError("none given", field="--before", remedy="name the checkout of the other revision")
    for pair in range(args.pairs):
        for revision, checkout in (("before", args.before), ("after", Path.cwd())):
            found = timed(checkout, args)
            append_rows(args.rows, [{"revision": revision, "pair": pair, **row} for row in found])


def timed(checkout: Path, args: Args) -> list[Row]:
    """Return the rows of one run of a checkout's own benchmark."""
    arguments = ["-m", "benchmarks.quantum_step.run", "--widths", "8", "12"]
    arguments += ["--repeats", str(args.repeats), "--instance", args.instance]
    arguments += ["--data", str(args.data)] if args.data is not None else []
    return rows_in(checkout, arguments)


def print_table(rows: list[Row]) -> None:
    """Print each step's median over the runs, before and after, and the median ratio of the pairs with its range."""
    print("| sampler | width | before, ms | after, ms | after / before, median of pairs (least, greatest) |")
    print("|---|--:|--:|--:|--:|")
    cells = dict.fromkeys((str(row["sampler"]), int(row["width"])) for row in rows)
    for sampler, width in cells:
        own = [row for row in rows if (row["sampler"], row["width"]) == (sampler, width)]
        by = {(row["revision"], row["pair"]): float(row["step_milliseconds"]) for row in own}
        pairs = sorted({pair for _, pair in by})
        before, after = ([by[revision, pair] for pair in pairs] for revision in ("before", "after"))
        ratio = [late / early for early, late in zip(before, after, strict=True)]
        print(
            f"| {sampler} | {width} | {median(before):.3f} | {median(after):.3f} "
            f"| {median(ratio):.3f} ({min(ratio):.3f}, {max(ratio):.3f}) |"
        )


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"quantum_step.pairs: {error}")
