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
    with Progress("bc", 10, stream=stream, clock=lambda: now) as progress:
        now = 30.0
        progress.advance(loss=0.123456)
        progress.note("begun")
    assert stream.getvalue() == "bc: epoch 1/10, loss 0.1235, 4 min left\nbc: begun\n"


def test_a_long_step_is_reported_every_few_seconds() -> None:
    """Without a terminal the first report is shown at once, the next after five seconds without any line."""
    now, stream = 0.0, io.StringIO()
    with Progress("bc", 10, stream=stream, clock=lambda: now) as progress:
        for second in range(13):
            now = float(second)
            progress.report(f"second {second}")
    assert stream.getvalue() == "bc: second 0\nbc: second 5\nbc: second 10\n"


def test_time_left_counts_this_process_only() -> None:
    """After six earlier steps of ten, three took 30 s, so the last one takes 10 s."""
    now, stream = 0.0, io.StringIO()
    with Progress("bc", 10, done=6, stream=stream, clock=lambda: now) as progress:
        assert progress.seconds_left is None
        now = 30.0
        progress.advance(3)
        assert progress.seconds_left == pytest.approx(10.0)


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
        progress.report("3/96 episodes")
    assert "3/96 episodes" in stream.getvalue()


@pytest.mark.parametrize(("seconds", "text"), [(5, "5 s"), (600, "10 min"), (7200, "2.0 h")])
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    """Durations are in seconds, minutes or hours by their size."""
    assert readable(seconds) == text
