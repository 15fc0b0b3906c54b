"""A sample passes few files of lagrl."""

from __future__ import annotations

import pytest
from sample_traces import BANDIT, trace_sample

pytest.importorskip("qiskit_ibm_runtime")
pytest.importorskip("qiskit_aer")


@pytest.mark.parametrize(
    ("sampler", "files", "depth"),
    [
        ("qaoa+width=6", 8, 5),
        ("noisy:FakeKingston+width=6", 9, 5),
        ("noisy:FakeKingston+width=6+method=density", 10, 6),
        ("ibm:FakeKingston+width=5", 10, 6),
        (BANDIT, 15, 9),
    ],
)
def test_a_sample_passes_few_files(sampler: str, files: int, depth: int) -> None:
    """The third call of a sampler enters no more files than its limit, and no deeper."""
    trace = trace_sample(sampler)
    assert len(trace.files) <= files, sorted(trace.files)
    assert 0 < trace.depth <= depth
