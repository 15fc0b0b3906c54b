"""A network that scores the candidates of a choice: sets of customers to free, or seedings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from lagrl.errors import InputError
from policies.graph import GraphBatch
from policies.network import Critic, GraphTrunk

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

_SUM_SCALE = 0.1  # sets have ten to twenty customers


@dataclass(frozen=True)
class ChoiceNetworkConfig:
    """Size of a network that scores candidates.

    Attributes
    ----------
    hidden
        Width of a customer's embedding; a multiple of `heads`.
    layers
        Number of GATv2 layers; 0 for a function of single customers.
    heads
        Attention heads of each layer.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    hidden: int = 48
    layers: int = 2
    heads: int = 4

    def __post_init__(self) -> None:
        for name, least, most in (("hidden", 1, 4096), ("layers", 0, 64), ("heads", 1, 64)):
            if not least <= getattr(self, name) <= most:
                raise InputError(f"{getattr(self, name)} given", field=name, remedy=f"give {least} to {most}")
        if self.hidden % self.heads:
            raise InputError(f"{self.heads} heads do not divide {self.hidden}", field="heads", remedy="give a divisor")


class ChoiceNetwork(GraphTrunk):
    r"""Scores of K candidates, each a set S of customers of one graph:

        score = f(mean_{i∈S} h_i ‖ 0.1·Σ_{i∈S} h_i ‖ mean_{i∈G} h_i ‖ y) − y_0,

    with h the embeddings of `GraphTrunk`, G the whole instance, y numbers of the candidate itself, and f a network with
    one hidden layer. Sums tell sets of different sizes apart. f of an untrained network is near 0: its scores are those
    of the classical rule, the lowest first number y_0, or near 0 if candidates have no numbers of their own.

    The critic is that of `DiagonalPrecondNet`; only PPO trains it.

    Parameters
    ----------
    n_features, n_own
        Number of features of a customer, and of numbers of a candidate.
    config
        Size of the network.
    """

    def __init__(self, n_features: int, n_own: int, config: ChoiceNetworkConfig) -> None:
        width = config.hidden
        super().__init__(n_features, width, config.heads, config.layers)
        self.config = config
        self.n_own = n_own
        self.hidden = nn.Linear(3 * width + n_own, width)
        self.head = nn.Linear(width, 1)
        self.critic = Critic(n_features, width)
        nn.init.normal_(self.head.weight, std=0.01 * width**-0.5)
        nn.init.zeros_(self.head.bias)

    def forward(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Return the scores [B, K].

        Parameters
        ----------
        observation
            `nodes` [B, N, F], `node_mask` [B, N], `neighbours` [B, N, k], see `GraphBatch.compact`; `sets` [B, K, N], 1
            for a candidate's customers; `own` [B, K, Y] if candidates have numbers of their own.
        """
        batch = GraphBatch.compact(observation)
        h = self.embedded(batch)
        n_graphs, padded = batch.shape
        spread = h.new_zeros(n_graphs * padded, h.shape[1]).index_copy(0, batch.rows, h).view(n_graphs, padded, -1)
        sets = observation["sets"].to(h.dtype)
        total = sets @ spread
        mean = total / sets.sum(dim=2, keepdim=True).clamp(min=1.0)
        whole = batch.mean(h).unsqueeze(1).expand_as(mean)
        parts = [mean, _SUM_SCALE * total, whole]
        if self.n_own:
            parts.append(observation["own"].to(h.dtype))
        scores: Tensor = self.head(functional.elu(self.hidden(torch.cat(parts, dim=2)))).squeeze(2)
        return scores - parts[-1][:, :, 0] if self.n_own else scores

    def value(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Return the values [B] of the states."""
        value: Tensor = self.critic(GraphBatch.compact(observation))
        return value
