"""Distribution of the actions: a Gaussian over the real customers, with an optional shift common to all of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from stable_baselines3.common.distributions import Distribution
from torch.distributions import Distribution as TorchDistribution
from torch.distributions import register_kl

from policies.network import DiagonalPrecondNet

if TYPE_CHECKING:
    from torch import Tensor

_LOG_2PI = math.log(2.0 * math.pi)


class MaskedGaussian(Distribution):
    r"""a ~ N(μ, σ²I + τ²11ᵀ) over the n real customers of each observation; padded entries are 0 with certainty.

    Each customer explores independently (σ), and all together (τ): only a common shift of all logarithmic step lengths
    changes an ascent noticeably, and n independent draws practically never produce one.

    The covariance has two eigenspaces: the direction 1/√n with variance σ² + nτ², and everything orthogonal to it
    with variance σ² in n − 1 dimensions, so its inverse and determinant have closed forms (Sherman and Morrison
    1950). With d = a − μ the log-density is the sum of

        shared:  −½ [ (Σd)²/n / (σ² + nτ²) + ln 2π(σ² + nτ²) ]
        local:   −½ [ Σ(d − d̄)² / σ²      + (n − 1) ln 2πσ² ]

    and the local part is 0 where n = 1. Sums run over the customers in their order, so that padding changes no bit.

    Parameters
    ----------
    mean
        [B, N] μ.
    mask
        [B, N] true for real customers.
    log_std
        ln σ, a scalar.
    shared_log_std
        ln τ, a scalar; None for τ = 0.
    """

    def __init__(self, mean: Tensor, mask: Tensor, log_std: Tensor, shared_log_std: Tensor | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # SB3's, without types
        self.proba_distribution(mean, mask, log_std, shared_log_std)

    def proba_distribution_net(self, *args: Any, **kwargs: Any) -> DiagonalPrecondNet:
        """Make the network that gives μ, ln σ and ln τ; takes a `PolicyConfig`."""
        return DiagonalPrecondNet(*args, **kwargs)

    def proba_distribution(
        self, mean: Tensor, mask: Tensor, log_std: Tensor, shared_log_std: Tensor | None = None
    ) -> MaskedGaussian:
        """Set the parameters of the class; return this distribution."""
        self.mask = mask.bool()
        self.mean = torch.where(self.mask, mean, torch.zeros_like(mean))
        self.log_std = log_std
        self.shared_log_std = shared_log_std
        self.n_real = self.mask.sum(dim=1).to(mean.dtype)
        """[B] real customers n."""
        self.variance = (2.0 * log_std).exp()
        """σ², a scalar."""
        shared = 0.0 if shared_log_std is None else (2.0 * shared_log_std).exp()
        self.shared_variance = self.variance + self.n_real * shared
        """[B] σ² + nτ², the variance along 1/√n."""
        return self

    def parts(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the shared and the local part [B] of the log-density of actions [B, N]; padding is ignored.

        The ratio of two policies of the same σ varies more with larger n; dividing the difference of the local parts by
        n − 1 makes it comparable for all sizes.
        """
        along, across = self._split(actions - self.mean)
        shared = -0.5 * (along / self.shared_variance + self.shared_variance.log() + _LOG_2PI)
        local = -0.5 * (across / self.variance + (self.n_real - 1.0) * (2.0 * self.log_std + _LOG_2PI))
        return shared, local

    def log_prob(self, actions: Tensor) -> Tensor:
        """Return the log-density [B] of actions [B, N]; entries on padding are ignored."""
        shared, local = self.parts(actions)
        return shared + local

    def entropy(self) -> Tensor:
        """Return the differential entropy [B]."""
        local = (self.n_real - 1.0) * (1.0 + _LOG_2PI + 2.0 * self.log_std)
        return 0.5 * (1.0 + _LOG_2PI + self.shared_variance.log() + local)

    def mode(self) -> Tensor:
        """Return the means [B, N], 0 on padding."""
        return self.mean

    def sample(self) -> Tensor:
        """Draw actions [B, N], 0 on padding, with gradients to the parameters.

        It draws one number per real customer and one per observation, so that padding does not change the draws.
        """
        own = torch.zeros_like(self.mean)
        own[self.mask] = torch.randn(int(self.mask.sum()), dtype=own.dtype, device=own.device)
        actions = self.mean + self.log_std.exp() * own
        if self.shared_log_std is not None:
            common = torch.randn(len(own), 1, dtype=own.dtype, device=own.device)
            actions = actions + self.shared_log_std.exp() * common * self.mask
        return actions

    @property
    def distribution(self) -> TorchDistribution:  # type: ignore[override]  # an attribute in the base class
        """This distribution for `stable_baselines3.common.distributions.kl_divergence`, which TRPO uses."""
        return _ForDivergence(self)

    def kl_to(self, other: MaskedGaussian) -> Tensor:
        """Return the Kullback–Leibler divergence KL(self ‖ other) [B] of two distributions over the same customers."""
        along, across = self._split(self.mean - other.mean)
        wide = self.shared_variance / other.shared_variance
        narrow = self.variance / other.variance
        shared = wide - 1.0 - wide.log() + along / other.shared_variance
        local = (self.n_real - 1.0) * (narrow - 1.0 - narrow.log()) + across / other.variance
        return 0.5 * (shared + local)

    def actions_from_params(
        self,
        mean: Tensor,
        mask: Tensor,
        log_std: Tensor,
        shared_log_std: Tensor | None = None,
        deterministic: bool = False,
    ) -> Tensor:
        """Set the parameters, then draw actions or return the mode."""
        self.proba_distribution(mean, mask, log_std, shared_log_std)
        return self.get_actions(deterministic=deterministic)

    def log_prob_from_params(self, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Set the parameters, then draw actions; return them and their log-density."""
        actions = self.actions_from_params(*args, **kwargs)
        return actions, self.log_prob(actions)

    def _split(self, difference: Tensor) -> tuple[Tensor, Tensor]:
        """Return the squared lengths [B] of a difference [B, N] along 1/√n and orthogonal to it."""
        d = torch.where(self.mask, difference, torch.zeros_like(difference))
        average = _sum(d) / self.n_real.clamp(min=1.0)
        around = torch.where(self.mask, d - average.unsqueeze(1), torch.zeros_like(d))
        return self.n_real * average.square(), _sum(around.square())


class _ForDivergence(TorchDistribution):
    """A masked Gaussian as the distribution of torch that Stable-Baselines3 expects; it has a divergence only."""

    def __init__(self, gaussian: MaskedGaussian) -> None:
        super().__init__(validate_args=False)
        self.gaussian = gaussian


@register_kl(_ForDivergence, _ForDivergence)  # type: ignore[untyped-decorator]  # torch's, without types
def _divergence(p: _ForDivergence, q: _ForDivergence) -> Tensor:
    return p.gaussian.kl_to(q.gaussian)


def _sum(values: Tensor) -> Tensor:
    """Sum [B, N] to [B] in the order of the customers: unlike in `sum`, zeros of padding change no bit."""
    return values.cumsum(dim=1)[:, -1]
