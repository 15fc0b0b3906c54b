"""One episode of a route relaxation: an instance, its dual, and its results so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.ascent_episode import AscentEpisode
from envs.episode import draw_horizon
from envs.generator import draw_instance
from envs.observation import require_room
from envs.rng import draw_generator
from envs.route.feedback import RouteFeedback
from envs.route.observation import RouteObserver
from envs.route.reward import RouteBest, reference_value
from lagrl.bounds.obstacle import ObstacleError
from lagrl.bounds.route_checkpoint import load_route_policy
from lagrl.bounds.route_dual import RouteDual, distance_units
from lagrl.bounds.route_features import RouteFeatures
from lagrl.bounds.route_graph import RouteGraph
from lagrl.bounds.route_policy import RoutePolicy
from lagrl.bounds.trivial import trivial_bound
from lagrl.controllers.base import Feedback
from lagrl.dual_loop import Step
from lagrl.errors import InstanceError
from lagrl.recovery.partition_master import PartitionMaster
from lagrl.recovery.savings import clarke_wright
from lagrl.relaxation.linearise import vehicles_to_try
from lagrl.relaxation.sampler import NO_COST

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from envs.config import EnvConfig
    from lagrl.bounds.route_dual import Relaxation
    from lagrl.problems.cvrp import CVRP
    from lagrl.recovery.incumbent import Incumbent
    from lagrl.relaxation.sampler import SubproblemSampler

_SHARE = 0.7  # of the savings cost: the sum of the first multipliers, which the dual's value is near there


@dataclass(eq=False, kw_only=True)
class RouteEpisode(AscentEpisode):
    """An episode of a route relaxation; see `AscentEpisode` for the attributes that are not listed.

    Its multipliers are [n + 1], the fleet's last.

    Attributes
    ----------
    dual
        The dual function that is maximised.
    feedback
        Makes routes of its evaluations.
    route_every
        Evaluations between two of them.
    """

    dual: RouteDual
    observer: RouteObserver
    best: RouteBest
    feedback: RouteFeedback
    route_every: int

    @property
    def incumbent(self) -> Incumbent:
        """The best routes so far, and the pool of all."""
        return self.feedback.incumbent

    @property
    def n_vehicles(self) -> int:
        """Number of vehicles K that routes are completed for."""
        return self.feedback.n_vehicles

    def evaluate(self, multipliers: NDArray[np.float64]) -> Step:
        """Evaluate the dual at [n + 1] multipliers, distance units, and make routes if they are due.

        Raises
        ------
        InstanceError
            If the evaluation needs too much memory.
        """
        try:
            point = self.dual.evaluate(multipliers)
        except ObstacleError as error:
            remedy = "use relaxation='paths', or smaller instances"
            raise InstanceError(str(error), source=self.problem.name, field="relaxation", remedy=remedy) from error
        route_cost, sampling = np.inf, NO_COST
        if len(self.values) % self.route_every == 0:
            route_cost, sampling = self.feedback.propose(point, list(self.dual.routes))
        cost = self.incumbent.cost
        return Step(
            point=point,
            feedback=Feedback(route_cost=cost if np.isfinite(cost) else None),
            assignment_cost=np.inf,
            route_cost=route_cost,
            exact_value=point.value,
            route_sampling=sampling,
        )

    def info(self) -> dict[str, Any]:
        """Return the episode's scalars, see `AscentEpisode.info`; there is no cost of an assignment.

        `reference_value` is the best dual value known at the start, and `best_gap` the share of the gap to it that is
        left, see `RouteBest`.
        """
        reference = self.best.reference
        info = super().info() | {"reference_value": np.nan if reference is None else reference}
        del info["best_assignment_cost"]
        return info


def new_route_episode(
    config: EnvConfig,
    make_sampler: Callable[[], SubproblemSampler],
    phase: int | None,
    rng: np.random.Generator,
    rng_record: dict[str, Any],
    problem: CVRP | None = None,
) -> RouteEpisode:
    """Draw an episode, without any of its evaluations yet; those of the reference value are made.

    Parameters
    ----------
    config
        Configuration of the episode, of a route relaxation.
    make_sampler
        Makes the sampler that completes routes.
    phase
        Curriculum phase of its rewards; None: the terms of all phases.
    rng
        Source of all random numbers of the episode.
    rng_record
        Its state before.
    problem
        The instance; generated if None.

    Raises
    ------
    InstanceError
        If the instance is larger than the padding, or than `RouteGraph` takes.
    """
    horizon = draw_horizon(config, rng)
    is_given = problem is not None
    if problem is None:
        problem = draw_instance(rng, config.n_customers)
    require_room(problem.n_customers, config.n_max, problem.name)
    relaxation: Relaxation = "paths" if config.relaxation == "paths" else "ng"
    graph = RouteGraph.of(problem, most_load=config.most_load)
    dual = RouteDual(graph, relaxation)
    savings_cost = clarke_wright(problem).cost
    feedback = RouteFeedback(
        problem,
        vehicles_to_try(problem),
        make_sampler(),
        shots=config.shots,
        n_joint=config.n_joint,
        keep_chosen=config.recombine,
        rng=draw_generator(rng),
    )
    return RouteEpisode(
        problem=problem,
        dual=dual,
        observer=RouteObserver(dual, horizon + 1),
        best=RouteBest(
            savings_cost,
            least=distance_units(graph, trivial_bound(graph)),
            reference=reference_value(graph, relaxation, config.reference_evaluations),
        ),
        initial=_first(config.start, dual, savings_cost),
        horizon=horizon,
        phase=phase,
        rng_record=rng_record,
        is_given=is_given,
        feedback=feedback,
        route_every=config.route_every,
        master=PartitionMaster(feedback.incumbent.pool) if config.recombine else None,
        recombine_every=config.route_every,
    )


def _first(start: str, dual: RouteDual, savings_cost: float) -> NDArray[np.float64]:
    """Return λ₀ [n + 1] of a configuration's `start`, distance units."""
    if start == "linear":
        return start_of(dual, savings_cost)
    if start == "zero":
        return dual.clip(np.zeros(dual.n_multipliers))
    checkpoint = load_route_policy(start.partition(":")[2] or None)
    features = RouteFeatures.of(dual.graph, is_paths=dual.relaxation == "paths")
    return dual.clip(RoutePolicy(checkpoint.weights, features).start())


def start_of(dual: RouteDual, savings_cost: float) -> NDArray[np.float64]:
    """Return a start [n + 1] that costs no evaluation, distance units.

    It is a multiple of `RouteDual.first_multipliers`, whose sum is 0.7 of Clarke and Wright's cost. At the best
    multipliers the sum is the dual's value. Where it is too high, routes of negative reduced cost lower the value
    quickly; on generated instances the value is about 0.76 of the best one.
    """
    first = dual.first_multipliers()
    total = float(first.sum())
    return dual.clip(first * (_SHARE * savings_cost / total)) if total > 0 else first
