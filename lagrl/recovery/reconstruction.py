"""From an assignment to routes: clusters toured from scratch, or customers put into routes that are there."""

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
    """Makes pool columns of what a linearisation's dual decided."""

    @property
    def no_empty(self) -> bool:
        """Whether repair must give every vehicle of the assignment somebody."""
        ...

    def columns(self, pool: RoutePool, assignment: NDArray[np.int64]) -> list[int]:
        """Return columns that serve everyone, given a vehicle, or -1, for each customer of the linearisation."""
        ...

    def add_loads(self, pool: RoutePool, selection: NDArray[np.uint8]) -> None:
        """Keep the route of every vehicle's own selection [K, m], which may overlap."""
        ...


class ClusterTours:
    """The reference's reconstruction: the customers of each vehicle are toured from scratch.

    Parameters
    ----------
    no_empty
        Whether every vehicle must serve somebody.
    customers
        [m] the customers of the linearisation, ascending; all if None.
    others
        Columns of the routes that serve the others.
    """

    def __init__(self, no_empty: bool, customers: NDArray[np.int64] | None = None, others: Sequence[int] = ()) -> None:
        self.no_empty = no_empty
        self.customers = customers
        self.fixed_columns = list(others)

    def columns(self, pool: RoutePool, assignment: NDArray[np.int64]) -> list[int]:
        """Tour the clusters of an assignment [m]; see `RoutePool.add_assignment`."""
        return self.fixed_columns + pool.add_assignment(assignment, self.customers)

    def add_loads(self, pool: RoutePool, selection: NDArray[np.uint8]) -> None:
        """Tour each vehicle's load; see `RoutePool.add_selection`."""
        pool.add_selection(selection, self.customers)


class InsertionTours:
    """Freed customers go back into what is left of their routes; all other routes stay.

    Parameters
    ----------
    partial
        The routes some customers were taken from.
    others
        Columns of the routes nobody was taken from.
    """

    no_empty = False  # the kept customers hold their routes open

    def __init__(self, partial: PartialRoutes, others: Sequence[int]) -> None:
        self.partial = partial
        self.fixed_columns = list(others)

    def columns(self, pool: RoutePool, assignment: NDArray[np.int64]) -> list[int]:
        """Insert the freed customers [m] by vehicle; who has none travels in additional routes, first fit."""
        extra = first_fit(pool.problem, self.partial.freed[assignment < 0])
        return self.fixed_columns + pool.add_routes(self.partial.routes(assignment)) + pool.add_clusters(extra)

    def add_loads(self, pool: RoutePool, selection: NDArray[np.uint8]) -> None:
        """Insert what each vehicle selected, whoever else did."""
        for k, row in enumerate(selection):
            if row.any():
                alone = np.where(row > 0, k, -1)
                pool.add_routes([self.partial.routes(alone)[k]])
