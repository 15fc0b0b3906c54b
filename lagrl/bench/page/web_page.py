"""The report as one web page: text, tables, figures, script and style in one file that requests nothing."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib import resources
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

import lagrl
from lagrl.bench.caveats import caveats
from lagrl.bench.comparison import EXACT, baseline_controller, require_sampler
from lagrl.bench.grouping import Grouping
from lagrl.bench.ledger_report import ledger_tables
from lagrl.bench.page.page_figures import figures, styles, varying_fields
from lagrl.bench.page.page_tables import by_family, by_instance, configurations, inline, origins, summary, to_html
from lagrl.bench.page.route_maps import route_maps
from lagrl.bench.report import FEWEST_PAIRS, detail_table, difference_tables
from lagrl.bench.statistics import bootstrap_interval, paired_difference
from lagrl.errors import MissingExtraError
from lagrl.plot.picture_style import THEMES
from lagrl.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from lagrl.bench.page.page_figures import PageFigure
    from lagrl.bench.prices import PriceTable
    from lagrl.bench.schema import Row

_SEED = 1993
_MOST_NAMES = 8


def html_report(
    rows: Iterable[Row],
    *,
    prices: PriceTable,
    baseline: str | None = None,
    baseline_sampler: str = EXACT,
    files: Sequence[Path] = (),
    solutions: Path | None = None,
    data: Path | None = None,
) -> str:
    """Return the report on some result rows as one HTML page, about 5 MB of which are Plotly.

    The same rows, options and versions give the same page. Its content security policy forbids every request and every
    script but its own.

    Parameters
    ----------
    rows
        As from `read_rows`, in any order.
    prices
        Prices, powers and intensities of the ledger.
    baseline, baseline_sampler
        As for `lagrl.bench.report.report`.
    files
        The files of the rows, whose names and SHA-256 sums are stated.
    solutions, data
        Folders for the maps, see `route_maps`.

    Raises
    ------
    InputError
        If there are no rows, or a folder or solution file cannot be used.
    UnknownNameError
        If no row is of the baseline controller or sampler.
    MissingExtraError
        If plotly is not installed.
    """
    plotly = _plotly()
    grouping = Grouping(rows)
    reference = baseline_controller(grouping, baseline)
    require_sampler(grouping, baseline_sampler)
    drawn = figures(grouping, reference)
    maps, without_map = route_maps((row["instance"] for row in grouping.rows), solutions, data)
    budget = shown_budget(grouping)
    looks = styles(grouping.lines)
    names = [look["name"] for look in looks]
    content = {
        "colours": {name: theme.colours for name, theme in THEMES.items()},
        "lines": looks,
        "budgets": grouping.budgets,
        "budget": budget,
        "figures": [_figure_data(figure) for figure in drawn],
        "maps": maps,
    }
    script = _asset("page.js")
    parts = {
        "policy": _policy(plotly, script),
        "title": html.escape(_title(grouping)),
        "style": _asset("page.css"),
        "lead": inline(_lead(grouping)),
        "verdict": inline(verdict(grouping, budget, names)),
        "notes": _notes(caveats(grouping)),
        "sections": _sections(
            grouping, names, reference, baseline_sampler, drawn, prices, files, without_map, bool(maps)
        ),
        "version": html.escape(lagrl.__version__),
        "data": _script_json(content),
        "plotly": plotly,
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _asset("page.html"))


def shown_budget(grouping: Grouping) -> int:
    """Return the budget that the page shows first: the largest of those that the most lines have."""
    return max(
        grouping.budgets, key=lambda budget: (sum(bool(grouping.members(x, budget)) for x in grouping.lines), budget)
    )


def verdict(grouping: Grouping, budget: int, names: Sequence[str]) -> str:
    """Return one or two sentences: which line has the lowest mean gap at a budget, and over how many that is clear.

    Parameters
    ----------
    grouping
        The rows.
    budget
        Budget to compare at, in evaluations.
    names
        Name of each line of `grouping.lines`.
    """
    gaps = {line: grouping.gaps(line, budget) for line in grouping.lines}
    gaps = {line: values for line, values in gaps.items() if values}
    if not gaps:
        return f"There is no gap to compare at {budget} evaluations: no feasible row has a known cost to compare with."
    best = min(gaps, key=lambda line: (fmean(map(fmean, gaps[line].values())), line))
    name = names[grouping.lines.index(best)]
    interval = bootstrap_interval([fmean(v) for v in gaps[best].values()], np.random.default_rng(_SEED))
    ends = f"[{interval.low:.2f}, {interval.high:.2f}]" if np.isfinite(interval.low) else "(no interval)"
    text = (
        f"At {budget} evaluations **{_plain(name)}** has the lowest mean gap to the {grouping.reference}: "
        f"**{interval.mean:.2f} % {ends}**, over {_count(len(gaps[best]), 'instance')}."
    )
    others = [line for line in gaps if line != best]
    if not others:
        return f"{text} There is no other to compare it with."
    if len(gaps[best]) < FEWEST_PAIRS:
        return f"{text} That is too few for a verdict, which takes at least {FEWEST_PAIRS} instances."
    clear = sum(paired_difference(gaps[best], gaps[o], np.random.default_rng(_SEED)).high < 0 for o in others)
    basis = "on the same instances (95 % interval of the paired difference)"
    if len(others) == 1:
        return f"{text} The other {'is worse' if clear else 'cannot be told from it'} {basis}."
    return (
        f"{text} Of the {len(others)} others, {clear} {'is' if clear == 1 else 'are'} worse {basis}; "
        f"{len(others) - clear} cannot be told from it. "
        "Not corrected for the number of comparisons, nor for choosing the lowest."
    )


def _title(grouping: Grouping) -> str:
    instances = {row["instance"] for row in grouping.rows}
    field = varying_fields(grouping.lines)[0]
    compared = {getattr(line, field) for line in grouping.lines}
    return f"{_count(len(compared), field)} on {_count(len(instances), 'instance')}"


def _lead(grouping: Grouping) -> str:
    rows = grouping.rows
    named = []
    for field in ("controller", "sampler", "method"):
        found = sorted({getattr(line, field) for line in grouping.lines})
        named.append(f"{_noun(found, field)} {_listed(found)}")
    families = sorted({row["family"] for row in rows})
    sizes = [row["n_customers"] for row in rows]
    n_infeasible = sum(not row["feasible"] for row in rows)
    feasible = "all feasible" if not n_infeasible else f"{n_infeasible} of them infeasible"
    return (
        f"Compared: {'; '.join(named)}. On {_count(len({row['instance'] for row in rows}), 'instance')} of "
        f"{min(sizes)} to {max(sizes)} customers ({_noun(families, 'family', 'families')} {_listed(families)}), with "
        f"{_count(len({row['seed'] for row in rows}), 'seed')}, at {_listed(list(map(str, grouping.budgets)))} "
        f"evaluations: {_count(len(rows), 'row')}, {feasible}. "
        "A line below is a controller with its sampler and method."
    )


def _sections(
    grouping: Grouping,
    names: Sequence[str],
    baseline: str,
    baseline_sampler: str,
    drawn: Sequence[PageFigure],
    prices: PriceTable,
    files: Sequence[Path],
    without_map: Sequence[str],
    has_maps: bool,
) -> str:
    by_name = {figure.name: figure for figure in drawn}
    summed = to_html(summary(grouping, baseline, by_name), "summary", select="budget")
    first_line = 4  # columns of the table of instances before those of the lines
    instances = _by_budget(
        (
            b,
            to_html(by_instance(grouping, b, names), f"instances-{b}", select="family", bold_lowest=first_line),
        )
        for b in grouping.budgets
    )
    families = _by_budget(
        (b, to_html(by_family(grouping, b, names), f"families-{b}", bold_lowest=2))
        for b in grouping.budgets
        if grouping.instances_with_gap(b)
    )
    differences = [table for table in difference_tables(grouping, baseline, baseline_sampler) if table.rows]
    shared, differing = configurations(grouping.rows)
    origin = origins(grouping.rows, [(path.name, _sha256(path)) for path in files])
    sections = [
        ("summary", "Summary", summed),
        ("figures", "Figures", "".join(map(_figure, drawn))),
        ("differences", "Differences", _tables("difference", differences) or _missing("There is nothing to pair.")),
        ("families", "Families", families or _missing("No line has a gap.")),
        ("instances", "Instances", instances),
        ("maps", "Route maps", _maps(has_maps, without_map)),
        ("spread", "Spread", to_html(detail_table(grouping), "spread", select="budget")),
        ("ledger", "Ledger", _tables("ledger", ledger_tables(grouping, prices)) or _missing("No row states any time.")),
        ("origin", "Settings", _tables("origin", [t for t in (shared, differing, *origin) if t.rows])),
    ]
    return "\n".join(
        f'<section class="part" id="{name}" data-name="{title}"><h2>{title}</h2>{body}</section>'
        for name, title, body in sections
    )


def _tables(name: str, tables: Sequence[Any]) -> str:
    return "".join(to_html(table, f"{name}-{i}", select="budget") for i, table in enumerate(tables))


def _by_budget(tables: Iterable[tuple[int, str]]) -> str:
    return "".join(f'<div data-budget="{budget}">{table}</div>' for budget, table in tables)


def _figure(figure: PageFigure) -> str:
    label = html.escape(figure.title)
    body = (
        f'<div class="drawn"><div class="plot" id="plot-{figure.name}" role="img" aria-label="{label}"></div></div>'
        if figure.drawings
        else _missing("The rows hold nothing to draw here.")
    )
    return (
        f'<figure id="figure-{figure.name}" data-figure="{figure.name}"><figcaption><h3>{inline(figure.title)}</h3>'
        f'</figcaption>{body}<p class="note">{inline(figure.note)}</p></figure>'
    )


def _maps(has_maps: bool, without: Sequence[str]) -> str:
    drawn = (
        '<figure id="figure-map" data-figure="map"><figcaption><h3>Routes</h3></figcaption>'
        '<div class="plot tall" id="plot-map" role="img" aria-label="Routes"></div>'
        '<p class="note" id="map-note"></p></figure>'
        if has_maps
        else _missing(
            "Rows hold costs, not routes. Give --solutions DIR with files NAME.sol, from lagrl solve NAME --out "
            "DIR/NAME.sol, to draw maps here."
        )
    )
    if not without:
        return drawn
    items = "".join(f"<li>{inline(line)}</li>" for line in without)
    return f"{drawn}<details><summary>{len(without)} instances without a map</summary><ul>{items}</ul></details>"


def _missing(text: str) -> str:
    return f'<p class="missing">{html.escape(text)}</p>'


def _notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    items = "".join(f"<li>{inline(note)}</li>" for note in notes)
    return f'<div class="notes" role="note"><h2>What weakens the comparison</h2><ul>{items}</ul></div>'


def _figure_data(figure: PageFigure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "title": figure.title,
        "kind": figure.kind,
        "axes": figure.axes,
        "drawings": {str(budget): drawing for budget, drawing in figure.drawings.items()},
    }


def _script_json(content: Mapping[str, Any]) -> str:
    """Return JSON that cannot end its script element or begin another."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _policy(*scripts: str) -> str:
    """Return a content security policy: no request, no script but those given, no form, no frame."""
    sums = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts)
    return (
        f"default-src 'none'; script-src {sums}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _plotly() -> str:
    try:
        file = resources.files("plotly").joinpath("package_data", "plotly.min.js")
    except ModuleNotFoundError as error:
        raise MissingExtraError.of("plotly", "viz", "the web page") from error
    # the end of a script element cannot be inside one; in strings and comments the backslash changes nothing
    return file.read_text(encoding="utf-8").replace("</script", "<\\/script").strip()


def _asset(name: str) -> str:
    return resources.files("lagrl.bench.page").joinpath(name).read_text(encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _noun(names: Sequence[str], one: str, several: str = "") -> str:
    return one if len(names) == 1 else several or f"{one}s"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listed(names: Sequence[str]) -> str:
    shown = [_plain(name) for name in names[:_MOST_NAMES]]
    more = [f"{len(names) - _MOST_NAMES} more"] if len(names) > _MOST_NAMES else []
    *head, last = [*shown, *more]
    return f"{', '.join(head)} and {last}" if head else last


def _plain(name: str) -> str:
    """Return a name without the signs that `inline` reads as marks."""
    return one_line(name, 60).replace("*", "").replace("`", "")
