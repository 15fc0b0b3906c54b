"""Logs of decisions with impossible numbers, wrong arms or mistyped fields are refused by line and field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from small_logs import log

from lagrl.bench.trace_table import TraceTable
from lagrl.bench.trace_training import fit
from lagrl.errors import InputError
from lagrl.quantum.bandit.features import Arm
from lagrl.quantum.bandit.traces import TraceLog, arms_line, decision_line, read_traces
from lagrl.relaxation.sampler import SampleContext

if TYPE_CHECKING:
    from pathlib import Path

TRACE = log(1)[0]
ARMS = arms_line(TRACE.decision.screened, 0)
DECISION = decision_line(SampleContext("i0/0/0", 0), TRACE.decision, 0)
HUGE = "1e999"  # JSON has no infinity, but such numbers become one


def with_profile(number: int, value: Any) -> dict[str, Any]:
    """Return the line of arms with another number in the profile of the second."""
    profiles = [list(values) for values in ARMS["profiles"]]
    profiles[1][number] = value
    return {**ARMS, "profiles": profiles}


@pytest.mark.parametrize(
    ("arms", "field"),
    [
        ({**ARMS, "arms": ["fake/line0/qaoa/99999", *ARMS["arms"][1:]]}, "arm"),
        ({**ARMS, "arms": [3, *ARMS["arms"][1:]]}, r"arms\[0\]"),
        ({**ARMS, "arms": "product"}, "arms"),
        ({**ARMS, "arms": ["a/b/qaoa/1", *ARMS["arms"][1:]]}, "unknown placement"),
        ({**ARMS, "arms": ARMS["arms"][1:]}, "entries for them"),
        ({**ARMS, "number": "0"}, "number"),
        ({**ARMS, "number": [0]}, "number"),
        ({**ARMS, "width": HUGE}, "width"),
        ({**ARMS, "objections": [None] * len(ARMS["arms"])}, r"objections\[0\]"),
        ({**ARMS, "profile": ["width"]}, "profiles of width"),
        (with_profile(4, HUGE), "profiles.log_gates"),
        (with_profile(4, None), "profiles.log_gates"),
        (with_profile(4, -1e300), "log_gates"),
        (with_profile(7, 0.0), "t1 0.0"),
        (with_profile(8, -1.0), "t2"),
        (with_profile(2, -5), "two_qubit_gates"),
        (with_profile(1, "1"), "profiles.layers"),
        ({**ARMS, "kind": ["arms"]}, "of kind"),
    ],
)
def test_wrong_arms_are_refused(tmp_path: Path, arms: dict[str, Any], field: str) -> None:
    """By reading, with the line and the field; the file is not read further."""
    path = tmp_path / "traces.jsonl"
    path.write_text("".join(json.dumps(line).replace(f'"{HUGE}"', HUGE) + "\n" for line in (arms, DECISION)))
    with pytest.raises(InputError, match=rf"line 1: not a decision trace .*{field}"):
        read_traces([path])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"propensity": HUGE}, "propensity"),
        ({"propensity": 0}, "propensity"),
        ({"quality": 1.5}, "quality"),
        ({"baseline": "0"}, "baseline"),
        ({"vehicle": -1}, "vehicle"),
        ({"run": 3}, "run"),
        ({"step": True}, "step"),
        ({"arms": 7}, "7"),
        ({"arms": []}, "arms"),
        ({"arm": "mars/line0/qaoa/1"}, "mars"),
        ({"arm": {}}, "arm"),
        ({"knapsack": {**DECISION["knapsack"], "fill": HUGE}}, "knapsack.fill"),
        ({"knapsack": {**DECISION["knapsack"], "fill": 1e200}}, "fill"),
        ({"knapsack": {**DECISION["knapsack"], "luck": 1}}, "unknown luck"),
        ({"knapsack": []}, "knapsack"),
        ({"objection": None}, "objection"),
    ],
)
def test_wrong_decisions_are_refused(tmp_path: Path, changes: dict[str, Any], field: str) -> None:
    """Numbers out of range, arms of no line, and mistyped fields."""
    path = tmp_path / "traces.jsonl"
    lines = (ARMS, {**DECISION, **changes})
    path.write_text("".join(json.dumps(line).replace(f'"{HUGE}"', HUGE) + "\n" for line in lines))
    with pytest.raises(InputError, match=rf"line 2: not a decision trace .*{field}"):
        read_traces([path])


def test_what_is_read_can_be_trained_on(tmp_path: Path) -> None:
    """The largest numbers that are allowed give finite features and a model; the writer refuses the same lines."""
    path = tmp_path / "traces.jsonl"
    knapsack = {**DECISION["knapsack"], "fill": 1e9, "binding": 1e9}
    lines = (with_profile(4, -1e9), {**DECISION, "knapsack": knapsack, "propensity": 1e-300})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    model = fit(TraceTable.of(read_traces([path])))
    assert abs(model.weights).max() < 1.0
    TraceLog(path).close()
    path.write_text(json.dumps({**ARMS, "number": "0"}) + "\n")
    with pytest.raises(InputError, match=r"line 1: not a decision trace .*number"):
        TraceLog(path)


@pytest.mark.parametrize("text", ["a/line0/qaoa/" + "9" * 5000, "a/line0/qaoa/", "a/line0/qaoa/-1", "/" * 9])
def test_names_of_arms_are_read_strictly(text: str) -> None:
    """A number of layers has at most three digits."""
    with pytest.raises(InputError, match=r"arm: .* given"):
        Arm.parse(text)
