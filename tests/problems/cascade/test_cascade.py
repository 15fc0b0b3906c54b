"""Instances, answers, the generator and the assignment problem of cascade routing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from small_cascades import small_cascade, solutions

from lagrl.errors import InputError, InstanceError, SolutionError
from lagrl.problems.cascade.admissible import admissible_pairs, obstacles
from lagrl.problems.cascade.capacitated import UNIT, assignment_problem, cost_ceiling
from lagrl.problems.cascade.cascade import LanguageModel
from lagrl.problems.cascade.generate_cascade import CascadeParams, generate_cascade
from lagrl.problems.cascade.published_cascades import published_models
from lagrl.problems.cascade.routing import Routing


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("dollars", np.full((3, 5), -1.0), "task 't0', model 'm0', dollars: -1.0 given; give a number of 0 or more"),
        ("quality", np.full((3, 5), 2.0), "task 't0', model 'm0', quality: 2.0 given; give a number of 0 … 1"),
        ("quality", np.full((3, 5), np.nan), "quality: nan given"),
        ("quality_floor", np.full(5, 1.5), "task 't0', quality_floor: 1.5 given"),
        ("dollars", np.zeros((5, 3)), r"dollars: array of shape \(5, 3\)"),
        ("budget_dollars", float("nan"), "budget_dollars: nan given"),
        ("budget_dollars", -1.0, "budget_dollars: -1.0 given"),
        ("mean_quality_floor", 1.5, "mean_quality_floor: 1.5 given"),
        ("variant", "cheap", "unknown variant 'cheap'"),
    ],
)
def test_bad_arrays_are_refused(name: str, value: Any, words: str) -> None:
    """A wrong shape or value is refused with its place."""
    with pytest.raises(InputError, match=words):
        replace(small_cascade(0, "reference"), **{name: value})


@pytest.mark.parametrize(
    "name", ["dollars_per_million_in", "latency_ms", "quality", "context_tokens", "capacity_tokens"]
)
def test_bad_models_are_refused(name: str) -> None:
    """A negative price, latency, score, context or capacity is refused."""
    with pytest.raises(InstanceError, match=f"model 'x', {name}: -1 given"):
        LanguageModel("x", **({"dollars_per_million_in": 1, "dollars_per_million_out": 1} | {name: -1}))


def test_faults_name_every_limit_that_is_missed() -> None:
    """Each pair, budget, mean quality and capacity that an answer misses is one line."""
    cascade = small_cascade(
        2,
        "reference",
        quality_floor=np.full(5, 0.9),
        quality=np.full((3, 5), 0.5),
        budget_dollars=0.0,
        mean_quality_floor=0.7,
    )
    found = Routing(cascade, np.zeros(5, np.int64)).faults()
    assert sum("misses quality_floor by 0.4" in fault for fault in found) == 5
    assert any("above the budget of 0" in fault for fault in found)
    assert any("mean quality 0.5, below the floor of 0.7" in fault for fault in found)
    full = small_cascade(2, "capacitated")
    assert any("above its capacity" in fault for fault in Routing(full, np.zeros(5, np.int64)).faults())
    with pytest.raises(SolutionError, match="model"):
        Routing(cascade, np.full(5, 3))


@pytest.mark.parametrize("variant", ["reference", "quality", "capacitated"])
def test_generated_instances_are_reproducible_and_have_answers(variant: Any) -> None:
    """The same seed gives the same instance, and no obstacle is known."""
    one, two, other = (generate_cascade(CascadeParams(60, 6, variant), seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.dollars, two.dollars)
    assert not np.array_equal(one.tokens, other.tokens)
    assert obstacles(one) == []
    assert one.variant == variant
    assert admissible_pairs(one).any(axis=0).all()


def test_generated_tasks_have_the_published_mix() -> None:
    """Floors and latency limits have the published levels in the published shares."""
    cascade = generate_cascade(CascadeParams(4000, 2, "reference"), 0, published_models()[3:])
    share = [(cascade.latency_limit_ms == limit).mean() for limit in (5e3, 10e3, 30e3, 60e3, 120e3)]
    np.testing.assert_allclose(share, [0.3, 0.25, 0.25, 0.15, 0.05], atol=0.03)
    assert 100 <= cascade.tokens.min() < cascade.tokens.max() <= 15_000


@pytest.mark.parametrize(
    "changes", [{"n_tasks": 0}, {"n_models": 1}, {"budget_share": 1.5}, {"slack": 1.0}, {"slack": float("inf")}]
)
def test_bad_characteristics_are_refused(changes: dict[str, Any]) -> None:
    """A characteristic out of range is refused by name."""
    with pytest.raises(InputError, match=next(iter(changes))):
        CascadeParams(**changes)


@pytest.mark.parametrize("seed", range(6))
def test_the_assignment_problem_has_the_same_optimum(seed: int) -> None:
    """Its cheapest feasible assignment is the cheapest answer, in millionths of a dollar."""
    cascade = small_cascade(seed, "capacitated")
    problem = assignment_problem(cascade)
    costs = [routing.dollars for routing in solutions(cascade)]
    each = np.arange(cascade.n_tasks)
    best = min(
        (
            float(problem.cost[model, each].sum())
            for model in np.ndindex(*[cascade.n_models] * cascade.n_tasks)
            if problem.is_feasible(np.array(model))
        ),
        default=np.inf,
    )
    if costs:
        assert best == pytest.approx(UNIT * min(costs))
    else:
        assert best > UNIT * cascade.dollars.max()  # an inadmissible pair, or nothing
    pairs = admissible_pairs(cascade)
    assert (problem.cost[~pairs] > cost_ceiling(problem.cost, pairs)).all()


def test_only_capacitated_instances_are_assignment_problems() -> None:
    """Another variant is refused; the price of quality adds to the costs."""
    with pytest.raises(InputError, match="variant: quality given"):
        assignment_problem(small_cascade(0))
    cascade = small_cascade(0, "capacitated")
    pairs = admissible_pairs(cascade)
    added = assignment_problem(cascade, 2.0).cost - assignment_problem(cascade).cost
    np.testing.assert_allclose(added[pairs], 2.0 * UNIT * (1.0 - cascade.quality[pairs]))


def test_a_free_capacity_is_that_of_all_tasks() -> None:
    """A model without a capacity holds everything, and so do all where the variant has no capacities."""
    cascade = small_cascade(0, "capacitated")
    free = replace(cascade, models=tuple(replace(model, capacity_tokens=None) for model in cascade.models))
    assert (free.capacity == free.tokens.sum()).all()
    assert (small_cascade(0).capacity == free.tokens.sum()).all()
