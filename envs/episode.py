"""One episode: an instance, its linearisation, its state in the dual loop, and its results so far."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.ascent_episode import AscentEpisode
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
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual, multiplier_ceiling
from lagrl.relaxation.linearise import linearise, vehicles_to_try
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

    Exceptions are `ibm:…` and `bandit…` by name, which all episodes of an environment share until it is closed: a
    device is connected once, and a learning bandit learns from all of them (`bandit+learn=false` learns nothing).

    Attributes
    ----------
    price
        Makes the sampler that prices λ.
    route
        Makes the sampler that proposes routes; None if it is the same.
    """

    price: Callable[[], SubproblemSampler]
    route: Callable[[], SubproblemSampler] | None


@dataclass(eq=False, kw_only=True)
class Episode(AscentEpisode):
    """An episode of the assignment relaxation; see `AscentEpisode` for the attributes that are not listed.

    Attributes
    ----------
    state
        Its entry of the dual loop's batch.
    seeding
        Seeding rule of its linearisation; `scores` where an action placed the seeds.
    assignment_costs
        Per evaluation: the cheapest assignment so far, distance units.
    judge
        Dual whose fresh samples value a new best λ; None: they are valued exactly.
    choice
        The choice of its seeds; None if they are drawn. Until then its linearisation is a provisional one.
    """

    state: AscentState
    observer: AscentObserver
    seeding: str
    assignment_costs: list[float] = field(default_factory=list)
    judge: AssignmentDual | None = None
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
    def incumbent(self) -> Incumbent:
        """The best routes so far, and the pool of all."""
        return self.state.incumbent

    @property
    def n_vehicles(self) -> int:
        """Number of vehicles K of the linearisation."""
        return self.dual.problem.n_vehicles

    def note(self, step: Step) -> None:
        """Record an evaluation; the first one is the start."""
        super().note(step)
        self.assignment_costs.append(self.best.assignment_cost)

    def note_compiled(self, multipliers: NDArray[np.float64], value: float, assignment_cost: float) -> None:
        """Record a compiled evaluation after the first one; its other results are recorded by `envs.compiled`."""
        self.trail.append(multipliers)
        self.values.append(value)
        self.assignment_costs.append(assignment_cost)

    def _note_best(self, step: Step) -> None:
        self.best.note(step, self.share_served, None if self.judge is None else partial(self._fresh_value, step))

    def _fresh_value(self, step: Step) -> float:
        assert self.judge is not None
        point = self.judge.evaluate(step.point.multipliers)
        if point.samples is not None:
            self.sampling = self.sampling + point.samples.cost
        return point.sampled_value


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
    horizon = draw_horizon(config, rng)
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


def draw_horizon(config: EnvConfig, rng: np.random.Generator) -> int:
    """Draw the number of steps, log-uniformly if `min_steps` is given."""
    if config.min_steps is None:
        return config.max_steps
    low, high = np.log(config.min_steps - 0.5), np.log(config.max_steps + 0.5)
    return int(np.clip(np.rint(np.exp(rng.uniform(low, high))), config.min_steps, config.max_steps))
