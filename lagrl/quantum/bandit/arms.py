"""Arms of the bandit: a backend, a line of its qubits and a circuit; or the product state without a circuit."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from lagrl.errors import InputError, UnknownNameError
from lagrl.printable import shown
from lagrl.quantum.circuits.ansatz import ANSATZE, make_ansatz
from lagrl.quantum.circuits.hardware_efficient import PATTERNS, HardwareEfficient
from lagrl.quantum.devices.placement import PLACEMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lagrl.quantum.circuits.ansatz import Ansatz

LOGGED = ("qaoa", "copula", "linear", "reverse-linear", "pairwise", "circular")
"""Families of the logs that bandits were trained on, in the order of the features; only those of `ANSATZE` are made."""

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
        Circuit, one of `LOGGED`; `product` for the product state: independent bits, drawn classically.
    layers
        p or r; 0 for the product state.
    """

    backend: str
    placement: str
    family: str
    layers: int

    def __post_init__(self) -> None:
        if self.family not in (*LOGGED, "product"):
            raise UnknownNameError.of("circuit family", self.family, (*LOGGED, "product"))
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


@lru_cache(maxsize=1024)
def ansatz_of(arm: Arm) -> Ansatz:
    """Return an arm's circuit; UnknownNameError for the product state, and for families that are in logs only."""
    if arm.family in PATTERNS:
        return HardwareEfficient(arm.layers, arm.family, TRAINING)
    return make_ansatz(arm.family, arm.layers)


PRODUCT = Arm("", "", "product", 0)


def all_arms(
    backends: Sequence[str],
    *,
    placements: Sequence[str] = PLACES,
    families: Sequence[str] = ANSATZE,
    depths: Sequence[int] = DEPTHS,
) -> tuple[Arm, ...]:
    """Return the product state and every combination, 27 per backend; InputError if a backend is named twice."""
    if len(set(backends)) < len(backends):
        raise InputError(f"{', '.join(backends)} given", field="backends", remedy="name each once")
    combinations = itertools.product(backends, placements, families, depths)
    return (PRODUCT, *(Arm(*combination) for combination in combinations))
