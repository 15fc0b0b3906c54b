"""What `knapsack_circuits` measured, as Markdown; and in words, where a circuit beats what has no gates.

All shares and gaps are in percent, differences in percent points; intervals are 95 % by bootstrap over instances, and
differences whose interval leaves 0 out are bold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.knapsack_circuits.results import LEVEL, Results
from lagrl.bench.statistics import Interval
from lagrl.paper.circuit_grid import (
    CONTROLS,
    GREEDY,
    INDEPENDENT,
    MOST_QUBITS,
    MOST_TRAINED,
    NONE,
    REFERENCE,
    REPORTED,
    UNIFORM,
    StringSource,
)
from lagrl.paper.drawn_knapsacks import Knapsack
from lagrl.paper.string_measures import ALPHA, SHOTS

NOISES = {"ideal": "no noise", "surrogate": "noise (surrogate)"}
COMPARED = {  # measure: what it is, and whether more is better
    "optimal": ("P(opt)", True),
    "gap": (f"gap of the best of {SHOTS}", False),
    "repaired_gap": (f"gap of the best of {SHOTS}, repaired", False),
}


def report(rows: list[dict[str, Any]]) -> str:
    """Lay out all tables, and the verdicts."""
    results = Results.of(rows)
    parts = ["## Knapsacks", knapsack_table(results), "## Controls, without noise", control_table(results)]
    for noise, title in NOISES.items():
        parts += [f"## Circuits: {title}", circuit_table(results, noise)]
    parts += ["## Where a circuit beats the product state, and where not", verdicts(results)]
    for noise, title in NOISES.items():
        for measure, (label, _) in COMPARED.items():
            parts += [f"## By width, {title}: {label}, less the product state's", width_table(results, noise, measure)]
    parts += ["## The surrogate against other methods", noise_table(results), "## Seconds", seconds_table(results)]
    return "\n\n".join(parts)


def knapsack_table(results: Results) -> str:
    """Describe what was drawn."""
    columns = ["variables", "knapsacks", "room / mean weight", "strings that fit", "greedy optimal", "greedy's gap"]
    lines = _head([*columns, "from"])
    for width in results.head["widths"]:
        drawn = [Knapsack.from_json(_fields(k)) for k in results.knapsacks.values() if len(k["weight"]) == width]
        tight = float(np.median([knapsack.room / np.mean(knapsack.weight) for knapsack in drawn]))
        demands = sorted({knapsack.demand for knapsack in drawn})
        counts = ", ".join(f"{sum(k.demand == demand for k in drawn)} {demand}" for demand in demands)
        lines.append(
            _line(
                [
                    width,
                    len(drawn),
                    f"{tight:.1f}",
                    _percent(results.mean("ideal", UNIFORM, "feasible", width).mean),
                    _percent(results.mean("ideal", GREEDY, "optimal", width).mean),
                    _with(_percent, results.mean("ideal", GREEDY, "gap", width)),
                    counts,
                ]
            )
        )
    return "\n".join(lines)


def control_table(results: Results) -> str:
    """Means over all widths of what needs no two-qubit gates; the product state also as the device reads it."""
    columns = ["control", "penalty", "knapsacks", "feasible", "P(opt)", f"gap of the best of {SHOTS}"]
    columns += [f"CVaR {ALPHA}", "repaired: P(opt)", f"gap of the best of {SHOTS}", f"CVaR {ALPHA}"]
    lines = _head(columns)
    for noise in NOISES:
        for control in CONTROLS:
            found = results.chosen(noise, control)
            if found:
                name = control.ansatz if noise == "ideal" else f"{control.ansatz}, with noise"
                cells = [name, control.penalty, len(found)]
                lines.append(_line(cells + _measures(results, noise, control)))
    return "\n".join(lines)


def circuit_table(results: Results, noise: str) -> str:
    """Means over all widths, and differences from the noiseless product state: at 64 shots, and at equal shots.

    A trained circuit's shots are 64 for each evaluation of its training, too.
    """
    columns = ["penalty", "ansatz", "depth", "knapsacks", "qubits", "circuits", "feasible"]
    for label, _ in COMPARED.values():
        columns += [label, "less product's"]
    lines = _head([*columns, "at equal shots", "at equal shots, repaired"])
    for circuit in REPORTED:
        found = results.chosen(noise, circuit)
        if not found:
            continue
        cells: list[Any] = [circuit.penalty, circuit.ansatz, circuit.depth, len(found)]
        cells += [f"{np.mean([row[name] for row in found]):.1f}" for name in ("qubits", "circuits")]
        cells.append(_percent(results.mean(noise, circuit, "feasible").mean))
        for measure in COMPARED:
            cells.append(_with(_percent, results.mean(noise, circuit, measure)))
            cells.append(_marked(results.difference(noise, circuit, measure)))
        for measure in ("gap", "repaired_gap"):
            equal = results.difference(
                noise, circuit, measure, against=f"equal_{measure}" if circuit.is_trained else None
            )
            cells.append(_marked(equal))
        lines.append(_line(cells))
    return "\n".join(lines)


def width_table(results: Results, noise: str, measure: str) -> str:
    """Differences from the noiseless product state, width by width."""
    widths = results.head["widths"]
    own = {width: _percent(results.mean("ideal", REFERENCE, measure, width).mean) for width in widths}
    lines = _head(["penalty", "ansatz", "depth", *(f"{width} variables (product {own[width]})" for width in widths)])
    for circuit in REPORTED:
        if not results.chosen(noise, circuit):
            continue
        cells: list[Any] = [circuit.penalty, circuit.ansatz, circuit.depth]
        for width in widths:
            few = len(results.chosen(noise, circuit, width)) < 2
            cells.append("" if few else _marked(results.difference(noise, circuit, measure, width)))
        lines.append(_line(cells))
    return "\n".join(lines)


def verdicts(results: Results) -> str:
    """Count of every ansatz how many circuits are surely better or worse than controls without noise, and the best.

    Sure is an interval that leaves 0 out, at a level raised for the number of circuits compared (Bonferroni).
    """
    parts = [
        f"An ansatz' circuits are its penalties × depths. Sure is what {100 * LEVEL:g} % intervals say of all circuits "
        "of a column jointly; last is the best circuit's mean difference in percent points. Controls have no noise. "
        f"With slack bits only knapsacks of at most {MOST_QUBITS} qubits are compared, {MOST_TRAINED} where angles are "
        "trained: those of little room.",
    ]
    for title, controls, at_equal_shots in (
        ("Against the product state, at 64 shots", dict.fromkeys(COMPARED, REFERENCE), False),
        ("Against the product state, at as many shots as training took", dict.fromkeys(COMPARED, REFERENCE), True),
        ("Against the best of all controls of independent bits, chosen on the same knapsacks", _best(results), False),
    ):
        columns = []
        for measure, (label, _) in COMPARED.items():
            if not (at_equal_shots and measure == "optimal"):
                mean = results.mean("ideal", controls[measure], measure).mean
                columns += [
                    (measure, noise, f"{label}, {noise_title} (`{controls[measure].ansatz}` has {_percent(mean)})")
                    for noise, noise_title in NOISES.items()
                ]
        lines = _head(["ansatz", "circuits", *(label for _, _, label in columns)])
        tested = [circuit for circuit in REPORTED if results.chosen("ideal", circuit)]
        for ansatz in dict.fromkeys(circuit.ansatz for circuit in tested):
            tried = [circuit for circuit in tested if circuit.ansatz == ansatz]
            if at_equal_shots and not tried[0].is_trained:
                continue
            cells = [
                _tally(results, noise, measure, tried, controls[measure], at_equal_shots)
                for measure, noise, _ in columns
            ]
            lines.append(_line([ansatz, len(tried), *cells]))
        parts += [f"### {title}", "\n".join(lines)]
    return "\n\n".join(parts)


def _best(results: Results) -> dict[str, StringSource]:
    return {
        measure: (max if is_more_better else min)(
            INDEPENDENT, key=lambda control, measure=measure: results.mean("ideal", control, measure).mean
        )
        for measure, (_, is_more_better) in COMPARED.items()
    }


def _tally(
    results: Results,
    noise: str,
    measure: str,
    circuits: list[StringSource],
    control: StringSource,
    at_equal_shots: bool,
) -> str:
    is_more_better = COMPARED[measure][1]
    compared = sum(bool(results.chosen(noise, circuit)) for circuit in REPORTED)
    level = 1.0 - (1.0 - LEVEL) / compared
    against = f"equal_{measure}" if at_equal_shots else None
    found = {
        circuit: results.difference(noise, circuit, measure, reference=control, against=against, level=level)
        for circuit in circuits
    }
    sure = [(interval.mean > 0) == is_more_better for interval in found.values() if interval.excludes_zero]
    best = (max if is_more_better else min)(found, key=lambda circuit: found[circuit].mean)
    where = " ".join([*([best.penalty] if best.penalty != NONE else []), f"p={best.depth}"])
    counts = f"{sum(sure)} better, {len(sure) - sum(sure)} worse"
    return f"{counts}; {_percent(found[best].mean, sign=True)} ({where})"


def noise_table(results: Results) -> str:
    """Compare the surrogate with density matrices and trajectories on the same knapsacks and circuits."""
    names = {"feasible": "feasible", "optimal": "P(opt)", "gap": "gap", "repaired_gap": "gap, repaired"}
    columns = ["method", "variables", "circuit", "depth", "knapsacks", "F"]
    columns += [f"{name}: {of}" for name in names.values() for of in ("ideal", "surrogate", "method")]
    lines = _head([*columns, "s per circuit"])
    for method in ("density", "trajectories"):
        for width in results.head["widths"]:
            for circuit in REPORTED:
                found = {row["knapsack"]: row for row in results.chosen(method, circuit, width)}
                if not found:
                    continue
                ideal, surrogate = (results.rows[noise, circuit.name] for noise in ("ideal", "surrogate"))
                cells: list[Any] = [method, width, circuit.ansatz, circuit.depth, len(found)]
                cells.append(f"{np.mean([surrogate[name]['fidelity'] for name in found]):.2f}")
                for measure in names:
                    for source in (ideal, surrogate, found):
                        cells.append(_percent(float(np.mean([source[name][measure] for name in found]))))
                cells.append(f"{np.mean([row['seconds'] for row in found.values()]):.2f}")
                lines.append(_line(cells))
    return "\n".join(lines)


def seconds_table(results: Results) -> str:
    """Add up what took how long, one thread."""
    lines = _head(["noise", "rows", "seconds"])
    for noise in ("ideal", "surrogate", "density", "trajectories"):
        found = [row for (of, _), rows in results.rows.items() if of == noise for row in rows.values()]
        lines.append(_line([noise, len(found), f"{sum(row['seconds'] for row in found):.0f}"]))
    return "\n".join(lines)


def _measures(results: Results, noise: str, configuration: StringSource) -> list[str]:
    plain = ("feasible",)
    measures = ("feasible", "optimal", "gap", "cvar", "repaired_optimal", "repaired_gap", "repaired_cvar")
    found = [results.mean(noise, configuration, measure) for measure in measures]
    return [
        _percent(interval.mean) if measure in plain else _with(_percent, interval)
        for measure, interval in zip(measures, found, strict=True)
    ]


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in {"kind", "name"}}


def _percent(value: float, *, sign: bool = False) -> str:
    digits = 1 if abs(value) >= 0.0995 else 2
    rounded = round(100 * value, digits) + 0.0  # no negative zero
    return f"{rounded:{'+' if sign and rounded else ''}.{digits}f}".replace("-", "−")


def _with(show: Callable[[float], str], interval: Interval) -> str:
    return f"{show(interval.mean)} [{show(interval.low)}, {show(interval.high)}]"


def _marked(difference: Interval) -> str:
    text = _with(lambda value: _percent(value, sign=True), difference)
    return f"**{text}**" if difference.excludes_zero else text


def _head(columns: list[str]) -> list[str]:
    return [_line(columns), "|---" * len(columns) + "|"]


def _line(cells: list[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
