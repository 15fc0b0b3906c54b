"""Logged decisions, for training and for off-policy evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lagrl.errors import InputError
from lagrl.io.line_format import read_lines
from lagrl.quantum.bandit.decision import ArmDecision
from lagrl.quantum.bandit.trace_lines import REMEDY, TRACES, check_line, read_arms, read_knapsack

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
                check_line(line)
                match line["kind"]:
                    case "arms":
                        read = read_arms(line)
                        screened[line["number"]] = read, {str(arm): a for a, arm in enumerate(read.arms)}
                    case "decision":
                        found.append(_read_decision(line, *screened[line["arms"]]))
            except (KeyError, InputError) as error:
                TRACES.refuse(path, number, error)
    if not found:
        raise InputError("no decision found", source=", ".join(map(str, paths)), remedy=REMEDY)
    return found


def _read_decision(line: Mapping[str, Any], screened: ScreenedArms, index: Mapping[str, int]) -> Trace:
    propensity = float(line["propensity"])
    if not propensity > 0.0:
        raise InputError("a choice of probability 0", field="propensity")
    decision = ArmDecision(
        vehicle=line["vehicle"],
        knapsack=read_knapsack(line["knapsack"]),
        screened=screened,
        chosen=index[line["arm"]],
        propensity=propensity,
        objection=line["objection"],
        executed=index[line["answered"]],
        quality=float(line["quality"]),
        baseline=float(line["baseline"]),
    )
    return Trace(line["run"], line["step"], decision)
