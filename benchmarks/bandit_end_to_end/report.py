"""Tables of `bandit_end_to_end.py`, from its rows alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.bandit_end_to_end.crosscheck import KIND
from benchmarks.harness import read_rows as read_lines
from lagrl.bench.rows import read_rows
from lagrl.bench.statistics import bootstrap_interval

RESAMPLES = 10_000
TARGET = 0.12  # the requested cut of the excess
POINTS = 0.1  # of the gap: a difference that would matter
Z = 1.959964 + 0.841621  # of 5 % two-sided significance and 80 % power
ORACLE = ("product", "noisy", "static", "best static", "trained")  # whom an oracle chooses among

Values = dict[str, dict[int, float]]  # instance, seed


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval; not a number where it cannot be told."""

    value: float
    low: float
    high: float

    def show(self, digits: int = 2, sign: bool = True) -> str:
        """Render."""
        if np.isnan(self.value):
            return "—"
        mark = "+" if sign else ""
        ends = "" if np.isinf(self.low) else f" [{self.low:{mark}.{digits}f}, {self.high:{mark}.{digits}f}]"
        return f"{self.value:{mark}.{digits}f}{ends}"


NOTHING = Estimate(np.nan, np.nan, np.nan)


def report(paths: Sequence[Path]) -> str:
    """Render all tables of files of rows, or of cross-checks."""
    first = read_lines(paths[0])
    if first and first[0].get("kind") == KIND:
        return crosscheck_tables([line for path in paths for line in read_lines(path)])
    rows = read_rows(*paths)
    parts = [part for part in ("reference", "search") if any(row["method"] == part for row in rows)]
    return "\n\n".join(Part([row for row in rows if row["method"] == part], part).tables() for part in parts)


class Part:
    """The rows of one decoder."""

    def __init__(self, rows: list[dict[str, Any]], name: str) -> None:
        self.name = name
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.roles: dict[str, tuple[str, ...]] = {}
        for row in rows:
            self.rows[row["sampler"]].append(row)
            self.roles[row["sampler"]] = tuple(row["roles"])
        exact = self.having("exact")
        self.exact = exact[0] if exact else ""
        self.gap = {sampler: values(own, "gap_pct") for sampler, own in self.rows.items()}
        self.shortfall = {sampler: values(own, "shortfall", 100.0) for sampler, own in self.rows.items()}

    def having(self, role: str) -> list[str]:
        """Return the samplers that have a role."""
        return [sampler for sampler, roles in self.roles.items() if role in roles]

    def excess(self, samplers: Sequence[str]) -> Values:
        """Return gap minus that of exact strings, % points, mean of some samplers, where all have one."""
        return differences([self.gap[sampler] for sampler in samplers], self.gap[self.exact])

    def tables(self) -> str:
        """Render."""
        text = [f"### Method `{self.name}`", "", *self._samplers()]
        fallbacks = [row["fallback"] for own in self.rows.values() for row in own if row["fallback"]]
        if fallbacks:
            text += ["", f"In {len(fallbacks)} rows something else answered than was asked: {fallbacks[0]}"]
        if self.exact:
            text += ["", *self._cuts(), "", *self._oracle(), "", *self._power()]
        text += ["", *self._instances()]
        return "\n".join(text)

    def _samplers(self) -> list[str]:
        head = ["sampler", "role", "runs", "no routes", "gap %, mean", "median", "excess, points"]
        text = _head([*head, "knapsacks' shortfall %", "circuits", "two-qubit gates", "seconds"])
        for sampler, own in self.rows.items():
            gaps = [row["gap_pct"] for row in own if row["gap_pct"] is not None]
            excess = mean_of(self.excess([sampler])) if self.exact and sampler != self.exact else NOTHING
            text.append(
                _line(
                    [
                        f"`{sampler}`",
                        ", ".join(self.roles[sampler]),
                        len(own),
                        len(own) - len(gaps),
                        f"{np.mean(gaps):.2f}" if gaps else "—",
                        f"{np.median(gaps):.2f}" if gaps else "—",
                        excess.show(),
                        mean_of(self.shortfall[sampler]).show(sign=False),
                        *(f"{np.mean([row[name] for row in own]):.0f}" for name in ("circuits", "two_qubit_gates")),
                        f"{np.mean([row['seconds'] + row['quantum_seconds'] for row in own]):.2f}",
                    ]
                )
            )
        return text

    def _instances(self) -> list[str]:
        """Gaps of every instance, means over seeds, and what static hardware and the bandit run for them."""
        roles = [
            role for role in ("exact", "product", "noisy", "static", "best static", "trained") if self.having(role)
        ]
        costs = [role for role in ("static", "trained") if self.having(role)]
        text = ["Gap % of every instance, mean over seeds; circuits of a run, and two-qubit gates of a circuit:", ""]
        fields = [f"{role}: {what}" for role in costs for what in ("circuits", "gates each", "shortfall %")]
        text += _head(["instance", *roles, *fields])
        gaps = [averaged([self.gap[sampler] for sampler in self.having(role)]) for role in roles]
        for instance in gaps[0]:
            cells: list[object] = [instance, *(_mean(gap, instance) for gap in gaps)]
            for role in costs:
                own = [row for s in self.having(role) for row in self.rows[s] if row["instance"] == instance]
                circuits = sum(row["circuits"] for row in own)
                gates = sum(row["two_qubit_gates"] for row in own)
                shortfall = averaged([self.shortfall[sampler] for sampler in self.having(role)])
                cells.append(f"{circuits / len(own):.0f}" if own else "—")
                cells += [f"{gates / circuits:.0f}" if circuits else "—", _mean(shortfall, instance)]
            text.append(_line(cells))
        return text

    def _cuts(self) -> list[str]:
        text = ["Relative cut by the bandit: 1 − its mean over that of static hardware.", ""]
        columns = ["bandit", "against", "excess: difference, points", "cut %", "shortfall: difference", "cut %"]
        text += _head([*columns, "of what is above exact strings', cut %"])
        for role in ("trained", "learning"):
            for against in ("static", "best static", "noisy", "product"):
                own, others = self.having(role), self.having(against)
                if own and others:
                    told = [f"{role}", against]
                    for mine, theirs in (
                        (self.excess(own), self.excess(others)),
                        (averaged([self.shortfall[s] for s in own]), averaged([self.shortfall[s] for s in others])),
                    ):
                        told += [mean_of(differences([mine], theirs)).show(), cut(mine, theirs).show(0)]
                    told.append(cut(self._above_exact(own), self._above_exact(others)).show(0))
                    text.append(_line(told))
        return [*text, "", "A cut is not told where the 95 % interval of what is cut includes 0."]

    def _above_exact(self, samplers: Sequence[str]) -> Values:
        """Return the samplers' mean shortfall above that of exact strings; nothing without rows of these."""
        if not self.exact:
            return {}
        return differences([averaged([self.shortfall[s] for s in samplers])], self.shortfall[self.exact])

    def _oracle(self) -> list[str]:
        """Whoever picks the best sampler of every instance in hindsight, with and without seeds of their own."""
        samplers = [sampler for sampler in self.roles if set(self.roles[sampler]) & set(ORACLE)]
        statics = self.having("static")
        text = [f"An oracle that picks one of {len(samplers)} samplers for every instance:", ""]
        text += _head(["of", "picked by", "it has", "less than static", "cut %"])
        for what, tables, static in (
            ("excess, points", [self.excess([sampler]) for sampler in samplers], self.excess(statics)),
            (
                "shortfall, %",
                [self.shortfall[sampler] for sampler in samplers],
                averaged([self.shortfall[sampler] for sampler in statics]),
            ),
        ):
            for name, own in zip(("the same seeds", "other seeds"), oracle(tables), strict=True):
                mine = {instance: {0: value} for instance, value in own.items()}
                theirs = {i: {0: float(np.mean(list(static[i].values())))} for i in own if i in static}
                less = mean_of(differences([theirs], mine))
                text.append(_line([what, name, mean_of(mine).show(), less.show(), cut(mine, theirs).show(0)]))
        return text

    def _power(self) -> list[str]:
        text = ["Pairs of instance and seed that tell a cut of 12 % from none (5 % two-sided, power 80 %):", ""]
        text += _head(
            [
                *("bandit", "against", "pairs", "sd of a difference between instances", "and between seeds"),
                *("told by these pairs, points", "12 % of the excess", "pairs needed", "at its upper end", "needed"),
                f"needed for {POINTS} points",
            ]
        )
        for role in ("trained", "learning"):
            for against in ("static", "best static"):
                own, others = self.having(role), self.having(against)
                if own and others:
                    theirs = self.excess(others)
                    difference = differences([theirs], self.excess(own))
                    between, within, count = components(difference)
                    told = Z * standard_error(difference)
                    base = mean_of(theirs)
                    cells = [role, against, count, f"{between:.2f}", f"{within:.2f}", f"{told:.2f}"]
                    for effect in (TARGET * base.value, TARGET * base.high, POINTS):
                        needed = (between**2 + within**2) * (Z / effect) ** 2 if effect > 0 else np.inf
                        cells += [f"{effect:+.3f}", f"{needed:,.0f}" if np.isfinite(needed) else "—"]
                    del cells[-2]  # the points are told above
                    text.append(_line(cells))
        return [*text, "", "Pairs needed are of one seed each on instances of their own, the cheapest way."]


def values(rows: Sequence[Mapping[str, Any]], field: str, scale: float = 1.0) -> Values:
    """Return a field by instance and seed, where there is one."""
    found: Values = defaultdict(dict)
    for row in rows:
        if row.get(field) is not None:
            found[row["instance"]][row["seed"]] = scale * row[field]
    return dict(found)


def averaged(tables: Sequence[Values]) -> Values:
    """Return the mean of several, where all have a value."""
    found: Values = {}
    for instance in tables[0] if tables else ():
        seeds = set.intersection(*(set(table.get(instance, {})) for table in tables))
        if seeds:
            found[instance] = {seed: float(np.mean([t[instance][seed] for t in tables])) for seed in sorted(seeds)}
    return found


def differences(tables: Sequence[Values], other: Values) -> Values:
    """Return the mean of several minus another, pair by pair."""
    if not tables:
        return {}
    mean = averaged(tables)
    found = {
        instance: {seed: value - other[instance][seed] for seed, value in own.items() if seed in other[instance]}
        for instance, own in mean.items()
        if instance in other
    }
    return {instance: own for instance, own in found.items() if own}


def by_instance(table: Values) -> NDArray[np.float64]:
    """Return [I] means over seeds."""
    return np.array([np.mean(list(own.values())) for own in table.values()])


def mean_of(table: Values) -> Estimate:
    """Return the mean over instances with its bootstrap interval over instances."""
    if not table:
        return NOTHING
    found = bootstrap_interval(by_instance(table), np.random.default_rng(0), resamples=RESAMPLES)
    return Estimate(found.mean, found.low, found.high)


def cut(mine: Values, theirs: Values) -> Estimate:
    """Return by how many % the mean of one table is below another's, over the pairs that both have.

    It is told only where what is cut is above 0 with its whole interval: a quotient by what may be 0 has none.
    """
    own = differences([theirs], mine)  # theirs − mine
    if not own:
        return NOTHING
    less = by_instance(own)
    base = by_instance({i: {s: theirs[i][s] for s in seeds} for i, seeds in own.items()})
    pick = np.random.default_rng(0).integers(len(less), size=(RESAMPLES, len(less)))
    below, base_means = less[pick].mean(axis=1), base[pick].mean(axis=1)
    if np.quantile(base_means, 0.025) <= 0.0:
        return NOTHING
    low, high = np.quantile(100.0 * below / base_means, [0.025, 0.975])
    return Estimate(float(100.0 * less.mean() / base.mean()), float(low), float(high))


def oracle(tables: Sequence[Values]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the excess of the best sampler of each instance: picked by all seeds, and by other seeds than judged by.

    The second is the mean over all ways to halve the seeds, the halves in both parts.
    """
    same: dict[str, float] = {}
    split: dict[str, float] = {}
    for instance in tables[0]:
        seeds = sorted(set.intersection(*(set(table.get(instance, {})) for table in tables)))
        if len(seeds) < 2:
            continue
        excess = np.array([[table[instance][seed] for seed in seeds] for table in tables])
        same[instance] = float(excess.mean(axis=1).min())
        judged = []
        half = len(seeds) // 2
        for part in {p for size in (half, len(seeds) - half) for p in combinations(range(len(seeds)), size)}:
            rest = [i for i in range(len(seeds)) if i not in part]
            chosen = int(excess[:, list(part)].mean(axis=1).argmin())
            judged.append(excess[chosen, rest].mean())
        split[instance] = float(np.mean(judged))
    return same, split


def components(table: Values) -> tuple[float, float, int]:
    """Return standard deviations between instances and between seeds of one, and the pairs (one-way analysis)."""
    groups = [np.array(list(own.values())) for own in table.values()]
    count = sum(map(len, groups))
    freedom = count - len(groups)
    within = sum(((own - own.mean()) ** 2).sum() for own in groups) / freedom if freedom else 0.0
    means = np.array([own.mean() for own in groups])
    seeds = len(groups) / sum(1.0 / len(own) for own in groups)
    between = max(0.0, means.var(ddof=1) - within / seeds) if len(groups) > 1 else 0.0
    return float(np.sqrt(between)), float(np.sqrt(within)), count


def standard_error(table: Values) -> float:
    """Return the standard error of the mean over instances."""
    means = by_instance(table)
    return float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else np.inf


def crosscheck_tables(lines: Sequence[Mapping[str, Any]]) -> str:
    """Render how far the surrogate's qualities are from those of trajectories, by backend and by width."""
    text = []
    for chooser in dict.fromkeys(line["chooser"] for line in lines):
        own = [line for line in lines if line["chooser"] == chooser]
        pairs = [{**pair, "instance": line["instance"]} for line in own for pair in line["pairs"]]
        checked, steps = (sum(line[name] for line in own) for name in ("checked", "steps"))
        text += [f"### Chosen by {chooser}: {checked} of {steps} steps, {len(pairs)} circuits", ""]
        text += _head(["", "circuits", "surrogate", "trajectories", "difference", "sd of one", "over product"])
        groups: list[tuple[str, Callable[[Mapping[str, Any]], bool]]] = [("all", lambda pair: True)]
        for name in ("backend", "width"):
            for value in sorted({pair[name] for pair in pairs}):
                groups.append((f"{name} {value}", lambda pair, name=name, value=value: pair[name] == value))
        for label, belongs in groups:
            text.append(_line([label, *_compared([pair for pair in pairs if belongs(pair)])]))
        text.append("")
    return "\n".join(text)


def _compared(pairs: Sequence[Mapping[str, Any]]) -> list[str]:
    if not pairs:
        return ["0", *["—"] * 5]
    one, other, base = (np.array([pair[name] for pair in pairs]) for name in ("surrogate", "trajectories", "product"))
    found = clustered(one - other, [pair["instance"] for pair in pairs])
    return [
        str(len(pairs)),
        f"{one.mean():.4f}",
        f"{other.mean():.4f}",
        found.show(4),
        f"{(one - other).std():.4f}",
        f"{(one - base).mean():+.4f}",
    ]


def clustered(numbers: NDArray[np.float64], clusters: Sequence[str]) -> Estimate:
    """Return the mean of all numbers with a bootstrap interval over whole clusters."""
    _, index = np.unique(clusters, return_inverse=True)
    total, count = np.bincount(index, numbers), np.bincount(index)
    if len(count) < 2:
        return Estimate(float(numbers.mean()), -np.inf, np.inf)
    pick = np.random.default_rng(0).integers(len(count), size=(RESAMPLES, len(count)))
    low, high = np.quantile(total[pick].sum(axis=1) / count[pick].sum(axis=1), [0.025, 0.975])
    return Estimate(float(numbers.mean()), float(low), float(high))


def _mean(table: Values, instance: str) -> str:
    own = table.get(instance)
    return f"{np.mean(list(own.values())):.2f}" if own else "—"


def _head(columns: Sequence[str]) -> list[str]:
    return [_line(columns), "|---" * len(columns) + "|"]


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
