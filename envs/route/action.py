"""How an action moves the multipliers of a route dual."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.action import MOMENTUM, ActionConfig
from lagrl.bounds.route_policy import FLEET_STEP, FREE_STEP, RETURN_BIAS, STEP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.bounds.ascent_memory import AscentMemory

_FLEET_STEP = 0.05  # mean units along the fleet's violation

ROUTE_ACTION = ActionConfig(base_step=0.03, decades=1.0, reach=FREE_STEP)
"""Actions of the preset `routes`; zero actions are the equal steps that close most of the gap in ten evaluations."""

POLICY_ACTION = ActionConfig(mode=MOMENTUM, base_step=STEP, decades=2.0 / math.log(10.0), reach=FREE_STEP)
"""Actions that the steps of a route policy are, see `policy_action`."""


def next_route_multipliers(
    action: NDArray[np.floating[Any]], memory: AscentMemory, config: ActionConfig
) -> NDArray[np.float64]:
    """Return the multipliers [n + 1] that an action leads to, distance units, not yet clipped to the dual's bounds.

    With u_i the customer's unit (`RouteFeatures`), ḡ the mean of the violations and s the mean unit,

        diagonal:           λ_i ← λ_i + u_i·D₀·10^(c·a_i)·asinh ḡ_i
        direction:          λ_i ← λ_i + u_i·r·a_i
        diagonal+momentum:  λ_i ← λ_i + u_i·(D₀·10^(c·a_i)·asinh ḡ_i + r·b_i) + max(ρ, 0)·(λ_best,i − λ_i)

    The mean of the violations is what the momentum of a subgradient method follows; ρ is the share of the way back to
    the best point. The fleet's multiplier σ moves by the subgradient step 0.05·s·ḡ_fleet, with `diagonal+momentum` by
    0.02·q·10^(c·f)·asinh ḡ_fleet + max(ρ, 0)·(σ_best − σ), where q is the route unit.

    Parameters
    ----------
    action
        Numbers in [−1, 1]: a [n]; with `diagonal+momentum` [n + 1, 2], the rows (a_i, b_i) and last (ρ, f).
    memory
        The ascent so far.
    config
        The mode and its constants; steps are in units of u_i.
    """
    unit, direction = memory.features.unit, memory.direction
    bounded = np.clip(action.astype(np.float64), -1.0, 1.0)
    back, fleet = 0.0, _FLEET_STEP * memory.features.scale * direction[-1]
    natural = config.base_step * np.arcsinh(direction[:-1])
    if config.mode == "direction":
        step = config.reach * bounded
    elif config.mode == "diagonal":
        step = np.power(10.0, config.decades * bounded) * natural
    else:
        (length, free), (back, speed) = bounded[:-1].T, bounded[-1]
        step = np.power(10.0, config.decades * length) * natural + config.reach * free
        natural_fleet = FLEET_STEP * memory.features.route_unit * np.arcsinh(direction[-1])
        fleet = np.power(10.0, config.decades * speed) * natural_fleet
    home = max(float(back), 0.0) * (memory.best - memory.multipliers)
    following: NDArray[np.float64] = memory.multipliers + np.append(unit * step, fleet) + home
    return following


def policy_action(own: NDArray[np.float64], of_all: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the action [n + 1, 2] under `POLICY_ACTION` that is a route policy's own step.

    Parameters
    ----------
    own, of_all
        [n, 2] and [2] numbers of its network, see `RoutePolicy.numbers`.
    """
    back = 1.0 / (1.0 + np.exp(-of_all[0] - RETURN_BIAS))
    return np.vstack([np.tanh(own), [back, np.tanh(of_all[1])]])
