"""A dual and points written by hand, for steps that are worked out on paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lagrl.relaxation.dual import DualPoint


@dataclass
class HandmadeDual:
    """Says how large multipliers are, and refuses to be evaluated, which is not for controllers."""

    n_multipliers: int
    scale: float = 10.0

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Bounds far from the maximiser."""
        return np.full(self.n_multipliers, -1e9), np.full(self.n_multipliers, 1e9)

    def evaluate(self, multipliers: np.ndarray) -> DualPoint:
        """Fail: every evaluation is the loop's."""
        raise AssertionError("a controller evaluated the dual by itself")


def point_at(multipliers: list[float], value: float, violation: list[float], *, is_exact: bool = True) -> DualPoint:
    """Return a point of this value and supergradient; only the sampled value is known unless it is exact."""
    n = len(multipliers)
    return DualPoint(
        np.array(multipliers, dtype=np.float64),
        value if is_exact else None,
        value,
        np.zeros((1, n), np.uint8),
        np.array(violation, dtype=np.float64),
        np.zeros(1),
    )
