"""Which circuits may run: limits on gates, on expected fidelity, on time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.bandit.features import ArmTable, BackendContext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.profile import Profile

REASONS = ("gates", "fidelity", "duration", "calibration")


@dataclass(frozen=True)
class Limits:
    """What a circuit may take.

    Attributes
    ----------
    gates
        Most two-qubit gates of a circuit, G_max.
    least_fidelity
        Least ∏ (1 − e) over gates and measurements, F_min in [0, 1).
    most_decay
        Most duration/T2 of the qubit that decays first.

    Raises
    ------
    InputError
        If a limit is out of range.
    """

    gates: int = 400
    least_fidelity: float = 0.02
    most_decay: float = 1.0

    def __post_init__(self) -> None:
        if self.gates < 0 or not 0.0 <= self.least_fidelity < 1.0 or not self.most_decay > 0.0:
            raise InputError(
                f"{self.gates} gates, fidelity {self.least_fidelity}, decay {self.most_decay}",
                field="limits",
                remedy="give 0 or more, a share from 0 to below 1, and above 0",
            )

    def objection(self, profile: Profile) -> str:
        """Return why a circuit may not run, one of `REASONS`; empty if it may.

        What the calibration does not tell (not a number) is an objection of its own: `calibration`.
        """
        told = (profile.log_gates, profile.log_readout, profile.duration, profile.t1, profile.t2)
        if any(np.isnan(number) for number in told):
            return "calibration"
        if profile.two_qubit_gates > self.gates:
            return "gates"
        if self.least_fidelity > 0.0 and profile.log_gates + profile.log_readout < np.log(self.least_fidelity):
            return "fidelity"
        if profile.duration / profile.t2 > self.most_decay:
            return "duration"
        return ""


@dataclass(frozen=True, eq=False)
class ScreenedArms:
    """Arms for knapsacks of one width, and which of them may run, as the backends are at a moment.

    Attributes
    ----------
    width
        Variables.
    arms
        A of them: those that the devices have room for, and whose calibration tells all that features need.
    profiles, backends
        A of each.
    objections
        Why each may not run; empty if it may.
    left_out
        How many more there are, by why: no line of so many qubits on which the circuit can be compiled (`place`),
        calibrations that do not tell (`calibration`).
    """

    width: int
    arms: tuple[Arm, ...] = field(repr=False)
    profiles: tuple[Profile, ...] = field(repr=False)
    backends: tuple[BackendContext, ...] = field(repr=False)
    objections: tuple[str, ...] = field(repr=False)
    left_out: Mapping[str, int] = field(default_factory=dict, repr=False)

    @cached_property
    def table(self) -> ArmTable:
        """What features are made of."""
        return ArmTable(self.arms, self.profiles, self.backends)

    @cached_property
    def is_allowed(self) -> NDArray[np.bool_]:
        """[A] whether an arm may run."""
        return np.array([not objection for objection in self.objections])

    @cached_property
    def places(self) -> dict[tuple[str, str], NDArray[np.int64]]:
        """Indices of the arms that may run, by backend and placement."""
        found: dict[tuple[str, str], list[int]] = {}
        for index, (arm, objection) in enumerate(zip(self.arms, self.objections, strict=True)):
            if arm.backend and not objection:
                found.setdefault((arm.backend, arm.placement), []).append(index)
        return {place: np.array(arms, np.int64) for place, arms in found.items()}

    @property
    def why_none(self) -> str:
        """Why no circuit may run, as far as there are any; empty if one may."""
        reasons = Counter(objection for objection in self.objections if objection) + Counter(self.left_out)
        if self.places or not reasons:
            return ""
        told = ", ".join(f"{n} for {reason}" for reason, n in sorted(reasons.items()))
        return f"no circuit may run ({told})"

    @cached_property
    def index(self) -> dict[Arm, int]:
        """Where each arm stands."""
        return {arm: index for index, arm in enumerate(self.arms)}
