"""Count the qubits a CVRP asks for: all at once, and vehicle by vehicle, over all sizes of an instance library.

LAGRL_DATA=DIR python -m benchmarks.logical_width.run
LAGRL_DATA=DIR python -m benchmarks.logical_width.run --out ROWS.jsonl --picture WIDTH.png
python -m benchmarks.logical_width.run --instances bundled

What is counted is described in `lagrl.paper.widths`. The table gives the median over the instances of each size.
"""

from __future__ import annotations

from benchmarks.harness import one_thread, read_rows, write_rows

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from lagrl.bench.provenance import versions
from lagrl.bench.suites import SUITES, suite
from lagrl.compilation import compile_kernels
from lagrl.errors import InputError, InstanceError, LagrlError
from lagrl.io.atomic import require_writable
from lagrl.paper.widths import CLASSES, ENCODINGS, WidthRow, count
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.locate import data_folder, resolve_instance
from lagrl.quantum.subproblems.candidates import require_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Args:
    """What to count.

    Attributes
    ----------
    instances
        Names or files of instances, or suites (bundled, paper30); all of the data folder if none.
    data
        Folder of CVRPLIB files; LAGRL_DATA if not given.
    evaluations
        Multiplier vectors of each ascent.
    width
        Most variables of the core.
    seed
        Seed of the linearisations.
    out
        JSON lines file for the rows, one instance each, if any.
    picture
        File for the picture, if any.
    show_rows
        File of rows to read instead of counting.
    """

    instances: tuple[str, ...] = ()
    data: Path | None = None
    evaluations: int = 50
    width: int = 12
    seed: int = 0
    out: Path | None = None
    picture: Path | None = None
    show_rows: Path | None = None

    def __post_init__(self) -> None:
        require_width(self.width)
        if self.evaluations < 1:
            raise InputError(f"{self.evaluations} given", field="--evaluations", remedy="give 1 or more")


def main(args: Args) -> None:
    """Count every instance, print a Markdown table by size, write the rows, draw the picture."""
    for path in (args.out, args.picture):
        if path is not None:
            require_writable(path)
    rows = _counted(args) if args.show_rows is None else _read(args.show_rows)
    rows.sort(key=lambda row: (row.n_customers, row.instance))
    print(table(rows))
    print(
        f"\n{len(rows)} instances, {sum(row.knapsacks for row in rows)} knapsacks, "
        f"{sum(row.seconds for row in rows):.0f} s on one thread"
    )
    if args.out is not None:
        record = {"versions": versions(), "seed": args.seed, "width": args.width}
        write_rows(args.out, ({**asdict(row), **record} for row in rows))
    if args.picture is not None:
        draw(rows, args)


def _read(path: Path) -> list[WidthRow]:
    """Return the rows of a file, gzipped or not."""
    names = {field.name for field in fields(WidthRow)}
    return [WidthRow(**{name: value for name, value in row.items() if name in names}) for row in read_rows(path)]


def _counted(args: Args) -> list[WidthRow]:
    """Count every instance that can be read."""
    compile_kernels()
    rows = []
    for path in _paths(args):
        try:
            instance = read_instance(path)
        except InstanceError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        rows.append(count(instance, args.evaluations, args.width, args.seed))
        print(f"{len(rows)}: {instance.name}, {rows[-1].seconds:.1f} s", file=sys.stderr, flush=True)
    if not rows:
        raise InputError(
            "no instance can be counted", field="--instances", remedy="give names or a folder of .vrp files"
        )
    return rows


def table(rows: list[WidthRow]) -> str:
    """Lay out the medians over the instances of each size as Markdown."""
    columns = ["customers", "instances", *ENCODINGS.values(), "solved by presolve"]
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for low, high in CLASSES:
        chosen = [row for row in rows if low <= row.n_customers < high]
        if not chosen:
            continue
        sizes = [row.n_customers for row in chosen]
        cells = [f"{min(sizes)} … {max(sizes)}", f"{len(chosen)}"]
        for name in ENCODINGS:
            values = [getattr(row, name) for row in chosen]
            text = f"{median(values):,.1f}" if name.endswith("_mean") else f"{median(values):,.0f}"
            cells.append(text.replace(",", " "))
        cells.append(f"{100 * median(row.solved for row in chosen):.0f} %")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(rows: list[WidthRow], args: Args) -> None:
    """Draw width against the number of customers, both logarithmic."""
    from lagrl.plot.picture_style import one_panel, save_figure

    assert args.picture is not None
    save_figure(one_panel(lambda axes: _widths(axes, rows, args.width), 10.0, 5.6), args.picture)


def _widths(axes: Axes, rows: list[WidthRow], core: int) -> None:
    from lagrl.plot.picture_style import colour, finish, mark, outside_legend, reference_line

    series = ("direct", "slack", "slack_free", "presolve_max", "presolve_mean", "core_mean")
    n = [row.n_customers for row in rows]
    for number, name in enumerate(series):
        width = [max(getattr(row, name), 0.05) for row in rows]
        label = f"core of {core}, mean" if name == "core_mean" else ENCODINGS[name]
        axes.scatter(n, width, s=22, marker=mark(number), color=colour(number), label=label, alpha=0.8, linewidths=0)
    reference_line(axes, core, f"{core} qubits", above=False)
    axes.set(xscale="log", yscale="log")
    finish(axes, "Width of the circuits", "customers n", "qubits of an instance's circuits", has_legend=False)
    outside_legend(axes)


def _paths(args: Args) -> list[Path]:
    if not args.instances:
        folder = data_folder(args.data)
        return sorted({path.stem: path for path in (*folder.glob("*/*.vrp"), *folder.glob("*.vrp"))}.values())
    names = [name for given in args.instances for name in (suite(given) if given in SUITES else (given,))]
    return [resolve_instance(name, args.data) for name in names]


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"logical_width: {error}")
