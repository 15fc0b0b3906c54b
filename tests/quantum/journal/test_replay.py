"""Replay: a recorded run is repeated bit for bit offline, and unrecorded calls are named."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from journal_samples import Counting, drawn_call, drawn_samples, same
from small_knapsacks import knapsacks

from lagrl.errors import InputError, UnknownNameError
from lagrl.problems.bundled import read_bundled
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.journaled import JournaledSampler, ReplaySampler, ranges
from lagrl.quantum.journal.values import plain_state
from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples
from lagrl.samplers.registry import make_sampler
from lagrl.solver import SolveConfig, solve

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = SolveConfig(evaluations=12, linearisations=2, seed=3, shots=32)


def ask(
    sampler: object, seed: int = 0, step: int = 0, run: str = "toy", shots: int = 16, shift: float = 0.0
) -> Samples:
    """Sample the knapsacks of a step."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(step), 4, 14)
    rng, context = np.random.default_rng(seed), SampleContext(run, step)
    found: Samples = sampler.sample(SampleQuery(reduced_cost + shift, weight, capacity, shots, rng, context))
    return found


def recorded(path: Path, *seeds: int, name: str = "qaoa", steps: tuple[int, ...] = (0, 1, 2, 5)) -> list[Samples]:
    """Record the steps, once for every seed."""
    with Journal(path) as journal:
        sampler = JournaledSampler(Counting(), journal, name)
        return [ask(sampler, seed, step) for seed in seeds or (0,) for step in steps]


def test_a_whole_solve_replays_bit_for_bit(tmp_path: Path) -> None:
    """Routes, costs, history, dual trace and multipliers of a replay equal the recorded run bit for bit."""
    path, problem = tmp_path / "j.sqlite", read_bundled("G-n51-k6")
    with Journal(path) as journal:
        first = solve(problem, CONFIG, sampler=JournaledSampler(Counting(), journal, "qaoa"))
    before = path.read_bytes()
    for _ in range(2):
        sampler = ReplaySampler(path)
        again = solve(problem, CONFIG, sampler=sampler)
        sampler.close()
        assert again.solution == first.solution
        assert again.sampling == first.sampling
        assert [h[::2] for h in again.history] == [h[::2] for h in first.history]
        for one, other in zip(first.ascents, again.ascents, strict=True):
            assert one.linear_value == other.linear_value
            assert np.array_equal(one.trace.sampled_value, other.trace.sampled_value)
            assert np.array_equal(one.trace.route_cost, other.trace.route_cost)
    assert path.read_bytes() == before


OFFLINE = """
import sys
for name in ("qiskit", "qiskit_aer", "qiskit_ibm_runtime", "dimod", "dwave", "scipy"):
    sys.modules[name] = None
from pathlib import Path
from lagrl.problems.bundled import read_bundled
from lagrl.quantum.journal.journaled import ReplaySampler
from lagrl.solver import SolveConfig, solve
from lagrl.samplers.registry import make_sampler
config = SolveConfig(evaluations=12, linearisations=2, seed=3, shots=32)
print(solve(read_bundled("G-n51-k6"), config, sampler=ReplaySampler(Path(sys.argv[1]))).solution.cost)
"""


def test_replaying_needs_no_quantum_package(tmp_path: Path) -> None:
    """A process that cannot import qiskit, aer, dimod or scipy replays the run to the same cost."""
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        first = solve(read_bundled("G-n51-k6"), CONFIG, sampler=JournaledSampler(Counting(), journal, "qaoa"))
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == str(first.solution.cost), done.stderr


def test_the_generator_moves_on_as_it_did(tmp_path: Path) -> None:
    """A replayed call leaves a generator in the same state as the recorded call did."""
    recorded(tmp_path / "j.sqlite", 4, steps=(0,))
    problem = knapsacks(np.random.default_rng(0), 4, 14)
    states = []
    for sampler in (Counting(), ReplaySampler(tmp_path / "j.sqlite")):
        rng = np.random.default_rng(4)
        sampler.sample(SampleQuery(*problem, 16, rng, SampleContext("toy", 0)))
        states.append(plain_state(rng))
    assert states[0] == states[1]


def test_randomness_is_not_needed(tmp_path: Path) -> None:
    """The n-th equal call with an unknown generator gets the n-th record; with a recorded generator, its own."""
    path = tmp_path / "j.sqlite"
    first, second = recorded(path, 1, 2, steps=(0,))
    assert not same(first, second)
    sampler = ReplaySampler(path)
    assert same(ask(sampler, seed=2), second)
    assert same(ask(sampler, seed=8), first)
    assert same(ask(sampler, seed=9), second)
    with pytest.raises(InputError, match=rf"{path}: run 'toy', step 0: called 3 times, but recorded 2 times"):
        ask(sampler, seed=9)
    assert same(ask(sampler, seed=1), first)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"step": 4}, r"run 'toy', step 4: not recorded; recorded steps of this run are 0 … 2, 5"),
        ({"run": "toy/7"}, r"run 'toy/7', step 0: not recorded; recorded runs are 'toy'"),
        ({"shots": 17}, r"run 'toy', step 0: recorded with different shots"),
        ({"shift": 1e-12}, r"run 'toy', step 0: recorded with different reduced costs"),
    ],
)
def test_an_unrecorded_call_is_named(tmp_path: Path, question: dict[str, object], message: str) -> None:
    """The error names file, run and step, the difference or the recorded runs and steps, and the remedy."""
    path = tmp_path / "j.sqlite"
    recorded(path)
    with pytest.raises(InputError, match=rf"{path}: {message}.*; replay with the same instance"):
        ask(ReplaySampler(path), **question)


def test_one_of_several_samplers_is_chosen(tmp_path: Path) -> None:
    """In a journal of several samplers one must be chosen, and its answers are returned."""
    path = tmp_path / "j.sqlite"
    (first,) = recorded(path, 1, steps=(0,))
    (second,) = recorded(path, 2, name="noisy:FakeKingston", steps=(0,))
    with pytest.raises(InputError, match=rf"choose replay:{path}\+sampler=qaoa or replay:{path}\+sampler=noisy"):
        ReplaySampler(path)
    with pytest.raises(UnknownNameError, match="did you mean 'qaoa'"):
        ReplaySampler(path, "qoa")
    assert same(ask(make_sampler(f"replay:{path}+sampler=noisy:FakeKingston"), seed=9), second)
    assert same(ask(ReplaySampler(path, "qaoa"), seed=9), first)
    assert same(ask(ReplaySampler(path, "noisy:FakeKingston"), seed=9), second)


def test_nothing_to_replay(tmp_path: Path) -> None:
    """A missing journal, one without answers and another file are refused at opening."""
    path = tmp_path / "j.sqlite"
    with pytest.raises(InputError, match="cannot be read"):
        ReplaySampler(path)
    Journal(path).close()
    with pytest.raises(InputError, match="holds no answers"):
        ReplaySampler(path)
    path.write_text("a,b\n")
    with pytest.raises(InputError, match=r"cannot be read \(it starts with b'a,b"):
        ReplaySampler(path)


def test_a_journal_under_way_replays(tmp_path: Path) -> None:
    """What a run that is still writing has finished is replayed, and the file stays unchanged."""
    path = tmp_path / "j.sqlite"
    with Journal(path) as journal:
        first = ask(JournaledSampler(Counting(), journal, "qaoa"))
        before = path.read_bytes()
        with journal._tables.transaction():
            journal._tables.delete("calls", "run", "toy")  # of a transaction that has not ended
            sampler = ReplaySampler(path)
            assert same(ask(sampler), first)
            sampler.close()
            assert path.read_bytes() == before


def test_many_runs_are_told_in_part(tmp_path: Path) -> None:
    """The error lists some runs of a large journal and how many more it has."""
    with Journal(tmp_path / "j.sqlite") as journal:
        for seed in range(12):
            journal.record(drawn_call(0, f"toy/{seed}"), drawn_samples(), np.random.default_rng(0))
    with pytest.raises(InputError, match=r"'toy/5' and 4 more"):
        ask(ReplaySampler(tmp_path / "j.sqlite"))


@pytest.mark.parametrize(("numbers", "text"), [([0, 1, 2, 4, 7, 8], "0 … 2, 4, 7 … 8"), ([3], "3"), ([], "")])
def test_ranges_read_well(numbers: list[int], text: str) -> None:
    """Consecutive steps are shown by the first and the last."""
    assert ranges(numbers) == text


def test_another_budget_replays_as_far_as_it_was_recorded(tmp_path: Path) -> None:
    """A run longer than the recorded one gets an error with the recorded steps."""
    path, problem = tmp_path / "j.sqlite", read_bundled("G-n51-k6")
    config = replace(CONFIG, evaluations=4, linearisations=1)
    with Journal(path) as journal:
        solve(problem, config, sampler=JournaledSampler(Counting(), journal, "qaoa"))
    with pytest.raises(InputError, match=r"run 'G-n51-k6/3/0', step [1-4]: (not recorded|recorded with different)"):
        solve(problem, replace(config, evaluations=9), sampler=ReplaySampler(path))
