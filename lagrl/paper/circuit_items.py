"""Figures 2, 9 and 10, Table VII: widths of circuits, penalties and ansätze, and compiled circuits."""

from __future__ import annotations

from statistics import mean, median
from typing import TYPE_CHECKING, Any

from lagrl.bench.tables import Table
from lagrl.paper.drawing import GREY, MARKERS, OURS, OURS_LIGHT, bars, legend, legend_outside, one_axes, styled
from lagrl.paper.items import ItemContent, PaperItem
from lagrl.paper.route_items import interval_of, revisions
from lagrl.plot.picture_style import COLOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from lagrl.paper.figure_rows import FigureRow
    from lagrl.paper.sources import RowSource

Values = list[dict[str, Any]]

WIDTHS = {
    "direct": "direct QUBO, n²·K",
    "slack": "one vehicle, slack bits",
    "slack_free": "one vehicle, slack-free",
    "presolve_max": "after presolve, largest",
    "presolve_mean": "after presolve, mean",
    "core_mean": "core, mean",
}
"""Counts of `lagrl.paper.widths.WidthRow`, and their names in the figures."""


def values_of(rows: Sequence[FigureRow]) -> Values:
    """Return what was measured, one mapping per entry of all rows."""
    return [value for row in rows for value in row["values"]]


def make_fig2(source: RowSource) -> ItemContent:
    """Make Figure 2: qubits of the direct encoding and of the decomposition, by size class."""
    from lagrl.paper.widths import CLASSES

    rows = values_of(source.widths)
    classes = [[row for row in rows if low <= row["n_customers"] < high] for low, high in CLASSES]
    classes = [own for own in classes if own]
    names = [f"{min(r['n_customers'] for r in own)} to {max(r['n_customers'] for r in own)}" for own in classes]
    middle = {count: [median(row[count] for row in own) for own in classes] for count in WIDTHS}
    lines = [
        [name, str(len(own)), *(_count(middle[count][place]) for count in WIDTHS)]
        for place, (name, own) in enumerate(zip(names, classes, strict=True))
    ]
    note = (
        "Medians over the instances of a size class, in qubits. Direct: one bit for each customer, vehicle and "
        "position, without bits for the capacities. After presolve and core: over the knapsacks of a dual ascent."
    )
    table = Table("Logical width", ["customers", "instances", *WIDTHS.values()], lines, note=note)

    def draw(figure: Figure) -> None:
        axes = one_axes(figure, "customers of the instance", "qubits of a circuit")
        series = ("direct", "slack", "slack_free", "presolve_max", "core_mean")
        for place, count in enumerate(series):
            offset = [i + 0.16 * (place - 2) for i in range(len(names))]
            axes.bar(offset, middle[count], 0.15, color=COLOURS[place], label=WIDTHS[count])
        axes.set_yscale("log")
        axes.set_xticks(range(len(names)), names)
        legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    notes = () if source.given.figures["widths"] else (source.instance_note,)
    return ItemContent((table,), rows, revisions(source.widths), draw, (8.2, 4.2), notes)


def _count(value: float) -> str:
    return f"{value:,.1f}" if value != int(value) else f"{int(value):,}"


def make_fig9(source: RowSource) -> ItemContent:
    """Make Figure 9: width of a vehicle's circuit against the size of the instance."""
    rows = sorted(values_of(source.widths), key=lambda row: (row["n_customers"], row["instance"]))
    shown_counts = ("slack", "slack_free", "presolve_max", "presolve_mean", "core_mean")
    lines = [
        [row["instance"], str(row["n_customers"]), str(row["n_vehicles"]), *(_count(row[c]) for c in shown_counts)]
        for row in rows
    ]
    header = ["instance", "n", "K", *(WIDTHS[count] for count in shown_counts)]
    table = Table("Width against instance size", header, lines, note="In qubits. The picture shows 0 as 0.5.")

    def draw(figure: Figure) -> None:
        axes = one_axes(figure, "customers of the instance", "qubits of a vehicle's circuit", grid="both")
        for place, count in enumerate(shown_counts):
            axes.scatter(
                [row["n_customers"] for row in rows],
                [max(row[count], 0.5) for row in rows],  # 0: all knapsacks were solved by presolve
                s=20,
                marker=MARKERS[place],
                color=COLOURS[place],
                label=WIDTHS[count],
                alpha=0.85,
                linewidths=0,
            )
        axes.set(xscale="log", yscale="log")
        sizes = [n for n in (10, 20, 50, 100, 200, 500, 1000) if rows[0]["n_customers"] <= n <= rows[-1]["n_customers"]]
        axes.set_xticks(sizes, [str(n) for n in sizes])
        axes.minorticks_off()
        legend(axes, loc="upper left")

    notes = () if source.given.figures["widths"] else (source.instance_note,)
    return ItemContent((table,), rows, revisions(source.widths), draw, (6.8, 4.4), notes)


def make_fig10(source: RowSource) -> ItemContent:
    """Make Figure 10: penalties and ansätze on single knapsacks, under noise where they have circuits."""
    rows = [row for row in values_of(source.knapsacks) if row.get("kind") == "row"]
    by_name: dict[tuple[str, str], Values] = {}
    for row in rows:
        by_name.setdefault((row["name"], row["noise"]), []).append(row)
    circuits = [name for name, noise in by_name if noise == "surrogate" and not name.endswith("/ 0")]
    controls = ("- / uniform / 0", "- / product / 0", "- / greedy / 0", "aimed / annealing / 0")
    records: list[dict[str, Any]] = []
    for name in (*controls, *circuits):
        penalty, ansatz, depth = name.split(" / ")
        for noise in ("ideal", "surrogate"):
            own = by_name.get((name, noise), [])
            if own:
                gap = interval_of(_by_instance(own, "gap"))
                records.append(
                    {
                        **{"penalty": penalty, "ansatz": ansatz, "depth": int(depth), "noise": noise},
                        **{"knapsacks": len(own), "feasible": mean(_by_instance(own, "feasible"))},
                        **{"optimal": mean(_by_instance(own, "optimal")), "gap": gap.mean},
                        **{"low": gap.low, "high": gap.high},
                        "repaired_gap": mean(_by_instance(own, "repaired_gap")),
                    }
                )
    found = {(r["penalty"], r["ansatz"], r["depth"], r["noise"]): r for r in records}
    lines = []
    for penalty, ansatz, depth in dict.fromkeys((r["penalty"], r["ansatz"], r["depth"]) for r in records):
        ideal = found.get((penalty, ansatz, depth, "ideal"))
        noisy = found.get((penalty, ansatz, depth, "surrogate"))
        cells = [_percent(one, field) for field in ("feasible", "optimal", "gap") for one in (ideal, noisy)]
        count = (ideal or noisy or {}).get("knapsacks", 0)
        lines.append([penalty, ansatz, str(depth), *cells, str(count)])
    header = ["penalty", "ansatz", "layers"]
    header += [f"{what}, {how}" for what in ("feasible", "P(opt)", "gap") for how in ("ideal", "noisy")]
    note = (
        "In %. Feasible: share of strings within the capacity; P(opt): probability of an optimal string; gap: "
        "expected gap of the best of 64 strings to the optimum, without repair. Noisy: FakeKingston, by the surrogate. "
        "Means over instances, each the mean of its knapsacks. "
        "Penalties: tilted with greedy's load or the whole room as intended load, unbalanced (Taylor), slack bits."
    )
    table = Table("Penalties and ansätze under noise", [*header, "knapsacks"], lines, n_labels=2, note=note)

    def draw(figure: Figure) -> None:
        penalties = [p for p in ("greedy", "room", "unbalanced", "slack") if any(r["penalty"] == p for r in records)]
        names = {"greedy": "tilted, greedy's load", "room": "tilted, whole room"}
        ansatze = ("cold QAOA", "warm QAOA", "linear", "pairwise", "circular")
        every = figure.subplots(1, len(penalties), sharey=True, sharex=True)
        product = found.get(("-", "product", 0, "ideal"))
        for axes, penalty in zip(every, penalties, strict=True):
            own = [found.get((penalty, ansatz, 1, "surrogate")) for ansatz in ansatze]
            kept = [(ansatz, one) for ansatz, one in zip(ansatze, own, strict=True) if one]
            styled(axes, "", "", grid="x")
            for offset, colour, noise in ((-0.2, OURS_LIGHT, "ideal"), (0.2, OURS, "surrogate")):
                chosen = [found[penalty, ansatz, 1, noise] for ansatz, _ in kept]
                ranges = [(100 * one["low"], 100 * one["high"]) for one in chosen]
                label = "ideal" if noise == "ideal" else "under noise"
                values = [100 * one["gap"] for one in chosen]
                bars(axes, [a for a, _ in kept], values, ranges, label=label, colour=colour, offset=offset, height=0.38)
            if product:
                label = "product state, no circuit"
                axes.axvline(100 * product["gap"], color=GREY, linestyle=(0, (4, 2)), linewidth=1.2, label=label)
            axes.set_title(names.get(penalty, penalty), fontsize=9.5, loc="left")
        figure.supxlabel("gap of the best of 64 strings, %, one layer", fontsize=10)
        legend_outside(figure, every[0], above=True)

    return ItemContent((table,), records, revisions(source.knapsacks), draw, (9.4, 3.8))


def _by_instance(rows: Values, field: str) -> list[float]:
    """Return the mean of a field for each instance: knapsacks of one instance are not independent."""
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(row["knapsack"].rpartition(" ")[0], []).append(row[field])
    return list(map(mean, found.values()))


def _percent(record: dict[str, Any] | None, field: str) -> str:
    return "—" if record is None else f"{100 * record[field]:.2f}"


def make_table7(source: RowSource) -> ItemContent:
    """Make Table VII: two-qubit gates, depth and fidelity of compiled circuits."""
    rows = values_of(source.circuits)
    lines = [
        [
            row["backend"],
            str(row["width"]),
            f"{row['circuit']}, {row['layers']} layer{'s' if row['layers'] > 1 else ''}",
            row["how"],
            str(row["logical_gates"]),
            str(row["gates"]),
            f"{row['gates'] / row['logical_gates']:.2f}" if row["logical_gates"] else "—",
            str(row["depth"]),
            f"{row['fidelity']:.3f}",
        ]
        for row in rows
    ]
    header = ["backend", "variables", "circuit", "compiled", "logical gates", "gates", "overhead", "depth", "fidelity"]
    note = (
        "Two-qubit gates and their depth. Logical gates of QAOA: two for every pair of variables. Fidelity: ∏ (1 − e) "
        "over all gates, measurements excluded. Pair by pair: the same QAOA layer, placed and routed by qiskit's "
        "transpiler at level 1, one seed."
    )
    table = Table("Compiled circuits", header, lines, n_labels=4, note=note)
    return ItemContent((table,), rows, revisions(source.circuits))


CIRCUIT_ITEMS = (
    PaperItem(
        "fig2",
        "Logical width: direct QUBO against the decomposition.",
        "The direct encoding counted here is customer × vehicle × position; the paper's is not known to us.",
        make_fig2,
        "10 s",
        "5 min",
    ),
    PaperItem(
        "fig9",
        "Logical width against instance size.",
        "Widths are counted over the knapsacks of a dual ascent, before and after presolve.",
        make_fig9,
        "10 s",
        "5 min",
    ),
    PaperItem(
        "fig10",
        "Penalties and ansätze on small knapsacks under noise.",
        "Knapsacks come from dual ascents on generated instances, noise is that of a fake backend, and angles are "
        "fixed ramps for QAOA and 10 evaluations of COBYLA for hardware-efficient circuits.",
        make_fig10,
        "1 min",
        "20 min",
    ),
    PaperItem(
        "table7",
        "Overhead of compiled circuits.",
        "Circuits are compiled for fake backends, on a line of qubits chosen by calibration, with an own swap network.",
        make_table7,
        "10 s",
        "1 min",
    ),
)
