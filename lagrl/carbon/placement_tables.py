"""Tables of the experiments of carbon-aware placement, from their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

Row = dict[str, Any]

_RESAMPLES = 10_000


def table_of(name: str, rows: list[Row]) -> list[str]:
    """Return the lines of an experiment's table, in Markdown."""
    tables: dict[str, Callable[[list[Row]], list[str]]] = {"exact": _exact, "saving": _saving, "qaoa": _qaoa}
    return tables[name](rows)


def _exact(rows: list[Row]) -> list[str]:
    best: dict[tuple[Any, ...], float] = {}
    for row in rows:
        if "emissions_g" in row:
            key = (row["layers"], row["devices"], row["memory"], row["seed"])
            best[key] = min(best.get(key, np.inf), row["emissions_g"])
    lines = _head("N", "H", "memory", "method", "above the best, %", "proven gap, %", "seconds")
    for key, group in _grouped(rows, "layers", "devices", "memory", "method").items():
        layers, devices, memory, method = key
        done = [row for row in group if "emissions_g" in row]
        share = "" if memory is None else f"{memory:g}"
        if not done:
            continue
        above = [100 * (r["emissions_g"] / best[layers, devices, memory, r["seed"]] - 1) for r in done]
        gaps = [row["gap_percent"] for row in done if row["gap_percent"] is not None]
        gap = f"{np.mean(gaps):.3f}" if gaps else ""
        seconds = f"{np.median([row['seconds'] for row in done]):.2f}"
        lines.append(_line(layers, devices, share, method, f"{np.mean(above):.3f}", gap, seconds))
    return lines


def _saving(rows: list[Row]) -> list[str]:
    lines = _head("zones", "memory", "forecast", "saving, % [95 %]", "own emissions, % of the saving", "days")
    for (zones, memory, forecast), group in _grouped(rows, "zones", "memory", "forecast").items():
        net = [100 * (r["static_g"] - r["emissions_g"] - r["optimiser_g"]) / r["static_g"] for r in group]
        saved = sum(row["static_g"] - row["emissions_g"] for row in group)
        own = sum(row["optimiser_g"] for row in group)
        cost = f"{100 * own / saved:.3f}" if saved > 0 else "no saving"
        share = "" if memory is None else f"{memory:g}"
        lines.append(_line(zones, share, forecast, _interval(net), cost, len(group)))
    return lines


def _qaoa(rows: list[Row]) -> list[str]:
    lines = _head("N", "sampler", "best of 1,024, % above", "mean, % above", "optimal strings, %", "seconds", "chains")
    for (layers, sampler), group in _grouped(rows, "layers", "sampler").items():
        mean = {name: np.mean([row[name] for row in group]) for name in ("best_gap_percent", "mean_gap_percent")}
        hits = 100 * np.mean([row["optimal_share"] for row in group])
        seconds = np.median([row["seconds"] for row in group])
        gaps = (_fixed(float(mean[name])) for name in mean)
        lines.append(_line(layers, sampler, *gaps, f"{hits:.3f}", f"{seconds:.2f}", len(group)))
    return lines


def _grouped(rows: list[Row], *names: str) -> dict[tuple[Any, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    return groups


def _interval(values: list[float]) -> str:
    """Write a mean with its bootstrap interval of 95 % over the values."""
    sample = np.array(values)
    drawn = np.random.default_rng(0).choice(sample, (_RESAMPLES, len(sample))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{_fixed(sample.mean())} [{_fixed(low)}, {_fixed(high)}]"


def _fixed(value: float) -> str:
    """Write a number with two decimals, and never as −0.00."""
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text


def _head(*names: str) -> list[str]:
    return [_line(*names), _line(*("---" for _ in names))]


def _line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"
