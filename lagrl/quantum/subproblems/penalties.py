"""From knapsacks to QUBOs: what a penalty is, and the tilted quadratic one, which needs no slack bits.

    E(y) = Σ_i ã_i y_i + ρ (r² + s r),    r = Σ_i d_i y_i − 1

with ã in units of its mean size and d in units of the room (1 after scaling). As r² + s r = (r + s/2)² − s²/4,
this is a soft *equality* on the load, at the target T = 1 − s/2 of the room. The Taylor (unbalanced) penalty of
`unbalanced` is the same function. A target far above the optimal load buys customers that do not pay, so it is chosen
per knapsack.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.subproblems.qubo_batch import QUBOBatch, mean_costs, normalised, soft_equalities

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lagrl.quantum.subproblems.candidates import Candidates

__all__ = [
    "Penalty",
    "QUBOBatch",
    "TiltedPenalty",
    "make_penalty",
    "require_fill",
    "require_strength",
    "target_fills",
    "target_loads",
    "tilted_qubos",
]


@runtime_checkable
class Penalty(Protocol):
    """How overload is priced."""

    def qubos(self, candidates: Candidates) -> QUBOBatch:
        """Build the QUBO of every vehicle's variables; all zero, of width 0, where a vehicle is solved.

        Parameters
        ----------
        candidates
            The knapsacks. Bit j of a QUBO's code is variable j; slack bits, if any, are the high ones.
        """
        ...

    def at(self, fill: float) -> Penalty:
        """Return the same penalty at another target load, for sweeps.

        Parameters
        ----------
        fill
            0 is the penalty's own guess, 1 the room, −1 nothing; in between, T is linear in it.
        """
        ...


@dataclass(frozen=True)
class TiltedPenalty:
    """A soft equality on each vehicle's load, ρ (r² + s r).

    Attributes
    ----------
    strength
        ρ, for costs in units of their mean and loads in units of the room.
    fill
        The target load T: from nothing (−1) by what greedy loads (0) to the room (1).
    is_aimed
        Whether to aim lower by what the costs pull: near greedy's break a unit of load is worth e_stop, which moves
        the minimum above T by e_stop/(2ρ), in scaled units. Aiming by as much below T lets it be found at T
        (over knapsacks from dual ascents on the bundled instances, ρ = 30: the ground state was the optimum of .34 of
        them, at fill 0.6, against .24 at best without). Circuits of one or two layers gain little by it, annealers
        much.

    Raises
    ------
    InputError
        If the strength is not a finite number of 0 or more, or `fill` is not in [−1, 1].
    """

    strength: float = 30.0
    fill: float = 0.0
    is_aimed: bool = False

    def __post_init__(self) -> None:
        require_strength(self.strength)
        require_fill(self.fill)

    def qubos(self, candidates: Candidates) -> QUBOBatch:
        """Build the QUBO of every vehicle's variables; see `Penalty.qubos`."""
        return tilted_qubos(candidates, self)

    def at(self, fill: float) -> TiltedPenalty:
        """Return the same penalty at another target load; see `Penalty.at`."""
        return replace(self, fill=fill)

    def tilts(self, candidates: Candidates) -> NDArray[np.float64]:
        """Return s = 2 (1 − T/room) of every vehicle, [K]."""
        room = np.maximum(candidates.room, 1)
        aim = target_loads(candidates, self.fill) / room
        if self.is_aimed and self.strength > 0:
            aim -= candidates.stop * room / (2.0 * self.strength * mean_costs(candidates))
        return 2.0 * (1.0 - aim)


def target_loads(candidates: Candidates, fill: float = 0.0) -> NDArray[np.float64]:
    """Return the load to aim at with each vehicle's variables, T ≤ min(room, Σ d), [K] demand units.

    Greedy's load fits and is near the optimal one. The room itself is no better a guess: where the optimal load is
    well below it, aiming there buys customers that do not pay.

    Parameters
    ----------
    candidates
        The knapsacks.
    fill
        0 for greedy's load, 1 for the room, which the variables' weights always exceed, −1 for nothing.
    """
    greedy, room = candidates.greedy_load.astype(np.float64), candidates.room
    return greedy + fill * (room - greedy) if fill >= 0 else (1.0 + fill) * greedy


def target_fills(n_targets: int, lowest: float = -0.2, highest: float = 0.2) -> tuple[float, ...]:
    """Return the fills of a sweep over `n_targets` target loads, in even steps, ascending; 0 alone for one.

    A plain penalty's costs pull the load above its target, so a sweep reaches below greedy's load. Over knapsacks from
    dual ascents on the bundled instances, at ρ = 30, the optimum was the ground state at one of five targets for .33
    of them, and for .50 after repair, against .16 and .39 at greedy's load alone. For an aimed penalty 0 to 1 is the
    range (.45 and .54).

    Parameters
    ----------
    n_targets
        How many.
    lowest, highest
        Ends of the sweep, −1 … 1.

    Raises
    ------
    InputError
        If there is no target, or an end is not in [−1, 1].
    """
    require_fill(lowest)
    require_fill(highest)
    if n_targets < 1:
        raise InputError(f"{n_targets} given", field="targets", remedy="give 1 or more")
    if n_targets == 1:
        return (0.0,)
    return tuple(round(float(fill), 6) for fill in np.linspace(lowest, highest, n_targets))


def tilted_qubos(candidates: Candidates, penalty: TiltedPenalty) -> QUBOBatch:
    """Build the QUBO of every vehicle's variables; all zero where a vehicle is solved.

    Parameters
    ----------
    candidates
        The knapsacks.
    penalty
        How overload is priced.
    """
    cost, load = normalised(candidates)
    return soft_equalities(cost, load, penalty.tilts(candidates), penalty.strength, candidates.width)


def make_penalty(name: str, strength: float | None = None) -> Penalty:
    """Return the penalty called `name`: `tilted`, `unbalanced` or `slack`.

    Parameters
    ----------
    name
        Which.
    strength
        Coefficient of the squared load; the penalty's own if None. The target of `unbalanced` is kept.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    InputError
        If the strength is not a finite number of 0 or more.
    """
    from lagrl.quantum.subproblems.slack import SlackPenalty
    from lagrl.quantum.subproblems.unbalanced import UnbalancedPenalty

    known: dict[str, Callable[..., Penalty]] = {
        "tilted": TiltedPenalty,
        "unbalanced": UnbalancedPenalty.of_strength,
        "slack": SlackPenalty,
    }
    if name not in known:
        raise UnknownNameError.of("penalty", name, known)
    made: Penalty = known[name]() if strength is None else known[name](strength)
    return made


def require_strength(strength: float, name: str = "strength") -> None:
    """Refuse a coefficient of a penalty that is not a finite number of 0 or more."""
    if not 0 <= strength < np.inf:
        raise InputError(f"{strength} given", field=name, remedy="give a finite number of 0 or more")


def require_fill(fill: float) -> None:
    """Refuse a target load below nothing or above the room."""
    if not -1 <= fill <= 1:
        raise InputError(f"{fill} given", field="fill", remedy="give a number from −1 (no load) to 1 (the room)")
