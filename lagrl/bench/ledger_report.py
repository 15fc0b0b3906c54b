"""The report's ledger: what each line took, and whether its circuits paid."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lagrl.bench.grouping import Grouping
from lagrl.bench.ledger import Entry, is_quantum, ledger
from lagrl.bench.tables import Table, to_markdown
from lagrl.bench.verdict import SUCCESS_PERCENT, time_to_solution, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lagrl.bench.companion_rows import CompanionRows
    from lagrl.bench.prices import PriceTable
    from lagrl.bench.schema import Row

_MARKS = {"measured": "m", "charged": "c", "estimated": "e", "assumed": "a"}
_PARTS = ("optimiser", "decoding", "encoding", "sampler", "quantum computer", "queue", "recording", "training")

Names = tuple[str, str, str, str]
_NAMES: Names = ("controller", "sampler", "method", "budget")
_COMPANION_NAMES: Names = ("size", "method", "variant", "shots")


def ledger_report(rows: Iterable[Row], prices: PriceTable) -> str:
    """Return the ledger of some rows as Markdown: means per run of each line, verdicts, and time to solution.

    Raises
    ------
    InputError
        If there are no rows.
    """
    return "## Ledger\n\n" + "\n".join(map(to_markdown, ledger_tables(Grouping(rows), prices)))


def companion_ledger_report(problems: Iterable[CompanionRows], prices: PriceTable) -> str:
    """Return the ledgers of companion problems as Markdown, one after the other.

    Raises
    ------
    InputError
        If no row has seconds.
    """
    texts = []
    for problem in problems:
        lines = [f"## Ledger: {problem.title}", ""]
        if problem.rows:
            tables = ledger_tables(Grouping(problem.rows), prices, problem.unit, _COMPANION_NAMES)
            lines += map(to_markdown, tables)
            if not any(map(is_quantum, problem.rows)):
                lines.append("No circuits were run on this problem: there is no verdict.\n")
        if problem.n_without_seconds:
            lines.append(f"Rows left out, because their seconds are not recorded: {problem.n_without_seconds}.\n")
        texts.append("\n".join(lines))
    return "\n".join(texts)


def ledger_tables(
    grouping: Grouping, prices: PriceTable, unit: str = "distance units", names: Names = _NAMES
) -> list[Table]:
    """Return the tables of the ledger that have rows.

    Parameters
    ----------
    grouping
        The rows.
    prices
        PriceTable, powers and intensities.
    unit
        Unit of the costs, in the plural.
    names
        Headings of a row's controller, sampler, method and budget.
    """
    tables = [_spent(grouping, prices, names), _verdicts(grouping, prices, unit, names), _times(grouping, names)]
    return [table for table in tables if table.rows]


def _spent(grouping: Grouping, prices: PriceTable, names: Names) -> Table:
    body = []
    for line in grouping.lines:
        for budget in grouping.budgets:
            runs = [ledger(row, prices) for row in grouping.members(line, budget)]
            for part in _PARTS:
                entries = [entry for run in runs for entry in run if entry.name == part]
                if entries:
                    figures = [_mean(entries, name, len(runs)) for name in ("seconds", "joules", "grams", "money")]
                    body.append([line.controller, line.sampler, line.method, str(budget), part, *figures])
    note = (
        "Each figure is m measured, c charged, e estimated from measured seconds, or a assumed. Assumptions of "
        f"{prices.date}: {prices.cpu_watts:g} W a core, {prices.qpu_watts:g} W a quantum computer, "
        f"{prices.carbon_g_per_kwh:g} gCO2e/kWh, {prices.cpu_money_per_hour:g} {prices.currency} a core hour, "
        f"{prices.qpu_money_per_second:g} {prices.currency} a second of a quantum computer. The queue is no part of a "
        f"run's time, and the recording of exact values no part of a solve.{_not_apart(grouping)}"
    )
    header = [*names, "part", "seconds", "J", "gCO2e", prices.currency]
    return Table("What a run takes, means by part", header, body, 5, note)


def _not_apart(grouping: Grouping) -> str:
    """Say which rows have no seconds of decoding or encoding, which are then parts of others, not 0."""
    with_circuits = [row for row in grouping.rows if is_quantum(row)]
    decoding = sum("decoding_seconds" not in row for row in grouping.rows)
    encoding = sum(not row.get("encoding_seconds") for row in with_circuits)
    text = ""
    if decoding:
        total = len(grouping.rows)
        text += f" Decoding and repair are not recorded in {decoding} of {total} rows: part of their optimiser."
    if encoding:
        total = len(with_circuits)
        text += (
            f" Encoding and compilation are not recorded in {encoding} of {total} rows with circuits: part of their "
        )
        text += "sampler."
    return text


def _mean(entries: list[Entry], name: str, n_runs: int) -> str:
    figures = [getattr(entry, name) for entry in entries]
    origins = {figure.origin for figure in figures}
    mark = "/".join(sorted(_MARKS[origin] for origin in origins))
    return f"{sum(figure.value for figure in figures) / n_runs:.3g} {mark}"


def _verdicts(grouping: Grouping, prices: PriceTable, unit: str, heads: Names) -> Table:
    body = []
    for found in verdicts(grouping, prices):
        low, high = found.improvement.low, found.improvement.high
        improvement = f"{_signed(found.improvement.mean)} [{_signed(low)}, {_signed(high)}]"
        money, joules = found.money_per_unit, found.joules_per_unit
        verdict = "did not pay" if money is None or joules is None else f"{money:.3g} and {joules:.3g} J a unit"
        line = found.line
        names = [line.controller, line.sampler, line.method, str(found.budget)]
        price = "—" if found.break_even is None else f"{found.break_even:.3g}"
        body.append([*names, str(found.n_instances), improvement, verdict, price])
    worth = prices.money_per_distance_unit
    known = (
        "for it, give money_per_distance_unit in --prices"
        if worth is None
        else f"a distance unit is worth {worth:g} {prices.currency}"
    )
    header = [*heads, "instances", f"improvement, {unit}", "verdict"]
    return Table(
        "Circuits against the best classical answer at equal seconds",
        [*header, f"break-even, {prices.currency}/s"],
        body,
        4,
        "The classical answer is the best cost of any run without circuits on the instance within the same seconds, "
        "queue left out. In brackets: 95 % bootstrap interval over instances. Where it does not lie above 0, the "
        "circuits did not pay, and no ratio is given. Break-even is the price of a second of the quantum computer at "
        f"which the line would pay; — without such seconds ({known}).",
    )


def _signed(value: float) -> str:
    """Write a number with a sign, with two decimals or at least three digits."""
    return f"{value:+.2f}" if abs(value) >= 1 or value == 0 else f"{value:+.3g}"


def _times(grouping: Grouping, heads: Names) -> Table:
    body = []
    for line in grouping.lines:
        for budget in grouping.budgets:
            members = grouping.members(line, budget)
            times = [
                time_to_solution([row for row in members if row["instance"] == name])
                for name in sorted({row["instance"] for row in members})
            ]
            known = [found for found in times if found is not None]
            if not known or not any(is_quantum(row) for row in grouping.rows):
                continue
            reached = [found for found in known if math.isfinite(found[0])]
            middle = [float(np.median([found[i] for found in reached])) for i in range(3)] if reached else []
            text = f"{middle[0]:.3g} [{middle[1]:.3g}, {middle[2]:.3g}]" if middle else "—"
            names = [line.controller, line.sampler, line.method, str(budget)]
            body.append([*names, f"{len(reached)}/{len(known)}", text])
    return Table(
        f"Time to a gap of {SUCCESS_PERCENT:g} % with probability 0.99, seconds",
        [*heads, "instances reached", "median TTS₉₉"],
        body,
        4,
        "Over seeds, median of the instances on which some seed reached the gap; in brackets the medians of the ends "
        "of 95 % intervals (Wilson 1927), which are wide for few seeds.",
    )
