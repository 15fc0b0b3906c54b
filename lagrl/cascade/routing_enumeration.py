"""Cascade routing by enumeration of all admissible answers, for small instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.problems.cascade.admissible import TOLERANCE, admissible_pairs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cascade.cascade import Cascade

MOST_ANSWERS = 2_000_000


def enumerate_routings(cascade: Cascade) -> tuple[NDArray[np.int64] | None, float]:
    """Return the best answer [n], None if there is none, and its objective (infinite without one).

    Raises
    ------
    InputError
        If there are more than 2,000,000 admissible answers.
    """
    choices = [np.flatnonzero(column) for column in admissible_pairs(cascade).T]
    count = float(np.prod([float(len(models)) for models in choices]))
    if count > MOST_ANSWERS:
        raise InputError(f"{count:.3g} answers", field="--method enumerate", remedy=f"at most {MOST_ANSWERS}")
    if not count:
        return None, np.inf
    value = 1.0 - cascade.quality if cascade.variant == "quality" else cascade.dollars
    sums = np.zeros((3, 1))  # objective, dollars, score
    loads = np.zeros((cascade.n_models, 1), np.int64)
    for i, models in enumerate(choices):  # answers over the first tasks, times this one's models
        added = np.array([value[models, i], cascade.dollars[models, i], cascade.quality[models, i]])
        sums = (sums[:, :, None] + added[:, None, :]).reshape(3, -1)
        own = np.zeros((cascade.n_models, len(models)), np.int64)
        own[models, np.arange(len(models))] = cascade.tokens[i]
        loads = (loads[:, :, None] + own[:, None, :]).reshape(cascade.n_models, -1)
    fits = (sums[1] <= cascade.budget_dollars * (1 + TOLERANCE)) & (loads <= cascade.capacity[:, None]).all(axis=0)
    fits &= sums[2] >= cascade.mean_quality_floor * cascade.n_tasks * (1 - TOLERANCE)
    objective = np.where(fits, sums[0], np.inf)
    best = int(objective.argmin())
    if not fits[best]:
        return None, np.inf
    places = np.unravel_index(best, [len(models) for models in choices])
    answer = np.array([models[place] for models, place in zip(choices, places, strict=True)], np.int64)
    return answer, float(objective[best])
