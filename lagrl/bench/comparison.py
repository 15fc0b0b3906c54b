"""What a report says of grouped rows: gaps and times, differences from a baseline, gaps by family.

Every statistic is over instances, an instance's value being the mean over its seeds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import TYPE_CHECKING

import numpy as np

from lagrl.bench.grouping import Line
from lagrl.bench.statistics import Interval, bootstrap_interval, paired_difference
from lagrl.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lagrl.bench.grouping import Grouping
    from lagrl.bench.schema import Row

DEFAULT_BASELINE = "perturbed"
EXACT = "exact"  # the sampler that others are compared with
QUANTUM = ("circuits", "two_qubit_gates", "shots", "quantum_seconds", "qpu_seconds", "queue_seconds", "price")

_SEED = 1993  # a fresh generator per interval: no interval depends on what else is in the report


@dataclass(frozen=True)
class Cell:
    """One line at one budget. Gaps in per cent of the best known cost, times in seconds, costs in distance units."""

    line: Line
    budget: int
    n_rows: int
    n_feasible: int
    n_instances: int
    gap: Interval | None
    median: float | None
    maximum: float | None
    seconds: float | None
    dual_value: float | None
    circuits: float | None
    two_qubit_gates: float | None
    shots: float | None
    quantum_seconds: float | None
    qpu_seconds: float | None
    queue_seconds: float | None
    price: float | None


@dataclass(frozen=True)
class Difference:
    """Mean gap of a line minus that of its baseline at the same budget, percentage points; negative is better."""

    line: Line
    budget: int
    n_instances: int
    interval: Interval


@dataclass(frozen=True)
class FamilyGap:
    """Mean gap of a line over the instances of one family, per cent of the best known cost."""

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
    """Return the controller that others are compared with.

    `perturbed` unless named, for a learner that does not beat random perturbation has learned nothing; without it
    the alphabetically first.

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
    """Refuse a sampler to compare with that no row is of; the exact one may be missing.

    Raises
    ------
    UnknownNameError
        If no row is of it.
    """
    samplers = sorted({line.sampler for line in grouping.lines})
    if name != EXACT and name not in samplers:
        raise UnknownNameError.of("baseline sampler", name, samplers)


def differences(grouping: Grouping, baseline: str) -> list[Difference]:
    """Compare every line with the baseline controller run the same way, over the common instances."""
    found = []
    for line in grouping.lines:
        reference = Line(baseline, line.sampler, line.method, line.fleet)
        for budget in grouping.budgets:
            ours, theirs = grouping.gaps(line, budget), grouping.gaps(reference, budget)
            if line != reference and ours and theirs:
                interval = paired_difference(ours, theirs, np.random.default_rng(_SEED))
                found.append(Difference(line, budget, len(ours), interval))
    return found


def sampler_differences(grouping: Grouping, baseline: str = EXACT) -> list[Difference]:
    """Compare every line with the same controller under the sampler `baseline`, over the common instances."""
    found = []
    for line in grouping.lines:
        reference = replace(line, sampler=baseline)
        for budget in grouping.budgets:
            ours, theirs = grouping.gaps(line, budget), grouping.gaps(reference, budget)
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

    def mean_of(field: str) -> float | None:
        return _mean_over_instances(shared, lambda row: row.get(field))

    return Cell(
        line,
        budget,
        n_rows=len(members),
        n_feasible=sum(row["feasible"] for row in members),
        n_instances=len(gaps),
        gap=bootstrap_interval(gaps, np.random.default_rng(_SEED)) if gaps else None,
        median=median(gaps) if gaps else None,
        maximum=max(gaps) if gaps else None,
        seconds=mean_of("seconds"),
        dual_value=mean_of("dual_value"),
        circuits=mean_of("circuits"),
        two_qubit_gates=mean_of("two_qubit_gates"),
        shots=mean_of("shots"),
        quantum_seconds=mean_of("quantum_seconds"),
        qpu_seconds=mean_of("qpu_seconds"),
        queue_seconds=mean_of("queue_seconds"),
        price=mean_of("price"),
    )


def _mean_over_instances(rows: Iterable[Row], value: Callable[[Row], float | None]) -> float | None:
    by_instance: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        number = value(row)
        if number is None:
            return None
        by_instance[row["instance"]].append(number)
    return fmean(fmean(numbers) for numbers in by_instance.values()) if by_instance else None
