"""From knapsacks to QUBOs: the `Penalty` Protocol, and quadratic penalties that need no slack bits.

    E(y) = Σ_i ã_i y_i + ρ (r² + s r),    r = Σ_i d_i y_i − 1

with ã in units of its mean size and d in units of the room (1 after scaling). As r² + s r = (r + s/2)² − s²/4, this is
a soft *equality* on the load, at the target T = 1 − s/2 of the room. With a target far above the optimal load,
customers are carried that do not pay, so `TiltedPenalty` chooses it per knapsack.

`UnbalancedPenalty` (Montañez-Barrera et al. 2024) is the same function. As exp(−h) ≈ 1 − h + h²/2, its −l₁ h + l₂ h² of
the unused part h = −r of the room penalises an overload more than unused room; ρ = l₂ and s = l₁/l₂, offset included.
Its target is one share of the room for all vehicles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from lagrl.errors import InputError, UnknownNameError
from lagrl.problems.qubo import QUBO
from lagrl.quantum.subproblems.candidates import ProductState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.subproblems.candidates import Candidates

PENALTIES = ("tilted", "unbalanced", "slack")


@dataclass(frozen=True, eq=False)
class QUBOBatch:
    """The QUBOs of K knapsacks, padded to W variables by zeros."""

    linear: NDArray[np.float64] = field(repr=False)  # [K, W] float64
    quadratic: NDArray[np.float64] = field(repr=False)  # [K, W, W] float64, strictly upper triangular
    offset: NDArray[np.float64] = field(repr=False)  # [K] float64
    width: NDArray[np.int64]  # [K] int64: bits of each, slack bits included; the knapsack's variables come first

    def qubo(self, vehicle: int) -> QUBO:
        """Return one vehicle's QUBO without its padding."""
        m = int(self.width[vehicle])
        return QUBO(
            self.linear[vehicle, :m].copy(), self.quadratic[vehicle, :m, :m].copy(), float(self.offset[vehicle])
        )


@dataclass(frozen=True, eq=False)
class Subproblem:
    """One vehicle's knapsack as the input of an ansatz: min ã·y, d·y ≤ room, of n variables.

    Attributes
    ----------
    qubo
        Its QUBO, of n variables (slack bits, if any, are the last ones).
    probability
        [n] P(y_i = 1) of the product state, the warm start.
    reduced_cost
        [n] ã, distance units; 0 for slack bits.
    weight
        [n] d, demand units; 0 for slack bits.
    room
        Capacity left for the variables, demand units.

    Raises
    ------
    InputError
        If the lengths differ, or a probability is not in [0, 1].
    """

    qubo: QUBO = field(repr=False)
    probability: NDArray[np.float64] = field(repr=False)
    reduced_cost: NDArray[np.float64] = field(repr=False)
    weight: NDArray[np.int64] = field(repr=False)
    room: int

    def __post_init__(self) -> None:
        n = self.qubo.n_variables
        if not (self.probability.shape == self.reduced_cost.shape == self.weight.shape == (n,)):
            raise InputError(
                f"{self.probability.shape}, {self.reduced_cost.shape}, {self.weight.shape} for {n} variables",
                field="subproblem",
                remedy="give as many probabilities, reduced costs and weights as the QUBO has variables",
            )
        if not ((self.probability >= 0) & (self.probability <= 1)).all():
            raise InputError("a probability is not in [0, 1]", field="subproblem", remedy="give probabilities")

    @classmethod
    def of(
        cls, candidates: Candidates, qubos: QUBOBatch, vehicle: int, probability: NDArray[np.float64] | None = None
    ) -> Subproblem:
        """Take one vehicle's knapsack out of a batch; slack bits have probability 1/2, and no cost and weight.

        Parameters
        ----------
        candidates
            The knapsacks.
        qubos
            Their QUBOs, by a penalty.
        vehicle
            Index of the vehicle.
        probability
            [K, m] P(y = 1) of a warm start; those of `ProductState()` if None.

        Raises
        ------
        InputError
            If presolve has solved the vehicle.
        """
        m = int(candidates.width[vehicle])
        if not m:
            raise InputError(f"{vehicle} is solved by presolve", field="vehicle", remedy="take one of width above 0")
        if probability is None:
            probability = ProductState().probabilities(candidates)
        qubo = qubos.qubo(vehicle)
        slack = qubo.n_variables - m
        return cls(
            qubo=qubo,
            probability=np.pad(probability[vehicle, :m], (0, slack), constant_values=0.5),
            reduced_cost=np.pad(candidates.reduced_cost[vehicle, :m], (0, slack)),
            weight=np.pad(candidates.weight[vehicle, :m], (0, slack)),
            room=int(candidates.room[vehicle]),
        )

    @property
    def n_variables(self) -> int:
        """Number of variables n."""
        return self.qubo.n_variables

    @property
    def scale(self) -> float:
        """σ of the QUBO, see `Ising.scale`; 1 where that is 0."""
        linear, quadratic = self.qubo.linear, self.qubo.quadratic
        field = 0.5 * linear + 0.25 * (quadratic.sum(axis=0) + quadratic.sum(axis=1))
        return math.sqrt(float(field @ field) + float((quadratic**2).sum()) / 16.0) or 1.0


@runtime_checkable
class Penalty(Protocol):
    """A penalty of overload, which turns knapsacks into QUBOs."""

    def qubos(self, candidates: Candidates) -> QUBOBatch:
        """Build the QUBO of every vehicle's variables; all zero, of width 0, where a vehicle is solved.

        Parameters
        ----------
        candidates
            The knapsacks. Bit j of a QUBO's code is variable j; slack bits, if any, are the high ones.
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
        The target load T, linear from greedy's load (0) to the room (1).
    is_aimed
        Whether to correct the target for the pull of the costs. Near greedy's break a unit of load is worth e_stop,
        which moves the minimum above T by e_stop/(2ρ), in scaled units; the target is lowered by as much, so that the
        minimum is at T. Over knapsacks from dual ascents on the bundled instances, at ρ = 30, the ground state was
        then the optimum of .34 of them, at fill 0.6, against .24 at best without. Circuits of one or two layers gain
        little by it, annealers much.

    Raises
    ------
    InputError
        If the strength is not a finite number of 0 or more, or `fill` is not in [0, 1].
    """

    strength: float = 30.0
    fill: float = 0.0
    is_aimed: bool = False

    def __post_init__(self) -> None:
        require_strength(self.strength)
        if not 0 <= self.fill <= 1:
            raise InputError(
                f"{self.fill} given", field="fill", remedy="give a number from 0 (greedy's load) to 1 (the room)"
            )

    def qubos(self, candidates: Candidates) -> QUBOBatch:
        """Build the QUBO of every vehicle's variables; see `Penalty.qubos`."""
        cost, load = normalised(candidates)
        return soft_equalities(cost, load, self.tilts(candidates), self.strength, candidates.width)

    def tilts(self, candidates: Candidates) -> NDArray[np.float64]:
        """Return s = 2 (1 − T/room) of every vehicle, [K]."""
        room = np.maximum(candidates.room, 1)
        aim = target_loads(candidates, self.fill) / room
        if self.is_aimed and self.strength > 0:
            aim -= candidates.stop * room / (2.0 * self.strength * mean_costs(candidates))
        return 2.0 * (1.0 - aim)


def normalised(candidates: Candidates) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ã over the mean |ã|, and d over the room, of every vehicle's variables, both [K, W]."""
    cost = candidates.reduced_cost / mean_costs(candidates)[:, None]
    return cost, candidates.weight / np.maximum(candidates.room, 1).astype(np.float64)[:, None]


def mean_costs(candidates: Candidates) -> NDArray[np.float64]:
    """Return the mean |ã| of every vehicle's variables, [K] distance units; 1 where there are none."""
    mean = np.abs(candidates.reduced_cost).sum(axis=1) / np.maximum(candidates.width, 1)
    return np.where(mean > 0, mean, 1.0)


def soft_equalities(
    cost: NDArray[np.float64],
    load: NDArray[np.float64],
    tilt: NDArray[np.float64],
    strength: float,
    width: NDArray[np.int64],
) -> QUBOBatch:
    """Build the QUBOs cost·y + ρ (r² + s r) with r = load·y − 1.

    Parameters
    ----------
    cost, load
        [K, W], 0 in padding; loads in units of the room.
    tilt
        [K] s.
    strength
        ρ.
    width
        [K] bits of each; the offset is 0 where this is 0.
    """
    linear = cost + strength * (load**2 + (tilt - 2.0)[:, None] * load)
    quadratic = np.triu(2.0 * strength * load[:, :, None] * load[:, None, :], 1)
    offset = np.where(width > 0, strength * (1.0 - tilt), 0.0)
    return QUBOBatch(linear, quadratic, offset, width)


def target_loads(candidates: Candidates, fill: float = 0.0) -> NDArray[np.float64]:
    """Return the target load of each vehicle's variables, T ≤ min(room, Σ d), [K] demand units.

    Greedy's load fits and is near the optimal one. The room itself is no better a guess: where the optimal load is
    well below it, customers are carried that do not pay.

    Parameters
    ----------
    candidates
        The knapsacks.
    fill
        0 for greedy's load, 1 for the room, which the variables' weights always exceed.
    """
    greedy, room = candidates.greedy_load.astype(np.float64), candidates.room
    return greedy + fill * (room - greedy)


def make_penalty(name: str, strength: float | None = None) -> Penalty:
    """Return the penalty called `name`: `tilted`, `unbalanced` or `slack`.

    Parameters
    ----------
    name
        One of `PENALTIES`.
    strength
        Coefficient of the squared load; the penalty's default if None. The target of `unbalanced` is kept.

    Raises
    ------
    UnknownNameError
        If there is no penalty of that name.
    InputError
        If the strength is not a finite number of 0 or more.
    """
    from lagrl.quantum.subproblems.penalties import UnbalancedPenalty
    from lagrl.quantum.subproblems.slack import SlackPenalty

    if name == "tilted":
        return TiltedPenalty(TiltedPenalty.strength if strength is None else strength)
    if name == "unbalanced":
        return UnbalancedPenalty.of_strength(UnbalancedPenalty.quadratic if strength is None else strength)
    if name != "slack":
        raise UnknownNameError.of("penalty", name, PENALTIES)
    return SlackPenalty(SlackPenalty.strength if strength is None else strength)


def require_strength(strength: float, name: str = "strength") -> None:
    """Raise an error for a coefficient of a penalty that is not a finite number of 0 or more."""
    if not 0 <= strength < np.inf:
        raise InputError(f"{strength} given", field=name, remedy="give a finite number of 0 or more")


@dataclass(frozen=True)
class UnbalancedPenalty:
    """The penalty −l₁ h + l₂ h² of the unused part h of the room.

    The default target is .85 of the room, the best for circuits over knapsacks from dual ascents on the bundled
    instances (.9 gave more ground states that were optimal, and more that were too heavy).

    Attributes
    ----------
    linear
        l₁, for costs in units of their mean and h in units of the room.
    quadratic
        l₂, likewise.

    Raises
    ------
    InputError
        If a coefficient is not a finite number of 0 or more, or the target is below 0 (l₁ > 2 l₂).
    """

    linear: float = 9.0
    quadratic: float = 30.0

    def __post_init__(self) -> None:
        require_strength(self.linear, "linear")
        require_strength(self.quadratic, "quadratic")
        if self.linear > 2 * self.quadratic:
            raise InputError(
                f"{self.linear} given, which puts the target load below 0",
                field="linear",
                remedy=f"give at most twice the quadratic coefficient, {2 * self.quadratic:g}",
            )

    @classmethod
    def of_strength(cls, strength: float) -> UnbalancedPenalty:
        """Return the penalty of the default's target load and l₂ = `strength`."""
        require_strength(strength)
        return cls(cls.linear * strength / cls.quadratic, strength)

    @property
    def target(self) -> float:
        """The target load T, as a share of the room."""
        return 1.0 - self.linear / (2.0 * self.quadratic) if self.quadratic else 1.0

    def qubos(self, candidates: Candidates) -> QUBOBatch:
        """Build the QUBO of every vehicle's variables; see `Penalty.qubos`."""
        cost, load = normalised(candidates)
        l_1, l_2 = 2.0 * self.quadratic * (1.0 - self.target), self.quadratic
        linear = cost + l_1 * load + l_2 * (load**2 - 2.0 * load)
        quadratic = np.triu(2.0 * l_2 * load[:, :, None] * load[:, None, :], 1)
        return QUBOBatch(linear, quadratic, np.where(candidates.width > 0, l_2 - l_1, 0.0), candidates.width)
