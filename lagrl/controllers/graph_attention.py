"""Forward pass of the multiplier networks in numpy, which needs no torch; `policies.route_network` trains them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lagrl.errors import InputError
from lagrl.io.records import may_lack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

LEAK = np.float32(0.2)
NORM_EPSILON = 1e-5
_WIDEST, _DEEPEST, _MOST_STEPS, _MOST_NEAREST = 1024, 16, 10**6, 10


@dataclass(frozen=True)
class NetworkSize:
    """Size of a network of multipliers.

    Attributes
    ----------
    hidden, layers
        Width and number of layers of the start's trunk.
    heads
        Attention heads of both trunks; they divide both widths.
    step_hidden, step_layers
        Width and number of layers of the steps' trunk. Without layers a trunk is a linear map of each customer alone.
    steps
        Evaluations at multipliers of the network, the start included; then the bundle method continues.
    nearest
        Number of nearest customers that a customer attends to; 0: itself alone, besides the mean of all.

    Raises
    ------
    InputError
        If a number is out of range, or the heads do not divide a width.
    """

    hidden: int = 48
    layers: int = 3
    heads: int = 4
    step_hidden: int = 32
    step_layers: int = 2
    steps: int = 1
    nearest: int = may_lack(_MOST_NEAREST)

    def __post_init__(self) -> None:
        for name, least, most in (
            ("hidden", 1, _WIDEST),
            ("step_hidden", 1, _WIDEST),
            ("heads", 1, _WIDEST),
            ("layers", 0, _DEEPEST),
            ("step_layers", 0, _DEEPEST),
            ("steps", 1, _MOST_STEPS),
            ("nearest", 0, _MOST_NEAREST),
        ):
            if not least <= getattr(self, name) <= most:
                raise InputError(f"{getattr(self, name)} given", field=name, remedy=f"give {least} … {most}")
        for name in ("hidden", "step_hidden"):
            if getattr(self, name) % self.heads:
                raise InputError(
                    f"{self.heads} heads do not divide {getattr(self, name)}", field=name, remedy="give a multiple"
                )


class GraphFeatures(Protocol):
    """What a network sees of an instance: its customers, and arcs to the nearest of each."""

    @property
    def nodes(self) -> NDArray[np.float32]:
        """[n, F] features of the customers."""
        ...

    @property
    def edges(self) -> NDArray[np.float32]:
        """[n, k, E] features of the arcs to the nearest."""
        ...

    @property
    def nearest(self) -> NDArray[np.int64]:
        """[n, k] each customer's nearest others."""
        ...


class Trunk:
    """A graph attention trunk over each customer's nearest and itself; see `policies.route_network.AttentionTrunk`.

    Parameters
    ----------
    weights
        Tensors by name.
    prefix
        Of the trunk's names.
    nearest, edges
        [n, k] and [n, k, E], see `RouteFeatures`.
    """

    def __init__(
        self,
        weights: Mapping[str, NDArray[np.float32]],
        prefix: str,
        nearest: NDArray[np.int64],
        edges: NDArray[np.float32],
    ) -> None:
        self._weights, self._prefix = weights, prefix
        n = len(nearest)
        self._sources = np.concatenate([nearest, np.arange(n)[:, None]], axis=1)
        own = np.zeros((n, 1, edges.shape[2]), dtype=np.float32)
        padded = np.concatenate([edges, own], axis=1)
        self._edge: list[NDArray[np.float32]] = []  # the arcs' share of the attention never changes: computed once
        while f"{prefix}.layers.{len(self._edge)}.edge.weight" in weights:
            self._edge.append(padded @ weights[f"{prefix}.layers.{len(self._edge)}.edge.weight"].T)

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return embeddings [n, H] of features [n, F]; O(n·k·H) per layer."""
        h = self._linear("embed", features)
        for layer, edge in enumerate(self._edge):
            name = f"layers.{layer}"
            attended = self._attend(name, h, edge)
            pooled = h.mean(axis=0, keepdims=True) @ self._of(f"{name}.context.weight").T
            h = self._norm(name, h + elu(attended + pooled))
        return h

    def _attend(self, name: str, h: NDArray[np.float32], edge: NDArray[np.float32]) -> NDArray[np.float32]:
        n, k = self._sources.shape
        attention = self._of(f"{name}.attention")
        heads, width = attention.shape
        source = self._linear(f"{name}.source", h)[self._sources]
        score = source + self._linear(f"{name}.target", h)[:, None, :] + edge
        np.maximum(score, LEAK * score, out=score)
        score = (score * attention.reshape(-1)).reshape(n, k, heads, width).sum(axis=3)
        score = np.exp(score - score.max(axis=1, keepdims=True))
        score /= score.sum(axis=1, keepdims=True)
        mixed: NDArray[np.float32] = (source.reshape(n, k, heads, width) * score[..., None]).sum(axis=1)
        attended: NDArray[np.float32] = mixed.reshape(n, heads * width) + self._of(f"{name}.bias")
        return attended

    def _norm(self, name: str, h: NDArray[np.float32]) -> NDArray[np.float32]:
        centred = h - h.mean(axis=1, keepdims=True)
        spread = np.sqrt((centred * centred).mean(axis=1, keepdims=True) + np.float32(NORM_EPSILON))
        scaled: NDArray[np.float32] = centred / spread * self._of(f"{name}.norm.weight")
        return scaled + self._of(f"{name}.norm.bias")

    def _linear(self, name: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
        product = x @ self._of(f"{name}.weight").T
        bias = self._weights.get(f"{self._prefix}.{name}.bias")
        return product if bias is None else product + bias

    def _of(self, name: str) -> NDArray[np.float32]:
        return self._weights[f"{self._prefix}.{name}"]


def linear(weights: Mapping[str, NDArray[np.float32]], name: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return W x + b."""
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def elu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return x where positive, else eˣ − 1."""
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
