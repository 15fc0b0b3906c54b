"""Broken instance files: each is one line that names the file, the field and the value."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from command_runs import GOOD, contents, error_of, solved

if TYPE_CHECKING:
    from pathlib import Path

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
