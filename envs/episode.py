"""One episode: an instance, its linearisation, its state in the dual loop, and its results so far."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.generator import draw_instance
from envs.observation import make_observer, require_room
from envs.reward import BestSoFar
from envs.rng import draw_generator
from envs.seed_choice import SeedChoice
from lagrl.dual_loop import AscentState
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.partition_master import PartitionMaster
from lagrl.recovery.pool import RoutePool
from lagrl.recovery.savings import clarke_wright
from lagrl.recovery.set_partitioning import PartitionLimits, partition
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual, multiplier_ceiling
from lagrl.relaxation.linearise import linearise, vehicles_to_try
from lagrl.relaxation.sampler import SamplingCost
from lagrl.relaxation.seeding import seeding_rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from envs.config import EnvConfig
    from envs.observation import AscentObserver
    from lagrl.dual_loop import Step
    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.sampler import SubproblemSampler
    from lagrl.relaxation.seeding import Seeds


@dataclass(frozen=True)
class Samplers:
    """Functions that make the samplers of an episode; each episode has its own, so that none depends on another.

    Exceptions are `ibm:…` and `bandit…` by name, which all episodes of a process share: a device is connected once,
    and a learning bandit learns from all of them (`bandit+learn=false` learns nothing).

    Attributes
    ----------
    price
        Makes the sampler that prices λ.
    route
        Makes the sampler that proposes routes; None if it is the same.
    """

    price: Callable[[], SubproblemSampler]
    route: Callable[[], SubproblemSampler] | None


@dataclass(eq=False)
class Episode:
    """An episode and its results so far.

    Attributes
    ----------
    problem
        The instance.
    state
        Its entry of the dual loop's batch.
    observer
        Computes its observations.
    best
        The best results so far.
    initial
        [n] λ₀, distance units.
    horizon
        Largest number of steps.
    phase
        Curriculum phase of its rewards; None: the terms of all phases.
    seeding
        Seeding rule of its linearisation; `scores` where an action placed the seeds.
    rng_record
        State of its random generator before the episode was drawn.
    is_given
        Whether the instance was given by the user instead of generated.
    trail
        [n] multipliers of each step, clipped, distance units.
    values, assignment_costs
        Per evaluation: the sampled L(λ), and the cheapest assignment so far, distance units.
    step
        The last evaluation.
    share_served
        Share of customers with g = 0 at the last evaluation.
    sampling
        Circuits, shots and seconds of both samplers.
    is_optimal
        Whether an evaluation proved the dual optimal.
    judge
        Dual whose fresh samples value a new best λ; None: they are valued exactly.
    master
        Set partitioning over the episode's routes; None if they are not recombined.
    recombine_every
        Evaluations between two combinations.
    choice
        The choice of its seeds; None if they are drawn. Until then its linearisation is a provisional one.
    """

    problem: CVRP
    state: AscentState
    observer: AscentObserver
    best: BestSoFar
    initial: NDArray[np.float64]
    horizon: int
    phase: int | None
    seeding: str
    rng_record: dict[str, Any]
    is_given: bool
    trail: list[NDArray[np.float64]] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    assignment_costs: list[float] = field(default_factory=list)
    step: Step | None = None
    share_served: float = 0.0
    sampling: SamplingCost = field(default_factory=SamplingCost)
    is_optimal: bool = False
    judge: AssignmentDual | None = None
    master: PartitionMaster | None = None
    recombine_every: int = 1
    choice: SeedChoice | None = None

    @property
    def is_choosing(self) -> bool:
        """Whether the next action is the choice of the seeds."""
        return self.choice is not None and self.choice.is_open

    @property
    def dual(self) -> AssignmentDual:
        """The dual function that is maximised."""
        return self.state.dual

    @property
    def n_customers(self) -> int:
        """Number of customers n."""
        return self.problem.n_customers

    @property
    def steps(self) -> int:
        """Number of moves of the multipliers so far; the start does not count, nor does a choice of seeds."""
        return len(self.trail)

    @property
    def budget(self) -> int:
        """Largest number of evaluations, the start included."""
        return self.horizon + 1

    @property
    def is_over(self) -> bool:
        """Whether the dual is proven optimal or the budget is spent; at least one step is always taken."""
        return self.steps >= self.horizon or (self.is_optimal and self.steps > 0)

    def note(self, step: Step) -> None:
        """Record an evaluation; the first one is the start."""
        if self.step is not None:
            self.trail.append(step.point.multipliers)
        self.step = step
        self.sampling = self.sampling + step.sampling + step.route_sampling
        violation = step.point.violation
        self.share_served = 1.0 - int(np.count_nonzero(violation)) / len(violation)
        self.is_optimal |= step.is_optimal
        self.best.note(step, self.share_served, None if self.judge is None else partial(self._fresh_value, step))
        self._recombine()
        self.values.append(step.point.sampled_value)
        self.assignment_costs.append(self.best.assignment_cost)

    def _fresh_value(self, step: Step) -> float:
        assert self.judge is not None
        point = self.judge.evaluate(step.point.multipliers)
        if point.samples is not None:
            self.sampling = self.sampling + point.samples.cost
        return point.sampled_value

    def _recombine(self) -> None:
        """Combine the routes so far, where the configuration says so and there are any."""
        incumbent, done = self.state.incumbent, self.state.iteration - 1
        if self.master is None or not incumbent.columns or not (done % self.recombine_every == 0 or self.is_over):
            return
        limits = PartitionLimits.without_clock(self.budget)
        incumbent.offer(partition(incumbent.pool, incumbent.columns, limits, self.master).columns)
        self.best.route_cost = min(self.best.route_cost, incumbent.cost)

    def info(self) -> dict[str, Any]:
        """Return the episode's scalars; values that do not exist yet are NaN.

        Names that start with `last_` belong to the last evaluation, those with `best_` to the best one so far.
        `best_dual_value` is exact, or that of fresh samples for the judge `samples`; it is for the record, and no
        policy may use it. `circuits`, `shots` and `qpu_seconds` are the episode's sums. `phase` is 0 without a
        curriculum.
        """
        best, step = self.best, self.step
        has_routes = best.route_cost < np.inf
        return {
            "phase": self.phase or 0,
            "n_customers": self.n_customers,
            "n_vehicles": self.state.dual.problem.n_vehicles,
            "evaluations": 0 if step is None else self.steps + 1,
            "last_sampled_value": np.nan if step is None else step.point.sampled_value,
            "last_share_served": np.nan if step is None else self.share_served,
            "best_share_served": np.nan if step is None else best.share_served,
            "best_dual_value": np.nan if step is None else best.dual_value,
            "best_assignment_cost": best.assignment_cost if best.assignment_cost < np.inf else np.nan,
            "best_route_cost": best.route_cost if has_routes else np.nan,
            "best_route_ratio": best.route_ratio if has_routes else np.nan,
            "best_gap": best.gap,
            "circuits": self.sampling.circuits,
            "shots": self.sampling.shots,
            "qpu_seconds": self.sampling.qpu_seconds,
            "is_optimal": self.is_optimal,
            "is_over": self.is_over,
        }


def new_episode(
    config: EnvConfig,
    samplers: Samplers,
    phase: int | None,
    rng: np.random.Generator,
    rng_record: dict[str, Any],
    problem: CVRP | None = None,
) -> Episode:
    """Draw an episode, without any evaluation yet.

    Parameters
    ----------
    config
        Configuration of the episode.
    samplers
        Functions that make the samplers.
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
        If the instance is larger than the padding.
    """
    horizon = _draw_horizon(config, rng)
    is_given = problem is not None
    if problem is None:
        problem = draw_instance(rng, config.n_customers)
    require_room(problem.n_customers, config.n_max, problem.name)
    seeding = config.seedings[rng.integers(len(config.seedings))]
    n_vehicles = vehicles_to_try(problem)
    choice = None
    if config.seeding == "draw":
        ascent = _Ascent.begin(config, samplers, seeding_rule(seeding)(problem, n_vehicles, rng), problem, horizon, rng)
    else:
        choice = SeedChoice.draw(config, problem, n_vehicles, seeding, rng)
        ascent = _Ascent.begin(config, samplers, choice.candidates[0], problem, horizon, deepcopy(choice.rng))
    return Episode(
        problem=problem,
        state=ascent.state,
        observer=ascent.observer,
        best=BestSoFar(clarke_wright(problem).cost),
        initial=ascent.initial,
        horizon=horizon,
        phase=phase,
        seeding=seeding,
        rng_record=rng_record,
        is_given=is_given,
        judge=ascent.judge,
        master=ascent.master,
        recombine_every=config.route_every,
        choice=choice,
    )


def choose_seeds(episode: Episode, scores: NDArray[np.float64], config: EnvConfig, samplers: Samplers) -> None:
    """Choose or place an episode's seeds by scores [n] in [−1, 1], and linearise, without any evaluation yet.

    The episode must be choosing; the other parameters are those of `new_episode`.
    """
    choice = episode.choice
    assert choice is not None
    seeds = choice.take(scores)
    ascent = _Ascent.begin(config, samplers, seeds, episode.problem, episode.horizon, deepcopy(choice.rng))
    episode.state, episode.observer, episode.initial = ascent.state, ascent.observer, ascent.initial
    episode.judge, episode.master, episode.seeding = ascent.judge, ascent.master, seeds.rule


@dataclass(frozen=True)
class _Ascent:
    """The parts of an episode that depend on its seeds; see `Episode`."""

    state: AscentState
    observer: AscentObserver
    initial: NDArray[np.float64]
    judge: AssignmentDual | None
    master: PartitionMaster | None

    @classmethod
    def begin(
        cls,
        config: EnvConfig,
        samplers: Samplers,
        seeds: Seeds,
        problem: CVRP,
        horizon: int,
        rng: np.random.Generator,
    ) -> _Ascent:
        """Linearise an instance around seeds; `rng` is the source of all random numbers of the ascent."""
        assignment = linearise(problem, seeds)
        floor, ceiling = config.bounds or (0.0, None)
        initial = np.zeros(problem.n_customers)
        if ceiling is None or config.start == "linear":
            warm = linear_dual(assignment)
            ceiling = multiplier_ceiling(assignment, warm) if ceiling is None else ceiling
            initial = warm.multipliers if config.start == "linear" else initial

        def dual(make: Callable[[], SubproblemSampler], run: str) -> AssignmentDual:
            return AssignmentDual(
                assignment, make(), shots=config.shots, rng=draw_generator(rng), run=run, ceiling=ceiling, floor=floor
            )

        state = AscentState(dual(samplers.price, problem.name), Incumbent(RoutePool(problem)), draw_generator(rng))
        if samplers.route is not None:
            state.route_dual = dual(samplers.route, f"{problem.name}/routes")
        is_judged = config.judge == "samples" and not state.dual.is_exact
        return cls(
            state=state,
            observer=make_observer(state.dual, horizon + 1, config.observation),
            initial=state.dual.clip(initial),
            judge=dual(samplers.price, f"{problem.name}/judge") if is_judged else None,
            master=PartitionMaster(state.incumbent.pool) if config.recombine else None,
        )


def _draw_horizon(config: EnvConfig, rng: np.random.Generator) -> int:
    """Draw the number of steps, log-uniformly if `min_steps` is given."""
    if config.min_steps is None:
        return config.max_steps
    low, high = np.log(config.min_steps - 0.5), np.log(config.max_steps + 0.5)
    return int(np.clip(np.rint(np.exp(rng.uniform(low, high))), config.min_steps, config.max_steps))
