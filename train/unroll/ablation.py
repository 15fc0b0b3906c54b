"""Parts of a route network that a training leaves without effect, to measure what they bring."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lagrl.bounds.route_features import NODE_FEATURES

if TYPE_CHECKING:
    from collections.abc import Collection

    from torch import Tensor

    from policies.route_network import RouteNetwork
    from train.unroll.config import Part

_OF_NEIGHBOURS = (
    "closest",
    "nearest_",
    "demand_of_",
    "saving_",
    "outward",
    "shorter_than_depot",
    "chosen_as_nearest",
    "unit_of_nearest",
)


def keep_zero(net: RouteNetwork, without: Collection[Part]) -> None:
    """Set the weights of some parts so that they have no effect, and keep them so in training.

    The network's shape and its forward pass are those of any other, so that its checkpoint is used alike.
    """
    parameters = dict(net.named_parameters())
    if "neighbours" in without:
        is_others = [name.startswith(_OF_NEIGHBOURS) for name in NODE_FEATURES]
        _fix(parameters["start_trunk.embed.weight"], torch.tensor(is_others))
        for name, parameter in parameters.items():
            if name.endswith(".edge.weight"):
                _fix(parameter, torch.tensor(True))
    if "fleet" in without:
        for name in ("start_pooled.weight", "start_pooled.bias"):
            _fix(parameters[name], torch.tensor(True))


def _fix(parameter: Tensor, where: Tensor) -> None:
    """Set entries of a parameter to 0, and take their gradient away, so that an optimiser keeps them."""
    fixed = where.expand_as(parameter)
    with torch.no_grad():
        parameter[fixed] = 0.0
    parameter.register_hook(lambda gradient: gradient.masked_fill(fixed, 0.0))
