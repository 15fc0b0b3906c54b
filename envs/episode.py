"""One episode: an instance, its linearisation, a lane of the dual loop, and what came of it so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.generator import generated
from envs.observation import Observer, require_room
from envs.reward import Progress
from envs.rng import child
from lagrl.dual_loop import AscentState
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.pool import RoutePool
from lagrl.recovery.savings import clarke_wright
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual, multiplier_ceiling
from lagrl.relaxation.linearise import linearise, vehicles_to_try
from lagrl.relaxation.sampler import SamplingCost
from lagrl.relaxation.seeding import SEEDINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from envs.config import EnvConfig
    from lagrl.dual_loop import Step
    from lagrl.problems.cvrp import CVRP
    from lagrl.relaxation.sampler import SubproblemSampler


@dataclass(frozen=True)
class Samplers:
    """What makes an episode's samplers: each episode has its own, so that none remembers another.

    But for `ibm:…` and `bandit…`, which by name are the same for all episodes of a process: a device is connected once,
    and a bandit that learns does so from all of them (`bandit+learn=false` remembers nothing).

    Attributes
    ----------
    price
        Makes what prices λ.
    route
        Makes what proposes routes; None if that is the same.
    """

    price: Callable[[], SubproblemSampler]
    route: Callable[[], SubproblemSampler] | None


@dataclass(eq=False)
class Episode:
    """An episode under way.

    Attributes
    ----------
    problem
        The instance.
    state
        Its place in the dual loop.
    observer
        Makes its observations.
    progress
        The best so far.
    initial
        [n] λ₀, distance units.
    horizon
        Steps the episode may take.
    phase
        Curriculum phase of its rewards.
    seeding
        Rule of its linearisation.
    rng_record
        State of the generator that it was drawn from, before.
    is_given
        Whether the instance was given rather than drawn.
    trail
        [n] multipliers of each step, clipped, distance units.
    values, assignment_costs
        Per evaluation: the sampled L(λ), and the cheapest assignment so far, distance units.
    step
        The last evaluation.
    share_served
        Share of customers with g = 0 there.
    sampling
        What both samplers used up.
    is_optimal
        Whether an evaluation proved the dual optimal.
    """

    problem: CVRP
    state: AscentState
    observer: Observer
    progress: Progress
    initial: NDArray[np.float64]
    horizon: int
    phase: int
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

    @property
    def dual(self) -> AssignmentDual:
        """The dual being ascended."""
        return self.state.dual

    @property
    def n_customers(self) -> int:
        """Number of customers n."""
        return self.problem.n_customers

    @property
    def steps(self) -> int:
        """Steps taken; the start is none."""
        return len(self.trail)

    @property
    def budget(self) -> int:
        """Evaluations the episode may take, the start included."""
        return self.horizon + 1

    @property
    def is_over(self) -> bool:
        """Whether the dual is proven optimal or the budget is spent; at least one step is always taken."""
        return self.steps >= self.horizon or (self.is_optimal and self.steps > 0)

    def note(self, step: Step) -> None:
        """Take an evaluation into account; the first one is the start."""
        if self.step is not None:
            self.trail.append(step.point.multipliers)
        self.step = step
        self.sampling = self.sampling + step.sampling + step.route_sampling
        violation = step.point.violation
        self.share_served = 1.0 - int(np.count_nonzero(violation)) / len(violation)
        self.is_optimal |= step.is_optimal
        self.progress.note(step, self.share_served)
        self.values.append(step.point.sampled_value)
        self.assignment_costs.append(self.progress.assignment_cost)

    def info(self) -> dict[str, Any]:
        """Return the episode's scalars; costs that do not exist yet are NaN.

        `sampled_value` and `share_served` are those of the last evaluation, all others the best so far. `dual_value`
        is exact, hence NaN under an approximate sampler. `circuits`, `shots` and `qpu_seconds` are the episode's sums.
        """
        progress, step = self.progress, self.step
        assert step is not None
        has_routes = progress.route_cost < np.inf
        return {
            "phase": self.phase,
            "n_customers": self.n_customers,
            "n_vehicles": self.state.dual.problem.n_vehicles,
            "evaluations": self.steps + 1,
            "sampled_value": step.point.sampled_value,
            "dual_value": np.nan if step.point.value is None else progress.sampled_value,
            "assignment_cost": progress.assignment_cost if progress.assignment_cost < np.inf else np.nan,
            "route_cost": progress.route_cost if has_routes else np.nan,
            "route_ratio": progress.route_ratio if has_routes else np.nan,
            "gap": progress.gap,
            "share_served": self.share_served,
            "circuits": self.sampling.circuits,
            "shots": self.sampling.shots,
            "qpu_seconds": self.sampling.qpu_seconds,
            "is_optimal": self.is_optimal,
            "is_over": self.is_over,
        }


def new_episode(
    config: EnvConfig,
    samplers: Samplers,
    phase: int,
    rng: np.random.Generator,
    rng_record: dict[str, Any],
    problem: CVRP | None = None,
) -> Episode:
    """Draw an episode that has not spent an evaluation yet.

    Parameters
    ----------
    config
        What an episode is.
    samplers
        Make the samplers.
    phase
        Curriculum phase of its rewards.
    rng
        Source of all randomness of the episode.
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
        problem = generated(rng, config.n_customers)
    require_room(problem.n_customers, config.n_max, problem.name)
    seeding = config.seedings[rng.integers(len(config.seedings))]
    assignment = linearise(problem, SEEDINGS[seeding](problem, vehicles_to_try(problem), rng))
    floor, ceiling = config.bounds or (0.0, None)
    initial = np.zeros(problem.n_customers)
    if ceiling is None or config.start == "linear":
        warm = linear_dual(assignment)
        ceiling = multiplier_ceiling(assignment, warm) if ceiling is None else ceiling
        initial = warm.multipliers if config.start == "linear" else initial

    def dual(make: Callable[[], SubproblemSampler], run: str) -> AssignmentDual:
        return AssignmentDual(
            assignment, make(), shots=config.shots, rng=child(rng), run=run, ceiling=ceiling, floor=floor
        )

    state = AscentState(dual(samplers.price, problem.name), Incumbent(RoutePool(problem)), child(rng))
    if samplers.route is not None:
        state.route_dual = dual(samplers.route, f"{problem.name}/routes")
    return Episode(
        problem=problem,
        state=state,
        observer=Observer(state.dual, horizon + 1),
        progress=Progress(clarke_wright(problem).cost),
        initial=state.dual.clip(initial),
        horizon=horizon,
        phase=phase,
        seeding=seeding,
        rng_record=rng_record,
        is_given=is_given,
    )


def _draw_horizon(config: EnvConfig, rng: np.random.Generator) -> int:
    """Draw the number of steps, log-uniformly if there is a choice."""
    if config.min_steps is None:
        return config.max_steps
    low, high = np.log(config.min_steps - 0.5), np.log(config.max_steps + 0.5)
    return int(np.clip(np.rint(np.exp(rng.uniform(low, high))), config.min_steps, config.max_steps))
