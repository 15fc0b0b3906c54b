r"""How much faster are compiled steps? Runs of two checkouts in turn, and the ratios of each turn.

    git worktree add ../before 3f0c1b4
    python -m benchmarks.environment_steps.compiled --before ../before --out docs/rows/environment_steps_compiled.jsonl
    python -m benchmarks.environment_steps.compiled --show-rows docs/rows/environment_steps_compiled.jsonl

    git worktree add ../before ef75957
    python -m benchmarks.environment_steps.compiled --before ../before --no-torch-before --turns 2 \
        --out docs/rows/environment_steps_resets.jsonl

Both run this checkout's benchmark, so that both have the same clock: seconds of the process on the processor. Settings
are the defaults with exact routes, the same without tours, and the defaults with the policy `bc-small`, which the
earlier checkout evaluates in torch with its critic, as its own benchmark did, or compiled with `--no-torch-before`.
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median
from typing import Any

import tyro

from benchmarks.harness import append_rows, origin, read_rows, rows_in

POLICY = ("--policy", "checkpoints/bc-small")
SETTINGS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "defaults": ((), ()),
    "without tours": (("--no-tour-decoded", "--route-every", "200"),) * 2,
    "with the policy": ((*POLICY, "--no-compiled"), POLICY),
}


def main(
    before: Path | None = None,
    out: Path | None = None,
    show_rows: Path | None = None,
    sizes: tuple[int, ...] = (50,),
    turns: int = 3,
    steps: int = 3200,
    torch_before: bool = True,
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
    torch_before
        Whether the earlier checkout evaluates the policy in torch, with its critic, otherwise compiled (default yes).
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    assert before is not None
    assert out is not None
    shared = ["--sizes", *map(str, sizes), "--lanes", "16", "--steps", str(steps), "--repeats", "3"]
    for turn in range(turns):
        for setting, (former, current) in SETTINGS.items():
            former = former if torch_before else current
            earlier, now = timings(before, [*shared, *former]), timings(Path.cwd(), [*shared, *current])
            common = {"setting": setting, "turn": turn, "load": os.getloadavg()[0], **origin("torch")}
            append_rows(out, [{"n": n, "before": earlier[n], "now": now[n], **common} for n in sizes])
    show(read_rows(out))


def timings(checkout: Path, arguments: list[str]) -> dict[int, float]:
    """Return a checkout's steps per second by number of customers, in a process of its own."""
    script = str(Path(__file__).with_name("run.py"))
    rows = rows_in(checkout, [script, *arguments])
    return {row["n_customers"]: row["steps_per_second"] for row in rows}


def show(rows: list[dict[str, Any]]) -> None:
    """Print the median of both and of their ratio, with its range over the turns."""
    print("| n | setting | steps/s before | steps/s now | ratio |\n|--:|---|--:|--:|---|")
    for n, setting in dict.fromkeys((row["n"], row["setting"]) for row in rows):
        own = [row for row in rows if (row["n"], row["setting"]) == (n, setting)]
        ratios = [row["now"] / row["before"] for row in own]
        rates = [f"{median(row[name] for row in own):,.0f}" for name in ("before", "now")]
        spread = f"{median(ratios):.2f} ({min(ratios):.2f} … {max(ratios):.2f})"
        print(f"| {n} | {setting} | {' | '.join(rates)} | {spread} |")


if __name__ == "__main__":
    tyro.cli(main)
