"""The command `lagrl solve`: its record, its text and the routes that it writes."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from command_runs import SMALL, contents, error_of, output_of, run_script, solved, timeless

from lagrl.cli import entry as cli
from lagrl.problems.bundled import bundled_path
from lagrl.problems.cvrplib import read_instance, read_solution, write_solution
from lagrl.problems.solution import Solution, check, faults

if TYPE_CHECKING:
    from pathlib import Path

EXECUTION_KEYS = [
    "quantum_seconds",
    "two_qubit_gates",
    "depth",
    "jobs",
    "encoding_seconds",
    "qpu_seconds",
    "queue_seconds",
    "backend",
]
EXECUTION_KEYS += ["fallback", "price"]
SEARCH_KEYS = [
    *("lower_bound", "gap_to_bound_pct", "polish_seconds", "partition_seconds", "bound_seconds", "chain_seconds"),
    *("parts", "history"),
]
SOLVE_KEYS = [
    *("instance", "cost", "bks", "gap_pct", "n_routes", "routes", "dual_value", "evaluations", "circuits", "shots"),
    *("elapsed_seconds", "seconds", "interrupted", "controller", "sampler", "fleet", "method", "seed", "feasible"),
]


@pytest.mark.parametrize("method", ["reference", "search"])
@pytest.mark.parametrize("fleet", [None, "exact:4", "atleast:5"])
def test_solve_prints_the_record_of_routes_that_the_checker_accepts(
    capsys: pytest.CaptureFixture[str], method: str, fleet: str | None
) -> None:
    """The record has exactly its keys; customers 1 … n, each once, within loads and fleet, at the given cost."""
    option = [] if fleet is None else ["--fleet", fleet]
    record = solved(capsys, SMALL, "--evaluations", "20", "--method", method, "--seed", "7", *option)
    assert list(record) == [*SOLVE_KEYS, *EXECUTION_KEYS, *SEARCH_KEYS]
    assert record["history"][-1][2] == record["cost"]
    problem = read_instance(SMALL)
    assert sorted(customer for route in record["routes"] for customer in route) == list(range(1, 16))
    if fleet is None:
        assert faults(problem, record["routes"], record["cost"]) == []
        assert record["bks"] == problem.best_known
        assert record["gap_pct"] == pytest.approx(100 * (record["cost"] / record["bks"] - 1), abs=1e-5)
    else:
        assert record["n_routes"] >= int(fleet[-1])
        assert (record["bks"], record["gap_pct"]) == (None, None)
    assert record["n_routes"] == len(record["routes"])
    assert record["evaluations"] == 20
    assert (record["circuits"], record["shots"]) == (0, 0)
    settings = (record["instance"], record["controller"], record["sampler"], record["fleet"], record["seed"])
    assert settings == ("G-n16-k3", "cfm", "exact", fleet or "free", 7)
    assert record["method"] == method
    assert record["feasible"] is True


def test_the_same_seed_gives_the_same_record(capsys: pytest.CaptureFixture[str]) -> None:
    """The record is equal apart from seconds; another seed gives another one."""
    first, second, other = (
        solved(capsys, SMALL, "--evaluations", "30", "--controller", "perturbed", "--seed", seed)
        for seed in ("0", "0", "1")
    )
    assert timeless(first) == timeless(second)
    assert first["dual_value"] != other["dual_value"]


def test_solve_writes_a_solution_that_reads_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file holds the routes of the record and their cost, replaces what was there, and nothing lies beside it."""
    out = tmp_path / "tiny.sol"
    out.write_text("old", encoding="utf-8")
    record = solved(capsys, SMALL, "--evaluations", "20", "--out", str(out))
    problem = read_instance(SMALL)
    assert check(problem, read_solution(out)) == []
    solution = read_solution(out, problem)
    assert [list(route) for route in solution.routes] == record["routes"]
    assert solution.cost == record["cost"]
    assert contents(tmp_path) == {"tiny.sol"}


def test_solve_prints_routes_and_cost_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json there is text with the same numbers, which says what the dual value bounds."""
    record = solved(capsys, "G-n16-k3", "--evaluations", "20")
    text = output_of(capsys, "solve", "G-n16-k3", "--evaluations", "20")
    for route in record["routes"]:
        assert " ".join(map(str, route)) in text
    assert f"cost {record['cost']:g} in {record['n_routes']} routes" in text
    assert "not the CVRP" in text


def test_a_clock_alone_is_a_budget(capsys: pytest.CaptureFixture[str]) -> None:
    """--seconds without --evaluations ends in time with routes."""
    record = solved(capsys, SMALL, "--seconds", "0.2")
    assert record["feasible"] is True
    assert record["evaluations"] > 1
    assert record["seconds"] < 2.0


def test_a_users_controller_is_found_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`module:attribute` is imported from the current folder, and gives the same routes as its class."""
    (tmp_path / "my_own_rule.py").write_text(
        "from lagrl.controllers.constant import ConstantStep\n\n\nclass Mine(ConstantStep):\n    pass\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    mine = solved(capsys, SMALL, "--evaluations", "20", "--controller", "my_own_rule:Mine")
    constant = solved(capsys, SMALL, "--evaluations", "20", "--controller", "constant")
    assert mine["controller"] == "my_own_rule:Mine"
    assert (mine["routes"], mine["dual_value"]) == (constant["routes"], constant["dual_value"])


def test_what_a_controller_raises_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line has its name, the place and the exception; a constructor, start and update can all fail."""
    lines = {
        "Made": "def __init__(self): raise RuntimeError('made')",
        "Started": "def start(self, dual, **_): return 1 / 0\n    def update(self, point, feedback=None): ...",
        "Updated": "def start(self, dual, **_): return [0.0] * dual.n_multipliers\n    def update(self, p, f): p['x']",
    }
    text = "\n".join(f"class {name}:\n    {body}" for name, body in lines.items())
    (tmp_path / "rules_that_raise.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, message in (("Made", "RuntimeError: made"), ("Started", "ZeroDivisionError"), ("Updated", "TypeError")):
        error = error_of(capsys, "solve", "G-n31-k5", "--controller", f"rules_that_raise:{name}")
        assert message in error
        assert name in error


def test_own_results_count_and_may_be_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A published reference beside the instance is not replaced; a solution of lagrl is one, and may be replaced."""
    for suffix in (".vrp", ".sol"):
        (tmp_path / f"own{suffix}").write_bytes(bundled_path("G-n31-k5").with_suffix(suffix).read_bytes())
    file, beside = str(tmp_path / "own.vrp"), tmp_path / "own.sol"
    assert "reference solution" in error_of(capsys, "solve", file, "--evaluations", "5", "--out", str(beside))
    assert "Solver" not in beside.read_text()
    beside.unlink()
    first = json.loads(output_of(capsys, "solve", file, "--evaluations", "5", "--out", str(beside), "--json"))
    assert json.loads(output_of(capsys, "solve", file, "--evaluations", "5", "--json"))["bks"] == first["cost"]
    output_of(capsys, "solve", file, "--evaluations", "6", "--out", str(beside), "--json")


def test_improving_own_routes_is_no_doubt(tmp_path: Path) -> None:
    """The solver of the reference is printed, and a lower cost is not questioned; one below a published cost is."""
    (tmp_path / "own.vrp").write_bytes(bundled_path("G-n31-k5").read_bytes())
    problem = read_instance(tmp_path / "own.vrp")
    worse = Solution.of(problem, [[customer] for customer in range(1, 31)])
    for solver, is_doubted in (("lagrl 0.2.0", False), (None, True)):
        write_solution(worse, tmp_path / "own.sol", solver=solver)
        command = [sys.executable, "-m", "lagrl", "solve", "own.vrp", "--evaluations", "5"]
        done = run_script(*command, cwd=tmp_path)
        assert ("routes cost less than the best known" in done.stderr) == is_doubted
        assert ("(by lagrl 0.2.0), gap -" in done.stdout) != is_doubted


def test_a_result_never_replaces_what_it_is_made_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the instance nor a file of rows can be the output file."""
    (tmp_path / "own.vrp").write_bytes(bundled_path("G-n31-k5").read_bytes())
    before = (tmp_path / "own.vrp").read_bytes()
    file = str(tmp_path / "own.vrp")
    assert "made from" in error_of(capsys, "solve", file, "--evaluations", "5", "--out", file)
    assert (tmp_path / "own.vrp").read_bytes() == before
    rows = tmp_path / "rows.jsonl"
    cli.main(["eval", file, "--controllers", "constant", "--budgets", "3", "--out", str(rows)])
    capsys.readouterr()
    before = rows.read_bytes()
    assert "made from" in error_of(capsys, "report", str(rows), "--out", str(rows))
    assert rows.read_bytes() == before
