"""Policies that rank arms: LinUCB, Thompson sampling, a static order, uniformly at random; and the choice by them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.linear_model import LinearModel

    Floats = NDArray[np.float64]

DRAWS = 64  # draws that estimate the propensities of a random policy


@dataclass(frozen=True, eq=False)
class Choice:
    """The arm chosen for a knapsack.

    Attributes
    ----------
    arm
        Index of the arm.
    propensity
        Its probability given the features, in (0, 1].
    scores
        [A] scores by which all arms were ranked, forbidden ones included.
    is_exploration
        Whether it was drawn uniformly at random.
    """

    arm: int
    propensity: float
    scores: Floats = field(repr=False)
    is_exploration: bool = False


class Policy(Protocol):
    """Scores arms, and learns from rewards."""

    @property
    def name(self) -> str:
        """Name for records, parameters that change it included."""
        ...

    @property
    def is_random(self) -> bool:
        """Whether scores are drawn, so that propensities have to be estimated."""
        ...

    def scores(self, features: Floats, arms: Sequence[Arm], rng: np.random.Generator) -> Floats:
        """Return [A] scores for [A, d] features; the highest is best."""
        ...

    def learn(self, features: Floats, reward: float) -> None:
        """Learn the reward of the arm with these features [d]."""
        ...


def require_epsilon(epsilon: float, field: str = "epsilon") -> None:
    """Raise `InputError` if ε is no probability."""
    if not 0.0 <= epsilon <= 1.0:
        raise InputError(f"{epsilon} given", field=field, remedy="give a share from 0 to 1")


def choose(
    policy: Policy,
    features: Floats,
    arms: Sequence[Arm],
    is_allowed: NDArray[np.bool_],
    epsilon: float,
    rng: np.random.Generator,
) -> Choice:
    """Choose the allowed arm with the highest score, or with probability ε any allowed one.

    Raises `InputError` if no arm is allowed, ε is no probability, or a feature or score is not finite.

    Parameters
    ----------
    policy, features, arms, rng
        See `Policy.scores`; features must be finite.
    is_allowed
        [A] whether an arm passes the screening; at least one does.
    epsilon
        Exploration probability ε, in [0, 1]. Above 0 every allowed arm has a positive probability, as off-policy
        evaluation requires.
    """
    require_epsilon(epsilon)
    n_allowed = int(is_allowed.sum())
    if not n_allowed:
        raise InputError("0 arms allowed", field="choice", remedy="allow one or more")
    if not np.isfinite(features).all():
        raise InputError("a feature is not finite", field="features", remedy="exclude such arms before")
    scores = _scores(policy, features, arms, rng)
    share = _shares(policy, features, arms, is_allowed, rng, scores)
    is_exploration = bool(rng.random() < epsilon)
    arm = int(rng.choice(np.flatnonzero(is_allowed))) if is_exploration else _best(scores, is_allowed)
    propensity = (1.0 - epsilon) * float(share[arm]) + epsilon / n_allowed
    return Choice(arm, propensity, scores, is_exploration)


def probabilities(
    policy: Policy,
    features: Floats,
    arms: Sequence[Arm],
    is_allowed: NDArray[np.bool_],
    epsilon: float,
    rng: np.random.Generator,
) -> Floats:
    """Return each arm's probability [A] in `choose`, estimated by draws if scores are drawn."""
    share = _shares(policy, features, arms, is_allowed, rng, _scores(policy, features, arms, rng))
    mixed: Floats = (1.0 - epsilon) * share + epsilon * is_allowed / is_allowed.sum()
    return mixed


def _shares(
    policy: Policy,
    features: Floats,
    arms: Sequence[Arm],
    is_allowed: NDArray[np.bool_],
    rng: np.random.Generator,
    scores: Floats,
) -> Floats:
    """Return how often each arm [A] is the best allowed one, over these scores and `DRAWS` more if they are drawn."""
    share = np.zeros(len(arms))
    share[_best(scores, is_allowed)] = 1.0
    if policy.is_random:
        for _ in range(DRAWS):
            share[_best(_scores(policy, features, arms, rng), is_allowed)] += 1.0
        share /= DRAWS + 1.0
    return share


def _scores(policy: Policy, features: Floats, arms: Sequence[Arm], rng: np.random.Generator) -> Floats:
    scores = np.asarray(policy.scores(features, arms, rng), dtype=np.float64)
    if scores.shape != (len(arms),) or not np.isfinite(scores).all():
        raise InputError(
            f"scores of shape {scores.shape}, finite: {bool(np.isfinite(scores).all())}",
            field=f"policy {policy.name}",
            remedy=f"give {len(arms)} finite numbers",
        )
    return scores


def _best(scores: Floats, is_allowed: NDArray[np.bool_]) -> int:
    return int(np.where(is_allowed, scores, -np.inf).argmax())


@dataclass
class LinUCB:
    """Mean plus α standard deviations (Li, Chu, Langford and Schapire 2010), one model for all arms.

    Attributes
    ----------
    model
        Model of rewards on joint features of knapsack and arm, so that arms learn from each other.
    alpha
        Number α of standard deviations added, 0 or more; 0 exploits.
    """

    model: LinearModel
    alpha: float = 0.1
    is_random: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.alpha < np.inf:
            raise InputError(f"{self.alpha} given", field="alpha", remedy="give 0 or more")

    @property
    def name(self) -> str:
        """Name `linucb`, or `greedy` if α is 0."""
        return "linucb" if self.alpha else "greedy"

    def scores(self, features: Floats, arms: Sequence[Arm], rng: np.random.Generator) -> Floats:
        """Return upper confidence bounds [A]."""
        mean = self.model.predict(features)
        return mean + self.alpha * self.model.deviation(features) if self.alpha else mean

    def learn(self, features: Floats, reward: float) -> None:
        """Update the model by a reward."""
        self.model.update(features, reward)


@dataclass
class LinearThompson:
    """Thompson sampling: weights drawn from their posterior (Agrawal and Goyal 2013), one model for all arms.

    Attributes
    ----------
    model
        See `LinUCB`.
    scale
        Standard deviation of a reward, above 0.
    """

    model: LinearModel
    scale: float = 0.1
    name: ClassVar[str] = "thompson"
    is_random: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0.0 < self.scale < np.inf:
            raise InputError(f"{self.scale} given", field="scale", remedy="give a finite number above 0")

    def scores(self, features: Floats, arms: Sequence[Arm], rng: np.random.Generator) -> Floats:
        """Return rewards [A] expected by one draw of the weights."""
        return features @ self.model.draw(rng, self.scale)

    def learn(self, features: Floats, reward: float) -> None:
        """Update the model by a reward."""
        self.model.update(features, reward)


@dataclass(frozen=True)
class StaticPolicy:
    """A fixed order of preference, which does not learn.

    Attributes
    ----------
    preferred
        The first arms, the best first; all others follow in their own order, `product` last.
    """

    preferred: tuple[Arm, ...]
    is_random: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Name with the first arm, such as `static(fake_kingston/line0/qaoa/1)`."""
        return f"static({self.preferred[0]})" if self.preferred else "static"

    def scores(self, features: Floats, arms: Sequence[Arm], rng: np.random.Generator) -> Floats:
        """Return minus the positions [A] in the order of preference."""
        position = {arm: -1.0 - i for i, arm in enumerate(self.preferred)}
        last = -1.0 - len(self.preferred)
        return np.array([position.get(arm, last - (arm.family == "product")) for arm in arms])

    def learn(self, features: Floats, reward: float) -> None:
        """Ignore the reward; this policy does not learn."""


@dataclass(frozen=True)
class UniformPolicy:
    """Equal scores: with ε = 1, any allowed arm uniformly at random, with exact propensities."""

    name: ClassVar[str] = "uniform"
    is_random: ClassVar[bool] = False

    def scores(self, features: Floats, arms: Sequence[Arm], rng: np.random.Generator) -> Floats:
        """Return equal scores [A]."""
        return np.zeros(len(arms))

    def learn(self, features: Floats, reward: float) -> None:
        """Ignore the reward; this policy does not learn."""
