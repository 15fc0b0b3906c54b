"""Rows of the figures: resumed after a kill, never doubled, and recognised when they are given."""

from __future__ import annotations

import gzip
import json
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from lagrl.errors import InputError
from lagrl.io.line_format import TornLineWarning
from lagrl.paper.figure_rows import FIGURE_SCHEMA, complete_rows, read_figure_rows
from lagrl.paper.given_rows import read_given

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ["a", "b", "c"]


class Maker:
    """Makes values, notes the names, and is interrupted after some of them."""

    def __init__(self, most: int = 99) -> None:
        self.most = most
        self.made: list[str] = []

    def __call__(self, names: list[str]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Yield one value for each name."""
        for name in names:
            if len(self.made) == self.most:
                raise KeyboardInterrupt
            self.made.append(name)
            yield name, [{"name": name}]


def values(rows: list[dict[str, Any]]) -> list[str]:
    """Names of what was measured."""
    return [value["name"] for row in rows for value in row["values"]]


def test_a_killed_run_is_resumed(tmp_path: Path) -> None:
    """Finished rows stay, a torn line is cut off, only the missing ones are made, and none is doubled."""
    path = tmp_path / "widths.jsonl"
    with pytest.raises(KeyboardInterrupt):
        complete_rows(path, "widths", {"n": 1}, NAMES, Maker(2))
    with path.open("ab") as stream:
        stream.write(path.read_bytes().splitlines()[0][:60])
    again = Maker()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TornLineWarning)
        rows = complete_rows(path, "widths", {"n": 1}, NAMES, again)
    assert again.made == ["c"]
    assert values(rows) == NAMES
    assert values(read_figure_rows(path)) == NAMES
    assert rows[0]["schema"] == FIGURE_SCHEMA
    assert rows[0]["config"] == {"n": 1}
    assert "git_revision" in rows[0]
    assert rows[0]["versions"]["lagrl"]


def test_other_settings_get_rows_of_their_own(tmp_path: Path) -> None:
    """Quick and full rows share a file and are not mixed."""
    path = tmp_path / "widths.jsonl"
    complete_rows(path, "widths", {"n": 1}, ["a"], Maker())
    other = Maker()
    assert values(complete_rows(path, "widths", {"n": 2}, NAMES, other)) == NAMES
    assert other.made == NAMES
    idle = Maker()
    assert values(complete_rows(path, "widths", {"n": 1}, ["a"], idle)) == ["a"]
    assert idle.made == []


def test_given_rows_are_recognised(tmp_path: Path) -> None:
    """Packed or not, each file goes to its part; the same rows twice count once."""
    path = tmp_path / "peers.jsonl"
    peers = [(name, [{"instance": name, "n_customers": 3, "gap_pct": None, "name": name}]) for name in NAMES]
    complete_rows(path, "peers", {"seconds": 2}, NAMES, lambda _: peers)
    packed = tmp_path / "peers.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    given = read_given([packed, path])
    assert values(given.figures["peers"]) == NAMES
    assert given.routes == []
    complete_rows(path, "peers", {"seconds": 20}, NAMES, lambda _: peers)
    with pytest.raises(InputError, match="2 different ones in the rows of peers; give rows of one run"):
        read_given([path])


@pytest.mark.parametrize("part", ["circuits", "knapsacks", "peers", "widths"])
def test_a_missing_value_is_named(tmp_path: Path, part: str) -> None:
    """A row whose values lack what a figure needs is refused by file, row and field."""
    path = tmp_path / "rows.jsonl"
    complete_rows(path, part, {}, ["a"], lambda _: [("a", [{"kind": "row"}])])
    with pytest.raises(InputError, match=f"rows.jsonl: {part}:a:.* lacks "):
        read_given([path])


def test_progress_is_reported(tmp_path: Path) -> None:
    """The plan has the finished rows, and every further row is reported once it is on the disk."""
    path = tmp_path / "widths.jsonl"
    complete_rows(path, "widths", {}, ["a"], Maker())
    seen: list[object] = []
    watch = (lambda total, done: seen.append((total, done)), seen.append)
    complete_rows(path, "widths", {}, NAMES, Maker(), watch)
    assert seen == [(3, 1), "b", "c"]


def test_a_study_gives_the_peer(tmp_path: Path) -> None:
    """The cost of OR-Tools after 20 s is read from the history of a longer run."""
    row = {"part": "curve", "method": "ortools", "instance": "A", "n_customers": 3, "best_known": 100.0}
    row |= {"history": [[1.0, 120.0], [19.0, 110.0], [21.0, 101.0]], "git_revision": "abc"}
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({**row, "method": "lagrl"}) + "\n" + json.dumps(row) + "\n")
    (peer,) = read_given([path]).figures["peers"]
    assert peer["values"] == [{"instance": "A", "n_customers": 3, "best_known": 100.0, "cost": 110.0, "gap_pct": 10.0}]
    path.write_text(json.dumps({**row, "method": "lagrl"}) + "\n")
    with pytest.raises(InputError, match="no row of OR-Tools"):
        read_given([path])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"schema": "other/1"}\n', "rows of another schema"),
        ('{"kind": "head", "widths": [6]}\n', "rows of another schema"),
        ("", "has no row"),
        ("text\n", "not a row"),
        (f'{{"schema": "{FIGURE_SCHEMA}", "part": "widths"}}\n', "key"),
        (
            json.dumps(
                {
                    **{"schema": FIGURE_SCHEMA, "part": "none", "key": "k", "config": {}, "values": []},
                    **{"versions": {}, "git_revision": None},
                }
            )
            + "\n",
            "'none' given",
        ),
    ],
)
def test_rows_of_another_kind_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    """One line names the file and what is wrong."""
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match=problem) as caught:
        read_given([path])
    assert str(path) in str(caught.value)
