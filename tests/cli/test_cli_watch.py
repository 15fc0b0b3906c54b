"""The live view of `lagrl solve --watch`."""

from __future__ import annotations

import io
import itertools
import json
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from command_runs import SMALL, contents, error_of, on_a_terminal, output_of, timeless
from PIL import Image
from rich.console import Console

from lagrl.cli import entry as cli
from lagrl.cli.live_frame import Frame, LiveFrame, obstacle
from lagrl.cli.solve_view import SolveView
from lagrl.problems.cvrp import CVRP
from lagrl.problems.cvrplib import read_instance
from lagrl.search.search_report import SolveProgress
from lagrl.solver import solve

if TYPE_CHECKING:
    from pathlib import Path

    from rich.segment import Segment

NOW = SolveProgress(120, 2.0, 0.25, 5200.5, 2.0, 5000.0, (np.arange(1, 8), np.arange(8, 16)), 4890.25)


def shown(frame: Frame, width: int) -> list[str]:
    """Return the lines that a recording console of a width has shown."""
    console = Console(file=io.StringIO(), record=True, width=width, force_terminal=True, legacy_windows=False)
    console.print(frame, end="")
    return console.export_text().splitlines()


def words(line: list[Segment]) -> str:
    """Return a line without its colours."""
    return "".join(segment.text for segment in line)


def test_a_wide_frame_has_the_map_beside_the_figures() -> None:
    """At 80 × 23 every figure is there, all lines fit, and the map fills the left part."""
    view = SolveView(read_instance(SMALL))
    view.remember(replace(NOW, cost=6000.0, seconds=1.0, evaluations=20))
    lines = shown(view.frame(NOW, 80, 23), 80)
    assert len(lines) == 23
    assert max(map(len, lines)) <= 80
    right = [re.sub(" +", " ", line[49:]) for line in lines]
    assert right[:13] == [
        *("G-n16-k3, 15 customers", "━" * 24 + " 25 %", "best cost 5200.50", "routes 2", "best known 5098"),
        *("gap to best known 2.00 %", "lower bound 5000", "gap to bound 4.01 %", "dual value (surrogate) 4890.25"),
        *("evaluations 120", "evaluations/s 100", "seconds 2.0", "seconds left 6.0"),
    ]
    assert right[13:15] == ["best cost since the start", "█▁"]
    drawn = [line[:47] for line in lines]
    assert sum(line.count("■") for line in drawn) == 1
    assert sum("⠀" < character <= "⣿" for line in drawn for character in line) > 60


@pytest.mark.parametrize("columns", [40, 20])
def test_a_narrow_frame_has_the_map_below_the_figures(columns: int) -> None:
    """Below 64 columns the figures come first, the map has the rest, and no line is too long."""
    lines = shown(SolveView(read_instance(SMALL)).frame(NOW, columns, 23), columns)
    assert len(lines) == 23
    assert max(map(len, lines)) <= columns
    assert lines[0].startswith("G-n16-k3")
    assert sum(line.count("■") for line in lines[13:]) == 1


def test_a_low_frame_has_figures_alone() -> None:
    """Rows that are left for fewer than four lines of a map stay free."""
    lines = shown(SolveView(read_instance(SMALL)).frame(NOW, 40, 10), 40)
    assert len(lines) == 10
    assert "■" not in "".join(lines)


def test_unknown_figures_are_left_out() -> None:
    """Before there are routes or bounds, the frame has neither; the map shows the depot."""
    frame = SolveView(read_instance(SMALL)).frame(SolveProgress(0, 0.0, 0.0, None, None, None), 80, 23)
    text = "\n".join(map(words, frame.lines))
    assert not re.search("best cost|routes|gap|bound|left", text)
    assert text.count("■") == 1


def test_an_instance_without_coordinates_has_no_map() -> None:
    """The frame says so in place of the map."""
    minutes = np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0]])
    problem = CVRP.from_distances("bare", minutes, demand=[1, 1], capacity=2)
    frame = SolveView(problem).frame(SolveProgress(1, 1.0, 0.5, 6.0, None, None, (np.array([1, 2]),)), 80, 23)
    assert "no map: the instance has distances only" in words(frame.lines[0])


def test_frames_are_limited_in_number_and_cost() -> None:
    """In three seconds by the clock there are at most 8 frames a second, and fewer if they are slow; the last stays."""
    for work, most in ((0.0, 25), (0.01, 8)):
        clock = itertools.count(0.0, 0.01)
        console = Console(file=io.StringIO(), force_terminal=True, width=40, height=5)

        def make(columns: int, rows: int, work: float = work) -> Frame:
            until = time.thread_time() + work
            while time.thread_time() < until:
                pass
            return Frame([])

        with LiveFrame(console, clock=lambda clock=clock: next(clock)) as live:
            n_shown = sum(live.show(make) for _ in range(300))
            assert 2 <= n_shown <= most
        assert live.n_frames == n_shown + 1


def test_watching_changes_no_routes() -> None:
    """By evaluations the record is the same with a live view as without, and frames are drawn."""
    problem = read_instance(SMALL)
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=24)
    view = SolveView(problem)
    with LiveFrame(console) as live:
        watched = solve(
            problem,
            evaluations=60,
            on_evaluation=lambda now: live.show(lambda *size: view.frame(now, *size), at_once=True) and None,
        )
    plain = solve(problem, evaluations=60)
    assert live.n_frames > 40
    assert (watched.routes, watched.cost, watched.dual_value) == (plain.routes, plain.cost, plain.dual_value)


def test_watch_on_a_terminal_shows_frames_and_leaves_it_clean() -> None:
    """The map and the figures are on the terminal, the cursor is shown again, and the result follows."""
    code, printed = on_a_terminal("-m", "lagrl", "solve", SMALL, "--evaluations", "60", "--watch")
    assert code == 0
    assert "■" in printed
    assert "evaluations/s" in printed
    assert printed.rindex("\x1b[?25h") > printed.rindex("\x1b[?25l")
    assert "cost 5098 in 3 routes" in printed[printed.rindex("\x1b[?25h") :]


def test_without_a_terminal_one_line_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """The solve goes on plainly, with the same result; stdout holds the JSON object alone."""
    options = ("solve", SMALL, "--evaluations", "20", "--json")
    plain = json.loads(output_of(capsys, *options))
    assert cli.main([*options, "--watch"]) == 0
    printed = capsys.readouterr()
    assert printed.err == "lagrl: no live view, as stderr is no terminal; the solve goes on without it\n"
    assert json.loads(printed.out)["routes"] == plain["routes"]


def test_obstacles_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal without cursor movement, or without braille characters, is refused with its reason."""
    monkeypatch.setenv("TERM", "dumb")
    assert obstacle(Console(file=io.StringIO(), force_terminal=True)) == (
        "the terminal cannot move its cursor (TERM=dumb)"
    )
    monkeypatch.setenv("TERM", "xterm")
    latin = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    reason = obstacle(Console(file=latin, force_terminal=True))
    assert reason == "the terminal's encoding is latin-1, which has no braille characters"
    assert obstacle(Console(file=io.StringIO(), force_terminal=True)) is None


def test_solve_draws_the_first_dual_ascent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The animation has a frame for each evaluation of the first linearisation; the record is the same."""
    options = ("solve", SMALL, "--evaluations", "8", "--method", "reference", "--linearisations", "2", "--json")
    plain = json.loads(output_of(capsys, *options))
    drawn = json.loads(output_of(capsys, *options, "--gif", str(tmp_path / "dual.gif")))
    assert timeless(drawn) == timeless(plain)
    with Image.open(tmp_path / "dual.gif") as picture:
        assert picture.n_frames == 4


def test_animations_that_cannot_be_made_are_refused_before_the_solve(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong suffix and several workers are one line each, and no file is written."""
    line = error_of(capsys, "solve", SMALL, "--gif", str(tmp_path / "dual.png"))
    assert "--gif" in line
    assert "give a name that ends in .gif" in line
    line = error_of(capsys, "solve", SMALL, "--workers", "2", "--gif", str(tmp_path / "dual.gif"))
    assert "--workers 1" in line
    assert contents(tmp_path) == set()
