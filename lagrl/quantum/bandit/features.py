"""Arms of the bandit, joint features of a knapsack and an arm, and the reward: the data of the shared model.

An arm is a backend, a line of its qubits and a circuit; or the product state without a circuit.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lagrl.errors import InputError, UnknownNameError
from lagrl.printable import shown
from lagrl.quantum.circuits.ansatz import ANSATZE, make_ansatz
from lagrl.quantum.circuits.hardware_efficient import PATTERNS, HardwareEfficient
from lagrl.quantum.devices.placement import PLACEMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.bandit.profile import Profile, ScreenedArms
    from lagrl.quantum.circuits.ansatz import Ansatz
    from lagrl.quantum.subproblems.candidates import Candidates
    from lagrl.relaxation.sampler import SampleContext

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
    """

    backend: str  # name of the device; empty for the product state
    # `line0` … `line2`: the device's best line of qubits and the next ones, each another set of qubits. `default`:
    # qubits 0 … n − 1, the first choice of a transpiler.
    placement: str
    family: str  # circuit, one of `LOGGED`; `product` for the product state: independent bits, drawn classically
    layers: int  # p or r; 0 for the product state

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


@dataclass(frozen=True, eq=False)
class ArmDecision:
    """The arm chosen for one vehicle in one step, and its outcome."""

    vehicle: int  # index k
    knapsack: KnapsackContext
    screened: ScreenedArms = field(repr=False)  # all arms, and which of them may run
    chosen: int  # index of the chosen arm
    propensity: float  # probability of this choice
    objection: str  # why the arm with the highest score may not run; empty if it may
    executed: int  # index of the arm that drew the strings: another than the chosen one if that failed, or had no room
    quality: float  # of the strings, see `quality`
    baseline: float  # quality of as many strings of the product state for the same knapsack

    @property
    def reward(self) -> float:
        """Quality above that of the product state, in [−1, 1]; 0 without a circuit.

        Knapsacks differ far more than circuits do; the difference to the product state of the same knapsack, which
        costs nothing, removes most of that.
        """
        return self.quality - self.baseline

    @property
    def arm(self) -> Arm:
        """The chosen arm of the decision."""
        return self.screened.arms[self.chosen]

    @property
    def answered(self) -> Arm:
        """The arm that drew the strings."""
        return self.screened.arms[self.executed]


class DecisionLog(Protocol):
    """Stores decisions as they are made."""

    def note(self, context: SampleContext, decisions: list[ArmDecision]) -> None:
        """Store the decisions of one call of the sampler."""
        ...


def linear_value(candidates: Candidates, vehicle: int) -> float:
    """Return an upper bound on a knapsack's worth, by its linear relaxation (Dantzig 1957), distance units.

    Variables must be in order of falling efficiency, of a vehicle that presolve did not solve.
    """
    m = int(candidates.width[vehicle])
    worth, weight = -candidates.reduced_cost[vehicle, :m], candidates.weight[vehicle, :m]
    room = float(candidates.room[vehicle])
    order = np.argsort(-worth / np.maximum(weight, 1e-300), kind="stable")
    before = np.concatenate([[0.0], np.cumsum(weight[order])[:-1]])
    share = np.clip((room - before) / np.maximum(weight[order], 1e-300), 0.0, 1.0)
    return float(worth[order] @ share)


def quality(candidates: Candidates, vehicle: int, codes: NDArray[np.int64], alpha: float = 0.25) -> float:
    """Return the mean worth of the best share α of the strings (CVaR), over the bound of `linear_value`: 0 to 1.

    The optimum need not be known. Overloaded strings are worth nothing. The best string alone distinguishes only poor
    circuits; the mean of all strings also counts those that are discarded (Barkoutsos et al. 2020). Raises `InputError`
    if α is out of range, or there are no strings.

    Parameters
    ----------
    candidates
        Knapsacks.
    vehicle
        Index of one that presolve did not solve.
    codes
        [S] strings: bit j is the vehicle's variable j.
    alpha
        Share α in (0, 1].
    """
    if not 0.0 < alpha <= 1.0 or not len(codes):
        raise InputError(f"alpha {alpha}, {len(codes)} strings", field="reward", remedy="give a share, and 1 or more")
    m = int(candidates.width[vehicle])
    bits = (codes[:, None] >> np.arange(m)) & 1
    fits = bits @ candidates.weight[vehicle, :m] <= candidates.room[vehicle]
    worth = np.where(fits, bits @ -candidates.reduced_cost[vehicle, :m], 0.0)
    best = np.sort(worth)[::-1][: max(1, round(alpha * len(worth)))]
    most = linear_value(candidates, vehicle)
    return float(np.clip(best.mean() / most, 0.0, 1.0)) if most > 0 else 1.0
