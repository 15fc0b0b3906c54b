"""Pictures of the experiments of companion problems, and of a journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import UnknownNameError
from lagrl.plot.picture_style import colour, current_theme, dashes, finish, mark, new_figure, require_given, styled
from lagrl.plot.profile_curves import means_over_budgets
from lagrl.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lagrl.quantum.journal.journal import JournalSummary

Row = dict[str, Any]
Mean = tuple[float, float, float]

_IDEAL = ("published simulator", "as written", "as run", "uniform bits")
_DEVICES = ("published hardware", "as written", "as run")
_MOST_RUNS = 12
_SHORT = 26  # characters of names of which four are beside each other
_ROOM = 1.7  # of an axis of logarithms, above its points


@styled
def cascade_experiment(name: str, rows: Sequence[Row]) -> Figure:
    """Draw an experiment of cascade routing: valid shots by circuit, or what the penalty of the floors does.

    Parameters
    ----------
    name
        Name of the experiment, see `lagrl.cascade.experiments.experiment_rows`.
    rows
        Its rows.

    Raises
    ------
    InputError
        If there is no row.
    MissingExtraError
        If matplotlib is not installed.
    """
    require_given(rows, "rows", "row")
    if name == "penalties":
        return _penalties(rows)
    own = [row for row in rows if row["source"] in (*_IDEAL, *_DEVICES)]
    others = [row for row in rows if row["source"] not in (*_IDEAL, *_DEVICES, "uniform valid")]
    panels = {
        "Without noise": [row for row in own if row["backend"] is None],
        "Three devices: mean and range": [row for row in own if row["backend"] is not None],
        "Other circuits, without noise": [row for row in others if row["backend"] is None],
    }
    panels = {title: shown for title, shown in panels.items() if shown}
    sources = list(dict.fromkeys(row["source"] for shown in panels.values() for row in shown))
    figure = new_figure(5.2 * len(panels), 5.2)
    all_axes = np.ravel(figure.subplots(1, len(panels), sharey=True))
    for axes, (title, shown) in zip(all_axes, panels.items(), strict=True):
        circuits = sorted({(row["qubits"], row["layers"]) for row in shown})
        series = _series(shown, circuits, sources, _circuit, _source, lambda row: 100 * row["valid"])
        names = [f"{qubits} / {layers}" for qubits, layers in circuits]
        _groups(axes, names, series, title, "qubits / layers", "valid shots, %", linear=0.1)
    return _with_legend(figure)


def _circuit(row: Row) -> tuple[int, int]:
    return row["qubits"], row["layers"]


def _source(row: Row) -> str:
    return str(row["source"])


def _penalties(rows: Sequence[Row]) -> Figure:
    figure = new_figure(10.0, 4.8)
    ordered = sorted(rows, key=lambda row: float(row["lambda_quality"]))
    series = {"published table": "table", "formula, λ_A = 50": "published", "formula, larger λ_A": "right"}
    panels: dict[str, tuple[str, float]] = {"dollars": ("cost, $", 1.0), "quality": ("quality floors met, %", 100.0)}
    for axes, (field, (label, unit)) in zip(figure.subplots(1, 2), panels.items(), strict=True):
        for number, (title, source) in enumerate(series.items()):
            points = [
                (row["lambda_quality"], unit * row[f"{source}_{field}"])
                for row in ordered
                if row[f"{source}_{field}"] is not None
            ]
            axes.plot(
                *np.array(points).T, color=colour(number), linestyle=dashes(number), marker=mark(number), label=title,
                gid="penalty",
            )  # fmt: skip
        axes.set_xscale("symlog", linthresh=1.0)
        axes.set_ylim(bottom=0.0)
        finish(axes, "", "weight of the floors, λ_Q", label, has_legend=False)
    return _with_legend(figure)


@styled
def placement_experiment(name: str, rows: Sequence[Row]) -> Figure:
    """Draw an experiment of carbon-aware placement: means, and ranges over seeds or days.

    Parameters
    ----------
    name
        `exact`, `saving` or `qaoa`.
    rows
        Its rows, see `lagrl.carbon.placement_experiments`.

    Raises
    ------
    UnknownNameError
        If there is no such experiment.
    InputError
        If there is no row.
    MissingExtraError
        If matplotlib is not installed.
    """
    require_given(rows, "rows", "row")
    drawings: dict[str, Callable[[Sequence[Row]], Figure]] = {"exact": _exact, "saving": _saving, "qaoa": _qaoa}
    if name not in drawings:
        raise UnknownNameError.of("experiment", name, drawings)
    return drawings[name](rows)


def _exact(rows: Sequence[Row]) -> Figure:
    done = [row for row in rows if "emissions_g" in row]

    def case(row: Row) -> tuple[Any, ...]:
        return row["layers"], row["devices"], row["memory"] or 1.0

    best: dict[tuple[Any, ...], float] = {}
    for row in done:
        key = (*case(row), row["seed"])
        best[key] = min(row["emissions_g"], best.get(key, np.inf))
    cases = sorted({case(row) for row in done})
    names = [f"{n} / {h}" + ("" if share == 1.0 else f"\nmemory {share:g}") for n, h, share in cases]
    methods = list(dict.fromkeys(row["method"] for row in done))
    figure = new_figure(13.0, 5.2)
    panels: tuple[tuple[str, float, Callable[[Row], float]], ...] = (
        ("above the best, %", 1.0, lambda row: 100 * (row["emissions_g"] / best[(*case(row), row["seed"])] - 1)),
        ("seconds", 1e-4, lambda row: row["seconds"]),
    )
    for axes, (label, linear, value) in zip(figure.subplots(1, 2), panels, strict=True):
        series = _series(done, cases, methods, case, lambda row: str(row["method"]), value)
        _groups(axes, names, series, "", "layers / devices", label, linear=linear)
    return _with_legend(figure)


def _saving(rows: Sequence[Row]) -> Figure:
    def plan(row: Row) -> str:
        room = "no limit of memory" if row["memory"] is None else f"memory {row['memory']:g}"
        return f"{row['forecast']} forecast, {room}"

    zones = list(dict.fromkeys(row["zones"] for row in rows))
    series = _series(
        rows,
        zones,
        list(dict.fromkeys(map(plan, rows))),
        lambda row: row["zones"],
        plan,
        lambda row: 100 * (row["static_g"] - row["emissions_g"] - row["optimiser_g"]) / row["static_g"],
    )
    figure = new_figure(9.0, 5.4)
    axes = figure.subplots()
    names = [zone.replace("+", " +\n") for zone in zones]
    _groups(axes, names, series, "Mean and range over days", "zones", "saving against the static placement, %")
    axes.axhline(0.0, color=current_theme().faint, linewidth=1.0, zorder=0)
    return _with_legend(figure)


def _qaoa(rows: Sequence[Row]) -> Figure:
    ideal = [row for row in rows if row.get("simulator") != "density_matrix"]
    sizes = sorted({row["layers"] for row in ideal})
    samplers = list(dict.fromkeys(row["sampler"] for row in ideal))
    figure = new_figure(13.0, 5.6)
    panels: tuple[tuple[str, Callable[[Row], float]], ...] = (
        ("best string, % above the optimum", lambda row: row["best_gap_percent"]),
        ("optimal strings, %", lambda row: 100 * row["optimal_share"]),
    )
    for axes, (label, value) in zip(figure.subplots(1, 2), panels, strict=True):
        series = _series(ideal, sizes, samplers, lambda row: row["layers"], lambda row: str(row["sampler"]), value)
        _groups(axes, list(map(str, sizes)), series, "Without noise", "layers of the language model", label, linear=1.0)
    return _with_legend(figure)


def _series(
    rows: Sequence[Row],
    groups: Sequence[Any],
    names: Sequence[str],
    group_of: Callable[[Row], Any],
    name_of: Callable[[Row], str],
    value: Callable[[Row], float],
) -> dict[str, list[Mean | None]]:
    """Return mean, least and greatest value of each series in each group; None where it has no row."""
    found: dict[tuple[str, Any], list[float]] = {}
    for row in rows:
        found.setdefault((name_of(row), group_of(row)), []).append(value(row))
    means = {key: (float(np.mean(values)), min(values), max(values)) for key, values in found.items()}
    return {name: [means.get((name, group)) for group in groups] for name in names}


def _groups(
    axes: Axes,
    names: Sequence[str],
    series: dict[str, list[Mean | None]],
    title: str,
    groups: str,
    label: str,
    *,
    linear: float | None = None,
) -> None:
    """Draw series over groups; with `linear` on an axis that has logarithms above this value, and 0."""
    from matplotlib.ticker import FuncFormatter

    means_over_budgets(names, series, axes, label=label, budget=groups, has_legend=False)
    axes.set_title(title)
    if linear is not None:
        axes.set_yscale("symlog", linthresh=linear)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        highest = max(one[2] for found in series.values() for one in found if one is not None)
        axes.set_ylim(0.0, max(_ROOM * highest, axes.get_ylim()[1]))


def _with_legend(figure: Figure) -> Figure:
    """Put one legend of all panels below them; a name has one look in all panels."""
    named: dict[str, Any] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        named |= dict(zip(labels, handles, strict=True))
    columns = 4 if max(map(len, named)) <= _SHORT else 2
    figure.legend(list(named.values()), list(named), loc="outside lower center", ncols=columns)
    return figure


@styled
def journal_counts(summary: JournalSummary) -> Figure:
    """Draw a journal: recorded steps of each run, the longest first, and what became of the jobs.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    from matplotlib.ticker import MaxNLocator

    ranked = sorted(summary.runs.items(), key=lambda run: -run[1])
    shown = ranked[:_MOST_RUNS]
    if len(ranked) > len(shown):
        shown.append((f"{len(ranked) - len(shown)} others", sum(steps for _, steps in ranked[len(shown) :])))
    pending = len(summary.pending)
    jobs = {"ended": summary.jobs - summary.failed - pending, "failed": summary.failed, "pending": pending}
    figure = new_figure(11.0, 2.0 + 0.3 * max(4, len(shown)))
    left, right = figure.subplots(1, 2, width_ratios=(1.6, 1.0))
    paid = summary.paid
    calls = f"{summary.calls} calls of {one_line(', '.join(summary.samplers) or 'no sampler', 40)}"
    executed = f"executed: {paid.shots} shots, {paid.qpu_seconds:g} s"
    for axes, counts, title, label in ((left, dict(shown), calls, "steps"), (right, jobs, executed, "jobs")):
        place = np.arange(len(counts))
        hues = [colour(number if axes is right else 0) for number in range(len(counts))]
        bars = axes.barh(place, list(counts.values()), 0.6, color=hues, gid=label)
        axes.bar_label(bars, padding=3, fontsize=11)
        axes.set_yticks(place, [one_line(name, 32) for name in counts])
        axes.set_ylim(max(len(counts), 1) - 0.5, -0.5)
        axes.set_xlim(0.0, 1.15 * max([1, *counts.values()]))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        finish(axes, title, label, "", has_legend=False)
        axes.grid(visible=False, axis="y")
        axes.grid(axis="x")
    return figure
