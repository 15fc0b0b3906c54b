"""Controllers and samplers of a user in a solve: by name, by `module:attribute`, and as objects."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lagrl.errors import InputError
from lagrl.problems.bundled import bundled_names, read_bundled
from lagrl.relaxation.knapsack import solve_knapsacks
from lagrl.relaxation.sampler import SampleQuery, Samples, SamplingCost
from lagrl.samplers.families import FAMILIES, Family
from lagrl.samplers.options import NoOptions
from lagrl.solver import SolveConfig, solve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMALL, _, LARGE, *_ = bundled_names()


OWN_CONTROLLER = """
class Stays:
    asked = 0

    def start(self, dual, *, budget, rng, initial=None):
        return initial

    def update(self, point, feedback=None):
        Stays.asked += 1
        return point.multipliers
"""


def test_own_controllers_by_module_and_attribute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`module:attribute` ascends with a user's own class: one that stays put sees one value per linearisation."""
    (tmp_path / "rules_for_solve.py").write_text(OWN_CONTROLLER, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    result = solve(
        read_bundled(LARGE), SolveConfig(controller="rules_for_solve:Stays", evaluations=30, linearisations=3)
    )
    assert all(len(set(ascent.trace.sampled_value)) == 1 for ascent in result.ascents)
    assert sys.modules["rules_for_solve"].Stays.asked == 30 - 3
    usual = solve(read_bundled(LARGE), SolveConfig(evaluations=30, linearisations=3))
    assert all(len(set(ascent.trace.sampled_value)) > 1 for ascent in usual.ascents)


class Greedy:
    """A user's sampler: the optimal string and the optimal one without its first customer, 0.01 s a call."""

    def sample(self, query: SampleQuery) -> Samples:
        time.sleep(0.01)
        Greedy.runs.append((query.context.run, query.context.step))
        best, _ = solve_knapsacks(*query.knapsacks)
        fewer = best.copy()
        fewer[:, 0] = 0
        counts = np.full((len(query.capacity), 2), query.shots // 2)
        cost = SamplingCost(circuits=2, shots=query.shots, seconds=0.01, backend="mine")
        return Samples(np.stack([fewer, best], axis=1), counts, cost)

    runs: list[tuple[str, int]]


@pytest.fixture
def own_sampler(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A sampler registered for one test."""
    Greedy.runs = []
    mine = Family("mine", "a sampler of one test", lambda: NoOptions, lambda *_: Greedy())
    monkeypatch.setitem(FAMILIES, "mine", mine)
    yield "mine"


def test_own_samplers_are_used_to_the_end(own_sampler: str) -> None:
    """A registered sampler samples every evaluation, its resources are counted, and L is computed on request only."""
    problem = read_bundled(SMALL)
    config = SolveConfig(sampler=own_sampler, evaluations=10, linearisations=2, shots=6)
    started = time.perf_counter()
    result = solve(problem, config)
    elapsed = time.perf_counter() - started
    assert result.solution.is_feasible(problem)
    assert result.evaluations == 10 == len(Greedy.runs)
    assert sorted(Greedy.runs) == [(f"{SMALL}/0/{index}", step) for index in range(2) for step in range(5)]
    assert (result.sampling.circuits, result.sampling.shots) == (20, 60)
    assert result.sampling_seconds >= 10 * 0.01
    assert result.seconds + result.sampling_seconds <= elapsed
    assert (result.dual_value, result.recording_seconds) == (None, 0.0)
    recorded = solve(problem, replace(config, record_exact=True))
    assert recorded.solution == result.solution
    assert recorded.dual_value is not None
    assert recorded.recording_seconds > 0.0
    assert all(min(ascent.trace.assignment_cost) >= ascent.trace.dual_value - 1e-6 for ascent in recorded.ascents)


def test_objects_can_be_given_instead_of_names() -> None:
    """A controller class and a sampler from Python are used, and the record names them."""
    from lagrl.controllers.volume import Volume

    problem = read_bundled(SMALL)
    Greedy.runs = []
    config = SolveConfig(evaluations=6, linearisations=1, shots=4)
    result = solve(problem, config, controller=Volume, sampler=Greedy())
    assert len(Greedy.runs) == 6
    assert result.config.controller == "lagrl.controllers.volume:Volume"
    assert result.config.sampler.endswith(":Greedy")
    named = solve(problem, SolveConfig(evaluations=6, linearisations=1, controller="volume"))
    given = solve(problem, SolveConfig(evaluations=6, linearisations=1), controller=Volume)
    assert named.solution == given.solution


OWN_SAMPLER = """
from lagrl.relaxation.sampler import ExactSampler, Samples

class Halved(ExactSampler):
    def sample(self, query):
        whole = super().sample(query)
        return Samples(whole.bitstrings[:, :, :-1], whole.counts)

class Same(ExactSampler):
    pass

class Offline(ExactSampler):
    def sample(self, query):
        raise RuntimeError("device offline")
"""


def test_own_samplers_by_module_and_attribute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They answer like registered ones; an answer of the wrong shape is an error in their name."""
    (tmp_path / "samplers_for_solve.py").write_text(OWN_SAMPLER, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    config = SolveConfig(sampler="samplers_for_solve:Same", evaluations=5)
    result = solve(read_bundled(SMALL), config)
    assert (result.evaluations, result.dual_value) == (5, None)  # a subclass is asked, and trusted with nothing
    assert result.sampling_seconds > 0.0
    with pytest.raises(InputError, match="sampler Halved: returned Samples with strings of shape"):
        solve(read_bundled(SMALL), SolveConfig(sampler="samplers_for_solve:Halved", evaluations=5))
    with pytest.raises(
        InputError, match=r"sampler Offline: samplers_for_solve.py line \d+: RuntimeError: device offline"
    ):
        solve(read_bundled(SMALL), SolveConfig(sampler="samplers_for_solve:Offline", evaluations=5))
    with pytest.raises(InputError, match="has no 'Nothing'"):
        solve(read_bundled(SMALL), SolveConfig(sampler="samplers_for_solve:Nothing", evaluations=5))


def test_what_is_no_sampler_object_is_reported() -> None:
    """A class, something else, or a journal beside an object: the message says how to write it."""
    problem = read_bundled(SMALL)
    wrong: dict[Any, str] = {
        Greedy: "the class Greedy given",
        3: "a int given",
    }
    for given, told in wrong.items():
        with pytest.raises(InputError, match=told):
            solve(problem, SolveConfig(evaluations=2), sampler=given)
    with pytest.raises(InputError, match="wrap your sampler"):
        solve(problem, SolveConfig(evaluations=2), sampler=Greedy(), journal="run.jsonl")
    with pytest.raises(InputError, match="price: -3 given"):
        solve(problem, SolveConfig(evaluations=2)).record(-3)
