"""What the episodes of all relaxations share: an instance, its multipliers so far, and their results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lagrl.recovery.set_partitioning import PartitionLimits, partition
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from envs.reward import BestSoFar
    from lagrl.controllers.base import Feedback
    from lagrl.dual_loop import Step
    from lagrl.problems.cvrp import CVRP
    from lagrl.recovery.incumbent import Incumbent
    from lagrl.recovery.partition_master import PartitionMaster
    from lagrl.relaxation.dual import DualPoint


class NodeObserver(Protocol):
    """Computes the observations of one ascent; called once per evaluation, in order."""

    neighbours: NDArray[np.int16]
    """[n, k] each customer's nearest others, 0-based; the customer itself where there are fewer."""

    def observe(self, point: DualPoint, feedback: Feedback | None) -> NDArray[np.float32]:
        """Return the features [n, F] after an evaluation."""
        ...


@dataclass(eq=False, kw_only=True)
class AscentEpisode(ABC):
    """An episode and its results so far, whatever the relaxation.

    Attributes
    ----------
    problem
        The instance.
    observer
        Computes its observations.
    best
        The best results so far.
    initial
        λ₀, distance units.
    horizon
        Largest number of steps.
    phase
        Curriculum phase of its rewards; None: the terms of all phases.
    rng_record
        State of its random generator before the episode was drawn.
    is_given
        Whether the instance was given by the user instead of generated.
    trail
        Multipliers of each step, clipped, distance units.
    values
        Per evaluation: the sampled L(λ), distance units.
    last
        The last evaluation, or a function that makes it; see `step`.
    share_served
        Share of customers with g = 0 at the last evaluation.
    sampling
        Circuits, shots and seconds of all samplers.
    is_optimal
        Whether an evaluation proved the dual optimal.
    master
        Set partitioning over the episode's routes; None if they are not recombined.
    recombine_every
        Evaluations between two combinations.
    """

    problem: CVRP
    observer: NodeObserver
    best: BestSoFar
    initial: NDArray[np.float64]
    horizon: int
    phase: int | None
    rng_record: dict[str, Any]
    is_given: bool
    trail: list[NDArray[np.float64]] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    last: Step | Callable[[], Step] | None = None
    share_served: float = 0.0
    sampling: SamplingCost = field(default_factory=SamplingCost)
    is_optimal: bool = False
    master: PartitionMaster | None = None
    recombine_every: int = 1

    @property
    def step(self) -> Step | None:
        """The last evaluation, None before the first one; that of a compiled step is made when it is first read."""
        if callable(self.last):
            self.last = self.last()
        return self.last

    @property
    @abstractmethod
    def incumbent(self) -> Incumbent:
        """The best routes so far, and the pool of all."""

    @property
    @abstractmethod
    def n_vehicles(self) -> int:
        """Number of vehicles K that routes are made for."""

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
        if self.last is not None:
            self.trail.append(step.point.multipliers)
        self.last = step
        self.sampling = self.sampling + step.sampling + step.route_sampling
        violation = step.point.violation[: self.n_customers]
        self.share_served = 1.0 - int(np.count_nonzero(violation)) / len(violation)
        self.is_optimal |= step.is_optimal
        self._note_best(step)
        self._recombine()
        self.values.append(step.point.sampled_value)

    def _note_best(self, step: Step) -> None:
        self.best.note(step, self.share_served)

    def _recombine(self) -> None:
        """Combine the routes so far, where the configuration says so and there are any."""
        incumbent, done = self.incumbent, len(self.values)
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
            "n_vehicles": self.n_vehicles,
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
