"""Tables of `solution_quality`, from its rows alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean, median
from typing import Any

import numpy as np

from lagrl.bench.statistics import bootstrap_interval

Row = dict[str, Any]
PARTS = ("curve", "ablation", "scaling", "clock", "roads", "peers")
METHODS = ("lagrl", "pyvrp", "hgs", "ortools", "vrp-cli", "local search")
TIMES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0)
LATE_SECONDS, LATE_SHARE = 0.2, 0.05  # by which a run may end after its clock
TARGET = 2.0  # % above the best known cost, for the seconds to get there


def gap(row: Row, cost: float) -> float:
    """Percent above the best known cost."""
    return 100.0 * (cost / row["best_known"] - 1.0)


def gap_by(row: Row, seconds: float) -> float | None:
    """Return the gap that a run had after some seconds, whatever it found later; None while it had no routes."""
    costs = [cost for when, cost in row["history"] if when <= seconds]
    return gap(row, min(costs)) if costs else None


def final_gap(row: Row) -> float | None:
    """Return the gap that a run had when its seconds were over; None without routes."""
    return gap_by(row, row["seconds"])


def by_instance(rows: Iterable[Row], measure: Callable[[Row], float | None]) -> dict[str, float | None]:
    """Return each instance's mean over seeds; None where one of them has no routes."""
    found: dict[str, list[float | None]] = defaultdict(list)
    for row in rows:
        found[row["instance"]].append(measure(row))
    return {
        name: fmean(value for value in values if value is not None) if None not in values else None
        for name, values in found.items()
    }


def curve_gaps(rows: list[Row], method: str, seconds: float) -> dict[str, float | None]:
    """Return the gaps of a method after `seconds`: of its run of that length, or of the next longer one until then."""
    lengths = [row["seconds"] for row in rows if row["method"] == method and row["seconds"] >= seconds]
    own = (row for row in rows if row["method"] == method and row["seconds"] == min(lengths))
    return by_instance(own, lambda row: gap_by(row, seconds)) if lengths else {}


def described(gaps: dict[str, float | None]) -> str:
    """Mean, median and largest, and how many instances have no routes yet."""
    found = [value for value in gaps.values() if value is not None]
    if not found:
        return "—"
    text = f"{fmean(found):.2f} / {median(found):.2f} / {max(found):.2f}"
    missing = len(gaps) - len(found)
    return f"{text} ({missing} without routes)" if missing else text


def methods_of(rows: list[Row]) -> list[str]:
    """Return the methods there are rows of, lagrl first."""
    return [method for method in METHODS if any(row["method"] == method for row in rows)]


def curve_table(rows: list[Row], times: Sequence[float] = TIMES) -> str:
    """Gap over time."""
    methods = methods_of(rows)
    longest = max(row["seconds"] for row in rows)
    lines = [f"| seconds | {' | '.join(methods)} |", "|--:|" + "--:|" * len(methods)]
    for seconds in (seconds for seconds in times if seconds <= longest):
        cells = [described(curve_gaps(rows, method, seconds)) for method in methods]
        lines.append(f"| {seconds:g} | {' | '.join(cells)} |")
    return "Gap to the best known cost, mean / median / largest, %:\n\n" + "\n".join(lines)


def difference(own: dict[str, float | None], other: dict[str, float | None]) -> str:
    """Mean paired difference with its 95 % interval over instances."""
    pairs = [
        value - against for name, value in own.items() if value is not None and (against := other.get(name)) is not None
    ]
    if not pairs:
        return "—"
    if len(pairs) == 1:
        return f"{pairs[0]:+.2f}"
    interval = bootstrap_interval(pairs, np.random.default_rng(0))
    return f"{interval.mean:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"


def family_table(rows: list[Row]) -> str:
    """Ours minus PyVRP's at equal seconds, by family."""
    families = sorted({row["family"] for row in rows})
    lines = ["| family | instances | at 2 s | at 20 s | lagrl 20 s − ortools 20 s |", "|---|--:|--:|--:|--:|"]
    for name in (*families, "all"):
        own = [row for row in rows if name in (row["family"], "all")]
        cells = [
            difference(curve_gaps(own, "lagrl", seconds), curve_gaps(own, other, seconds))
            for seconds, other in ((2.0, "pyvrp"), (20.0, "pyvrp"), (20.0, "ortools"))
        ]
        lines.append(f"| {name} | {len({row['instance'] for row in own})} | {' | '.join(cells)} |")
    return "lagrl minus PyVRP, points of gap, with 95 % intervals over instances:\n\n" + "\n".join(lines)


def instance_table(rows: list[Row]) -> str:
    """Every instance at 2 and 20 seconds."""
    lines = [
        "| instance | lagrl 2 s | pyvrp 2 s | lagrl 20 s | pyvrp 20 s | ortools 20 s | routes, lagrl 60 s |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    columns = [
        curve_gaps(rows, method, seconds)
        for method, seconds in (("lagrl", 2.0), ("pyvrp", 2.0), ("lagrl", 20.0), ("pyvrp", 20.0), ("ortools", 20.0))
    ]
    longest = [row for row in rows if row["method"] == "lagrl" and row["seconds"] == TIMES[-1]]
    routes = {row["instance"]: str(row["n_routes"]) for row in longest}
    for name in dict.fromkeys(row["instance"] for row in rows):
        cells = [("—" if (value := column.get(name)) is None else f"{value:.2f}") for column in columns]
        cells.append(routes.get(name, "—"))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def bound_table(rows: list[Row], seconds: float = 60.0) -> str:
    """How far the solve's own lower bound is below what it found, by family, and how often that is proven best."""
    own = [row for row in rows if row["method"] == "lagrl" and row["seconds"] == seconds and row["lower_bound"]]
    lines = ["| family | instances | mean gap to bound | largest | proven best |", "|---|--:|--:|--:|--:|"]
    for name in sorted({row["family"] for row in own}):
        gaps = [100.0 * (row["cost"] / row["lower_bound"] - 1.0) for row in own if row["family"] == name]
        lines.append(f"| {name} | {len(gaps)} | {fmean(gaps):.2f} | {max(gaps):.2f} | {sum(g < 1e-7 for g in gaps)} |")
    return f"Gap to lagrl's own lower bound after {seconds:g} s, %:\n\n" + "\n".join(lines)


def ablation_table(rows: list[Row]) -> str:
    """What each ingredient is worth at equal seconds."""
    lengths = sorted({row["seconds"] for row in rows})
    heads = " | ".join(f"gap at {s:g} s | more than all of it" for s in lengths)
    lines = [f"| | {heads} |", "|---|" + "--:|--:|" * len(lengths)]
    for method in dict.fromkeys(row["method"] for row in rows):
        cells = []
        for seconds in lengths:
            at = [row for row in rows if row["seconds"] == seconds]
            own = by_instance((row for row in at if row["method"] == method), final_gap)
            whole = by_instance((row for row in at if row["method"] == "lagrl"), final_gap)
            found = [value for value in own.values() if value is not None]
            missing = f" ({len(own) - len(found)} without routes)" if len(found) < len(own) else ""
            mean = f"{fmean(found):.2f}{missing}" if found else "—"
            cells += [mean, "" if method == "lagrl" else difference(own, whole)]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def seconds_to(rows: list[Row], target: float) -> float | None:
    """Return the median over seeds of the least seconds after which a run was within `target` %; None if one never was.

    A search that looks at its budget gets there at another time in each length; the first counts.
    """
    least: dict[int, float] = {row["seed"]: np.inf for row in rows}
    for row in rows:
        times = [when for when, cost in row["history"] if gap(row, cost) <= target]
        least[row["seed"]] = min([least[row["seed"]], *times])
    return median(least.values()) if max(least.values()) < np.inf else None


def scaling_table(rows: list[Row]) -> str:
    """Seconds to 2 %, memory, and how both grow."""
    lengths = sorted({row["seconds"] for row in rows})
    lines = [
        f"| instance | n | seconds to {TARGET:g} % | {' | '.join(f'gap at {s:g} s' for s in lengths)} | MiB |",
        "|---|--:|--:|" + "--:|" * len(lengths) + "--:|",
    ]
    reached: list[tuple[int, float]] = []
    memory: list[tuple[int, float]] = []
    for name in sorted({row["instance"] for row in rows}, key=lambda name: int(name.split("-")[1][1:])):
        own = [row for row in rows if row["instance"] == name]
        n, needed = own[0]["n_customers"], seconds_to(own, TARGET)
        most = max(row["megabytes"] for row in own)
        memory.append((n, most))
        if needed is not None:
            reached.append((n, needed))
        gaps = [by_instance((row for row in own if row["seconds"] == s), final_gap).get(name) for s in lengths]
        cells = ["—" if value is None else f"{value:.2f}" for value in gaps]
        lines.append(
            f"| {name} | {n} | {'—' if needed is None else f'{needed:.1f}'} | {' | '.join(cells)} | {most:.0f} |"
        )
    text = "\n".join(lines)
    if len(reached) >= 3:
        text += f"\n\nSeconds to {TARGET:g} % grow as n^{exponent(reached):.2f} over the {len(reached)} that got there;"
        text += f" memory as n^{exponent(memory):.2f}."
    return text


def exponent(points: list[tuple[int, float]]) -> float:
    """Least-squares slope in logarithms."""
    n, value = np.log(np.array(points, dtype=np.float64)).T
    return float(np.polyfit(n, value, 1)[0])


def share_line(rows: list[Row]) -> str:
    """How the seconds were spent."""
    own = [row for row in rows if row["method"] == "lagrl"]
    text = []
    for seconds in sorted({row["seconds"] for row in own}):
        at = [row for row in own if row["seconds"] == seconds]
        parts = [fmean(row[part] / row["wall"] for row in at) for part in ("polish", "partition", "bound")]
        most = max(row["polish"] / row["wall"] for row in at)
        text.append(
            f"| {seconds:g} | {' | '.join(f'{100 * part:.0f} %' for part in parts)} | {100 * most:.0f} % "
            f"| {max(row['wall'] for row in at):.2f} |"
        )
    head = "| seconds | polish | partition | bound | most polish | longest run, s |\n|--:|--:|--:|--:|--:|--:|\n"
    return "How lagrl spends its time, mean over instances:\n\n" + head + "\n".join(text)


def clock_table(rows: list[Row]) -> str:
    """Seconds after the end of the clock, the allowance of 0.2 s + 5 %, and the processor's time."""
    lines = [
        "| method | seconds | mean overrun, s | largest | allowed | runs within | mean processor time, s |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for method in dict.fromkeys(row["method"] for row in rows):
        for seconds in sorted({row["seconds"] for row in rows if row["method"] == method}):
            own = [row for row in rows if (row["method"], row["seconds"]) == (method, seconds)]
            late, allowed = [row["overrun"] for row in own], LATE_SECONDS + LATE_SHARE * seconds
            within = f"{sum(overrun <= allowed for overrun in late)} of {len(own)}"
            used = fmean(row["processor"] for row in own)
            lines.append(
                f"| {method} | {seconds:g} | {fmean(late):.2f} | {max(late):.2f} | {allowed:.2f} | {within} "
                f"| {used:.2f} |"
            )
    return "Overrun of the clock:\n\n" + "\n".join(lines)


def with_best_known(rows: list[Row]) -> list[Row]:
    """Return the rows with the best cost among the rows of an instance where no best known cost exists.

    Rows of an instance that nobody solved are left out.
    """
    best: dict[str, float] = {}
    for row in rows:
        costs = [cost for _, cost in row["history"]]
        best[row["instance"]] = min([best.get(row["instance"], np.inf), *costs])
    known = [{**row, "best_known": row["best_known"] or best[row["instance"]]} for row in rows]
    return [row for row in known if row["best_known"] < np.inf]


def road_table(rows: list[Row]) -> str:
    """Gap of lagrl and PyVRP on the instances by road, to the best cost among the rows of an instance."""
    known = with_best_known(rows)
    lines = ["| seconds | lagrl | PyVRP | lagrl minus PyVRP | lagrl better on |", "|--:|--:|--:|--:|--:|"]
    for seconds in (2.0, 20.0):
        own, other = (curve_gaps(known, method, seconds) for method in ("lagrl", "pyvrp"))
        pairs = [(own[name], other[name]) for name in own]
        n_better = sum(b is None or (a is not None and a < b) for a, b in pairs)
        numbers = f"{described(own)} | {described(other)} | {difference(own, other)} | {n_better} of {len(pairs)}"
        lines.append(f"| {seconds:g} | {numbers} |")
    return "Roads: % above the best cost among these rows, mean / median / largest:\n\n" + "\n".join(lines)


def show(rows: list[Row]) -> str:
    """Render every table there are rows for."""
    parts = {part: [row for row in rows if row["part"] == part] for part in PARTS}
    text = []
    if parts["curve"]:
        curve = parts["curve"]
        text += [curve_table(curve), family_table(curve), instance_table(curve), bound_table(curve), share_line(curve)]
    if parts["ablation"]:
        text.append(ablation_table(with_best_known(parts["ablation"])))
    if parts["scaling"]:
        text.append(scaling_table(parts["scaling"]))
    if parts["clock"]:
        text.append(clock_table(parts["clock"]))
    if parts["roads"]:
        text.append(road_table(parts["roads"]))
    if parts["peers"]:
        from benchmarks.solution_quality.report_peers import show_peers

        text.append(show_peers(parts["peers"]))
    return "\n\n".join(text)
