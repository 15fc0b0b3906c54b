"""The bound on published instances, whose optimal costs are known."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lagrl.bounds.bound import lower_bound
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.fleet import Fleet


@pytest.mark.skipif(not os.environ.get("LAGRL_DATA"), reason="LAGRL_DATA does not name a folder of CVRPLIB files")
@pytest.mark.parametrize("name", ["A-n32-k5", "B-n31-k5", "B-n50-k7", "E-n13-k4", "E-n31-k7", "P-n16-k8", "P-n40-k5"])
def test_it_is_close_below_the_optimum(name: str) -> None:
    """At most 2.5 % (4 % for B) below under the published rule; not above with any number of routes either."""
    path = Path(os.environ["LAGRL_DATA"]) / name[0] / f"{name}.vrp"
    problem = read_instance(path)
    best = problem.best_known
    assert best is not None
    bound = lower_bound(problem, evaluations=400)
    assert bound.is_converged
    assert best * (0.96 if name[0] == "B" else 0.975) <= bound.value <= bound.rounded <= best
    assert lower_bound(read_instance(path, fleet=Fleet()), evaluations=400).rounded <= best
