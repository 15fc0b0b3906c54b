"""HiGHS as it is made for this library."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

from lagrl import highs

if TYPE_CHECKING:
    import pytest


class Talkative:
    """A HiGHS that writes a banner from C when the first one is made, as 1.16.0 does."""

    made = 0

    def __init__(self) -> None:
        if Talkative.made == 0:
            os.write(1, b"Running HiGHS\n")
        Talkative.made += 1

    def setOptionValue(self, name: str, value: object) -> None:
        """Take an option."""


def test_no_banner_reaches_standard_output(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """What HiGHS writes while the first solver is made is discarded; what is written afterwards is not."""
    monkeypatch.setitem(sys.modules, "highspy", SimpleNamespace(Highs=Talkative))
    highs._discard_banner.cache_clear()
    highs.new_solver()
    highs.new_solver()
    os.write(1, b"after\n")
    assert Talkative.made >= 2
    assert capfd.readouterr().out == "after\n"
