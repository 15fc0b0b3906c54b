"""The counts of `benchmarks/logical_width/run.py`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_knapsacks import knapsacks

from lagrl.paper.widths import count, widths_left
from lagrl.problems.bundled import bundled_names, read_bundled
from lagrl.quantum.subproblems.candidates import MAX_WIDTH, select_candidates

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """Import the study."""
    from benchmarks.logical_width import run

    return run


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(1, MAX_WIDTH), room=st.floats(0.0, 1.3))
def test_presolve_is_counted_as_the_kernel_does_it(seed: int, n: int, room: float) -> None:
    """Where the kernel's limit does not bind, the count is its width."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(seed), 4, n, room)
    weight[0] = 0
    counted = widths_left(reduced_cost, weight, capacity)
    assert np.array_equal(counted, select_candidates(reduced_cost, weight, capacity, MAX_WIDTH).width)


def test_an_instance_is_counted() -> None:
    """The closed forms are what they say, and presolve only takes away."""
    instance = read_bundled(bundled_names()[1])
    row = count(instance, evaluations=8, width=6, seed=0)
    n, n_vehicles = instance.n_customers, row.n_vehicles
    assert row.direct == n * n * n_vehicles
    assert row.slack_free == n
    assert row.slack == n + int(np.ceil(np.log2(instance.capacity + 1)))
    assert row.knapsacks == row.evaluations * n_vehicles
    assert row.evaluations <= 8
    assert 0 < row.core_mean <= row.presolve_mean <= row.presolve_max <= n
    assert row.core_max <= 6
    assert 0 <= row.solved < 1


def test_the_script_runs(script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A suite in, a table, rows and a picture out, the same rows twice but for the clock."""
    pytest.importorskip("matplotlib")
    small = tuple(bundled_names()[:3])
    out, picture = tmp_path / "rows.jsonl", tmp_path / "width.png"
    seen = []
    for _ in range(2):
        script.main(script.Args(instances=small, evaluations=5, out=out, picture=picture))
        rows = [json.loads(line) for line in out.read_text().splitlines()]
        assert [row.pop("seconds") >= 0 for row in rows] == [True] * 3
        seen.append(rows)
    assert seen[0] == seen[1]
    assert {row["instance"] for row in seen[0]} == set(small)
    assert picture.stat().st_size > 5000
    assert "| customers | instances | direct, n²·K |" in capsys.readouterr().out
