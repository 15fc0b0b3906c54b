"""Figures 4, 6, 7 and 12: the bandit over devices and circuits, from logged decisions."""

from __future__ import annotations

from collections import Counter
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.bench.tables import Table
from lagrl.errors import InputError
from lagrl.paper.drawing import GREY, MARKERS, OURS, PUBLISHED, legend, one_axes
from lagrl.paper.items import ItemContent, PaperItem, Published
from lagrl.paper.route_items import interval_of
from lagrl.plot.picture_style import COLOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from lagrl.paper.sources import RowSource
    from lagrl.quantum.bandit.traces import Trace

LEARNING_SIZES = (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
ORDERS = 3
HELD_OUT = 3  # one of this number of instances judges, the others are learned from
REFERENCE_BUDGET = 20_000  # two-qubit gates, inferred


def make_fig4(source: RowSource) -> ItemContent:
    """Make Figure 4: value of what was learned offline from more and more logged decisions, on other instances."""
    train, judge = split(source.traces)
    records = learning_curve(train, judge)
    sizes = sorted({int(record["decisions"]) for record in records})
    policies = list(dict.fromkeys(record["policy"] for record in records))
    lines = []
    for size in sizes:
        line = [f"{size:,}"]
        for policy in policies:
            own = [r["value"] for r in records if r["policy"] == policy and r["decisions"] == size]
            line.append(f"{mean(own):+.4f} ({min(own):+.4f} to {max(own):+.4f})")
        lines.append(line)
    logged = mean(trace.decision.reward for trace in judge)
    instances = len({trace.instance for trace in train}), len({trace.instance for trace in judge})
    note = (
        "Doubly robust estimate of the mean reward: quality of the strings above that of the product state. "
        f"Mean and range over {ORDERS} random orders of the log. Learned on {instances[0]} instances, judged on the "
        f"{len(judge):,} decisions of {instances[1]} others, whose random choices brought {logged:+.4f}."
    )
    for policy in policies:
        last = next(r for r in records if r["policy"] == policy and r["decisions"] == sizes[-1])
        note += f" 95 % interval after all decisions, over the judging instances, {policy}: "
        note += f"{last['low']:+.4f} to {last['high']:+.4f}."
    table = Table("Offline learning curve", ["decisions", *policies], lines, note=note)

    def draw(figure: Figure) -> None:
        axes = one_axes(figure, "logged decisions learned from", "estimated mean reward on other instances")
        for policy, colour, marker in zip(policies, (OURS, PUBLISHED), MARKERS, strict=False):
            own = [[r["value"] for r in records if r["policy"] == policy and r["decisions"] == s] for s in sizes]
            axes.plot(sizes, list(map(mean, own)), marker=marker, color=colour, label=policy, markersize=5)
            axes.fill_between(sizes, list(map(min, own)), list(map(max, own)), color=colour, alpha=0.18, linewidth=0)
        axes.axhline(0.0, color="#222222", linewidth=1.0, linestyle=(0, (4, 2)), label="product state, no circuit")
        axes.axhline(logged, color=GREY, linewidth=1.0, linestyle=(0, (1.5, 1.5)), label="random choices (the log)")
        axes.set_xscale("log")
        named = [size for size in sizes[:-1] if size <= sizes[-1] / 1.5]
        axes.set_xticks([*named, sizes[-1]], [f"{size:,}" for size in (*named, sizes[-1])])
        axes.minorticks_off()
        legend(axes, loc="best")

    return ItemContent((table,), records, source.trace_revisions, draw, (6.8, 4.2))


def split(traces: Sequence[Trace]) -> tuple[list[Trace], list[Trace]]:
    """Return the decisions to learn from and those of other instances, to judge by.

    Raises InputError below four instances: the judging side needs two or more.
    """
    instances = sorted({trace.instance for trace in traces})
    if len(instances) < HELD_OUT + 1:
        raise InputError(
            f"{len(instances)} instances", field="traces", remedy=f"give decisions on {HELD_OUT + 1} or more"
        )
    held_out = set(instances[::HELD_OUT])
    judge = [trace for trace in traces if trace.instance in held_out]
    return [trace for trace in traces if trace.instance not in held_out], judge


def learning_curve(train: Sequence[Trace], judge: Sequence[Trace]) -> list[dict[str, Any]]:
    """Return records: the value of the fitted model's choices and of the best static arm, by decisions and order."""
    from lagrl.bench.off_policy import doubly_robust
    from lagrl.bench.trace_table import TraceTable
    from lagrl.bench.trace_training import best_static, cross_fitted, fit, logged_choices
    from lagrl.quantum.bandit.arm_policies import LinUCB, StaticPolicy

    table = TraceTable.of(judge)
    parts = cross_fitted(table)
    runs: dict[str, list[Trace]] = {}
    for trace in train:
        runs.setdefault(trace.run, []).append(trace)
    keys, records = list(runs), []
    for order in range(ORDERS):
        shuffled = np.random.default_rng([0, order]).permutation(len(keys))
        ordered = [trace for k in shuffled for trace in runs[keys[k]]]
        for size in (*(size for size in LEARNING_SIZES if size < len(ordered)), len(ordered)):
            log = TraceTable.of(ordered[:size])
            for name, policy in (
                ("fitted model", LinUCB(fit(log), 0.0)),
                ("best static arm", StaticPolicy((best_static(log),))),
            ):
                choices = logged_choices(table, policy, 0.0, parts)
                value = doubly_robust(choices, np.random.default_rng(0))
                own = {"order": order, "decisions": size, "policy": name, "value": value.value}
                records.append({**own, "low": value.low, "high": value.high})
    return records


def make_fig6(source: RowSource) -> ItemContent:
    """Make Figure 6: share of decisions whose best arm exceeds the budget of gates, by width."""
    records: list[dict[str, Any]] = []
    for gates, traces in sorted(source.trained.items()):
        for width in sorted({trace.decision.knapsack.width for trace in traces}):
            own = [trace.decision for trace in traces if trace.decision.knapsack.width == width]
            hits = sum(decision.objection == "gates" for decision in own)
            records.append(
                {"gate_budget": gates, "width": width, "decisions": len(own), "hits": hits, "hit_rate": hits / len(own)}
            )
    widths = sorted({int(record["width"]) for record in records})
    budgets = sorted({int(record["gate_budget"]) for record in records})
    rate = {(record["gate_budget"], record["width"]): record for record in records}
    lines = [
        [
            str(width),
            *(
                f"{100 * rate[gates, width]['hit_rate']:.0f} % of {rate[gates, width]['decisions']}"
                if (gates, width) in rate
                else "—"
                for gates in budgets
            ),
        ]
        for width in widths
    ]
    first = {layers: first_width(layers, REFERENCE_BUDGET) for layers in (1, 2, 3)}
    note = (
        "Share of decisions whose highest-ranked arm has more two-qubit gates than G_max, so that the next arm "
        "that may run is taken. Under the paper's G_max of 20,000 (inferred) QAOA on a line first exceeds it at "
        f"{first[3]}, {first[2]} and {first[1]} variables with 3, 2 and 1 layers."
    )
    table = Table("Gate-budget hit rate", ["variables", *(f"G_max {gates}" for gates in budgets)], lines, note=note)

    def draw(figure: Figure) -> None:
        axes = one_axes(figure, "variables of the knapsack", "share of decisions above the budget, %")
        for place, gates in enumerate(budgets):
            own = [(width, 100 * float(rate[gates, width]["hit_rate"])) for width in widths if (gates, width) in rate]
            axes.plot(
                *zip(*own, strict=True),
                marker=MARKERS[place % len(MARKERS)],
                markersize=5,
                color=COLOURS[place % len(COLOURS)],
                label=f"G_max = {gates}",
            )
        axes.axhspan(9, 16, color=PUBLISHED, alpha=0.18, linewidth=0, label="published, large widths: 9 to 16 %")
        axes.set_ylim(-3, 103)
        axes.set_xticks(widths)
        legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    return ItemContent((table,), records, source.trace_revisions, draw, (7.6, 4.0))


def first_width(layers: int, budget: int) -> int:
    """Return the least number of variables whose QAOA of p layers on a line has more two-qubit gates than a budget."""
    from lagrl.quantum.circuits.line_qaoa import line_gates

    return next(n for n in range(2, 10_000) if line_gates(n, layers) > budget)


def make_fig7(source: RowSource) -> ItemContent:
    """Make Figure 7: quality of the strings by the budget of gates."""
    records: list[dict[str, Any]] = []
    for gates, traces in sorted(source.trained.items()):
        rewards: dict[str, list[float]] = {}
        for trace in traces:
            rewards.setdefault(trace.instance, []).append(trace.decision.reward)
        interval = interval_of(map(mean, rewards.values()))
        used = [trace.decision.screened.profiles[trace.decision.executed].two_qubit_gates for trace in traces]
        quality = mean(trace.decision.quality for trace in traces)
        records.append(
            {
                **{"gate_budget": gates, "decisions": len(traces), "gates_used": mean(used), "quality": quality},
                **{"reward": interval.mean, "low": interval.low, "high": interval.high},
            }
        )
    lines = [
        [
            f"{record['gate_budget']}",
            f"{record['gates_used']:.0f}",
            f"{record['quality']:.4f}",
            f"{record['reward']:+.4f} [{record['low']:+.4f}, {record['high']:+.4f}]",
            f"{record['decisions']:,}",
        ]
        for record in records
    ]
    note = (
        "Quality: mean worth of the best quarter of the strings over the knapsack's linear relaxation, 0 to 1. "
        "Reward: quality above that of the product state for the same knapsack, with 95 % bootstrap intervals over "
        "instances."
    )
    header = ["G_max", "gates used, mean", "quality", "reward", "decisions"]
    table = Table("Budget and quality", header, lines, note=note)

    def draw(figure: Figure) -> None:
        axes = one_axes(figure, "budget of two-qubit gates of a circuit, G_max", "quality above the product state")
        place = list(range(len(records)))
        values = [float(record["reward"]) for record in records]
        spread = [[v - float(r["low"]) for v, r in zip(values, records, strict=True)]]
        spread.append([float(r["high"]) - v for v, r in zip(values, records, strict=True)])
        axes.errorbar(place, values, yerr=spread, marker="o", color=OURS, capsize=3, label="reward of the bandit")
        axes.axhline(0.0, color="#222222", linewidth=1.0, linestyle=(0, (4, 2)), label="product state, no circuit")
        for x, value, record in zip(place, values, records, strict=True):
            text = f"{record['gates_used']:.0f} gates"
            axes.annotate(text, (x, value), (6, -12), textcoords="offset points", fontsize=8.5, color=GREY)
        axes.set_xticks(place, [str(record["gate_budget"]) for record in records])
        axes.set_xlim(-0.4, len(records) - 0.3)
        axes.margins(y=0.15)
        legend(axes, loc="best")

    return ItemContent((table,), records, source.trace_revisions, draw, (6.8, 4.0))


def make_fig12(source: RowSource) -> ItemContent:
    """Make Figure 12: share of decisions by the device that drew the strings, by width."""
    gates = max(source.trained)
    traces = source.trained[gates]
    counts: dict[int, Counter[str]] = {}
    for trace in traces:
        name = trace.decision.answered.backend or "product state"
        counts.setdefault(trace.decision.knapsack.width, Counter())[name] += 1
    total = sum(counts.values(), Counter[str]())
    devices = [name for name, _ in total.most_common()]
    widths = sorted(counts)
    records = [
        {"width": width, "device": name, "decisions": counts[width][name], "share": counts[width][name] / n}
        for width in widths
        for n in (sum(counts[width].values()),)
        for name in devices
    ]
    lines = [
        [
            name,
            *(f"{100 * counts[width][name] / sum(counts[width].values()):.0f}" for width in widths),
            f"{100 * total[name] / len(traces):.0f}",
        ]
        for name in devices
    ]
    note = (
        f"Share of {len(traces):,} decisions, %, by the device that drew the strings, within {gates} two-qubit gates. "
        "The trained bandit chose, with its exploration."
    )
    table = Table("Device mix", ["device", *(f"{width} variables" for width in widths), "all"], lines, note=note)

    def draw(figure: Figure) -> None:
        axes = one_axes(figure, "variables of the knapsack", "share of decisions, %")
        below = np.zeros(len(widths))
        hatches = ("", "//", "..", "xx", "--", "\\\\", "oo")
        for place, name in enumerate(devices):
            share = np.array([100 * counts[width][name] / sum(counts[width].values()) for width in widths])
            axes.bar(
                range(len(widths)),
                share,
                0.66,
                below,
                label=name,
                color=COLOURS[place % len(COLOURS)],
                hatch=hatches[place % len(hatches)],
                edgecolor="white",
                linewidth=0.5,
            )
            below += share
        axes.set_xticks(range(len(widths)), [str(width) for width in widths])
        axes.set_ylim(0, 100)
        legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))

    return ItemContent((table,), records, source.trace_revisions, draw, (7.2, 4.0))


_FAKES_DIFFER = (
    "Decisions are on simulated devices (six fake backends), for knapsacks of generated instances with at most 16 "
    "variables, and the reward is the quality of the strings above that of the product state."
)

BANDIT_ITEMS = (
    PaperItem(
        "fig4",
        "Learning curve of the bandit, trained offline from traces.",
        _FAKES_DIFFER,
        make_fig4,
        "1 min",
        "30 min",
    ),
    PaperItem(
        "fig6",
        "Share of decisions whose best arm exceeds the budget of gates, by width.",
        "The budget here is 0 to 800 two-qubit gates instead of 20,000, because our circuits have at most 16 "
        "variables; devices are simulated.",
        make_fig6,
        "2 min",
        "1 h",
        (Published("hit rate at small widths", "about 0 %"), Published("hit rate at large widths", "9 to 16 %")),
    ),
    PaperItem("fig7", "Quality by the budget of gates.", _FAKES_DIFFER, make_fig7, "2 min", "1 h"),
    PaperItem("fig12", "Share of the devices in the bandit's choices.", _FAKES_DIFFER, make_fig12, "2 min", "1 h"),
)
