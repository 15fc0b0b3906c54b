"""Generated test instances of every depot and demand class, for policies that classes were held out from."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, get_args

import numpy as np

from lagrl.problems.generate import Demand, Depot, generate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lagrl.problems.cvrp import CVRP

_FIRST_SEED = 18_000_000  # those of trainings and validations are other streams
_SEEDS_OF_A_CLASS = 1000


def of_classes(count: int, customers: tuple[int, int]) -> Iterator[CVRP]:
    """Yield `count` instances of each pair of a depot and a demand class; sizes are uniform in the logarithm."""
    low, high = np.log(customers)
    for number, (depot, demand) in enumerate(product(get_args(Depot), get_args(Demand))):
        for seed in range(_FIRST_SEED + _SEEDS_OF_A_CLASS * number, _FIRST_SEED + _SEEDS_OF_A_CLASS * number + count):
            n = round(float(np.exp(np.random.default_rng(seed).uniform(low, high))))
            yield generate(n, seed=seed, depot=depot, demand=demand)


def class_of(problem: CVRP) -> str:
    """Return the depot and demand class of a generated instance, such as `depot=E demand=SL`."""
    return " ".join(word for word in problem.comment.split() if word.startswith(("depot=", "demand=")))
