"""The benchmark of the environment's speed."""

from __future__ import annotations

import pytest

pytest.importorskip("gymnasium")
pytest.importorskip("stable_baselines3")

from benchmarks.environment_steps.run import Args, parts, time_steps


def test_the_profile_covers_every_part() -> None:
    """Every part is clocked and has a share of the time, except a policy that is not there; the shares sum to 1."""
    row = time_steps(20, 2, 1, Args(steps=60, repeats=1, profile=True))
    assert set(row.share) == {name for name, _, _ in parts()} | {"rest"}
    assert sum(row.share.values()) == pytest.approx(1.0)
    assert all(row.share[name] > 0 for name in row.share if name not in ("policy", "rest"))
