"""Conversion of padded observations to one flat graph and back; no computation touches the padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


def as_tensors(
    observation: Mapping[str, NDArray[np.generic] | Tensor], device: torch.device | str = "cpu"
) -> dict[str, Tensor]:
    """Convert an environment's observation to the input of the network.

    Parameters
    ----------
    observation
        `nodes` [B, N, F] or [N, F], `node_mask` and `neighbours` likewise, arrays or tensors. An observation without
        the batch axis becomes a batch of one.
    device
        Device of the tensors.
    """
    tensors = {key: torch.as_tensor(value, device=device) for key, value in observation.items()}
    if tensors["nodes"].ndim == 2:
        tensors = {key: value.unsqueeze(0) for key, value in tensors.items()}
    return tensors


@dataclass(frozen=True)
class GraphBatch:
    """Graph of the real customers of B observations: M nodes in order, edges within each observation.

    Attributes
    ----------
    features
        [M, F] float32.
    edges
        [2, E] int64, from neighbour to node, self loops included; ordered by node.
    graph
        [M] int64, index of each node's observation.
    sizes
        [B] int64, number of real customers n.
    rows
        [M] int64, each node's index among the B·N padded ones.
    shape
        (B, N).
    """

    features: Tensor
    edges: Tensor
    graph: Tensor
    sizes: Tensor
    rows: Tensor
    shape: tuple[int, int]

    @classmethod
    def compact(cls, observation: Mapping[str, Tensor]) -> GraphBatch:
        """Remove the padding of observations of any number type.

        Parameters
        ----------
        observation
            `nodes` [B, N, F]; `node_mask` [B, N], 1 for the customers 0 … n−1 and 0 for padding; `neighbours`
            [B, N, k], a customer's nearest ones, its own index where there are fewer.
        """
        nodes, mask = observation["nodes"], observation["node_mask"].bool()
        n_graphs, padded = mask.shape
        rows = mask.reshape(-1).nonzero().squeeze(1)
        sizes = mask.sum(dim=1)
        graph = torch.repeat_interleave(torch.arange(n_graphs, device=mask.device), sizes, output_size=len(rows))
        first = (sizes.cumsum(0) - sizes).index_select(0, graph)
        features = nodes.reshape(n_graphs * padded, -1).index_select(0, rows).float()
        neighbours = observation["neighbours"].reshape(n_graphs * padded, -1).index_select(0, rows).long()
        edges = _edges(neighbours + first.unsqueeze(1))
        return cls(features, edges, graph, sizes, rows, (n_graphs, padded))

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of [M, H] over each graph's nodes: [B, H]; 0 for a graph without nodes."""
        total = values.new_zeros(len(self.sizes), values.shape[1])
        total = total.scatter_add(0, self.graph.unsqueeze(1).expand_as(values), values)
        return total / self.sizes.clamp(min=1).unsqueeze(1)

    def maximum(self, values: Tensor) -> Tensor:
        """Return the maximum of [M, H] over each graph's nodes: [B, H]; 0 for a graph without nodes."""
        empty = values.new_zeros(len(self.sizes), values.shape[1])
        index = self.graph.unsqueeze(1).expand_as(values)
        return empty.scatter_reduce(0, index, values, "amax", include_self=False)

    def padded(self, values: Tensor) -> Tensor:
        """Restore the padding of [M]: [B, N], exactly 0 on padding."""
        n_graphs, padded = self.shape
        return values.new_zeros(n_graphs * padded).scatter(0, self.rows, values).view(n_graphs, padded)


def _edges(sources: Tensor) -> Tensor:
    """Return the edges [2, E] from neighbours [M, k] and from the node itself, each self loop once."""
    targets = torch.arange(len(sources), device=sources.device).unsqueeze(1)
    sources = torch.cat([sources, targets], dim=1)
    keep = sources != targets
    keep[:, -1] = True
    edges = torch.stack([sources, targets.expand_as(sources)]).view(2, -1)
    return edges if bool(keep.all()) else edges[:, keep.view(-1)]
