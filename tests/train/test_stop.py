"""Requests to end a run."""

from __future__ import annotations

import os
import signal

import pytest

from lagrl.errors import InputError
from train.stop import Interrupted, Stop


def test_first_signal_asks_and_second_ends() -> None:
    """The first Ctrl-C is a request, the second an interruption; afterwards the old handlers are restored."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Stop() as stop:
        assert not stop.requested
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested
        assert stop.reason == "Ctrl-C"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_polite_kill_asks_too() -> None:
    """SIGTERM, which batch systems send first, is a request as well."""
    with Stop() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested


def test_minutes_count_from_the_beginning() -> None:
    """The limit is reached when the given minutes have passed, not before."""
    now = 100.0
    stop = Stop(minutes=2.0, clock=lambda: now)
    now = 1000.0
    with stop:
        now = 1119.9
        assert not stop.requested
        now = 1120.0
        assert stop.requested
        assert "2 minutes" in (stop.reason or "")


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("nan")])
def test_minutes_must_be_above_zero(minutes: float) -> None:
    """A limit of 0 minutes or less is an error."""
    with pytest.raises(InputError, match="--minutes"):
        Stop(minutes=minutes)


def test_a_time_limit_lets_the_step_end() -> None:
    """Only a signal ends a step that is not complete."""
    now = 0.0
    with Stop(minutes=1.0, clock=lambda: now) as stop:
        now = 61.0
        assert stop.requested
        stop.check()
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            stop.check()


def test_files_are_written_to_their_end() -> None:
    """Within a shield the second signal waits, and raises KeyboardInterrupt after it; the first one is a request."""
    with Stop() as stop:
        with stop.shield():
            os.kill(os.getpid(), signal.SIGINT)
        written = False

        def write() -> None:
            nonlocal written
            with stop.shield():
                os.kill(os.getpid(), signal.SIGINT)
                written = True

        with pytest.raises(KeyboardInterrupt):
            write()
        assert written
