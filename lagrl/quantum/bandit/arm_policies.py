"""Policies that rank arms: LinUCB, or a fixed order; and the choice by them."""

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

    Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Choice:
    """The arm chosen for a knapsack: its index, its probability in (0, 1], and the scores [A] of all arms."""

    arm: int
    propensity: float
    scores: Floats = field(repr=False)  # forbidden arms included


class Policy(Protocol):
    """Scores arms, and learns from rewards."""

    @property
    def name(self) -> str:
        """Name for records, parameters that change it included."""
        ...

    def scores(self, features: Floats, arms: Sequence[Arm]) -> Floats:
        """Return [A] scores for [A, d] features; the highest is best. Equal features have equal scores."""
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
    policy, features, arms
        See `Policy.scores`; features must be finite.
    is_allowed
        [A] whether an arm passes the screening; at least one does.
    epsilon
        Exploration probability ε, in [0, 1]. Above 0 every allowed arm has a positive probability, as off-policy
        evaluation requires.
    rng
        Source of the exploration.
    """
    require_epsilon(epsilon)
    n_allowed = int(is_allowed.sum())
    if not n_allowed:
        raise InputError("0 arms allowed", field="choice", remedy="allow one or more")
    if not np.isfinite(features).all():
        raise InputError("a feature is not finite", field="features", remedy="exclude such arms before")
    scores = np.asarray(policy.scores(features, arms), dtype=np.float64)
    if scores.shape != (len(arms),) or not np.isfinite(scores).all():
        raise InputError(
            f"scores of shape {scores.shape}, finite: {bool(np.isfinite(scores).all())}",
            field=f"policy {policy.name}",
            remedy=f"give {len(arms)} finite numbers",
        )
    best = int(np.where(is_allowed, scores, -np.inf).argmax())
    arm = int(rng.choice(np.flatnonzero(is_allowed))) if rng.random() < epsilon else best
    return Choice(arm, (1.0 - epsilon) * (arm == best) + epsilon / n_allowed, scores)


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

    def __post_init__(self) -> None:
        if not 0.0 <= self.alpha < np.inf:
            raise InputError(f"{self.alpha} given", field="alpha", remedy="give a finite number of 0 or more")

    @property
    def name(self) -> str:
        """Name `linucb`, or `greedy` if α is 0."""
        return "linucb" if self.alpha else "greedy"

    def scores(self, features: Floats, arms: Sequence[Arm]) -> Floats:
        """Return upper confidence bounds [A]."""
        mean = self.model.predict(features)
        return mean + self.alpha * self.model.deviation(features) if self.alpha else mean

    def learn(self, features: Floats, reward: float) -> None:
        """Update the model by a reward."""
        self.model.update(features, reward)


@dataclass(frozen=True)
class StaticPolicy:
    """A fixed order of preference, which does not learn: the control of a policy that does.

    With ε = 1, any allowed arm is chosen uniformly at random, with exact propensities.

    Attributes
    ----------
    preferred
        The first arms, the best first; all others follow in their own order, `product` last.
    """

    preferred: tuple[Arm, ...] = ()

    @property
    def name(self) -> str:
        """Name with the first arm, such as `static(fake_kingston/line0/qaoa/1)`."""
        return f"static({self.preferred[0]})" if self.preferred else "static"

    def scores(self, features: Floats, arms: Sequence[Arm]) -> Floats:
        """Return minus the positions [A] in the order of preference."""
        position = {arm: -1.0 - i for i, arm in enumerate(self.preferred)}
        last = -1.0 - len(self.preferred)
        return np.array([position.get(arm, last - (arm.family == "product")) for arm in arms])

    def learn(self, features: Floats, reward: float) -> None:
        """Ignore the reward; this policy does not learn."""
