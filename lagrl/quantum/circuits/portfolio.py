"""Several configurations of one circuit share the shots: which is best is seen in the samples, not in advance."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.subproblems.codes import count_codes
from lagrl.quantum.subproblems.ranking import cvar, repaired_costs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.circuits.statevector import Ramp
    from lagrl.quantum.subproblems.candidates import Candidates
    from lagrl.quantum.subproblems.penalties import Penalty
    from lagrl.quantum.subproblems.qubo_batch import QUBOBatch

    Counted = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class Configuration:
    """Angles and a target load: what changes from one run of a circuit to the next.

    Attributes
    ----------
    ramp
        Angles of the layers; None for those that suit the circuit.
    fill
        Target load, see `Penalty.at`; None for the penalty's own.
    """

    ramp: Ramp | None = None
    fill: float | None = None


@dataclass(frozen=True)
class Portfolio:
    """Configurations, and how they share a knapsack's shots.

    All take an equal part of the pilot share. They are then ranked for every vehicle by the CVaR of their samples'
    repaired cost, and the best takes the rest. Every sample of every configuration is kept.

    Attributes
    ----------
    configurations
        One or more, all of as many layers.
    pilot
        Share of the shots that all take part in: 1 needs a single job a step, less a second one.
    alpha
        Share of the samples that CVaR is the mean of.

    Raises
    ------
    InputError
        If there is no configuration, or a share is not in (0, 1].
    """

    configurations: tuple[Configuration, ...] = (Configuration(),)
    pilot: float = 1.0
    alpha: float = 0.25

    def __post_init__(self) -> None:
        if not self.configurations:
            raise InputError("none given", field="configurations", remedy="give 1 or more")
        for name in ("pilot", "alpha"):
            if not 0 < getattr(self, name) <= 1:
                raise InputError(f"{getattr(self, name)} given", field=name, remedy="give a share above 0 and up to 1")

    def allot(self, shots: int) -> tuple[int, int]:
        """Return the shots of each configuration in the pilot, and those left for the best one.

        A remainder that does not share equally goes to the best one, or is not taken where there is no second round.

        Raises
        ------
        InputError
            If there are fewer shots than configurations.
        """
        n = len(self.configurations)
        if n == 1:
            return shots, 0
        each = int(self.pilot * shots) // n
        if each < 1:
            raise InputError(
                f"{shots} shots, of which {self.pilot:g} for {n} configurations",
                field="shots",
                remedy="give more shots, or fewer targets",
            )
        return each, 0 if self.pilot == 1 else shots - n * each


@dataclass(frozen=True, eq=False)
class Round:
    """One configuration for some vehicles.

    Attributes
    ----------
    configuration
        Which.
    qubos
        The knapsacks at its target load.
    is_asked
        [K] vehicles to run.
    """

    configuration: Configuration
    qubos: QUBOBatch = field(repr=False)
    is_asked: NDArray[np.bool_] = field(repr=False)

    @property
    def asked(self) -> QUBOBatch:
        """The QUBOs, of width 0 where the vehicle is not to be run."""
        return replace(self.qubos, width=np.where(self.is_asked, self.qubos.width, 0))


class Draw(Protocol):
    """Runs rounds, all at once, with so many shots a circuit."""

    def __call__(self, rounds: Sequence[Round], shots: int) -> list[Counted]:
        """Return codes [K, S] and counts [K, S] of each round; rows of vehicles not asked are not read."""
        ...


def draw_portfolio(
    candidates: Candidates, penalty: Penalty, portfolio: Portfolio, shots: int, draw: Draw
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Share the shots of every vehicle among configurations.

    Parameters
    ----------
    candidates
        The knapsacks.
    penalty
        How overload is priced; configurations move its target.
    portfolio
        The configurations.
    shots
        Per vehicle.
    draw
        Runs circuits: called once, or twice where the pilot leaves shots.

    Returns
    -------
    Codes [K, S] of the vehicles' own variables, distinct in each row, and their counts [K, S]; a count of 0 is
    padding. Solved vehicles have the empty string.

    Raises
    ------
    InputError
        If there are fewer shots than configurations.
    """
    is_unsolved = candidates.width > 0
    each, rest = portfolio.allot(shots)
    rounds = [
        Round(
            configuration,
            (penalty if configuration.fill is None else penalty.at(configuration.fill)).qubos(candidates),
            is_unsolved,
        )
        for configuration in portfolio.configurations
    ]
    drawn = [_own(candidates, own, found) for own, found in zip(rounds, draw(rounds, each), strict=True)]
    if rest and is_unsolved.any():
        value = np.array([cvar(repaired_costs(candidates, code), count, portfolio.alpha) for code, count in drawn])
        best = value.argmin(axis=0)
        finals = [replace(own, is_asked=is_unsolved & (best == c)) for c, own in enumerate(rounds)]
        finals = [own for own in finals if own.is_asked.any()]
        drawn += [_own(candidates, own, found) for own, found in zip(finals, draw(finals, rest), strict=True)]
    if len(drawn) == 1:
        return drawn[0]
    code = np.concatenate([code for code, _ in drawn], axis=1)
    count = np.concatenate([count for _, count in drawn], axis=1)
    # rounds know nothing of each other: a solved vehicle answered in each, or missed the second one
    count[~is_unsolved] = 0
    count[~is_unsolved, 0] = each * len(rounds) + rest
    return count_codes(code, count)


def _own(candidates: Candidates, own: Round, found: Counted) -> Counted:
    """Leave out slack bits; solved vehicles answer with the empty string, those not asked with nothing."""
    code, count = found
    if (own.qubos.width > candidates.width).any():
        code, count = count_codes(code, count, candidates.width)
    is_solved = candidates.width == 0
    shots = int(count.sum(axis=1).max(initial=1))
    first = np.arange(code.shape[1]) == 0
    code = np.where(own.is_asked[:, None], code, 0)
    count = np.where(own.is_asked[:, None], count, np.where(is_solved[:, None] & first, shots, 0))
    return code, count
