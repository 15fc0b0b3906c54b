"""Tables of `qpu_scheduling`, from its rows alone: means over seeds with 95 % bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lagrl.bench.statistics import bootstrap_interval

Rows = list[dict[str, Any]]


def report(rows: Rows) -> None:
    """Print all tables."""
    of_kind = {kind: [row for row in rows if row["kind"] == kind] for kind in ("throughput", "fault", "drift")}
    _throughput(of_kind["throughput"])
    _faults(of_kind["fault"])
    _drift(of_kind["drift"])
    for row in (row for row in rows if row["kind"] == "overhead"):
        milliseconds = 1e3 * row["real_seconds_per_piece"]
        print(f"\n{row['pieces']} pieces on {row['qpus']} simulated QPUs: {milliseconds:.2f} ms of real time each.")


def _throughput(rows: Rows) -> None:
    _header("queue", "jobs", "QPUs", "seconds", "speed-up", "efficiency")
    seconds: dict[tuple[str, str, int], dict[int, float]] = {}
    for row in rows:
        seconds.setdefault((row["setting"], row["jobs"], row["qpus"]), {})[row["seed"]] = row["seconds"]
    for (setting, jobs, n_qpus), found in seconds.items():
        alone = seconds[setting, jobs, 1]
        speed = [alone[seed] / taken for seed, taken in found.items()]
        print(
            _line(setting, jobs, n_qpus, _shown([*found.values()], 1), _shown(speed), _shown(np.array(speed) / n_qpus))
        )


def _faults(rows: Rows) -> None:
    _header("fault", "by QPUs", "by product state", "twice", "lost", "attempts a piece", "seconds", "of fault-free")
    free = {row["seed"]: row["seconds"] for row in rows if row["fault"] == "none"}
    for fault in dict.fromkeys(row["fault"] for row in rows):
        own = [row for row in rows if row["fault"] == fault]
        pieces = sum(row["pieces"] for row in own)
        print(
            _line(
                fault,
                f"{100 * sum(row['by_qpu'] for row in own) / pieces:.2f} %",
                f"{100 * sum(row['by_product'] for row in own) / pieces:.2f} %",
                sum(row["twice"] for row in own),
                sum(row["lost"] for row in own),
                _shown([row["attempts"] / row["pieces"] for row in own]),
                _shown([row["seconds"] for row in own], 1),
                _shown([row["seconds"] / free[row["seed"]] for row in own]),
            )
        )


def _drift(rows: Rows) -> None:
    _header("when", "policy", "on the drifting one", "on the other", "no circuit", "mean reward")
    for when, policy in dict.fromkeys((row["when"], row["policy"]) for row in rows):
        own = [row for row in rows if (row["when"], row["policy"]) == (when, policy)]
        shares = [_shown([row[name] for row in own]) for name in ("drifting", "other", "product")]
        print(_line(when, policy, *shares, _shown([row["reward"] for row in own], 4)))


def _shown(values: Sequence[float] | np.ndarray, digits: int = 2) -> str:
    interval = bootstrap_interval(values, np.random.default_rng(0))
    return f"{interval.mean:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def _header(*names: str) -> None:
    print("\n" + _line(*names))
    print("|---" * len(names) + "|")


def _line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"
