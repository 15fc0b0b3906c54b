"""Arms of the bandit: a backend, a line of its qubits and a circuit; or the product state without a circuit."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.errors import InputError, UnknownNameError
from lagrl.printable import shown
from lagrl.quantum.circuits.ansatz import ANSATZE, make_ansatz
from lagrl.quantum.circuits.hardware_efficient import HardwareEfficient
from lagrl.quantum.devices.placement import PLACEMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lagrl.quantum.circuits.ansatz import Ansatz

FAMILIES = ("qaoa", "linear", "pairwise")  # the others of `ANSATZE` are chosen well by no row of the bandit study
PLACES = ("line0", "line1", "default")
DEPTHS = (1, 2, 3)
TRAINING = 30  # evaluations of circuits that are trained on every knapsack; more did not make them better


@dataclass(frozen=True, order=True)
class Arm:
    """A backend, a line of its qubits and a circuit, or the product state.

    Raises `UnknownNameError` if the placement or family is unknown, `InputError` if a circuit lacks its backend or
    layers, or the product state has one.

    Attributes
    ----------
    backend
        Name of the device; empty for the product state.
    placement
        `line0` … `line2`: the device's best line of qubits and the next ones, each another set of qubits. `default`:
        qubits 0 … n − 1, the first choice of a transpiler.
    family
        Circuit, one of `ANSATZE`; `product` for the product state: independent bits, drawn classically.
    layers
        p or r; 0 for the product state.
    """

    backend: str
    placement: str
    family: str
    layers: int

    def __post_init__(self) -> None:
        if self.family not in (*ANSATZE, "product"):
            raise UnknownNameError.of("circuit family", self.family, (*ANSATZE, "product"))
        if self.family == "product":
            if self.backend or self.placement or self.layers:
                raise InputError(f"{self} given", field="arm", remedy="product has no backend, placement or layers")
            return
        if self.placement not in PLACEMENTS:
            raise UnknownNameError.of("placement", self.placement, PLACEMENTS)
        if not self.backend or self.layers < 1:
            raise InputError(f"{self} given", field="arm", remedy="name a backend, and give 1 layer or more")

    def __str__(self) -> str:
        if self.family == "product":
            return "product"
        return f"{self.backend}/{self.placement}/{self.family}/{self.layers}"

    def ansatz(self) -> Ansatz:
        """Return the circuit; InputError for the product state."""
        if self.family == "product":
            raise InputError("no circuit", field="arm product", remedy="draw from the product state")
        made = make_ansatz(self.family, self.layers)
        if isinstance(made, HardwareEfficient):
            return HardwareEfficient(self.layers, made.entanglement, TRAINING)
        return made

    @staticmethod
    def parse(text: str) -> Arm:
        """Return the arm whose `str` this is; InputError if it is another text, or a name is unknown."""
        if text == "product":
            return PRODUCT
        parts = text.split("/")
        if len(parts) != 4 or not (parts[3].isdecimal() and len(parts[3]) < 4):
            raise InputError(
                f"{shown(text)} given", field="arm", remedy="write BACKEND/PLACEMENT/FAMILY/LAYERS, or product"
            )
        return Arm(parts[0], parts[1], parts[2], int(parts[3]))


PRODUCT = Arm("", "", "product", 0)


def all_arms(
    backends: Sequence[str],
    *,
    placements: Sequence[str] = PLACES,
    families: Sequence[str] = FAMILIES,
    depths: Sequence[int] = DEPTHS,
) -> tuple[Arm, ...]:
    """Return the product state and every combination, 27 per backend; InputError if a backend is named twice."""
    if len(set(backends)) < len(backends):
        raise InputError(f"{', '.join(backends)} given", field="backends", remedy="name each once")
    combinations = itertools.product(backends, placements, families, depths)
    return (PRODUCT, *(Arm(*combination) for combination in combinations))
