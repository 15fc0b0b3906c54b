"""Controllers at equal seconds, from rows: what classical rules had found by the time a trained policy was done.

    python -m benchmarks.learned_controllers.equal_seconds --rows ROWS.jsonl LONGER-RUNS-OF-RULES.jsonl

A policy's evaluation costs more than a rule's. For every row of a trained controller, the rule's longest run on the
same instance, with the same sampler, reconstruction and seed, is cut off at the policy's seconds (wall clock of the
solve, compilation excluded, sampling included). Checkpoints of one kind count as training seeds of one method. Rows
must have been made on one machine, one thread each.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from benchmarks.learned_controllers.report import method
from lagrl.bench.rows import read_rows
from lagrl.bench.statistics import bootstrap_interval

Key = tuple[Any, ...]


def circumstances(row: dict[str, Any]) -> Key:
    """Return what two rows must share to be compared."""
    return tuple(row[name] for name in ("instance", "sampler", "method", "fleet", "seed"))


def gap_after(row: dict[str, Any], seconds: float) -> float:
    """Return the gap, %, of the best routes that a run had after so many seconds; of its first ones if none yet."""
    costs = [cost for _, when, cost in row["history"] if when <= seconds] or [row["history"][0][2]]
    return 100.0 * (min(costs) / row["best_known"] - 1.0)


def compared(rows: list[dict[str, Any]], rules: tuple[str, ...]) -> dict[Key, dict[str, list[tuple[float, float]]]]:
    """Return (policy's gap, rule's gap at its seconds) by instance, for each policy, sampler, budget and rule."""
    longest: dict[Key, dict[str, Any]] = {}
    for row in rows:
        key = (row["controller"], *circumstances(row))
        if row["controller"] in rules and row["history"] and row["budget"] > longest.get(key, {"budget": 0})["budget"]:
            longest[key] = row
    pairs: dict[Key, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if not row["controller"].startswith("checkpoints/") or row["gap_pct"] is None:
            continue
        seconds = row["seconds"] + row["quantum_seconds"]
        for rule in rules:
            other = longest.get((rule, *circumstances(row)))
            if other is not None:
                group = (method(row["controller"]), row["sampler"], row["method"], row["budget"], rule)
                pairs[group][row["instance"]].append((row["gap_pct"], gap_after(other, seconds)))
    return pairs


def main(rows: tuple[Path, ...], rules: tuple[str, ...] = ("hwc", "cfm")) -> None:
    """Print a table.

    Parameters
    ----------
    rows
        Files that `lagrl eval` wrote.
    rules
        Classical controllers to compare with; they need rows that lasted as long as the policies'.
    """
    print("| policy | sampler | method | budget | rule | policy's gap % | rule's at its seconds | difference |")
    print("|---|---|---|--:|---|--:|--:|--:|")
    rng = np.random.default_rng(0)
    for group, by_instance in sorted(
        compared([row for path in rows for row in read_rows(path)], rules).items(), key=str
    ):
        policy, sampler, how, budget, rule = group
        means = np.array([np.mean(pairs, axis=0) for pairs in by_instance.values()])
        found = bootstrap_interval(means[:, 0] - means[:, 1], rng)
        print(
            f"| {policy} | {sampler} | {how} | {budget} | {rule} | {means[:, 0].mean():.2f} | "
            f"{means[:, 1].mean():.2f} | {found.mean:+.2f} [{found.low:+.2f}, {found.high:+.2f}] |"
        )


if __name__ == "__main__":
    tyro.cli(main)
