"""Runs are complete, resumable and the same however many processes share the work."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lagrl.bench.evaluation import Evaluation, row_key
from lagrl.bench.rows import read_rows
from lagrl.bench.run import run
from lagrl.bench.schema import FIELDS, OPTIONAL, SCHEMA, Row, check_row
from lagrl.bench.solved_row import make_row
from lagrl.errors import BudgetError, InputError, LagrlError, UnknownNameError
from lagrl.problems.bundled import bundled_names, bundled_path
from lagrl.problems.cvrp import CVRP
from lagrl.problems.cvrplib import read_instance, write_instance
from lagrl.problems.fleet import Fleet
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.subproblems.candidate_sampler import GreedySampler, ProductSampler
from lagrl.solver import SolveConfig

SMALL, MIDDLE = (bundled_path(name) for name in bundled_names()[:2])
QUICK = Evaluation((SMALL, MIDDLE), ("polyak", "cfm"), methods=("reference",), budgets=(4,), seeds=(0, 1))


def timeless(row: Row) -> dict[str, Any]:
    """A row without what the clock says."""
    kept = {field: value for field, value in row.items() if not field.endswith("seconds")}
    return kept | {"history": [[evaluations, cost] for evaluations, _, cost in row["history"]]}


def by_key(path: Path) -> dict[str, dict[str, Any]]:
    """Timeless rows of a file."""
    return {row["key"]: timeless(row) for row in read_rows(path)}


def test_rows_are_complete_and_say_what_was_run(tmp_path: Path) -> None:
    """One valid row per instance, controller and seed, each with its own configuration and a sound result."""
    out = tmp_path / "rows.jsonl"
    finished: list[Row] = []
    plans: list[tuple[int, int]] = []
    made = run(QUICK, out, on_row=finished.append, on_plan=lambda total, done: plans.append((total, done)))
    rows = read_rows(out)
    assert made == len(rows) == 8
    assert [row["key"] for row in rows] == [row["key"] for row in finished]
    assert plans == [(8, 0)]
    assert len({row["key"] for row in rows}) == 8
    combinations = {(row["instance"], row["controller"], row["seed"]) for row in rows}
    assert combinations == {(path.stem, c, s) for path in (SMALL, MIDDLE) for c in ("polyak", "cfm") for s in (0, 1)}
    for row in rows:
        assert check_row(row, source="row") == row
        assert 0 < row["decoding_seconds"] <= row["seconds"]
        assert set(row) == {*FIELDS, *OPTIONAL} - {"cpu_joules"}
        assert row["schema"] == SCHEMA
        assert row["feasible"]
        assert row["evaluations"] == row["budget"] == row["config"]["evaluations"] == 4
        assert row["gap_pct"] == pytest.approx(100 * (row["cost"] / row["best_known"] - 1))
        assert row["history"][-1][2] == pytest.approx(row["cost"])
        assert (row["config"]["controller"], row["config"]["seed"]) == (row["controller"], row["seed"])
        assert (row["fleet"], row["sampler"], row["method"]) == ("free", "exact", "reference")


def test_a_second_run_adds_nothing(tmp_path: Path) -> None:
    """What is there is not done again; what is new is added to it."""
    out = tmp_path / "rows.jsonl"
    plans: list[tuple[int, int]] = []
    run(QUICK, out)
    before = out.read_bytes()
    assert run(QUICK, out, on_plan=lambda total, done: plans.append((total, done))) == 0
    assert plans == [(8, 8)]
    assert out.read_bytes() == before
    assert run(replace(QUICK, seeds=(0, 1, 2)), out) == 4
    assert out.read_bytes().startswith(before)


@pytest.mark.parametrize(("method", "former"), [("reference", "cluster"), ("search", "pool")])
def test_rows_written_until_0_1_count_as_finished(method: str, former: str, tmp_path: Path) -> None:
    """Their field `reconstruct` is read as `method`, and their keys and hashes are those of today's configurations."""
    out, old = tmp_path / "rows.jsonl", tmp_path / "old.jsonl"
    asked = replace(QUICK, methods=(method,))
    run(asked, out)
    text = out.read_text()
    assert "reconstruct" not in text
    old.write_text(text.replace(f'"method": "{method}"', f'"reconstruct": "{former}"'))
    assert read_rows(old) == read_rows(out)
    assert run(asked, old) == 0


def test_keys_are_those_of_version_0_1() -> None:
    """A key written down when the field was called `reconstruct` is still the key of that run."""
    assert row_key(read_instance(SMALL), SolveConfig(evaluations=5)) == "G-n16-k3:605d4c798aa6:8acd85534507"


INTERRUPTED = """
import sys, time
from pathlib import Path
from lagrl.bench.evaluation import Evaluation
from lagrl.bench.run import run
evaluation = Evaluation(
    tuple(map(Path, sys.argv[2:])), ("polyak", "cfm"), methods=("reference",), budgets=(4,), seeds=(0, 1)
)
run(evaluation, sys.argv[1], on_row=lambda row: time.sleep(0.3))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_killed_run_is_resumed(tmp_path: Path) -> None:
    """Killed after a row or two and run again: the same keys and costs as without the interruption."""
    out, whole = tmp_path / "rows.jsonl", tmp_path / "whole.jsonl"
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED, str(out), str(SMALL), str(MIDDLE)])
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline and not (out.exists() and out.stat().st_size):
        time.sleep(0.02)
    process.kill()
    process.wait()
    n_finished = len(read_rows(out))
    assert 1 <= n_finished < 8
    assert run(QUICK, out) == 8 - n_finished
    run(QUICK, whole)
    assert by_key(out) == by_key(whole)


def test_workers_make_the_same_rows(tmp_path: Path) -> None:
    """Two processes give the rows that one gives, apart from their order and the seconds."""
    alone, shared = tmp_path / "alone.jsonl", tmp_path / "shared.jsonl"
    run(QUICK, alone)
    finished: list[Row] = []
    assert run(QUICK, shared, workers=2, on_row=finished.append) == 8
    assert by_key(shared) == by_key(alone)
    assert len(finished) == 8


CHANGES: list[dict[str, Any]] = [
    {"controller": "polyak"},
    {"evaluations": 5},
    {"seconds": 1.0},
    {"method": "reference"},
    {"seed": 1},
    {"linearisations": 2},
    {"seedings": ("kmeans",)},
    {"seedings": ("sweep", "kmeans")},
    {"shots": 1},
    {"record_exact": True},
]


def test_keys_tell_everything_apart() -> None:
    """No two configurations share a key, nor do instances that differ in name, demand, capacity, distance or fleet."""
    problem = read_instance(SMALL)
    configs = [SolveConfig(**change) for change in [{}, *CHANGES]]
    demand, distance = problem.demand.copy(), problem.distance.copy()
    demand[0] -= 1
    distance[1, 2] = distance[2, 1] = distance[1, 2] + 1.0
    problems = [
        problem,
        replace(problem, name="other"),
        replace(problem, demand=demand),
        replace(problem, capacity=problem.capacity + 1),
        replace(problem, matrix=distance),
        replace(problem, fleet=Fleet("exact", 5)),
        replace(problem, fleet=Fleet("atleast", 5)),
    ]
    keys = [row_key(one, config) for one in problems for config in configs]
    assert len(set(keys)) == len(keys) == 7 * 11
    assert row_key(read_instance(SMALL), SolveConfig()) == keys[0]
    assert row_key(replace(problem, best_known=1.0, comment="other"), SolveConfig()) == keys[0]


def test_a_changed_instance_is_run_again(tmp_path: Path) -> None:
    """An instance whose content changed under the same name gets a new row beside the old one."""
    path, out = tmp_path / "mine.vrp", tmp_path / "rows.jsonl"
    evaluation = Evaluation((path,), ("cfm",), methods=("reference",), budgets=(2,))
    for farthest in (30, 40):
        points = [[0, 0], [10, 0], [0, 20], [farthest, farthest]]
        write_instance(CVRP.from_coordinates("mine", points, [1, 2, 3], 4), path)
        assert run(evaluation, out) == 1
    first, second = read_rows(out)
    assert first["instance"] == second["instance"] == "mine"
    assert first["cost"] < second["cost"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"controllers": ("cfm", "polyakk")}, UnknownNameError, "unknown controller 'polyakk'"),
        ({"controllers": ("cfm", "nowhere:Rule")}, InputError, "cannot import 'nowhere'"),
        ({"samplers": ("exact", "exakt")}, UnknownNameError, "unknown sampler 'exakt'"),
        ({"methods": ("search", "serch")}, UnknownNameError, "unknown method 'serch'; did you mean 'search'"),
        ({"budgets": (4, 0)}, BudgetError, "evaluations: 0"),
        ({"seeds": (0, -1)}, InputError, "seed: -1"),
        ({"instances": (SMALL, Path("missing.vrp"))}, InputError, "missing.vrp"),
        ({"journal": Path("j.jsonl")}, InputError, "leave it out: exact has nothing to keep"),
        ({"fleet": Fleet("exact", 2)}, InputError, "exact:2 is too few vehicles"),
        *(
            ({field: ()}, InputError, f"{field}: nothing given")
            for field in ("instances", "controllers", "samplers", "methods", "budgets", "seeds")
        ),
    ],
)
def test_mistakes_are_refused_before_anything_runs(
    change: dict[str, Any], error: type[InputError], message: str, tmp_path: Path
) -> None:
    """A wrong name or number anywhere in the lists is a typed error, and no file of rows appears."""
    out = tmp_path / "rows.jsonl"
    with pytest.raises(error, match=message):
        run(replace(QUICK, **change), out)
    assert not out.exists()


@pytest.mark.parametrize("workers", [0, -1])
def test_there_is_at_least_one_worker(workers: int, tmp_path: Path) -> None:
    """Fewer workers than one are refused."""
    with pytest.raises(InputError, match=f"workers: {workers} given"):
        run(QUICK, tmp_path / "rows.jsonl", workers=workers)


DEADLY = """
import os, time
from lagrl.controllers.polyak import Polyak

class Dies(Polyak):
    def start(self, dual, **options):
        if dual.n_multipliers > 20:
            time.sleep(0.3)  # the rows before are home by then
            os.kill(os.getpid(), 9)
        return super().start(dual, **options)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_worker_that_dies_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed worker ends the run with one typed error; the rows finished before it are kept."""
    (tmp_path / "deadly_rule.py").write_text(DEADLY, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    out = tmp_path / "rows.jsonl"
    evaluation = replace(QUICK, controllers=("deadly_rule:Dies",), seeds=tuple(range(6)))
    finished: list[Row] = []
    with pytest.raises(LagrlError, match=r"a worker process died .*; finished rows are kept"):
        run(evaluation, out, workers=2, on_row=finished.append)
    rows = read_rows(out)
    assert [row["key"] for row in rows] == [row["key"] for row in finished]
    assert len(rows) >= 1
    assert {row["instance"] for row in rows} == {SMALL.stem}


def test_errors_of_workers_come_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A controller that answers nonsense in a worker is the same typed error as here."""
    source = DEADLY.replace("os.kill(os.getpid(), 9)", "return None").replace("> 20", "> 0")
    (tmp_path / "silent_rule.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    evaluation = replace(QUICK, controllers=("silent_rule:Dies",))
    for workers in (1, 2):
        with pytest.raises(InputError, match="controller Dies: multipliers"):
            run(evaluation, tmp_path / f"{workers}.jsonl", workers=workers)


def test_no_routes_is_a_result_too(tmp_path: Path) -> None:
    """Where no routes within the fleet rule are found, the row says so and has neither cost nor gap."""
    path, out = tmp_path / "fives.vrp", tmp_path / "rows.jsonl"
    points = [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0], [5, 0]]
    write_instance(CVRP.from_coordinates("fives", points, [4] * 5, 10), path)
    evaluation = Evaluation((path,), ("cfm",), budgets=(3,), fleet=Fleet("exact", 2))
    assert run(evaluation, out) == 1
    (row,) = read_rows(out)
    assert row["feasible"] is False
    assert row["cost"] is row["gap_pct"] is row["n_routes"] is row["dual_value"] is None
    assert (row["history"], row["fleet"], row["evaluations"]) == ([], "exact:2", 3)
    assert run(evaluation, out) == 0


def test_tasks_can_be_made_one_by_one() -> None:
    """A task makes its row on its own, under its fleet rule and with its key."""
    task = replace(QUICK, fleet=Fleet("atleast", 5)).tasks()[0]
    row = make_row(task)
    assert (row["key"], row["fleet"]) == (task.key, "atleast:5")
    assert row["n_routes"] >= 5


def test_a_row_can_be_made_by_a_sampler_given_beside_its_name() -> None:
    """The row keeps the name, and has the results of the given sampler."""
    task = replace(QUICK, samplers=("greedy",)).tasks()[0]
    own, given = make_row(task), make_row(task, sampler=GreedySampler())
    assert timeless(own) == timeless(given)
    assert make_row(task, sampler=ProductSampler(1))["cost"] != own["cost"]


def test_a_sampler_trained_anew_gets_rows_of_its_own(tmp_path: Path) -> None:
    """What is in a bandit's file is part of the key."""
    state, problem = tmp_path / "state.json", read_instance(SMALL)
    config = SolveConfig(sampler=f"bandit:{state}")
    keys: list[str] = []
    for content in ("one", "other"):
        state.write_text(content)
        keys.append(row_key(problem, config))
    assert keys[0] != keys[1]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the process table of Linux")
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(tmp_path: Path, sent: signal.Signals) -> None:
    """After SIGKILL, which the parent cannot handle, and after SIGTERM, no process is left running."""
    command = [sys.executable, "-m", "lagrl", "eval", "--suite", "bundled", "--controllers", "cfm", "--workers", "2"]
    rows = tmp_path / "rows.jsonl"
    parent = subprocess.Popen(
        [*command, "--budgets", "5000", "--out", str(rows)], stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        workers: list[int] = []
        deadline = time.monotonic() + 60
        while len(workers) < 3 and time.monotonic() < deadline:  # two workers and their resource tracker
            time.sleep(0.2)
            workers = [pid for pid, session in _sessions().items() if session == parent.pid and pid != parent.pid]
        assert len(workers) >= 3
        parent.send_signal(sent)
        parent.wait(timeout=30)
        deadline = time.monotonic() + 30
        while set(workers) & set(_sessions()) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert not set(workers) & set(_sessions())
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)


def _sessions() -> dict[int, int]:
    """Session of every running process, zombies left out."""
    found = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, _, session = place.read_text().rpartition(")")[2].split()[:4]
            if state != "Z":
                found[int(place.parent.name)] = int(session)
    return found


def test_what_is_asked_for_twice_is_run_once(tmp_path: Path) -> None:
    """A repeated seed, controller or file makes no second row, and no error."""
    instance = bundled_path(bundled_names()[0])
    evaluation = Evaluation((instance, instance), ("constant", "constant"), budgets=(3,), seeds=(0, 0))
    assert run(evaluation, tmp_path / "rows.jsonl") == 1
    assert len(read_rows(tmp_path / "rows.jsonl")) == 1


def test_exact_rows_stand_beside_journaled_ones(tmp_path: Path) -> None:
    """A journal given for several samplers keeps those that it can keep, and only those."""
    journal = tmp_path / "j.jsonl"
    asked = replace(QUICK, instances=(SMALL,), controllers=("cfm",), seeds=(0,), samplers=("exact", "product"))
    assert run(replace(asked, journal=journal), tmp_path / "rows.jsonl") == 2
    with Journal(journal, read_only=True) as kept:
        assert kept.samplers() == ("product",)
    with pytest.raises(BudgetError):
        run(replace(asked, budgets=(0,), journal=tmp_path / "left.jsonl"), tmp_path / "rows.jsonl")
    assert not (tmp_path / "left.jsonl").exists()


def test_the_rounding_of_files_can_be_chosen(tmp_path: Path) -> None:
    """Exact distances in this process and in others; a row of its own each; not of instances that have distances."""
    points = "\n".join(f"{node} {x} {y}" for node, (x, y) in enumerate(((0, 0), (3, 4), (6, 8), (0, 2.5)), 1))
    head = "NAME : own\nTYPE : CVRP\nDIMENSION : 4\nEDGE_WEIGHT_TYPE : EUC_2D\nCAPACITY : 10\nNODE_COORD_SECTION\n"
    path, out = tmp_path / "own.vrp", tmp_path / "rows.jsonl"
    path.write_text(f"{head}{points}\nDEMAND_SECTION\n1 0\n2 5\n3 5\n4 7\nDEPOT_SECTION\n1\n-1\nEOF\n", "utf-8")
    rounded = Evaluation((path,), ("cfm",), budgets=(3,))
    assert run(rounded, out) == run(replace(rounded, rounding="none"), out) == 1
    assert run(replace(rounded, rounding="none", budgets=(2, 3)), out, workers=2) == 1
    assert [row["cost"] for row in read_rows(out)] == [26.0, 25.0, 25.0]
    with pytest.raises(InputError, match="rounding: none given; leave it out, or give files"):
        replace(rounded, instances=(read_instance(path),), rounding="none")
    with pytest.raises(InputError, match="rounding: 'whole' given; give auto, nint or none"):
        replace(rounded, rounding="whole")
