"""The answer of a method to an instance of cascade routing, with its proof."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from lagrl.problems.cascade.routing import Routing
    from lagrl.relaxation.sampler import SamplingCost


@dataclass(frozen=True, eq=False)
class CascadeAnswer:
    """What a method found.

    Attributes
    ----------
    method
        Its name.
    routing
        The answer; None if the method found none within the limits.
    bound
        Lower bound on the objective (dollars, or for `quality` the sum of 1 − q); None if the method proves nothing.
    seconds
        Wall-clock seconds.
    evaluations
        Evaluations of a dual function; 0 without one.
    sampling
        Resources of a sampler or of circuits; None without one.
    """

    method: str
    routing: Routing | None = field(repr=False)
    bound: float | None
    seconds: float
    evaluations: int = 0
    sampling: SamplingCost | None = None

    @property
    def gap_percent(self) -> float | None:
        """Proven gap in % of the dollars, or for `quality` of the sum of the scores; None without a proof."""
        if self.routing is None or self.bound is None or not np.isfinite(self.bound):
            return None
        miss = max(0.0, self.routing.objective - self.bound)
        if self.routing.cascade.variant == "quality":
            whole = self.routing.cascade.n_tasks * self.routing.mean_quality
        else:
            whole = self.routing.objective
        return 100.0 * miss / whole if whole else (0.0 if miss == 0 else None)

    def record(self) -> dict[str, Any]:
        """Return the answer as plain JSON values; the models by task."""
        found: dict[str, Any] = {
            "method": self.method,
            "seconds": round(self.seconds, 6),
            "bound": None if self.bound is None or not np.isfinite(self.bound) else self.bound,
            "gap_percent": self.gap_percent,
            "evaluations": self.evaluations,
        }
        if self.routing is None:
            return {**found, "models": None}
        cascade = self.routing.cascade
        names = [model.name for model in cascade.models]
        return {
            "instance": cascade.name,
            "variant": cascade.variant,
            **found,
            "dollars": self.routing.dollars,
            "mean_quality": self.routing.mean_quality,
            "tokens_by_model": dict(zip(names, self.routing.load.tolist(), strict=True)),
            "models": {task: names[j] for task, j in zip(cascade.tasks, self.routing.model, strict=True)},
        }
