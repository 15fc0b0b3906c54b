"""One episode of the search: an instance, its search, and the results of its moves so far."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.generator import draw_instance
from envs.observation import require_room
from envs.search.observation import SearchObserver
from lagrl.controllers.registry import controller_factory
from lagrl.errors import InstanceError
from lagrl.recovery.savings import clarke_wright
from lagrl.search.relinearise import require_freed
from lagrl.search.schedule import schedule_of
from lagrl.search.search import Search
from lagrl.solve_config import SolveConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from envs.search.config import SearchEnvConfig
    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.sampler import SubproblemSampler
    from lagrl.search.schedule import Outcome

_START_EVALUATIONS = 20
_MOVE, _SETS, _TIES = range(3)  # random streams of a move


@dataclass(eq=False)
class SearchEpisode:
    """An episode and its results so far.

    Attributes
    ----------
    problem
        The instance.
    config
        Configuration of the episode.
    search
        The search, with the current and the best routes.
    observer
        Computes its observations.
    seed
        Seed of the moves' random numbers: a move depends on this seed, its number, and the moves before.
    rng_record
        State of the random generator before the episode was drawn.
    is_given
        Whether the instance was given by the user instead of generated.
    start_cost, savings_cost
        Cost of the start routes and of Clarke and Wright's, distance units.
    mean_arc
        Mean arc of the start routes, distance units.
    trail
        Customers freed by each move.
    costs
        Current and best cost at the start and after each move, distance units.
    outcome
        Result of the last move; None at the start.
    """

    problem: CVRP
    config: SearchEnvConfig
    search: Search
    observer: SearchObserver
    seed: int
    rng_record: dict[str, Any]
    is_given: bool
    start_cost: float
    savings_cost: float
    mean_arc: float
    trail: list[tuple[int, ...]] = field(default_factory=list)
    costs: list[tuple[float, float]] = field(default_factory=list)
    outcome: Outcome | None = None

    @property
    def n_customers(self) -> int:
        """Number of customers n."""
        return self.problem.n_customers

    @property
    def moves(self) -> int:
        """Number of moves so far."""
        return len(self.trail)

    @property
    def is_over(self) -> bool:
        """Whether the budget is spent."""
        return self.moves >= self.config.max_moves

    @property
    def routes(self) -> list[list[int]]:
        """Customers of each current route in visiting order."""
        return self.search.current.neighbourhood.lists

    def stream(self, kind: int) -> np.random.Generator:
        """Return random numbers of the next move."""
        return np.random.default_rng([self.seed, self.moves, kind])

    def ties(self) -> np.random.Generator:
        """Return the random numbers that order equal scores of the next move."""
        return self.stream(_TIES)

    def draw_sets(self, count: int) -> list[list[int]]:
        """Draw sets of customers for the next move by the search's own rule; the same ones at each call."""
        rng = self.stream(_SETS)
        sets = [self.search.moving.draw_freed(self.config.decision, rng) for _ in range(count)]
        return [freed[: self.n_customers - 1] for freed in sets]  # on tiny instances a set may be everybody

    def require(self, freed: Sequence[int]) -> None:
        """Raise InputError for a set that cannot be freed, see `require_freed`."""
        require_freed(freed, self.search.current.neighbourhood)

    def move(self, freed: Sequence[int]) -> None:
        """Carry out the search's move that frees these customers; for the errors see `Moving.improve`."""
        self.search.current.neighbourhood.reseed(int(self.stream(_MOVE).integers(2**31)))
        self.outcome = self.search.improve(self.config.decision, freed)
        self.trail.append(tuple(int(customer) for customer in freed))
        self.note_costs()

    def note_costs(self) -> None:
        """Record the current and the best cost."""
        self.costs.append((self.search.current.cost, self.search.incumbent.cost))

    def copy(self) -> SearchEpisode:
        """Return an independent copy, whose moves have the same random numbers."""
        shared = (self.problem, self.search.current.nearest, self.rng_record, self.config)
        return copy.deepcopy(self, {id(part): part for part in shared})

    def info(self) -> dict[str, Any]:
        """Return the episode's scalars.

        Costs are in distance units. Names that start with `last_` belong to the last move, those with `best_` to the
        best routes so far. `circuits`, `shots` and `qpu_seconds` are the episode's sums.
        """
        search, outcome = self.search, self.outcome
        current, best = self.costs[-1]
        return {
            "n_customers": self.n_customers,
            "n_routes": len(self.routes),
            "moves": self.moves,
            "evaluations": search.incumbent.evaluations,
            "start_route_cost": self.start_cost,
            "current_route_cost": current,
            "best_route_cost": best,
            "best_route_ratio": best / self.savings_cost if self.savings_cost > 0 else 1.0 + best,
            "last_freed": len(self.trail[-1]) if self.trail else 0,
            "last_is_best": outcome is not None and outcome.is_best,
            "last_is_better": outcome is not None and outcome.is_better,
            "last_is_accepted": outcome is not None and outcome.is_accepted,
            "circuits": search.ascending.sampling.circuits,
            "shots": search.ascending.sampling.shots,
            "qpu_seconds": search.ascending.sampling.qpu_seconds,
            "is_over": self.is_over,
        }


def new_episode(
    config: SearchEnvConfig,
    make_sampler: Callable[[], SubproblemSampler],
    rng: np.random.Generator,
    rng_record: dict[str, Any],
    problem: CVRP | None = None,
) -> SearchEpisode:
    """Draw an episode, and improve its start routes by local search.

    Parameters
    ----------
    config
        Configuration of the episode.
    make_sampler
        Makes the sampler; each episode has its own.
    rng
        Source of all random numbers of the episode.
    rng_record
        Its state before.
    problem
        The instance; generated if None.

    Raises
    ------
    InstanceError
        If the instance has one customer, or more than the padding, or its start routes do not meet the fleet rule.
    """
    is_given = problem is not None
    if problem is None:
        problem = draw_instance(rng, config.n_customers)
    n = problem.n_customers
    require_room(n, config.n_max, problem.name)
    if n < 2:
        raise InstanceError("1 customer", source=problem.name, remedy="give an instance with 2 or more customers")
    seed = int(rng.integers(2**31))
    settings = SolveConfig(
        evaluations=config.max_moves * config.evaluations,
        shots=config.shots,
        seed=seed,
        without=("partition", "bound"),
    )
    controller = controller_factory(settings.controller)
    search = Search(problem, settings, controller, make_sampler(), schedule_of(settings), local_size=n)
    savings = clarke_wright(problem)
    routes = savings.routes if config.start == "savings" else _routes_from_seeds(problem, seed, make_sampler())
    if not routes or not search.start_from([np.array(route, np.int64) for route in routes]):
        other = "use start='seeds'" if config.start == "savings" else "give an instance with more vehicles"
        raise InstanceError(
            f"no start routes meet the fleet rule {problem.fleet}", source=problem.name, field="start", remedy=other
        )
    cost = search.current.cost
    mean_arc = cost / (n + len(search.current.neighbourhood.columns)) or 1.0
    episode = SearchEpisode(
        problem=problem,
        config=config,
        search=search,
        observer=SearchObserver(problem, config.max_moves, mean_arc),
        seed=seed,
        rng_record=rng_record,
        is_given=is_given,
        start_cost=cost,
        savings_cost=savings.cost or 1.0,
        mean_arc=mean_arc,
    )
    episode.note_costs()
    return episode


def _routes_from_seeds(problem: CVRP, seed: int, sampler: SubproblemSampler) -> Sequence[Sequence[int]]:
    """Return the best routes of a short ascent from seeds; none if none meet the fleet rule."""
    settings = SolveConfig(evaluations=_START_EVALUATIONS, seed=seed, method="reference")
    controller = controller_factory(settings.controller)
    search = Search(problem, settings, controller, sampler, schedule_of(settings))
    search.run()
    solution = search.incumbent.solution()
    return () if solution is None else solution.routes
