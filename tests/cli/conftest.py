"""The same surroundings for the tests of all commands."""

from __future__ import annotations

import sys

import pytest

from lagrl.problems.locate import DATA_VARIABLE


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (DATA_VARIABLE, "LAGRL_FETCH_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))  # main adds the current folder
