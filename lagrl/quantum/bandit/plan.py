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
    """Circuits of some vehicles on one line of qubits of one backend; see `scheduling.tasks.Candidate`."""

    backend: str
    placement: str
    arms: tuple[Arm, ...]  # one for each vehicle, all on this line
    tier: int = 0
    priority: float = 1.0


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
                        [own.backend, own.placement, [str(arm) for arm in own.arms], own.tier, own.priority]
                        for own in task.candidates
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
        n_arms = [(len(task.vehicles), len(option[2])) for task in read.work for option in task.options]
        if (
            sorted(choice[0] for choice in read.choices) != sorted(vehicles)
            or len(set(sent)) < len(sent)
            or not set(sent) <= set(vehicles)
            or not all(task.vehicles and task.options for task in read.work)
            or any(n != m for n, m in n_arms)
        ):
            raise InputError("is of other vehicles", field="plan", remedy="use a new journal")
        return StepPlan(
            tuple(PlannedChoice(k, Arm.parse(arm), float(p), o) for k, arm, p, o in read.choices),
            tuple(
                PlannedTask(
                    task.vehicles,
                    tuple(
                        PlannedCandidate(backend, line, tuple(map(Arm.parse, arms)), tier, float(priority))
                        for backend, line, arms, tier, priority in task.options
                    ),
                )
                for task in read.work
            ),
        )


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


def plan_step(
    chosen: Mapping[int, tuple[ScreenedArms, Choice]], *, spread: float = 0.0, most_per_job: int = 0
) -> StepPlan:
    """Group vehicles by the line of qubits chosen for them, and list where else each group may run.

    Parameters
    ----------
    chosen
        Arms and choice of each vehicle.
    spread
        Expected reward that a group may lose by running on another backend only because that is free earlier. At 0
        other backends are used after failures only. Choices made for exploration are never moved.
    most_per_job
        Largest number of vehicles in a job; 0 for no limit.
    """
    choices, groups = [], dict[tuple[str, str], list[int]]()
    for k, (screened, choice) in chosen.items():
        arm = screened.arms[choice.arm]
        choices.append(PlannedChoice(k, arm, choice.propensity, screened.objections[int(choice.scores.argmax())]))
        if arm != PRODUCT:
            groups.setdefault((arm.backend, arm.placement), []).append(k)
    tasks = []
    for line, vehicles in groups.items():
        size = most_per_job or len(vehicles)
        for first in range(0, len(vehicles), size):
            part = vehicles[first : first + size]
            tasks.append(PlannedTask(tuple(part), _candidates(line, [chosen[k] for k in part], spread)))
    return StepPlan(tuple(choices), tuple(tasks))


def _candidates(
    line: tuple[str, str], group: Sequence[tuple[ScreenedArms, Choice]], spread: float
) -> tuple[PlannedCandidate, ...]:
    """Return where a group can run: as chosen, then on the best line of every other backend, the best first."""
    own = PlannedCandidate(*line, tuple(screened.arms[choice.arm] for screened, choice in group))
    expected = float(np.mean([choice.scores[choice.arm] for _, choice in group]))
    is_movable = spread > 0.0 and not any(choice.is_exploration for _, choice in group)
    others: dict[str, tuple[float, str, tuple[Arm, ...]]] = {}
    for backend, placement in group[0][0].places:
        best = [_best_at(screened, choice, (backend, placement)) for screened, choice in group]
        found = [arm for arm, _ in best if arm is not None]
        if backend == line[0] or len(found) < len(group):
            continue
        value = float(np.mean([score for _, score in best]))
        if backend not in others or value > others[backend][0]:
            others[backend] = value, placement, tuple(found)
    candidates = [own]
    ranked = sorted(others.items(), key=lambda item: (-item[1][0], item[0]))
    for rank, (backend, (value, placement, arms)) in enumerate(ranked, 1):
        lost = expected - value
        if is_movable and lost <= spread:
            candidates.append(PlannedCandidate(backend, placement, arms, 0, 1.0 - 0.5 * max(lost, 0.0) / spread))
        else:
            candidates.append(PlannedCandidate(backend, placement, arms, 1, 0.5**rank))
    return tuple(candidates)


def _best_at(screened: ScreenedArms, choice: Choice, line: tuple[str, str]) -> tuple[Arm | None, float]:
    arms = screened.places.get(line)
    if arms is None:
        return None, -np.inf
    best = int(arms[np.argmax(choice.scores[arms])])
    return screened.arms[best], float(choice.scores[best])
