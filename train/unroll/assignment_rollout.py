"""Assignment duals of generated instances, and their unrolled ascents with the gradient by the envelope theorem."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from lagrl.controllers.assignment_features import N_NEAREST, AssignmentFeatures
from lagrl.controllers.assignment_memory import AssignmentMemory
from lagrl.controllers.assignment_policy import FREE_STEP, RETURN_BIAS, SINH_LIMIT, STEP
from lagrl.relaxation.dual import AssignmentDual, evaluate_duals
from lagrl.relaxation.linear_dual import linear_dual, multiplier_ceiling
from lagrl.relaxation.linearise import linearise, vehicles_to_try
from lagrl.relaxation.seeding import SEEDINGS
from policies.route_network import RouteBatch
from train.unroll.instances import draw_problem
from train.unroll.rollout import LAST_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from policies.route_network import RouteNetwork
    from train.unroll.config import RouteConfig

_SEEDINGS = ("kmeans", "sweep")


@dataclass(frozen=True)
class WarmDual:
    """An assignment dual, and the prices of its linear relaxation.

    Attributes
    ----------
    dual
        The dual function.
    first
        [n] prices, within the dual's bounds, distance units.
    """

    dual: AssignmentDual
    first: NDArray[np.float64] = field(repr=False)


def draw_assignment(config: RouteConfig, rng: np.random.Generator, customers: tuple[int, int]) -> WarmDual:
    """Draw an instance, and linearise it by a seeding rule, for a number of vehicles that the solver would try."""
    problem = draw_problem(config, rng, customers)
    n_vehicles = vehicles_to_try(problem, int(rng.integers(2)))
    rule = _SEEDINGS[int(rng.integers(len(_SEEDINGS)))]
    assignment = linearise(problem, SEEDINGS[rule](problem, n_vehicles, rng))
    warm = linear_dual(assignment)
    dual = AssignmentDual(assignment, ceiling=multiplier_ceiling(assignment, warm))
    return WarmDual(dual, dual.clip(warm.multipliers))


def unroll_assignment(
    network: RouteNetwork,
    duals: Sequence[WarmDual],
    horizon: int,
    report: Callable[[], None] = lambda: None,
    *,
    arcs: int = N_NEAREST,
) -> tuple[Tensor, list[list[float]]]:
    """Ascend with a network; return the loss, and every dual's values in the order of evaluation.

    The loss is that of `train.unroll.rollout.unroll`, with S the larger of the best value so far and Σ_i min_k a_ki.
    The proposals of the bundle method are taken as constant, like all that the network observes.

    `horizon`: number of evaluations, 1 or more. `report`: called before every evaluation of the duals. `arcs`: see
    `AssignmentFeatures.of`.
    """
    features = [AssignmentFeatures.of(each.dual.problem, each.first, arcs=arcs) for each in duals]
    batch = RouteBatch.of(features)
    embedded = network.embed(batch)
    unit, first = (_joined([getattr(each, name) for each in features]) for name in ("unit", "first"))
    lower, upper = (_joined([each.dual.bounds[side] for each in duals]) for side in (0, 1))
    least = [max(float(each.dual.problem.cost.min(axis=0).sum()), each.dual.scale) for each in duals]
    memories = [AssignmentMemory(each, dual.dual, horizon) for each, dual in zip(features, duals, strict=True)]
    ends = np.cumsum(batch.sizes)[:-1]
    multipliers = torch.clamp(first + unit * _sinh(network.start(embedded, batch)[0].double()), lower, upper)
    terms: list[Tensor] = []
    values: list[list[float]] = [[] for _ in duals]
    for step in range(horizon):
        report()
        points = evaluate_duals([each.dual for each in duals], np.split(multipliers.detach().numpy(), ends))
        slopes = []
        for k, (memory, point) in enumerate(zip(memories, points, strict=True)):
            memory.record(point)
            values[k].append(point.sampled_value)
            slopes.append(point.violation / max(abs(memory.best_value), least[k]))
        gain = _joined(slopes) @ multipliers
        terms.append(-gain * (LAST_WEIGHT if step + 1 == horizon else 1.0))
        if step + 1 < horizon:
            multipliers = torch.clamp(_next(network, batch, memories, embedded, unit), lower, upper)
    return torch.stack(terms).sum() / (len(duals) * (horizon - 1 + LAST_WEIGHT)), values


def _next(
    network: RouteNetwork, batch: RouteBatch, memories: Sequence[AssignmentMemory], embedded: Tensor, unit: Tensor
) -> Tensor:
    """Return the next multipliers of all customers [M]; see `AssignmentPolicy`, which has the same formula."""
    state = torch.from_numpy(np.concatenate([memory.observe() for memory in memories]))
    own, of_all = (numbers.double() for numbers in network.step(embedded, state, batch))
    proposal, best, direction = (
        _joined([getattr(memory, name) for memory in memories]) for name in ("proposal", "best", "direction")
    )
    back = torch.sigmoid(own[:, 2] + of_all[batch.graph, 0] + RETURN_BIAS)
    along = STEP * _sinh(2.0 * own[:, 0]) * torch.arcsinh(direction)
    return proposal + back * (best - proposal) + unit * (along + FREE_STEP * _sinh(own[:, 1]))


def _sinh(x: Tensor) -> Tensor:
    return torch.sinh(x.clamp(-SINH_LIMIT, SINH_LIMIT))


def _joined(arrays: Sequence[NDArray[np.float64]]) -> Tensor:
    return torch.from_numpy(np.concatenate(arrays))
