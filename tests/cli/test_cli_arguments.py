"""Arguments of all commands: every mistake is one line that names the option, the value and a remedy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from command_runs import SMALL, contents, error_of, on_a_terminal, run_script

from lagrl.problems.locate import DATA_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_a_bad_argument_is_reported_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """The line names the option, the value and a remedy; no file is left behind."""
    arguments, named = BAD_ARGUMENTS[name]
    line = error_of(capsys, *(argument.replace("@", str(tmp_path)) for argument in arguments))
    missing = [part for part in named if part.replace("@", str(tmp_path)) not in line]
    assert not missing, line
    assert contents(tmp_path) == set()


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
            "--format: 'pdf' given; give auto or md or csv or html; lagrl report --help lists the options",
        ),
    ],
)
def test_a_usage_error_is_one_clean_line_on_a_terminal(arguments: list[str], line: str) -> None:
    """Under a pseudo-terminal the line has no box, colour or option of another command, and the exit code is 2."""
    assert on_a_terminal("-m", "lagrl", *arguments) == (2, f"lagrl: error: {line}\r\n")


def test_a_mistake_ends_the_process_with_code_2_and_one_line(tmp_path: Path) -> None:
    """A shell sees the same output as the tests in this process."""
    done = run_script(sys.executable, "-m", "lagrl", "solve", "missing.vrp", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "missing.vrp" in done.stderr
    assert contents(tmp_path) == set()
