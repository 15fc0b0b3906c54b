"""The result of a method: a placement, its emissions, and a proven bound."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PlacementResult:
    """A placement, and what is known about it.

    Attributes
    ----------
    placement
        [T, N] int64 device indices.
    emissions_g
        Its emissions, gCO2e.
    lower_bound_g
        No placement within the limits has less, gCO2e; None if the method proves none.
    seconds
        Wall-clock time of the method, compilation excluded.
    evaluations
        Evaluations of the dual, or of placements by a heuristic.
    """

    placement: NDArray[np.int64] = field(repr=False)
    emissions_g: float
    lower_bound_g: float | None
    seconds: float
    evaluations: int = 0

    @property
    def gap_percent(self) -> float | None:
        """Largest possible excess over the optimum, %."""
        if self.lower_bound_g is None or self.emissions_g <= 0:
            return None
        return max(0.0, 100.0 * (self.emissions_g - self.lower_bound_g) / self.emissions_g)
