"""Screening of arms: limits on gates, expected fidelity and duration of their circuits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.bandit.features import ArmTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.profile import Profile


@dataclass(frozen=True)
class Limits:
    """Limits on the circuits that may run. Raises `InputError` if a limit is out of range.

    Attributes
    ----------
    gates
        Largest number of two-qubit gates, G_max.
    least_fidelity
        Least ∏ (1 − e) over gates and measurements, F_min in [0, 1).
    most_decay
        Longest duration, as a multiple of the T2 of the qubit that decays first.
    """

    gates: int = 400
    least_fidelity: float = 0.02
    most_decay: float = 1.0

    def __post_init__(self) -> None:
        if self.gates < 0 or not 0.0 <= self.least_fidelity < 1.0 or not self.most_decay > 0.0:
            raise InputError(
                f"{self.gates} gates, fidelity {self.least_fidelity}, decay {self.most_decay}",
                field="limits",
                remedy="give gates of 0 or more, a fidelity from 0 to below 1, and a decay above 0",
            )

    def objection(self, profile: Profile) -> str:
        """Return why a circuit may not run: `gates`, `fidelity` or `duration`; empty if it may.

        `calibration` if the calibration lacks a number that is needed.
        """
        needed = (profile.log_gates, profile.log_readout, profile.duration, profile.t1, profile.t2)
        if np.isnan(needed).any():
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
    """Arms for knapsacks of one width, and which of them may run, for one state of the backends.

    Attributes
    ----------
    width
        Number of variables.
    arms
        [A] arms that fit on the devices and have finite features.
    profiles
        [A] profile of each circuit.
    objections
        [A] why an arm may not run; empty if it may.
    left_out
        Numbers of further arms by reason: no line of qubits on which the circuit can be compiled (`place`), or an
        incomplete calibration (`calibration`).
    """

    width: int
    arms: tuple[Arm, ...] = field(repr=False)
    profiles: tuple[Profile, ...] = field(repr=False)
    objections: tuple[str, ...] = field(repr=False)
    left_out: Mapping[str, int] = field(default_factory=dict, repr=False)

    @cached_property
    def table(self) -> ArmTable:
        """Features of the arms, to be joined with a knapsack."""
        return ArmTable(self.arms, self.profiles)

    @cached_property
    def is_allowed(self) -> NDArray[np.bool_]:
        """Whether each arm may run, [A]."""
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
        """Why no circuit may run; empty if one may, or there are no circuits."""
        reasons = Counter(objection for objection in self.objections if objection) + Counter(self.left_out)
        if self.places or not reasons:
            return ""
        counts = ", ".join(f"{n} for {reason}" for reason, n in sorted(reasons.items()))
        return f"no circuit may run ({counts})"

    @cached_property
    def index(self) -> dict[Arm, int]:
        """Index of each arm."""
        return {arm: index for index, arm in enumerate(self.arms)}

    @cached_property
    def named(self) -> dict[str, int]:
        """Index of each arm by its name."""
        return {str(arm): index for index, arm in enumerate(self.arms)}
