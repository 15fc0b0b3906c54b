"""Actions of the search: the set of customers that a move frees.

`scores`: the set starts with the customer of the highest score, and grows by the customer of the highest score next to
it: before or after one of its customers on a route, or among the five nearest of one. It ends before a customer of a
negative score, and at the configured size. Equal scores are ordered at random.

`choice`: one of K sets drawn by the search's own rule, strings on adjacent routes (`lagrl.search.string_removal`).
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def grown_set(
    scores: NDArray[np.floating[Any]],
    routes: Sequence[Sequence[int]],
    neighbours: NDArray[np.int16],
    most: int,
    rng: np.random.Generator,
) -> list[int]:
    """Return the connected set of customers 1 … n that scores select, in the order of its growth.

    Parameters
    ----------
    scores
        [n] one number per customer.
    routes
        Customers 1 … n of each route in visiting order.
    neighbours
        [n, 5] each customer's nearest others, 0-based.
    most
        Largest number of customers; everybody is never freed.
    rng
        Order of equal scores.
    """
    n = len(scores)
    rank = np.empty(n, np.int64)
    rank[np.lexsort((rng.random(n), -scores))] = np.arange(n)  # 0: the highest score
    order = rank.tolist()
    beside: list[list[int]] = (neighbours.astype(np.int64) + 1).tolist()
    for route in routes:
        for one, other in pairwise(route):
            beside[one - 1].append(other)
            beside[other - 1].append(one)
    first = int(rank.argmin()) + 1
    waiting, seen, freed = [(0, first)], {first}, list[int]()
    while waiting and len(freed) < min(most, n - 1):
        _, customer = heappop(waiting)
        if freed and scores[customer - 1] < 0:
            break
        freed.append(customer)
        for other in beside[customer - 1]:
            if other not in seen:
                seen.add(other)
                heappush(waiting, (order[other - 1], other))
    return freed


def require_choices(actions: NDArray[Any], n_choices: int, resting: Sequence[bool]) -> None:
    """Raise an error for actions that are not [B] whole numbers from 0 to K − 1.

    Parameters
    ----------
    actions
        The actions.
    n_choices
        Number of sets K.
    resting
        [B] whether an environment's action is ignored.

    Raises
    ------
    InputError
        Naming the environment and the value.
    """
    if actions.shape != (len(resting),) or not np.issubdtype(actions.dtype, np.integer):
        raise InputError(
            f"array of shape {actions.shape} and type {actions.dtype}",
            field="action",
            remedy=f"give whole numbers of shape ({len(resting)},), one per environment",
        )
    for index, is_resting in enumerate(resting):
        if not is_resting and not 0 <= actions[index] < n_choices:
            raise InputError(
                f"set {actions[index]} chosen",
                source=f"environment {index}",
                field="action",
                remedy=f"give a number from 0 to {n_choices - 1}",
            )
