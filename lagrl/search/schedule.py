"""What to do next that is not a multiplier update: which linearisation, around what, with how many evaluations."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Literal, Protocol, get_args

import numpy as np

from lagrl.errors import InputError, UnknownNameError
from lagrl.relaxation.seeding import SEEDINGS
from lagrl.solve_config import DEFAULT_EVALUATIONS, default_linearisations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lagrl.solve_config import SolveConfig

Linearisation = Literal["seeds", "incumbent", "partial"]
Prices = Literal["regret", "master"]

_ASCENTS_PER_ROUND = 4  # few enough that a round's warm starts do not eat the time, nor its costs the memory
_EVALUATIONS = 3  # of an ascent around routes that are there
_SCHEDULING = 1_000_001  # stream of randomness of the draws
_FIRST_SCORE = 0.2
_REACTION = 0.1  # weight of a new outcome in a move's score (Ropke and Pisinger 2006)
_LEAST = 0.1  # share of the mean score below which no move falls
_BETTER, _ACCEPTED = 1.0, 0.1  # what an outcome is worth: better than the current routes, or only gone on from
_BEST = 5.0  # better than all before


@dataclass(frozen=True)
class Decision:
    """A linearisation, or several from seeds, and the ascent.

    Attributes
    ----------
    linearisation
        `seeds`: Fisher and Jaikumar's, from seeds. `incumbent`: everybody on the routes in focus, by cheapest
        insertion. `partial`: customers freed from those routes, around what is left of them.
    budgets
        Evaluations of each ascent; only `seeds` may have several, each from seeds of its own.
    freed
        Customers to free on average (`partial`).
    closing
        Whether a whole route is among the freed and closed, if the fleet rule lets one go (`partial`).
    noise
        Standard deviation of the factors that costs are multiplied by (not for `seeds`).
    prices
        Where the ascent starts: `regret` (second cheapest cost) or `master` (the set-partitioning master's duals, which
        makes the knapsacks a heuristic pricing of whole routes). Seeds start from the linear relaxation's.
    seeding
        Rule that places the seeds (`seeds`), see `relaxation.seeding`; None for those of the configuration in turn.

    Raises
    ------
    UnknownNameError
        If a name is none of those.
    InputError
        If numbers make no sense, or do not go with the linearisation.
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
            ("seeding", self.seeding or "kmeans", SEEDINGS),
        ):
            if name not in known:
                raise UnknownNameError.of(kind, str(name), known)
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
    """What a decision led to.

    Attributes
    ----------
    decision
        The decision.
    evaluations
        What it took.
    is_best, is_better, is_accepted
        Whether the routes are the best so far, better than those it began from, and gone on from.
    """

    decision: Decision
    evaluations: int
    is_best: bool
    is_better: bool
    is_accepted: bool


@dataclass
class History:
    """What a schedule may look at.

    Attributes
    ----------
    n_customers
        Customers of the instance.
    evaluation_limit
        Evaluations allowed; None for no limit but the clock.
    progress
        Share of the budget spent, from 0 to 1.
    evaluations
        Spent so far.
    seeds
        Rule of each linearisation from seeds so far, and the length of the best routes it gave, distance units;
        infinite where none met the fleet rule.
    restarted
        Whether the current cycle of the search has just begun, after an earlier one.
    has_routes
        Whether there are routes to linearise around: not before seeds gave some that meet the fleet rule.
    has_prices
        Whether the master was solved, so that there are prices.
    outcomes
        Outcomes of all decisions but those for seeds, the last one last.
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
        """Linearisations from seeds so far."""
        return len(self.seeds)


class Schedule(Protocol):
    """Decides what to do next; a solve ends with its budget, or when a schedule has nothing more to do."""

    def next(self, history: History) -> Decision | None:
        """Return what to do next, None to stop: `seeds` for as long as the history has no routes."""
        ...


MOVES: tuple[Decision, ...] = (
    Decision("partial", (_EVALUATIONS,), freed=10, noise=0.1),
    Decision("partial", (_EVALUATIONS,), freed=20, noise=0.1),
    Decision("partial", (_EVALUATIONS,), freed=10, noise=0.1, prices="master"),
    Decision("partial", (_EVALUATIONS,), freed=15, closing=True, noise=0.1),
    Decision("incumbent", (_EVALUATIONS,), noise=0.1),
)


def schedule_of(config: SolveConfig) -> Schedule:
    """Return the schedule that a configuration asks for."""
    limit = config.evaluation_limit or DEFAULT_EVALUATIONS
    if not config.uses("relinearisation"):
        return SeedSchedule(config.linearisations or default_linearisations(limit), limit)
    return AdaptiveSchedule(np.random.default_rng([config.seed, _SCHEDULING]), n_seeds=config.linearisations or 2)


class SeedSchedule:
    """Linearisations from seeds and nothing else: the reference's, repeated.

    Parameters
    ----------
    linearisations
        Over how many the evaluations are spread; what solved duals leave goes to further ones.
    evaluations
        Evaluations in all; where the clock is the only limit, of every `linearisations`.
    """

    def __init__(self, linearisations: int, evaluations: int) -> None:
        self.linearisations = min(linearisations, evaluations)
        self.evaluations = evaluations

    def next(self, history: History) -> Decision | None:
        """Give the lanes of the next round their shares of what is left; shares differ by one at most."""
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
        return Decision("seeds", spread(total, n_ascents))


def spread(total: int, n_ascents: int) -> tuple[int, ...]:
    """Split evaluations into shares that differ by one at most; none is 0."""
    base, extra = divmod(total, n_ascents)
    return tuple(share for share in (base + (b < extra) for b in range(n_ascents)) if share)


class AdaptiveSchedule:
    """A few linearisations from seeds, then moves around the incumbent, each as often as it pays.

    A move's score is a running mean of what its outcomes were worth per evaluation; moves are drawn in proportion to
    it (adaptive large neighbourhood search, Ropke and Pisinger 2006).

    Parameters
    ----------
    rng
        Randomness of the draws.
    n_seeds
        Linearisations from seeds at the beginning, and another one with each new cycle, and for as long as none gives
        routes that meet the fleet rule.
    seed_evaluations
        Evaluations of each.
    moves
        What there is to choose from; those that start from the master's prices are drawn once there are any.

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
                "no move can be made before the master gives prices",
                field="moves",
                remedy="give one that starts from regret, too",
            )
        self._rng = rng
        self.n_seeds = n_seeds
        self.seed_evaluations = seed_evaluations
        self.moves = tuple(moves)
        self._score = [_FIRST_SCORE] * len(self.moves)
        self._seen = 0

    def next(self, history: History) -> Decision | None:
        """See `Schedule.next`."""
        for outcome in history.outcomes[self._seen :]:
            self._learn(outcome)
        self._seen = len(history.outcomes)
        if history.n_seeds == 0 or history.restarted or not history.has_routes:
            n_ascents = 1 if history.n_seeds else self.n_seeds
            total, limit = self.seed_evaluations * n_ascents, history.evaluation_limit
            if limit is not None:
                total = min(total, limit - history.evaluations)
            return Decision("seeds", spread(total, n_ascents))
        possible = [m for m, move in enumerate(self.moves) if move.prices != "master" or history.has_prices]
        least = _LEAST * sum(self._score[m] for m in possible) / len(possible)
        steps = list(accumulate(max(self._score[m], least) for m in possible))
        return self.moves[possible[bisect(steps, self._rng.random() * steps[-1], hi=len(steps) - 1)]]

    def _learn(self, outcome: Outcome) -> None:
        if outcome.decision not in self.moves:
            return
        worth = _BEST * outcome.is_best + _BETTER * outcome.is_better + _ACCEPTED * outcome.is_accepted
        move = self.moves.index(outcome.decision)
        self._score[move] += _REACTION * (worth * _EVALUATIONS / max(outcome.evaluations, 1) - self._score[move])
