"""Simulated annealing of cascade routing: one task changes its model, limits are priced."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lagrl.problems.cascade.admissible import TOLERANCE, admissible_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cascade.cascade import Cascade

_HOT, _COLD = 1.0, 1e-3  # temperatures, in mean differences between a task's models
_STRENGTH = 4.0  # of the penalty, in mean differences per mean difference of what is limited


def anneal(cascade: Cascade, rng: np.random.Generator, iterations: int) -> NDArray[np.int64] | None:
    """Return the best answer [n] within all limits that was visited, None if none was.

    Metropolis moves with geometric cooling (Kirkpatrick et al. 1983). The energy is the objective plus prices of the
    dollars above the budget, of the score missing to the mean-quality floor, and of tokens above the capacities, all
    linear.

    Parameters
    ----------
    cascade
        The instance; every task must have an admissible model.
    rng
        Source of randomness.
    iterations
        Moves tried.
    """
    pairs = admissible_pairs(cascade)
    value = 1.0 - cascade.quality if cascade.variant == "quality" else cascade.dollars
    unit = _spread(value, pairs)
    price = [_STRENGTH * unit / _spread(what, pairs) for what in (cascade.dollars, cascade.quality)]
    token_price = _STRENGTH * unit / max(1.0, float(cascade.tokens.mean()))
    models = [np.flatnonzero(column).tolist() for column in pairs.T]
    current = [int(found[int(np.argmin(value[found, i]))]) for i, found in enumerate(models)]
    n, least = cascade.n_tasks, cascade.mean_quality_floor * cascade.n_tasks
    values, dollars, scores = value.T.tolist(), cascade.dollars.T.tolist(), cascade.quality.T.tolist()
    tokens, capacity = cascade.tokens.tolist(), cascade.capacity.tolist()
    load = [0] * cascade.n_models
    for i, j in enumerate(current):
        load[j] += tokens[i]
    spent, score, total = (sum(part[i][j] for i, j in enumerate(current)) for part in (dollars, scores, values))
    over = sum(max(0, a - b) for a, b in zip(load, capacity, strict=True))

    def penalty(spent: float, score: float, over: int) -> float:
        return (
            price[0] * max(0.0, spent - cascade.budget_dollars)
            + price[1] * max(0.0, least - score)
            + token_price * over
        )

    cost = penalty(spent, score, over)
    best: list[int] | None = None
    best_total = math.inf
    tasks, draws, chances = rng.integers(0, n, iterations), rng.random(iterations), rng.random(iterations)
    for step in range(iterations):
        if (
            total < best_total
            and not over
            and spent <= cascade.budget_dollars * (1 + TOLERANCE)
            and score >= least - TOLERANCE
        ):
            best, best_total = current.copy(), total
        i = int(tasks[step])
        old, new = current[i], models[i][int(draws[step] * len(models[i]))]
        if new == old:
            continue
        change = values[i][new] - values[i][old]
        new_spent, new_score = spent + dollars[i][new] - dollars[i][old], score + scores[i][new] - scores[i][old]
        t = tokens[i]
        new_over = over + max(0, load[new] + t - capacity[new]) - max(0, load[new] - capacity[new])
        new_over += max(0, load[old] - t - capacity[old]) - max(0, load[old] - capacity[old])
        new_cost = penalty(new_spent, new_score, new_over)
        rise = change + new_cost - cost
        temperature = unit * _HOT * (_COLD / _HOT) ** (step / iterations)
        if rise <= 0 or chances[step] < math.exp(-rise / temperature):
            current[i] = new
            load[old] -= t
            load[new] += t
            spent, score, over, cost, total = new_spent, new_score, new_over, new_cost, total + change
    return None if best is None else np.array(best, np.int64)


def _spread(what: NDArray[np.float64], pairs: NDArray[np.bool_]) -> float:
    """Return the mean over tasks of the largest less the smallest admissible value, at least a tiny number."""
    high, low = np.where(pairs, what, -np.inf).max(axis=0), np.where(pairs, what, np.inf).min(axis=0)
    return max(float((high - low).mean()), 1e-12)
