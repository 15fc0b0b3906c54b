"""Rules that rank arms: by an upper confidence bound, by a draw, by the mean, by habit, by lot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.linear_model import LinearModel

DRAWS = 64  # by which a draw's propensities are estimated


@dataclass(frozen=True, eq=False)
class Choice:
    """What was chosen.

    Attributes
    ----------
    arm
        Index of the arm.
    propensity
        How likely it was, given the features, in (0, 1].
    ranking
        [A] indices, best first, before screening.
    scores
        [A] what they were ranked by.
    is_by_lot
        Whether it was drawn by lot.
    """

    arm: int
    propensity: float
    ranking: NDArray[np.int64] = field(repr=False)
    scores: NDArray[np.float64] = field(repr=False)
    is_by_lot: bool = False


class Policy(Protocol):
    """Scores arms, and learns from rewards."""

    @property
    def name(self) -> str:
        """What it is, for records."""
        ...

    @property
    def is_random(self) -> bool:
        """Whether scores are drawn, so that propensities have to be estimated."""
        ...

    def scores(
        self, features: NDArray[np.float64], arms: Sequence[Arm], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return [A] scores for [A, d] features, the higher the better."""
        ...

    def learn(self, features: NDArray[np.float64], reward: float) -> None:
        """Take in what the arm with these features [d] brought."""
        ...


def choose(
    policy: Policy,
    features: NDArray[np.float64],
    arms: Sequence[Arm],
    is_allowed: NDArray[np.bool_],
    epsilon: float,
    rng: np.random.Generator,
) -> Choice:
    """Take the best ranked arm that is allowed, or with probability ε any allowed one.

    Parameters
    ----------
    policy
        Who ranks.
    features
        [A, d], finite.
    arms
        A of them.
    is_allowed
        [A] what the screening lets pass; one at least.
    epsilon
        Share of choices by lot among the allowed arms, in [0, 1]. Above 0 every allowed arm has a chance, as
        off-policy evaluation asks for.
    rng
        Randomness.

    Raises
    ------
    InputError
        If no arm is allowed, ε is no probability, or a feature or score is not finite.
    """
    n_allowed = int(is_allowed.sum())
    if not n_allowed or not 0.0 <= epsilon <= 1.0:
        raise InputError(
            f"{n_allowed} arms allowed, epsilon {epsilon}", field="choice", remedy="allow one, and give 0 to 1"
        )
    if not np.isfinite(features).all():
        raise InputError("a feature is not finite", field="features", remedy="screen such arms out before")
    scores = _scored(policy, features, arms, rng)
    ranking = _order(scores)
    best = _first(ranking, is_allowed)
    share = _shares(policy, features, arms, is_allowed, rng, best)
    is_by_lot = bool(rng.random() < epsilon)
    arm = int(rng.choice(np.flatnonzero(is_allowed))) if is_by_lot else best
    propensity = (1.0 - epsilon) * float(share[arm]) + epsilon / n_allowed
    return Choice(arm, propensity, ranking, scores, is_by_lot)


def probabilities(
    policy: Policy,
    features: NDArray[np.float64],
    arms: Sequence[Arm],
    is_allowed: NDArray[np.bool_],
    epsilon: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return how likely each arm [A] is to be taken by `choose`; estimated by draws where scores are drawn."""
    best = _first(_order(_scored(policy, features, arms, rng)), is_allowed)
    share = _shares(policy, features, arms, is_allowed, rng, best)
    mixed: NDArray[np.float64] = (1.0 - epsilon) * share + epsilon * is_allowed / is_allowed.sum()
    return mixed


def _shares(
    policy: Policy,
    features: NDArray[np.float64],
    arms: Sequence[Arm],
    is_allowed: NDArray[np.bool_],
    rng: np.random.Generator,
    best: int,
) -> NDArray[np.float64]:
    """Return how often each arm [A] is the best allowed one, `best` among the draws."""
    share = np.zeros(len(arms))
    share[best] = 1.0
    if policy.is_random:
        for _ in range(DRAWS):
            share[_first(_order(_scored(policy, features, arms, rng)), is_allowed)] += 1.0
        share /= DRAWS + 1.0
    return share


def _scored(
    policy: Policy, features: NDArray[np.float64], arms: Sequence[Arm], rng: np.random.Generator
) -> NDArray[np.float64]:
    scores = np.asarray(policy.scores(features, arms, rng), dtype=np.float64)
    if scores.shape != (len(arms),) or not np.isfinite(scores).all():
        raise InputError(
            f"scores of shape {scores.shape}, finite: {bool(np.isfinite(scores).all())}",
            field=f"policy {policy.name}",
            remedy=f"give {len(arms)} finite numbers",
        )
    return scores


def _order(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return [A] indices, the highest score first."""
    return np.argsort(-scores, kind="stable").astype(np.int64)


def _first(ranking: NDArray[np.int64], is_allowed: NDArray[np.bool_]) -> int:
    return int(ranking[np.argmax(is_allowed[ranking])])


@dataclass
class LinUCB:
    """Mean plus α deviations (Li, Chu, Langford and Schapire 2010), one model for all arms.

    Attributes
    ----------
    model
        Of rewards on joint features of knapsack and arm, so that what is learned on one arm tells about others.
    alpha
        Deviations added, 0 or more; 0 exploits.
    """

    model: LinearModel
    alpha: float = 0.1

    def __post_init__(self) -> None:
        if not 0.0 <= self.alpha < np.inf:
            raise InputError(f"{self.alpha} given", field="alpha", remedy="give 0 or more")

    @property
    def name(self) -> str:
        """`linucb`, or `greedy` without exploration."""
        return "linucb" if self.alpha else "greedy"

    @property
    def is_random(self) -> bool:
        """No."""
        return False

    def scores(
        self, features: NDArray[np.float64], arms: Sequence[Arm], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return upper confidence bounds [A]."""
        del arms, rng
        mean = self.model.predict(features)
        return mean + self.alpha * self.model.deviation(features) if self.alpha else mean

    def learn(self, features: NDArray[np.float64], reward: float) -> None:
        """Update the model."""
        self.model.update(features, reward)


@dataclass
class LinearThompson:
    """Weights drawn from their posterior (Agrawal and Goyal 2013), one model for all arms.

    Attributes
    ----------
    model
        As in `LinUCB`.
    scale
        Standard deviation of a reward, above 0.
    """

    model: LinearModel
    scale: float = 0.1

    def __post_init__(self) -> None:
        if not 0.0 < self.scale < np.inf:
            raise InputError(f"{self.scale} given", field="scale", remedy="give a finite number above 0")

    @property
    def name(self) -> str:
        """`thompson`."""
        return "thompson"

    @property
    def is_random(self) -> bool:
        """Yes."""
        return True

    def scores(
        self, features: NDArray[np.float64], arms: Sequence[Arm], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return rewards [A] expected by one draw."""
        del arms
        return features @ self.model.draw(rng, self.scale)

    def learn(self, features: NDArray[np.float64], reward: float) -> None:
        """Update the model."""
        self.model.update(features, reward)


@dataclass(frozen=True)
class StaticPolicy:
    """Always the same arms, in the same order of preference.

    Attributes
    ----------
    preferred
        The best first; all others follow in their own order, no circuit the very last.
    """

    preferred: tuple[Arm, ...]

    @property
    def name(self) -> str:
        """Such as `static(fake_kingston/line0/qaoa/1)`."""
        return f"static({self.preferred[0]})" if self.preferred else "static"

    @property
    def is_random(self) -> bool:
        """No."""
        return False

    def scores(
        self, features: NDArray[np.float64], arms: Sequence[Arm], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return minus the places [A] in the order of preference."""
        del features, rng
        place = {arm: -1.0 - i for i, arm in enumerate(self.preferred)}
        last = -1.0 - len(self.preferred)
        return np.array([place.get(arm, last - (arm.family == "product")) for arm in arms])

    def learn(self, features: NDArray[np.float64], reward: float) -> None:
        """Nothing is learned."""


@dataclass(frozen=True)
class UniformPolicy:
    """Any arm, by lot."""

    @property
    def name(self) -> str:
        """`uniform`."""
        return "uniform"

    @property
    def is_random(self) -> bool:
        """No: combined with ε = 1 its propensities are exact, and its own ranking is the arms' order."""
        return False

    def scores(
        self, features: NDArray[np.float64], arms: Sequence[Arm], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Return equal scores [A]."""
        del features, rng
        return np.zeros(len(arms))

    def learn(self, features: NDArray[np.float64], reward: float) -> None:
        """Nothing is learned."""
