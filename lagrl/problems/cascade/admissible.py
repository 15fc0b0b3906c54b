"""Presolve of cascade routing: which pairs of a model and a task are admissible, and proofs of infeasibility."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InstanceError
from lagrl.printable import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lagrl.problems.cascade.cascade import Cascade

TOLERANCE = 1e-9  # relative, of sums of dollars and scores
_MOST_MODELS = 20  # sets of models that are enumerated: 2^20


@dataclass(frozen=True)
class Obstacle:
    """A proof that an instance has no solution.

    Attributes
    ----------
    place
        Task or limit.
    constraint
        Constraint that cannot be met: `quality_floor`, `latency_limit_ms`, `context_tokens`, `capacity_tokens`,
        `budget_dollars`, `mean_quality_floor`, or several of them with `+`.
    shortfall
        By how much it is missed at least, in the constraint's unit; for several, that of the first.
    text
        The proof in words.
    remedy
        What would remove it.
    """

    place: str
    constraint: str
    shortfall: float
    text: str
    remedy: str


def misses(cascade: Cascade) -> dict[str, NDArray[np.float64]]:
    """Return by how much each pair misses each constraint of its own, [M, n] (0 where it is met), by constraint.

    The unit is the constraint's. A task heavier than a model's capacity misses `capacity_tokens`.
    """
    latency = np.array([model.latency_ms for model in cascade.models])[:, None]
    largest = np.iinfo(np.int64).max
    context = np.array([m.context_tokens or largest for m in cascade.models], np.int64)[:, None]
    short = {
        "quality_floor": cascade.quality_floor - cascade.quality,
        "latency_limit_ms": latency - cascade.latency_limit_ms,
        "context_tokens": np.where(cascade.context > context, cascade.context - context, 0),
        "capacity_tokens": cascade.tokens - cascade.capacity[:, None],
    }
    return {name: np.where(miss > TOLERANCE, miss, 0.0).astype(np.float64) for name, miss in short.items()}


def admissible_pairs(cascade: Cascade) -> NDArray[np.bool_]:
    """Return which pairs may be used, [M, n]; the others are presolved away."""
    pairs = np.ones((cascade.n_models, cascade.n_tasks), dtype=bool)
    for miss in misses(cascade).values():
        pairs &= miss == 0.0
    return pairs


def obstacles(cascade: Cascade) -> list[Obstacle]:
    """Return proofs that the instance has no solution; none does not prove that it has one.

    Each task alone is decided exactly, and so are a budget or a floor of the mean quality alone. Capacities are
    decided for tasks that may be split between models (Hall's condition, over all sets of at most 20 models).
    """
    pairs = admissible_pairs(cascade)
    found = list(_without_model(cascade, pairs))
    with_model = pairs.any(axis=0)
    cheapest = float(np.where(pairs, cascade.dollars, np.inf).min(axis=0)[with_model].sum())
    if cheapest > cascade.budget_dollars * (1 + TOLERANCE):
        miss = cheapest - cascade.budget_dollars
        text = f"{cascade.budget_dollars:g} given, but the cheapest admissible assignment costs {cheapest:.6g}"
        found.append(Obstacle("budget", "budget_dollars", miss, f"{text}: {miss:.6g} short", "raise it"))
    best = float(np.where(pairs, cascade.quality, -np.inf).max(axis=0)[with_model].sum() + (~with_model).sum())
    if best < cascade.mean_quality_floor * cascade.n_tasks * (1 - TOLERANCE):
        miss = cascade.mean_quality_floor - best / cascade.n_tasks
        text = f"{cascade.mean_quality_floor:g} given, but the best admissible mean is {best / cascade.n_tasks:.6g}"
        found.append(Obstacle("mean quality", "mean_quality_floor", miss, f"{text}: {miss:.6g} short", "lower it"))
    if cascade.variant == "capacitated":
        found += _overfull(cascade, pairs)
    return found


def require_feasible(cascade: Cascade, source: str | None = None) -> None:
    """Refuse an instance that is proven to have no solution.

    Raises
    ------
    InstanceError
        With the proof: which task, which constraint, by how much.
    """
    found = obstacles(cascade)
    if not found:
        return
    first = found[0]
    more = f"; {len(found) - 1} more such obstacles" if len(found) > 1 else ""
    raise InstanceError(f"{first.text}{more}", source=source, field=first.place, remedy=first.remedy)


def _without_model(cascade: Cascade, pairs: NDArray[np.bool_]) -> Iterator[Obstacle]:
    """Yield a proof for each task that no model may answer."""
    lacking = np.flatnonzero(~pairs.any(axis=0))
    short = misses(cascade) if len(lacking) else {}
    names = list(short)
    for i in map(int, lacking):
        miss = np.array([short[name][:, i] for name in names])  # [constraints, M]
        alone = [c for c in range(len(names)) if (miss[c] > 0).all()]
        if alone:
            c, j = alone[0], int(miss[alone[0]].argmin())
            broken = [c]
        else:
            j = int((miss > 0).sum(axis=0).argmin())
            broken = [c for c in range(len(names)) if miss[c, j] > 0]
        model = shown(cascade.models[j].name)
        parts = " and ".join(f"{_limit(cascade, names[c], i)} by {miss[c, j]:.6g}" for c in broken)
        yield Obstacle(
            f"task {shown(cascade.tasks[i])}",
            "+".join(names[c] for c in broken),
            float(miss[broken[0], j]),
            f"no model is admissible: the closest, {model}, misses {parts}",
            "relax the limit, or add a model",
        )


def _limit(cascade: Cascade, constraint: str, i: int) -> str:
    value = {
        "quality_floor": cascade.quality_floor,
        "latency_limit_ms": cascade.latency_limit_ms,
        "context_tokens": cascade.context,
        "capacity_tokens": cascade.tokens,
    }[constraint][i]
    words = {"context_tokens": "the context of", "capacity_tokens": "the capacity for"}.get(constraint, constraint)
    return f"{words} {value:g}{' tokens' if 'tokens' in constraint else ''}"


def _overfull(cascade: Cascade, pairs: NDArray[np.bool_]) -> Iterator[Obstacle]:
    """Yield the set of models that lacks most room for the tasks which only they may answer, if there is one."""
    m = cascade.n_models
    capacity, tokens = cascade.capacity, cascade.tokens
    if m > _MOST_MODELS:
        sets = [np.ones(m, dtype=bool), *np.eye(m, dtype=bool)]
        load = [float(tokens[~pairs[~chosen].any(axis=0) & pairs.any(axis=0)].sum()) for chosen in sets]
        room = [float(capacity[chosen].sum()) for chosen in sets]
        members = [np.flatnonzero(chosen) for chosen in sets]
        worst = int(np.argmax(np.array(load) - room))
        chosen_load, chosen_room, chosen_models = load[worst], room[worst], members[worst]
    else:
        bit = 1 << np.arange(m)
        masks = (pairs * bit[:, None]).sum(axis=0)
        loads = np.bincount(masks[masks > 0], weights=tokens[masks > 0], minlength=1 << m)
        rooms = np.zeros(1 << m)
        for j in range(m):  # sums over all subsets
            view, into = loads.reshape(-1, 2, 1 << j), rooms.reshape(-1, 2, 1 << j)
            view[:, 1] += view[:, 0]
            into[:, 1] += capacity[j]
        best = int(np.argmax(loads - rooms))
        chosen_load, chosen_room = float(loads[best]), float(rooms[best])
        chosen_models = np.flatnonzero(best & bit)
    if chosen_load > chosen_room:
        names = ", ".join(shown(cascade.models[j].name) for j in chosen_models)
        miss = chosen_load - chosen_room
        text = f"tasks that only {names} may answer have {chosen_load:.0f} tokens, {miss:.0f} more than their capacity"
        yield Obstacle("models", "capacity_tokens", miss, text, "raise capacity_tokens, or relax the tasks' limits")
