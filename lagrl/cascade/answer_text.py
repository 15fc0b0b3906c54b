"""The answer to an instance of cascade routing as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lagrl.cascade.cascade_answer import CascadeAnswer
    from lagrl.problems.cascade.cascade import Cascade


def answer_text(cascade: Cascade, answer: CascadeAnswer) -> list[str]:
    """Return the lines that `lagrl cascade solve` prints: totals, proof, and one line per model in use."""
    if answer.routing is None:
        bound = "" if answer.bound is None or not np.isfinite(answer.bound) else f"; lower bound {answer.bound:.6g}"
        return [f"{cascade.name}: {answer.method} found no answer within the limits in {answer.seconds:.3f} s{bound}"]
    routing, gap = answer.routing, answer.gap_percent
    limits = []
    if np.isfinite(cascade.budget_dollars):
        limits.append(f"budget ${cascade.budget_dollars:.6g}")
    if cascade.mean_quality_floor:
        limits.append(f"mean quality at least {cascade.mean_quality_floor:g}")
    proof = "no proof" if gap is None else "optimal" if gap < 1e-9 else f"at most {_rounded_up(gap)} % from the optimum"
    lines = [
        f"{cascade.name}: {cascade.n_tasks} tasks, {cascade.n_models} models, {cascade.variant}"
        f"{'; ' if limits else ''}{', '.join(limits)}",
        f"${routing.dollars:.6g}, mean quality {routing.mean_quality:.4f}; {proof}",
        f"{answer.method}, {answer.seconds:.3f} s",
        "",
        f"{'model':<32} {'tasks':>8} {'tokens':>12} {'dollars':>12} {'quality':>8}",
    ]
    load = routing.load
    for j in np.argsort(-load, kind="stable"):
        i = np.flatnonzero(routing.model == j)
        if len(i):
            dollars, quality = cascade.dollars[j, i].sum(), cascade.quality[j, i].mean()
            name = cascade.models[j].name[:32]
            lines.append(f"{name:<32} {len(i):>8} {load[j]:>12} {dollars:>12.6g} {quality:>8.4f}")
    return lines


def _rounded_up(percent: float) -> str:
    """Write a positive gap with two digits, never as less than it is."""
    digits = 1 - int(np.floor(np.log10(percent)))
    return f"{np.ceil(percent * 10.0**digits) / 10.0**digits:.{max(0, digits)}f}"
