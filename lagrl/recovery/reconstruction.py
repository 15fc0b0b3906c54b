"""From an assignment to routes: tour clusters from scratch, or insert customers into existing routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from lagrl.recovery.pool import first_fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.recovery.pool import RoutePool
    from lagrl.relaxation.relinearise import PartialRoutes


class Reconstruction(Protocol):
    """Makes pool columns of an assignment."""

    @property
    def no_empty(self) -> bool:
        """Whether repair must give every vehicle a customer."""
        ...

    def columns(self, pool: RoutePool, assignment: NDArray[np.int64]) -> list[int]:
        """Return columns that serve all customers, from a vehicle or −1 for each customer of the linearisation."""
        ...

    def add_loads(self, pool: RoutePool, selection: NDArray[np.uint8]) -> None:
        """Add the route of every vehicle's selection [K, m] to the pool; selections may overlap."""
        ...


class ClusterTours:
    """The reference's reconstruction: the customers of each vehicle are toured from scratch.

    `no_empty`: whether every vehicle must serve a customer. `customers`: [m] the customers of the linearisation,
    ascending; None for all. `fixed_columns`: columns of the routes that serve all other customers.
    """

    def __init__(
        self, no_empty: bool, customers: NDArray[np.int64] | None = None, fixed_columns: Sequence[int] = ()
    ) -> None:
        self.no_empty = no_empty
        self.customers = customers
        self.fixed_columns = list(fixed_columns)

    def columns(self, pool: RoutePool, assignment: NDArray[np.int64]) -> list[int]:
        """Tour the clusters of an assignment [m]; see `RoutePool.add_assignment`."""
        return self.fixed_columns + pool.add_assignment(assignment, self.customers)

    def add_loads(self, pool: RoutePool, selection: NDArray[np.uint8]) -> None:
        """Tour each vehicle's load; see `RoutePool.add_selection`."""
        pool.add_selection(selection, self.customers)


class InsertionTours:
    """Inserts freed customers into the remaining parts of their routes; all other routes stay.

    `partial`: the routes that customers were removed from. `fixed_columns`: columns of all other routes.
    """

    no_empty = False  # the kept customers hold their routes open

    def __init__(self, partial: PartialRoutes, fixed_columns: Sequence[int]) -> None:
        self.partial = partial
        self.fixed_columns = list(fixed_columns)

    def columns(self, pool: RoutePool, assignment: NDArray[np.int64]) -> list[int]:
        """Insert the freed customers [m] by vehicle; those without a vehicle get additional routes, first fit."""
        extra = first_fit(pool.problem, self.partial.freed[assignment < 0])
        return self.fixed_columns + pool.add_routes(self.partial.routes(assignment)) + pool.add_clusters(extra)

    def add_loads(self, pool: RoutePool, selection: NDArray[np.uint8]) -> None:
        """Insert each vehicle's selected customers into its route, even if others selected them too."""
        for k, row in enumerate(selection):
            if row.any():
                alone = np.where(row > 0, k, -1)
                pool.add_routes([self.partial.routes(alone)[k]])
