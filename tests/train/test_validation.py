"""Validation: fixed instances, and the solver's own figures."""

from __future__ import annotations

import numpy as np
import pytest

from lagrl.controllers.held_wolfe_crowder import HeldWolfeCrowder
from lagrl.controllers.perturbed import Perturbed
from lagrl.errors import InputError
from lagrl.recovery.savings import clarke_wright
from lagrl.solver import SolveConfig, solve
from train.validation import evaluate, measure, validation_set


def test_same_seed_same_instances() -> None:
    """Instances depend on the seed and their number only, and sizes span the range."""
    first, again, other = (validation_set(seed, 4, (5, 20)) for seed in (1, 1, 2))
    assert [problem.n_customers for problem in first] == [5, 8, 13, 20]
    for one, two, three in zip(first, again, other, strict=True):
        assert np.array_equal(one.distance, two.distance)
        assert not np.array_equal(one.distance, three.distance)


@pytest.mark.parametrize(("seed", "n", "sizes"), [(0, 0, (5, 8)), (-1, 2, (5, 8)), (0, 2, (1, 8)), (0, 2, (9, 8))])
def test_impossible_sets_are_refused(seed: int, n: int, sizes: tuple[int, int]) -> None:
    """No instances, a negative seed, one customer, an empty range."""
    with pytest.raises(InputError, match="validation"):
        validation_set(seed, n, sizes)


def test_figures_are_those_of_solve() -> None:
    """A ratio is the cost that `solve` finds over that of savings; means are over instances."""
    problems = validation_set(3, 2, (8, 10))
    found = measure(HeldWolfeCrowder, problems, (2, 5), seed=7)
    for i, problem in enumerate(problems):
        for b, budget in enumerate((2, 5)):
            config = SolveConfig(controller="hwc", evaluations=budget, method="reference", seed=7 + i)
            assert found.ratio[i, b] == solve(problem, config).solution.cost / clarke_wright(problem).cost
    assert found.means == {2: found.ratio[:, 0].mean(), 5: found.ratio[:, 1].mean()}
    assert found.score == pytest.approx(np.mean(list(found.means.values())))
    assert evaluate(HeldWolfeCrowder, problems, (2, 5), seed=7) == found.means


def test_controllers_make_a_difference() -> None:
    """Validation that did not ask the controller would give all the same."""
    problems = validation_set(5, 4, (20, 30))
    assert measure(HeldWolfeCrowder, problems, (6,)).score != measure(lambda: Perturbed(2.0), problems, (6,)).score
