"""An answer to cascade routing: a model for each task, its totals and its faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import SolutionError
from lagrl.printable import shown
from lagrl.problems.cascade.admissible import TOLERANCE, misses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cascade.cascade import Cascade


@dataclass(frozen=True, eq=False)
class Routing:
    """A model for each task.

    Attributes
    ----------
    cascade
        The instance.
    model
        [n] int64, index of the model of each task.

    Raises
    ------
    SolutionError
        If there is not one existing model for each task.
    """

    cascade: Cascade = field(repr=False)
    model: NDArray[np.int64] = field(repr=False)

    def __post_init__(self) -> None:
        right = self.model.shape == (self.cascade.n_tasks,) and np.issubdtype(self.model.dtype, np.integer)
        if not right or self.model.min() < 0 or self.model.max() >= self.cascade.n_models:
            remedy = f"give {self.cascade.n_tasks} indices of 0 … {self.cascade.n_models - 1}"
            raise SolutionError(f"array {self.model.shape}", field="model", remedy=remedy)

    @property
    def dollars(self) -> float:
        """Cost of all tasks, dollars."""
        return float(self.cascade.dollars[self.model, np.arange(len(self.model))].sum())

    @property
    def mean_quality(self) -> float:
        """Mean score of the tasks, 0 … 1."""
        return float(self.cascade.quality[self.model, np.arange(len(self.model))].mean())

    @property
    def load(self) -> NDArray[np.int64]:
        """[M] tokens of each model."""
        load = np.zeros(self.cascade.n_models, np.int64)
        np.add.at(load, self.model, self.cascade.tokens)
        return load

    @property
    def objective(self) -> float:
        """What the variant minimises: dollars, or for `quality` the sum of 1 − q."""
        if self.cascade.variant == "quality":
            return self.cascade.n_tasks * (1.0 - self.mean_quality)
        return self.dollars

    def faults(self) -> list[str]:
        """Return what is wrong with the answer, one line per task or limit; empty if it solves the instance."""
        cascade, each = self.cascade, np.arange(len(self.model))
        found = [
            f"task {shown(cascade.tasks[i])}: {shown(cascade.models[self.model[i]].name)} misses {name} by "
            f"{miss[self.model[i], i]:.6g}"
            for name, miss in misses(cascade).items()
            for i in np.flatnonzero(miss[self.model, each])
        ]
        if self.dollars > cascade.budget_dollars * (1 + TOLERANCE):
            found.append(f"costs {self.dollars:.6g} dollars, above the budget of {cascade.budget_dollars:g}")
        if self.mean_quality < cascade.mean_quality_floor * (1 - TOLERANCE):
            found.append(f"mean quality {self.mean_quality:.6g}, below the floor of {cascade.mean_quality_floor:g}")
        found += [
            f"{shown(cascade.models[j].name)} has {self.load[j]} tokens, above its capacity of {cascade.capacity[j]}"
            for j in np.flatnonzero(self.load > cascade.capacity)
        ]
        return found
