"""Tables of the part `peers` of `solution_quality`: lagrl and the other solvers by set, family, size and seconds."""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean

from benchmarks.solution_quality.report import (
    Row,
    curve_gaps,
    curve_table,
    difference,
    methods_of,
    with_best_known,
)
from lagrl.bench.suites import suite

Gaps = dict[str, float | None]
SIZES = (100, 200, 400, 1000)  # largest number of customers of a class


def size_class(n_customers: int) -> str:
    """Return the class of a number of customers, such as `101–200`."""
    least = 1
    for most in SIZES:
        if n_customers <= most:
            return f"{least}–{most}"
        least = most + 1
    return f"over {SIZES[-1]}"


def measured_times(rows: list[Row]) -> list[float]:
    """Return the times of the curve: the lengths of the runs of those searches that look at their time limit."""
    return sorted({row["seconds"] for row in rows})


def mean_gap(rows: list[Row], method: str, times: list[float]) -> Gaps:
    """Return each instance's primal integral divided by its seconds, % of the best known cost (Berthold 2013).

    The gap of each time holds until the next; without routes it is 100 %. The integral runs from the first time to the
    last. So it is the same for a solver that reports its last solution only.
    """
    curves = [curve_gaps(rows, method, seconds) for seconds in times]
    names = {row["instance"] for row in rows if row["method"] == method}
    found: Gaps = {}
    for name in sorted(names):
        gaps = [100.0 if (gap := curve.get(name)) is None else gap for curve in curves]
        steps = [(until - since) * gap for (since, until), gap in zip(pairwise(times), gaps, strict=False)]
        found[name] = sum(steps) / (times[-1] - times[0])
    return found


def integral_table(rows: list[Row]) -> str:
    """Mean primal integral, and lagrl's minus the other's."""
    times = measured_times(rows)
    if len(times) < 2:
        return "Primal integral: one time only"
    own = mean_gap(rows, "lagrl", times)
    lines = ["| solver | mean gap over the seconds | lagrl minus this solver |", "|---|--:|--:|"]
    for method in methods_of(rows):
        gaps = mean_gap(rows, method, times)
        mean = fmean(gap for gap in gaps.values() if gap is not None)
        lines.append(f"| {method} | {mean:.2f} | {'' if method == 'lagrl' else difference(own, gaps)} |")
    head = f"Primal integral from {times[0]:g} to {times[-1]:g} s divided by the seconds, %, with 95 % intervals"
    return f"{head} over instances:\n\n" + "\n".join(lines)


def pairs_table(rows: list[Row], seconds: float) -> str:
    """Return lagrl minus each peer after `seconds`: of all instances, by family, and by size."""
    peers = [method for method in methods_of(rows) if method != "lagrl"]
    lines = [f"| instances | number | {' | '.join(peers)} |", "|---|--:|" + "--:|" * len(peers)]
    families = sorted({row["family"] for row in rows})
    groups = {"all": rows}
    if len(families) > 1:
        groups |= {name: [row for row in rows if row["family"] == name] for name in families}
    sizes = {size_class(n): None for n in sorted({row["n_customers"] for row in rows})}
    if len(sizes) > 1:
        groups |= {f"n {size}": [row for row in rows if size_class(row["n_customers"]) == size] for size in sizes}
    for name, own in groups.items():
        ours = curve_gaps(own, "lagrl", seconds)
        cells = [difference(ours, curve_gaps(own, peer, seconds)) for peer in peers]
        lines.append(f"| {name} | {len({row['instance'] for row in own})} | {' | '.join(cells)} |")
    head = f"lagrl minus the other solver after {seconds:g} s, points of gap, with 95 % intervals over instances"
    return f"{head}:\n\n" + "\n".join(lines)


def answers_table(rows: list[Row]) -> str:
    """What the answers were, and the seconds that the calls took."""
    lines = [
        "| solver | runs | no solution | against the fleet rule | mean wall time over the limit, s | largest "
        "| processor time / wall time |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for method in methods_of(rows):
        own = [row for row in rows if row["method"] == method]
        wrong = sum(row["fault"] is not None for row in own)
        fleet = sum(row["fault"] is None and not row["keeps_fleet"] for row in own)
        late = [row["wall"] - row["seconds"] for row in own]
        share = sum(row["processor"] for row in own) / sum(row["wall"] for row in own)
        numbers = f"{len(own)} | {wrong} | {fleet} | {fmean(late):.2f} | {max(late):.2f} | {share:.2f}"
        lines.append(f"| {method} | {numbers} |")
    return "Answers and clock:\n\n" + "\n".join(lines)


def set_of(row: Row) -> str:
    """Return the set that a row's instance is shown in: its kind if generated, `X`, or `A to P`."""
    return row["family"] if row["family"] in ("X", "X-type", "roads", "uniform") else "A to P"


def complete(rows: list[Row]) -> list[Row]:
    """Return the rows of the instances that every solver was run on for all its lengths."""
    runs: dict[str, set[tuple[str, float]]] = {}
    for row in rows:
        runs.setdefault(row["instance"], set()).add((row["method"], row["seconds"]))
    wanted = set().union(*runs.values())
    return [row for row in rows if runs[row["instance"]] == wanted]


def whole_set_table(rows: list[Row]) -> str:
    """Gap over time of the solvers that were run on every instance of a set."""
    names = {row["instance"] for row in rows}
    ran = {method: {row["instance"] for row in rows if row["method"] == method} for method in methods_of(rows)}
    own = [row for row in with_best_known(rows) if ran[row["method"]] == names]
    return f"All {len(names)} instances. {curve_table(own, measured_times(own))}" if own else ""


def show_peers(rows: list[Row]) -> str:
    """Render all tables, set by set; instances that are not complete count for solvers that were run on all only."""
    text = [answers_table(rows)]
    groups = {name: [row for row in rows if set_of(row) == name] for name in sorted({set_of(row) for row in rows})}
    reference = set(suite("paper30"))
    if reference <= {row["instance"] for row in rows}:
        groups = {"paper30": [row for row in rows if row["instance"] in reference]} | groups
    for name, of_set in groups.items():
        own = with_best_known(complete(of_set))
        if not own:
            text.append(f"### {name}\n\nNo instance is complete and has routes.")
            continue
        times = measured_times(own)
        pairs = [pairs_table(own, seconds) for seconds in times]
        text.append(f"### {name}")
        if len(own) < len(of_set):
            text.append(whole_set_table(of_set))
        text += [curve_table(own, times), integral_table(own), *pairs]
    return "\n\n".join(text)
