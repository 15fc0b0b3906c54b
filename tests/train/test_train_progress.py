"""The progress of a run."""

from __future__ import annotations

import io
import re

import pytest

from train.progress import Progress, readable


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_plain_lines_tell_steps_figures_and_time_left() -> None:
    """Without a terminal there is one line per step, with the remaining time at the pace so far."""
    now, stream = 0.0, io.StringIO()
    with Progress("bc", 10, plan={"epoch": 100}, stream=stream, clock=lambda: now) as progress:
        now = 30.0
        progress.report("epoch", 10, "epoch 1, 10/10 states")
        progress.advance(loss=0.123456)
        progress.note("begun")
    assert stream.getvalue().splitlines() == [
        "bc: epoch 1, 10/10 states, about 4 min left",
        "bc: about 4 min to the end of the run, estimated from its first steps",
        "bc: epoch 1/10, loss 0.1235, about 4 min left",
        "bc: begun",
    ]


def test_the_first_estimate_is_shown_after_a_few_seconds() -> None:
    """It needs every kind of work measured or guessed and three more seconds, and is shown once."""
    now, stream = 0.0, io.StringIO()
    plan, guesses = {"rollout": 64, "update": 2}, {"update": 10.0}
    with Progress("ppo", 2, unit="rollout", plan=plan, guesses=guesses, stream=stream, clock=lambda: now) as progress:
        for second in range(1, 9):
            now = float(second)
            progress.report("rollout", 1, f"step {second}")
    assert stream.getvalue().count("estimated") == 1
    assert "ppo: about 80 s to the end" in stream.getvalue()  # 60 steps at a second, two updates at 10


def test_a_long_step_is_reported_every_few_seconds() -> None:
    """Without a terminal the first report is shown at once, the next after five seconds without any line."""
    now, stream = 0.0, io.StringIO()
    with Progress("bc", 10, stream=stream, clock=lambda: now) as progress:
        for second in range(13):
            now = float(second)
            progress.report("epoch", 1, f"second {second}")
    assert stream.getvalue() == "bc: second 0\nbc: second 5\nbc: second 10\n"


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the same figures are beside a bar."""
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with Progress("bc", 2, stream=stream) as progress:
        progress.advance(loss=0.5)
        progress.advance(loss=0.25)
        progress.note("done [with] brackets")
    text = stream.getvalue()
    assert "2/2" in text
    assert "loss 0.25" in text
    assert "done [with] brackets" in text
    with Progress("bc", 2, stream=stream) as progress:
        progress.report("collection", 1, "3/96 episodes")
    assert "3/96 episodes" in stream.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(5, "5 s"), (600, "10 min"), (7200, "2.0 h")])
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    """Durations are in seconds, minutes or hours by their size."""
    assert readable(seconds) == text


def test_a_live_view_has_curves_and_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `watch`, a terminal gets step, speed, time left, and each figure with its curve and its reference."""
    monkeypatch.setenv("TERM", "xterm")
    now, stream = 0.0, Terminal()
    with Progress("bc", 4, plan={"epoch": 40}, watch=True, stream=stream, clock=lambda: now) as progress:
        progress.compare("validation", "expert hwc", 0.98)
        for step, loss in enumerate((0.5, 0.25, 0.125)):
            now = 10.0 * step + 5.0
            progress.report("epoch", 5, "first half")
            now = 10.0 * step + 10.0
            progress.report("epoch", 5, f"epoch {step + 1}, 10/10 states")
            progress.advance(loss=loss, validation=1.0 + loss)
        progress.note("done [with] brackets")
        assert progress._view is not None
        wide, narrow = progress._view.frame(80, 24), progress._view.frame(30, 6)
    lines = ["".join(segment.text for segment in line) for line in wide.lines]
    assert [re.sub(" +", " ", line) for line in lines] == [
        *("bc: epoch 3/4", "━" * 38 + " 75 %", "now epoch 3, 10/10 states", "seconds 30"),
        *("to the end about 10 s left", "states/s (epoch) 1", "loss 0.125 █▃▁", "validation 1.125 █▃▁"),
        " of expert hwc 0.98",
    ]
    assert len(narrow.lines) == 6
    assert all(sum(len(segment.text) for segment in line) < 30 for line in narrow.lines)
    text = stream.getvalue()
    assert "done [with] brackets" in text
    assert "validation" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is shown again


def test_the_curves_of_a_live_view_continue_those_of_a_resumed_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Earlier figures come first, without missing ones and without figures that are not shown."""
    monkeypatch.setenv("TERM", "xterm")
    earlier = [{"step": 1, "loss": 0.5, "gain": 1.0}, {"step": 2, "loss": None}, {"step": 3, "loss": 0.25}]
    with Progress("bc", 5, done=3, earlier=earlier, watch=True, stream=Terminal()) as progress:
        progress.advance(loss=0.125)
        progress.advance(loss=0.0625)
        assert progress._view is not None
        assert progress._view.figures == {"loss": [0.5, 0.25, 0.125, 0.0625]}


def test_without_a_terminal_a_live_view_is_replaced_by_lines() -> None:
    """One line says why there is no live view; the lines of a run without `watch` follow."""
    stream = io.StringIO()
    with Progress("ppo", 2, unit="rollout", watch=True, stream=stream) as progress:
        progress.compare("validation", "initial policy", 1.0)
        progress.advance(reward=0.5)
    assert stream.getvalue().splitlines() == [
        "ppo: no live view, as stderr is no terminal; the training goes on without it",
        "ppo: rollout 1/2, reward 0.5",
    ]
