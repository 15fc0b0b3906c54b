"""One vehicle's knapsack as the input of an ansatz: its QUBO, warm start, reduced costs and weights."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.subproblems.product import ProductState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.qubo import QUBO
    from lagrl.quantum.subproblems.candidates import Candidates
    from lagrl.quantum.subproblems.penalties import QUBOBatch


@dataclass(frozen=True, eq=False)
class Subproblem:
    """One vehicle's knapsack min ã·y, d·y ≤ room, of n variables.

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
