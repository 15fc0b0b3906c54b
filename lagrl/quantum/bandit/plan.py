"""What a step is going to run where: decided before anything is sent, and kept, so that crashes change no decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.bandit.arms import PRODUCT, Arm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lagrl.quantum.bandit.arm_policies import Choice
    from lagrl.quantum.bandit.screening import ScreenedArms


@dataclass(frozen=True)
class PlannedOption:
    """Circuits of some vehicles on one place.

    Attributes
    ----------
    backend, placement
        The place.
    arms
        One for each vehicle, all there.
    tier, priority
        See `scheduling.work.Option`.
    """

    backend: str
    placement: str
    arms: tuple[Arm, ...]
    tier: int = 0
    priority: float = 1.0


@dataclass(frozen=True)
class PlannedWork:
    """Vehicles whose circuits go as one job, and where it may go: first where it was chosen to.

    Attributes
    ----------
    vehicles
        Indices k.
    options
        The chosen one, and those of other backends in case that it fails.
    """

    vehicles: tuple[int, ...]
    options: tuple[PlannedOption, ...]


@dataclass(frozen=True)
class PlannedChoice:
    """What was chosen for a vehicle; see `Decision`."""

    vehicle: int
    arm: Arm
    propensity: float
    objection: str


@dataclass(frozen=True)
class StepPlan:
    """All of a call of the sampler.

    Attributes
    ----------
    choices
        Of every vehicle that presolve did not solve.
    work
        Of those among them that are to have a circuit.
    """

    choices: tuple[PlannedChoice, ...]
    work: tuple[PlannedWork, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON's types."""
        return {
            "choices": [[own.vehicle, str(own.arm), own.propensity, own.objection] for own in self.choices],
            "work": [
                {
                    "vehicles": list(piece.vehicles),
                    "options": [
                        [own.backend, own.placement, [str(arm) for arm in own.arms], own.tier, own.priority]
                        for own in piece.options
                    ],
                }
                for piece in self.work
            ],
        }

    @staticmethod
    def of(plain: Mapping[str, Any]) -> StepPlan:
        """Read what `plain` gave.

        Raises
        ------
        InputError
            If it is something else.
        """
        try:
            return StepPlan(
                tuple(PlannedChoice(int(k), Arm.parse(arm), float(p), str(o)) for k, arm, p, o in plain["choices"]),
                tuple(
                    PlannedWork(
                        tuple(int(k) for k in piece["vehicles"]),
                        tuple(
                            PlannedOption(str(b), str(p), tuple(Arm.parse(arm) for arm in arms), int(tier), float(wish))
                            for b, p, arms, tier, wish in piece["options"]
                        ),
                    )
                    for piece in plain["work"]
                ),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"no plan of a step: {error!r}", field="journal", remedy="take a new journal") from error


class PlanMemory(Protocol):
    """Keeps plans durably, by what identifies a call."""

    def kept_plan(self, call: str) -> Mapping[str, Any] | None:
        """Return what was kept of a call; None if nothing was."""
        ...

    def keep_plan(self, call: str, plan: Mapping[str, Any]) -> None:
        """Keep it, unless one of this call is kept; on disk when this returns."""
        ...


def plan_step(
    chosen: Mapping[int, tuple[ScreenedArms, Choice]], *, spread: float = 0.0, most_per_job: int = 0
) -> StepPlan:
    """Group vehicles by where their circuits were chosen to run, and say where else they may.

    Parameters
    ----------
    chosen
        By vehicle.
    spread
        How much of its expected reward a group may lose by running on another backend only because that is free
        earlier. At 0 other backends are for failures alone. What was drawn by lot is never moved.
    most_per_job
        Most vehicles of a job; 0 for no limit.
    """
    choices, groups = [], dict[tuple[str, str], list[int]]()
    for k, (screened, choice) in chosen.items():
        arm = screened.arms[choice.arm]
        best = int(choice.ranking[0])
        choices.append(PlannedChoice(k, arm, choice.propensity, screened.objections[best]))
        if arm != PRODUCT:
            groups.setdefault((arm.backend, arm.placement), []).append(k)
    work = []
    for place, vehicles in groups.items():
        size = most_per_job or len(vehicles)
        for first in range(0, len(vehicles), size):
            part = vehicles[first : first + size]
            work.append(PlannedWork(tuple(part), _options(place, [chosen[k] for k in part], spread)))
    return StepPlan(tuple(choices), tuple(work))


def _options(
    place: tuple[str, str], group: Sequence[tuple[ScreenedArms, Choice]], spread: float
) -> tuple[PlannedOption, ...]:
    """List where a group can run: as chosen, then on every other backend at its best place, the best first."""
    own = PlannedOption(*place, tuple(screened.arms[choice.arm] for screened, choice in group))
    wanted = float(np.mean([choice.scores[choice.arm] for _, choice in group]))
    is_movable = spread > 0.0 and not any(choice.is_by_lot for _, choice in group)
    others: dict[str, tuple[float, str, tuple[Arm, ...]]] = {}
    for backend, placement in group[0][0].places:
        best = [_best_at(screened, choice, (backend, placement)) for screened, choice in group]
        found = [arm for arm, _ in best if arm is not None]
        if backend == place[0] or len(found) < len(group):
            continue
        value = float(np.mean([score for _, score in best]))
        if backend not in others or value > others[backend][0]:
            others[backend] = value, placement, tuple(found)
    options = [own]
    ranked = sorted(others.items(), key=lambda item: (-item[1][0], item[0]))
    for rank, (backend, (value, placement, arms)) in enumerate(ranked, 1):
        lost = wanted - value
        if is_movable and lost <= spread:
            options.append(PlannedOption(backend, placement, arms, 0, 1.0 - 0.5 * max(lost, 0.0) / spread))
        else:
            options.append(PlannedOption(backend, placement, arms, 1, 0.5**rank))
    return tuple(options)


def _best_at(screened: ScreenedArms, choice: Choice, place: tuple[str, str]) -> tuple[Arm | None, float]:
    arms = screened.places.get(place)
    if arms is None:
        return None, -np.inf
    best = int(arms[np.argmax(choice.scores[arms])])
    return screened.arms[best], float(choice.scores[best])
