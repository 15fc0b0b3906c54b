"""How an action moves the multipliers of a route dual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from envs.action import ActionConfig
from lagrl.bounds.route_policy import FREE_STEP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.bounds.ascent_memory import AscentMemory

_FLEET_STEP = 0.05  # mean units along the fleet's violation

ROUTE_ACTION = ActionConfig(base_step=0.03, decades=1.0, reach=FREE_STEP)
"""Actions of the preset `routes`; zero actions are the equal steps that close most of the gap in ten evaluations."""


def next_route_multipliers(
    action: NDArray[np.floating[Any]], memory: AscentMemory, config: ActionConfig
) -> NDArray[np.float64]:
    """Return the multipliers [n + 1] that an action leads to, distance units, not yet clipped to the dual's bounds.

    With u_i the customer's unit (`RouteFeatures`), ḡ the mean of the violations and s the mean unit,

        diagonal:   λ_i ← λ_i + u_i·D₀·10^(c·a_i)·asinh ḡ_i
        direction:  λ_i ← λ_i + u_i·r·a_i

    and in both modes the fleet's multiplier moves by the subgradient step 0.05·s·ḡ_fleet.

    Parameters
    ----------
    action
        [n] in [−1, 1], one number per customer.
    memory
        The ascent so far.
    config
        The mode and its constants; steps are in units of u_i.
    """
    unit, direction = memory.features.unit, memory.direction
    bounded = np.clip(action.astype(np.float64), -1.0, 1.0)
    if config.mode == "direction":
        step = config.reach * bounded
    else:
        step = config.base_step * np.power(10.0, config.decades * bounded) * np.arcsinh(direction[:-1])
    fleet = _FLEET_STEP * memory.features.scale * direction[-1]
    following: NDArray[np.float64] = memory.multipliers + np.append(unit * step, fleet)
    return following
