"""Ansätze: families of parameterised circuits for knapsacks, with the angles for a given knapsack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.circuits.hardware_efficient import PATTERNS, HardwareEfficient
from lagrl.quantum.circuits.line_qaoa import LineQAOA, default_ramp

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lagrl.quantum.circuits.execution import Template
    from lagrl.quantum.circuits.line_qaoa import Ramp
    from lagrl.quantum.subproblems.penalties import Subproblem

ANSATZE = ("qaoa", *PATTERNS)


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


def make_ansatz(name: str, layers: int | None = None, *, warm: bool = True, ramp: Ramp | None = None) -> Ansatz:
    """Return the ansatz called `name`: `qaoa`, or `linear` or `pairwise`, hardware-efficient circuits of that pattern.

    Parameters
    ----------
    name
        One of `ANSATZE`.
    layers
        Number of layers, p or r; the ansatz's default if None.
    warm
        Of `qaoa` only: start from the product state, or from the uniform superposition.
    ramp
        Of `qaoa` only: used instead of the default angles.

    Raises
    ------
    UnknownNameError
        If there is no ansatz of that name.
    InputError
        If there is no layer, or the ramp has another number of layers.
    """
    if name not in ANSATZE:
        raise UnknownNameError.of("ansatz", name, ANSATZE)
    if name != "qaoa":
        return HardwareEfficient(1 if layers is None else layers, name)
    chosen = default_ramp(layers, warm=warm) if ramp is None else ramp
    if layers is not None and chosen.layers != layers:
        raise InputError(f"a ramp of {chosen.layers} layers given", field="ramp", remedy=f"give one of {layers}")
    return LineQAOA(chosen, warm)
