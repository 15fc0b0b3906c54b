"""Features of an instance for networks that predict route multipliers; from distances, demands and limits alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.bounds.route_graph import RouteGraph

FEATURES_VERSION = 1
N_NEAREST = 10
"""Number of nearest other customers that a customer attends to."""

_CLOSEST = 3  # customers in the unit
_LOCAL = (3, 10)  # nearest customers whose demands are added up

NODE_FEATURES = (
    "unit",
    "drive",
    "closest",
    *(f"nearest_{k + 1}" for k in range(N_NEAREST)),
    "depot",
    "depot_rank",
    "demand",
    "demand_ratio",
    *(f"demand_of_{k}_nearest" for k in _LOCAL),
    "saving_mean",
    "saving_best",
    "outward",
    "shorter_than_depot",
    "chosen_as_nearest",
    "unit_of_nearest",
    "n_customers",
    "customers_per_route",
    "tightness",
    "drive_share",
    "depot_mean",
    "depot_spread",
    "demand_spread",
    "is_covering",
    "limits_routes",
    "is_paths",
)
"""Names of the features of a customer; those from `n_customers` on are the same for all customers."""

EDGE_FEATURES = ("distance", "outward", "saving", "demand", "unit", "rank")
"""Names of the features of the arc from a customer to one of its nearest."""


@dataclass(frozen=True, eq=False)
class RouteFeatures:
    """What a network sees of an instance.

    Every number is without unit: distances are divided by s, the mean unit. Rotation, reflection and scale change
    nothing, and coordinates are not used.

    Attributes
    ----------
    nodes
        [n, `NODE_FEATURES`] float32.
    edges
        [n, k, `EDGE_FEATURES`] float32; k is `N_NEAREST` or what is given, or n − 1 if that is less.
    nearest
        [n, k] each customer's nearest other customers, nearest first.
    unit
        [n] distance units: 2·c_0i·d_i/Q, the customer's share of a drive there and back (Daganzo 1984), plus its mean
        distance to the three nearest.
    scale
        s, the mean unit, distance units.
    route_unit
        Unit of the fleet's multiplier: the customers' units per route due, distance units.
    """

    nodes: NDArray[np.float32] = field(repr=False)
    edges: NDArray[np.float32] = field(repr=False)
    nearest: NDArray[np.int64] = field(repr=False)
    unit: NDArray[np.float64] = field(repr=False)
    scale: float
    route_unit: float

    @classmethod
    def of(cls, graph: RouteGraph, *, is_paths: bool = False, arcs: int = N_NEAREST) -> RouteFeatures:
        """Compute the features of a graph, O(n²).

        `is_paths`: whether the multipliers are for routes that remember one customer back, not for ng-routes.
        `arcs`: number of nearest customers with an arc, at most `N_NEAREST`; the features of customers count all.
        """
        n = graph.n_customers
        cost = graph.cost / (2.0 * graph.scale)
        apart, depot = cost[:n, :n].copy(), cost[n, :n]
        np.fill_diagonal(apart, np.inf)
        k = min(N_NEAREST, n - 1)
        nearest = _nearest(apart, k)
        near = np.take_along_axis(apart, nearest, axis=1)
        share = graph.problem.demand / graph.problem.capacity
        closest = near[:, :_CLOSEST].mean(axis=1) if k else np.zeros(n)
        drive = 2.0 * depot * share
        unit = np.maximum(drive + closest, 1e-3 * max(float((drive + closest).mean()), 1.0 / graph.scale))
        scale = float(unit.mean())
        saving = (depot[:, None] + depot[nearest] - near) / scale
        outward = (depot[nearest] - depot[:, None]) / scale
        ratio = np.log(unit[nearest] / unit[:, None])
        local = [share[nearest[:, :width]].sum(axis=1) + share for width in _LOCAL]
        fewest, _ = graph.n_routes
        own = [
            np.log(unit / scale),
            np.log1p(drive / scale),
            np.log1p(closest / scale),
            *(np.log1p((near[:, j] if j < k else near[:, -1] if k else closest) / scale) for j in range(N_NEAREST)),
            np.log1p(depot / scale),
            np.argsort(np.argsort(depot, kind="stable"), kind="stable") / n,
            np.sqrt(share),
            np.arcsinh(share / max(float(share.mean()), 1e-12)),
            *(np.log1p(total) for total in local),
            np.arcsinh(_mean(saving)),
            np.arcsinh(_max(saving)),
            np.tanh(_mean(outward)),
            (near < depot[:, None]).mean(axis=1) if k else np.zeros(n),
            np.log1p(np.bincount(nearest.ravel(), minlength=n) / max(k, 1)),
            _mean(ratio),
        ]
        tightness = float(share.sum()) / max(fewest, 1)
        of_all = [
            np.log(n) / 5.0,
            np.log(n / max(fewest, 1)) / 2.0,
            tightness,
            float(drive.sum()) / max(float(unit.sum()), 1e-300),
            np.log1p(float(depot.mean()) / scale),
            float(depot.std()) / max(float(depot.mean()), 1e-300),
            float(share.std()) / max(float(share.mean()), 1e-300),
            float(graph.is_covering),
            float(graph.limits_routes),
            float(is_paths),
        ]
        nodes = np.column_stack([*own, *(np.full(n, value) for value in of_all)])
        rank = np.broadcast_to(np.arange(k) / N_NEAREST, (n, k))
        edges = np.stack(
            [
                np.log1p(near / scale),
                np.arcsinh(outward),
                np.arcsinh(saving),
                np.sqrt(share)[nearest],
                ratio,
                rank,
            ],
            axis=2,
        )
        route_unit = float(unit.sum()) / max(fewest, 1)
        kept = edges[:, :arcs].astype(np.float32)
        return cls(nodes.astype(np.float32), kept, nearest[:, :arcs], unit, scale, route_unit)


def _nearest(apart: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    if k == 0:
        return np.zeros((len(apart), 0), dtype=np.int64)
    found = np.sort(
        np.argpartition(apart, k - 1, axis=1)[:, :k], axis=1
    )  # by number, then by distance: ties are stable
    order = np.argsort(np.take_along_axis(apart, found, axis=1), axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1).astype(np.int64)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.mean(axis=1) if values.shape[1] else np.zeros(len(values))


def _max(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.max(axis=1) if values.shape[1] else np.zeros(len(values))
