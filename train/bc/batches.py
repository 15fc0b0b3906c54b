"""Labelled states as tensors: minibatches of any of them, padded to the largest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from envs.observation import FEATURES, N_NEIGHBOURS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from train.bc.dataset import States


@dataclass(frozen=True)
class LabelledBatch:
    """B states with an expert's actions.

    Attributes
    ----------
    observation
        `nodes` [B, N, 14], `node_mask` [B, N], `neighbours` [B, N, 5], as a policy takes them.
    labels
        [B, N] float32 actions, 0 where not labelled.
    is_labelled
        [B, N] bool; at least one of each state.
    """

    observation: dict[str, Tensor]
    labels: Tensor
    is_labelled: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def batch_of(states: States, indices: NDArray[np.int64], device: torch.device | str = "cpu") -> LabelledBatch:
    """Return the states with these numbers as one batch.

    Parameters
    ----------
    states
        All states.
    indices
        [B] which.
    device
        Where the tensors shall be.
    """
    first = np.concatenate([[0], np.cumsum(states.sizes, dtype=np.int64)])
    sizes = states.sizes[indices]
    places = np.arange(sizes.max())
    mask = places < sizes[:, None]
    rows = (first[indices][:, None] + places)[mask]

    def padded(array: NDArray[np.generic], *shape: int) -> Tensor:
        out = np.zeros((*mask.shape, *shape), dtype=array.dtype)
        out[mask] = array[rows]
        return torch.from_numpy(out).to(device)

    observation = {
        "nodes": padded(states.nodes, len(FEATURES)),
        "node_mask": torch.from_numpy(mask.astype(np.int8)).to(device),
        "neighbours": padded(states.neighbours, N_NEIGHBOURS),
    }
    return LabelledBatch(observation, padded(states.labels), padded(states.is_labelled))
