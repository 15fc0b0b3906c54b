"""QAOA candidates for cascade routing, and their classical refinement.

The multiplier of the budget (or of the mean-quality floor) makes the cost separate into tasks. One-hot QAOA over it is
one circuit of M qubits per task, whatever their number, and its distribution without noise is known exactly from M
amplitudes: it is a heuristic to compare with, not a computation that needs a quantum computer.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from lagrl.cascade.one_hot_states import one_hot_probabilities, one_layer_angles, scaled_cost, weighted_shares
from lagrl.cascade.scalar_multiplier import fill, least_use, solve_scalar
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.cascade.choice import KnapsackChoice

_REFINED = 8  # candidates of least loss


def qaoa_routing(
    choice: KnapsackChoice, rng: np.random.Generator, shots: int, *, refine: bool = True, layers: int = 1
) -> tuple[NDArray[np.int64] | None, SamplingCost]:
    """Return the best of the candidates within the limit, [n], and what the circuits would have cost.

    Shots above the limit go back to the least use, task by task, the least gain per use first. With `refine` the best
    few are filled up. See `qaoa_candidates` for the circuit.
    """
    candidates, cost = qaoa_candidates(choice, rng, shots, layers=layers)
    return (None if candidates is None else best_candidate(choice, candidates, refine=refine)), cost


def qaoa_candidates(
    choice: KnapsackChoice, rng: np.random.Generator, shots: int, *, layers: int = 1
) -> tuple[NDArray[np.int64] | None, SamplingCost]:
    """Return models [S, N] drawn from the circuits, before decoding, and what the circuits would have cost.

    The start is weighted by the priced cost, one layer follows with angles from a grid, and every shot is one model per
    task by construction. With no layers the start alone is sampled, without a circuit's gates. The cost's `seconds` are
    those of angles and draws, and its `encoding_seconds` those of the angles. None without an answer within the limit.
    """
    relaxed = solve_scalar(choice)
    if relaxed.model is None:
        return None, SamplingCost()
    started = time.perf_counter()
    multiplier = relaxed.multiplier
    priced = (choice.loss + multiplier * choice.use if multiplier else choice.loss).T
    scaled = scaled_cost(priced)
    share = weighted_shares(priced, sharpness=6.0)
    encoding = time.perf_counter() - started
    if layers:
        finite = np.where(np.isfinite(scaled), scaled, 1.0)
        gamma, beta, _ = one_layer_angles(share, finite)
        encoding = time.perf_counter() - started
        probability = one_hot_probabilities(share, finite, [gamma], [beta])
        probability = np.where(np.isfinite(priced), probability, 0.0)  # mixed in, and not admissible
        probability /= probability.sum(axis=1, keepdims=True)
    else:
        probability = share
    candidates = draw_models(probability, shots, rng)
    n, m = probability.shape
    return candidates, SamplingCost(
        circuits=n,
        shots=n * shots,
        two_qubit_gates=n * layers * (2 * (m - 1) + 2 * m),
        seconds=time.perf_counter() - started,
        encoding_seconds=encoding,
        backend="one-hot",
    )


def draw_models(probability: NDArray[np.float64], shots: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return models [S, N] drawn from each task's probabilities [N, M]."""
    cumulative = np.cumsum(probability, axis=1)
    cumulative /= cumulative[:, -1:]
    drawn = np.empty((shots, len(probability)), np.int64)
    for i, row in enumerate(cumulative):
        drawn[:, i] = np.searchsorted(row, rng.random(shots), side="right")
    models: NDArray[np.int64] = np.minimum(drawn, probability.shape[1] - 1)
    return models


def best_candidate(
    choice: KnapsackChoice, candidates: NDArray[np.int64], *, refine: bool = True
) -> NDArray[np.int64] | None:
    """Return the candidate [n] of least loss after decoding to the limit, filled up with `refine`; None: none fits."""
    least = least_use(choice)
    if not choice.fits(choice.totals(least)[1]):
        return None
    decoded = [_within(choice, model, least) for model in candidates]
    order = np.argsort([choice.totals(model)[0] for model in decoded], kind="stable")[: _REFINED if refine else 1]
    best = [decoded[k] for k in order]
    for model in best if refine else ():
        fill(choice, model)
    chosen: NDArray[np.int64] = min(best, key=lambda model: choice.totals(model)[0])
    return chosen


def _within(choice: KnapsackChoice, model: NDArray[np.int64], least: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a candidate [n] within the limit: tasks go back to their least use, the least loss per use first."""
    found, each = model.copy(), np.arange(choice.n_tasks)
    over = choice.totals(found)[1] - choice.limit
    if over <= 0:
        return found
    saved = choice.use[found, each] - choice.use[least, each]
    lost = choice.loss[least, each] - choice.loss[found, each]
    order = np.argsort(np.where(saved > 0, lost / np.where(saved > 0, saved, 1.0), np.inf), kind="stable")
    back = order[: int(np.searchsorted(np.cumsum(saved[order]), over)) + 1]
    found[back] = least[back]
    return found
