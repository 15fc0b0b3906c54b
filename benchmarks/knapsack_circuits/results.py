"""Rows of `knapsack_circuits`, read: means over knapsacks and paired differences, with bootstrap intervals.

Instances are resampled, being independent; an instance's knapsacks, of different widths, are averaged first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lagrl.bench.statistics import Interval, bootstrap_interval, paired_difference
from lagrl.errors import InputError
from lagrl.paper.circuit_grid import REFERENCE, StringSource

LEVEL = 0.95
RESAMPLES = 10_000


@dataclass(frozen=True, eq=False)
class Results:
    """All rows of a run.

    Attributes
    ----------
    head
        What was run.
    knapsacks
        By name.
    rows
        By noise and configuration, then by knapsack.
    """

    head: dict[str, Any]
    knapsacks: dict[str, dict[str, Any]] = field(repr=False)
    rows: dict[tuple[str, str], dict[str, dict[str, Any]]] = field(repr=False)

    @staticmethod
    def of(rows: Iterable[dict[str, Any]]) -> Results:
        """Sort rows; of equal ones the first counts.

        Raises
        ------
        InputError
            If there is no head, or a knapsack is not described.
        """
        head, knapsacks, found = None, {}, {}
        for row in rows:
            if row["kind"] == "head":
                head = row
            elif row["kind"] == "knapsack":
                knapsacks[row["name"]] = row
            else:
                if row["knapsack"] not in knapsacks:
                    raise InputError(f"no knapsack {row['knapsack']!r}", source="rows", remedy="give a whole file")
                found.setdefault((row["noise"], row["name"]), {}).setdefault(row["knapsack"], row)
        if head is None:
            raise InputError("no head", source="rows", remedy="give what knapsack_circuits wrote")
        return Results(head, knapsacks, found)

    def chosen(self, noise: str, configuration: StringSource, width: int | None = None) -> list[dict[str, Any]]:
        """Return the rows of a configuration, of one width or of all."""
        found = self.rows.get((noise, configuration.name), {})
        return [row for name, row in found.items() if width is None or len(self.knapsacks[name]["weight"]) == width]

    def mean(self, noise: str, configuration: StringSource, measure: str, width: int | None = None) -> Interval:
        """Return the mean of a measure."""
        rows = self.chosen(noise, configuration, width)
        values = self._by_instance({row["knapsack"]: row[measure] for row in rows})
        means = [float(np.mean(values[instance])) for instance in sorted(values)]
        return bootstrap_interval(means, np.random.default_rng(0), LEVEL, RESAMPLES)

    def difference(
        self,
        noise: str,
        configuration: StringSource,
        measure: str,
        width: int | None = None,
        *,
        reference: StringSource = REFERENCE,
        against: str | None = None,
        level: float = LEVEL,
    ) -> Interval:
        """Return the mean difference from a control without noise, on the same knapsacks.

        Parameters
        ----------
        noise, configuration, measure, width
            What is compared.
        reference
            With which control.
        against
            A field of the same row to compare with instead of a control.
        level
            Of the interval.
        """
        rows = self.chosen(noise, configuration, width)
        control = self.rows["ideal", reference.name]
        own = {row["knapsack"]: row[measure] for row in rows}
        other = {row["knapsack"]: row[against] if against else control[row["knapsack"]][measure] for row in rows}
        rng = np.random.default_rng(0)
        return paired_difference(self._by_instance(own), self._by_instance(other), rng, level, RESAMPLES)

    def _by_instance(self, values: dict[str, float]) -> dict[str, list[float]]:
        grouped: dict[str, list[float]] = {}
        for name in sorted(values):
            grouped.setdefault(self.knapsacks[name]["instance"], []).append(values[name])
        return grouped
