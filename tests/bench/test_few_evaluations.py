"""The study of the assignment dual at few evaluations."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

pytest.importorskip("torch")

from benchmarks.dual_controllers.few_evaluations import CONTROLS, UNTRAINED, Args, methods_of, rows_of, tables
from benchmarks.route_policy.run import instances
from lagrl.problems.generate import generate
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual
from lagrl.relaxation.linearise import linearise

STARTS = ("bundle", *CONTROLS, UNTRAINED)


def test_controls_start_below_the_linear_relaxation_and_all_find_the_optimum() -> None:
    """One price for all and random prices start lower than the given prices; 20 evaluations close the gap."""
    args = Args(generated=1, customers=(12, 14), cloned="")
    methods = [method for method in methods_of(args) if method.name in STARTS]
    problem = next(instances(args))
    rows = list(rows_of(problem, methods, args, set()))
    value = {(row["method"], row["budget"]): row["value"] for row in rows}
    assert {name for name, _ in value} == {"reference", *STARTS}
    for name in CONTROLS:
        assert value[name, 1] < value["bundle", 1]
    assert value["random start, bundle", 1] != value["uniform start, bundle", 1]
    for name in STARTS:
        assert value[name, 20] == pytest.approx(value["reference", 600], rel=0.02)
    assert "| uniform start, bundle |" in tables(rows)


def test_the_uniform_start_is_the_mean_of_the_given_prices() -> None:
    """Every customer has it."""
    dual = AssignmentDual(linearise(generate(12, seed=0)))
    given = linear_dual(dual.problem).multipliers
    started = partial(CONTROLS["uniform start, bundle"]().start, dual, budget=5, rng=np.random.default_rng(0))
    np.testing.assert_allclose(started(initial=given), np.full(12, given.mean()))
