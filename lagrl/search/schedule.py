"""The schedule of a search: which linearisation comes next, with how many evaluations."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Literal, Protocol, get_args, runtime_checkable

import numpy as np

from lagrl.errors import InputError, UnknownNameError
from lagrl.relaxation.seeding import seeding_rule
from lagrl.solve_config import DEFAULT_EVALUATIONS, default_linearisations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lagrl.solve_config import SolveConfig

Linearisation = Literal["seeds", "incumbent", "partial"]
Prices = Literal["regret", "master"]

_ASCENTS_PER_ROUND = 4  # few, to limit the time of the warm starts and the memory of the costs
_EVALUATIONS = 3  # of an ascent around existing routes
_SCHEDULING = 1_000_001  # random stream of the draws
_FIRST_SCORE = 0.2
_REACTION = 0.1  # weight of a new outcome in a move's score (Ropke and Pisinger 2006)
_LEAST = 0.1  # lower bound of a score, as a share of the mean score
_BETTER, _ACCEPTED = 1.0, 0.1  # rewards: better than the current routes, only accepted
_BEST = 5.0  # reward: better than all before


@dataclass(frozen=True)
class Decision:
    """One linearisation, or several from seeds, with the evaluations of their ascents.

    Attributes
    ----------
    linearisation
        `seeds`: Fisher and Jaikumar's, from seeds. `incumbent`: all customers of the current routes, by cheapest
        insertion. `partial`: customers freed from those routes, around the remaining parts.
    budgets
        Evaluations of each ascent; only `seeds` may have several, each with its own seeds.
    freed
        Average number of customers to free (`partial`).
    closing
        Whether a whole route is freed and closed, if the fleet rule allows one route less (`partial`).
    noise
        Standard deviation of the random factors on the costs (not for `seeds`).
    prices
        Start of the ascent: `regret` (second cheapest cost) or `master` (the set-partitioning master's duals, which
        make the knapsacks a heuristic pricing of whole routes). `seeds` start from the linear relaxation's prices.
    seeding
        Rule that places the seeds (`seeds`), see `relaxation.seeding`; None to alternate the configuration's rules.

    Raises
    ------
    UnknownNameError
        If a name is not one of these.
    InputError
        If a number is out of range, or does not fit the linearisation.
    """

    linearisation: Linearisation
    budgets: tuple[int, ...]
    freed: int = 0
    closing: bool = False
    noise: float = 0.0
    prices: Prices = "regret"
    seeding: str | None = None

    def __post_init__(self) -> None:
        for kind, name, known in (
            ("linearisation", self.linearisation, get_args(Linearisation)),
            ("prices", self.prices, get_args(Prices)),
        ):
            if name not in known:
                raise UnknownNameError.of(kind, str(name), known)
        if self.seeding is not None:
            seeding_rule(self.seeding)
        n_ascents, wanted = len(self.budgets), "one or more" if self.linearisation == "seeds" else "one"
        if n_ascents == 0 or min(self.budgets) < 1 or (wanted == "one" and n_ascents > 1):
            raise InputError(
                f"budgets {self.budgets} given for {self.linearisation}",
                field="decision",
                remedy=f"give {wanted}, each of 1 evaluation or more",
            )
        if self.linearisation == "partial" and self.freed < 1:
            raise InputError(f"{self.freed} freed for partial", field="decision", remedy="free 1 customer or more")
        if not 0.0 <= self.noise < np.inf:
            raise InputError(f"noise {self.noise} given", field="decision", remedy="give a finite number of 0 or more")


@dataclass(frozen=True)
class Outcome:
    """The result of a decision.

    Attributes
    ----------
    decision
        The decision.
    evaluations
        Evaluations spent.
    is_best, is_better, is_accepted
        Whether the routes are the best so far, better than the routes before, and the new current routes.
    """

    decision: Decision
    evaluations: int
    is_best: bool
    is_better: bool
    is_accepted: bool


@dataclass
class History:
    """What a schedule can base its decision on.

    Attributes
    ----------
    n_customers
        Customers of the instance.
    evaluation_limit
        Evaluations allowed; None if only the clock limits the search.
    progress
        Spent share of the budget, 0 to 1.
    evaluations
        Evaluations so far.
    seeds
        Rule of each linearisation from seeds so far, and the length of its best routes, distance units; infinite where
        none met the fleet rule.
    restarted
        Whether a new cycle of the search has just started.
    has_routes
        Whether there are routes that meet the fleet rule, to linearise around.
    has_prices
        Whether the master was solved, so that its prices exist.
    outcomes
        Outcomes of all decisions except those for seeds, the latest last.
    """

    n_customers: int
    evaluation_limit: int | None
    progress: float = 0.0
    evaluations: int = 0
    seeds: list[tuple[str, float]] = field(default_factory=list, repr=False)
    restarted: bool = False
    has_routes: bool = False
    has_prices: bool = False
    outcomes: list[Outcome] = field(default_factory=list, repr=False)

    @property
    def n_seeds(self) -> int:
        """Number of linearisations from seeds so far."""
        return len(self.seeds)


@runtime_checkable
class Schedule(Protocol):
    """Decides the next linearisation; a solve ends with its budget, or when a schedule returns None."""

    def next(self, history: History) -> Decision | None:
        """Return the next decision, None to stop; it must be for `seeds` while the history has no routes."""
        ...


MOVES: tuple[Decision, ...] = (
    Decision("partial", (_EVALUATIONS,), freed=10, noise=0.1),
    Decision("partial", (_EVALUATIONS,), freed=20, noise=0.1),
    Decision("partial", (_EVALUATIONS,), freed=10, noise=0.1, prices="master"),
    Decision("partial", (_EVALUATIONS,), freed=15, closing=True, noise=0.1),
    Decision("incumbent", (_EVALUATIONS,), noise=0.1),
)


def schedule_of(config: SolveConfig) -> Schedule:
    """Return the schedule of a configuration."""
    limit = config.evaluation_limit or DEFAULT_EVALUATIONS
    if not config.uses("relinearisation"):
        return SeedSchedule(config.linearisations or default_linearisations(limit), limit)
    return AdaptiveSchedule(np.random.default_rng([config.seed, _SCHEDULING]), n_seeds=config.linearisations or 2)


class SeedSchedule:
    """Linearisations from seeds only: the reference's method, repeated.

    `linearisations`: number of linearisations that share the evaluations; evaluations left by solved duals go to
    further ones. `evaluations`: evaluations in all; if only the clock limits the search, evaluations of every
    `linearisations`.
    """

    def __init__(self, linearisations: int, evaluations: int) -> None:
        self.linearisations = min(linearisations, evaluations)
        self.evaluations = evaluations

    def next(self, history: History) -> Decision | None:
        """Return the next few ascents from seeds with their shares of the evaluations; shares differ by one at most."""
        each = -(-self.evaluations // self.linearisations)
        if history.evaluation_limit is None:
            return Decision("seeds", (each,) * min(self.linearisations, _ASCENTS_PER_ROUND))
        remaining = history.evaluation_limit - history.evaluations
        if remaining <= 0:
            return None
        still_planned, by_size = self.linearisations - history.n_seeds, -(-remaining // each)
        n_ascents = min(max(still_planned, by_size), _ASCENTS_PER_ROUND)
        total = min(remaining, each * n_ascents)
        if still_planned >= by_size:
            total = -(-remaining * n_ascents // still_planned)
        return Decision("seeds", split_evenly(total, n_ascents))


def split_evenly(total: int, n_ascents: int) -> tuple[int, ...]:
    """Split evaluations into shares that differ by one at most; none is 0."""
    base, extra = divmod(total, n_ascents)
    return tuple(share for share in (base + (b < extra) for b in range(n_ascents)) if share)


class AdaptiveSchedule:
    """A few linearisations from seeds, then moves around the incumbent, drawn by their success.

    A move's score is a running mean of its outcomes' rewards per evaluation; moves are drawn in proportion to their
    scores (adaptive large neighbourhood search, Ropke and Pisinger 2006).

    Parameters
    ----------
    rng
        Randomness of the draws.
    n_seeds
        Number of linearisations from seeds at the start. One more follows with each new cycle, and while none has given
        routes that meet the fleet rule.
    seed_evaluations
        Evaluations of each.
    moves
        The moves to choose from; those that start from the master's prices are drawn only once there are prices.

    Raises
    ------
    InputError
        If all moves start from the master's prices.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        *,
        n_seeds: int = 2,
        seed_evaluations: int = 10,
        moves: Sequence[Decision] = MOVES,
    ) -> None:
        if all(move.prices == "master" for move in moves):
            raise InputError(
                "every move needs the master's prices", field="moves", remedy="add one that starts from regret"
            )
        self._rng = rng
        self.n_seeds = n_seeds
        self.seed_evaluations = seed_evaluations
        self.moves = tuple(moves)
        self._score = [_FIRST_SCORE] * len(self.moves)
        self._seen = 0

    def next(self, history: History) -> Decision | None:
        """Learn from the new outcomes and draw the next move; see `Schedule.next`."""
        for outcome in history.outcomes[self._seen :]:
            self._learn(outcome)
        self._seen = len(history.outcomes)
        if history.n_seeds == 0 or history.restarted or not history.has_routes:
            n_ascents = 1 if history.n_seeds else self.n_seeds
            total, limit = self.seed_evaluations * n_ascents, history.evaluation_limit
            if limit is not None:
                total = min(total, limit - history.evaluations)
            return Decision("seeds", split_evenly(total, n_ascents))
        possible = [m for m, move in enumerate(self.moves) if move.prices != "master" or history.has_prices]
        least = _LEAST * sum(self._score[m] for m in possible) / len(possible)
        steps = list(accumulate(max(self._score[m], least) for m in possible))
        return self.moves[possible[bisect(steps, self._rng.random() * steps[-1], hi=len(steps) - 1)]]

    def _learn(self, outcome: Outcome) -> None:
        if outcome.decision not in self.moves:
            return
        reward = _BEST * outcome.is_best + _BETTER * outcome.is_better + _ACCEPTED * outcome.is_accepted
        move = self.moves.index(outcome.decision)
        self._score[move] += _REACTION * (reward * _EVALUATIONS / max(outcome.evaluations, 1) - self._score[move])
