"""Plan of a step: all arms chosen and where their circuits may run, stored before anything is sent.

A process that restarts after a crash reads the plan, so that the crash changes no decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lagrl.errors import InputError
from lagrl.io.records import from_record
from lagrl.quantum.bandit.arms import PRODUCT, Arm

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from lagrl.quantum.bandit.arm_policies import Choice
    from lagrl.quantum.bandit.screening import ScreenedArms


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
