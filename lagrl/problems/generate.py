"""Random instances like those of CVRPLIB's X set, made fast enough to train on.

Source: Uchoa, Pecin, Pessoa, Poggi, Subramanian and Vidal (2017), New benchmark instances for the Capacitated
Vehicle Routing Problem, European Journal of Operational Research 257, section 3.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from lagrl.errors import InputError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.distances import MOST_IN_MATRIX, euclidean
from lagrl.problems.fleet import minimum_vehicles

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.random import Generator
    from numpy.typing import NDArray

Depot = Literal["C", "E", "R"]
Customers = Literal["R", "C", "RC"]
Kind = Literal["X", "roads"]
Demand = Literal["U", "1-10", "5-10", "1-100", "50-100", "Q", "SL"]

GRID: Final = 1000
"""Coordinates are the whole numbers 0 … GRID."""

MAX_CUSTOMERS: Final = 30_000
"""As many as the largest benchmark instances have; the grid would be crowded with more."""

_ATTRACTION_LENGTH: Final = 40.0
_ROUNDED_UP: Final = 1.0 + 1e-4
_SEEDS: Final = (3, 8)
_ROUTE_LENGTH: Final = (3.0, 6.0, 25.0)
_CANDIDATES: Final = 4096
_UNIFORM_DEMAND: Final[dict[Demand, tuple[int, int]]] = {
    "U": (1, 1),
    "1-10": (1, 10),
    "5-10": (5, 10),
    "1-100": (1, 100),
    "50-100": (50, 100),
}


@dataclass(frozen=True)
class XTypeParams:
    """The characteristics of an X-type instance.

    Attributes
    ----------
    n_customers
        Number of customers n, 1 … `MAX_CUSTOMERS`.
    depot
        `C` in the centre (500, 500), `E` in the corner (0, 0), `R` anywhere.
    customers
        `R` anywhere, `C` clustered around seeds, `RC` half anywhere (rounded down) and half clustered.
    demand
        `U` all 1; `1-10`, `5-10`, `1-100`, `50-100` uniform; `Q` 51 … 100 in the odd quadrants and 1 … 50 in the
        even ones; `SL` 1 … 10 for 70 to 95 % of the customers and 50 … 100 for the others.
    route_length
        Desired number of customers on a route (r), at least 1; if None, drawn from triangular(3, 6, 25).
    n_seeds
        Number of seeds S, which are customers themselves; if None, drawn from 3 … 8 (at most the number of clustered
        customers). Meaningless, hence refused, with customers `R`.

    Raises
    ------
    InputError
        If a value is unknown or out of range.
    """

    n_customers: int
    depot: Depot
    customers: Customers
    demand: Demand
    route_length: float | None = None
    n_seeds: int | None = None

    def __post_init__(self) -> None:
        _require_whole("n_customers", self.n_customers, 1, MAX_CUSTOMERS)
        _require_known("depot", self.depot, get_args(Depot))
        _require_known("customers", self.customers, get_args(Customers))
        _require_known("demand", self.demand, get_args(Demand))
        if self.route_length is not None and not (math.isfinite(self.route_length) and self.route_length >= 1):
            raise InputError(
                f"{self.route_length} given",
                field="route_length",
                remedy="give a finite number ≥ 1, or none to draw it",
            )
        if self.n_seeds is not None:
            if self.customers == "R":
                raise InputError(
                    f"{self.n_seeds} given for customers R", field="n_seeds", remedy="omit it, or choose C or RC"
                )
            _require_whole("n_seeds", self.n_seeds, 1, self.n_clustered)

    @property
    def n_clustered(self) -> int:
        """Number of customers that belong to clusters, the seeds included."""
        return {"R": 0, "C": self.n_customers, "RC": self.n_customers - self.n_customers // 2}[self.customers]


def sample_params(rng: Generator, n_customers: tuple[int, int]) -> XTypeParams:
    """Draw a random combination of all characteristics, for training distributions.

    The route length is drawn as in the X set, but cut off at n / 2: an instance that one vehicle can serve has no
    dual to learn from.

    `n_customers`: smallest and largest number of customers (both inclusive), at least 2.

    Raises InputError if the range is empty or reaches below 2 or above `MAX_CUSTOMERS`.
    """
    low, high = n_customers
    _require_whole("n_customers", low, 2, MAX_CUSTOMERS)
    _require_whole("n_customers", high, low, MAX_CUSTOMERS)
    n = int(rng.integers(low, high, endpoint=True))
    return XTypeParams(
        n_customers=n,
        depot=get_args(Depot)[rng.integers(len(get_args(Depot)))],
        customers=get_args(Customers)[rng.integers(len(get_args(Customers)))],
        demand=get_args(Demand)[rng.integers(len(get_args(Demand)))],
        route_length=min(rng.triangular(*_ROUTE_LENGTH), n / 2),
    )


def generate(
    n_customers: int = 50,
    seed: int = 0,
    *,
    kind: Kind = "X",
    depot: Depot | None = None,
    customers: Customers | None = None,
    demand: Demand | None = None,
    route_length: float | None = None,
    n_seeds: int | None = None,
    name: str | None = None,
) -> CVRP:
    """Generate a random instance, like those of CVRPLIB's X set or by road: whole distances, any number of vehicles.

    Parameters
    ----------
    n_customers
        Number of customers n, 2 … `MAX_CUSTOMERS`.
    seed
        Same arguments, same instance.
    kind
        `X`, or `roads`: cities far from the depot, of which only the distances by road are known, see
        `problems.generate_roads`; then `n_seeds` is the number of cities, and only `route_length` may be given besides.
    depot, customers, demand, route_length, n_seeds
        Characteristics, see `XTypeParams`; each is drawn at random if None.
    name
        Instance name; if None, such as `G-n51-k6-s0` for 50 customers, at least 6 vehicles and seed 0.

    Raises
    ------
    InputError
        If a value is unknown or out of range.

    Examples
    --------
    >>> import lagrl
    >>> problem = lagrl.generate(n_customers=20, seed=3, demand="1-10")
    >>> problem.n_customers, int(problem.demand.max()) <= 10
    (20, True)
    """
    _require_whole("seed", seed, 0, 2**63 - 1)
    characteristics = {
        "depot": depot,
        "customers": customers,
        "demand": demand,
        "route_length": route_length,
        "n_seeds": n_seeds,
    }
    given = {field: value for field, value in characteristics.items() if value is not None}
    problem = drawer(kind)(np.random.default_rng(seed), n_customers, given)
    return replace(problem, name=name or f"{problem.name}-s{seed}")


def drawer(kind: str) -> Callable[[Generator, int, Mapping[str, Any]], CVRP]:
    """Return the function that draws instances of a kind; raise InputError if the kind is unknown."""
    from lagrl.problems.generate_roads import draw_road_instance

    _require_known("kind", kind, get_args(Kind))
    return draw_road_instance if kind == "roads" else draw_instance


def draw_instance(rng: Generator, n_customers: int, given: Mapping[str, Any]) -> CVRP:
    """Generate an X-type instance whose characteristics are drawn at random, except those given.

    Parameters
    ----------
    rng
        Source of randomness.
    n_customers
        Number of customers n, 2 or more.
    given
        Fields of `XTypeParams` by name.

    Raises
    ------
    InputError
        If a value is unknown or out of range.
    """
    drawn = asdict(sample_params(rng, (n_customers, n_customers)))
    return generate_x_type(XTypeParams(**{**drawn, **given}), rng)


def generate_x_type(params: XTypeParams, rng: Generator, name: str | None = None) -> CVRP:
    """Generate an X-type instance: rounded distances, free fleet, no two nodes on one point.

    The capacity is Q = max(⌈r·Σd / n⌉, max d), so that Σd / Q vehicles carry about r customers each. Customers are
    numbered as they were placed: those anywhere, then the seeds, then those near seeds.

    Parameters
    ----------
    params
        The instance's characteristics; those that are None are drawn first.
    rng
        Source of randomness; the same state gives the same instance.
    name
        Instance name; if None, `G-n101-k14` for 100 customers that need at least 14 vehicles.
    """
    route_length = rng.triangular(*_ROUTE_LENGTH) if params.route_length is None else float(params.route_length)
    n_seeds = _draw_seeds(params, rng)
    points = _place(params, n_seeds, rng)
    demand = _draw_demand(params.demand, points[1:], rng)
    capacity = max(math.ceil(route_length * int(demand.sum()) / params.n_customers), int(demand.max()))
    seeds = f" seeds={n_seeds}" if n_seeds else ""
    places = points.astype(np.float64)
    return CVRP(  # not by `from_coordinates`, whose question about rounding has one answer for points on a grid
        name=name or f"G-n{params.n_customers + 1}-k{minimum_vehicles(demand, capacity)}",
        demand=demand,
        capacity=capacity,
        matrix=euclidean(places, places, "nint") if len(places) <= MOST_IN_MATRIX + 1 else None,
        coordinates=places,
        rounding="nint",
        comment=f"generated X-type depot={params.depot} customers={params.customers}{seeds} demand={params.demand} "
        f"route_length={route_length:.6g}",
    )


def _draw_seeds(params: XTypeParams, rng: Generator) -> int:
    if params.n_clustered == 0:
        return 0
    if params.n_seeds is not None:
        return params.n_seeds
    return min(int(rng.integers(*_SEEDS, endpoint=True)), params.n_clustered)


def _place(params: XTypeParams, n_seeds: int, rng: Generator) -> NDArray[np.int64]:
    """Return [n + 1, 2] distinct grid points: the depot, customers anywhere, seeds, customers near seeds."""
    fixed = {"C": (GRID // 2, GRID // 2), "E": (0, 0)}
    depot = rng.integers(0, GRID, size=2, endpoint=True) if params.depot == "R" else np.array(fixed[params.depot])
    points = _scatter(depot[None, :], params.n_customers - params.n_clustered + n_seeds, rng)
    seeds = points[len(points) - n_seeds :]
    return _scatter(points, params.n_clustered - n_seeds, rng, seeds)


def _scatter(
    points: NDArray[np.int64], count: int, rng: Generator, seeds: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Append `count` random grid points to the distinct `points`, all of them distinct.

    Without seeds they are uniform. With seeds a candidate p stays with probability min(1, Σ_s exp(−d(p, s) / 40)),
    about one in a hundred for each seed, hence candidates come in large batches.
    """
    total = len(points) + count
    while len(points) < total:
        size = total - len(points) if seeds is None else _CANDIDATES
        candidates = rng.integers(0, GRID, size=(size, 2), endpoint=True)
        if seeds is not None:
            candidates = _attracted(candidates, seeds, rng.random(size))
        points = _without_repeats(np.concatenate([points, candidates]))[:total]
    return points


def _attracted(points: NDArray[np.int64], seeds: NDArray[np.int64], drawn: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the points [m, 2] whose drawn number [m] is below their attraction.

    Most are excluded beforehand: with x = d/40 to the nearest of S seeds, Σ_s exp(−d/40) ≤ S/(1 + x/64)⁶⁴.
    """
    x, y = np.ascontiguousarray(points.T, np.float32)  # exact up to 2²⁴, as are the squares
    nearest = np.full(len(points), np.inf, np.float32)
    for seed_x, seed_y in seeds.tolist():
        across, along = x - np.float32(seed_x), y - np.float32(seed_y)
        across *= across
        along *= along
        across += along
        np.minimum(nearest, across, out=nearest)
    power = np.sqrt(nearest)
    power /= np.float32(64.0 * _ATTRACTION_LENGTH)
    power += np.float32(1.0)
    for _ in range(6):
        power *= power
    maybe = np.flatnonzero(drawn * power < len(seeds) * _ROUNDED_UP)
    points = points[maybe]
    kept: NDArray[np.int64] = points[drawn[maybe] < _attraction(points, seeds)]
    return kept


def _attraction(points: NDArray[np.int64], seeds: NDArray[np.int64]) -> NDArray[np.float64]:
    delta = points[:, None, :] - seeds[None, :, :]
    weight: NDArray[np.float64] = np.exp(-np.hypot(delta[..., 0], delta[..., 1]) / _ATTRACTION_LENGTH).sum(axis=1)
    return weight


def _without_repeats(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep the first of equal points, in the order given."""
    _, first = np.unique(points[:, 0] * (GRID + 1) + points[:, 1], return_index=True)
    kept: NDArray[np.int64] = points[np.sort(first)]
    return kept


def _draw_demand(kind: Demand, customers: NDArray[np.int64], rng: Generator) -> NDArray[np.int64]:
    """Return [n] demand units for customers at [n, 2] grid points."""
    n = len(customers)
    if kind == "Q":
        right, upper = (customers >= GRID / 2).T
        odd = right == upper
        return rng.integers(np.where(odd, 51, 1), np.where(odd, 100, 50), endpoint=True)
    if kind == "SL":
        n_small = round(rng.uniform(0.70, 0.95) * n)
        small = rng.permutation(n) < n_small
        return rng.integers(np.where(small, 1, 50), np.where(small, 10, 100), endpoint=True)
    low, high = _UNIFORM_DEMAND[kind]
    return rng.integers(low, high, size=n, endpoint=True)


def _require_known(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{value!r} is not known", field=field, remedy=f"known: {', '.join(known)}")


def _require_whole(field: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
        raise InputError(
            f"{value!r} is not a whole number in {low} … {high}", field=field, remedy="choose one in that range"
        )
