"""Presolve and proofs of infeasibility, against enumeration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_cascades import small_cascade, solutions

from lagrl.errors import InputError, InstanceError
from lagrl.problems.cascade.admissible import admissible_pairs, obstacles, require_feasible
from lagrl.problems.cascade.published_cascades import published_cascade

VARIANTS = ["reference", "quality", "capacitated"]


@pytest.mark.parametrize(
    ("n_tasks", "proofs"),
    [
        (2, [("budget", "budget_dollars", 1.228)]),
        (4, [("task 'T-002'", "quality_floor", 0.03), ("budget", "budget_dollars", 4.223)]),
        (6, [("task 'T-002'", "quality_floor", 0.03), ("task 'T-004'", "quality_floor", 0.10)]),
    ],
)
def test_the_published_instances_are_infeasible(n_tasks: int, proofs: list[tuple[str, str, float]]) -> None:
    """All three published instances are refused, with the task or limit, the constraint and the shortfall."""
    cascade = published_cascade(n_tasks)
    found = obstacles(cascade)
    assert [(proof.place, proof.constraint) for proof in found] == [proof[:2] for proof in proofs]
    np.testing.assert_allclose([proof.shortfall for proof in found], [proof[2] for proof in proofs])
    assert list(solutions(cascade)) == []
    with pytest.raises(InstanceError, match=r"by 0\.03|1\.228 short"):
        require_feasible(cascade)


def test_the_market_price_makes_the_smallest_feasible() -> None:
    """Read as dollars per million tokens, the budget of two tasks suffices a thousandfold."""
    cascade = published_cascade(2, "million")
    assert obstacles(cascade) == []
    assert min(routing.dollars for routing in solutions(cascade)) == pytest.approx(0.006228)


def test_there_are_three_published_instances() -> None:
    """Another number of tasks is refused."""
    with pytest.raises(InputError, match="give one of 2, 4, 6"):
        published_cascade(3)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), variant=st.sampled_from(VARIANTS), floor=st.sampled_from([0.0, 0.5, 0.8]))
def test_a_proof_means_that_there_is_no_answer(seed: int, variant: Any, floor: float) -> None:
    """An obstacle means that enumeration finds no answer; without capacities and mean quality also conversely."""
    if variant == "quality":
        floor = 0.0
    cascade = small_cascade(seed, variant, mean_quality_floor=floor)
    proofs, found = obstacles(cascade), any(True for _ in solutions(cascade))
    assert not (proofs and found)
    if variant != "capacitated" and not floor:
        assert found == (not proofs)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), variant=st.sampled_from(VARIANTS))
def test_presolve_removes_no_answer(seed: int, variant: Any) -> None:
    """Answers use admissible pairs alone."""
    cascade = small_cascade(seed, variant)
    pairs = admissible_pairs(cascade)
    for routing in solutions(cascade):
        assert pairs[routing.model, np.arange(cascade.n_tasks)].all()


def test_each_limit_is_named_with_its_shortfall() -> None:
    """A context that no model holds, a latency that none meets, and two limits that only together rule out all."""
    base = small_cascade(0, quality_floor=np.zeros(5), latency_limit_ms=np.full(5, np.inf), budget_dollars=1e6)
    context = replace(base, context=np.array([1, 1, 40, 1, 1]))
    assert "task 't2': no model is admissible: the closest, 'm0', misses the context of 40 tokens by 15" in _refusal(
        context
    )
    slow = tuple(replace(model, latency_ms=200.0 + j) for j, model in enumerate(base.models))
    latency = replace(base, models=slow, latency_limit_ms=np.array([np.inf, 150.0, *[np.inf] * 3]))
    assert "task 't1'" in _refusal(latency)
    assert "misses latency_limit_ms 150 by 50" in _refusal(latency)
    scores = np.full((3, 5), 0.5)
    scores[2, 0] = 0.9
    both = replace(
        base,
        quality=scores,
        quality_floor=np.array([0.8, 0, 0, 0, 0.0]),
        latency_limit_ms=np.array([150.0, *[np.inf] * 4]),
        context=np.ones(5, np.int64),
    )
    assert obstacles(both)[0].constraint in ("quality_floor", "latency_limit_ms")


def test_a_full_set_of_models_is_named() -> None:
    """Two models that hold less than the tasks only they may answer are named, however much room another has."""
    floor = np.array([0.5, 0.5, 0.5, 0.0, 0.0])
    base = small_cascade(1, "capacitated")
    models = tuple(
        replace(model, capacity_tokens=room) for model, room in zip(base.models, (20, 20, 1000), strict=True)
    )
    scores = np.array([[0.9] * 5, [0.9] * 5, [0.1] * 5])
    cascade = replace(
        base,
        models=models,
        tokens_in=np.full(5, 15),
        context=np.full(5, 15),
        quality=scores,
        quality_floor=floor,
        latency_limit_ms=np.full(5, np.inf),
    )
    (proof,) = obstacles(cascade)
    assert proof.constraint == "capacity_tokens"
    assert proof.text == "tasks that only 'm0', 'm1' may answer have 45 tokens, 5 more than their capacity"


def _refusal(cascade: Any) -> str:
    with pytest.raises(InstanceError) as error:
        require_feasible(cascade, "file.json")
    assert str(error.value).startswith("file.json: ")
    return str(error.value)
