"""The routes that a search's next move starts from, and the part of them that it may change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lagrl.search.neighbourhood import Neighbourhood, neighbouring_routes
from lagrl.search.string_removal import nearest_customers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from lagrl.recovery.incumbent import Incumbent

_STEPS_PER_NEIGHBOURHOOD = 30


class CurrentRoutes:
    """The current routes of a search: all are one neighbourhood, or of a large instance a part that changes in turn.

    Parameters
    ----------
    incumbent
        The best routes, from which it starts, and the pool of all.
    local_size
        Customers of a neighbourhood of a large instance.
    rng
        Randomness of the neighbourhoods and their local searches.
    """

    def __init__(self, incumbent: Incumbent, local_size: int, rng: np.random.Generator) -> None:
        self.incumbent = incumbent
        self.pool = incumbent.pool
        self.local_size = local_size
        self._rng = rng
        self._near: list[list[int]] | None = None
        self._here: Neighbourhood | None = None
        self._steps_here = 0

    @property
    def neighbourhood(self) -> Neighbourhood:
        """The part of the routes that the next move starts from; there must be routes."""
        if self._here is None:
            self.continue_from(self.incumbent.columns)
        assert self._here is not None
        return self._here

    @property
    def columns(self) -> tuple[int, ...]:
        """Columns of all current routes; none before the first move or local search."""
        return () if self._here is None else (*self._here.fixed_columns, *self._here.columns)

    @property
    def cost(self) -> float:
        """Length of the current routes, distance units; there must be routes."""
        return self.pool.cost_of((*self.neighbourhood.fixed_columns, *self.neighbourhood.columns))

    @property
    def nearest(self) -> list[list[int]]:
        """Each node's nearest customers, see `nearest_customers`."""
        if self._near is None:
            self._near = nearest_customers(self.pool.problem.distance)
        return self._near

    def next_neighbourhood(self) -> Neighbourhood:
        """Return the neighbourhood for another move: of a large instance a new one after enough moves."""
        here = self.neighbourhood
        self._steps_here += 1
        if not here.is_whole and self._steps_here > _STEPS_PER_NEIGHBOURHOOD:
            self.continue_from(self.columns)
        return self.neighbourhood

    def continue_from(self, columns: Sequence[int]) -> None:
        """Replace all current routes."""
        routes = [self.pool.routes[column] for column in columns]
        here, limit = self._here, 1.3 * self.local_size
        if here is not None and here.is_whole and len(here.customers) <= limit:
            here.set_routes(columns, routes)
            return
        chosen = neighbouring_routes([route.tolist() for route in routes], self.nearest, self.local_size, self._rng)
        self._here = self.part_of(columns, chosen)
        self._steps_here = 0

    def part_of(self, columns: Sequence[int], chosen: Sequence[int]) -> Neighbourhood:
        """Return a neighbourhood of the `chosen` ones among some routes of all customers."""
        others = [column for k, column in enumerate(columns) if k not in set(chosen)]
        inside = [columns[k] for k in chosen]
        return Neighbourhood(
            self.pool.problem,
            inside,
            [self.pool.routes[column] for column in inside],
            others,
            seed=int(self._rng.integers(2**31)),
            weight=1.0 if self._here is None else self._here.weight,
        )

    def set_part(self, part: Neighbourhood, columns: Sequence[int]) -> None:
        """Replace the routes of a neighbourhood by those of all customers that follow its fixed ones."""
        inside = columns[len(part.fixed_columns) :]
        part.set_routes(inside, [self.pool.routes[column] for column in inside])
