"""The tables of this study, from its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.route_policy.ascents import CLASSICAL, CLASSICAL_START
from benchmarks.route_policy.gaps import Gaps, difference, ratio, shown
from benchmarks.route_policy.routes import BOUNDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


ROUTES = {"solve": "`solve`", "pool": "best routes of a pool with the bound's"}
"""Parts of the study that compare routes, and what is compared."""

_SHOWN_BUDGETS = (5, 10, 30)
_SIZES = ((50, "n ≤ 50"), (100, "n 51 – 100"), (np.inf, "n 101 – 200"))
_TIGHTNESS = ((0.9, "below 0.90"), (0.95, "0.90 – 0.95"), (np.inf, "0.95 or more"))


def all_tables(rows: list[dict[str, Any]]) -> str:
    """Return all tables that the rows have figures for."""
    gaps, of_classes = (Gaps(row for row in rows if bool(row.get("class")) == made) for made in (False, True))
    parts = [
        *(table(gaps) for table in (evaluations, seeds, equivalence, groups, ablations, halves) if gaps.main),
        classes(of_classes) if of_classes.main else "",
        seconds(rows),
        *(routes(rows, part) for part in ROUTES),
    ]
    return "\n\n".join(part for part in parts if part)


def evaluations(gaps: Gaps) -> str:
    """Return mean gaps by budget, and the ratio of learned to best classical."""
    learned, budgets, names, pairs = _main(gaps)
    rules = [rule for rule in CLASSICAL if rule in pairs]
    lines = []
    for budget in budgets:
        ours, others = gaps.of(learned, budget, names), gaps.of(pairs, budget, names)
        means = [*(gaps.of([rule], budget, names).mean() for rule in rules), ours.mean()]
        lines.append([f"{budget}", *(f"{mean:.2f}" for mean in means), shown(ratio(ours, others))])
    title = (
        f"{len(names)} instances, {len(learned)} training seed(s); mean gap to the bound of the ng-routes in %; ratio "
        f"to the best of {', '.join(pairs)}, with its 95 % interval over seeds and instances"
    )
    return _table(title, ["evaluations", *rules, str(gaps.main), "learned / best classical"], lines)


def seeds(gaps: Gaps) -> str:
    """Return each training seed's mean gap and ratio to the best classical pair."""
    learned, budgets, names, pairs = _main(gaps)
    if len(learned) < 2:
        return ""
    lines = []
    for method in learned:
        cells = []
        for budget in budgets:
            ours = gaps.of([method], budget, names)
            cells.append(f"{ours.mean():.2f} ({ratio(ours, gaps.of(pairs, budget, names))[0]:.2f})")
        lines.append([method, *cells])
    title = "each training seed: mean gap in % (ratio to the best classical pair)"
    return _table(title, ["policy", *_at(budgets)], lines)


def equivalence(gaps: Gaps) -> str:
    """Return the ratio of the learned gap at a budget to the best classical one at the same and at larger budgets."""
    learned, budgets, names, pairs = _main(gaps)
    others = {budget: gaps.of(pairs, budget, names) for budget in budgets}
    lines = [
        [f"{ours}", *("" if at < ours else shown(ratio(gaps.of(learned, ours, names), others[at])) for at in budgets)]
        for ours in budgets
    ]
    title = "budgets: gap of the learned ascent after some evaluations / of the best classical pair after others"
    return _table(title, ["learned \\ classical", *_at(budgets)], lines)


def groups(gaps: Gaps) -> str:
    """Return the best classical and the learned mean gap by family, size and tightness."""
    learned, budgets, names, pairs = _main(gaps)
    budgets = [budget for budget in budgets if budget in _SHOWN_BUDGETS]
    lines = []
    for label, chosen in _groups(gaps, names):
        cells = [label, f"{len(chosen)}"]
        for budget in budgets:
            ours, others = gaps.of(learned, budget, chosen), gaps.of(pairs, budget, chosen)
            cells += [f"{others.mean(axis=1).min():.2f} → {ours.mean():.2f}", shown(ratio(ours, others))]
        lines.append(cells)
    header = [cell for budget in budgets for cell in (f"gap after {budget}", "ratio")]
    title = "by group: mean gap in %, best classical pair of the group → learned"
    return _table(title, ["group", "instances", *header], lines)


def ablations(gaps: Gaps) -> str:
    """Return each variant's mean gap, and its difference to `full` at the seeds that both have."""
    variants = gaps.variants
    if len(variants) < 2:
        return ""
    main = gaps.main
    assert main is not None
    lines = []
    shown_budgets = [budget for budget in gaps.budgets(variants[main].values()) if budget in _SHOWN_BUDGETS]
    for variant, own in variants.items():
        common = [seed for seed in own if seed in variants[main]]
        methods, of_main = [own[seed] for seed in common], [variants[main][seed] for seed in common]
        compared = [*(methods or own.values()), *of_main]
        budgets = gaps.budgets(compared)
        names = gaps.instances(compared, budgets)
        if not budgets or not names:
            continue
        cells = [variant, f"{len(methods) or len(own)}", f"{len(names)}"]
        for budget in shown_budgets:
            if budget not in budgets:
                cells += ["—", "—"]
                continue
            ours = gaps.of(methods or own.values(), budget, names)
            is_compared = variant != main and methods
            against = shown(difference(ours, gaps.of(of_main, budget, names)), "+") if is_compared else "—"
            cells += [f"{ours.mean():.2f}", against]
        lines.append(cells)
    header = [cell for budget in shown_budgets for cell in (f"gap after {budget}", f"minus {main}")]
    title = f"variants of the training: mean gap in %, and its difference to `{main}`, paired by seed and instance"
    return _table(title, ["variant", "seeds", "instances", *header], lines)


def halves(gaps: Gaps) -> str:
    """Return the mean gaps of the learned start and the learned steps alone, and of controls."""
    learned, budgets, names, _ = _main(gaps)
    arms: dict[str, list[list[str]]] = {"classical start, classical rule": [[rule] for rule in CLASSICAL]}
    for start in ("uniform", "random"):
        arms[f"{start} start, classical rule"] = [[f"{start}+{rule}"] for rule in CLASSICAL]
    arms["learned start, classical rule"] = [[f"{policy}+{rule}" for policy in learned] for rule in CLASSICAL]
    arms["classical start, learned steps"] = [[f"{CLASSICAL_START}+{policy}" for policy in learned]]
    arms["untrained network"] = [["untrained"]]
    arms["learned start and steps"] = [learned]
    complete = {
        label: [methods for methods in choices if set(methods) <= set(gaps.methods)] for label, choices in arms.items()
    }
    complete = {label: choices for label, choices in complete.items() if choices}
    if len(complete) < 3:
        return ""
    everything = [method for choices in complete.values() for methods in choices for method in methods]
    budgets = [budget for budget in budgets if budget in gaps.budgets(everything)]
    names = gaps.instances(everything, budgets)
    lines = []
    for label, choices in complete.items():
        cells = [label]
        for budget in budgets:
            classical = gaps.of([rule for (rule,) in complete["classical start, classical rule"]], budget, names)
            ours = min((gaps.of(methods, budget, names) for methods in choices), key=np.mean)
            cells.append(f"{ours.mean():.2f} ({shown(ratio(ours, classical))})")
        lines.append(cells)
    title = (
        f"{len(names)} instances: mean gap in % (ratio to the best classical rule from the classical start); the best "
        "classical rule of each line and budget"
    )
    return _table(title, ["start and steps", *_at(budgets)], lines)


def classes(gaps: Gaps) -> str:
    """Return each variant's mean gap on generated instances by class, and its difference to `full`."""
    main, variants = gaps.main, gaps.variants
    assert main is not None
    methods = [method for own in variants.values() for method in own.values()]
    rules = [rule for rule in CLASSICAL if rule in gaps.methods]
    budgets = [budget for budget in gaps.budgets([*rules, *methods]) if budget in _SHOWN_BUDGETS]
    names = gaps.instances([*rules, *methods], budgets)
    held_out = gaps.held_out(methods)
    class_of = {name: set(gaps.about[name]["class"].split()) for name in names}
    chosen = {
        label: [name for name in names if label in class_of[name]] for label in sorted(set().union(*class_of.values()))
    }
    if held_out:
        chosen["all held out"] = [name for name in names if class_of[name] & held_out]
        chosen["all others"] = [name for name in names if not class_of[name] & held_out]
    chosen["all"] = names
    lines = []
    for label, among in chosen.items():
        for budget in budgets:
            cells = [f"{label}{' (held out)' if label in held_out else ''}", f"{len(among)}", f"{budget}"]
            cells.append(f"{gaps.of(rules, budget, among).mean(axis=1).min():.2f}" if rules else "—")
            for variant, own in variants.items():
                ours = gaps.of(own.values(), budget, among)
                common = [seed for seed in own if seed in variants[main]]
                cell = f"{ours.mean():.2f}"
                if variant != main and common:
                    pair = (gaps.of([each[seed] for seed in common], budget, among) for each in (own, variants[main]))
                    cell += f" ({shown(difference(*pair), '+')})"
                cells.append(cell)
            lines.append(cells)
    title = f"generated instances by class: mean gap in % (minus `{main}`, paired by seed and instance)"
    return _table(title, ["class", "instances", "evaluations", "best classical", *variants], lines)


def seconds(rows: list[dict[str, Any]]) -> str:
    """Return gaps to the best known cost at equal seconds, learned beside classical start, by instance."""
    gap: dict[tuple[str, str, float], float] = {}
    for row in rows:
        if row["part"] == "seconds" and row["best_known"]:
            gap[row["instance"], row["method"], row["budget"]] = 100.0 * (1.0 - row["value"] / row["best_known"])
    if not gap:
        return ""
    limits = sorted({limit for _, _, limit in gap})
    starts = (CLASSICAL_START, "learned")
    names = [
        name
        for name in dict.fromkeys(name for name, _, _ in gap)
        if all((name, start, limit) in gap for start in starts for limit in limits)
    ]
    lines = [
        [name, *(f"{gap[name, CLASSICAL_START, at]:.2f} → {gap[name, 'learned', at]:.2f}" for at in limits)]
        for name in names
    ]
    means = ["mean (ratio)"]
    for at in limits:
        classical, learned = (np.array([[gap[name, start, at] for name in names]]) for start in starts)
        means.append(f"{classical.mean():.2f} → {learned.mean():.2f} ({shown(ratio(learned, classical))})")
    last = limits[-1]
    loss = {name: gap[name, "learned", last] - gap[name, CLASSICAL_START, last] for name in names}
    worst = max(names, key=loss.__getitem__)
    title = "gap of `lagrl bound` to the best known cost in %, classical → learned start"
    return (
        _table(title, ["instance", *(f"{limit:g} s" for limit in limits)], [*lines, means])
        + f"\n\n{len(names)} instances; largest loss of the learned start at {last:g} s: {loss[worst]:+.2f} points "
        f"({worst}); it loses more than 0.1 points on {sum(each > 0.1 for each in loss.values())}"
    )


def routes(rows: list[dict[str, Any]], part: str) -> str:
    """Return gaps of routes to the best cost known, or found, without and with a bound, paired by seed and instance."""
    gap: dict[tuple[str, float], dict[tuple[int, str], float]] = {}
    rows = [row for row in rows if row["part"] in ROUTES and np.isfinite(row["value"])]
    best: dict[str, float] = {}
    for row in rows:
        best[row["instance"]] = row["best_known"] or min(row["value"], best.get(row["instance"], np.inf))
    for row in rows:
        if row["part"] == part:
            of_one = gap.setdefault((row["method"], row["budget"]), {})
            of_one[row["seed"], row["instance"]] = 100.0 * (row["value"] / best[row["instance"]] - 1.0)
    if not gap:
        return ""
    lines = []
    for limit in sorted({limit for _, limit in gap}):
        arms = [gap.get((each, limit), {}) for each in BOUNDS]
        runs = set.intersection(*map(set, arms))
        seeds = sorted({seed for seed, _ in runs})
        names = sorted(name for name in {name for _, name in runs} if all((seed, name) in runs for seed in seeds))
        if not names:
            continue
        without, classical, learned = (
            np.array([[arm[seed, name] for name in names] for seed in seeds]) for arm in arms
        )
        means = [f"{each.mean():.3f}" for each in (without, classical, learned)]
        pairs = [shown(difference(learned, each), "+", 3) for each in (without, classical)]
        pairs.append(f"{(learned < without).sum()} : {(learned > without).sum()}")
        lines.append([f"{limit:g} s", f"{len(names)} × {len(seeds)}", *means, *pairs])
    header = [
        "clock",
        "instances × seeds",
        *BOUNDS,
        "learned − without",
        "learned − classical",
        "better : worse than without",
    ]
    return _table(f"{ROUTES[part]}: gap to the best cost known, or found, in %", header, lines)


def _main(gaps: Gaps) -> tuple[list[str], list[int], list[str], list[str]]:
    """Return the main variant's policies, the budgets and instances that they and the rules have, classical pairs."""
    main = gaps.main
    assert main is not None
    learned = list(gaps.variants[main].values())
    measured = [rule for rule in CLASSICAL if rule in gaps.methods] + learned
    budgets = gaps.budgets(measured)
    names = gaps.instances(measured, budgets)
    return learned, budgets, names, gaps.classical(budgets, names)


def _groups(gaps: Gaps, names: Sequence[str]) -> Iterable[tuple[str, list[str]]]:
    """Yield the groups of instances, the empty ones left out: all, by family, by size, by tightness."""
    known = [name for name in names if "tightness" in gaps.about[name]]
    rules: list[tuple[str, Callable[[str], str], Sequence[str]]] = [
        ("", lambda name: "all", names),
        ("", lambda name: name[0], names),
        ("", lambda name: _class_of(gaps.about[name]["n_customers"], _SIZES, is_included=True), names),
        ("tightness ", lambda name: _class_of(gaps.about[name]["tightness"], _TIGHTNESS), known),
    ]
    for prefix, label_of, among in rules:
        labels = {name: label_of(name) for name in among}
        for label in sorted(set(labels.values()), key=_order):
            yield prefix + label, [name for name in among if labels[name] == label]


def _class_of(value: float, limits: Sequence[tuple[float, str]], *, is_included: bool = False) -> str:
    return next(label for limit, label in limits if value < limit or (is_included and value == limit))


def _order(label: str) -> tuple[int, str]:
    fixed = [each for limits in (_SIZES, _TIGHTNESS) for _, each in limits]
    return (fixed.index(label), label) if label in fixed else (-1, label)


def _at(budgets: Sequence[int]) -> list[str]:
    return [f"{budget} evaluations" for budget in budgets]


def _table(title: str, header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = f"|---|{'--:|' * (len(header) - 1)}"
    return "\n".join(
        [
            title,
            "",
            *(f"| {' | '.join(cells)} |" for cells in [header]),
            rule,
            *(f"| {' | '.join(cells)} |" for cells in lines),
        ]
    )
