"""What fewer arms are worth: the trained bandit among parts of the arms, and learning among the 27 of a backend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from benchmarks.bandit_study.curve import online_curve
from benchmarks.bandit_study.judge import Screened, cut
from benchmarks.bandit_study.logs import Keep, interval
from benchmarks.bandit_study.reward_table import RewardTable
from lagrl.quantum.bandit.arm_policies import Policy, StaticPolicy
from lagrl.quantum.bandit.features import PLACES, PRODUCT
from lagrl.quantum.circuits.ansatz import ANSATZE

Row = dict[str, Any]

PARTS: dict[str, Keep] = {
    "all circuits and lines": lambda arm, _: True,
    f"circuits {', '.join(ANSATZE)}": lambda arm, _: arm.family in ANSATZE,
    f"these on {', '.join(PLACES)}: the default": lambda arm, _: arm.family in ANSATZE and arm.placement in PLACES,
    "these on line0": lambda arm, _: arm.family in ANSATZE and arm.placement == PLACES[0],
    "qaoa alone": lambda arm, _: arm.family == ANSATZE[0] and arm.placement in PLACES,
    "at most two layers": lambda arm, _: arm.family in ANSATZE and arm.placement in PLACES and arm.layers < 3,
}
DEFAULT = list(PARTS)[2]


def arm_rows(policy: Policy, truth: RewardTable, screened: Screened) -> Iterator[Row]:
    """Yield the value of a trained policy, and of random choice, among parts of the arms."""
    every = truth.among(screened, policy)
    for name, keep in PARTS.items():
        own = _part(screened, keep)
        worth = truth.among(own, policy)
        yield {
            "kind": "arms",
            "arms": name,
            "number": {str(width): sum(not objection for objection in part.objections) for width, part in own.items()},
            "value": interval(worth, truth.group),
            "over_all": interval(worth - every, truth.group),
            "uniform": interval(truth.among(own, StaticPolicy(), 1.0), truth.group),
        }


def learning_rows(world: RewardTable, truth: RewardTable, screened: Screened, orders: int, most: int) -> Iterator[Row]:
    """Yield what is learned on the way, from nothing, among all arms and among the default ones."""
    for among, part in (("all arms", screened), ("default arms", _part(screened, PARTS[DEFAULT]))):
        for row in online_curve(world, part, truth, orders, most):
            yield {**row, "learner": f"{row['learner']}, {among}"}


def _part(screened: Screened, keep: Keep) -> Screened:
    """Return the arms that are kept, and the product state; others are left out, so that fewer are explored."""
    found = {}
    for width, own in cut(screened, lambda arm, profile: arm == PRODUCT or keep(arm, profile)).items():
        kept = [a for a, arm in enumerate(own.arms) if arm == PRODUCT or keep(arm, own.profiles[a])]
        parts = {name: tuple(getattr(own, name)[a] for a in kept) for name in ("arms", "profiles", "objections")}
        found[width] = replace(own, **parts)
    return found
