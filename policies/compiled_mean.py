"""The actor's mean actions for batched rollouts on a CPU; `policies.network` defines them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from policies.network import DiagonalPrecondNet


_SIDES = "lin_l", "lin_r"


class CompiledMean:
    """Mean actions of a network for a batch of observations: matrix products by torch, all else by compiled kernels.

    They equal `DiagonalPrecondNet.mean` to about 1e-6, not to the bit. The weights are copied: a network that is
    trained further needs another object.

    Parameters
    ----------
    net
        The network, on any device.
    """

    def __init__(self, net: DiagonalPrecondNet) -> None:
        config, weights = net.config, {name: value.detach().cpu() for name, value in net.state_dict().items()}

        def of(name: str) -> Tensor:
            """Return a tensor as a factor from the right."""
            tensor: Tensor = weights[name]
            return tensor.T.contiguous().clone() if tensor.ndim == 2 else tensor.clone()

        self._shape = config.heads, config.head_width
        self._head = of("head.weight"), of("head.bias")
        embed, shift = of("embed.weight"), of("embed.bias")
        self._layers = []
        for layer in range(config.layers):
            name = f"attention.{layer}"
            self._layers.append(
                _Layer(
                    weight=torch.cat([of(f"{name}.{side}.weight") for side in _SIDES], dim=1),
                    bias=torch.cat([of(f"{name}.{side}.bias") for side in _SIDES]),
                    attention=of(f"{name}.att").reshape(self._shape).numpy(),
                    attention_bias=of(f"{name}.bias").reshape(self._shape).numpy(),
                    context=of(f"context.{layer}.weight"),
                    norm=(of(f"norm.{layer}.weight").numpy(), of(f"norm.{layer}.bias").numpy()),
                )
            )
        self._embed = embed, shift
        self._skip = of("skip.weight")
        # the first layer's sources and targets are linear in the features, which are fewer than the embeddings
        first = self._layers[0]
        self._first = embed @ first.weight, shift @ first.weight + first.bias

    @torch.inference_mode()
    def __call__(self, observation: Mapping[str, NDArray[np.generic]]) -> NDArray[np.float32]:
        """Return the means [B, N], exactly 0 on padding.

        Parameters
        ----------
        observation
            `nodes` [B, N, F] float32, `node_mask` [B, N] and `neighbours` [B, N, k] int16, as from an environment.
        """
        from policies import attention_kernels as kernels  # numba takes a second to import

        mask = observation["node_mask"].astype(bool)
        nearest = np.ascontiguousarray(observation["neighbours"], np.int16)
        nodes = observation["nodes"].astype(np.float32, copy=False)
        is_padded = not mask.all()
        features = torch.from_numpy(nodes[mask] if is_padded else nodes.reshape(mask.size, -1))
        first = np.concatenate([[0], np.cumsum(mask.sum(axis=1))])
        embedded = torch.addmm(self._embed[1], features, self._embed[0])
        sides = torch.addmm(self._first[1], features, self._first[0])
        h = embedded.numpy()  # the same memory
        pooled = torch.empty(len(mask), h.shape[1])
        score = np.empty((len(h), nearest.shape[2] + 1, self._shape[0]), np.float32)
        mixed, power = np.empty((2, len(h), *self._shape), np.float32)
        for number, layer in enumerate(self._layers):
            if number:
                sides = torch.addmm(layer.bias, embedded, layer.weight)
            both = sides.view(len(h), 2, *self._shape).numpy()
            kernels.pool(h, first, pooled.numpy())
            context = (pooled @ layer.context).view(len(mask), *self._shape).numpy()
            kernels.score_edges(both, layer.attention, nearest, first, score)
            np.exp(score, out=score)
            kernels.mix(both, score, nearest, first, context, layer.attention_bias, mixed, power)
            np.exp(power, out=power)
            kernels.add_and_normalise(mixed.reshape(h.shape), power.reshape(h.shape), *layer.norm, h)
        weight, bias = self._head
        found = (torch.addmm(bias, embedded, weight) + features @ self._skip).numpy()
        if not is_padded:
            return found.reshape(mask.shape)
        means = np.zeros(mask.shape, np.float32)
        means[mask] = found[:, 0]
        return means


@dataclass(frozen=True)
class _Layer:
    """Weights of a layer; `weight` [H, 2·H] makes sources and targets at once."""

    weight: Tensor
    bias: Tensor
    attention: NDArray[np.float32]
    attention_bias: NDArray[np.float32]
    context: Tensor
    norm: tuple[NDArray[np.float32], NDArray[np.float32]]
