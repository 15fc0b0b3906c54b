"""Compare `lagrl solve` of two checkouts, before and after the companion problems: routes, seconds, and the import.

    git worktree add --detach ../before 54cc76e    # the last revision without them
    git worktree add --detach ../after 5ee8184     # they and the ledger, nothing else
    python -m benchmarks.cascade.side_by_side --before ../before --after ../after --out docs/rows/side_by_side.jsonl
    python -m benchmarks.cascade.side_by_side --show-rows docs/rows/side_by_side.jsonl.gz

A turn solves each generated instance in both checkouts with a fixed number of evaluations; which checkout comes first
alternates. Seconds of `lagrl solve` are its own; those of the import are of `import lagrl` and of `import
lagrl.cli.entry`. The first run of each checkout compiles its kernels and is not counted.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks.harness import append_rows, origin, read_rows, run_in
from lagrl.bench.statistics import bootstrap_interval
from lagrl.errors import InputError, LagrlError
from lagrl.problems.cvrplib_write import write_instance
from lagrl.problems.generate import generate_x_type, sample_params

SIZES = (30, 60, 100, 150)
EVALUATIONS = 200
IMPORTS = ("lagrl", "lagrl.cli.entry")


def main(
    before: Path | None = None,
    after: Path | None = None,
    out: Path | None = None,
    show_rows: Path | None = None,
    turns: int = 15,
) -> None:
    """Time or show the turns.

    Parameters
    ----------
    before, after
        Folders of the two checkouts.
    out
        File for the rows; rows are added.
    show_rows
        Rows of an earlier run, to be shown instead.
    turns
        Number of turns.
    """
    if show_rows is not None:
        print(table(read_rows(show_rows)))
        return
    if before is None or after is None or out is None:
        raise InputError("not all given", field="--before, --after, --out", remedy="give them, or --show-rows")
    trees = {"before": before.resolve(), "after": after.resolve()}
    revisions = {name: run_in(tree, ["git", "rev-parse", "--short", "HEAD"]).strip() for name, tree in trees.items()}
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for seed, n in enumerate(SIZES):
            rng = np.random.default_rng(seed)
            files.append(Path(folder) / f"G-n{n + 1}-s{seed}.vrp")
            write_instance(generate_x_type(sample_params(rng, (n, n)), rng, files[-1].stem), files[-1])
        for tree in trees.values():
            for path in files:
                _solved(tree, path)
        for turn in range(turns):
            order = list(trees)[:: 1 if turn % 2 == 0 else -1]
            for path in files:
                found = {name: _solved(trees[name], path) for name in order}
                same = found["before"]["routes"] == found["after"]["routes"]
                seconds = {name: found[name]["seconds"] for name in trees}
                row = {"kind": "solve", "instance": path.stem, "turn": turn, "same_routes": same, **seconds}
                append_rows(out, [{**row, "revisions": revisions, **origin()}])
            for module in IMPORTS:
                seconds = {name: _imported(trees[name], module) for name in order}
                row = {"kind": "import", "instance": module, "turn": turn, "same_routes": None, **seconds}
                append_rows(out, [{**row, "revisions": revisions, **origin()}])
    print(table(read_rows(out)))


def table(rows: list[dict[str, Any]]) -> str:
    """Return medians, and the geometric mean of the turns' ratios with its bootstrap interval, as Markdown."""
    lines = ["| run | turns | before, s | after, s | after / before | same routes |", "|---|--:|--:|--:|--:|---|"]
    names = dict.fromkeys(row["instance"] for row in rows)
    groups = {name: [row for row in rows if row["instance"] == name] for name in names}
    groups["all solves"] = [row for row in rows if row["kind"] == "solve"]
    for name, own in groups.items():
        before, after = (np.array([row[side] for row in own]) for side in ("before", "after"))
        mean = bootstrap_interval(np.log(after / before), np.random.default_rng(0))
        ratio = f"{np.exp(mean.mean):.3f} [{np.exp(mean.low):.3f}, {np.exp(mean.high):.3f}]"
        same = [row["same_routes"] for row in own]
        kept = "" if None in same else f"{sum(same)} of {len(same)}"
        lines.append(f"| {name} | {len(own)} | {np.median(before):.3f} | {np.median(after):.3f} | {ratio} | {kept} |")
    return "\n".join(lines)


def _solved(tree: Path, path: Path) -> dict[str, Any]:
    command = ["-m", "lagrl", "solve", str(path), "--evaluations", str(EVALUATIONS), "--seed", "0", "--json"]
    record: dict[str, Any] = json.loads(run_in(tree, [sys.executable, *command]))
    return record


def _imported(tree: Path, module: str) -> float:
    timed = f"import time; started = time.perf_counter(); import {module}; print(time.perf_counter() - started)"
    return float(run_in(tree, [sys.executable, "-c", timed]))


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except LagrlError as error:
        sys.exit(f"cascade.side_by_side: {error}")
