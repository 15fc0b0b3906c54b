"""Joint features of a knapsack and an arm, the input of the shared model."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.bandit.arms import LOGGED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.profile import Profile
    from lagrl.quantum.subproblems.candidates import Candidates


@dataclass(frozen=True)
class KnapsackContext:
    """Description of a vehicle's knapsack after presolve."""

    width: int  # number of variables n'
    binding: float  # total demand over the room; above 1, as presolve solves all other knapsacks
    demand_variation: float  # standard deviation of the demands over their mean
    fill: float  # load of the greedy solution, over the room
    sharpness: float  # mean |2P(y = 1) − 1| of the warm start: how certain it is
    density: float  # share of pairs of variables that do not fit together


def knapsack_contexts(candidates: Candidates, probability: NDArray[np.float64]) -> list[KnapsackContext | None]:
    """Describe K knapsacks by their warm start, [K, W] P(y = 1); None for those that presolve solved."""
    found: list[KnapsackContext | None] = []
    for k, width in enumerate(candidates.width.tolist()):
        if not width:
            found.append(None)
            continue
        weight = candidates.weight[k, :width].astype(np.float64)
        room = max(float(candidates.room[k]), 1.0)
        pairs = weight[:, None] + weight > room
        found.append(
            KnapsackContext(
                width=width,
                binding=float(weight.sum() / room),
                demand_variation=float(weight.std() / weight.mean()) if weight.mean() > 0 else 0.0,
                fill=float(candidates.greedy_load[k] / room),
                sharpness=float(np.abs(2.0 * probability[k, :width] - 1.0).mean()),
                density=float(pairs[np.triu_indices(width, 1)].mean()) if width > 1 else 0.0,
            )
        )
    return found


_KNAPSACK = ("width", "binding", "demand_variation", "fill", "sharpness", "density")
_CIRCUIT = (
    *("layers", "layers_squared", "log_two_qubit_gates", "two_qubit_depth"),
    *("log_gate_fidelity", "log_readout_fidelity"),
    *("duration_over_t2", "duration_over_t1", "degree"),
)
_BY_FAMILY = ("", "layers", "layers_squared", "log_gate_fidelity")

NAMES: tuple[str, ...] = (
    "bias",
    *_KNAPSACK,
    *_CIRCUIT,
    *(f"{family}:{name}" if name else family for family in LOGGED for name in _BY_FAMILY),
)
"""Names of the features; `family:name` is a feature of that family's arms alone.

Layers are counted from the middle of the three usual numbers, p − 2. The product state has 0 everywhere: its reward is
0 by definition, without uncertainty.
"""

# typical largest values, so that all features are of size 1; fixed, as a trained model cannot be rescaled
_SIZE = {
    "width": 12.0,
    "binding": 3.0,
    "log_two_qubit_gates": 6.0,
    "two_qubit_depth": 100.0,
    "log_gate_fidelity": 2.0,
    "log_readout_fidelity": 0.5,
    "degree": 3.0,
}

_OWN_SIZE = np.array([_SIZE.get(name, 1.0) for name in _KNAPSACK])
_N_OWN = 1 + len(_KNAPSACK)
_NUMBER = {family: number for number, family in enumerate(LOGGED)}


def schema() -> str:
    """Return a digest of the features' names and sizes; models of another schema cannot be used."""
    return hashlib.sha256(json.dumps([NAMES, sorted(_SIZE.items())]).encode()).hexdigest()[:16]


class ArmTable:
    """Features of A arms for knapsacks of one width, from [A] arms and profiles."""

    def __init__(self, arms: Sequence[Arm], profiles: Sequence[Profile]) -> None:
        rows = [_circuit_row(profile) for profile in profiles]
        self._circuit = np.array(rows, dtype=np.float64).reshape(len(arms), len(_CIRCUIT))
        self._family = np.array([_NUMBER.get(arm.family, -1) for arm in arms], dtype=np.int64)

    def features(self, knapsack: KnapsackContext) -> NDArray[np.float64]:
        """Return [A, d] features of every arm for a knapsack, in the order of `NAMES`."""
        every = np.arange(len(self._family))
        return self.rows(np.repeat(knapsack_rows([knapsack]), len(every), axis=0), every)

    def row(self, knapsack: KnapsackContext, arm: int) -> NDArray[np.float64]:
        """Return [d] features of one arm, by its index, for a knapsack."""
        return np.asarray(self.rows(knapsack_rows([knapsack]), np.array([arm]))[0], dtype=np.float64)

    def rows(self, knapsacks: NDArray[np.float64], arm: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return [D, d] features of D knapsacks, [D, 7] `knapsack_rows`, each with the arm of its index [D]."""
        parts = np.concatenate([knapsacks, self._circuit[arm]], axis=1)
        found = np.empty((len(arm), len(NAMES)))
        family = self._family[arm]
        for f in np.unique(family):
            found[family == f] = parts[family == f] @ _lift(int(f)).T
        return found

    def means(self, knapsacks: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return [D, A] w·x of every arm for D knapsacks, from [D, 7] `knapsack_rows` and [d] w."""
        found = np.empty((len(knapsacks), len(self._family)))
        for f, arms in self._by_family():
            lifted = weights @ _lift(f)
            found[:, arms] = (knapsacks @ lifted[:_N_OWN])[:, None] + self._circuit[arms] @ lifted[_N_OWN:]
        return found

    def deviations(self, knapsacks: NDArray[np.float64], covariance: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return [D, A] √(xᵀCx) of every arm for D knapsacks, from [D, 7] `knapsack_rows` and [d, d] C.

        Within a family x is linear in the knapsack's and in the arm's features, so that no x is made: O(DA) of ten
        products each.
        """
        found = np.empty((len(knapsacks), len(self._family)))
        for f, arms in self._by_family():
            lift = _lift(f)
            form, circuit = lift.T @ covariance @ lift, self._circuit[arms]
            of_knapsack = np.einsum("di,di->d", knapsacks @ form[:_N_OWN, :_N_OWN], knapsacks)
            of_arm = np.einsum("ai,ai->a", circuit @ form[_N_OWN:, _N_OWN:], circuit)
            both = knapsacks @ form[:_N_OWN, _N_OWN:] @ circuit.T
            found[:, arms] = of_knapsack[:, None] + 2.0 * both + of_arm
        return np.asarray(np.sqrt(np.maximum(found, 0.0)), dtype=np.float64)

    def _by_family(self) -> list[tuple[int, NDArray[np.int64]]]:
        return [(int(f), np.flatnonzero(self._family == f)) for f in np.unique(self._family)]


def knapsack_rows(knapsacks: Sequence[KnapsackContext]) -> NDArray[np.float64]:
    """Return [D, 7] features of D knapsacks: 1, then their scaled description."""
    own = [[getattr(knapsack, name) for name in _KNAPSACK] for knapsack in knapsacks]
    rows = np.array(own, dtype=np.float64).reshape(len(knapsacks), len(_KNAPSACK)) / _OWN_SIZE
    return np.concatenate([np.ones((len(rows), 1)), rows], axis=1)


def _lift(family: int) -> NDArray[np.float64]:
    """Return [d, 16] the linear map of `knapsack_rows` and an arm's circuit to the features of its family.

    The family is a position in `LOGGED`; −1 is the product state.
    """
    parts = ("", *_KNAPSACK, *_CIRCUIT)
    found = np.zeros((len(NAMES), len(parts)))
    if family < 0:
        return found
    found[: len(parts), :] = np.eye(len(parts))
    first = len(parts) + family * len(_BY_FAMILY)
    for i, name in enumerate(_BY_FAMILY):
        found[first + i, parts.index(name)] = 1.0
    return found


def _circuit_row(profile: Profile) -> list[float]:
    value = {
        "layers": profile.layers - 2.0,
        "layers_squared": (profile.layers - 2.0) ** 2,
        "log_two_qubit_gates": float(np.log1p(profile.two_qubit_gates)),
        "two_qubit_depth": profile.two_qubit_depth,
        "log_gate_fidelity": profile.log_gates,
        "log_readout_fidelity": profile.log_readout,
        "duration_over_t2": profile.duration / profile.t2,
        "duration_over_t1": profile.duration / profile.t1,
        "degree": profile.degree,
    }
    return [value[name] / _SIZE.get(name, 1.0) for name in _CIRCUIT]
