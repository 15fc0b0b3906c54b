"""The published runs of QAOA for cascade routing: angles, counts, and what its formula and circuits are.

Facts of github.com/amitpatole/quantum-llm-routing (results and formulation, 7 April 2026), see `data`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lagrl.io.json_text import read_json
from lagrl.io.records import from_record
from lagrl.problems.cascade.published_cascades import published_cascade

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.circuits.companion_circuits import Gate

ASSIGNMENT, QUALITY, BUDGET, LATENCY = 50.0, 40.0, 5.0, 3.0
"""λ_A, λ_Q, λ_B and λ_L."""

MISSED_QUALITY: Final = 10.0
_SWAPPED = {"sx": "sxdg", "sxdg": "sx"}


@dataclass(frozen=True)
class HardwareRun:
    """A run on a device: valid shots, and depth and CZ gates of the compiled circuit."""

    valid: int
    depth: int
    cz: int


@dataclass(frozen=True)
class PublishedRun:
    """One published circuit.

    Attributes
    ----------
    experiment
        `a` sizes, `b` depths, `c` shots, `d` sizes with one layer (added in its second version).
    n_tasks, layers, shots
        Number of tasks (with three models), layers and shots.
    gamma, beta
        Angles of the layers, radians.
    simulator_valid
        Valid shots of its noiseless simulator.
    hardware
        Its devices.
    blocks
        For each layer the gates of exp(−i 50 γ ZZ) as exported: name, qubits of the pair, angles in units of π.
    """

    experiment: str
    n_tasks: int
    layers: int
    shots: int
    gamma: list[float]
    beta: list[float]
    simulator_valid: int
    hardware: dict[str, Any]
    blocks: list[list[Any]]

    @property
    def devices(self) -> dict[str, HardwareRun]:
        """The devices' runs by name (`fez`, `kingston`, `marrakesh`)."""
        return {name: HardwareRun(**entry) for name, entry in self.hardware.items()}

    @property
    def swapped_blocks(self) -> list[list[Gate]]:
        """The exported gates with √X and its inverse exchanged, as the export defines them."""
        return [[(_SWAPPED.get(name, name), where, angles) for name, where, angles in block] for block in self.blocks]


@lru_cache(maxsize=1)
def _record() -> dict[str, Any]:
    path = Path(__file__).parent / "data" / "published_runs.json"
    record: dict[str, Any] = read_json(path, remedy="install lagrl again")
    return record


def published_runs(experiment: str) -> list[PublishedRun]:
    """Return the runs of an experiment; none if it has no circuits."""
    runs = [from_record(PublishedRun, run) for run in _record()["runs"]]
    return [run for run in runs if run.experiment == experiment]


def published_penalties() -> list[dict[str, float]]:
    """Return the published table of λ_Q: `lambda_quality`, `dollars` and `quality` (share of floors met)."""
    rows: list[dict[str, float]] = _record()["penalties"]
    return rows


def pair_costs(n_tasks: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Ĉ [N, 3], the cost in units of the largest, and P [N, 3], 10 where a floor is missed."""
    cascade = published_cascade(n_tasks)
    missed = np.where(cascade.quality < cascade.quality_floor, MISSED_QUALITY, 0.0)
    return (cascade.dollars / cascade.dollars.max()).T, missed.T


def circuit_field(n_tasks: int) -> NDArray[np.float64]:
    """Return h [N, 3] of the published circuits, Ĉ + λ_Q P: positive, without factors ½ and ¼ or a one-hot field."""
    cost, missed = pair_costs(n_tasks)
    field: NDArray[np.float64] = cost + QUALITY * missed
    return field


def formula_energies(
    n_tasks: int, lambda_quality: float = QUALITY, lambda_assignment: float = ASSIGNMENT
) -> NDArray[np.float64]:
    """Return the published H of all strings, [2^(3N)]: bit 3i + j of the index is X_ij.

    H = Σ X Ĉ + λ_A Σ (1 − Σ_j X)² + λ_Q Σ X P + λ_B max(0, cost − B)² / B²; no latency limit binds.
    """
    cascade = published_cascade(n_tasks)
    cost, missed = pair_costs(n_tasks)
    bits = all_bits(3 * n_tasks).reshape(-1, n_tasks, 3)
    dollars = (bits * cascade.dollars.T).sum(axis=(1, 2))
    energy = (bits * (cost + lambda_quality * missed)).sum(axis=(1, 2))
    energy += lambda_assignment * ((1 - bits.sum(axis=2)) ** 2).sum(axis=1)
    over = np.maximum(0.0, dollars - cascade.budget_dollars) / cascade.budget_dollars
    total: NDArray[np.float64] = energy + BUDGET * over**2
    return total


def all_bits(n: int) -> NDArray[np.int64]:
    """Return all strings, [2^n, n]: bit i of the index is variable i."""
    return (np.arange(1 << n)[:, None] >> np.arange(n)) & 1
