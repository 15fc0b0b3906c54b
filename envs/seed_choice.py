"""The choice of seeds as the first action of an episode: scores per customer, and what they decide.

`choose`: K seedings are drawn by the rules of the configuration in turn, the one of lowest estimated route cost first
(`Seeds.estimated_cost`). The seeds of each stand for the customers nearest to them, and the seeding whose customers
have the highest mean score is taken, the first of several. Equal scores therefore take the lowest estimate.

`scores`: the scores place the seeds. One by one the waiting customer of highest score becomes a seed, the one farthest
from the depot of several; it and the waiting customers nearest to it stop waiting, until the next would exceed the
capacity. So no two seeds serve the same customers. Where nobody waits any more, the other customers wait again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.relaxation.seeding import Seeds, candidate_seeds, seeding_rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from envs.config import EnvConfig
    from lagrl.problems.cvrp import CVRP

LARGEST_EXCESS = 20.0
"""Upper limit of the observed excess of an estimate, log(1 + percent)."""


@dataclass(eq=False)
class SeedChoice:
    """Seedings to choose from, or the place of the scores' seeds.

    Attributes
    ----------
    problem
        The instance.
    n_vehicles
        Number of seeds K.
    candidates
        Seedings, the lowest estimate first; in mode `scores` the one that an episode of mode `draw` would have, whose
        linearisation is observed before the choice.
    members
        [n, C] int8: 1 for the customers nearest to a candidate's seeds; C = 0 in mode `scores`.
    excess
        [C] float32: log(1 + percent that the estimate is above the lowest one).
    rng
        Source of the random numbers of the ascent after the choice.
    scores
        [n] float64 in [−1, 1], once chosen.
    """

    problem: CVRP
    n_vehicles: int
    candidates: list[Seeds]
    members: NDArray[np.int8]
    excess: NDArray[np.float32]
    rng: np.random.Generator
    scores: NDArray[np.float64] | None = field(default=None)

    @classmethod
    def draw(
        cls, config: EnvConfig, problem: CVRP, n_vehicles: int, seeding: str, rng: np.random.Generator
    ) -> SeedChoice:
        """Draw the candidates; `seeding` is the rule of mode `scores`, and `rng` serves the ascent as well."""
        if config.seeding == "scores":
            seeds = seeding_rule(seeding)(problem, n_vehicles, rng)
            return cls(
                problem, n_vehicles, [seeds], np.zeros((problem.n_customers, 0), np.int8), np.zeros(0, np.float32), rng
            )
        drawn = candidate_seeds(problem, n_vehicles, rng, config.seedings, config.seed_choices)
        estimates = np.array([seeds.estimated_cost(problem) for seeds in drawn])
        order = np.argsort(estimates, kind="stable")
        candidates, estimates = [drawn[index] for index in order], estimates[order]
        members = np.zeros((problem.n_customers, len(candidates)), np.int8)
        for column, seeds in enumerate(candidates):
            members[seeds.distance[:, 1:].argmin(axis=1), column] = 1
        above = 100.0 * (estimates / max(estimates[0], np.finfo(float).tiny) - 1.0)
        excess = np.minimum(np.log1p(above), LARGEST_EXCESS).astype(np.float32)
        return cls(problem, n_vehicles, candidates, members, excess, rng)

    @property
    def is_open(self) -> bool:
        """Whether the next action is the choice."""
        return self.scores is None

    def take(self, scores: NDArray[np.float64]) -> Seeds:
        """Return the seeds that scores [n] choose or place, and remember the scores."""
        self.scores = np.array(scores, np.float64)
        if self.members.shape[1] == 0:
            return place_by_scores(self.problem, self.n_vehicles, self.scores)
        means = self.scores @ self.members / self.members.sum(axis=0)
        return self.candidates[int(means.argmax())]


def place_by_scores(problem: CVRP, n_vehicles: int, scores: NDArray[np.float64]) -> Seeds:
    """Place K seeds at customers by scores [n], spread by the capacity; see the module."""
    demand, between = problem.demand, problem.distance[1:, 1:]
    order = np.lexsort((-problem.distance[0, 1:], -scores))
    waiting = np.ones(problem.n_customers, dtype=bool)
    chosen: list[int] = []
    for _ in range(n_vehicles):
        if not waiting.any():
            waiting[:] = True
            waiting[chosen] = False
        seed = int(order[waiting[order]][0])
        chosen.append(seed)
        nearest = np.argsort(between[seed], kind="stable")
        nearest = np.concatenate([[seed], nearest[waiting[nearest] & (nearest != seed)]])
        served = np.searchsorted(np.cumsum(demand[nearest]), problem.capacity, side="right")
        waiting[nearest[: max(int(served), 1)]] = False
    return Seeds(problem.distance[np.array(chosen) + 1], "scores")
