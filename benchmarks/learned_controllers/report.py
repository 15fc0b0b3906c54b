"""The reference's Table I and Figure 3 from rows: classical rules, clones and fine-tuned policies at equal evaluations.

    python -m benchmarks.learned_controllers.report --rows ROWS.jsonl --curves docs/rows/training \
        --picture docs/pictures/learned.png --training-picture docs/pictures/training.png

Checkpoints of the same kind (`bc-…`, `ppo-…`) are training seeds of one method: an instance's gap is the mean over
them and over the seeds of the evaluation. Intervals are 95 % bootstrap intervals over instances; differences are paired
by instance. "Seeds" is the range of the single checkpoints' means.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tyro

from lagrl.bench.rows import read_rows
from lagrl.bench.statistics import Interval, bootstrap_interval
from lagrl.errors import InputError
from lagrl.plot.picture_style import (
    colour,
    current_theme,
    dashes,
    finish,
    mark,
    new_figure,
    save_figure,
    styled,
)
from lagrl.plot.profile_curves import means_over_budgets
from policies.checkpoint import load_checkpoint, save_checkpoint
from train.curves import read_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

Rows = list[dict[str, Any]]
KINDS = {"bc": "BC", "ppo": "BC + PPO"}
PAIRS = (("BC", "hwc"), ("BC + PPO", "BC"), ("BC + PPO", "hwc"), ("BC + PPO", "cfm"), ("BC + PPO", "perturbed"))


def method(controller: str) -> str:
    """Return the method that a row's controller stands for."""
    if not controller.startswith("checkpoints/"):
        return controller
    kind = controller.removeprefix("checkpoints/").split("-")[0]
    return KINDS.get(kind, controller)


def gaps(rows: Rows, sampler: str, budget: int, chosen: str, instances: list[str]) -> NDArray[np.float64]:
    """Return a method's gap, %, on each instance: mean over training and evaluation seeds."""
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if (row["sampler"], row["budget"], method(row["controller"])) == (sampler, budget, chosen):
            found[row["instance"]].append(row["gap_pct"])
    missing = [name for name in instances if not found[name] or None in found[name]]
    if missing:
        raise InputError(f"{chosen} has no gap on {missing[0]}", field="rows", remedy="run the evaluation to its end")
    return np.array([np.mean(found[name]) for name in instances])


def seconds(rows: Rows, sampler: str, budget: int, chosen: str) -> float:
    """Return a method's mean seconds, sampling included."""
    of = [r for r in rows if (r["sampler"], r["budget"], method(r["controller"])) == (sampler, budget, chosen)]
    return float(np.mean([row["seconds"] + row["quantum_seconds"] for row in of]))


def spread(rows: Rows, sampler: str, budget: int, chosen: str) -> str:
    """Return the range of the mean gaps of a method's checkpoints; empty for a rule."""
    by_checkpoint: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if (row["sampler"], row["budget"], method(row["controller"])) == (sampler, budget, chosen):
            by_checkpoint[row["controller"]].append(row["gap_pct"])
    means = [np.mean(values) for values in by_checkpoint.values()]
    return f"{min(means):.2f} … {max(means):.2f} ({len(means)})" if len(means) > 1 else ""


def said(interval: Interval, sign: str = "") -> str:
    """Return a mean with its interval."""
    star = " *" if sign and interval.excludes_zero else ""
    return f"{interval.mean:{sign}.2f} [{interval.low:{sign}.2f}, {interval.high:{sign}.2f}]{star}"


def tables(rows: Rows) -> str:
    """Return all tables as Markdown."""
    rng = np.random.default_rng(0)
    instances = sorted({row["instance"] for row in rows})
    methods = sorted({method(row["controller"]) for row in rows}, key=lambda name: (name.startswith("BC"), name))
    lines: list[str] = []
    for sampler in sorted({row["sampler"] for row in rows}):
        budgets = sorted({row["budget"] for row in rows if row["sampler"] == sampler})
        lines += [f"### Mean gap to best known, %, sampler {sampler} ({len(instances)} instances)", ""]
        lines += ["| method | " + " | ".join(str(b) for b in budgets) + " | seconds at each | seeds at the last |"]
        lines += ["|---|" + "--:|" * len(budgets) + "---|---|"]
        of = {(m, b): gaps(rows, sampler, b, m, instances) for m in methods for b in budgets}
        for name in methods:
            cells = [said(bootstrap_interval(of[name, b], rng)) for b in budgets]
            took = " / ".join(f"{seconds(rows, sampler, b, name):.2f}" for b in budgets)
            lines += [f"| {name} | " + " | ".join(cells) + f" | {took} | {spread(rows, sampler, budgets[-1], name)} |"]
        lines += ["", f"Paired differences, percentage points (negative: the first is better), sampler {sampler}:", ""]
        lines += ["| | " + " | ".join(str(b) for b in budgets) + " |", "|---|" + "--:|" * len(budgets)]
        for first, second in PAIRS:
            if {first, second} <= set(methods):
                cells = [said(bootstrap_interval(of[first, b] - of[second, b], rng), "+") for b in budgets]
                lines += [f"| {first} − {second} | " + " | ".join(cells) + " |"]
        lines += [""]
    return "\n".join(lines)


@styled
def draw(rows: Rows, path: Path) -> None:
    """Draw mean gaps over evaluations, a panel per sampler."""
    rng = np.random.default_rng(0)
    instances = sorted({row["instance"] for row in rows})
    methods = sorted({method(row["controller"]) for row in rows}, key=lambda name: (name.startswith("BC"), name))
    samplers = sorted({row["sampler"] for row in rows})
    figure = new_figure(6.8 * len(samplers), 5.6)
    panels = figure.subplots(1, len(samplers), sharey=True, squeeze=False)[0]
    for axes, sampler in zip(panels, samplers, strict=True):
        budgets = sorted({row["budget"] for row in rows if row["sampler"] == sampler})
        of = {
            name: [bootstrap_interval(gaps(rows, sampler, b, name, instances), rng) for b in budgets]
            for name in methods
        }
        means = {name: [(own.mean, own.low, own.high) for own in found] for name, found in of.items()}
        means_over_budgets(budgets, means, axes)
        axes.set_title(f"sampler {sampler}; bars are 95 % intervals")
        axes.get_legend().remove()
        for container in axes.containers:  # the policies are thicker, the last one black
            if str(container.get_label()).startswith("BC"):
                container.lines[0].set_linewidth(2.8)
            if container.get_label() == "BC + PPO":
                for part in (container.lines[0], *container.lines[2]):
                    part.set_color(current_theme().ink)
    panels[0].set_ylim(bottom=0)
    for axes in panels[1:]:
        axes.set_ylabel("")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(methods))
    save_figure(figure, path)


@styled
def draw_training(folder: Path, path: Path) -> None:
    """Draw every run's curves: what cloning fits, and what validation says of clones and of policies.

    Lines are training seeds; without a number in its name a run has seed 0. The black line is their mean.
    """
    figure = new_figure(14.0, 4.8)
    runs = {file.stem: read_curves(file) for file in sorted(folder.glob("*-small*.jsonl"))}
    for axes, kind, measure, title, unit in zip(
        figure.subplots(1, 3),
        ("bc", "bc", "ppo"),
        ("held_out/explained", "validation", "validation"),
        ("Cloning: explained variance, held out", "Cloning: validation", "PPO: validation"),
        ("epoch", "epoch", "rollout"),
        strict=True,
    ):
        own = {_seed(name): curve for name, curve in sorted(runs.items()) if name.startswith(kind)}
        for seed, curve in sorted(own.items()):
            _line(axes, curve, measure, seed)
        at = [{row["step"]: row[measure] for row in curve if measure in row} for curve in own.values()]
        steps = sorted(set.intersection(*map(set, at)))
        mean = [float(np.mean([found[step] for found in at])) for step in steps]
        axes.plot(steps, mean, color=current_theme().ink, linestyle="-", linewidth=2.8, label="mean", gid="mean")
        if measure == "validation":
            axes.axhline(1.0, color=current_theme().faint, linewidth=1.2, linestyle=(0, (2, 2)), zorder=1)
        finish(axes, title, unit, "" if measure != "validation" else "route cost / Clarke–Wright's", has_legend=False)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=len(own) + 1)
    save_figure(figure, path)


def _seed(name: str) -> int:
    return int(name.rpartition("-seed")[2]) if "-seed" in name else 0


def _line(axes: Axes, curve: list[dict[str, Any]], name: str, seed: int) -> None:
    points = [(row["step"], row[name]) for row in curve if name in row]
    axes.plot(
        *zip(*points, strict=True), color=colour(seed), linestyle=dashes(seed), label=f"training seed {seed}",
        marker=mark(seed), markersize=4, linewidth=1.2,
    )  # fmt: skip


def record(rows: Rows, command: str) -> None:
    """Write what was measured of each checkpoint into its card; weights and fingerprint stay as they are.

    Parameters
    ----------
    rows
        What `lagrl eval` wrote.
    command
        The command that wrote them.
    """
    for name in sorted({row["controller"] for row in rows if row["controller"].startswith("checkpoints/")}):
        checkpoint = load_checkpoint(name)
        own = [row for row in rows if row["controller"] == name]
        if {row["config"]["controller_fingerprint"] for row in own} != {checkpoint.fingerprint}:
            raise InputError("rows are of other weights", source=name, remedy="evaluate the checkpoint again")
        figures = {
            sampler: {
                str(budget): round(float(np.mean([r["gap_pct"] for r in own if (r["sampler"], r["budget"]) == at])), 4)
                for budget in sorted({row["budget"] for row in own})
                for at in [(sampler, budget)]
            }
            for sampler in sorted({row["sampler"] for row in own})
        }
        instances = len({row["instance"] for row in own})
        result = {
            "measured": f"mean gap to best known, %, by sampler and evaluations, on {instances} CVRPLIB instances",
            "command": command,
            "figures": figures,
        }
        save_checkpoint(Path(name), checkpoint.net, checkpoint.action, checkpoint.card | {"results": [result]})


def main(
    rows: Path,
    curves: Path | None = None,
    picture: Path | None = None,
    training_picture: Path | None = None,
    record_command: str | None = None,
) -> None:
    """Print the tables and draw the requested pictures.

    Parameters
    ----------
    rows
        What `lagrl eval` wrote.
    curves
        Folder of training curves, one JSONL a run.
    picture, training_picture
        PNG files to draw: gaps over evaluations, and training curves.
    record_command
        If given, the figures go into the checkpoints' cards, with this command as the one that made the rows.
    """
    found = read_rows(rows)
    print(tables(found))
    if record_command is not None:
        record(found, record_command)
    if picture is not None:
        draw(found, picture)
    if curves is not None and training_picture is not None:
        draw_training(curves, training_picture)


if __name__ == "__main__":
    tyro.cli(main)
