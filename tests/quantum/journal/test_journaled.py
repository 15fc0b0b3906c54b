"""Journaled samplers: a recorded call is not made again, and a resumed run equals an undisturbed one."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from journal_samples import Counting, drawn_samples, same
from small_knapsacks import knapsacks

from lagrl.errors import InputError
from lagrl.problems.bundled import read_bundled
from lagrl.quantum.circuits.statevector import QAOASampler
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.journaled import JournaledSampler
from lagrl.quantum.journal.values import plain_state
from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples, SubproblemSampler
from lagrl.solver import SolveConfig, solve

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.solver import SolveResult

CONFIG = SolveConfig(evaluations=8, linearisations=2, seed=3, shots=32)


def ask(sampler: SubproblemSampler, seed: int = 0, step: int = 0, shots: int = 32) -> tuple[Samples, object]:
    """Sample random knapsacks; return the samples and the generator's final state."""
    rng = np.random.default_rng(seed)
    problem = knapsacks(np.random.default_rng(step), 4, 14)
    return sampler.sample(SampleQuery(*problem, shots, rng, SampleContext("toy", step))), plain_state(rng)


def ended(result: SolveResult) -> tuple[object, ...]:
    """Return a result without its times."""
    return (
        result.solution,
        result.sampling,
        [(evaluations, cost) for evaluations, _, cost in result.history],
        [np.array(ascent.trace.sampled_value).tobytes() for ascent in result.ascents],
    )


def run(sampler: SubproblemSampler, config: SolveConfig = CONFIG) -> SolveResult:
    """Solve a small instance."""
    return solve(read_bundled("G-n51-k6"), config, sampler=sampler)


def test_the_same_call_is_asked_once(tmp_path: Path) -> None:
    """A repeated call gets the recorded answer, cost and generator state, also after reopening."""
    path, asked = tmp_path / "j.sqlite", Counting()
    with Journal(path) as journal:
        first = ask(JournaledSampler(asked, journal, "qaoa"))
        again = ask(JournaledSampler(asked, journal, "qaoa"))
    with Journal(path) as journal:
        later = ask(JournaledSampler(asked, journal, "qaoa"))
    plain = ask(Counting())
    for samples, state in (again, later):
        assert same(samples, first[0])
        assert state == first[1] == plain[1]
    assert len(asked.asked) == 1
    assert np.array_equal(plain[0].bitstrings, first[0].bitstrings)


@pytest.mark.parametrize("change", [{"seed": 1}, {"step": 1}, {"shots": 33}, {"name": "qaoa+width=9"}])
def test_another_call_is_asked_anew(tmp_path: Path, change: dict[str, object]) -> None:
    """Calls with other random states, prices, shots or options are recorded separately."""
    asked = Counting()
    name = str(change.pop("name", "qaoa"))
    with Journal(tmp_path / "j.sqlite") as journal:
        for _ in range(2):
            ask(JournaledSampler(asked, journal, "qaoa"))
            ask(JournaledSampler(asked, journal, name), **change)
        assert len(journal) == len(asked.asked) == 2


@pytest.mark.parametrize("given", [None, drawn_samples()])
def test_what_is_no_answer_is_not_kept(tmp_path: Path, given: object) -> None:
    """A return value that is not samples of these knapsacks is refused with the sampler's name."""

    class Wrong(Counting):
        def sample(self, *args: object) -> object:
            return given

    with Journal(tmp_path / "j.sqlite") as journal:
        with pytest.raises(InputError, match="sampler wrong: returned"):
            ask(JournaledSampler(Wrong(), journal, "wrong"))
        assert len(journal) == 0


def test_closing_closes_both(tmp_path: Path) -> None:
    """Closing closes both the sampler and the journal."""
    inner, journal = Counting(), Journal(tmp_path / "j.sqlite")
    JournaledSampler(inner, journal, "qaoa").close()
    assert inner.is_closed
    with Journal(tmp_path / "j.sqlite"), pytest.raises(OSError, match="closed"):
        journal.intend_job("f", "tag")


@pytest.mark.parametrize("dies_at", [0, 1, 4, 7])
def test_an_interrupted_solve_goes_on(tmp_path: Path, dies_at: int) -> None:
    """A solve stopped at any call and repeated has the undisturbed result and cost, and repeats no call."""
    before, after, undisturbed = Counting(dies_at), Counting(), Counting()
    with Journal(tmp_path / "whole.sqlite") as journal:
        expected = run(JournaledSampler(undisturbed, journal, "qaoa"))
    with Journal(tmp_path / "j.sqlite") as journal, pytest.raises(KeyboardInterrupt):
        run(JournaledSampler(before, journal, "qaoa"))
    with Journal(tmp_path / "j.sqlite") as journal:
        result = run(JournaledSampler(after, journal, "qaoa"))
    assert before.asked + after.asked == undisturbed.asked
    assert len(before.asked) == dies_at
    assert ended(result)[0] == ended(expected)[0]
    assert ended(result)[2:] == ended(expected)[2:]
    assert (result.sampling.circuits, result.sampling.shots) == (expected.sampling.circuits, expected.sampling.shots)


def test_rows_share_a_journal(tmp_path: Path) -> None:
    """Calls of two controllers on one instance and seed are kept apart, although their runs have the same name."""
    configs = [replace(CONFIG, controller=name) for name in ("polyak", "adam")]
    asked = Counting()
    alone = [ended(run(QAOASampler(width=8), config)) for config in configs]
    with Journal(tmp_path / "j.sqlite") as journal:
        sampler = JournaledSampler(asked, journal, "qaoa")
        first = [ended(run(sampler, config)) for config in configs]
        n_asked = len(asked.asked)
        second = [ended(run(sampler, config)) for config in configs]
    assert first == second
    assert len(asked.asked) == n_asked
    for kept, plain in zip(first, alone, strict=True):
        assert (kept[0], kept[2], kept[3]) == (plain[0], plain[2], plain[3])


def _work(path: Path, seed: int) -> None:
    with Journal(path) as journal:
        run(JournaledSampler(Counting(), journal, "qaoa"), replace(CONFIG, seed=seed))


def test_workers_share_a_journal(tmp_path: Path) -> None:
    """Parallel processes write one journal, from which the run is answered without the sampler."""
    path = tmp_path / "j.sqlite"
    workers = [multiprocessing.get_context("spawn").Process(target=_work, args=(path, seed)) for seed in (1, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    nobody = Counting(dies_at=0)
    with Journal(path) as journal:
        config = replace(CONFIG, seed=1)
        result = run(JournaledSampler(nobody, journal, "qaoa"), config)
        assert result.solution == run(QAOASampler(width=8), config).solution
        assert journal.summary().calls == len(journal) == 8
