"""Networks for multipliers: a start from an instance's features, and the steps of an ascent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lagrl.bounds.route_checkpoint import ROUTES
from lagrl.controllers.graph_attention import LEAK, NORM_EPSILON
from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from lagrl.controllers.graph_attention import GraphFeatures, NetworkSize
    from lagrl.controllers.policy_checkpoint import PolicyKind


@dataclass(frozen=True)
class RouteBatch:
    """Instances side by side as one graph of M customers.

    Attributes
    ----------
    nodes
        [M, F] float32.
    edges
        [M, k + 1, E] float32; the last arc is from the customer to itself.
    sources
        [M, k + 1] int64, customers of the graph.
    mean
        [B, M] weights of the mean over each instance's customers.
    graph
        [M] int64, number of each customer's instance.
    sizes
        Numbers of customers.
    """

    nodes: Tensor = field(repr=False)
    edges: Tensor = field(repr=False)
    sources: Tensor = field(repr=False)
    mean: Tensor = field(repr=False)
    graph: Tensor = field(repr=False)
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, instances: Sequence[GraphFeatures]) -> RouteBatch:
        """Join instances with the same number of nearest customers.

        Raises
        ------
        InputError
            If the numbers differ: instances of at most 10 customers have fewer.
        """
        widths = {instance.nearest.shape[1] for instance in instances}
        if len(widths) != 1:
            raise InputError(
                f"instances with {sorted(widths)} nearest customers in one batch",
                field="instances",
                remedy="join instances of more than 10 customers, or of one size",
            )
        sizes = tuple(len(instance.nearest) for instance in instances)
        first = np.cumsum([0, *sizes[:-1]])
        sources = np.concatenate([each.nearest + begin for each, begin in zip(instances, first, strict=True)])
        own = np.arange(len(sources))[:, None]
        edges = np.concatenate([instance.edges for instance in instances])
        padded = np.concatenate([edges, np.zeros((len(edges), 1, edges.shape[2]), np.float32)], axis=1)
        graph = np.repeat(np.arange(len(sizes)), sizes)
        mean = np.zeros((len(sizes), len(sources)), dtype=np.float32)
        mean[graph, np.arange(len(graph))] = 1.0 / np.repeat(sizes, sizes)
        return cls(
            torch.from_numpy(np.concatenate([instance.nodes for instance in instances])),
            torch.from_numpy(padded),
            torch.from_numpy(np.concatenate([sources, own], axis=1)),
            torch.from_numpy(mean),
            torch.from_numpy(graph),
            sizes,
        )


class Attention(nn.Module):
    r"""Multi-head attention of each customer over k nearest and itself, with features e of the arcs.

        x'_i = Σ_j α_ij S x_j + b,   α_ij = softmax_j a·LeakyReLU(S x_j + T x_i + E e_ij)

    This is GATv2 of Brody, Alon and Yahav (2022, How Attentive are Graph Attention Networks?, ICLR), written for a
    fixed number of neighbours: no scattered sums, hence the same bits in every run.

    Shapes: x [M, H], e [M, k + 1, E], sources [M, k + 1] → [M, H].
    """

    def __init__(self, width: int, heads: int, n_edge_features: int) -> None:
        super().__init__()
        self.source = nn.Linear(width, width, bias=False)
        self.target = nn.Linear(width, width)
        self.edge = nn.Linear(n_edge_features, width, bias=False)
        self.attention = nn.Parameter(torch.empty(heads, width // heads))
        self.bias = nn.Parameter(torch.zeros(width))
        self.context = nn.Linear(width, width, bias=False)
        self.norm = nn.LayerNorm(width, eps=NORM_EPSILON)
        nn.init.xavier_uniform_(self.attention)

    def forward(self, h: Tensor, batch: RouteBatch) -> Tensor:
        """Return the next embeddings [M, H] = LayerNorm(h + elu(attention + context of the whole instance))."""
        heads, width = self.attention.shape
        nodes, k = batch.sources.shape
        source = self.source(h)[batch.sources]
        score = source + self.target(h).unsqueeze(1) + self.edge(batch.edges)
        score = functional.leaky_relu(score, float(LEAK)) * self.attention.reshape(-1)
        weight = score.view(nodes, k, heads, width).sum(dim=3).softmax(dim=1)
        attended = (source.view(nodes, k, heads, width) * weight.unsqueeze(3)).sum(dim=1).view(nodes, -1) + self.bias
        pooled = self.context(batch.mean @ h)[batch.graph]
        embedded: Tensor = self.norm(h + functional.elu(attended + pooled))
        return embedded


class AttentionTrunk(nn.Module):
    """Embedding of customers by layers of `Attention`; features [M, F] → [M, H]."""

    def __init__(self, n_features: int, width: int, heads: int, layers: int, n_edge_features: int) -> None:
        super().__init__()
        self.embed = nn.Linear(n_features, width)
        self.layers = nn.ModuleList(Attention(width, heads, n_edge_features) for _ in range(layers))

    def forward(self, features: Tensor, batch: RouteBatch) -> Tensor:
        """Return the embeddings [M, H]."""
        h: Tensor = self.embed(features)
        for layer in self.layers:
            h = layer(h, batch)
        return h


class RouteNetwork(nn.Module):
    """Predicts where an ascent of a dual starts, and each of its steps.

    The formulas are in `lagrl.bounds.route_policy` and `lagrl.controllers.assignment_policy`.

    Parameters
    ----------
    config
        Its size.
    kind
        The kind of dual: it has the numbers of features and answers.
    """

    def __init__(self, config: NetworkSize, kind: PolicyKind = ROUTES) -> None:
        super().__init__()
        self.config = config
        self.kind = kind
        of_edges = len(kind.edge_features)
        self.start_trunk = AttentionTrunk(len(kind.node_features), config.hidden, config.heads, config.layers, of_edges)
        self.start_head = nn.Linear(config.hidden, 1)
        self.start_pooled = nn.Linear(config.hidden, kind.start_pooled) if kind.start_pooled else None
        seen = config.hidden + len(kind.state_features)
        self.step_trunk = AttentionTrunk(seen, config.step_hidden, config.heads, config.step_layers, of_edges)
        self.step_head = nn.Linear(config.step_hidden, kind.own)
        self.step_pooled = nn.Linear(config.step_hidden, kind.pooled)
        for head in (self.start_head, self.start_pooled, self.step_head, self.step_pooled):
            if head is None:
                continue
            nn.init.normal_(head.weight, std=0.01 * head.in_features**-0.5)
            nn.init.zeros_(head.bias)

    def embed(self, batch: RouteBatch) -> Tensor:
        """Return the embeddings [M, H] of the instances' customers."""
        h: Tensor = self.start_trunk(batch.nodes, batch)
        return h

    def start(self, embedded: Tensor, batch: RouteBatch) -> tuple[Tensor, Tensor]:
        """Return the start's number of each customer [M], and of each instance [B]; 0 where the kind has none.

        Those of a route dual are ln(λ_i / u_i), and the fleets' multipliers over their units.
        """
        own: Tensor = self.start_head(embedded).squeeze(1)
        if self.start_pooled is None:
            return own, own.new_zeros(len(batch.sizes))
        return own, self.start_pooled(batch.mean @ embedded).squeeze(1)

    def step(self, embedded: Tensor, state: Tensor, batch: RouteBatch) -> tuple[Tensor, Tensor]:
        """Return the numbers of each customer's step [M, own], and of each instance's [B, pooled]."""
        h = self.step_trunk(torch.cat([embedded, state], dim=1), batch)
        return self.step_head(h), self.step_pooled(batch.mean @ h)

    def weights(self) -> dict[str, np.ndarray]:
        """Return the tensors by name, for the forward pass in numpy."""
        return {name: tensor.detach().numpy().copy() for name, tensor in self.state_dict().items()}
