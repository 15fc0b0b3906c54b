"""The lower bound of a search: due within its share of the clock, once its kernels are compiled."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from routed_problems import plane

from lagrl.search import bounding
from lagrl.search.bounding import Bounding
from lagrl.search.budget import Budget

if TYPE_CHECKING:
    import pytest


def test_the_bound_waits_for_its_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a process in the background compiles them, no slice is due, and none is lost afterwards."""
    budget = Budget(evaluations=None, seconds=100.0, started=time.perf_counter() - 50.0)
    bound = Bounding(plane(8, 20), budget)
    assert bound.is_due
    monkeypatch.setattr(bounding, "is_ready", lambda room: room != "bounds")
    assert not bound.is_due
    monkeypatch.undo()
    assert bound.is_due
