"""Decisions of the bandit: the plan of a step, its outcome, and the quality of strings that is rewarded.

A plan has all arms chosen and where their circuits may run. It is stored before anything is sent: a process that
restarts after a crash reads it, so that the crash changes no decision.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lagrl.errors import InputError
from lagrl.io.records import from_record
from lagrl.quantum.bandit.arms import PRODUCT, Arm

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.bandit.arm_policies import Choice
    from lagrl.quantum.bandit.features import KnapsackContext
    from lagrl.quantum.bandit.screening import ScreenedArms
    from lagrl.quantum.subproblems.candidates import Candidates
    from lagrl.relaxation.sampler import SampleContext


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


def plan_step(chosen: Mapping[int, tuple[ScreenedArms, Choice]]) -> StepPlan:
    """Group vehicles by the line of qubits chosen for them, and list where else each group may run after failures.

    One job for each line: many jobs wait longer in queues than one. `chosen` has arms and choice of each vehicle.
    """
    choices, groups = [], dict[tuple[str, str], list[int]]()
    for k, (screened, choice) in chosen.items():
        arm = screened.arms[choice.arm]
        choices.append(PlannedChoice(k, arm, choice.propensity, screened.objections[int(choice.scores.argmax())]))
        if arm != PRODUCT:
            groups.setdefault((arm.backend, arm.placement), []).append(k)
    tasks = [
        PlannedTask(tuple(vehicles), _candidates(line, [chosen[k] for k in vehicles]))
        for line, vehicles in groups.items()
    ]
    return StepPlan(tuple(choices), tuple(tasks))


def _candidates(line: tuple[str, str], group: Sequence[tuple[ScreenedArms, Choice]]) -> tuple[PlannedCandidate, ...]:
    """Return where a group can run: as chosen, then on the best line of every other backend, the best first."""
    own = PlannedCandidate(*line, tuple(screened.arms[choice.arm] for screened, choice in group))
    others: dict[str, tuple[float, PlannedCandidate]] = {}
    for backend, placement in group[0][0].places:
        found = [_best_at(screened, choice, (backend, placement)) for screened, choice in group]
        best = [pair for pair in found if pair is not None]
        if backend == line[0] or len(best) < len(group):
            continue
        value = float(np.mean([score for _, score in best]))
        if backend not in others or value > others[backend][0]:
            others[backend] = value, PlannedCandidate(backend, placement, tuple(arm for arm, _ in best))
    ranked = sorted(others.items(), key=lambda item: (-item[1][0], item[0]))
    return (own, *(candidate for _, (_, candidate) in ranked))


def _best_at(screened: ScreenedArms, choice: Choice, line: tuple[str, str]) -> tuple[Arm, float] | None:
    """Return the best arm on a line that may run, and its score; None if there is none."""
    arms = screened.places.get(line)
    if arms is None:
        return None
    best = int(arms[np.argmax(choice.scores[arms])])
    return screened.arms[best], float(choice.scores[best])


@dataclass(frozen=True, eq=False)
class ArmDecision:
    """The arm chosen for one vehicle in one step, and its outcome.

    Attributes
    ----------
    vehicle, knapsack
        Index k, and a description of its knapsack.
    screened
        All arms, and which of them may run.
    chosen, propensity
        Index of the chosen arm, and the probability of this choice.
    objection
        Why the arm with the highest score may not run; empty if it may.
    executed
        Index of the arm that drew the strings: another than the chosen one if that failed, or had no room.
    quality, baseline
        Quality of the strings (see `quality`), and of as many of the product state for the same knapsack.
    """

    vehicle: int
    knapsack: KnapsackContext
    screened: ScreenedArms = field(repr=False)
    chosen: int
    propensity: float
    objection: str
    executed: int
    quality: float
    baseline: float

    @property
    def reward(self) -> float:
        """Quality above that of the product state, in [−1, 1]; 0 without a circuit.

        Knapsacks differ far more than circuits do; the difference to the product state of the same knapsack, which
        costs nothing, removes most of that.
        """
        return self.quality - self.baseline

    @property
    def arm(self) -> Arm:
        """The chosen arm of the decision."""
        return self.screened.arms[self.chosen]

    @property
    def answered(self) -> Arm:
        """The arm that drew the strings."""
        return self.screened.arms[self.executed]


class DecisionLog(Protocol):
    """Stores decisions as they are made."""

    def note(self, context: SampleContext, decisions: list[ArmDecision]) -> None:
        """Store the decisions of one call of the sampler."""
        ...


def linear_value(candidates: Candidates, vehicle: int) -> float:
    """Return an upper bound on a knapsack's worth, by its linear relaxation (Dantzig 1957), distance units.

    Variables must be in order of falling efficiency, of a vehicle that presolve did not solve.
    """
    m = int(candidates.width[vehicle])
    worth, weight = -candidates.reduced_cost[vehicle, :m], candidates.weight[vehicle, :m]
    room = float(candidates.room[vehicle])
    order = np.argsort(-worth / np.maximum(weight, 1e-300), kind="stable")
    before = np.concatenate([[0.0], np.cumsum(weight[order])[:-1]])
    share = np.clip((room - before) / np.maximum(weight[order], 1e-300), 0.0, 1.0)
    return float(worth[order] @ share)


def quality(candidates: Candidates, vehicle: int, codes: NDArray[np.int64], alpha: float = 0.25) -> float:
    """Return the mean worth of the best share α of the strings (CVaR), over the bound of `linear_value`: 0 to 1.

    The optimum need not be known. Overloaded strings are worth nothing. The best string alone distinguishes only poor
    circuits; the mean of all strings also counts those that are discarded (Barkoutsos et al. 2020). Raises `InputError`
    if α is out of range, or there are no strings.

    Parameters
    ----------
    candidates
        Knapsacks.
    vehicle
        Index of one that presolve did not solve.
    codes
        [S] strings: bit j is the vehicle's variable j.
    alpha
        Share α in (0, 1].
    """
    if not 0.0 < alpha <= 1.0 or not len(codes):
        raise InputError(f"alpha {alpha}, {len(codes)} strings", field="reward", remedy="give a share, and 1 or more")
    m = int(candidates.width[vehicle])
    bits = (codes[:, None] >> np.arange(m)) & 1
    fits = bits @ candidates.weight[vehicle, :m] <= candidates.room[vehicle]
    worth = np.where(fits, bits @ -candidates.reduced_cost[vehicle, :m], 0.0)
    best = np.sort(worth)[::-1][: max(1, round(alpha * len(worth)))]
    most = linear_value(candidates, vehicle)
    return float(np.clip(best.mean() / most, 0.0, 1.0)) if most > 0 else 1.0
