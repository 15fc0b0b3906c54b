"""How far the route bound is below the best known costs, and that it is never above.

LAGRL_DATA=DIR python -m benchmarks.route_bounds.run --out docs/rows/route_bounds.jsonl
python -m benchmarks.route_bounds.run --show-rows docs/rows/route_bounds.jsonl

All A, B, E and P instances of up to 80 customers; each under its own fleet rule without and with capacity cuts, and
with any number of routes with cuts. One JSON line each, appended as soon as it is there: run again after a stop
and only the missing ones are made. Published costs hold for the instance's own rule; with any number of routes the
optimum is no higher, and where a lower cost is known that one is compared with. Prints a table; fails if a bound is
above the cost.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, one_thread, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from lagrl.bench.provenance import versions
from lagrl.bounds.bound import lower_bound
from lagrl.compilation import compile_kernels
from lagrl.errors import InputError, LagrlError
from lagrl.io.atomic import require_writable
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.fleet import Fleet
from lagrl.problems.locate import data_folder

VARIANTS = (("own", False), ("own", True), ("free", True))  # fleet rule, cuts
# costs of solutions with another number of routes than published, found by PyVRP
WITH_ANY_FLEET = {
    "B-n51-k7": 1016.0,
    "B-n57-k7": 1140.0,
    "E-n30-k3": 503.0,
    "P-n22-k8": 590.0,
    "P-n50-k8": 629.0,
    "P-n55-k15": 941.0,
    "P-n55-k8": 576.0,
}


@dataclass(frozen=True)
class Args:
    """What to measure.

    Attributes
    ----------
    out
        JSON lines file for the rows.
    show_rows
        Rows to show instead of measuring.
    data
        Folder of CVRPLIB files; LAGRL_DATA if not given.
    families
        First letters of the instances.
    most_customers
        Larger instances are left out.
    seconds
        Wall-clock limit of each bound.
    """

    out: Path | None = None
    show_rows: Path | None = None
    data: Path | None = None
    families: str = "ABEP"
    most_customers: int = 80
    seconds: float = 60.0


def main(args: Args) -> None:
    """Measure what is missing, show all."""
    if args.show_rows is None:
        if args.out is None:
            raise InputError(
                "no file given", field="--out", remedy="say where the rows go, or --show-rows which to show"
            )
        measure(args, args.out)
    rows = _rows(args.show_rows or args.out)
    print(show(rows))
    above = [f"{row['instance']} ({row['fleet']})" for row in rows if row["rounded"] > row["best_known"]]
    if above:
        sys.exit(f"route_bounds: above the best known cost: {', '.join(above)}")


def measure(args: Args, out: Path) -> None:
    """Append the rows that are not there yet."""
    compile_kernels()
    require_writable(out)
    done = {_key(row) for row in _rows(out)}
    for task in _tasks(args):
        if _key(task) in done:
            continue
        path = task.pop("path")
        own = read_instance(path)
        problem = own if task["rule"] == "own" else read_instance(path, fleet=Fleet())
        bound = lower_bound(problem, seconds=args.seconds, cuts=task["cuts"])
        row = {
            **task,
            "fleet": str(problem.fleet),
            "n_customers": own.n_customers,
            "best_known": problem.best_known or WITH_ANY_FLEET.get(own.name, own.best_known),
            **asdict(bound),
            "versions": versions(),
        }
        append_rows(out, [row])
        print(f"{row['instance']} {row['fleet']} {bound.value:.2f} {bound.seconds:.1f} s", file=sys.stderr)


def show(rows: list[dict[str, Any]]) -> str:
    """Render the table: gaps below the best known cost by family."""
    head = "| family | fleet | cuts | instances | mean gap % | largest | closed | mean s | longest | above |"
    lines = [head, "|---|---|---|--:|--:|--:|--:|--:|--:|--:|"]
    groups: dict[tuple[str, str, bool], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["instance"][0], row["rule"], row["cuts"]), []).append(row)
    for (family, rule, cuts), group in sorted(groups.items()):
        gaps = [100.0 * (1.0 - row["value"] / row["best_known"]) for row in group]
        seconds = [row["seconds"] for row in group]
        closed = sum(row["rounded"] == row["best_known"] for row in group)
        above = sum(row["rounded"] > row["best_known"] for row in group)
        cells = [family, rule, "yes" if cuts else "no", str(len(group)), f"{fmean(gaps):.2f}", f"{max(gaps):.2f}"]
        cells += [str(closed), f"{fmean(seconds):.1f}", f"{max(seconds):.1f}", str(above)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _tasks(args: Args) -> Iterator[dict[str, Any]]:
    folder = data_folder(args.data)
    paths = sorted(path for path in folder.rglob("*.vrp") if path.name[0] in args.families and path.name[1] == "-")
    for path in paths:
        problem = read_instance(path)
        if problem.n_customers > args.most_customers or problem.best_known is None:
            continue
        for rule, cuts in VARIANTS:
            yield {"instance": problem.name, "rule": rule, "cuts": cuts, "limit": args.seconds, "path": path}


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[field] for field in ("instance", "rule", "cuts", "limit"))


def _rows(path: Path | None) -> list[dict[str, Any]]:
    return [] if path is None else read_rows_if_any(path)


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"route_bounds: {error}")
