"""Greedy by incremental efficiency on each task's undominated models, and a fixed quality threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.cascade.choice import KnapsackChoice

_MOST_TRIED = 20_000  # upgrades tried one by one after the first that does not fit


def undominated_upgrades(
    choice: KnapsackChoice, model: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the upgrades from [n] models of least use along each task's lower convex hull of loss over use.

    A model is skipped if another is no worse in both, or a mix of two others is (linear dominance). The upgrades of a
    task have falling efficiency. O(M²·n).

    Returns
    -------
    [U] tasks, models, gains in loss and additional use, task by task in order of falling efficiency.
    """
    each = np.arange(choice.n_tasks)
    current = model.copy()
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]] = []
    for _ in range(len(choice.loss) - 1):
        best, chosen = np.zeros(choice.n_tasks), np.full(choice.n_tasks, -1)
        loss, use = choice.loss[current, each], choice.use[current, each]
        for j in range(len(choice.loss)):
            more = choice.use[j] - use
            steps = (more > 0) & (choice.loss[j] < loss)
            efficiency = np.zeros(choice.n_tasks)
            np.divide(loss - choice.loss[j], more, out=efficiency, where=steps)
            better = (efficiency > best) | ((efficiency == best) & steps & (chosen < 0))
            best[better], chosen[better] = efficiency[better], j
        i = np.flatnonzero(chosen >= 0)
        if not len(i):
            break
        to = chosen[i]
        found.append((i, to, loss[i] - choice.loss[to, i], choice.use[to, i] - use[i]))
        current[i] = to
    if not found:
        none = np.zeros(0, np.int64)
        return none, none, np.zeros(0), np.zeros(0)
    tasks, models, gains, uses = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return tasks, models, gains, uses


def greedy(choice: KnapsackChoice) -> tuple[NDArray[np.int64] | None, float]:
    """Return the greedy choice [n] and the linear relaxation's value, a lower bound on Σ loss.

    Starting from each task's model of least use, upgrades are taken in order of efficiency (Sinha and Zoltners 1979);
    the first that does not fit gives the bound (Dyer 1984, Zemel 1984), and later ones are taken if they fit and their
    task's earlier ones were taken. None if no choice is within the limit.
    """
    least = choice.use.min(axis=0)
    model: NDArray[np.int64] = np.where(choice.use == least, choice.loss, np.inf).argmin(axis=0)
    loss, used = choice.totals(model)
    if not choice.fits(used):
        return None, np.inf
    if np.isinf(choice.limit):
        model = choice.loss.argmin(axis=0)
        return model, choice.totals(model)[0]
    tasks, models, gains, uses = undominated_upgrades(choice, model)
    order = np.argsort(-gains / uses, kind="stable")
    total = used + np.cumsum(uses[order])
    taken = int(np.searchsorted(total, choice.limit * (1 + 1e-12), side="right"))
    first = order[:taken]
    model[tasks[first]] = models[first]  # later upgrades of a task come later, and stay
    bound = loss - float(gains[first].sum())
    if taken == len(order):
        return model, bound
    room = choice.limit - (float(total[taken - 1]) if taken else used)
    split = order[taken]
    bound -= float(gains[split] / uses[split]) * max(0.0, room)
    blocked = set()
    for k in order[taken : taken + _MOST_TRIED]:
        task = int(tasks[k])
        if task in blocked or uses[k] > room:
            blocked.add(task)
            continue
        model[task] = models[k]
        room -= float(uses[k])
    return model, bound


def threshold(
    quality: NDArray[np.float64], dollars: NDArray[np.float64], budget: float, floor: float
) -> NDArray[np.int64] | None:
    """Return the rule of one threshold τ, [n]: each task's cheapest model whose score is at least τ, else its best.

    τ is the highest whose cost is within the budget, or, under a floor of the mean quality, the lowest that reaches
    it. None if no τ does.

    Parameters
    ----------
    quality, dollars
        [M, n] scores and costs; infinite dollars for pairs that are not admissible.
    budget, floor
        Limit in dollars, and floor of the mean quality (0: none).
    """
    usable = np.isfinite(dollars)
    scores = np.where(usable, quality, -1.0)
    best = np.where(scores == scores.max(axis=0), dollars, np.inf).argmin(axis=0)
    each = np.arange(quality.shape[1])

    def at(tau: float) -> NDArray[np.int64]:
        priced = np.where(scores >= tau, dollars, np.inf)
        reaches = np.isfinite(priced).any(axis=0)
        model: NDArray[np.int64] = np.where(reaches, priced.argmin(axis=0), best)
        return model

    candidates = np.unique(scores[usable])
    low, high, found = 0, len(candidates) - 1, None
    while low <= high:
        middle = (low + high) // 2
        model = at(candidates[middle])
        if floor:
            reached = float(quality[model, each].mean()) >= floor
            found = model if reached else found
            low, high = (low, middle - 1) if reached else (middle + 1, high)
        else:
            reached = float(dollars[model, each].sum()) <= budget * (1 + 1e-9)
            found = model if reached else found
            low, high = (middle + 1, high) if reached else (low, middle - 1)
    return found
