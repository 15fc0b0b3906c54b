"""How often intervals from logs hold the truth, and how wide they are, on logs drawn from a table of all rewards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.bandit_study.logs import Judge
from benchmarks.bandit_study.reward_table import RewardTable
from lagrl.bench.trace_table import TraceGroup, TraceTable
from lagrl.quantum.bandit.arm_policies import Policy
from lagrl.quantum.bandit.features import knapsack_rows
from lagrl.quantum.bandit.profile import ScreenedArms


def drawn_log(table: RewardTable, screened: dict[int, ScreenedArms], n: int, rng: np.random.Generator) -> TraceTable:
    """Draw n random decisions on a table's knapsacks; sampling adds what it added in another draw of the knapsack."""
    c = rng.integers(len(table.knapsacks), size=n)
    place = {arm: a for a, arm in enumerate(table.arms)}
    reward, propensity = np.zeros(n), np.zeros(n)
    groups = []
    for width, own in screened.items():
        where = np.flatnonzero(table.width[c] == width)
        allowed = np.flatnonzero(own.is_allowed)
        arm = rng.choice(allowed, size=len(where))
        other = rng.choice(allowed[1:], size=len(where))  # not the product state's, which is 0
        columns = np.array([place[each] for each in own.arms])
        knapsacks = c[where]
        noise = table.drawn[knapsacks, columns[other]] - table.expected[knapsacks, columns[other]]
        told = np.clip(table.expected[knapsacks, columns[arm]] + noise, -1.0, 1.0)
        reward[where] = np.where(arm == 0, 0.0, told)
        propensity[where] = 1.0 / len(allowed)
        rows = knapsack_rows([table.knapsacks[i] for i in knapsacks])
        groups.append(TraceGroup(own, where, rows, arm, arm))
    return TraceTable(tuple(groups), reward, propensity, table.group[c])


def coverage_rows(
    table: RewardTable,
    screened: dict[int, ScreenedArms],
    policies: dict[str, tuple[Policy, float]],
    n: int,
    count: int,
) -> Iterator[dict[str, Any]]:
    """Yield a row for every policy: share of logs whose 95 % interval holds what the policy earns on the table."""
    truth = {name: float(table.among(screened, *own).mean()) for name, own in policies.items()}
    found: dict[str, list[tuple[dict[str, float | None], dict[str, float | None]]]] = {name: [] for name in policies}
    for number in range(count):
        judge = Judge.of(drawn_log(table, screened, n, np.random.default_rng([2, number])))
        for name, own in policies.items():
            found[name].append(judge.both(*own))
    for name, estimates in found.items():
        row: dict[str, Any] = {"kind": "coverage", "policy": name, "truth": truth[name], "logs": count, "decisions": n}
        for which, label in enumerate(("snips", "robust")):
            own_estimates = [both[which] for both in estimates if both[which]["value"] is not None]
            value, low, high = (np.array([own[key] for own in own_estimates]) for key in ("value", "low", "high"))
            row[label] = {
                "logs": len(value),
                "covered": float(((low <= truth[name]) & (truth[name] <= high)).mean()),
                "half_width": float((high - low).mean() / 2),
                "bias": float(value.mean() - truth[name]),
                "error": float(np.sqrt(((value - truth[name]) ** 2).mean())),
            }
        yield row
