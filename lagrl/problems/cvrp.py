"""The capacitated vehicle routing problem as plain data."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lagrl.errors import InputError, InstanceError, UnknownNameError
from lagrl.problems.cvrp_fields import (
    as_demand,
    as_numbers,
    as_whole_numbers,
    require_coordinates,
    require_demand,
    require_fleet,
    require_matrix,
)
from lagrl.problems.distances import MOST_IN_MATRIX, Rounding, elementwise, euclidean, matrix_memory
from lagrl.problems.fleet import Fleet, minimum_vehicles
from lagrl.problems.plausibility import question_rounding

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class CVRP:
    """One depot, n customers, identical vehicles.

    Node 0 is the depot and node i + 1 is customer i of the demand vector, so that node numbers are the customer
    numbers 1 … n of CVRPLIB's `.sol` files.

    Attributes
    ----------
    name
        Instance name.
    demand
        [n] int64, demand units, depot excluded.
    capacity
        Demand units a vehicle can carry (Q).
    matrix
        Distances [n + 1, n + 1] float64, symmetric, distance units; None where they follow from the coordinates at
        each use, as in `from_coordinates` above 5000 customers.
    coordinates
        [n + 1, 2] float64, or None where only distances are known.
    fleet
        Rule on the number of routes.
    rounding
        How distances follow from `coordinates`: `nint` is floor(d + 0.5), `none` keeps d, `explicit` was given.
    best_known
        Best known cost under `fleet`, distance units, or None.
    best_known_by
        Solver that found the best known cost, as the `.sol` file beside the instance states; None for a published or
        given cost.
    comment
        Free text of the file.

    Raises
    ------
    InstanceError
        If an array has the wrong shape, a non-finite or negative entry, or a demand exceeds the capacity.
    FleetError
        If the fleet rule cannot be met.

    Examples
    --------
    >>> import lagrl
    >>> problem = lagrl.read("G-n16-k3")
    >>> problem.n_customers, problem.minimum_vehicles, problem.demand.dtype
    (15, 3, dtype('int64'))
    """

    name: str
    demand: NDArray[np.int64]
    capacity: int
    matrix: NDArray[np.float64] | None = field(repr=False)
    coordinates: NDArray[np.float64] | None = field(default=None, repr=False)
    fleet: Fleet = field(default_factory=Fleet)
    rounding: Rounding = "explicit"
    best_known: float | None = None
    comment: str = ""
    best_known_by: str | None = None

    def __post_init__(self) -> None:
        for field_, convert in (("demand", as_whole_numbers), ("matrix", as_numbers), ("coordinates", as_numbers)):
            given = getattr(self, field_)
            if not isinstance(given, np.ndarray | None):  # lists
                object.__setattr__(self, field_, convert(self.name, field_, given))
        capacity: Any = self.capacity
        if not isinstance(capacity, int | np.integer):
            object.__setattr__(self, "capacity", int(as_whole_numbers(self.name, "capacity", [capacity])[0]))
        require_demand(self)
        require_coordinates(self)
        if self.matrix is not None:
            require_matrix(self, self.matrix)
        require_fleet(self)
        # whole numbers, columns of a larger matrix and the like are converted: the kernels take these two layouts only
        object.__setattr__(self, "demand", np.ascontiguousarray(self.demand, np.int64))
        if self.matrix is not None:
            object.__setattr__(self, "matrix", np.ascontiguousarray(self.matrix, np.float64))
        for array in (self.demand, self.matrix, self.coordinates):
            if array is not None:
                array.setflags(write=False)

    @classmethod
    def from_coordinates(
        cls,
        name: str,
        coordinates: ArrayLike,
        demand: ArrayLike,
        capacity: int,
        *,
        rounding: Literal["nint", "none"] = "nint",
        fleet: Fleet | str | None = None,
        best_known: float | None = None,
        comment: str = "",
    ) -> CVRP:
        """Build an instance in the plane from lists or arrays.

        Up to 5000 customers it has a distance matrix; see `matrix`.

        Parameters
        ----------
        name
            Instance name.
        coordinates
            [n + 1, 2], the depot first.
        demand
            [n] demand units.
        capacity
            Demand units.
        rounding
            `nint` rounds each arc to floor(d + 0.5) as CVRPLIB does; `none` keeps the Euclidean distance. An
            `lagrl.errors.InputWarning` is issued where rounding makes many distances 0 or equal.
        fleet
            Rule on the number of routes, such as `exact:3`; free if None.
        best_known
            Best known cost, if any.
        comment
            Free text.

        Raises
        ------
        InstanceError, FleetError
            See `CVRP`; also if a demand or the capacity is not a whole number.

        Examples
        --------
        >>> import lagrl
        >>> places = [(0, 0), (3, 4), (0, 5), (-3, 4)]
        >>> problem = lagrl.CVRP.from_coordinates("four places", places, demand=[2, 3, 4], capacity=6)
        >>> problem.distance[0].tolist(), problem.minimum_vehicles
        ([0.0, 5.0, 5.0, 5.0], 2)
        """
        if rounding not in ("nint", "none"):
            raise UnknownNameError.of("rounding", str(rounding), ("nint", "none"))
        points = as_numbers(name, "coordinates", coordinates)
        if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
            raise InstanceError(
                f"array of shape {points.shape} is not [n + 1, 2] finite numbers",
                source=name,
                field="coordinates",
                remedy="give one x, y pair for the depot and each customer",
            )
        made = cls(
            name=name,
            demand=as_demand(name, demand, len(points)),
            capacity=int(as_whole_numbers(name, "capacity", [capacity])[0]),
            matrix=euclidean(points, points, rounding) if len(points) <= MOST_IN_MATRIX + 1 else None,
            coordinates=points,
            fleet=Fleet.of(fleet),
            rounding=rounding,
            best_known=best_known,
            comment=comment,
        )
        if rounding == "nint":
            question_rounding(name, points)
        return made

    @classmethod
    def from_distances(
        cls,
        name: str,
        distance: ArrayLike,
        demand: ArrayLike,
        capacity: int,
        *,
        coordinates: ArrayLike | None = None,
        fleet: Fleet | str | None = None,
        best_known: float | None = None,
        comment: str = "",
    ) -> CVRP:
        """Build an instance from a symmetric distance matrix, given as lists or an array.

        Parameters
        ----------
        name
            Instance name.
        distance
            [n + 1, n + 1] distance units, the depot first.
        demand
            [n] demand units, the depot left out.
        capacity
            Demand units.
        coordinates
            [n + 1, 2] for pictures and seeds; None where only distances are known.
        fleet, best_known, comment
            As for `from_coordinates`.

        Raises
        ------
        InstanceError, FleetError
            See `CVRP`; also if a demand or the capacity is not a whole number, or if there are more than 5000
            customers.

        Examples
        --------
        >>> import lagrl
        >>> minutes = [[0, 5, 9], [5, 0, 7], [9, 7, 0]]
        >>> lagrl.CVRP.from_distances("two stops", minutes, demand=[1, 1], capacity=2).n_customers
        2
        """
        matrix = as_numbers(name, "distance", distance)
        return cls(
            name=name,
            demand=as_demand(name, demand, matrix.shape[0] if matrix.ndim else 1),
            capacity=int(as_whole_numbers(name, "capacity", [capacity])[0]),
            matrix=matrix,
            coordinates=None if coordinates is None else as_numbers(name, "coordinates", coordinates),
            fleet=Fleet.of(fleet),
            best_known=best_known,
            comment=comment,
        )

    def __str__(self) -> str:
        known = "" if self.best_known is None else f", best known cost {self.best_known:.10g}"
        return f"{self.name}: {self.n_customers} customers, capacity {self.capacity}, fleet {self.fleet}{known}"

    @property
    def n_customers(self) -> int:
        """Number of customers n."""
        return len(self.demand)

    @property
    def distance(self) -> NDArray[np.float64]:
        """The distance matrix, [n + 1, n + 1] distance units.

        Raises
        ------
        InstanceError
            If there is none, see `matrix`; `between` works for all instances.
        """
        if self.matrix is None:
            raise InstanceError(
                f"{self.n_customers} customers have no distance matrix, which would take "
                f"{matrix_memory(self.n_customers)}",
                source=self.name,
                field="distance",
                remedy=f"use an instance of at most {MOST_IN_MATRIX} customers",
            )
        return self.matrix

    def between(self, first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
        """Return distances between nodes, with or without a matrix, distance units.

        Parameters
        ----------
        first, second
            Nodes 0 … n; the two arrays are broadcast against each other.

        Examples
        --------
        >>> import lagrl
        >>> problem = lagrl.CVRP.from_coordinates("line", [(0, 0), (1, 0), (3, 0)], demand=[1, 1], capacity=2)
        >>> problem.between([0, 1, 2], [1, 2, 0]).tolist()
        [1.0, 2.0, 3.0]
        """
        here, there = np.asarray(first, np.int64), np.asarray(second, np.int64)
        if self.matrix is not None:
            return self.matrix[here, there]
        assert self.coordinates is not None
        return elementwise(self.coordinates[here], self.coordinates[there], self.rounding)

    @cached_property
    def minimum_vehicles(self) -> int:
        """Lower bound on the number of routes of any solution, the fleet rule included."""
        return max(minimum_vehicles(self.demand, self.capacity), self.fleet.fewest)

    @property
    def maximum_vehicles(self) -> int:
        """Upper bound on the number of routes of any solution: the customers, or the fleet rule's limit if lower."""
        most = self.fleet.most
        return self.n_customers if most is None else min(most, self.n_customers)

    @property
    def tightness(self) -> float:
        """Σd / (K·Q) for K = `minimum_vehicles`."""
        return float(self.demand.sum() / (self.minimum_vehicles * self.capacity))

    def restricted_to(self, customers: NDArray[np.int64]) -> CVRP:
        """Return the instance of some customers alone, in that order; its fleet is free and no cost is known.

        Parameters
        ----------
        customers
            [m] customers 1 … n, each once.
        """
        nodes = np.concatenate([[0], customers])
        return CVRP(
            name=self.name,
            demand=self.demand[customers - 1],
            capacity=self.capacity,
            matrix=self.between(nodes[:, None], nodes[None, :]),
            coordinates=None if self.coordinates is None else self.coordinates[nodes],
            rounding=self.rounding,
        )

    def gap_percent(self, cost: float) -> float | None:
        """Return 100·(cost − best known) / best known, or None without a best known cost."""
        return None if not self.best_known else 100.0 * (cost - self.best_known) / self.best_known


def require_cvrp(problem: object) -> None:
    """Refuse what is not an instance, such as the name of one.

    Raises
    ------
    InputError
        If `problem` is not a `CVRP`.
    """
    if isinstance(problem, CVRP):
        return
    remedy = "give a CVRP, from lagrl.read(...) or lagrl.CVRP.from_coordinates(...)"
    if isinstance(problem, str | os.PathLike):
        remedy = f"read it first: lagrl.read({os.fspath(problem)!r})"
    raise InputError(f"{problem!r:.80} given", field="problem", remedy=remedy)
