"""Methods of cascade routing, against enumeration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_cascades import small_cascade, solutions

from lagrl.cascade.capacity_dual import DualOptions, solve_capacitated
from lagrl.cascade.choice import choice_of
from lagrl.cascade.efficiency_greedy import greedy
from lagrl.cascade.exchange_moves import improve
from lagrl.cascade.scalar_multiplier import solve_scalar
from lagrl.cascade.solve_cascade import METHODS, CascadeConfig, solve_cascade
from lagrl.errors import InputError, InstanceError
from lagrl.problems.assignment import AssignmentProblem
from lagrl.problems.cascade.admissible import obstacles
from lagrl.problems.cascade.generate_cascade import CascadeParams, generate_cascade
from lagrl.problems.cascade.published_cascades import published_cascade

VARIANTS = ["reference", "quality", "capacitated"]


def best_of(cascade: Any) -> float:
    """Return the optimum by enumeration; infinite if there is no answer."""
    return min((routing.objective for routing in solutions(cascade)), default=np.inf)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), variant=st.sampled_from(VARIANTS), floor=st.sampled_from([0.0, 0.5, 0.7]))
def test_highs_and_enumeration_are_exact(seed: int, variant: Any, floor: float) -> None:
    """Both find the optimum and prove it, under every limit, or that there is no answer."""
    cascade = small_cascade(seed, variant, mean_quality_floor=0.0 if variant == "quality" else floor)
    if obstacles(cascade):
        return
    optimum = best_of(cascade)
    for method in ("highs", "enumerate"):
        answer = solve_cascade(cascade, CascadeConfig(method))
        if np.isinf(optimum):
            assert answer.routing is None
        else:
            assert answer.routing is not None
            assert answer.routing.objective == pytest.approx(optimum)
            assert answer.bound == pytest.approx(optimum)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), variant=st.sampled_from(VARIANTS), floor=st.sampled_from([0.0, 0.5, 0.7]))
def test_bounds_hold_and_answers_are_feasible(seed: int, variant: Any, floor: float) -> None:
    """Every method's answer is without faults and no better than the optimum, which is no better than its bound."""
    cascade = small_cascade(seed, variant, mean_quality_floor=0.0 if variant == "quality" else floor)
    if obstacles(cascade):
        return
    optimum = best_of(cascade)
    for method in METHODS:
        if variant == "capacitated" and method in ("greedy", "threshold", "qaoa"):
            continue
        config = CascadeConfig(method, seconds=0.05, iterations=200)
        answer = solve_cascade(cascade, config)
        if answer.bound is not None:
            assert answer.bound <= optimum * (1 + 1e-9) + 1e-12
        if answer.routing is not None:
            assert answer.routing.faults() == []
            assert answer.routing.objective >= optimum - 1e-9


def test_reference_without_a_floor_is_each_tasks_cheapest() -> None:
    """As published, the cheapest admissible model per task is optimal, and the Lagrangian route finds it at μ = 0."""
    cascade = small_cascade(4, "reference", quality_floor=np.zeros(5), budget_dollars=1e9)
    found = solve_scalar(choice_of(cascade))
    assert (found.multiplier, found.evaluations) == (0.0, 1)
    assert found.bound == pytest.approx(best_of(cascade))


def test_two_ways_to_the_same_relaxation() -> None:
    """The multiplier's bound and the greedy's are both the linear relaxation's value, on a thousand tasks too."""
    for n, m, share in ((30, 4, 0.3), (1000, 10, 0.05)):
        cascade = generate_cascade(CascadeParams(n, m, budget_share=share), 2)
        choice = choice_of(cascade)
        found = solve_scalar(choice)
        model, bound = greedy(choice)
        assert found.bound == pytest.approx(bound, rel=1e-9)
        assert found.model is not None
        assert model is not None
        assert choice.totals(found.model)[0] - bound < 0.01 * n
    assert solve_cascade(cascade).gap_percent == pytest.approx(0.0, abs=0.02)  # the target at 1,000 × 10


def test_capacities_are_proven_within_a_tenth_of_a_percent() -> None:
    """A thousand tasks on ten models are solved with a proof; the answer keeps all capacities."""
    cascade = generate_cascade(CascadeParams(1000, 10, "capacitated"), 1)
    answer = solve_cascade(cascade, CascadeConfig(seconds=20.0))
    assert answer.gap_percent is not None
    assert answer.gap_percent < 0.1
    assert answer.routing is not None
    assert (answer.routing.load <= cascade.capacity).all()


def test_ruin_and_recreate_leaves_a_local_optimum() -> None:
    """On an instance where descent alone stays at 0.11 %, dearer assignments in between lead below 0.1 %."""
    cascade = generate_cascade(CascadeParams(1000, 10, "capacitated"), 4)
    assert solve_capacitated(cascade, DualOptions(rounds=3000)).gap < 1e-3


@pytest.mark.parametrize(("sampler", "controller"), [("exact", "volume"), ("exact", "bundle"), ("greedy", "cfm")])
def test_the_dual_loop_serves_unchanged(sampler: str, controller: str) -> None:
    """Controllers and samplers of the library ascend the capacities' dual; the bound still holds."""
    cascade = generate_cascade(CascadeParams(25, 3, "capacitated"), 7)
    optimum = solve_cascade(cascade, CascadeConfig("highs", seconds=20.0))
    assert optimum.routing is not None
    config = CascadeConfig(controller=controller, sampler=sampler, evaluations=6, seconds=0.2)
    answer = solve_cascade(cascade, config)
    assert answer.evaluations > 0
    assert answer.bound is not None
    assert answer.bound <= optimum.routing.dollars * (1 + 1e-9)
    assert (answer.sampling is not None) and (answer.sampling.backend == ("" if sampler == "exact" else sampler))


def test_exact_knapsacks_of_a_thousand_tasks_fit_the_memory() -> None:
    """Hundreds of tasks of equal efficiency and capacities of hundreds of thousands of tokens are still solved."""
    cascade = generate_cascade(CascadeParams(1000, 10, "capacitated"), 6)
    relaxed = solve_capacitated(cascade, DualOptions(rounds=0))
    found = solve_capacitated(cascade, DualOptions(evaluations=2, rounds=0, gap=0.0))
    assert found.evaluations == 2
    assert relaxed.bound <= found.bound <= found.dollars


def test_knapsacks_that_would_fill_the_memory_are_refused() -> None:
    """Above a limit of memory one line names the model, the limit and what to do, before anything is allocated."""
    cascade = generate_cascade(CascadeParams(5000, 4, "capacitated"), 1)
    with pytest.raises(
        InstanceError, match=r"capacity_tokens: model \d, of capacity \d+, takes more than 400 MB .* 0 eval"
    ):
        solve_capacitated(cascade, DualOptions(evaluations=2, rounds=0, gap=0.0))


def test_a_mean_quality_is_bought_by_one_price() -> None:
    """With capacities and a floor of the mean quality, the answer keeps both and the bound holds."""
    base = generate_cascade(CascadeParams(40, 4, "capacitated"), 3)
    cheapest = solve_cascade(base, CascadeConfig("highs", seconds=20.0))
    assert cheapest.routing is not None
    floor = min(1.0, cheapest.routing.mean_quality + 0.02)
    cascade = replace(base, mean_quality_floor=floor)
    exact = solve_cascade(cascade, CascadeConfig("highs", seconds=20.0))
    answer = solve_cascade(cascade, CascadeConfig(seconds=3.0))
    assert exact.routing is not None
    assert answer.routing is not None
    assert answer.routing.mean_quality >= floor - 1e-9
    assert answer.bound is not None
    assert answer.bound <= exact.routing.dollars * (1 + 1e-9) <= answer.routing.dollars * (1 + 1e-9)
    assert answer.routing.dollars <= 1.1 * exact.routing.dollars


def test_exchanges_leave_no_better_shift_or_swap() -> None:
    """From a feasible start no shift and no swap gains afterwards, and the capacities hold."""
    rng = np.random.default_rng(5)
    weight = rng.integers(1, 9, 30)
    start = rng.integers(0, 4, 30)
    capacity = np.bincount(start, weights=weight, minlength=4).astype(np.int64) + 3
    problem = AssignmentProblem(rng.random((4, 30)) * 100, weight, capacity)
    model = improve(problem, start)
    each = np.arange(30)
    cost = problem.cost[model, each].sum()
    assert cost < problem.cost[start, each].sum()
    assert problem.is_feasible(model)
    for i in range(30):
        for k in range(4):
            moved = model.copy()
            moved[i] = k
            assert not problem.is_feasible(moved) or problem.cost[moved, each].sum() >= cost - 1e-9
        for j in range(i):
            swapped = model.copy()
            swapped[[i, j]] = model[[j, i]]
            assert not problem.is_feasible(swapped) or problem.cost[swapped, each].sum() >= cost - 1e-9


def test_annealing_depends_on_its_seed_alone() -> None:
    """The same seed gives the same answer."""
    cascade = generate_cascade(CascadeParams(40, 5), 1)
    one, two = (solve_cascade(cascade, CascadeConfig("annealing", iterations=100, seed=3)) for _ in range(2))
    assert one.routing is not None
    assert two.routing is not None
    np.testing.assert_array_equal(one.routing.model, two.routing.model)


def test_what_cannot_be_solved_is_refused() -> None:
    """Infeasible instances, unknown methods, methods of other variants and instances too large are refused."""
    with pytest.raises(InstanceError, match=r"x\.json: task 'T-002': no model is admissible"):
        solve_cascade(published_cascade(4), source="x.json")
    with pytest.raises(InputError, match="unknown method 'fast'"):
        CascadeConfig("fast")
    with pytest.raises(InputError, match="evaluations: 0 given with a sampler"):
        CascadeConfig(sampler="greedy")
    with pytest.raises(InputError, match="seconds: 0 given"):
        CascadeConfig(seconds=0)
    with pytest.raises(InputError, match="give lagrangian, highs, annealing or enumerate for capacities"):
        solve_cascade(generate_cascade(CascadeParams(20, 3, "capacitated")), CascadeConfig("greedy"))
    with pytest.raises(InputError, match="answers; at most 2000000"):
        solve_cascade(generate_cascade(CascadeParams(20, 5)), CascadeConfig("enumerate"))
    both = small_cascade(1, "capacitated", mean_quality_floor=0.1, budget_dollars=1e9)
    with pytest.raises(InputError, match="both given"):
        choice_of(both)
