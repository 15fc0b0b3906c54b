"""Hold the dual function against enumeration, column generation and HiGHS' branch and bound.

python -m benchmarks.dual_accuracy.run
python -m benchmarks.dual_accuracy.run --problems 200 --seed 1

All on random problems of 2 … 4 vehicles; prints a Markdown table and fails if anything is out of tolerance. The tests
hold the same; this says by how much.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from lagrl.compilation import compile_kernels
from lagrl.controllers import CONTROLLERS, Feedback
from lagrl.errors import InputError, LagrlError
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual
from tests.oracles import (
    ascent,
    column_generation,
    enumerated_knapsacks,
    enumerated_optimum,
    milp_optimum,
    random_problem,
)

TOLERANCE = 1e-6


@dataclass(frozen=True)
class Args:
    """How much to check.

    Attributes
    ----------
    problems
        Random problems of each kind.
    evaluations
        Multiplier vectors per problem: random ones, and those of an ascent.
    seed
        Seed of the problems.
    """

    problems: int = 50
    evaluations: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.problems, self.evaluations) < 1:
            raise InputError("nothing to check", field="--problems, --evaluations", remedy="give 1 or more")


class Check:
    """One line of the table: something that must never be positive, relative to the optimum."""

    def __init__(self, claim: str) -> None:
        self.claim = claim
        self.excess: list[float] = []

    def add(self, excess: float, optimum: float) -> None:
        """Record how far a claim is missed, distance units."""
        self.excess.append(excess / max(1.0, abs(optimum)))

    @property
    def n_violations(self) -> int:
        """How often the claim is missed by more than the tolerance."""
        return sum(excess > TOLERANCE for excess in self.excess)

    def __str__(self) -> str:
        return f"| {self.claim} | {len(self.excess)} | {max(self.excess):+.1e} | {self.n_violations} |"


def main(args: Args) -> None:
    """Check everything and print the table."""
    compile_kernels()
    checks = [*against_enumeration(args), *against_highs(args)]
    print(f"| must hold ({args.problems} problems each) | comparisons | largest excess, relative | violations |")
    print("|---|---|---|---|")
    print(*checks, sep="\n")
    if any(check.n_violations for check in checks):
        sys.exit("dual_accuracy: a claim is violated")


def against_enumeration(args: Args) -> list[Check]:
    """Up to 12 customers: L is what enumerating all loads gives, and never above the enumerated optimum."""
    equal = Check("L(λ) = Σλ + enumerated knapsacks, n ≤ 12, random λ")
    below = Check("L(λ) ≤ optimum over all assignments, n ≤ 12, random λ")
    for seed in range(args.problems):
        rng = np.random.default_rng([args.seed, seed])
        problem = random_problem(rng, int(rng.integers(2, 5)), int(rng.integers(4, 13)))
        dual, optimum = AssignmentDual(problem), enumerated_optimum(problem)
        for _ in range(args.evaluations):
            multipliers = rng.uniform(*dual.bounds)
            value = dual.evaluate(multipliers).sampled_value
            loads = enumerated_knapsacks(problem.cost - multipliers, problem.weight, problem.capacity)
            equal.add(abs(value - multipliers.sum() - loads.sum()), optimum)
            below.add(value - optimum, optimum)
    return [equal, below]


def against_highs(args: Args) -> list[Check]:
    """Up to 25 customers: LP ≤ L at its prices ≤ max L = Dantzig–Wolfe value ≤ optimum, and no ascent above either."""
    linear_below = Check("LP value ≤ L(LP dual)")
    equal = Check("L(λ of column generation) = its LP value")
    ascent_master = Check("L(λ) of an ascent ≤ column generation's LP value")
    ascent_optimum = Check("L(λ) of an ascent ≤ optimum (HiGHS MILP)")
    master_below = Check("column generation's LP value ≤ optimum (HiGHS MILP)")
    for seed in range(args.problems):
        rng = np.random.default_rng([args.seed, 1, seed])
        problem = random_problem(rng, int(rng.integers(2, 5)), int(rng.integers(8, 26)), slack=1.05)
        dual, optimum, linear = AssignmentDual(problem), milp_optimum(problem), linear_dual(problem)
        master, prices = column_generation(problem)
        controller = list(CONTROLLERS.values())[seed % len(CONTROLLERS)]()
        points = ascent(
            dual, controller, args.evaluations, rng, linear.multipliers, Feedback(assignment_upper_bound=optimum)
        )
        values = [point.sampled_value for point in points]
        linear_below.add(linear.value - values[0], optimum)
        equal.add(abs(dual.evaluate(prices).sampled_value - master), optimum)
        master_below.add(master - optimum, optimum)
        for value in values:
            ascent_master.add(value - master, optimum)
            ascent_optimum.add(value - optimum, optimum)
    return [linear_below, equal, ascent_master, ascent_optimum, master_below]


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"dual_accuracy: {error}")
