"""A solve that is stopped by a callback or by Ctrl-C keeps its best routes."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
from typing import TYPE_CHECKING

import numpy as np
import pytest

import lagrl
from lagrl.cli import bound as bound_command
from lagrl.cli import entry as cli
from lagrl.cli import solve as solve_command
from lagrl.cli.options import InstanceOptions
from lagrl.cli.progress import solve_bar
from lagrl.problems.bundled import bundled_path, read_bundled
from lagrl.relaxation.knapsack import solve_knapsacks
from lagrl.relaxation.sampler import SampleQuery, Samples, SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SMALL = "G-n31-k5"
RULE = """
from lagrl.controllers.volume import Volume


class Stops(Volume):
    calls = 0

    def update(self, point, feedback=None):
        Stops.calls += 1
        if Stops.calls == 25:
            raise KeyboardInterrupt
        return super().update(point, feedback)
"""


class Slow:
    """An approximate sampler that answers some calls, and is interrupted in the next one."""

    def __init__(self, answers: int) -> None:
        self.left = answers
        self.is_closed = False

    def sample(self, query: SampleQuery) -> Samples:
        """Return the optimal strings."""
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        best, _ = solve_knapsacks(*query.knapsacks)
        counts = np.full((len(query.capacity), 1), query.shots)
        return Samples(best[:, None], counts, SamplingCost(circuits=1, shots=query.shots, backend="slow"))


@pytest.fixture
def stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A controller that is interrupted at its 25th update."""
    (tmp_path / "rule_that_stops.py").write_text(RULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return "rule_that_stops:Stops"


def test_a_callback_sees_the_progress_and_stops_the_solve() -> None:
    """Evaluations, seconds, share, cost, gap and bound; a true answer ends the solve with the routes so far."""
    problem = read_bundled(SMALL)
    seen: list[lagrl.SolveProgress] = []

    def stop(now: lagrl.SolveProgress) -> bool:
        seen.append(now)
        return now.evaluations >= 50

    result = lagrl.solve(problem, evaluations=1000, on_evaluation=stop)
    assert result.is_interrupted
    assert [now.evaluations for now in seen] == sorted({now.evaluations for now in seen})
    assert result.evaluations == seen[-1].evaluations < 55
    last = seen[-1]
    assert last.share == last.evaluations / 1000
    assert 0.0 < seen[0].seconds < last.seconds <= result.elapsed
    assert last.cost == result.cost
    assert last.gap == problem.gap_percent(result.cost)
    assert (last.lower_bound, result.lower_bound) == (None, None)  # it needs a clock
    assert lagrl.check(problem, result) == []
    whole = lagrl.solve(problem, evaluations=last.evaluations)
    assert not whole.is_interrupted
    assert result.routes != () != whole.routes


def test_the_progress_has_the_bound_of_a_solve_with_a_clock() -> None:
    """Once there is one, it is that of the result; one slice does not close the bound of 50 customers."""
    bounds: list[float | None] = []

    def stop(now: lagrl.SolveProgress) -> bool:
        bounds.append(now.lower_bound)
        return now.lower_bound is not None

    result = lagrl.solve(read_bundled("G-n51-k6"), seconds=60.0, on_evaluation=stop)
    assert result.lower_bound == bounds[-1]
    assert bounds[-1]


def test_ctrl_c_raises_unless_it_is_caught(stops: str) -> None:
    """KeyboardInterrupt as everywhere in Python, or with `catch_interrupt` the best routes so far."""
    problem = read_bundled(SMALL)
    with pytest.raises(KeyboardInterrupt):
        lagrl.solve(problem, controller=stops, evaluations=200)
    __import__("rule_that_stops").Stops.calls = 0
    result = lagrl.solve(problem, controller=stops, evaluations=200, catch_interrupt=True)
    assert result.is_interrupted
    assert 25 <= result.evaluations < 200
    assert lagrl.check(problem, result) == []
    assert result.record()["interrupted"] is True


def test_ctrl_c_in_a_sampler_keeps_routes_and_costs() -> None:
    """In the first ascents, whose record is lost; the resources of the answered calls are counted."""
    problem, sampler = read_bundled(SMALL), Slow(answers=5)
    result = lagrl.solve(problem, sampler=sampler, evaluations=100, shots=8, catch_interrupt=True)
    assert result.is_interrupted
    assert lagrl.check(problem, result) == []
    assert (result.sampling.circuits, result.sampling.shots) == (5, 40)
    assert (result.ascents, result.dual_value) == ([], None)
    assert json.dumps(result.record())


def test_before_there_are_routes_ctrl_c_raises() -> None:
    """There is nothing to return."""
    with pytest.raises(KeyboardInterrupt):
        lagrl.solve(read_bundled(SMALL), sampler=Slow(answers=0), evaluations=100, catch_interrupt=True)


def test_ctrl_c_ends_workers_with_the_best_routes() -> None:
    """The signal reaches this process while it waits; the workers stop after their step and the handler is restored."""
    problem, before = read_bundled(SMALL), signal.getsignal(signal.SIGINT)
    sent: list[float] = []

    def interrupt(now: lagrl.SolveProgress) -> None:
        if not sent:
            sent.append(now.seconds)
            os.kill(os.getpid(), signal.SIGINT)

    result = lagrl.solve(problem, seconds=100.0, workers=2, on_evaluation=interrupt, catch_interrupt=True)
    assert result.is_interrupted
    assert sent[0] <= result.elapsed < 50.0
    assert lagrl.check(problem, result) == []
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_writes_and_prints_what_ctrl_c_left(
    as_json: bool, stops: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 130, the file, the usual output, and one line on stderr."""
    __import__("rule_that_stops").Stops.calls = 0
    out = tmp_path / "kept.sol"
    options = ["--controller", stops, "--out", str(out), *(["--json"] if as_json else [])]
    assert cli.main(["solve", str(bundled_path(SMALL)), "--evaluations", "200", *options]) == 130
    printed = capsys.readouterr()
    solution = lagrl.read_solution(out, read_bundled(SMALL))
    assert lagrl.check(read_bundled(SMALL), solution) == []
    assert printed.err.startswith("lagrl: interrupted after ")
    assert len(printed.err.splitlines()) == 1
    if as_json:
        record = json.loads(printed.out)
        assert record["interrupted"] is True
        assert record["cost"] == solution.cost
    else:
        assert f"cost {solution.cost:g} in" in printed.out


def test_a_full_disk_loses_no_routes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The routes are printed before the file is written, and the mistake is one line."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    out = tmp_path / "lost.sol"
    assert cli.main(["solve", str(bundled_path(SMALL)), "--evaluations", "5", "--out", str(out)]) == 2
    printed = capsys.readouterr()
    assert "Route #1" in printed.out
    assert printed.err.count("\n") == 1
    assert "No space left on device" in printed.err
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_written_if_the_output_cannot_be_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output on a full disk does not lose the file."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(solve_command, "print_solution", full)
    out = tmp_path / "kept.sol"
    assert cli.main(["solve", str(bundled_path(SMALL)), "--evaluations", "5", "--out", str(out)]) == 2
    assert lagrl.read_solution(out).cost > 0


def on_terminal(monkeypatch: pytest.MonkeyPatch, stream: str) -> None:
    """Let a captured stream say that it is a terminal."""
    import sys

    monkeypatch.setattr(getattr(sys, stream), "isatty", lambda: True)


def test_a_terminal_has_a_clock_by_default(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Said in the output; not for JSON, a given budget, the reference's method or an approximate sampler."""
    monkeypatch.setattr(solve_command, "_TERMINAL_SECONDS", 0.3)
    on_terminal(monkeypatch, "stdout")
    command = ["solve", str(bundled_path(SMALL)), "--without", "bound"]
    assert cli.main(command) == 0
    text = capsys.readouterr().out
    assert text.rstrip().endswith("budget: 0.3 s, the default on a terminal; see --seconds and --evaluations")
    assert "of the time:" in text
    instance = InstanceOptions(SMALL)
    assert solve_command.SolveCommand(instance, lagrl.SolveConfig())._with_budget().seconds == 0.3
    kept = [lagrl.SolveConfig(evaluations=5), lagrl.SolveConfig(method="reference")]
    for config in (*kept, lagrl.SolveConfig(sampler="annealing"), lagrl.SolveConfig(seconds=1.0)):
        assert solve_command.SolveCommand(instance, config)._with_budget() is config
    usual = lagrl.SolveConfig()
    assert solve_command.SolveCommand(instance, usual, json=True)._with_budget() is usual


def test_one_clock_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """With a slow sampler too, the seconds of the run are not below those of its best routes."""
    arguments = ["solve", str(bundled_path("G-n16-k3")), "--sampler", "annealing", "--evaluations", "20"]
    assert cli.main(arguments) == 0
    text = capsys.readouterr().out
    whole = float(text.split(" s, fleet")[0].split()[-1])
    best = float(text.split("best routes after ")[1].split()[0])
    assert best <= whole + 0.005
    assert "% sampler" in text


def test_a_bar_shows_cost_gap_and_bound(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal; nothing elsewhere."""
    now = lagrl.SolveProgress(10, 1.5, 0.25, 512.0, 2.5, 498.0)
    with solve_bar("mine", ["recovery"], is_quiet=False) as show:
        assert show is None
    on_terminal(monkeypatch, "stderr")
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setenv("TERM", "xterm")
    with solve_bar("mine", ["recovery"], is_quiet=False) as show:
        assert show is not None
        show(now)
    shown = capsys.readouterr().err
    assert "mine" in shown
    assert "cost 512, bound 498, gap 2.50 %" in shown


def test_ctrl_c_keeps_a_bound_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The bound reached so far is printed, with exit code 130."""

    @contextlib.contextmanager
    def interrupting(*_: object, **__: object) -> Iterator[Callable[..., None]]:
        def show(problem: object, bound: object) -> None:
            raise KeyboardInterrupt

        yield show

    monkeypatch.setattr(bound_command, "bound_bar", interrupting)
    assert cli.main(["bound", str(bundled_path(SMALL)), "--json"]) == 130
    printed = capsys.readouterr()
    assert json.loads(printed.out)["lower_bound"] > 0
    assert printed.err.startswith("lagrl: interrupted after ")


def test_a_bound_reports_its_progress_and_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds do not fall, and a true answer ends the work before it converges."""
    monkeypatch.setattr("lagrl.bounds.bound._REPORT_EVERY", 0.001)
    problem, seen = read_bundled("G-n121-k9"), []

    def stop(bound: lagrl.LowerBound) -> bool:
        seen.append(bound.value)
        return len(seen) == 20

    bound = lagrl.lower_bound(problem, on_progress=stop)
    assert len(seen) == 20
    assert seen == sorted(seen)
    assert bound.value == seen[-1]
    assert not bound.is_converged
