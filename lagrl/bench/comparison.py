"""Statistics of grouped rows: gaps and times, differences from a baseline, gaps by family.

Every statistic is over instances, an instance's value being the mean over its seeds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import TYPE_CHECKING

import numpy as np

from lagrl.bench.statistics import Interval, bootstrap_interval, paired_difference
from lagrl.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lagrl.bench.grouping import Grouping, Line
    from lagrl.bench.schema import Row

DEFAULT_BASELINE = "perturbed"
EXACT = "exact"  # the sampler that others are compared with
QUANTUM = ("circuits", "two_qubit_gates", "shots", "quantum_seconds", "qpu_seconds", "queue_seconds", "price")
MEANS = ("seconds", "dual_value", *QUANTUM)

_SEED = 1993  # a fresh generator per interval: no interval depends on what else is in the report


@dataclass(frozen=True)
class Cell:
    """One line at one budget. Gaps in per cent of `Grouping.reference`.

    Attributes
    ----------
    means
        `seconds`, `dual_value` and those of `QUANTUM`, means over instances; None where a row lacks the value.
    """

    line: Line
    budget: int
    n_rows: int
    n_feasible: int
    n_instances: int
    gap: Interval | None
    median: float | None
    maximum: float | None
    means: Mapping[str, float | None]


@dataclass(frozen=True)
class Difference:
    """Mean gap (percentage points) or cost of a line minus that of its baseline at a budget; negative is better."""

    line: Line
    budget: int
    n_instances: int
    interval: Interval


@dataclass(frozen=True)
class FamilyGap:
    """Mean gap of a line over the instances of one family, per cent of `Grouping.reference`."""

    line: Line
    budget: int
    family: str
    n_instances: int
    gap: float


def cells(grouping: Grouping) -> list[Cell]:
    """Return one cell for every line and budget that was run."""
    return [
        _cell(grouping, line, budget)
        for line in grouping.lines
        for budget in grouping.budgets
        if grouping.members(line, budget)
    ]


def baseline_controller(grouping: Grouping, name: str | None) -> str:
    """Return the controller that others are compared with: `name`, else `perturbed`, else the alphabetically first.

    A learner that does not beat random perturbation has learned nothing, hence `perturbed`.

    Raises
    ------
    UnknownNameError
        If no row is of the controller `name`.
    """
    controllers = sorted({line.controller for line in grouping.lines})
    if name is None:
        return DEFAULT_BASELINE if DEFAULT_BASELINE in controllers else controllers[0]
    if name not in controllers:
        raise UnknownNameError.of("baseline controller", name, controllers)
    return name


def require_sampler(grouping: Grouping, name: str) -> None:
    """Raise UnknownNameError if no row is of the baseline sampler; the exact one may be missing."""
    samplers = sorted({line.sampler for line in grouping.lines})
    if name != EXACT and name not in samplers:
        raise UnknownNameError.of("baseline sampler", name, samplers)


def differences(grouping: Grouping, **baseline: str) -> list[Difference]:
    """Compare each line's gaps with those of another controller or sampler (`baseline`), over the common instances."""
    return _differences(grouping, grouping.gaps, baseline)


def cost_differences(grouping: Grouping, **baseline: str) -> list[Difference]:
    """Compare each line's costs as `differences` compares gaps."""
    return _differences(grouping, grouping.costs, baseline)


def mean_cost(grouping: Grouping, line: Line, budget: int) -> float | None:
    """Return the mean over the common instances of a line's mean cost over seeds; None without feasible rows."""
    means = [fmean(values) for values in grouping.costs(line, budget).values()]
    return fmean(means) if means else None


def _differences(
    grouping: Grouping, values: Callable[[Line, int], Mapping[str, list[float]]], baseline: Mapping[str, str]
) -> list[Difference]:
    found = []
    for line in grouping.lines:
        reference = replace(line, **baseline)
        for budget in grouping.budgets:
            ours, theirs = values(line, budget), values(reference, budget)
            if line != reference and ours and theirs:
                interval = paired_difference(ours, theirs, np.random.default_rng(_SEED))
                found.append(Difference(line, budget, len(ours), interval))
    return found


def by_family(grouping: Grouping) -> list[FamilyGap]:
    """Return mean gaps by family at the largest budget."""
    budget = grouping.budgets[-1]
    family_of = {row["instance"]: row["family"] for row in grouping.rows}
    found = []
    for line in grouping.lines:
        means: dict[str, list[float]] = defaultdict(list)
        for instance, values in grouping.gaps(line, budget).items():
            means[family_of[instance]].append(fmean(values))
        found += [FamilyGap(line, budget, name, len(v), fmean(v)) for name, v in sorted(means.items())]
    return found


def _cell(grouping: Grouping, line: Line, budget: int) -> Cell:
    members = grouping.members(line, budget)
    gaps = [fmean(values) for values in grouping.gaps(line, budget).values()]
    run = set(grouping.instances_run(budget))
    shared = [row for row in members if row["instance"] in run]

    return Cell(
        line,
        budget,
        n_rows=len(members),
        n_feasible=sum(row["feasible"] for row in members),
        n_instances=len(gaps),
        gap=bootstrap_interval(gaps, np.random.default_rng(_SEED)) if gaps else None,
        median=median(gaps) if gaps else None,
        maximum=max(gaps) if gaps else None,
        means={name: _mean_over_instances(shared, name) for name in MEANS},
    )


def _mean_over_instances(rows: Iterable[Row], name: str) -> float | None:
    by_instance: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        number = row.get(name)
        if number is None:
            return None
        by_instance[row["instance"]].append(number)
    return fmean(fmean(numbers) for numbers in by_instance.values()) if by_instance else None
