"""Policies that rank arms, LinUCB on a ridge regression or a fixed order; the choice by them; the plan of a step.

A plan has all arms chosen and where their circuits may run. It is stored before anything is sent: a process that
restarts after a crash reads it, so that the crash changes no decision.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lagrl.errors import InputError
from lagrl.io.records import from_record, read_fields
from lagrl.quantum.bandit.features import Arm

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STATE = {"ridge": float, "n_observations": int, "precision": list[list[float]], "moment": list[float]}
_LARGEST = 1e100  # of the numbers of a state; their products are finite
_REFRESH = 1000  # rank-one updates of the inverse before it is recomputed


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


class LinearModel:
    """Weights w of d features that minimise Σ (r − w·x)² + ρ‖w‖², and the uncertainty of w·x.

    The inverse of Σ xxᵀ + ρI is updated by Sherman and Morrison (1950), O(d²) per observation.

    Attributes
    ----------
    ridge
        ρ, above 0.
    n_observations
        Number of rewards observed.
    precision
        [d, d] Σ xxᵀ + ρI.
    moment
        [d] Σ r x.
    """

    def __init__(self, n_features: int, ridge: float = 1.0) -> None:
        if n_features < 1 or not 0.0 < ridge < np.inf:
            raise InputError(
                f"{n_features} features, ridge {ridge}", field="linear model", remedy="give 1 or more, and above 0"
            )
        self.ridge = ridge
        self.n_observations = 0
        self.precision = ridge * np.eye(n_features)
        self.moment = np.zeros(n_features)
        self._inverse = np.eye(n_features) / ridge

    @property
    def n_features(self) -> int:
        """Number of features d."""
        return len(self.moment)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weights w of the features, [d]."""
        return self._inverse @ self.moment

    def update(self, features: NDArray[np.float64], reward: float) -> None:
        """Add the observation of [d] x and r; InputError if one is not finite, or x has another length."""
        x = np.asarray(features, dtype=np.float64)
        if x.shape != self.moment.shape or not np.isfinite(x).all() or not np.isfinite(reward):
            raise InputError(
                f"features {x.shape}, finite: {bool(np.isfinite(x).all())}, reward {reward}",
                field="observation",
                remedy=f"give {self.n_features} finite numbers and a finite reward",
            )
        self.precision += np.outer(x, x)
        self.moment += reward * x
        self.n_observations += 1
        if self.n_observations % _REFRESH:
            ahead = self._inverse @ x
            self._inverse -= np.outer(ahead, ahead) / (1.0 + x @ ahead)
        else:
            self._inverse = _inverse(self.precision)

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return [A] w·x for [A, d] features."""
        return np.asarray(features @ self.weights, dtype=np.float64)

    def deviation(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return [A] √(xᵀ (Σ xxᵀ + ρI)⁻¹ x), the uncertainty in each direction."""
        squared = np.einsum("ai,ai->a", features @ self._inverse, features)
        return np.asarray(np.sqrt(np.maximum(squared, 0.0)), dtype=np.float64)

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Covariance (Σ xxᵀ + ρI)⁻¹, [d, d]."""
        return self._inverse

    def state(self) -> dict[str, object]:
        """Return the input of `restored`, in JSON's types."""
        return {
            "ridge": self.ridge,
            "n_observations": self.n_observations,
            "precision": self.precision.tolist(),
            "moment": self.moment.tolist(),
        }

    @classmethod
    def fitted(cls, features: NDArray[np.float64], reward: NDArray[np.float64], ridge: float = 1.0) -> LinearModel:
        """Return the model of [N, d] x and [N] r at once; as `update` one by one, except for rounding.

        Raises `InputError` if shapes do not fit, or a number is not finite.
        """
        if features.ndim != 2 or reward.shape != features.shape[:1]:
            raise InputError(
                f"features {features.shape}, rewards {reward.shape}", field="observations", remedy="give [N, d] and [N]"
            )
        if not (np.isfinite(features).all() and np.isfinite(reward).all()):
            raise InputError("a number is not finite", field="observations", remedy="omit such rows")
        model = cls(features.shape[1], ridge)
        model.precision += features.T @ features
        model.moment += features.T @ reward
        model.n_observations = len(reward)
        model._inverse = _inverse(model.precision)
        return model

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> LinearModel:
        """Return the model with this `state`; InputError if it is no state."""
        read_fields(state, _STATE, source=None, field="model", remedy="give a result of state()")
        moment, d = np.array(state["moment"], dtype=np.float64), len(state["moment"])
        is_square = {len(state["precision"]), *map(len, state["precision"])} <= {d}
        precision = np.array(state["precision"], dtype=np.float64) if is_square else np.empty(0)
        model, n_observations = cls(max(d, 1), float(state["ridge"])), state["n_observations"]
        wrong = ""
        if moment.shape != (d,) or precision.shape != (d, d):
            wrong = f"moment {moment.shape}, precision {precision.shape}"
        elif n_observations < 0 or max(np.abs(precision).max(initial=0.0), np.abs(moment).max(initial=0.0)) > _LARGEST:
            wrong = f"{n_observations} observations, or a number above {_LARGEST:g}"
        elif not np.allclose(precision, precision.T, rtol=1e-9) or np.linalg.eigvalsh(precision).min(initial=1.0) <= 0:
            wrong = "a precision that is not symmetric, or not positive definite"
        if wrong:
            raise InputError(f"no linear model: {wrong}", field="state", remedy="give a result of state()")
        model.precision, model.moment, model.n_observations = precision, moment, n_observations
        model._inverse = _inverse(precision)
        return model


def _inverse(precision: NDArray[np.float64]) -> NDArray[np.float64]:
    try:
        return np.asarray(np.linalg.inv(precision), dtype=np.float64)
    except np.linalg.LinAlgError as error:
        remedy = "leave out decisions with numbers far larger than the others"
        raise InputError("the features' sizes differ too much for a fit", field="features", remedy=remedy) from error


@dataclass
class LinUCB:
    """Mean plus α standard deviations (Li, Chu, Langford and Schapire 2010), one model for all arms."""

    model: LinearModel  # model of rewards on joint features of knapsack and arm, so that arms learn from each other
    alpha: float = 0.1  # number α of standard deviations added, 0 or more; 0 exploits

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


@dataclass(frozen=True)
class PlannedCandidate:
    """Circuits of some vehicles on one line of qubits of one backend."""

    backend: str
    placement: str
    arms: tuple[Arm, ...]  # one for each vehicle, all on this line


@dataclass(frozen=True)
class PlannedTask:
    """Vehicles whose circuits are sent as one job, and where it may run."""

    vehicles: tuple[int, ...]  # indices k
    candidates: tuple[PlannedCandidate, ...]  # the chosen one, then those on other backends in case it fails


@dataclass(frozen=True)
class PlannedChoice:
    """The arm chosen for a vehicle; see `ArmDecision`."""

    vehicle: int
    arm: Arm
    propensity: float
    objection: str


@dataclass(frozen=True)
class StepPlan:
    """The plan of one call of the sampler."""

    choices: tuple[PlannedChoice, ...]  # one for every vehicle that presolve did not solve
    tasks: tuple[PlannedTask, ...]  # of the vehicles that get a circuit

    def to_json(self) -> dict[str, Any]:
        """Return the plan in JSON's types."""
        return {
            "choices": [[own.vehicle, str(own.arm), own.propensity, own.objection] for own in self.choices],
            "work": [
                {
                    "vehicles": list(task.vehicles),
                    "options": [
                        [own.backend, own.placement, [str(arm) for arm in own.arms], *rank(place)]
                        for place, own in enumerate(task.candidates)
                    ],
                }
                for task in self.tasks
            ],
        }

    @staticmethod
    def from_json(plain: Mapping[str, Any], vehicles: Collection[int]) -> StepPlan:
        """Return the plan that `to_json` wrote; InputError if it is something else, or not of these vehicles."""
        read = from_record(_PlainPlan, plain, "plan", remedy="use a new journal")
        sent = [k for task in read.work for k in task.vehicles]
        if (
            sorted(choice[0] for choice in read.choices) != sorted(vehicles)
            or len(set(sent)) < len(sent)
            or not set(sent) <= set(vehicles)
            or not all(task.vehicles and task.options for task in read.work)
            or any(len(task.vehicles) != len(option[2]) for task in read.work for option in task.options)
        ):
            raise InputError("is of other vehicles", field="plan", remedy="use a new journal")
        tasks = []
        for task in read.work:
            candidates = [PlannedCandidate(name, line, _arms(texts)) for name, line, texts, *_ in task.options]
            tasks.append(PlannedTask(task.vehicles, tuple(candidates)))
        return StepPlan(
            tuple(PlannedChoice(k, Arm.parse(arm), float(p), o) for k, arm, p, o in read.choices), tuple(tasks)
        )


def rank(place: int) -> tuple[int, float]:
    """Return tier and priority of a task's candidate by its place: the chosen one first, the next after failures."""
    return (1, 0.5**place) if place else (0, 1.0)


def _arms(texts: Sequence[str]) -> tuple[Arm, ...]:
    return tuple(map(Arm.parse, texts))


@dataclass(frozen=True)
class _PlainTask:
    vehicles: tuple[int, ...]
    options: tuple[tuple[str, str, tuple[str, ...], int, float], ...]


@dataclass(frozen=True)
class _PlainPlan:
    """A plan in JSON's types."""

    choices: tuple[tuple[int, str, float, str], ...]
    work: tuple[_PlainTask, ...]


class PlanMemory(Protocol):
    """Stores plans durably, by the key of a call."""

    def kept_plan(self, call: str) -> Mapping[str, Any] | None:
        """Return the plan stored for a call; None if there is none."""
        ...

    def keep_plan(self, call: str, plan: Mapping[str, Any]) -> None:
        """Store a plan, unless the call has one; it is on disk when this returns."""
        ...
