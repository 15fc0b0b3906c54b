"""What a sample passes: files of lagrl, calls from one file to another, and depth of calls of lagrl.

python -m tests.quantum.sample_traces
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

import lagrl
from lagrl.relaxation.sampler import SampleContext, SampleQuery

if TYPE_CHECKING:
    from types import FrameType

ROOT = os.path.dirname(lagrl.__file__)
BANDIT = "bandit+backends=FakeKingston/FakeParis+width=5+families=qaoa+depths=1+placements=line0+epsilon=0"
SAMPLERS = (
    "qaoa+width=6",
    "noisy:FakeKingston+width=6",
    "noisy:FakeKingston+width=6+ansatz=linear",
    "noisy:FakeKingston+width=6+method=density",
    "ibm:FakeKingston+width=5",
    BANDIT,
)


@dataclass
class Trace:
    """A trace of calls, while it is recording; comprehensions and lambdas belong to their function."""

    files: set[str] = field(default_factory=set)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    depth: int = 0
    is_recording: bool = False

    def note(self, frame: FrameType, event: str, _: Any) -> None:
        """Note a call; a function for `sys.setprofile`."""
        if event != "call" or not self.is_recording or not _is_own(frame):
            return
        stack = [frame]
        while (caller := stack[-1].f_back) is not None:
            stack.append(caller)
        own = [_file(one) for one in stack if _is_own(one)]
        self.files.add(own[0])
        self.depth = max(self.depth, len(own))
        if len(own) > 1 and own[0] != own[1]:
            self.calls[own[1], own[0]] += 1


def trace_sample(name: str) -> Trace:
    """Trace the third call of a sampler, in all threads that it starts: circuits are compiled then."""
    trace = Trace()
    rng = np.random.default_rng(3)
    problem = -rng.uniform(1, 9, (3, 9)), rng.integers(2, 9, 9), np.full(3, 14)
    threading.setprofile(trace.note)
    sampler = lagrl.samplers.make_sampler(name)
    try:
        for step in range(3):
            query = SampleQuery(*problem, 16, np.random.default_rng(5), SampleContext("trace", step))
            sys.setprofile(trace.note)
            trace.is_recording = step == 2
            sampler.sample(query)
            trace.is_recording = False
            sys.setprofile(None)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        lagrl.samplers.close_sampler(sampler)
    return trace


def _file(frame: FrameType) -> str:
    return frame.f_code.co_filename[len(ROOT) + 1 :]


def _is_own(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(ROOT) and not frame.f_code.co_name.startswith("<")


if __name__ == "__main__":
    for name in SAMPLERS:
        found = trace_sample(name)
        print(f"{name}: {len(found.files)} files, {sum(found.calls.values())} calls, {found.depth} deep")
