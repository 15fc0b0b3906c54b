"""The page's tables: summary, instances, families, configurations and versions, and any table as HTML."""

from __future__ import annotations

import html
import json
import re
from collections import Counter, defaultdict
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.bench.comparison import cells, differences
from lagrl.bench.page.page_figures import varying_fields
from lagrl.bench.report import fixed, interval_text, is_marked, short
from lagrl.bench.tables import Table
from lagrl.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lagrl.bench.grouping import Grouping, Line
    from lagrl.bench.page.page_figures import PageFigure
    from lagrl.bench.schema import Row

_DASH = "—"
_ONE_LINE = 44  # most characters of a label that is not broken


def summary(grouping: Grouping, baseline: str, figures: Mapping[str, PageFigure]) -> Table:
    """Return one row for each line and budget, the lowest mean gap at the largest budget first."""
    labels = varying_fields(grouping.lines)
    marked = {(d.line, d.budget): d for d in differences(grouping, controller=baseline)}
    improvement = _by_line(figures["improvement"], 0)
    middle, infeasible = (_by_line(figures["interquartile-mean"], panel) for panel in (0, 1))
    body = []
    order = sorted(cells(grouping), key=lambda c: (-c.budget, c.gap.mean if c.gap else np.inf, c.line))
    has_circuits = any(cell.means["circuits"] for cell in order)
    for cell in order:
        place = grouping.lines.index(cell.line), cell.budget
        difference = marked.get((cell.line, cell.budget))
        star = " *" if difference and is_marked(difference) else ""
        body.append(
            [
                *(str(getattr(cell.line, name)) for name in labels),
                *(str(cell.budget), str(cell.n_instances), interval_text(cell.gap)),
                interval_text(difference.interval, "+.2f") + star if difference else _DASH,
                _ends(improvement.get(place)),
                _ends(middle.get(place)),
                _percent(infeasible.get(place)),
                *(fixed(cell.median), fixed(cell.maximum)),
                short(cell.means["seconds"]),
                *([short(cell.means["circuits"])] if has_circuits else []),
            ]
        )
    return Table(
        f"Gap to the {grouping.reference}, %",
        [
            *(*labels, "budget", "instances", "mean gap", f"minus {baseline}", f"P(lower than {baseline})"),
            *("interquartile mean", "infeasible, %", "median", "largest", "seconds"),
            *(["circuits"] if has_circuits else []),
        ],
        body,
        len(labels),
        "Mean gap and its difference: 95 % bootstrap interval over instances, each the mean over its seeds; \\* marks "
        "differences whose interval excludes 0 (6 instances or more; not corrected for the number of comparisons). "
        "Interquartile mean and probability: interval over seeds on the same instances; [—] with one seed. Seconds are "
        "means over instances, without compilation and circuits.",
    )


def _by_line(figure: PageFigure, panel: int) -> dict[tuple[int, int], dict[str, float | None]]:
    """Return the values of a figure of dots by line and budget."""
    return {
        (value["line"], budget): value
        for budget, drawing in figure.drawings.items()
        for value in drawing["panels"][panel]["values"]
    }


def _ends(value: Mapping[str, float | None] | None) -> str:
    if value is None or value["mean"] is None:
        return _DASH
    low, high = value.get("low"), value.get("high")
    ends = _DASH if low is None or high is None else f"{low:.2f}, {high:.2f}"
    return f"{value['mean']:.2f} [{ends}]"


def _percent(value: Mapping[str, float | None] | None) -> str:
    return _DASH if value is None or value["mean"] is None else f"{value['mean']:.3g}"


def by_instance(grouping: Grouping, budget: int, names: Sequence[str]) -> Table:
    """Return the mean gap of every line on every instance at a budget; `names` are those of the lines."""
    lines = [line for line in grouping.lines if grouping.members(line, budget)]
    rows: dict[str, dict[Line, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        for row in grouping.members(line, budget):
            rows[row["instance"]][line].append(row)
    body = []
    for instance, by_line in sorted(rows.items()):
        first = next(iter(by_line.values()))[0]
        known = sorted({str(short(row["best_known"])) for r in by_line.values() for row in r if row["best_known"]})
        body.append([instance, first["family"], str(first["n_customers"]), " or ".join(known) or _DASH])
        body[-1] += [_gap_of(by_line.get(line, [])) for line in lines]
    return Table(
        f"Mean gap on each instance at {budget} evaluations, %",
        ["instance", "family", "customers", "best known", *(names[grouping.lines.index(line)] for line in lines)],
        body,
        2,
        "Mean over the feasible seeds; (2 of 3) is how many were feasible, if not all; the lowest of a row is bold.",
    )


def _gap_of(rows: Sequence[Row]) -> str:
    gaps = [row["gap_pct"] for row in rows if row["feasible"] and row["gap_pct"] is not None]
    text = fixed(fmean(gaps)) if gaps else _DASH
    return text if len(gaps) == len(rows) else f"{text} ({len(gaps)} of {len(rows)})"


def by_family(grouping: Grouping, budget: int, names: Sequence[str]) -> Table:
    """Return the mean gap of every line in every family at a budget, over the instances that all lines have."""
    family_of = {row["instance"]: row["family"] for row in grouping.rows}
    lines = [line for line in grouping.lines if grouping.gaps(line, budget)]
    means: dict[str, dict[Line, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        for instance, values in grouping.gaps(line, budget).items():
            means[family_of[instance]][line].append(fmean(values))
    body = [
        [family, str(max(map(len, by_line.values()))), *(fixed(fmean(by_line[line])) for line in lines)]
        for family, by_line in sorted(means.items())
    ]
    return Table(
        f"Mean gap of each family at {budget} evaluations, %",
        ["family", "instances", *(names[grouping.lines.index(line)] for line in lines)],
        body,
        1,
        "Over the instances that all lines have; the lowest of a row is bold.",
    )


def configurations(rows: Iterable[Row]) -> tuple[Table, Table]:
    """Return the settings that all rows share, and those that differ, one row per configuration without its seed."""
    rows = list(rows)
    values: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for name, value in row["config"].items():
            values[name].add(_json(value))
    everywhere = {name for name in values if all(name in row["config"] for row in rows)}
    equal = sorted(name for name in everywhere if len(values[name]) == 1)
    differing = sorted(set(values) - set(equal) - {"seed"})
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        config = row["config"]
        groups[tuple(_json(config[name]) if name in config else _DASH for name in differing)].append(row)
    body = [
        [
            *key,
            str(len(found)),
            ", ".join(map(str, sorted({row["seed"] for row in found}))),
            ", ".join(sorted({row["config_hash"] for row in found})),
        ]
        for key, found in sorted(groups.items())
    ]
    shared = Table("Settings of all rows", ["setting", "value"], [[n, next(iter(values[n]))] for n in equal], 2)
    return shared, Table(
        "Settings that differ", [*differing, "rows", "seeds", "hashes of configurations"], body, len(differing)
    )


def _json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def origins(rows: Iterable[Row], files: Sequence[tuple[str, str]]) -> list[Table]:
    """Return the tables of versions, revisions and files; `files` are names and SHA-256 sums."""
    rows = list(rows)
    versions = Counter((name, str(version)) for row in rows for name, version in row["versions"].items())
    revisions = Counter(row["git_revision"] or "none (not a checkout)" for row in rows)
    return [
        Table("Versions", ["package", "version", "rows"], [[*k, str(n)] for k, n in sorted(versions.items())], 2),
        Table("Git revisions", ["revision", "rows"], [[k, str(n)] for k, n in sorted(revisions.items())], 1),
        Table("Files of rows", ["file", "SHA-256"], [list(file) for file in files], 2),
    ]


def to_html(table: Table, name: str, *, select: str = "", bold_lowest: int | None = None) -> str:
    """Return a table as HTML that the page's script makes sortable and filterable.

    Parameters
    ----------
    table
        The table; all its text is escaped.
    name
        Identifier, also in the page's address.
    select
        Column that gets a list of its values to choose from.
    bold_lowest
        First column of those whose lowest number is bold in each row.
    """
    head = "".join(
        f'<th scope="col" class="{"label" if i < table.n_labels else "number"}"'
        f"{' data-select' if text == select else ''}>{_text(text).replace(' / ', '&nbsp;/ ')}</th>"
        for i, text in enumerate(table.header)
    )
    body = "\n".join(f"<tr>{_cells(row, table.n_labels, bold_lowest)}</tr>" for row in table.rows)
    note = f'<p class="note">{inline(table.note)}</p>' if table.note else ""
    return (
        f'<section class="table" id="table-{name}" data-table="{name}"><h3>{inline(table.title)}</h3>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{_text(table.title)}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table></div>{note}</section>"
    )


def _cells(row: Sequence[str], n_labels: int, bold_lowest: int | None) -> str:
    lowest: set[int] = set()
    if bold_lowest is not None and len(row) > bold_lowest + 1:
        numbers = {i: float(m[0]) for i in range(bold_lowest, len(row)) if (m := re.match(r"[+-]?\d+(\.\d+)?", row[i]))}
        lowest = {i for i, number in numbers.items() if number == min(numbers.values())}
    parts = []
    for i, text in enumerate(row):
        kind = ("label" if len(text) <= _ONE_LINE else "label long") if i < n_labels else "number"
        shown = f"<b>{_text(text)}</b>" if i in lowest else _text(text)
        parts.append(f'<th scope="row" class="{kind}">{shown}</th>' if i == 0 else f'<td class="{kind}">{shown}</td>')
    return "".join(parts)


def inline(text: str) -> str:
    """Return text with the Markdown of notes (code, strong, escaped stars) as HTML, all else escaped."""
    escaped = _text(text).replace("\\*", "&#42;")
    escaped = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", escaped)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)


def _text(text: Any) -> str:
    return html.escape(one_line(str(text)))
