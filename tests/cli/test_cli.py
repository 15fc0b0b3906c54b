"""The command line: options, files written and read again, and one line for every mistake of a user."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import sysconfig
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lagrl import __version__
from lagrl.bench.rows import read_rows
from lagrl.cli import entry as cli
from lagrl.problems.bundled import bundled_names, bundled_path
from lagrl.problems.cvrplib import read_instance, read_solution, write_solution
from lagrl.problems.locate import DATA_VARIABLE
from lagrl.problems.solution import Solution, check, faults

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = str(bundled_path("G-n16-k3"))

EXECUTION_KEYS = ["quantum_seconds", "two_qubit_gates", "depth", "jobs", "qpu_seconds", "queue_seconds", "backend"]
EXECUTION_KEYS += ["fallback", "price"]
SEARCH_KEYS = ["lower_bound", "gap_to_bound_pct", "polish_seconds", "partition_seconds", "bound_seconds", "history"]
SOLVE_KEYS = [
    *("instance", "cost", "bks", "gap_pct", "n_routes", "routes", "dual_value", "evaluations", "circuits", "shots"),
    *("elapsed_seconds", "seconds", "interrupted", "controller", "sampler", "fleet", "method", "seed", "feasible"),
]

GOOD = """\
NAME : tiny
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 10
NODE_COORD_SECTION
1 0 0
2 3 4
3 6 8
4 0 2
DEMAND_SECTION
1 0
2 5
3 5
4 7
DEPOT_SECTION
1
-1
EOF
"""

# a change to the sound file, and what the message must name: field, value or what is wrong with it
BAD_FILES = {
    "empty": (GOOD, "", ["empty"]),
    "cut off in the coordinates": (GOOD[GOOD.index("3 6 8") :], "", ["DEMAND_SECTION", "cut off"]),
    "cut off in the demands": (GOOD[GOOD.index("3 5\n") :], "", ["DEPOT_SECTION", "cut off"]),
    "absurd dimension": ("DIMENSION : 4", "DIMENSION : 1000000000", ["DIMENSION", "1000000000"]),
    "dimension without a number": ("DIMENSION : 4", "DIMENSION : many", ["DIMENSION", "'many'"]),
    "no capacity": ("CAPACITY : 10\n", "", ["CAPACITY", "missing"]),
    "no demands": (GOOD[GOOD.index("DEMAND_S") : GOOD.index("DEPOT_S")], "", ["DEMAND_SECTION", "missing"]),
    "no coordinates": (GOOD[GOOD.index("NODE_C") : GOOD.index("DEMAND_S")], "", ["NODE_COORD_SECTION", "missing"]),
    "no depot": ("DEPOT_SECTION\n1\n-1\n", "", ["DEPOT_SECTION", "missing"]),
    "demand above capacity": ("4 7\n", "4 11\n", ["node 4", "11", "CAPACITY 10"]),
    "negative demand": ("4 7\n", "4 -7\n", ["DEMAND_SECTION", "-7"]),
    "negative capacity": ("CAPACITY : 10", "CAPACITY : -10", ["CAPACITY", "-10"]),
    "capacity that is not a number": ("CAPACITY : 10", "CAPACITY : nan", ["CAPACITY", "nan"]),
    "coordinate that is not a number": ("3 6 8", "3 nan 8", ["NODE_COORD_SECTION", "nan"]),
    "infinite coordinate": ("3 6 8", "3 inf 8", ["NODE_COORD_SECTION", "inf"]),
    "node given twice": ("3 6 8", "2 6 8", ["NODE_COORD_SECTION", "node 2", "twice"]),
    "demand given twice": ("3 5\n", "2 5\n", ["DEMAND_SECTION", "node 2", "twice"]),
    "unsupported distances": ("EUC_2D", "EUC_3D", ["EDGE_WEIGHT_TYPE", "EUC_3D"]),
}

# arguments ("@" is an empty folder of the test's own) and what the message must name: option, value and remedy
BAD_ARGUMENTS = {
    "no command": ([], ["solve", "eval"]),
    "unknown command": (["slove", SMALL], ["slove", "solve"]),
    "no file": (["solve"], ["FILE"]),
    "missing file": (["solve", "@/no.vrp"], ["no.vrp", "no such file"]),
    "folder for a file": (["solve", "@"], ["is a folder"]),
    "unknown instance": (["solve", "G-n16-k4"], ["G-n16-k4", "G-n16-k3", "--data"]),
    "data folder missing": (["solve", "X-n101-k25", "--data", "@/no"], ["--data", "@/no"]),
    "unknown option": (["solve", SMALL, "--colour", "red"], ["--colour", "--help"]),
    "misspelt option": (["solve", SMALL, "--evalutions", "5"], ["'--evaluations'", "lagrl solve --help"]),
    "option of another command": (["solve", SMALL, "--budgets", "5"], ["unknown option --budgets", "solve --help"]),
    "option without its value": (["solve", SMALL, "--seed"], ["--seed", "no value"]),
    "seconds in words": (["solve", SMALL, "--seconds", "abc"], ["--seconds: 'abc' is not a number"]),
    "argument too many": (["solve", SMALL, "twice"], ["'twice'", "--help"]),
    "name without its end": (["solve", "G-n51"], ["did you mean 'G-n51-k6'"]),
    "name in small letters": (["solve", "g-n51-k6"], ["did you mean 'G-n51-k6'"]),
    "CVRPLIB name without a folder": (["solve", "X-n101-k25"], ["lagrl fetch X-n101-k25 --to DIR"]),
    "CVRPLIB name not in the folder": (["solve", "X-n101-k25", "--data", "@"], ["lagrl fetch X-n101-k25 --to @"]),
    "solution for an instance": (["solve", SMALL.replace(".vrp", ".sol")], ["is a solution", f"give {SMALL}"]),
    "instance without a command": (["G-n51-k6"], ["lagrl solve G-n51-k6"]),
    "command in capitals": (["Solve", SMALL], ["did you mean 'solve'"]),
    "list without commas": (
        ["eval", SMALL, "--controllers", "cfm", "volume", "--out", "@/r"],
        ["'volume'", "--controllers by commas"],
    ),
    "list without commas before files": (
        ["eval", "--controllers", "cfm", "volume", SMALL, "--out", "@/r"],
        ["'volume' is no instance", "by commas"],
    ),
    "list with blanks": (["eval", SMALL, "--controllers", "cfm volume", "--out", "@/r"], ["by commas: cfm,volume"]),
    "folder without instances": (["eval", "@", "--controllers", "cfm", "--out", "@/r"], ["no .vrp file"]),
    "unknown controller": (["solve", SMALL, "--controller", "cmf"], ["controller", "'cmf'", "'cfm'"]),
    "controller that is not there": (["solve", SMALL, "--controller", "nowhere_at_all:Mine"], ["nowhere_at_all"]),
    "controller that is none": (["solve", SMALL, "--controller", "pathlib:Path"], ["pathlib:Path", "start"]),
    "unknown checkpoint": (["solve", SMALL, "--controller", "checkpoints/none"], ["checkpoints/none"]),
    "unknown sampler": (["solve", SMALL, "--sampler", "exakt"], ["sampler", "'exakt'", "'exact'"]),
    "unknown method": (["solve", SMALL, "--method", "pool"], ["--method", "pool", "search"]),
    "unknown fleet rule": (["solve", SMALL, "--fleet", "some"], ["fleet", "'some'", "exact:K"]),
    "too few vehicles": (["solve", SMALL, "--fleet", "exact:1"], ["G-n16-k3.vrp", "exact:1", "exact:3"]),
    "no vehicles": (["solve", SMALL, "--fleet", "exact:0"], ["fleet", "exact:0", "1 or more"]),
    "more vehicles than customers": (["solve", SMALL, "--fleet", "atleast:16"], ["atleast:16", "15"]),
    "no evaluations": (["solve", SMALL, "--evaluations", "0"], ["evaluations", "0", "1 or more"]),
    "negative evaluations": (["solve", SMALL, "--evaluations", "-5"], ["evaluations", "-5", "1 or more"]),
    "evaluations in words": (["solve", SMALL, "--evaluations", "ten"], ["--evaluations", "'ten'"]),
    "no seconds": (["solve", SMALL, "--seconds", "0"], ["seconds", "0.0", "above 0"]),
    "seconds that are not a number": (["solve", SMALL, "--seconds", "nan"], ["seconds", "nan", "above 0"]),
    "negative seed": (["solve", SMALL, "--seed", "-1"], ["seed", "-1", "0 or more"]),
    "no linearisation": (["solve", SMALL, "--linearisations", "0"], ["linearisations", "0", "1 or more"]),
    "output folder missing": (["solve", SMALL, "--out", "@/no/x.sol"], ["@/no", "does not exist", "create it"]),
    "output is a folder": (["solve", SMALL, "--out", "@"], ["is a folder", "name of a file"]),
    "unknown suite": (["eval", "--suite", "paper31", "--controllers", "cfm", "--out", "@/r"], ["'paper31'", "paper30"]),
    "suite without data": (["eval", "--suite", "paper30", "--controllers", "cfm", "--out", "@/r"], [DATA_VARIABLE]),
    "nothing to evaluate": (["eval", "--controllers", "cfm", "--out", "@/r"], ["FILES", "--suite"]),
    "no controller": (["eval", SMALL, "--controllers", ",", "--out", "@/r"], ["controllers", "at least one"]),
    "one unknown controller": (["eval", SMALL, "--controllers", "cfm,cmf", "--out", "@/r"], ["'cmf'", "'cfm'"]),
    "unknown samplers": (["eval", SMALL, "--controllers", "cfm", "--samplers", "x", "--out", "@/r"], ["'x'", "exact"]),
    "a budget of zero": (
        ["eval", SMALL, "--controllers", "cfm", "--budgets", "10,0", "--out", "@/r"],
        ["evaluations", "0", "1 or more"],
    ),
    "budgets in words": (
        ["eval", SMALL, "--controllers", "cfm", "--budgets", "10;20", "--out", "@/r"],
        ["--budgets", "'10;20'", "commas"],
    ),
    "no workers": (["eval", SMALL, "--controllers", "cfm", "--workers", "0", "--out", "@/r"], ["workers", "0", "1"]),
    "rows into a folder": (["eval", SMALL, "--controllers", "cfm", "--out", "@"], ["is a folder"]),
    "rows into no folder": (["eval", SMALL, "--controllers", "cfm", "--out", "@/no/r"], ["@/no", "r"]),
    "no rows": (["report", "@/no.jsonl"], ["no.jsonl"]),
    "rows that are none": (["report", SMALL], ["G-n16-k3.vrp", "line 1"]),
    "unknown format": (["report", SMALL, "--format", "pdf"], ["--format", "pdf", "csv"]),
    "no customers": (["generate", "--out", "@", "--n-customers", "0"], ["n_customers", "0", "2"]),
    "no instances": (["generate", "--out", "@", "--count", "0"], ["count", "0", "1 or more"]),
    "unknown demand class": (["generate", "--out", "@", "--demand", "7-8"], ["demand", "7-8", "1-10"]),
    "generate into no folder": (["generate", "--out", "@/no"], ["@/no", "does not exist"]),
    "nothing to fetch": (["fetch", "--to", "@"], ["NAMES", "--suite"]),
    "fetch of a path": (["fetch", "../secret", "--to", "@"], ["'../secret'", "X-n101-k25"]),
    "fetch from no address": (["fetch", "A-n32-k5", "--to", "@", "--url", "{name}"], ["{name}", "{ext}"]),
    "fetch into no folder": (["fetch", "A-n32-k5", "--to", "@/no"], ["@/no", "does not exist"]),
    "demo without evaluations": (["demo", "--out", "@/d", "--evaluations", "0"], ["evaluations", "0", "1 or more"]),
    "demo into a file": (["demo", "--out", SMALL], ["G-n16-k3.vrp", "choose another folder"]),
}


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (DATA_VARIABLE, "LAGRL_FETCH_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))  # main adds the current folder


def output_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must succeed and return what it printed."""
    assert cli.main(arguments) == 0
    return capsys.readouterr().out


def solved(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Solve with --json and return the object."""
    record: dict[str, Any] = json.loads(output_of(capsys, "solve", *arguments, "--json"))
    return record


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must fail with exit code 2, and return its one line of stderr."""
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("lagrl: error: ")
    assert "Traceback" not in printed.err
    return printed.err


def contents(folder: Path) -> set[str]:
    """Return everything below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def run_script(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a new process, outside the checkout."""
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def on_a_terminal(*arguments: str) -> tuple[int, str]:
    """Run Python under a pseudo-terminal of 80 columns; return the exit code and everything it printed."""
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    with subprocess.Popen(
        [sys.executable, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        printed = b""
        with contextlib.suppress(OSError):  # how Linux reports that the other end is closed
            while part := os.read(ours, 65536):
                printed += part
    os.close(ours)
    return process.returncode, printed.decode()


def timeless(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without its seconds."""
    kept = {key: value for key, value in record.items() if "seconds" not in key}
    return {**kept, "history": [[evaluations, cost] for evaluations, _, cost in record["history"]]}


def test_installed_script_and_module_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The script, `python -m lagrl` and `main` print one JSON object each, equal apart from seconds."""
    arguments = ["solve", SMALL, "--evaluations", "20", "--json"]
    script = str(Path(sysconfig.get_path("scripts")) / "lagrl")
    records = [json.loads(output_of(capsys, *arguments))]
    for command in ([script, *arguments], [sys.executable, "-m", "lagrl", *arguments]):
        done = run_script(*command, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count("\n") == 1
        records.append(json.loads(done.stdout))
    assert all(record["seconds"] > 0.0 for record in records)
    assert timeless(records[0]) == timeless(records[1]) == timeless(records[2])


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_errors_are_printed_on_a_terminal_without_unicode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """A mistake in the arguments is named on any terminal, however the parser draws it there."""
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    done = run_script(sys.executable, "-m", "lagrl", "solve", SMALL, "--colour", "red", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "--colour" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a matter of Unix")
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["solve", SMALL, "--evalutions", "5"],
            "unknown option --evalutions; did you mean '--evaluations'? lagrl solve --help lists the options",
        ),
        (
            ["solve", SMALL, "--seconds", "abc"],
            "--seconds: 'abc' is not a number; lagrl solve --help lists the options",
        ),
        (
            ["report", "rows", "--format", "pdf"],
            "--format: 'pdf' given; give md or csv; lagrl report --help lists the options",
        ),
    ],
)
def test_a_usage_error_is_one_clean_line_on_a_terminal(arguments: list[str], line: str) -> None:
    """Under a pseudo-terminal the line has no box, colour or option of another command, and the exit code is 2."""
    assert on_a_terminal("-m", "lagrl", *arguments) == (2, f"lagrl: error: {line}\r\n")


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a matter of Unix")
def test_eval_shows_no_bar_before_the_names_are_checked() -> None:
    """An unknown controller is one line on a terminal, without the codes that draw a bar."""
    code, printed = on_a_terminal("-m", "lagrl", "eval", SMALL, "--controllers", "cmf", "--out", os.devnull)
    assert code == 2
    assert printed.startswith("lagrl: error: unknown controller 'cmf'; did you mean 'cfm'?")
    assert printed.count("\n") == 1
    assert "\x1b" not in printed


def test_a_mistake_ends_the_process_with_code_2_and_one_line(tmp_path: Path) -> None:
    """A shell sees the same output as the tests in this process."""
    done = run_script(sys.executable, "-m", "lagrl", "solve", "missing.vrp", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "missing.vrp" in done.stderr
    assert contents(tmp_path) == set()


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


@pytest.mark.parametrize("command", [["bound", SMALL, "--seconds", "1"], ["doctor"]])
def test_json_is_all_that_reaches_standard_output(tmp_path: Path, command: list[str]) -> None:
    """With --json a process prints one object, also in what compiled libraries write."""
    done = run_script(sys.executable, "-m", "lagrl", *command, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), dict)


def test_a_file_that_hides_our_package_is_named(tmp_path: Path) -> None:
    """A user's train.py in the current folder changes nothing; first on the path, it is named in one line."""
    (tmp_path / "train.py").write_text("epochs = 3\n", encoding="utf-8")
    command = [sys.executable, "-m", "lagrl", "train", "bandit", "--seed", "x"]
    assert "--seed: 'x' is not a whole number" in run_script(*command, cwd=tmp_path).stderr
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv[0] = 'lagrl'; import lagrl.cli.entry as e; "
    done = run_script(sys.executable, "-c", f"{code}sys.exit(e.main())", *command[3:], cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{tmp_path / 'train.py'}: hides a package of lagrl" in done.stderr


def test_eval_takes_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its .vrp files are run in the order of their names; other files are left out."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name in ("b", "a"):
        (folder / f"{name}.vrp").write_text(GOOD.replace("tiny", name), encoding="utf-8")
    (folder / "notes.txt").write_text("notes", encoding="utf-8")
    rows = tmp_path / "rows.jsonl"
    output_of(capsys, "eval", str(folder), "--controllers", "constant", "--budgets", "2", "--out", str(rows))
    assert [row["instance"] for row in read_rows(rows)] == ["a", "b"]


def test_eval_resumes_and_report_reads_its_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second run adds nothing; after a loss only what is missing is made; the report names what was compared."""
    rows = tmp_path / "rows.jsonl"
    command = ["eval", "--suite", "bundled", "--controllers", "cfm,perturbed", "--budgets", "1,2", "--out", str(rows)]
    output_of(capsys, *command)
    whole = rows.read_text(encoding="utf-8")
    n_rows = len(bundled_names()) * 4
    assert whole.count("\n") == n_rows
    output_of(capsys, *command, "--sampler", "exact")  # as in solve; the same rows
    assert rows.read_text(encoding="utf-8") == whole
    lines = whole.splitlines(keepends=True)
    rows.write_text("".join(lines[:-3]) + lines[-3][:50], encoding="utf-8")  # killed while writing
    with pytest.warns(UserWarning, match="torn"):
        assert cli.main(command) == 0
    assert "3 rows added" in capsys.readouterr().err
    assert len({row["key"] for row in read_rows(rows)}) == n_rows
    assert all(row["feasible"] for row in read_rows(rows))
    text = output_of(capsys, "report", str(rows))
    assert "`perturbed`" in text
    assert "cfm" in text
    out = tmp_path / "report.csv"
    assert output_of(capsys, "report", str(rows), "--format", "csv", "--out", str(out)) == ""
    assert out.read_text(encoding="utf-8").startswith("section,")
    assert contents(tmp_path) == {"rows.jsonl", "report.csv"}


def test_what_is_generated_can_be_solved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The printed files exist, are reproducible, are replaced with --overwrite only, and can be solved."""
    command = ["generate", "--out", str(tmp_path), "--n-customers", "12", "--count", "2", "--seed", "5"]
    paths = [Path(line) for line in output_of(capsys, *command).splitlines()]
    assert len(paths) == 2
    assert contents(tmp_path) == {path.name for path in paths}
    before = [path.read_bytes() for path in paths]
    assert "--overwrite" in error_of(capsys, *command)
    output_of(capsys, *command, "--overwrite")
    assert [path.read_bytes() for path in paths] == before
    record = solved(capsys, str(paths[1]), "--evaluations", "5")
    assert faults(read_instance(paths[1]), record["routes"], record["cost"]) == []
    assert (record["bks"], record["gap_pct"]) == (None, None)
    by_name = solved(capsys, paths[1].stem, "--data", str(tmp_path), "--evaluations", "5")
    assert by_name["routes"] == record["routes"]


@pytest.fixture
def template(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve the bundled instances from this machine and give the address template."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Keep stderr to what the command says."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(Path(SMALL).parent))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{{name}}.{{ext}}"
        server.shutdown()
        thread.join()


def test_what_is_fetched_can_be_solved(tmp_path: Path, template: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Instance and solution arrive unchanged, with the best known cost; a failed download leaves no file."""
    printed = output_of(capsys, "fetch", "G-n16-k3", "--to", str(tmp_path), "--url", template)
    assert printed == f"{tmp_path / 'G-n16-k3.vrp'}\n"
    assert contents(tmp_path) == {"G-n16-k3.vrp", "G-n16-k3.sol"}
    assert (tmp_path / "G-n16-k3.vrp").read_bytes() == Path(SMALL).read_bytes()
    record = solved(capsys, str(tmp_path / "G-n16-k3.vrp"), "--evaluations", "5")
    assert record["bks"] == read_instance(SMALL).best_known
    assert "G-n99-k9" in error_of(capsys, "fetch", "G-n99-k9", "--to", str(tmp_path), "--url", template)
    assert contents(tmp_path) == {"G-n16-k3.vrp", "G-n16-k3.sol"}


def test_the_doctor_prints_text_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--json prints one object; a problem makes the exit code 1."""
    found = json.loads(output_of(capsys, "doctor", "--json"))
    assert found["ok"] is True
    assert {"name", "status", "message", "remedy"} == set(found["findings"][0])
    assert "Everything needed works." in output_of(capsys, "doctor")
    assert cli.main(["doctor", "--data", str(tmp_path / "none"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_the_demo_draws_into_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Controllers, budget and folder are those of the options."""
    pytest.importorskip("matplotlib", reason="the demonstration draws with matplotlib (extra viz)")
    text = output_of(capsys, "demo", "--out", str(tmp_path / "new"), "--controllers", "hwc", "--evaluations", "1")
    assert contents(tmp_path) == {"new", "new/demo.png"}
    assert "hwc" in text
    assert "cfm" not in text


def test_help_and_version_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Both are written to stdout, with exit code 0."""
    assert output_of(capsys, "--version") == f"lagrl {__version__}\n"
    for arguments in (["--help"], ["solve", "--help"], ["eval", "--help"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(arguments)
        assert not stop.value.code
        assert "usage: lagrl" in capsys.readouterr().out


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_reported_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """The line names the file, the field and the value, says what to do, and no solution is written."""
    old, new, named = BAD_FILES[name]
    assert GOOD.count(old) == 1
    path = tmp_path / "bad.vrp"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    line = error_of(capsys, "solve", str(path), "--evaluations", "1", "--out", str(tmp_path / "bad.sol"))
    missing = [part for part in [str(path), *named, "; "] if part not in line]  # the remedy follows a semicolon
    assert not missing, line
    assert contents(tmp_path) == {"bad.vrp"}


@pytest.mark.parametrize(
    "content",
    [bytes(range(256)) * 8, b"\x1f\x8b\x08\x00" + os.urandom(200), b"\x00" * 64],
    ids=["every byte", "gzip", "zeros"],
)
def test_a_binary_file_is_reported_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    """It is refused as an instance, and none of its bytes reaches the terminal unescaped."""
    path = tmp_path / "bad.vrp"
    path.write_bytes(content)
    line = error_of(capsys, "solve", str(path), "--out", str(tmp_path / "bad.sol"))
    assert str(path) in line
    assert line.rstrip("\n").isprintable()
    assert contents(tmp_path) == {"bad.vrp"}


def test_the_sound_file_is_solved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file from which the bad ones are made can be solved."""
    path = tmp_path / "tiny.vrp"
    path.write_text(GOOD, encoding="utf-8")
    assert solved(capsys, str(path), "--evaluations", "5")["cost"] == 10 + 10 + 4


def in_the_unit_square(folder: Path) -> Path:
    """Save an instance whose distances are rounded to 0, with a solution in another format beside it."""
    path = folder / "tiny.vrp"
    path.write_text(GOOD.replace("2 3 4\n", "2 0.3 0.4\n").replace("3 6 8\n", "3 0.1 0.2\n"), encoding="utf-8")
    path.with_suffix(".sol").write_text("lkh, Cost: 0_243\n1 8 2 6 1 (#3)  Cost: 100\n", encoding="utf-8")
    return path


def test_doubts_are_one_line_each_on_stderr(tmp_path: Path) -> None:
    """A foreign solution and distances rounded to 0 do not keep an instance from being solved; the file stays."""
    path = in_the_unit_square(tmp_path)
    done = run_script(sys.executable, "-m", "lagrl", "solve", str(path), "--evaluations", "2", "--json", cwd=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout)["bks"] is None
    rounded, foreign = done.stderr.splitlines()
    assert rounded.startswith("lagrl: warning: tiny: distances are rounded to whole numbers, and ")
    assert "--rounding none" in rounded
    assert foreign.startswith(f"lagrl: warning: {path.with_suffix('.sol')}: Route: 'lkh, Cost: 0_243' is neither")


def test_a_foreign_solution_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Routes go to another file than that of another solver."""
    path = in_the_unit_square(tmp_path)
    line = error_of(capsys, "solve", str(path), "--evaluations", "1", "--out", str(path.with_suffix(".sol")))
    assert "reference solution" in line


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_doubts_are_shown_once_by_eval(tmp_path: Path, workers: str) -> None:
    """Each instance is questioned once, however many rows and processes there are."""
    path = in_the_unit_square(tmp_path)
    path.with_suffix(".sol").unlink()
    path.write_text(path.read_text().replace("tiny", "X-n106-k14"))
    options = ["--controllers", "cfm", "--budgets", "2,3", "--workers", workers, "--out", "rows.jsonl"]
    done = run_script(sys.executable, "-m", "lagrl", "eval", str(path), *options, cwd=tmp_path)
    assert done.returncode == 0
    doubts = [line for line in done.stderr.splitlines() if "warning" in line]
    assert len(doubts) == 2
    assert "distances are rounded" in doubts[0]
    assert "routes cost less than the best known 26362" in doubts[1]


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_a_bad_argument_is_reported_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """The line names the option, the value and a remedy; no file is left behind."""
    arguments, named = BAD_ARGUMENTS[name]
    line = error_of(capsys, *(argument.replace("@", str(tmp_path)) for argument in arguments))
    missing = [part for part in named if part.replace("@", str(tmp_path)) not in line]
    assert not missing, line
    assert contents(tmp_path) == set()


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
