"""Logged decisions, for training and for off-policy evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.io.jsonl import read_lines
from lagrl.quantum.bandit.decision import ArmDecision
from lagrl.quantum.bandit.features import KnapsackContext
from lagrl.quantum.bandit.trace_lines import REMEDY, TRACES, read_arms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from lagrl.quantum.bandit.screening import ScreenedArms


@dataclass(frozen=True, eq=False)
class Trace:
    """A logged decision and the run it belongs to.

    Attributes
    ----------
    run, step
        Instance, seed and linearisation, joined by `/`; and the evaluation.
    decision
        The decision with its outcome.
    """

    run: str
    step: int
    decision: ArmDecision = field(repr=False)

    @property
    def instance(self) -> str:
        """Name of the instance; decisions on one instance are correlated."""
        return self.run.partition("/")[0]


def read_traces(paths: Sequence[Path]) -> list[Trace]:
    """Read logs of decisions, gzipped (`.gz`) or not; a torn last line is omitted.

    Raises `InputError` if a file cannot be read, a line is not of a `TraceLog` (it names file and line), or there is no
    decision.
    """
    found: list[Trace] = []
    for path in paths:
        screened: dict[int, tuple[ScreenedArms, dict[str, int]]] = {}
        for line, number in read_lines(path, TRACES):
            try:
                match line["kind"]:
                    case "arms":
                        read = read_arms(line)
                        screened[line["number"]] = read, {str(arm): a for a, arm in enumerate(read.arms)}
                    case "decision":
                        found.append(_read_decision(line, *screened[line["arms"]]))
                    case "header" | "run":
                        pass
                    case kind:
                        raise ValueError(f"kind {kind!r}")
            except (KeyError, TypeError, ValueError) as error:
                TRACES.refuse(path, number, error)
    if not found:
        raise InputError("no decision found", source=", ".join(map(str, paths)), remedy=REMEDY)
    return found


def _read_decision(line: Mapping[str, Any], screened: ScreenedArms, index: Mapping[str, int]) -> Trace:
    knapsack = KnapsackContext(**line["knapsack"])
    propensity, quality, baseline = (float(line[name]) for name in ("propensity", "quality", "baseline"))
    numbers = [propensity, quality, baseline, *vars(knapsack).values()]
    if not np.isfinite(numbers).all() or not 0.0 < propensity <= 1.0:
        raise ValueError(f"propensity {propensity}, quality {quality}, baseline {baseline}, knapsack {knapsack}")
    decision = ArmDecision(
        vehicle=int(line["vehicle"]),
        knapsack=knapsack,
        screened=screened,
        chosen=index[line["arm"]],
        propensity=propensity,
        objection=str(line["objection"]),
        executed=index[line["answered"]],
        quality=quality,
        baseline=baseline,
    )
    return Trace(str(line["run"]), int(line["step"]), decision)
