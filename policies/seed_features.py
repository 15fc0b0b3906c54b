"""What a network sees of seedings before any evaluation: their linear relaxations, rounded to routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from envs.observation import nearest_neighbours
from lagrl.recovery.rounding import round_relaxation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP
    from lagrl.recovery.rounding import RoundedRelaxation
    from lagrl.relaxation.seeding import Seeds

SEED_FEATURES: tuple[str, ...] = (
    "detour",  # log(1 + cost on its vehicle/s)
    "regret",  # log(1 + (second − first of its costs with the capacities' prices)/s)
    "multiplier",  # asinh(price of the customer/s)
    "room_price",  # log(1 + price of its share of the capacity/s)
    "seed_distance",  # log(1 + distance to its vehicle's seed/s)
    "nearest_seed",  # log(1 + distance to the nearest seed/s)
    "outward",  # asinh((distance of its vehicle's seed from the depot − its own)/s)
    "depot_distance",  # log(1 + c(0, i)/s)
    "nearest",  # log(1 + distance to the nearest customer/s)
    "demand",  # d/Q
    "load",  # load of its vehicle/Q
    "vehicle_customers",  # log(customers of its vehicle/mean number)
    "is_moved",  # whether its cheapest vehicle had no room
    "neighbours_elsewhere",  # share of its nearest customers that are on other vehicles
    "customers_per_vehicle",  # log(n/K)
    "tightness",  # Σd/(KQ)
)
"""Names of the features of a customer; s is the mean of the seedings' estimates per customer, distance units."""

SEEDING_NUMBERS: tuple[str, ...] = ("rounded", "estimate", "relaxation", "left")
"""Names of a seeding's own numbers: log(1 + percent above the lowest) of the routes and of the estimate, difference of
the relaxation's value from the mean, in tenths of the estimate, and share of customers without a vehicle."""


def observe_seedings(
    problem: CVRP, seedings: Sequence[Seeds]
) -> tuple[dict[str, NDArray[Any]], list[RoundedRelaxation]]:
    """Return the observation of C seedings of one instance, each a graph with one set of all customers.

    Returns
    -------
    `nodes` [C, n, F] float32, `node_mask` [C, n], `neighbours` [C, n, 5], `sets` [C, 1, n] and `own` [C, 1, Y], see
    `ChoiceNetwork`; and the rounded relaxations.
    """
    rounded = [round_relaxation(problem, seeds) for seeds in seedings]
    count, n = len(seedings), problem.n_customers
    estimate = np.array([one.estimate for one in rounded])
    scale = max(float(estimate.mean()) / n, np.finfo(np.float64).tiny)
    near = nearest_neighbours(problem)
    nodes = np.stack([_features(problem, *pair, near, scale) for pair in zip(seedings, rounded, strict=True)])
    cost, value = np.array([one.cost for one in rounded]), np.array([one.dual.value for one in rounded])
    numbers = [
        np.log1p(100.0 * (cost / cost.min() - 1.0)),
        np.log1p(100.0 * (estimate / estimate.min() - 1.0)),
        10.0 * (value - value.mean()) / estimate.mean(),
        [(one.vehicle < 0).mean() for one in rounded],
    ]
    observation: dict[str, NDArray[Any]] = {
        "nodes": nodes,
        "node_mask": np.ones((count, n), np.int8),
        "neighbours": np.broadcast_to(near, (count, *near.shape)).copy(),
        "sets": np.ones((count, 1, n), np.int8),
        "own": np.stack(numbers, axis=1).astype(np.float32)[:, None, :],
    }
    return observation, rounded


def _features(
    problem: CVRP, seeds: Seeds, rounded: RoundedRelaxation, near: NDArray[np.int16], scale: float
) -> NDArray[np.float32]:
    """Return the features [n, F] of one seeding."""
    n, n_vehicles = problem.n_customers, seeds.n_vehicles
    everybody, depot = np.arange(n), problem.distance[0, 1:]
    price, share = rounded.dual.capacity_price, problem.demand / problem.capacity
    priced = rounded.assignment.cost + price[:, None] * problem.demand
    first = priced.argmin(axis=0)
    regret = np.partition(priced, 1, axis=0)[1] - priced.min(axis=0) if n_vehicles > 1 else np.zeros(n)
    vehicle = np.where(rounded.vehicle < 0, first, rounded.vehicle)
    load, count = np.bincount(vehicle, share, n_vehicles), np.bincount(vehicle, minlength=n_vehicles)
    to_seed = seeds.distance[vehicle, everybody + 1]
    rows = [
        np.log1p(rounded.assignment.cost[vehicle, everybody] / scale),
        np.log1p(regret / scale),
        np.arcsinh(rounded.dual.multipliers / scale),
        np.log1p(np.maximum(price[vehicle] * problem.demand, 0.0) / scale),
        np.log1p(to_seed / scale),
        np.log1p(seeds.distance[:, 1:].min(axis=0) / scale),
        np.arcsinh((seeds.distance[vehicle, 0] - depot) / scale),
        np.log1p(depot / scale),
        np.log1p(problem.distance[everybody + 1, near[:, 0].astype(np.int64) + 1] / scale),
        share,
        load[vehicle],
        np.log(count[vehicle] * n_vehicles / n),
        vehicle != first,
        (vehicle[near.astype(np.int64)] != vehicle[:, None]).mean(axis=1),
        np.full(n, np.log(n / n_vehicles)),
        np.full(n, share.sum() / n_vehicles),
    ]
    return np.stack(rows, axis=1).astype(np.float32)
