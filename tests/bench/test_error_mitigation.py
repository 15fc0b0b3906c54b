"""Readout mitigation and the tables of `benchmarks/error_mitigation/run.py`, on distributions known by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lagrl.quantum.devices.noisy_device import Channel

for needed in ("qiskit_aer", "qiskit_ibm_runtime"):
    pytest.importorskip(needed, reason="the benchmark needs the extra quantum")


@pytest.fixture(scope="module")
def study() -> SimpleNamespace:
    """Import the study."""
    from benchmarks.error_mitigation import run

    return SimpleNamespace(unread=run.unread, nearest=run.nearest, tables=run.tables)


def test_readout_is_undone(study: SimpleNamespace) -> None:
    """What a channel of readout errors alone does to a distribution, mitigation undoes."""
    rng = np.random.default_rng(0)
    flips = rng.uniform(0.0, 0.2, size=(4, 2))
    before = rng.dirichlet(np.ones(16))
    read = Channel(1.0, flips).distribution(before)
    assert abs(read - before).max() > 0.01
    np.testing.assert_allclose(study.unread(read, flips), before, atol=1e-12)


def test_the_nearest_distribution_is_found(study: SimpleNamespace) -> None:
    """No distribution on a grid is nearer to a quasi-distribution; a distribution stays as it is."""
    quasi = np.array([0.7, 0.5, -0.2])
    found = study.nearest(quasi)
    assert found == pytest.approx([0.6, 0.4, 0.0])
    grid = np.random.default_rng(1).dirichlet(np.ones(3), size=5000)
    assert (np.linalg.norm(grid - quasi, axis=1) >= np.linalg.norm(found - quasi) - 1e-12).all()
    own = np.array([0.2, 0.3, 0.5])
    assert study.nearest(own) == pytest.approx(own)


def test_differences_are_paired(study: SimpleNamespace) -> None:
    """The table has means in %, and differences by knapsack."""
    rows = [{"kind": "head"}]
    for name, gain in (("nothing", 0.0), ("readout mitigated", 0.01)):
        rows += [
            {"kind": "mitigation", "backend": "b", "setting": name, "feasible": x + gain, "optimal": x / 2 + gain}
            for x in (0.2, 0.4)
        ]
    text = study.tables(rows)
    assert "| b | nothing | 30.00 |  | 15.00 |  |" in text
    assert "| b | readout mitigated | 31.00 | +1.00 [+1.00, +1.00] | 16.00 | +1.00 [+1.00, +1.00] |" in text
