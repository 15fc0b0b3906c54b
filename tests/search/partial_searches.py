"""Searches with the usual parts, for the tests of the search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lagrl.controllers.registry import controller_factory
from lagrl.relaxation.sampler import ExactSampler
from lagrl.search.schedule import Decision, schedule_of
from lagrl.search.search import Search

if TYPE_CHECKING:
    from collections.abc import Callable

    from lagrl.problems.cvrp import CVRP
    from lagrl.search.search_report import SolveProgress
    from lagrl.solve_config import SolveConfig


PARTIAL = Decision("partial", (3,), freed=6, noise=0.1)


def search_of(
    problem: CVRP, config: SolveConfig, schedule: Any = None, advance: Callable[[SolveProgress], None] | None = None
) -> Search:
    """Prepare a search with the usual parts."""
    controller = controller_factory(config.controller)
    return Search(problem, config, controller, ExactSampler(), schedule or schedule_of(config), advance)


def outcome(search: Search) -> tuple[Any, ...]:
    """Everything of a search that the clock has no part in."""
    history = [(evaluations, cost) for evaluations, _, cost in search.incumbent.history]
    routes = [route.tolist() for route in search.pool.routes]
    return search.incumbent.columns, history, search.incumbent.evaluations, routes
