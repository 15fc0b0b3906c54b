"""The tables of `bandit_study`, from its rows alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

Row = dict[str, Any]


def tables(rows: Sequence[Row]) -> str:
    """Render the rows as Markdown."""
    parts: list[tuple[str, str, Callable[[list[Row]], list[str]]]] = [
        ("log", "Logged decisions, at random", _log),
        ("alpha", "α of LinUCB once trained, on training instances that it was not fitted to", _alpha),
        ("value", "Policies on the validation instances", _value),
        ("ceiling", "What could be had at most", _ceiling),
        ("learnable", "What can be learned of it, from all arms on the training knapsacks", _learnable),
        ("curve", "Fitted to a number of logged decisions, five orders", _curve),
        ("online", "Learned on the way from nothing, five orders", _online),
        ("run", "Really run, against estimates from the log of the same instances", _run),
        ("coverage", "Estimates from logs drawn from the validation table, where the truth is known", _coverage),
        ("transfer", "A backend or a width left out of training", _transfer),
        ("budget", "Knapsacks whose top-ranked arm is over a budget of two-qubit gates", _budget),
        ("cap", "What a budget costs", _cap),
        ("overhead", "Compiled circuits against the closed form", _overhead),
        ("mix", "What the bandit chose, in the run", _mix),
        ("class", "Advantage by class of instance", _class),
        ("arms", "The trained bandit, and random choice, among parts of the arms", _arms),
    ]
    text: list[str] = []
    for kind, title, render in parts:
        own = [row for row in rows if row["kind"] == kind]
        if own:
            text += [f"### {title}", "", *render(own), ""]
    return "\n".join(text)


def _log(rows: list[Row]) -> list[str]:
    text = _head(["log", "by", "", "decisions", "instances", "failed", "mean reward", "standard deviation"])
    for row in rows:
        cells = [row["log"], row["by"], row["label"], row["decisions"], row["instances"], row["failed"]]
        text.append(_line([*cells, _interval(row["mean"]), f"{row['sd']:.3f}"]))
    return text


def _arms(rows: list[Row]) -> list[str]:
    text = _head(["arms", "number at width 4 / 6 / 8 / 10", "trained bandit", "over all arms", "uniformly random"])
    for row in rows:
        cells = [_interval(row[name]) for name in ("value", "over_all", "uniform")]
        text.append(_line([row["arms"], " / ".join(str(n) for n in row["number"].values()), *cells]))
    return text


def _alpha(rows: list[Row]) -> list[str]:
    return _head(["α", "value"]) + [_line([row["alpha"], _interval(row["value"])]) for row in rows]


def _value(rows: list[Row]) -> list[str]:
    columns = ["policy", "value", "over best static of the log", "over surest static", "over default static"]
    text = _head([*columns, "SNIPS on the log", "doubly robust", "decisions' worth"])
    for row in rows:
        cells = [_interval(row[name]) for name in ("table", "over_static", "over_surest", "over_default")]
        cells += [_estimate(row["snips"]), _estimate(row["robust"]), f"{row['snips']['effective']:.0f}"]
        text.append(_line([row["policy"], *cells]))
    return text


def _ceiling(rows: list[Row]) -> list[str]:
    return _head(["what is known", "value"]) + [_line([row["what"], _interval(row["value"])]) for row in rows]


def _learnable(rows: list[Row]) -> list[str]:
    text = _head(["learned", "value", "over surest static"])
    return text + [_line([row["what"], _interval(row["value"]), _interval(row["over_surest"])]) for row in rows]


def _grouped(rows: Iterable[Row], *names: str) -> dict[tuple[Any, ...], list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return found


def _curve(rows: list[Row]) -> list[str]:
    columns = ["learner", "decisions", "value: mean (least … most)", "SNIPS: mean", "doubly robust: mean"]
    text = _head([*columns, "half width of its interval", "SNIPS's decisions' worth"])
    for (learner, n), own in _grouped(rows, "learner", "decisions").items():
        snips = [row["snips"]["value"] for row in own if row["snips"]["value"] is not None]
        robust = [row["robust"] for row in own]
        half = np.mean([(each["high"] - each["low"]) / 2 for each in robust])
        cells = [learner, n, _spread([row["value"] for row in own]), f"{np.mean(snips):.4f}" if snips else "–"]
        cells += [f"{np.mean([each['value'] for each in robust]):.4f}", f"{half:.4f}"]
        text.append(_line([*cells, f"{np.mean([row['snips']['effective'] for row in own]):.0f}"]))
    return text


def _online(rows: list[Row]) -> list[str]:
    text = _head(["learner", "decisions", "value of what is known: mean (least … most)", "earned on the way"])
    for (learner, n), own in _grouped(rows, "learner", "decisions").items():
        earned = _spread([row["earned"] for row in own])
        text.append(_line([learner, n, _spread([row["value"] for row in own]), earned]))
    return text


def _run(rows: list[Row]) -> list[str]:
    columns = [
        "policy",
        "decisions",
        "instances",
        "failed",
        "mean reward of the run",
        "bandit over it",
        "SNIPS",
        "covers",
        "doubly robust",
    ]
    text = _head([*columns, "covers"])
    for row in rows:
        cells = [row["policy"], row["decisions"], row["instances"], row["failed"], _interval(row["mean"])]
        cells.append(_interval(row["bandit_over"]))
        for name in ("snips", "robust"):
            cells += [_estimate(row[name]), _covers(row[name], row["mean"][0])]
        text.append(_line(cells))
    return text


def _covers(estimate: Row, value: float) -> str:
    if estimate["low"] is None:
        return "–"
    return "yes" if estimate["low"] <= value <= estimate["high"] else "no"


def _coverage(rows: list[Row]) -> list[str]:
    columns = ["policy", "truth", "logs", "decisions each"]
    for name in ("SNIPS", "doubly robust"):
        columns += [f"{name}: interval holds it", "half width", "bias", "root mean square error"]
    text = _head(columns)
    for row in rows:
        cells = [row["policy"], f"{row['truth']:.4f}", row["logs"], row["decisions"]]
        for name in ("snips", "robust"):
            own = row[name]
            cells += [f"{own['covered']:.0%}", *(f"{own[key]:.4f}" for key in ("half_width", "bias", "error"))]
        text.append(_line(cells))
    return text


def _transfer(rows: list[Row]) -> list[str]:
    columns = ["left out", "policy", "value", "regret against trained with it", "doubly robust on the log"]
    text = _head([*columns, "its regret"])
    for row in rows:
        cells = [_interval(row[name]) for name in ("value", "regret", "robust", "robust_regret")]
        text.append(_line([row["out"], row["policy"], *cells]))
    return text


def _budget(rows: list[Row]) -> list[str]:
    budgets = list(rows[0]["bandit"])
    columns = ["width", "knapsacks", "arms", *(f"bandit > {most}" for most in budgets)]
    columns += [*(f"uniform > {most}" for most in budgets), "bandit: fidelity < 0.02", "uniform: fidelity < 0.02"]
    text = _head(columns)
    for row in rows:
        cells = [row["width"], row["knapsacks"], row["arms"]]
        cells += [f"{row[by][most]:.1%}" for by in ("bandit", "uniform") for most in budgets]
        cells += [f"{row[by]['fidelity']:.1%}" for by in ("limits", "uniform_limits")]
        text.append(_line(cells))
    return text


def _cap(rows: list[Row]) -> list[str]:
    text = _head(["most gates", "value", "lost against 400", "doubly robust on the log"])
    for row in rows:
        text.append(_line([row["gates"], *(_interval(row[name]) for name in ("value", "lost", "robust"))]))
    return text


def _overhead(rows: list[Row]) -> list[str]:
    """Render medians over backends; the rows have every backend."""
    columns = ["family", "layers", "width", "closed form: gates", "depth"]
    for place in ("line0", "default"):
        columns += [f"{place}: gates", "depth", "µs", "duration/T2", "fidelity"]
    text = _head(columns)
    for (family, layers, width), own in _grouped(rows, "family", "layers", "width").items():
        cells: list[Any] = [family, layers, width, *own[0]["closed"]]
        for place in ("line0", "default"):
            there = [row[place] for row in own if row[place] is not None]
            cells += [_range([row[name] for row in there], digits) for name, digits in (("gates", 0), ("depth", 0))]
            cells += [_range([row["duration"] * 1e6 for row in there], 1)]
            cells += [_range([row[name] for row in there], 2) for name in ("decay", "fidelity")]
        text.append(_line(cells))
    return text


def _mix(rows: list[Row]) -> list[str]:
    text = _head(["policy", "by", "width", "decisions", "shares"])
    for row in rows:
        shares = sorted(row["shares"].items(), key=lambda item: -item[1])
        told = ", ".join(f"{name} {share:.0%}" for name, share in shares[:6])
        text.append(_line([row["policy"], row["by"], row["width"] or "all", row["decisions"], told]))
    return text


def _class(rows: list[Row]) -> list[str]:
    text = _head(["by", "class", "instances", "knapsacks", "bandit over product", "over surest static"])
    for row in rows:
        cells = [row["by"], row["label"], row["instances"], row["knapsacks"]]
        text.append(_line([*cells, _interval(row["over_product"]), _interval(row["over_static"])]))
    return text


def _interval(value: Sequence[float | None]) -> str:
    mean, low, high = value
    return f"{mean:.4f}" if low is None else f"{mean:.4f} ({low:.4f} … {high:.4f})"


def _estimate(value: Row) -> str:
    return "–" if value["value"] is None else _interval([value["value"], value["low"], value["high"]])


def _spread(values: Sequence[float]) -> str:
    return f"{np.mean(values):.4f} ({min(values):.4f} … {max(values):.4f})"


def _range(values: Sequence[float], digits: int) -> str:
    if not values:
        return "–"
    low, high = f"{min(values):.{digits}f}", f"{max(values):.{digits}f}"
    return low if low == high else f"{low} … {high}"


def _head(columns: list[str]) -> list[str]:
    return [_line(columns), "|---" * len(columns) + "|"]


def _line(cells: list[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
