"""The Lagrangian route to cascade routing with one limit: one multiplier, found by bisection between cuts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.cascade.choice import KnapsackChoice

_MOST_EVALUATIONS = 200
_FILLED_ENTRIES = 2_000_000  # entries looked at when room is filled, about 20 ms


@dataclass(frozen=True, eq=False)
class ScalarResult:
    """The result of the bisection.

    Attributes
    ----------
    model
        [n] the best choice found, within the limit; None if there is none.
    bound
        Greatest L(μ), a lower bound on Σ loss.
    multiplier
        Its μ, loss per unit of use.
    evaluations
        Number of μ evaluated.
    """

    model: NDArray[np.int64] | None = field(repr=False)
    bound: float
    multiplier: float
    evaluations: int


def price(choice: KnapsackChoice, multiplier: float) -> NDArray[np.int64]:
    """Return the model of least loss + μ·use of each task, [n]; the first of equals. O(M·n)."""

    def priced_row(j: int) -> NDArray[np.float64]:
        row: NDArray[np.float64] = choice.loss[j] + multiplier * choice.use[j] if multiplier else choice.loss[j].copy()
        return row  # 0 · infinity is not a number

    best = priced_row(0)
    model = np.zeros(choice.n_tasks, np.int64)
    for j in range(1, len(choice.loss)):
        priced = priced_row(j)
        better = priced < best
        np.copyto(best, priced, where=better)
        model[better] = j
    return model


def solve_scalar(choice: KnapsackChoice) -> ScalarResult:
    """Maximise L(μ) = Σ_i min_j (loss_ji + μ use_ji) − μ·limit over μ ≥ 0, and fill the room that is left.

    L is concave and piecewise linear. Two choices, one within the limit and one above it, are two of its cuts; the next
    μ is where they meet. It ends when no better cut exists there, which proves μ optimal (Everett 1963; the
    linear relaxation of the multiple-choice knapsack, Sinha and Zoltners 1979). The choice within the limit then gets
    the other one's models, and after that any improvement, as long as they fit.
    """
    above = price(choice, 0.0)
    loss_above, use_above = choice.totals(above)
    if choice.fits(use_above):
        return ScalarResult(above, loss_above, 0.0, 1)
    within = least_use(choice)
    loss_within, use_within = choice.totals(within)
    if not choice.fits(use_within):
        return ScalarResult(None, np.inf, np.inf, 2)
    bound, multiplier, evaluations = loss_above, 0.0, 2
    while evaluations < _MOST_EVALUATIONS:
        mu = (loss_within - loss_above) / (use_above - use_within)
        model = price(choice, mu)
        loss, use = choice.totals(model)
        evaluations += 1
        value = loss + mu * (use - choice.limit)
        if value > bound:
            bound, multiplier = value, mu
        if value >= (loss_within + mu * (use_within - choice.limit)) - 1e-12 * max(1.0, abs(value)):
            break
        if choice.fits(use):
            within, loss_within, use_within = model, loss, use
        else:
            above, loss_above, use_above = model, loss, use
    _join(choice, within, above)
    fill(choice, within)
    return ScalarResult(within, bound, multiplier, evaluations)


def fill(choice: KnapsackChoice, model: NDArray[np.int64]) -> None:
    """Improve a choice within the limit: the task and model of greatest gain that fits, again and again."""
    each = np.arange(choice.n_tasks)
    for _ in range(max(2, _FILLED_ENTRIES // choice.loss.size)):
        room = choice.limit * (1 + 1e-12) - float(choice.use[model, each].sum())
        gain = choice.loss[model, each] - choice.loss
        gain[choice.use - choice.use[model, each] > room] = 0.0
        best = int(np.argmax(gain))
        if gain.flat[best] <= 1e-12:
            return
        j, i = divmod(best, choice.n_tasks)
        model[i] = j


def least_use(choice: KnapsackChoice) -> NDArray[np.int64]:
    """Return each task's model of least use; of equals that of least loss."""
    least = choice.use.min(axis=0)
    model: NDArray[np.int64] = np.where(choice.use == least, choice.loss, np.inf).argmin(axis=0)
    return model


def _join(choice: KnapsackChoice, within: NDArray[np.int64], above: NDArray[np.int64]) -> None:
    """Give tasks the models of the choice above the limit where this gains and fits, the best gain per use first."""
    i = np.flatnonzero(within != above)
    more = choice.use[above[i], i] - choice.use[within[i], i]
    gain = choice.loss[within[i], i] - choice.loss[above[i], i]
    useful = gain > 0
    i, more, gain = i[useful], more[useful], gain[useful]
    order = np.argsort(-gain / np.maximum(more, 1e-300), kind="stable")
    room = choice.limit - choice.totals(within)[1]
    for k in order:
        if more[k] <= room:
            within[i[k]] = above[i[k]]
            room -= more[k]
