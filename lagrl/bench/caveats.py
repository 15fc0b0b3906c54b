"""Caveats of a report: rows that are missing, mixed or left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from lagrl.bench.grouping import has_gap
from lagrl.samplers.registry import is_learning

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lagrl.bench.grouping import Grouping, Line
    from lagrl.bench.schema import Row


def caveats(grouping: Grouping) -> list[str]:
    """Return everything that weakens the comparison, one sentence each."""
    return [
        *_mixed(grouping.rows),
        *_unbalanced_instances(grouping),
        *_unbalanced_seeds(grouping),
        *_repeated(grouping),
        *_learning(grouping.rows),
        *_left_out(grouping.rows),
        *_own_reference(grouping),
    ]


def provenance(rows: Iterable[Row]) -> list[str]:
    """Return the origin of the rows: instances, seeds, versions and revisions, one line each."""
    rows = list(rows)
    instances = {row["instance"] for row in rows}
    seeds = sorted({row["seed"] for row in rows})
    stated = sorted({f"{name} {version}" for row in rows for name, version in row["versions"].items()})
    return [
        f"rows: {len(rows)}; instances: {len(instances)}; configurations: {len({row['config_hash'] for row in rows})}",
        f"seeds: {', '.join(map(str, seeds))}",
        f"versions: {', '.join(stated) or 'unknown'}",
        f"git revisions: {', '.join(_revisions(rows))}",
    ]


def _revisions(rows: Iterable[Row]) -> list[str]:
    return sorted({row["git_revision"] or "none (not a checkout)" for row in rows})


def _mixed(rows: list[Row]) -> list[str]:
    found = []
    stated: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        for name, version in row["versions"].items():
            stated[name][str(version)] += 1
    for name, counts in sorted(stated.items()):
        if len(counts) > 1:
            parts = ", ".join(f"{version} ({count} rows)" for version, count in sorted(counts.items()))
            found.append(f"MIXED VERSIONS of {name}: {parts}; do not compare these rows, measure again with one.")
    revisions = _revisions(rows)
    if len(revisions) > 1:
        found.append(f"MIXED GIT REVISIONS: {', '.join(revisions)}; the rows come from different code.")
    if any(revision.endswith("-dirty") for revision in revisions):
        found.append("UNCOMMITTED CODE: a `-dirty` revision is not in the repository, so it cannot be looked up.")
    return found + _mixed_best_known(rows)


def _mixed_best_known(rows: list[Row]) -> list[str]:
    known: dict[tuple[str, str], set[float]] = defaultdict(set)
    for row in rows:
        if row["best_known"] is not None:
            known[row["instance"], row["fleet"]].add(row["best_known"])
    mixed = sorted({instance for (instance, _), costs in known.items() if len(costs) > 1})
    if not mixed:
        return []
    return [f"MIXED BEST KNOWN COSTS for {', '.join(mixed)}: gaps of the same instance refer to different costs."]


def _unbalanced_instances(grouping: Grouping) -> list[str]:
    found = []
    for budget in grouping.budgets:
        run = {line: {row["instance"] for row in grouping.members(line, budget)} for line in grouping.lines}
        everything = set().union(*run.values())
        lacking = [f"{_name(line)} ({len(everything - names)})" for line, names in run.items() if names != everything]
        if lacking:
            found.append(
                f"UNBALANCED at budget {budget}: rows are missing for {', '.join(lacking)}, instances in brackets; "
                f"times are compared over the {len(grouping.instances_run(budget))} of {len(everything)} instances "
                f"common to all lines with this budget, gaps over {len(grouping.instances_with_gap(budget))}."
            )
        else:
            found += _without_gap(grouping, budget, everything)
    return found


def _without_gap(grouping: Grouping, budget: int, instances: set[str]) -> list[str]:
    comparable = {row["instance"] for line in grouping.lines for row in grouping.members(line, budget) if has_gap(row)}
    common = grouping.instances_with_gap(budget)
    if len(common) == len(comparable):
        return []
    return [
        f"UNBALANCED at budget {budget}: some lines have no feasible row on some instances; gaps are compared over "
        f"the {len(common)} of {len(instances)} instances common to all lines with gaps."
    ]


def _unbalanced_seeds(grouping: Grouping) -> list[str]:
    missing: Counter[str] = Counter()
    for budget in grouping.budgets:
        seeds: dict[str, set[int]] = defaultdict(set)
        per_line: dict[tuple[Line, str], set[int]] = defaultdict(set)
        for line in grouping.lines:
            for row in grouping.members(line, budget):
                seeds[row["instance"]].add(row["seed"])
                per_line[line, row["instance"]].add(row["seed"])
        for (line, instance), own in per_line.items():
            missing[_name(line)] += len(seeds[instance] - own)
    lacking = [f"{name} ({count})" for name, count in sorted(missing.items()) if count]
    if not lacking:
        return []
    return [
        f"UNBALANCED seeds: {', '.join(lacking)} lack seeds that other lines have, rows missing in brackets; "
        "an instance's value is the mean over the seeds it has."
    ]


def _repeated(grouping: Grouping) -> list[str]:
    repeats = sum(
        count - 1
        for line in grouping.lines
        for budget in grouping.budgets
        for count in Counter((row["instance"], row["seed"]) for row in grouping.members(line, budget)).values()
    )
    if not repeats:
        return []
    return [
        f"MIXED CONFIGURATIONS: {repeats} rows repeat an instance and seed of the same line and budget under another "
        "configuration and were averaged with it; report the configurations apart."
    ]


def _learning(rows: list[Row]) -> list[str]:
    names = sorted({row["sampler"] for row in rows if is_learning(row["sampler"])})
    if not names:
        return []
    return [
        f"LEARNING SAMPLERS: {', '.join(names)} kept learning from row to row, so that a row depends on the rows "
        "before it in its process: with several workers, or after an interruption, it differs; "
        "learn=false prevents that."
    ]


def _left_out(rows: list[Row]) -> list[str]:
    found = []
    infeasible = sum(not row["feasible"] for row in rows)
    unknown = sum(row["feasible"] and row["gap_pct"] is None for row in rows)
    if infeasible == len(rows):
        found.append(f"ALL {infeasible} ROWS ARE INFEASIBLE: there is no gap to compare.")
    elif infeasible:
        found.append(f"{infeasible} of {len(rows)} rows are infeasible and left out of gaps.")
    fallbacks = sorted({row["fallback"] for row in rows if row.get("fallback")})
    if fallbacks:
        count = sum(bool(row.get("fallback")) for row in rows)
        found.append(f"FALLBACKS in {count} of {len(rows)} rows, in place of the requested sampler: {fallbacks[0]}")
    if unknown:
        found.append(f"{unknown} feasible rows have no best known cost and are left out of gaps.")
    return found


def _own_reference(grouping: Grouping) -> list[str]:
    if grouping.reference == "best known cost" or not any(map(has_gap, grouping.rows)):
        return []
    return [
        "NO BEST KNOWN COST: gaps are to the lowest cost of any row of the same instance and fleet rule, which need "
        "not be optimal; they change when rows are added."
    ]


def _name(line: Line) -> str:
    return "/".join(part for part in (line.controller, line.sampler, line.method, line.fleet) if part)
