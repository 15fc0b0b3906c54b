"""The policy network: a graph attention actor with one number per customer, and a separate critic."""

from __future__ import annotations

import itertools
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional
from torch_geometric.nn import GATv2Conv

from envs.observation import features_of
from policies.graph import GraphBatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from policies.config import PolicyConfig

TensorType = tuple[torch.dtype | str, tuple[int, ...]]
"""Type and shape of a tensor; the name of a type that torch does not have."""


class GraphTrunk(nn.Module):
    """Embedding of customers by graph attention, see `DiagonalPrecondNet`: features [M, F] → [M, H].

    Parameters
    ----------
    n_features
        Number of features F.
    width, heads, layers
        Width H of an embedding, a multiple of the attention heads; number of layers.
    """

    def __init__(self, n_features: int, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.embed = nn.Linear(n_features, width)
        self.attention = nn.ModuleList(
            GATv2Conv(width, width // heads, heads=heads, add_self_loops=False) for _ in range(layers)
        )
        self.context = nn.ModuleList(nn.Linear(width, width, bias=False) for _ in range(layers))
        self.norm = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))

    def embedded(self, batch: GraphBatch) -> Tensor:
        """Return the embeddings [M, H] of all customers."""
        h: Tensor = self.embed(batch.features)
        for attention, context, norm in zip(self.attention, self.context, self.norm, strict=True):
            pooled = context(batch.mean(h)).index_select(0, batch.graph)
            h = norm(h + functional.elu(attention(h, batch.edges) + pooled))
        return h


class DiagonalPrecondNet(GraphTrunk):
    r"""Means of the actions of all customers, and the value of the state; any number of customers, same weights.

    Actor, with x_i the features of customer i, N(i) its nearest customers and G the whole instance:

        h⁰ = W x
        hˡ⁺¹ = LayerNorm(hˡ + elu(GATv2ˡ(hˡ)_i + Cˡ · mean_{j∈G} hˡ_j))
        μ_i = w·hᴸ_i + v·x_i + b

    GATv2 is the attention of Brody, Alon and Yahav (2022, How Attentive are Graph Attention Networks?, ICLR), over
    N(i) ∪ {i}. A few layers of it cover a few neighbourhoods only; the pooled mean gives every customer information
    about the whole instance. The skip v starts at 0 and w near 0, so that an untrained network returns about 0
    everywhere: the environment's base step.

    The critic shares no weights with the actor: it pools the output of a small network on single customers by mean and
    maximum. It can be trained while the actor stays bit-equal, and its errors never reach the actor's features; the
    cost is a few thousand more weights.

    Padding is removed before any computation: on a CPU the same states in the same order give the same bits for any N.
    (The same state among *other* states may differ in the last bit: matrix products round by their shape.)

    Parameters
    ----------
    config
        Size, initial exploration and version of the observations, which has F features.

    Attributes
    ----------
    log_std, shared_log_std
        ln σ and ln τ, see `MaskedGaussian`; the latter is None without shared exploration. Use `spread()`, which
        applies the lower limit.
    """

    def __init__(self, config: PolicyConfig) -> None:
        width, n_features = config.hidden, len(features_of(config.observation))
        super().__init__(n_features, width, config.heads, config.layers)
        self.config = config
        self.head = nn.Linear(width, 1)
        self.skip = nn.Linear(n_features, 1, bias=False)
        self.log_std = nn.Parameter(torch.tensor(float(config.log_std)))
        shared = config.shared_log_std
        self.shared_log_std = None if shared is None else nn.Parameter(torch.tensor(float(shared)))
        self.critic = Critic(n_features, config.critic_hidden)
        nn.init.normal_(self.head.weight, std=0.01 * width**-0.5)  # normalised embeddings have length √width
        nn.init.zeros_(self.head.bias)
        nn.init.zeros_(self.skip.weight)

    def forward(self, observation: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the means [B, N], exactly 0 on padding, and the values [B].

        Parameters
        ----------
        observation
            `nodes` [B, N, F], `node_mask` [B, N] and `neighbours` [B, N, k]; see `GraphBatch.compact`, and
            `as_tensors` for observations of an environment.
        """
        batch = GraphBatch.compact(observation)
        return self._mean(batch), self.critic(batch)

    def mean(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Return the means [B, N] only."""
        return self._mean(GraphBatch.compact(observation))

    def value(self, observation: Mapping[str, Tensor]) -> Tensor:
        """Return the values [B] only."""
        value: Tensor = self.critic(GraphBatch.compact(observation))
        return value

    def spread(self) -> tuple[Tensor, Tensor | None]:
        """Return ln σ and ln τ (None without shared exploration), at least `min_log_std`, for `MaskedGaussian`."""
        floor = self.config.min_log_std
        shared = self.shared_log_std
        return _floored(self.log_std, floor), None if shared is None else _floored(shared, floor)

    def actor_parameters(self) -> Iterator[nn.Parameter]:
        """Return the parameters of the actions, exploration included; disjoint from `critic_parameters`."""
        named = self.named_parameters()
        return (parameter for name, parameter in named if not name.startswith("critic."))

    def critic_parameters(self) -> Iterator[nn.Parameter]:
        """Return the parameters that only values depend on."""
        return self.critic.parameters()

    def _mean(self, batch: GraphBatch) -> Tensor:
        h = self.embedded(batch)
        return batch.padded((self.head(h) + self.skip(batch.features)).squeeze(1))


@cache
def tensor_types(config: PolicyConfig) -> dict[str, TensorType]:
    """Return type and shape of every tensor of a network's state, without building the network in memory."""
    with torch.device("meta"):
        net = DiagonalPrecondNet(config)
    return types_of(net.state_dict())


def types_of(tensors: Mapping[str, Tensor]) -> dict[str, TensorType]:
    """Return type and shape of tensors by name."""
    return {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items()}


class Critic(nn.Module):
    """V = MLP(mean_i φ(x_i) ‖ max_i φ(x_i)), a function of the set of customers (Zaheer et al. 2017, Deep Sets)."""

    def __init__(self, n_features: int, width: int) -> None:
        super().__init__()
        self.node = _mlp(n_features, width, width)
        self.graph = _mlp(2 * width, width, 1)

    def forward(self, batch: GraphBatch) -> Tensor:
        """Return the values [B]."""
        seen = functional.elu(self.node(batch.features))
        value: Tensor = self.graph(torch.cat([batch.mean(seen), batch.maximum(seen)], dim=1))
        return value.squeeze(1)


def _mlp(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.ELU(), nn.Linear(before, after)] if layers else [nn.Linear(before, after)]
    return nn.Sequential(*layers)


def _floored(value: Tensor, floor: float) -> Tensor:
    floored: Tensor = _Floor.apply(value, floor)  # type: ignore[no-untyped-call]  # torch's, without types
    return floored


class _Floor(torch.autograd.Function):
    """max(x, floor), whose gradient is 0 only where it would lower x further below the floor.

    A plain clamp has no gradient below the floor, so that PPO could never raise a ln σ that cloning had lowered.
    """

    @staticmethod
    def forward(ctx: Any, value: Tensor, floor: float) -> Tensor:
        ctx.save_for_backward(value > floor)
        return value.clamp(min=floor)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor, None]:
        (above,) = ctx.saved_tensors
        (gradient,) = gradients
        return torch.where(above | (gradient < 0), gradient, torch.zeros_like(gradient)), None
