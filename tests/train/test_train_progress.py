"""What a run says of itself."""

from __future__ import annotations

import io

import pytest

from train.progress import Progress, readable


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_plain_lines_tell_steps_figures_and_time_left() -> None:
    """Elsewhere than on a terminal: one line per step, with the time left at the pace so far."""
    now, stream = 0.0, io.StringIO()
    with Progress("bc", 10, stream=stream, clock=lambda: now) as progress:
        now = 30.0
        progress.advance(loss=0.123456)
        progress.note("begun")
    assert stream.getvalue() == "bc: epoch 1/10, loss 0.1235, 4 min left\nbc: begun\n"


def test_time_left_counts_this_process_only() -> None:
    """Six of ten steps were done before; three more took 30 s, so one more takes 10 s."""
    now, stream = 0.0, io.StringIO()
    with Progress("bc", 10, done=6, stream=stream, clock=lambda: now) as progress:
        assert progress.seconds_left is None
        now = 30.0
        progress.advance(3)
        assert progress.seconds_left == pytest.approx(10.0)


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the same figures stand beside a bar."""
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


@pytest.mark.parametrize(("seconds", "text"), [(5, "5 s"), (600, "10 min"), (7200, "2.0 h")])
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    """Seconds, minutes or hours, whichever is fitting."""
    assert readable(seconds) == text
