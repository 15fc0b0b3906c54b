"""Figure 8 and Table VIII: gaps and budgets of solves whose knapsacks are answered by simulated circuits."""

from __future__ import annotations

from math import isfinite
from statistics import mean, median
from typing import TYPE_CHECKING, Any

from lagrl.bench.tables import Table
from lagrl.errors import InputError
from lagrl.paper.drawing import OURS, PUBLISHED, bars, legend, one_axes
from lagrl.paper.items import NOT_KNOWN, ItemContent, PaperItem, Published
from lagrl.paper.route_items import interval_of, mean_gaps, revisions, shown
from lagrl.paper.sampler_roles import BANDIT, HARDWARE, NOISY, ROLES, role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from lagrl.bench.schema import Row
    from lagrl.paper.sources import RowSource

REPORTED = {NOISY: ("18.54", NOT_KNOWN), HARDWARE: ("17.83", "17.02"), BANDIT: ("15.72", "14.32")}
"""Published mean and median gap, %; the paper's hardware was IBM's."""


def rows_by_role(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows of what each sampler stands for, in the order of `ROLES`, an account's devices last.

    Only instances that every role has are kept, and of several controllers, methods and budgets the most frequent.

    Raises
    ------
    InputError
        If no instance is left.
    """
    rows = [row for row in rows if role(row["sampler"]) in ROLES or row["sampler"].startswith("ibm:")]
    settings = [(row["controller"], row["method"], row["budget"]) for row in rows]
    chosen = max(sorted(set(settings)), key=settings.count, default=None)
    found: dict[str, list[Row]] = {name: [] for name in ROLES}
    for row, setting in zip(rows, settings, strict=True):
        if setting == chosen:
            found.setdefault(role(row["sampler"]), []).append(row)
    found = {name: own for name, own in found.items() if own}
    common = set.intersection(*(set(mean_gaps(own)) for own in found.values())) if found else set()
    if not common:
        raise InputError(
            "no instance in common", field="rows", remedy="give rows of every sampler on the same instances"
        )
    return {name: [row for row in own if row["instance"] in common] for name, own in found.items()}


def make_fig8(source: RowSource) -> ItemContent:
    """Make Figure 8: gap by what answers the knapsacks."""
    by_role = rows_by_role(source.samplers)
    lines: list[list[str]] = []
    records: list[dict[str, Any]] = []
    for name, rows in by_role.items():
        gaps = mean_gaps(rows)
        interval, published = interval_of(gaps.values()), REPORTED.get(name, ("", ""))
        samplers = len({row["sampler"] for row in rows})
        lines.append([name, shown(interval), published[0], f"{median(gaps.values()):.2f}", published[1], str(samplers)])
        records.append(
            {
                **{"execution": name, "instances": len(gaps), "mean": interval.mean, "low": interval.low},
                **{"high": interval.high, "median": median(gaps.values())},
                **{"published_mean": published[0], "published_median": published[1]},
            }
        )
    header = ["execution", "mean gap %", "published mean", "median gap %", "published median", "samplers"]
    table = Table("Gap by execution", header, lines, note=_setting(by_role))

    def draw(figure: Figure) -> None:
        axes = one_axes(figure, "gap to best known cost, %", "", grid="x")
        ranges = [(record["low"], record["high"]) for record in records]
        bars(axes, list(by_role), [record["mean"] for record in records], ranges, label="ours, mean", colour=OURS)
        for column, marker, fill, label in (
            ("median", "|", OURS, "ours, median"),
            ("published_mean", "D", PUBLISHED, "published, mean"),
            ("published_median", "o", "none", "published, median"),
        ):
            places = [i for i, record in enumerate(records) if str(record[column]) not in ("", NOT_KNOWN)]
            values = [float(records[i][column]) for i in places]
            colour = "#222222" if column == "median" else PUBLISHED
            size = 130 if marker == "|" else 42
            style: dict[str, Any] = {"color": colour} if marker == "|" else {"facecolor": fill, "edgecolor": colour}
            axes.scatter(values, places, s=size, marker=marker, zorder=4, label=label, **style)
        published = (float(value) for pair in REPORTED.values() for value in pair if value != NOT_KNOWN)
        axes.set_xlim(0.0, 1.1 * max(*published, *(record["high"] for record in records if isfinite(record["high"]))))
        legend(axes, loc="upper right")

    notes = () if source.given.samplers else (source.instance_note,)
    return ItemContent((table,), records, revisions(source.samplers), draw, (7.2, 1.6 + 0.45 * len(lines)), notes)


def make_table8(source: RowSource) -> ItemContent:
    """Make Table VIII: what each instance took in evaluations, circuits, shots and gates under the bandit."""
    by_role = rows_by_role(source.samplers)
    name = next((own for own in (BANDIT, HARDWARE, NOISY) if own in by_role), None)
    if name is None:
        raise InputError("no row with circuits", field="rows", remedy="give rows of a noisy sampler or a bandit")
    fields = {
        "evaluations": "evaluations",
        "circuits": "circuits",
        "shots": "shots",
        "two_qubit_gates": "two-qubit gates",
        "depth": "largest two-qubit depth",
        "jobs": "jobs",
        "seconds": "classical s",
    }
    lines, records = [], []
    instances = {row["instance"]: row for row in by_role[name]}
    for instance, first in sorted(instances.items(), key=lambda item: (item[1]["n_customers"], item[0])):
        own = [row for row in by_role[name] if row["instance"] == instance]
        values = {field: mean(float(row.get(field) or 0.0) for row in own) for field in fields}
        size = {"instance": instance, "n_customers": first["n_customers"], "n_vehicles": first["n_vehicles"]}
        gap = mean_gaps(own)[instance]
        cells = [f"{value:.2f}" if field == "seconds" else f"{value:,.0f}" for field, value in values.items()]
        lines.append([*map(str, size.values()), *cells, f"{gap:.2f}"])
        records.append({**size, **values, "gap_pct": gap})
    header = ["instance", "n", "K", *fields.values(), "gap %"]
    note = f"Means over seeds, under {name}. {_setting(by_role)}"
    table = Table("Budgets of every instance", header, lines, note=note)
    notes = () if source.given.samplers else (source.instance_note,)
    return ItemContent((table,), records, revisions(by_role[name]), notes=notes)


def _setting(by_role: dict[str, list[Row]]) -> str:
    first = next(iter(by_role.values()))[0]
    shots = sorted({row["config"].get("shots") for own in by_role.values() for row in own if row["circuits"]})
    instances = len({row["instance"] for row in next(iter(by_role.values()))})
    return (
        f"{instances} instances, controller {first['controller']}, {first['budget']} evaluations, method "
        f"{first['method']}, {', '.join(map(str, shots)) or 'no'} shots per vehicle; 95 % bootstrap intervals over "
        "instances."
    )


_DEVICES_DIFFER = (
    "No quantum computer is used: devices are fake backends (calibration snapshots) whose noise is simulated, hardware "
    "without a bandit is one static circuit on their best line, and at most 8 customers per vehicle are variables."
)

SAMPLER_ITEMS = (
    PaperItem(
        "fig8",
        "Gap under noisy simulation, on hardware, and on hardware with the bandit.",
        _DEVICES_DIFFER,
        make_fig8,
        "1 min",
        "1 h",
        tuple(
            Published(f"{what}, {kind} gap", f"{value} %")
            for what, pair in zip(("noisy simulation", "hardware", "hardware + bandit"), REPORTED.values(), strict=True)
            for kind, value in zip(("mean", "median"), pair, strict=True)
            if value != NOT_KNOWN
        ),
    ),
    PaperItem(
        "table8",
        "Budgets of every instance.",
        _DEVICES_DIFFER,
        make_table8,
        "1 min",
        "1 h",
    ),
)
