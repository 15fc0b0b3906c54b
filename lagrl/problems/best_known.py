"""Best known costs of the CVRPLIB instances, by name."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

from lagrl.problems.benchmark_sets import plain_name


def best_known(name: str) -> float | None:
    """Return the best known cost of the CVRPLIB instance called `name`, in any spelling, distance units, or None.

    The costs of the A, B, E, F, M and P families hold for exactly the k vehicles of the name (`Fleet.of_benchmark`).
    Published values change; gaps are measured to these.
    """
    return _table().get(plain_name(name))


@cache
def _table() -> dict[str, float]:
    text = resources.files("lagrl.problems").joinpath("data", "best_known.csv").read_text(encoding="utf-8")
    return {plain_name(row["name"]): float(row["cost"]) for row in csv.DictReader(text.splitlines())}
