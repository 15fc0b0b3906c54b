"""Features of an assignment problem for networks that predict its multipliers; from costs, demands and prices alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.assignment import AssignmentProblem

FEATURES_VERSION = 1
N_NEAREST = 10
"""Number of nearest other customers that a customer attends to."""

_FEW = 3  # cheapest vehicles of a customer that it sees
_LEAST_UNIT = 0.1  # of a first multiplier in the unit, as a share of the scale

NODE_FEATURES = (
    "start",
    "unit",
    *(f"cost_{k + 1}" for k in range(_FEW)),
    "regret",
    *(f"reduced_cost_{k + 1}" for k in range(_FEW)),
    "vehicles_at_zero",
    "demand",
    "demand_ratio",
    "capacity_cost",
    "capacity_price",
    "load",
    "apart",
    "n_customers",
    "customers_per_vehicle",
    "n_vehicles",
    "tightness",
    "room",
    "demand_mean",
    "demand_spread",
    "demand_largest",
    "capacity_price_mean",
    "start_spread",
    "cost_mean",
)
"""Names of the features of a customer; those from `n_customers` on are the same for all customers."""

EDGE_FEATURES = ("distance", "demand", "start", "shares_vehicle", "rank")
"""Names of the features of the arc from a customer to one of its nearest."""


@dataclass(frozen=True, eq=False)
class AssignmentFeatures:
    """What a network sees of an assignment problem, and of the multipliers λ⁰ from which it starts.

    Every number is without unit: costs are divided by s, the larger of the means of λ⁰ and of the cheapest costs. The
    order of the vehicles changes nothing, and neither coordinates nor distances are used.

    Attributes
    ----------
    nodes
        [n, `NODE_FEATURES`] float32.
    edges
        [n, k, `EDGE_FEATURES`] float32; k is `N_NEAREST` or what is given, or n − 1 if that is less.
    nearest
        [n, k] the customers whose costs on the vehicles are nearest (Euclidean distance), nearest first.
    unit
        [n] distance units: √(s·max(λ⁰_i, s/10)).
    first
        [n] λ⁰, distance units.
    """

    nodes: NDArray[np.float32] = field(repr=False)
    edges: NDArray[np.float32] = field(repr=False)
    nearest: NDArray[np.int64] = field(repr=False)
    unit: NDArray[np.float64] = field(repr=False)
    first: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, problem: AssignmentProblem, first: NDArray[np.float64], *, arcs: int = N_NEAREST) -> AssignmentFeatures:
        """Compute the features of a problem and first multipliers [n], O(n²·K).

        `arcs`: number of nearest customers with an arc, at most `N_NEAREST`; the features of customers count all.
        """
        cost, n, n_vehicles = problem.cost, problem.n_customers, problem.n_vehicles
        cheapest = cost.min(axis=0)
        scale = max(float(first.mean()), float(cheapest.mean()), 1e-6 * problem.cost_scale)
        unit = np.sqrt(scale * np.maximum(first, _LEAST_UNIT * scale))
        nearest, apart = _nearest(cost)
        k = nearest.shape[1]
        price = capacity_prices(problem, first)
        reduced = cost + price[:, None] * problem.weight - first
        per_vehicle = max(n / n_vehicles, 1.0)
        full = price * problem.capacity / (scale * per_vehicle)  # price of a vehicle, in customers
        vehicle, own = cost.argmin(axis=0), reduced.argmin(axis=0)
        share = problem.weight / max(float(problem.capacity.mean()), 1e-300)
        load = np.bincount(vehicle, problem.weight, n_vehicles) / np.maximum(problem.capacity, 1)
        few = few_least(cost)
        of_each = [
            np.arcsinh(first / scale),
            np.log(unit / scale),
            *np.arcsinh(few / scale),
            np.arcsinh(3.0 * (few[1] - few[0]) / scale),
            *np.arcsinh(5.0 * few_least(reduced) / unit),
            np.log1p((reduced <= 1e-6 * scale).sum(axis=0)),
            np.sqrt(share),
            np.arcsinh(share / max(float(share.mean()), 1e-12)),
            np.arcsinh(price[own] * problem.weight / scale),
            np.arcsinh(full[own]),
            np.arcsinh(load[vehicle]),
            np.log1p(apart.mean(axis=1) / scale) if k else np.zeros(n),
        ]
        tightness = float(problem.weight.sum()) / max(float(problem.capacity.sum()), 1e-300)
        of_all = [
            np.log(n) / 5.0,
            np.log(per_vehicle) / 2.0,
            np.log(n_vehicles) / 3.0,
            tightness,
            np.arcsinh(10.0 * (1.0 - tightness)),
            np.arcsinh(5.0 * float(share.mean())),
            float(share.std()) / max(float(share.mean()), 1e-12),
            float(share.max()),
            np.arcsinh(float(full.mean())),
            float(first.std()) / scale,
            float(cheapest.mean()) / scale,
        ]
        nodes = np.column_stack([*of_each, *(np.full(n, value) for value in of_all)])
        edges = np.stack(
            [
                np.log1p(apart / scale),
                np.sqrt(share)[nearest],
                np.arcsinh((first[nearest] - first[:, None]) / scale),
                (vehicle[nearest] == vehicle[:, None]).astype(np.float64),
                np.broadcast_to(np.arange(k) / N_NEAREST, (n, k)),
            ],
            axis=2,
        )
        return cls(nodes.astype(np.float32), edges[:, :arcs].astype(np.float32), nearest[:, :arcs], unit, first)


def capacity_prices(problem: AssignmentProblem, multipliers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the price of each vehicle's capacity [K] at [n] multipliers, distance per demand unit, 0 or more.

    It is the dual of the knapsack's linear relaxation (Dantzig 1957): the gain per demand of the first customer that
    does not fit any more, when they are packed in the order of it; 0 if all customers with a gain fit. O(K·n·log n).
    """
    weight = np.maximum(problem.weight, 1e-9)
    rate = np.maximum(multipliers - problem.cost, 0.0) / weight
    order = np.argsort(-rate, axis=1, kind="stable")
    rate = np.take_along_axis(rate, order, axis=1)
    load = np.cumsum(np.where(rate > 0.0, problem.weight[order], 0), axis=1)
    is_full = load > problem.capacity[:, None]
    first = is_full.argmax(axis=1)
    rows = np.arange(len(rate))
    price: NDArray[np.float64] = np.where(is_full[rows, first], rate[rows, first], 0.0)
    return price


def few_least(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the three least entries of each column of [K, n], ascending; the largest again where K is less."""
    few = min(_FEW, len(values))
    least = np.sort(np.partition(values, few - 1, axis=0)[:few], axis=0)
    return np.concatenate([least, *([least[-1:]] * (_FEW - few))])


def _nearest(cost: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return each customer's nearest others [n, k] and their distance [n, k] per vehicle, distance units."""
    n_vehicles, n = cost.shape
    k = min(N_NEAREST, n - 1)
    squared = (cost * cost).sum(axis=0)
    apart = np.sqrt(np.maximum(squared[:, None] + squared - 2.0 * cost.T @ cost, 0.0) / n_vehicles)
    np.fill_diagonal(apart, np.inf)
    nearest = np.argsort(apart, axis=1, kind="stable")[:, :k].astype(np.int64)
    return nearest, np.take_along_axis(apart, nearest, axis=1)
