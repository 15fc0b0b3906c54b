"""Validation of a controller during training: route costs on generated instances outside the training set.

CVRPLIB is not used: a checkpoint that was chosen on the test set could not be tested on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.problems.generate import generate_x_type, sample_params
from lagrl.recovery.savings import clarke_wright
from lagrl.solver import SolveConfig, solve
from train.pace import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lagrl.controllers.base import Controller
    from lagrl.problems.cvrp import CVRP
    from lagrl.search.search_report import SolveProgress
    from train.pace import Report

BUDGETS = (10, 25, 50)

_STREAM = 0x56414C49  # "VALI": separates these random streams from those of training


@dataclass(frozen=True)
class Validation:
    """Route costs of a controller on the validation instances.

    Attributes
    ----------
    budgets
        Evaluations of each solve.
    ratio
        [instances, budgets] route cost divided by the Clarke–Wright cost; below 1 is better than savings.
    """

    budgets: tuple[int, ...]
    ratio: NDArray[np.float64]

    @property
    def means(self) -> dict[int, float]:
        """Mean ratio over the instances for each budget."""
        return {budget: float(mean) for budget, mean in zip(self.budgets, self.ratio.mean(axis=0), strict=True)}

    @property
    def score(self) -> float:
        """Mean ratio over all budgets; lower is better."""
        return float(self.ratio.mean())


def validation_set(seed: int, n: int, sizes: tuple[int, int]) -> list[CVRP]:
    """Generate validation instances of X type.

    Parameters
    ----------
    seed
        Equal seeds give equal instances; for any seed they are independent of the training instances.
    n
        Number of instances.
    sizes
        Customers of the smallest and of the largest, 2 or more; the others lie between, evenly on a logarithmic
        scale.

    Raises
    ------
    InputError
        If a number is out of range.
    """
    if n < 1:
        raise InputError(f"{n} given", field="validation instances", remedy="give 1 or more")
    if seed < 0:
        raise InputError(f"{seed} given", field="validation seed", remedy="give 0 or more")
    if not 2 <= sizes[0] <= sizes[1]:
        raise InputError(f"{sizes} given", field="validation sizes", remedy="give two numbers from 2, the lower first")
    customers = np.geomspace(*sizes, n).round().astype(int).tolist()
    problems = []
    for index, size in enumerate(customers):
        rng = np.random.default_rng([_STREAM, seed, index])
        problems.append(generate_x_type(sample_params(rng, (size, size)), rng, f"validation-{seed}-{index}"))
    return problems


def measure(
    controller: Callable[[], Controller],
    problems: Sequence[CVRP],
    budgets: Sequence[int] = BUDGETS,
    *,
    sampler: str = "exact",
    seed: int = 0,
    report: Report = silent,
) -> Validation:
    """Solve every instance with every budget as `lagrl eval --method reference` does.

    Parameters
    ----------
    controller
        Makes the controllers, one per ascent.
    problems
        The instances.
    budgets
        Evaluations of each solve.
    sampler
        Name of the subproblem sampler.
    seed
        Seed of linearisations and decoding, the same for all controllers.
    report
        Called after each evaluation and each instance; kind `validation`, pieces are instances.

    Raises
    ------
    SolutionError
        If no routes are found for an instance.
    InputError
        If the controller fails.
    """
    ratio = np.empty((len(problems), len(budgets)))
    for i, problem in enumerate(problems):
        text = f"validation, instance {i + 1}/{len(problems)}"

        def after_evaluation(progress: SolveProgress, text: str = text) -> None:
            del progress
            report("validation", 0, text)

        savings_cost = clarke_wright(problem).cost
        for b, budget in enumerate(budgets):
            config = SolveConfig(sampler=sampler, evaluations=budget, method="reference", seed=seed + i)
            result = solve(problem, config, after_evaluation, controller=controller)
            ratio[i, b] = result.solution.cost / savings_cost
        report("validation", 1, text)
    return Validation(tuple(budgets), ratio)
