"""Ansätze: families of parameterised circuits for knapsacks, with the angles for a given knapsack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.circuits.line_qaoa import line_angles, qaoa_line
from lagrl.quantum.circuits.statevector import COLD_RAMP, WARM_RAMP, Ramp, qaoa_state
from lagrl.quantum.subproblems.product import rotation_angles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lagrl.quantum.circuits.execution import Template
    from lagrl.quantum.circuits.subproblem import Subproblem

ANSATZE = ("qaoa", "copula", "linear", "reverse-linear", "pairwise", "circular")

# about the largest P(opt) and the least best-of-64 gap of a grid, over knapsacks of generated instances' duals
WARM_RAMPS = (WARM_RAMP, Ramp(2, 2.0, 0.3), Ramp(3, 2.0, 0.2))
COLD_RAMPS = (Ramp(1, 1.4, 0.3), COLD_RAMP, Ramp(3, 1.6, 0.5))


@runtime_checkable
class Ansatz(Protocol):
    """A family of circuits, one for every number of variables, and the angles for a knapsack."""

    @property
    def name(self) -> str:
        """The name that records use."""
        ...

    @property
    def layers(self) -> int:
        """Number of layers, p or r."""
        ...

    def template(self, n: int) -> Template:
        """Return the circuit for n variables, built once.

        Raises
        ------
        MissingExtraError
            Without qiskit.
        """
        ...

    def values(self, problem: Subproblem) -> NDArray[np.float64]:
        """Return the angles of the template's parameters for a knapsack, [P] radians."""
        ...

    def probabilities(self, problem: Subproblem) -> NDArray[np.float64]:
        """Return the probability of each string on an ideal device, [2^n]: bit i of the index is variable i."""
        ...


@dataclass(frozen=True)
class LineQAOA:
    """QAOA of the QUBO, divided by its σ, on a line of qubits; see `qaoa_line`.

    Attributes
    ----------
    ramp
        Angles of the layers.
    warm
        Start from the product state with the aligned mixer (Egger et al. 2021), or from the uniform superposition.
    """

    ramp: Ramp = WARM_RAMP
    warm: bool = True

    @property
    def name(self) -> str:
        """`qaoa`, or `cold-qaoa` from the uniform superposition."""
        return "qaoa" if self.warm else "cold-qaoa"

    @property
    def layers(self) -> int:
        """Number of layers p."""
        return self.ramp.layers

    def template(self, n: int) -> Template:
        """Return the line network of n variables; see `Ansatz.template`."""
        return qaoa_line(n, self.layers, self.warm)

    def values(self, problem: Subproblem) -> NDArray[np.float64]:
        """Return the network's angles; see `Ansatz.values`."""
        gamma, beta = self.ramp.angles()
        return line_angles(
            problem.qubo.linear, problem.qubo.quadratic, gamma / problem.scale, beta, self._theta(problem)
        )

    def probabilities(self, problem: Subproblem) -> NDArray[np.float64]:
        """Return the distribution by the statevector kernel; see `Ansatz.probabilities`."""
        gamma, beta = self.ramp.angles()
        state = qaoa_state(problem.qubo, gamma / problem.scale, beta, self._theta(problem))
        return state.real**2 + state.imag**2

    def _theta(self, problem: Subproblem) -> NDArray[np.float64] | None:
        return rotation_angles(problem.probability) if self.warm else None


def make_ansatz(name: str, layers: int | None = None, *, warm: bool = True, ramp: Ramp | None = None) -> Ansatz:
    """Return the ansatz called `name`: `qaoa`, `copula`, `linear`, `reverse-linear`, `pairwise` or `circular`.

    Parameters
    ----------
    name
        One of `ANSATZE`; the last four are hardware-efficient circuits with that pattern of entanglers. `full` is
        another name of `reverse-linear`, which prepares the same states.
    layers
        Number of layers, p or r; the ansatz's default if None.
    warm
        Of `qaoa` only: start from the product state, or from the uniform superposition.
    ramp
        Of `qaoa` and `copula`: used instead of the default angles.

    Raises
    ------
    UnknownNameError
        If there is no ansatz of that name.
    InputError
        If there is no layer, or the ramp has another number of layers.
    """
    from lagrl.quantum.circuits.copula import CopulaQAOA
    from lagrl.quantum.circuits.hardware_efficient import HardwareEfficient

    if name not in (*ANSATZE, "full"):
        raise UnknownNameError.of("ansatz", name, ANSATZE)
    if name in {"qaoa", "copula"}:
        chosen = default_ramp(name, layers, warm=warm) if ramp is None else ramp
        if layers is not None and chosen.layers != layers:
            raise InputError(f"a ramp of {chosen.layers} layers given", field="ramp", remedy=f"give one of {layers}")
        return CopulaQAOA(chosen) if name == "copula" else LineQAOA(chosen, warm)
    return HardwareEfficient(1 if layers is None else layers, "reverse-linear" if name == "full" else name)


def default_ramp(name: str, layers: int | None = None, *, warm: bool = True) -> Ramp:
    """Return the default angles of `qaoa` or `copula`; beyond three layers those of the ramp of three.

    Parameters
    ----------
    name
        `qaoa` or `copula`.
    layers
        p; if None, 2 for a cold start and 1 otherwise.
    warm
        Of `qaoa`: whether it starts from the product state.

    Raises
    ------
    InputError
        If there is no layer.
    """
    from lagrl.quantum.circuits.copula import COPULA_RAMPS

    ramps = COPULA_RAMPS if name == "copula" else (WARM_RAMPS if warm else COLD_RAMPS)
    if layers is None:
        layers = 1 if warm or name == "copula" else COLD_RAMP.layers
    if 1 <= layers <= len(ramps):
        return ramps[layers - 1]
    return Ramp(layers, ramps[-1].gamma, ramps[-1].beta)
