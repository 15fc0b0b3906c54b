"""QAOA for cascade routing with the right Hamiltonian: λ_A, one-hot field, budget by the unbalanced penalty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.cascade.one_hot_states import weighted_shares
from lagrl.cascade.routing_qubo import right_assignment, routing_qubo
from lagrl.problems.cascade.published_cascades import published_cascade
from lagrl.quantum.circuits.companion_circuits import penalty_circuit
from lagrl.quantum.circuits.statevector import qaoa_state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lagrl.problems.qubo import QUBO

_GAMMAS = np.linspace(0.1, 3.0, 15)  # radians per standard deviation of the energy
_BETAS = np.linspace(0.05, 0.75, 8)


def right_circuit(cost: NDArray[np.float64]) -> Any:
    """Return one layer over the one-hot penalty of costs [N, M], the same angles for all tasks, by a grid.

    All tasks have one λ_A, hence one coupling.
    """
    strength = right_assignment(cost)
    groups = [routing_qubo(row[None], assignment=strength) for row in cost]
    scale = float(np.sqrt(np.mean([qubo.to_ising().scale ** 2 for qubo in groups])))
    best = min(
        ((_mean(groups, g / scale, b), g / scale, b) for g in _GAMMAS for b in _BETAS), key=lambda found: found[0]
    )
    field = np.array([qubo.to_ising().field for qubo in groups])
    # the statevector's mixer is exp(+iβ Σ X), the circuit's exp(−iβ Σ X)
    return penalty_circuit(field, strength / 2.0, [best[1]], [-best[2]])


def budget_rows(n_tasks: int, cost: NDArray[np.float64]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield names and ideal distributions [2^(N·M)] of one layer with the published budget, cold and warm."""
    cascade = published_cascade(n_tasks)
    qubo = routing_qubo(cost, cascade.dollars.T, cascade.budget_dollars)
    warm = 2.0 * np.arcsin(np.sqrt(np.clip(weighted_shares(cost).ravel(), 0.05, 0.95)))
    for name, theta in (("right penalties and budget", None), ("the same, warm start", warm)):
        energies, scale = qubo.energies(), qubo.to_ising().scale
        found: tuple[float, NDArray[np.float64]] | None = None
        for g in _GAMMAS[::2]:
            for b in _BETAS[::2]:
                probability = _distribution(qubo, g / scale, b, theta)
                mean = float(probability @ energies)
                if found is None or mean < found[0]:
                    found = mean, probability
        assert found is not None
        yield name, found[1] / found[1].sum()


def _distribution(
    qubo: QUBO, gamma: float, beta: float, theta: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    state = qaoa_state(qubo, np.array([gamma]), np.array([beta]), theta)
    probability: NDArray[np.float64] = np.abs(state) ** 2
    return probability


def _mean(groups: list[QUBO], gamma: float, beta: float) -> float:
    return sum(float(_distribution(qubo, gamma, beta) @ qubo.energies()) for qubo in groups)
