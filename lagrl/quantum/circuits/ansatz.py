"""Ansätze: families of parameterised circuits for knapsacks, and the circuit of one knapsack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast, runtime_checkable

import numpy as np

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.circuits.hardware_efficient import PATTERNS, HardwareEfficient
from lagrl.quantum.circuits.line_qaoa import LineQAOA, default_ramp
from lagrl.quantum.subproblems.candidates import select_candidates
from lagrl.quantum.subproblems.penalties import Subproblem, TiltedPenalty

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from qiskit import QuantumCircuit

    from lagrl.quantum.circuits.backend import Template
    from lagrl.quantum.circuits.line_qaoa import Ramp

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


def circuit(
    reduced_cost: ArrayLike | Subproblem,
    weight: ArrayLike = (),
    capacity: int = 0,
    *,
    ansatz: str = "qaoa",
    layers: int | None = None,
    width: int = 12,
) -> QuantumCircuit:
    """Return the circuit of a knapsack with its angles, measured into the register `meas`; `.draw()` shows it.

    Samplers with these options run this circuit, compiled for their device; the sampler `qaoa` draws from its
    distribution. `qiskit.qasm3.dumps` exports it. Bit j of `meas` is the item `circuit.metadata["items"][j]`.

    Parameters
    ----------
    reduced_cost
        [n] ã, distance units; items with ã ≥ 0 are never worth selecting. Or a `Subproblem`, with any penalty and
        start, instead of the first three arguments and `width`; its variables are the items.
    weight
        [n] d, demand units.
    capacity
        Q, demand units.
    ansatz
        `qaoa`, `linear` or `pairwise`.
    layers
        Number of layers; the ansatz's default if None.
    width
        Most items that become qubits, 1 … 22; presolve decides the others.

    Raises
    ------
    InputError
        If an argument is out of range, or presolve solves the knapsack without a circuit.
    UnknownNameError
        If there is no such ansatz.
    MissingExtraError
        Without qiskit.

    Examples
    --------
    >>> import lagrl
    >>> circuit = lagrl.quantum.circuit([-9, -7, -5, -4], weight=[4, 3, 3, 2], capacity=8)
    >>> circuit.num_qubits, circuit.num_parameters
    (4, 0)
    """
    if isinstance(reduced_cost, Subproblem):
        problem, items = reduced_cost, list(range(reduced_cost.n_variables))
    else:
        candidates = select_candidates(*knapsack_arrays(reduced_cost, weight, capacity), width)
        if not candidates.width[0]:
            raise InputError(
                "presolve solves it without a circuit",
                field="knapsack",
                remedy="lower the capacity: all items of negative reduced cost fit",
            )
        problem = Subproblem.of(candidates, TiltedPenalty().qubos(candidates), 0)
        items = candidates.item[0, : problem.n_variables].tolist()
    chosen = make_ansatz(ansatz, layers)
    template = chosen.template(problem.n_variables)
    bound = cast("QuantumCircuit", template.circuit.assign_parameters(chosen.values(problem)))
    bound.metadata = {"items": items}
    return bound


def knapsack_arrays(
    reduced_cost: ArrayLike, weight: ArrayLike, capacity: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return one knapsack as the arrays of a sampler: ã [1, n], d [n] and Q [1].

    Raises `InputError` if an argument holds no numbers, or a weight or the capacity is not whole.
    """
    try:
        return np.array([reduced_cost], np.float64), _whole(weight), _whole([capacity])
    except (TypeError, ValueError) as error:
        remedy = "give n reduced costs, n whole weights and one whole capacity"
        raise InputError(str(error), field="knapsack", remedy=remedy) from error


def _whole(values: ArrayLike) -> NDArray[np.int64]:
    exact = np.asarray(values, np.float64)
    if not np.isfinite(exact).all() or (exact != np.floor(exact)).any():
        raise ValueError("a weight or the capacity is not a whole number")
    return exact.astype(np.int64)
