"""Small dual ascents for the tests of the loop: instances, a noisy sampler, and a controller that records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.ascent import DualTrace, ascend_all
from lagrl.dual_loop import AscentState, DualLoop
from lagrl.problems.bundled import bundled_names, read_bundled
from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet
from lagrl.recovery.incumbent import Incumbent
from lagrl.recovery.pool import RoutePool
from lagrl.relaxation.dual import AssignmentDual, DualFunction, DualPoint
from lagrl.relaxation.knapsack import solve_knapsacks
from lagrl.relaxation.linearise import linearise
from lagrl.relaxation.sampler import SampleQuery, Samples, SamplingCost
from lagrl.relaxation.seeding import SEEDINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.controllers.base import Controller, Feedback


class NoisySampler:
    """Answers with the optimal string in half of the shots, with one flipped in a random place in the others."""

    def sample(self, query: SampleQuery) -> Samples:
        optimal, _ = solve_knapsacks(*query.knapsacks)
        flipped = optimal.copy()
        rows = np.arange(len(query.capacity))
        flipped[rows, query.rng.integers(0, len(query.weight), len(query.capacity))] ^= 1
        half = max(query.shots // 2, 1)
        strings = np.stack([optimal, flipped], axis=1)
        if query.context.step % 2:  # without the optimum the sampled value is above L
            strings[:, 0] = 0
        n_vehicles = len(query.capacity)
        cost = SamplingCost(circuits=n_vehicles, shots=query.shots * n_vehicles, seconds=0.25, backend="noise")
        return Samples(strings, np.full((len(query.capacity), 2), half), cost)


@dataclass
class Recording:
    """A constant step that keeps what it was shown."""

    step: float = 0.1

    def start(
        self,
        dual: DualFunction,
        *,
        budget: int,
        rng: np.random.Generator,
        initial: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        self.budget, self.scale = budget, dual.scale
        self.seen: list[tuple[DualPoint, Feedback | None]] = []
        return np.zeros(dual.n_multipliers) if initial is None else initial

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        self.seen.append((point, feedback))
        return point.multipliers + self.step * self.scale * point.violation


def state(name: str, seed: int, rule: str = "sweep", *, noisy: bool = False, fleet: Fleet | None = None) -> AscentState:
    """Return an ascent on a linearisation of a bundled instance, with a new incumbent."""
    bundled = read_bundled(name)
    problem = CVRP(name, bundled.demand, bundled.capacity, bundled.distance, bundled.coordinates, fleet or Fleet())
    seeds = SEEDINGS[rule](problem, problem.minimum_vehicles, np.random.default_rng(seed))
    sampler, rng = (NoisySampler(), np.random.default_rng([seed, 1])) if noisy else (None, None)
    dual = AssignmentDual(linearise(problem, seeds), sampler, shots=4, rng=rng)
    return AscentState(dual, Incumbent(RoutePool(problem)), np.random.default_rng([seed, 2]))


SMALL, MIDDLE, LARGE = bundled_names()[:3]
MIXED = [(SMALL, 0, "sweep"), (MIDDLE, 1, "kmeans"), (LARGE, 2, "farthest"), (MIDDLE, 3, "sweep")]


def ascend_alone(one: AscentState, controller: Controller, budget: int, **options: object) -> DualTrace:
    """Run the ascent of a single entry."""
    loop = DualLoop([one], **options)
    return ascend_all(loop, [controller], [budget], [np.random.default_rng(0)])[0]


def scalars(trace: DualTrace) -> list[list[float]]:
    """Everything a trace has by evaluation, NaN made comparable."""
    exact = [-1.0 if np.isnan(value) else value for value in trace.exact_value]
    return [trace.sampled_value, exact, trace.assignment_cost, trace.route_cost]
