"""Did the circuits pay? Quantum runs against the best classical answer at equal seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.bench.ledger import is_quantum, ledger, run_seconds, total
from lagrl.bench.statistics import Interval, bootstrap_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lagrl.bench.grouping import Grouping, Line
    from lagrl.bench.prices import PriceTable
    from lagrl.bench.schema import Row

SUCCESS_PERCENT = 1.0
"""Largest gap of a successful run, %."""

_ROUNDING = 1e-9  # relative


@dataclass(frozen=True)
class Verdict:
    """A line with circuits at a budget, against the best classical rows of the same instances at equal seconds.

    Attributes
    ----------
    line, budget
        What was run.
    n_instances
        Instances with a classical answer in time.
    improvement
        Classical cost minus that of the line, distance units, by instance; above 0 the circuits are better.
    money, joules
        What the line took more than the classical run, means over instances.
    break_even
        Price of a second of the quantum computer at which the line pays, mean over instances with such seconds; None
        without them, or without `PriceTable.money_per_distance_unit`.
    """

    line: Line
    budget: int
    n_instances: int
    improvement: Interval
    money: float
    joules: float
    break_even: float | None = None

    @property
    def paid(self) -> bool:
        """Whether the improvement is above 0 with its whole interval."""
        return self.improvement.low > 0

    @property
    def money_per_unit(self) -> float | None:
        """Money per distance unit of improvement; None if there is none."""
        return self.money / self.improvement.mean if self.paid else None

    @property
    def joules_per_unit(self) -> float | None:
        """Energy per distance unit of improvement, J; None if there is none."""
        return self.joules / self.improvement.mean if self.paid else None


def verdicts(grouping: Grouping, prices: PriceTable) -> list[Verdict]:
    """Return the verdict of every line with circuits, at each budget.

    The classical answer is the best cost that any run without circuits had on the instance, under the same fleet rule,
    within the seconds of the run with circuits (queues are left out).
    """
    classical: dict[tuple[str, str], list[Row]] = {}
    for row in grouping.rows:
        if not is_quantum(row):
            classical.setdefault((row["instance"], row["fleet"]), []).append(row)
    found = []
    for line in grouping.lines:
        for budget in grouping.budgets:
            rows = [row for row in grouping.members(line, budget) if is_quantum(row) and row["feasible"]]
            by_instance: dict[str, list[tuple[float, float, float]]] = {}
            break_even: dict[str, list[float]] = {}
            for row in rows:
                best = best_within(classical.get((row["instance"], row["fleet"]), ()), run_seconds(row))
                if best is None:
                    continue
                by_instance.setdefault(row["instance"], []).append(_against(row, best, prices))
                value = prices.money_per_distance_unit
                price = None if value is None else break_even_price(row, _improvement(row, best), value, prices)
                if price is not None:
                    break_even.setdefault(row["instance"], []).append(price)
            if by_instance:
                means = np.array([np.mean(values, axis=0) for values in by_instance.values()])
                interval = bootstrap_interval(means[:, 0], np.random.default_rng(0))
                _, money, joules = means.mean(axis=0).tolist()
                prices_of = [float(np.mean(values)) for values in break_even.values()]
                price = float(np.mean(prices_of)) if prices_of else None
                found.append(Verdict(line, budget, len(means), interval, money, joules, price))
    return found


def best_within(rows: Sequence[Row], seconds: float) -> tuple[Row, float] | None:
    """Return the row with the lowest cost that was reached within some seconds, and that cost; None if none was."""
    best: tuple[Row, float] | None = None
    for row in rows:
        costs = [cost for _, reached, cost in row["history"] if reached <= seconds]
        if row["feasible"] and run_seconds(row) <= seconds:
            costs.append(row["cost"])
        if costs and (best is None or min(costs) < best[1]):
            best = row, min(costs)
    return best


def time_to_solution(rows: Sequence[Row], percent: float = SUCCESS_PERCENT) -> tuple[float, float, float] | None:
    """Return TTS₉₉ and its 95 % interval, s: the time to reach a gap with probability 0.99 by repeated runs.

    TTS₉₉ = t·ln(0.01)/ln(1 − p), at least the mean run time t (Rønnow et al. 2014); the interval is that of the success
    probability p by Wilson (1927).

    Parameters
    ----------
    rows
        Runs of one line, instance and budget with other seeds; None if there are none.
    percent
        Largest gap of a success, %.
    """
    if not rows:
        return None
    n = len(rows)
    hits = sum(1 for row in rows if row["feasible"] and row["gap_pct"] is not None and row["gap_pct"] <= percent)
    seconds = float(np.mean([run_seconds(row) for row in rows]))
    low, high = _wilson(hits, n)
    return _tts(seconds, hits / n), _tts(seconds, high), _tts(seconds, low)


def break_even_price(row: Row, improvement: float, value: float, prices: PriceTable) -> float | None:
    """Return the price of a second of the quantum computer at which a run pays, or None without such seconds.

    Parameters
    ----------
    row
        The run.
    improvement
        Over the classical answer, distance units.
    value
        Worth of a distance unit, in the currency.
    prices
        PriceTable of the rest.
    """
    seconds = float(row.get("qpu_seconds", 0.0))
    if seconds <= 0:
        return None
    left_out = ("quantum computer", "recording")
    others = sum(entry.money.value for entry in ledger(row, prices) if entry.name not in left_out)
    return max(0.0, (value * improvement - others) / seconds)


def _against(row: Row, best: tuple[Row, float], prices: PriceTable) -> tuple[float, float, float]:
    """Return improvement, money and energy of a run beyond a classical one, of which only as many seconds count."""
    of_row, of_best = ledger(row, prices), ledger(best[0], prices)
    share = min(1.0, run_seconds(row) / max(run_seconds(best[0]), 1e-12))
    money = total(of_row, "money") - share * total(of_best, "money")
    return _improvement(row, best), money, total(of_row, "joules") - share * total(of_best, "joules")


def _improvement(row: Row, best: tuple[Row, float]) -> float:
    """Return how much cheaper a run is than a classical cost; 0 where they differ by rounding only."""
    improvement = float(best[1] - row["cost"])
    return improvement if abs(improvement) > _ROUNDING * max(abs(best[1]), abs(row["cost"])) else 0.0


def _tts(seconds: float, probability: float) -> float:
    if probability <= 0:
        return math.inf
    if probability >= 0.99:
        return seconds
    return seconds * max(1.0, math.log(0.01) / math.log1p(-probability))


def _wilson(hits: int, n: int) -> tuple[float, float]:
    z = 1.959964
    centre, spread = hits + z * z / 2, z * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return max(0.0, (centre - spread) / (n + z * z)), min(1.0, (centre + spread) / (n + z * z))
