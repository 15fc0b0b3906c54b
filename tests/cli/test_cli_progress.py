"""Bars of work without a known end."""

from __future__ import annotations

import subprocess
import sys

import pytest
from command_runs import on_a_terminal

WORK = """
import time
from lagrl.cli import progress
progress._PATIENCE = {patience}
with progress.waiting_bar("rows [of] it") as show:
    {work}
print("over")
"""


def test_a_waiting_bar_is_shown_after_a_while_on_a_terminal() -> None:
    """The text is on the terminal as it was changed, its brackets kept, and the bar is gone at the end."""
    work = WORK.format(patience=0.05, work='time.sleep(0.5); show("2 rows [of] it"); time.sleep(0.5)')
    code, printed = on_a_terminal("-c", work)
    assert code == 0
    assert "rows [of] it" in printed
    assert "2 rows [of] it" in printed
    assert printed.rindex("\x1b[?25h") > printed.rindex("\x1b[?25l")  # the cursor is shown again
    assert printed.endswith("over\r\n")


def test_short_work_shows_no_bar() -> None:
    """Work that ends before the bar is due prints nothing."""
    assert on_a_terminal("-c", WORK.format(patience=60.0, work='show("soon")')) == (0, "over\r\n")


@pytest.mark.parametrize("work", ["time.sleep(0.3)", "raise SystemExit(3)"])
def test_no_terminal_gets_no_bar(work: str) -> None:
    """Elsewhere stderr stays empty, whether or not the work ends well."""
    command = (sys.executable, "-c", WORK.format(patience=0.05, work=work))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout == ("over\n" if "sleep" in work else "")
