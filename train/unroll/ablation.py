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
_LEAST = -30.0  # of a number before tanh or the logistic function


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
    if "state" in without:
        embed = parameters["step_trunk.embed.weight"]
        _fix(embed, torch.arange(embed.shape[1]) >= net.config.hidden)
    if "gradient" in without:
        _fix(parameters["step_head.weight"], torch.tensor([[True], [False]]))
        _fix(parameters["step_head.bias"], torch.tensor([True, False]), _LEAST)
    if "free-step" in without:
        _fix(parameters["step_head.weight"], torch.tensor([[False], [True]]))
        _fix(parameters["step_head.bias"], torch.tensor([False, True]))
    if "return" in without:
        _fix(parameters["step_pooled.weight"], torch.tensor([[True], [False]]))
        _fix(parameters["step_pooled.bias"], torch.tensor([True, False]), _LEAST)


def _fix(parameter: Tensor, where: Tensor, value: float = 0.0) -> None:
    """Give entries of a parameter a value, and take their gradient away, so that an optimiser keeps it."""
    fixed = where.expand_as(parameter)
    with torch.no_grad():
        parameter[fixed] = value
    parameter.register_hook(lambda gradient: gradient.masked_fill(fixed, 0.0))  # type: ignore[no-untyped-call]
