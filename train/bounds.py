"""Prices of generated instances compared with the bounds of the multipliers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from envs.generator import draw_instance
from lagrl.relaxation.linear_dual import linear_dual
from lagrl.relaxation.linearise import linearise, vehicles_to_try
from lagrl.relaxation.seeding import SEEDINGS

if TYPE_CHECKING:
    from envs.config import EnvConfig

_STREAM = 0x424F554E  # "BOUN": separates these random streams from those of training
_INSTANCES = 64


def share_beyond(env: EnvConfig, seed: int) -> float:
    """Return the share of 64 generated instances with a price of the linear relaxation beyond the bounds.

    Parameters
    ----------
    env
        Configuration of the episodes, with bounds.
    seed
        Equal seeds give equal instances.
    """
    assert env.bounds is not None
    low, high = env.bounds
    beyond = 0
    for index in range(_INSTANCES):
        rng = np.random.default_rng([_STREAM, seed, index])
        problem = draw_instance(rng, env.n_customers)
        seeds = SEEDINGS[env.seedings[index % len(env.seedings)]](problem, vehicles_to_try(problem), rng)
        prices = linear_dual(linearise(problem, seeds)).multipliers
        beyond += bool(prices.min() < low or prices.max() > high)
    return beyond / _INSTANCES


def beyond_bounds(env: EnvConfig, seed: int) -> str:
    """Return a line for the user about the instances whose prices the bounds cut off; see `share_beyond`."""
    assert env.bounds is not None
    low, high = env.bounds
    return (
        f"multipliers stay within {low:g} and {high:g}; {share_beyond(env, seed):.0%} of the generated instances have "
        "prices of the linear relaxation beyond"
    )
