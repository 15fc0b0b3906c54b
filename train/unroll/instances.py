"""Route duals of generated instances, for training and for its validation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_graph import RouteGraph
from lagrl.problems.fleet import Fleet
from lagrl.problems.generate import drawer

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP
    from train.unroll.config import RouteConfig, UnrollConfig

_LEAST_LOAD = 1000  # coarsest loads, as in column generation: coarser ones have other multipliers
_NEIGHBOURS = 8


def draw_problem(config: RouteConfig, rng: np.random.Generator, customers: tuple[int, int]) -> CVRP:
    """Draw an instance: size, kind, characteristics and fleet rule at random."""
    low, high = customers
    n = round(float(np.exp(rng.uniform(np.log(low), np.log(high)))))
    kind = "roads" if rng.random() < config.roads_share else "X"
    problem = drawer(kind)(rng, n, {})
    while not set(config.held_out).isdisjoint(problem.comment.split()):
        problem = drawer(kind)(rng, n, {})
    if rng.random() < config.exact_share:
        problem = replace(problem, fleet=Fleet.parse(f"exact:{problem.minimum_vehicles}"))
    return problem


@dataclass(frozen=True)
class UpdateSize:
    """The size of an update: the range of customers, the number of instances, and the evaluations of their ascents."""

    customers: tuple[int, int]
    instances: int
    horizon: int


def draw_size(config: UnrollConfig, rng: np.random.Generator) -> UpdateSize:
    """Draw the size of an update: large instances are fewer, and their ascents shorter."""
    is_large = bool(rng.random() < config.large_share)
    low, high = config.horizon
    horizon = int(rng.integers(low, high, endpoint=True))
    if rng.random() < config.long_share:
        horizon = config.long_horizon
    if is_large:
        return UpdateSize(config.large_customers, max(1, config.instances // 4), min(horizon, max(1, high // 2)))
    return UpdateSize(config.customers, config.instances, horizon)


def draw_duals(config: UnrollConfig, rng: np.random.Generator) -> tuple[list[RouteDual], int]:
    """Draw the route duals of an update, and the number of evaluations of their ascents."""
    size = draw_size(config, rng)
    duals = []
    for _ in range(size.instances):
        problem = draw_problem(config, rng, size.customers)
        graph = RouteGraph.of(problem, _NEIGHBOURS, max(_LEAST_LOAD, config.load_work / problem.n_customers**2))
        duals.append(RouteDual(graph, "paths" if rng.random() < config.paths_share else "ng"))
    return duals, size.horizon


def validation_problems(config: RouteConfig) -> list[CVRP]:
    """Return the validation instances."""
    rng = np.random.default_rng(config.validation_seed)
    return [draw_problem(config, rng, config.validation_customers) for _ in range(config.validation_instances)]


def validation_graphs(config: RouteConfig) -> list[RouteGraph]:
    """Return the graphs of the validation instances, with their own loads."""
    return [RouteGraph.of(problem, _NEIGHBOURS) for problem in validation_problems(config)]
