"""Padded batches of labelled states, and their likelihood under a policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from envs.observation import N_NEIGHBOURS
from policies.masked_gaussian import MaskedGaussian

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from train.dataset import States


@dataclass(frozen=True)
class LabelledBatch:
    """B states with the actions of an expert.

    Attributes
    ----------
    observation
        `nodes` [B, N, F], `node_mask` [B, N], `neighbours` [B, N, 5]: the input of a policy.
    labels
        [B, N] float32 actions, 0 where not labelled.
    is_labelled
        [B, N] bool, true at least once per state.
    """

    observation: dict[str, Tensor]
    labels: Tensor
    is_labelled: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def batch_of(
    states: States, indices: NDArray[np.int64], device: torch.device | str = "cpu", n_max: int | None = None
) -> LabelledBatch:
    """Return some states as one batch.

    Parameters
    ----------
    states
        All states.
    indices
        [B] indices of the states in the batch.
    device
        Device of the tensors.
    n_max
        Number of customers N to which the states are padded; None: that of the largest one. The last bits of gradients
        depend on it.
    """
    first = np.concatenate([[0], np.cumsum(states.sizes, dtype=np.int64)])
    sizes = states.sizes[indices]
    columns = np.arange(sizes.max() if n_max is None else n_max)
    mask = columns < sizes[:, None]
    rows = (first[indices][:, None] + columns)[mask]

    def padded(array: NDArray[np.generic], *shape: int) -> Tensor:
        out = np.zeros((*mask.shape, *shape), dtype=array.dtype)
        out[mask] = array[rows]
        return torch.from_numpy(out).to(device)

    observation = {
        "nodes": padded(states.nodes, states.nodes.shape[1]),
        "node_mask": torch.from_numpy(mask.astype(np.int8)).to(device),
        "neighbours": padded(states.neighbours, N_NEIGHBOURS),
    }
    return LabelledBatch(observation, padded(states.labels), padded(states.is_labelled))


def label_loss(mean: Tensor, batch: LabelledBatch, spread: tuple[Tensor, Tensor | None]) -> Tensor:
    """Return −log π(label | state) per labelled customer, averaged over the states; a scalar.

    It is the likelihood of the labelled customers alone: without a label, no action of a customer is better than
    another. The division by their number gives all sizes of instances the same weight.

    Parameters
    ----------
    mean
        [B, N] mean actions of the policy.
    batch
        States and labels.
    spread
        ln σ and ln τ, see `MaskedGaussian`.
    """
    distribution = MaskedGaussian(mean, batch.is_labelled, *spread)
    return -(distribution.log_prob(batch.labels) / distribution.n_real).mean()
