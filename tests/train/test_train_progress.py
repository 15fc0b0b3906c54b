"""The progress of a run."""

from __future__ import annotations

import io

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
