"""Is the environment slower than at an earlier revision? Runs of two checkouts in turn, and the ratios of each turn.

    git worktree add ../before 72a0be2
    python -m benchmarks.environment_steps.pairs --before ../before --out docs/rows/environment_steps_pairs.jsonl
    python -m benchmarks.environment_steps.pairs --show-rows docs/rows/environment_steps_pairs.jsonl

A turn times the earlier checkout in its defaults, this one in the same setting (assignments decoded at every second
evaluation, tours by the route sampler only), and this one in its defaults (decoded and toured at every evaluation).
Ratios of a turn are comparable on a busy machine, steps per second of different turns are not.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import tyro

from benchmarks.harness import append_rows, origin, read_rows, rows_in

ROUTE_SAMPLERS = ("exact", "qaoa")
FORMER = ("--decode-every", "2", "--no-tour-decoded")


def main(
    before: Path | None = None,
    out: Path | None = None,
    show_rows: Path | None = None,
    sizes: tuple[int, ...] = (20, 50, 100),
    turns: int = 5,
    steps: int = 3200,
) -> None:
    """Time or show the turns.

    Parameters
    ----------
    before
        Folder of the earlier checkout.
    out
        File for the rows; rows are added.
    show_rows
        Rows of an earlier run, to be shown instead.
    sizes
        Numbers of customers.
    turns
        Number of turns.
    steps
        Steps of a repeat, over 16 environments; the median of three repeats counts.
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    assert before is not None
    assert out is not None
    here = Path.cwd()
    for turn in range(turns):
        for route_sampler in ROUTE_SAMPLERS:
            arguments = ["--sizes", *map(str, sizes), "--lanes", "16", "--steps", str(steps), "--repeats", "3"]
            arguments += ["--route-sampler", route_sampler]
            timed = {
                "before": timings(before, arguments),
                "same": timings(here, [*arguments, *FORMER]),
                "default": timings(here, arguments),
            }
            common = {"turn": turn, "route_sampler": route_sampler, **origin()}
            append_rows(out, [{"n": n, **{name: rates[n] for name, rates in timed.items()}, **common} for n in sizes])
    show(read_rows(out))


def timings(checkout: Path, arguments: list[str]) -> dict[int, float]:
    """Return the steps per second by number of customers, of a checkout's own benchmark in a process of its own."""
    rows = rows_in(checkout, ["-m", "benchmarks.environment_steps.run", *arguments])
    return {row["n_customers"]: row["steps_per_second"] for row in rows}


def show(rows: list[dict[str, Any]]) -> None:
    """Print the median ratio to the earlier revision, the range over turns, and the highest steps per second."""
    print("| n | route sampler | same setting | defaults | steps/s before | same | defaults |")
    print("|--:|---|---|---|--:|--:|--:|")
    for n, route_sampler in sorted({(row["n"], row["route_sampler"]) for row in rows}):
        own = [row for row in rows if (row["n"], row["route_sampler"]) == (n, route_sampler)]
        cells = []
        for name in ("same", "default"):
            ratios = [row[name] / row["before"] for row in own]
            cells.append(f"{median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})")
        rates = [f"{max(row[name] for row in own):,.0f}" for name in ("before", "same", "default")]
        print(f"| {n} | {route_sampler} | " + " | ".join([*cells, *rates]) + " |")


if __name__ == "__main__":
    tyro.cli(main)
