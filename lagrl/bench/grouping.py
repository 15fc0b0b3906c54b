"""Groups of rows: lines (a controller and how it was run) by budgets, over common instances."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lagrl.errors import InputError
from lagrl.problems.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lagrl.bench.schema import Row

_NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Line:
    """A line of a report: a controller and how it was run. Lines are in order of their names, numbers by size.

    `fleet` is empty unless some instance was run under several fleet rules; then it is `benchmark` (the rule of the
    best known costs) or the kind of the other rule.
    """

    controller: str
    sampler: str
    method: str
    fleet: str = ""

    def __lt__(self, other: Line) -> bool:
        return self._order < other._order

    @property
    def _order(self) -> list[tuple[list[str | float], str]]:
        return [_by_size(name) for name in (self.controller, self.sampler, self.method, self.fleet)]


def _by_size(name: str) -> tuple[list[str | float], str]:
    """Return a name's texts and numbers in turn, such as those of `1,000 × 10`, and the name."""
    return [float(part.replace(",", "")) if i % 2 else part for i, part in enumerate(_NUMBER.split(name))], name


class Grouping:
    """Rows by line and budget; their order does not matter.

    Parameters
    ----------
    rows
        As from `read_rows`.

    Attributes
    ----------
    reference
        What gaps refer to: the `best known cost`; where no row has one, the `best cost among the rows` of the same
        instance and fleet rule.

    Raises
    ------
    InputError
        If there are no rows.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = sorted(rows, key=lambda row: (row["instance"], row["seed"], row["key"]))
        if not self.rows:
            raise InputError("there are none", field="rows", remedy="run lagrl eval first")
        self.reference = "best known cost"
        if not any(map(has_gap, self.rows)):
            self.reference = "best cost among the rows"
            self.rows = _with_own_gaps(self.rows)
        self._members: dict[tuple[Line, int], list[Row]] = defaultdict(list)
        for row in self.rows:
            for fleet in _fleet_views(row, self._other_rules):
                line = Line(row["controller"], row["sampler"], row["method"], fleet)
                self._members[line, row["budget"]].append(row)
        self.lines = sorted({line for line, _ in self._members})
        self.budgets = sorted({budget for _, budget in self._members})

    @cached_property
    def _other_rules(self) -> frozenset[str]:
        """Kinds of fleet rule that get their own lines: none while every instance has a single rule."""
        rules: dict[str, set[str]] = defaultdict(set)
        for row in self.rows:
            rules[row["instance"]].add(row["fleet"])
        if all(len(seen) == 1 for seen in rules.values()):
            return frozenset()
        return frozenset(_kind(row) for row in self.rows if not _is_benchmark_rule(row)) | {"benchmark"}

    def members(self, line: Line, budget: int) -> Sequence[Row]:
        """Return the rows of a line at a budget, by instance and seed; empty if it was not run."""
        return self._members.get((line, budget), ())

    def instances_run(self, budget: int) -> list[str]:
        """Return the instances on which every line that has this budget was run."""
        return _common({row["instance"] for row in self.members(line, budget)} for line in self.lines)

    def instances_with_gap(self, budget: int) -> list[str]:
        """Return the instances on which every line has a gap at this budget; lines without any gap do not count."""
        return self._instances_with("gap_pct", budget)

    def gaps(self, line: Line, budget: int) -> dict[str, list[float]]:
        """Return instance to gaps over seeds, per cent, for the common instances; empty if the line has no gap."""
        return self._values("gap_pct", line, budget)

    def costs(self, line: Line, budget: int) -> dict[str, list[float]]:
        """Return instance to costs of feasible routes over seeds, distance units, as `gaps` does."""
        return self._values("cost", line, budget)

    def _instances_with(self, field: str, budget: int) -> list[str]:
        return _common(
            {row["instance"] for row in self.members(line, budget) if _has(row, field)} for line in self.lines
        )

    def _values(self, field: str, line: Line, budget: int) -> dict[str, list[float]]:
        common = set(self._instances_with(field, budget))
        found: dict[str, list[float]] = defaultdict(list)
        for row in self.members(line, budget):
            if _has(row, field) and row["instance"] in common:
                found[row["instance"]].append(row[field])
        return dict(found)


def has_gap(row: Row) -> bool:
    """Whether a row is feasible and has a cost to be compared with."""
    return _has(row, "gap_pct")


def _has(row: Row, field: str) -> bool:
    return row["feasible"] and row[field] is not None


def _with_own_gaps(rows: list[Row]) -> list[Row]:
    """Return the rows with gaps to the lowest cost of their instance under their fleet rule."""
    best: dict[tuple[str, str], float] = {}
    for row in rows:
        if row["feasible"]:
            place = row["instance"], row["fleet"]
            best[place] = min(row["cost"], best.get(place, row["cost"]))

    def gap(row: Row) -> float | None:
        lowest = best.get((row["instance"], row["fleet"]))
        return 100.0 * (row["cost"] - lowest) / lowest if row["feasible"] and lowest else None

    return [{**row, "gap_pct": gap(row)} for row in rows]


def _common(sets: Iterable[set[str]]) -> list[str]:
    nonempty = [names for names in sets if names]
    return sorted(set.intersection(*nonempty)) if nonempty else []


def _kind(row: Row) -> str:
    return str(row["fleet"]).split(":")[0]


def _is_benchmark_rule(row: Row) -> bool:
    return bool(row["fleet"] == str(Fleet.of_benchmark(row["instance"])))


def _fleet_views(row: Row, kinds: frozenset[str]) -> list[str]:
    """Name the lines a row belongs to; an X row is free by its benchmark's rule and belongs to a `free` line too."""
    if not kinds:
        return [""]
    return [view for view in sorted(kinds) if view == _kind(row) or (view == "benchmark" and _is_benchmark_rule(row))]
