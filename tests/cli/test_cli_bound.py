"""The command `lagrl bound`: its record, its text and its errors."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import pytest

from lagrl.cli import entry as cli
from lagrl.cli.bound import _rounded_down
from lagrl.problems.bundled import bundled_path

if TYPE_CHECKING:
    from pathlib import Path

SMALL = str(bundled_path("G-n16-k3"))
KEYS = ["instance", "lower_bound", "rounded", "bks", "gap_pct", "seconds", "fleet", "evaluations", "columns", "cuts"]
KEYS += ["converged", "trivial", "obstacle"]


def record(capsys: pytest.CaptureFixture[str], *options: str, file: str = SMALL) -> dict:
    """Run the command and return its JSON object."""
    assert cli.main(["bound", file, "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_record_has_its_keys_and_a_bound_below_the_best_known(capsys: pytest.CaptureFixture[str]) -> None:
    """A bundled instance whose reference is a solution has a gap below 3 %."""
    row = record(capsys)
    assert list(row) == KEYS
    assert row["converged"]
    assert 0 < row["lower_bound"] <= row["rounded"] <= row["bks"]
    assert row["gap_pct"] == pytest.approx(100 * (row["bks"] - row["lower_bound"]) / row["bks"])
    assert row["gap_pct"] < 3


def test_the_same_arguments_give_the_same_bound(capsys: pytest.CaptureFixture[str]) -> None:
    """Two records are equal except for the seconds."""
    first, second = record(capsys), record(capsys)
    assert {**first, "seconds": 0} == {**second, "seconds": 0}


def test_options_reach_the_bound(capsys: pytest.CaptureFixture[str]) -> None:
    """Cuts, neighbours, a controller, the fleet rule and the rounding all make a difference."""
    ask = partial(record, capsys, file=str(bundled_path("G-n31-k5")))
    usual, plain = ask(), ask("--no-cuts")
    assert plain["cuts"] == 0 < usual["cuts"]
    assert plain["lower_bound"] < usual["lower_bound"]
    assert ask("--no-cuts", "--ng", "1")["lower_bound"] < plain["lower_bound"]
    climbed = ask("--controller", "volume", "--evaluations", "40")
    assert climbed["evaluations"] == 40
    assert climbed["lower_bound"] <= plain["lower_bound"] * (1 + 1e-3)
    more = ask("--fleet", "exact:8")
    assert more["fleet"] == "exact:8"
    assert more["lower_bound"] > usual["lower_bound"]


def test_a_best_known_cost_of_other_distances_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the best known cost nor a gap is printed."""
    row = record(capsys, "--rounding", "none")
    assert (row["bks"], row["gap_pct"]) == (None, None)
    row = record(capsys, "--fleet", "exact:6")
    assert (row["bks"], row["gap_pct"]) == (None, None)


@pytest.mark.parametrize(
    ("fleet", "said"),
    [
        ("free", "any number of routes"),
        ("exact:4", "exactly 4 routes"),
        ("atleast:5", "at least 5 routes"),
        ("atmost:5", "at most 5 routes"),
    ],
)
def test_the_text_says_under_which_rule_it_holds(capsys: pytest.CaptureFixture[str], fleet: str, said: str) -> None:
    """The text names the fleet rule under which the bound holds."""
    assert cli.main(["bound", SMALL, "--fleet", fleet]) == 0
    out = capsys.readouterr().out
    assert f"Every solution with {said} costs at least that (fleet {fleet})." in out
    assert "G-n16-k3: lower bound" in out
    assert "converged" in out


def test_no_time_is_said_to_give_the_trivial_bound(capsys: pytest.CaptureFixture[str]) -> None:
    """The text and the record say that the bound is trivial."""
    assert cli.main(["bound", SMALL, "--seconds", "1e-9"]) == 0
    assert "no time to improve on the trivial bound" in capsys.readouterr().out
    row = record(capsys, "--seconds", "1e-9")
    assert row["trivial"]
    assert row["lower_bound"] > 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--seconds", "0"], "seconds: 0 given; give more than 0"),
        (["--seconds", "nan"], "seconds: nan given"),
        (["--evaluations", "0"], "evaluations: 0 given"),
        (["--ng", "0"], "ng: 0 neighbours given"),
        (["--ng", "99"], "1 … 12"),
        (["--fleet", "exact:2"], "exact:2 is too few vehicles"),
        (["--fleet", "several"], "'several' is not a fleet rule"),
        (["--controller", "cmf"], "did you mean 'cfm'?"),
    ],
)
def test_mistakes_are_reported_in_one_line(capsys: pytest.CaptureFixture[str], options: list[str], said: str) -> None:
    """The exit code is 2, and nothing is written to stdout."""
    assert cli.main(["bound", SMALL, *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert said in printed.err


def test_a_missing_file_is_reported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The error has the name of the missing file."""
    assert cli.main(["bound", str(tmp_path / "no.vrp")]) == 2
    assert "no.vrp" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (784.0, "784.00"),
        (784.9999, "784.99"),
        (0.0056, "0.00560"),
        (1234567.891, "1234567.89"),
        (0.0, "0.00"),
        (2.7997e-300, "2.79e-300"),
        (5e-310, "5.00e-310"),
    ],
)
def test_a_bound_is_never_written_as_more_than_it_is(value: float, text: str) -> None:
    """Digits are cut off, not rounded up; small ones keep three."""
    assert _rounded_down(value) == text
    assert float(text) <= value


def test_options_without_effect_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """--no-cuts has no effect with a controller, which uses no cuts."""
    assert cli.main(["bound", SMALL, "--controller", "volume", "--no-cuts"]) == 2
    assert "--no-cuts: given with --controller" in capsys.readouterr().err
