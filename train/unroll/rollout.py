"""Unrolled ascents of route duals, and their gradient by the envelope theorem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from lagrl.bounds.ascent_memory import AscentMemory
from lagrl.bounds.route_features import N_NEAREST, RouteFeatures
from lagrl.bounds.route_policy import FLEET_LIMIT, FLEET_STEP, FREE_STEP, LOG_LIMIT, RETURN_BIAS, STEP
from lagrl.bounds.trivial import trivial_bound
from policies.route_network import RouteBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from lagrl.bounds.route_dual import RouteDual
    from policies.route_network import RouteNetwork

LAST_WEIGHT = 3.0
"""Weight of the last evaluation in the loss; the others have 1."""


@dataclass(frozen=True)
class Ascents:
    """Route duals to ascend together.

    Attributes
    ----------
    duals
        The functions.
    features
        Their instances' features.
    batch
        The same as one graph.
    """

    duals: tuple[RouteDual, ...]
    features: tuple[RouteFeatures, ...]
    batch: RouteBatch

    @classmethod
    def of(cls, duals: Sequence[RouteDual], arcs: int = N_NEAREST) -> Ascents:
        """Compute the features of the duals' instances, with arcs from that many nearest customers."""
        features = [RouteFeatures.of(dual.graph, is_paths=dual.relaxation == "paths", arcs=arcs) for dual in duals]
        return cls(tuple(duals), tuple(features), RouteBatch.of(features))


def unroll(
    network: RouteNetwork, ascents: Ascents, horizon: int, report: Callable[[], None] = lambda: None
) -> tuple[Tensor, list[list[float]]]:
    """Ascend with a network; return the loss, and every dual's values in the order of evaluation.

    The loss is Σ_t w_t·(−L(λ_t))/S, with S the larger of the best value so far and the trivial bound. Its gradient is
    exact: by the envelope theorem ∂L/∂λ is the violation (Danskin 1967), and λ_t depends on the weights through all
    earlier steps. What the network observes is taken as constant.

    `horizon`: number of evaluations, 1 or more. `report`: called before every evaluation of a dual.
    """
    batch, duals = ascents.batch, ascents.duals
    embedded = network.embed(batch)
    unit = torch.from_numpy(np.concatenate([features.unit for features in ascents.features]))
    route_unit = torch.tensor([features.route_unit for features in ascents.features], dtype=torch.float64)
    bounds = [dual.bounds for dual in duals]
    lower, upper = (torch.from_numpy(np.concatenate([pair[side][:-1] for pair in bounds])) for side in (0, 1))
    fleet_lower, fleet_upper = (
        torch.tensor([float(pair[side][-1]) for pair in bounds], dtype=torch.float64) for side in (0, 1)
    )
    memories = [
        AscentMemory(features, horizon, dual.graph.n_routes[0])
        for features, dual in zip(ascents.features, duals, strict=True)
    ]
    ratio, routes = network.start(embedded, batch)
    customers = torch.clamp(unit * ratio.double().clamp(-LOG_LIMIT, LOG_LIMIT).exp(), lower, upper)
    fleet = torch.clamp(route_unit * routes.double().clamp(-FLEET_LIMIT, FLEET_LIMIT), fleet_lower, fleet_upper)
    least = [trivial_bound(dual.graph) / (2.0 * dual.graph.scale) or 1.0 for dual in duals]
    terms: list[Tensor] = []
    values: list[list[float]] = [[] for _ in duals]
    for step in range(horizon):
        begin = 0
        slopes, fleet_slopes = [], []
        for k, (dual, memory) in enumerate(zip(duals, memories, strict=True)):
            report()
            end = begin + batch.sizes[k]
            point = dual.evaluate(np.append(customers[begin:end].detach().numpy(), float(fleet[k].detach())))
            memory.record(point)
            values[k].append(point.sampled_value)
            size = max(abs(memory.best_value), least[k])
            slopes.append(point.violation[:-1] / size)
            fleet_slopes.append(point.violation[-1] / size)
            begin = end
        gain = torch.from_numpy(np.concatenate(slopes)) @ customers
        gain = gain + torch.tensor(fleet_slopes, dtype=torch.float64) @ fleet
        terms.append(-gain * (LAST_WEIGHT if step + 1 == horizon else 1.0))
        if step + 1 == horizon:
            break
        moments = [Moment.of(memory) for memory in memories]
        numbers = network.step(embedded, states_of(moments), batch)
        customers, fleet = moved(moments, batch, numbers, customers, fleet)
        customers = torch.clamp(customers, lower, upper)
        fleet = torch.clamp(fleet, fleet_lower, fleet_upper)
    return torch.stack(terms).sum() / (len(duals) * (horizon - 1 + LAST_WEIGHT)), values


@dataclass(frozen=True)
class Moment:
    """An ascent at one evaluation, as a network sees it and moves on from it.

    Attributes
    ----------
    features
        The instance's features.
    state
        [n, `STATE_FEATURES`] float32.
    multipliers, direction, best
        [n + 1], see `AscentMemory`.
    """

    features: RouteFeatures
    state: NDArray[np.float32]
    multipliers: NDArray[np.float64]
    direction: NDArray[np.float64]
    best: NDArray[np.float64]

    @classmethod
    def of(cls, memory: AscentMemory) -> Moment:
        """Return the present of a memory."""
        return cls(memory.features, memory.observe(), memory.multipliers, memory.direction, memory.best)


def states_of(moments: Sequence[Moment]) -> Tensor:
    """Return the states [M, `STATE_FEATURES`] of all customers."""
    return torch.from_numpy(np.concatenate([moment.state for moment in moments]))


def moved(
    moments: Sequence[Moment], batch: RouteBatch, numbers: tuple[Tensor, Tensor], customers: Tensor, fleet: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the next multipliers of all customers [M] and fleets [B]; see `RoutePolicy`, which has the same formula.

    `batch`: the moments' instances. `numbers`: those of `RouteNetwork.step`. `customers`, `fleet`: the multipliers.
    """
    own, of_all = (each.double() for each in numbers)
    unit = torch.from_numpy(np.concatenate([moment.features.unit for moment in moments]))
    route_unit = torch.tensor([moment.features.route_unit for moment in moments], dtype=torch.float64)
    direction, best = (
        torch.from_numpy(np.concatenate([getattr(moment, name)[:-1] for moment in moments]))
        for name in ("direction", "best")
    )
    fleet_direction = torch.tensor([moment.direction[-1] for moment in moments], dtype=torch.float64)
    fleet_best = torch.tensor([moment.best[-1] for moment in moments], dtype=torch.float64)
    back = torch.sigmoid(of_all[:, 0] + RETURN_BIAS)
    gradient = STEP * torch.exp(2.0 * torch.tanh(own[:, 0])) * torch.arcsinh(direction)
    following = customers + unit * (gradient + FREE_STEP * torch.tanh(own[:, 1]))
    following = following + back[batch.graph] * (best - customers)
    routes = route_unit * FLEET_STEP * torch.exp(2.0 * torch.tanh(of_all[:, 1])) * torch.arcsinh(fleet_direction)
    return following, fleet + routes + back * (fleet_best - fleet)
