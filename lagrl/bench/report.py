"""Reports on result rows: gaps, differences from the baseline, families, and the origin of the rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Literal

from lagrl.bench.caveats import caveats, provenance
from lagrl.bench.comparison import (
    EXACT,
    MEANS,
    QUANTUM,
    baseline_controller,
    by_family,
    cells,
    cost_differences,
    differences,
    mean_cost,
    require_sampler,
)
from lagrl.bench.grouping import Grouping
from lagrl.bench.tables import Table, markdown, to_csv, to_markdown
from lagrl.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lagrl.bench.comparison import Cell, Difference
    from lagrl.bench.grouping import Line
    from lagrl.bench.schema import Row
    from lagrl.bench.statistics import Interval

Format = Literal["md", "csv"]

# With fewer pairs even all of one sign has a chance above 5 % (two-sided sign test), whatever a bootstrap says.
FEWEST_PAIRS = 6

CSV_FIELDS = (
    *("section", "controller", "sampler", "method", "fleet", "budget", "family", "baseline"),
    *("n_instances", "n_rows", "n_feasible", "mean", "low", "high", "median", "maximum", "marked"),
    *(*MEANS, "note"),
)

_DUAL_NOTE = (
    "The dual value is that of the linearisation whose routes were best, so it need not rise with the budget; it "
    "bounds that linearisation's assignment surrogate, **not** the CVRP, and may lie above the cost of routes."
)


def report(
    rows: Iterable[Row], *, format: Format = "md", baseline: str | None = None, baseline_sampler: str = EXACT
) -> str:
    """Compare the controllers of some result rows.

    Parameters
    ----------
    rows
        As from `read_rows`, in any order: the same rows give the same report.
    format
        `md`: rounded tables. `csv`: the same numbers in full, one record a line; its `section` is `gap`, `cost`,
        `difference` or `cost difference` (from the baseline controller), `sampler difference` (from the baseline
        sampler), `family`, `caveat` or `provenance`.
    baseline
        Controller to compare with; None takes `perturbed` if there is one, else the alphabetically first.
    baseline_sampler
        Sampler to compare others with.

    Raises
    ------
    InputError
        If there are no rows.
    UnknownNameError
        If the format is unknown or no row is of the baseline controller or sampler.
    """
    if format not in ("md", "csv"):
        raise UnknownNameError.of("format", format, ("md", "csv"))
    grouping = Grouping(rows)
    reference = baseline_controller(grouping, baseline)
    require_sampler(grouping, baseline_sampler)
    make = _csv if format == "csv" else _markdown
    return make(grouping, reference, baseline_sampler)


def _markdown(grouping: Grouping, baseline: str, baseline_sampler: str) -> str:
    tables = [
        _gap_table(grouping),
        _cost_table(grouping, baseline),
        detail_table(grouping),
        *difference_tables(grouping, baseline, baseline_sampler),
        _family_table(grouping),
    ]
    parts = ["## Results\n"]
    warnings = caveats(grouping)
    if warnings:
        parts.append("".join(f"> **Note.** {markdown(warning)}\n>\n" for warning in warnings).removesuffix(">\n"))
    parts += [to_markdown(table) for table in tables if table.rows]
    parts.append("### Provenance\n\n" + "".join(f"- {markdown(line)}\n" for line in provenance(grouping.rows)))
    return "\n".join(parts)


def _table(grouping: Grouping, title: str, header: list[str], rows: list[tuple[Line, list[str]]], note: str) -> Table:
    """Return a table whose rows start with the labels of a line."""
    labels = label_names(grouping)
    cells = [[*(str(getattr(line, name)) for name in labels), *values] for line, values in rows]
    return Table(title, [*labels, *header], cells, len(labels), note)


def _gap_table(grouping: Grouping) -> Table:
    gaps = {(cell.line, cell.budget): cell.gap for cell in cells(grouping)}
    return _table(
        grouping,
        f"Mean gap to the {grouping.reference}, %, by budget in evaluations (instances)",
        [f"{budget} ({len(grouping.instances_with_gap(budget))})" for budget in grouping.budgets],
        [(line, [interval_text(gaps.get((line, budget))) for budget in grouping.budgets]) for line in grouping.lines],
        "In brackets: 95 % percentile bootstrap interval over instances, each the mean over its seeds.",
    )


def _cost_table(grouping: Grouping, baseline: str) -> Table:
    found = {(d.line, d.budget): d.interval for d in cost_differences(grouping, controller=baseline)}
    shown = [
        (
            line,
            [
                text
                for budget in grouping.budgets
                for text in (
                    fixed(mean_cost(grouping, line, budget)),
                    interval_text(found.get((line, budget)), "+.2f"),
                )
            ],
        )
        for line in grouping.lines
    ]
    return _table(
        grouping,
        f"Mean cost by budget, and its difference from `{baseline}` run the same way (negative is better)",
        [text for budget in grouping.budgets for text in (str(budget), "difference")],
        shown if any(set(cells) != {"—"} for _, cells in shown) else [],
        "In distance units, over instances with feasible rows of all lines; in brackets: 95 % bootstrap interval, "
        "paired by instance.",
    )


def detail_table(grouping: Grouping) -> Table:
    """Return the table of spread, feasible rows, time and circuits of each line at each budget."""
    shown = cells(grouping)
    quantum = [name for name in QUANTUM if any(cell.means[name] for cell in shown)]
    dual = ["dual value"] if any(cell.means["dual_value"] is not None for cell in shown) else []

    def numbers(cell: Cell) -> list[str]:
        spread = [str(cell.budget), fixed(cell.median), fixed(cell.maximum), f"{cell.n_feasible}/{cell.n_rows}"]
        spent = [short(cell.means[name]) for name in ("seconds", *quantum)]
        return [*spread, *spent, *([fixed(cell.means["dual_value"])] if dual else [])]

    return _table(
        grouping,
        "Spread, feasible rows and time",
        [
            *("budget", "median gap", "max gap", "feasible", "seconds"),
            *(name.replace("_", " ") for name in quantum),
            *dual,
        ],
        [(cell.line, numbers(cell)) for cell in shown],
        " ".join(
            ["Seconds are classical, compilation excluded; means over instances.", *([_DUAL_NOTE] if dual else [])]
        ),
    )


def difference_tables(grouping: Grouping, baseline: str, baseline_sampler: str) -> list[Table]:
    """Return the tables of paired differences from the baseline controller and from the baseline sampler."""
    by_controller = differences(grouping, controller=baseline)
    by_sampler = differences(grouping, sampler=baseline_sampler)
    compared = {difference.line for difference in by_sampler}
    return [
        _difference_table(
            f"that of `{baseline}` run the same way",
            grouping,
            by_controller,
            [line for line in grouping.lines if line.controller != baseline],
        ),
        _difference_table(
            f"that of the same controller with sampler `{baseline_sampler}`",
            grouping,
            by_sampler,
            [line for line in grouping.lines if line in compared],
        ),
    ]


def _difference_table(other: str, grouping: Grouping, found: list[Difference], lines: list[Line]) -> Table:
    by_place = {(difference.line, difference.budget): difference for difference in found}

    def show(line: Line, budget: int) -> str:
        difference = by_place.get((line, budget))
        if difference is None:
            return "—"
        mark = " *" if is_marked(difference) else ""
        return interval_text(difference.interval, "+.2f") + mark

    return _table(
        grouping,
        f"Mean gap minus {other}, percentage points (negative is better)",
        [str(budget) for budget in grouping.budgets],
        [(line, [show(line, budget) for budget in grouping.budgets]) for line in lines],
        "In brackets: 95 % bootstrap interval, paired by instance; \\* marks those without 0, withheld below "
        f"{FEWEST_PAIRS} instances; — where either has no gap. Not corrected for the number of comparisons.",
    )


def _family_table(grouping: Grouping) -> Table:
    found = {(g.line, g.family): g for g in by_family(grouping)}
    counts = {g.family: g.n_instances for g in found.values()}
    families = sorted(counts)
    return _table(
        grouping,
        f"Mean gap by family at budget {grouping.budgets[-1]}, % (instances)",
        [f"{name} ({counts[name]})" for name in families],
        [(line, [fixed(found[line, name].gap) for name in families]) for line in sorted({line for line, _ in found})],
        "",
    )


def _csv(grouping: Grouping, baseline: str, baseline_sampler: str) -> str:
    records: list[Mapping[str, object]] = []
    for cell in cells(grouping):
        fields = asdict(cell)
        del fields["line"], fields["gap"], fields["means"]
        interval = asdict(cell.gap) if cell.gap else {}
        records.append({"section": "gap", **asdict(cell.line), **fields, **cell.means, **interval})
        place = {"section": "cost", **asdict(cell.line), "budget": cell.budget}
        n_instances = len(grouping.costs(cell.line, cell.budget))
        records.append({**place, "n_instances": n_instances, "mean": mean_cost(grouping, cell.line, cell.budget)})
    for section, reference, found in (
        ("difference", baseline, differences(grouping, controller=baseline)),
        ("cost difference", baseline, cost_differences(grouping, controller=baseline)),
        ("sampler difference", baseline_sampler, differences(grouping, sampler=baseline_sampler)),
    ):
        records += [
            {
                **{"section": section, **asdict(d.line), "budget": d.budget, "baseline": reference},
                **{"n_instances": d.n_instances, **asdict(d.interval), "marked": int(is_marked(d))},
            }
            for d in found
        ]
    records += [
        {
            **{"section": "family", **asdict(g.line), "budget": g.budget, "family": g.family},
            **{"n_instances": g.n_instances, "mean": g.gap},
        }
        for g in by_family(grouping)
    ]
    records += [{"section": "caveat", "note": note} for note in caveats(grouping)]
    records += [{"section": "provenance", "note": note} for note in provenance(grouping.rows)]
    return to_csv(CSV_FIELDS, records)


def label_names(grouping: Grouping) -> list[str]:
    """Return the fields of a line that label it in tables; `fleet` only if lines have one."""
    names = ["controller", "sampler", "method"]
    return [*names, "fleet"] if any(line.fleet for line in grouping.lines) else names


def is_marked(difference: Difference) -> bool:
    """Whether an interval excludes 0 and there are enough pairs for a mark."""
    return difference.interval.excludes_zero and difference.n_instances >= FEWEST_PAIRS


def interval_text(interval: Interval | None, style: str = ".2f") -> str:
    """Return "mean [low, high]", a dash in place of an unbounded interval, or a dash alone if there is none."""
    if interval is None:
        return "—"
    if interval.low == -interval.high == float("-inf"):
        return f"{interval.mean:{style}} [—]"
    return f"{interval.mean:{style}} [{interval.low:{style}}, {interval.high:{style}}]"


def fixed(value: float | None) -> str:
    """Return a number with two decimals, or a dash."""
    return "—" if value is None else f"{value:.2f}"


def short(value: float | None) -> str:
    """Return a number with three significant digits, or a dash."""
    if value is None:
        return "—"
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
