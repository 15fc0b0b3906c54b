"""The masked Gaussian compared with torch's dense one."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.distributions import kl_divergence as stock_divergence
from torch.distributions import MultivariateNormal, kl_divergence

from policies.masked_gaussian import MaskedGaussian

SIZES = [1, 2, 5]
N = 7


def make(seed: int, log_std: float, shared: float | None, n_max: int = N) -> MaskedGaussian:
    """Return a distribution over states of 1, 2 and 5 customers."""
    generator = torch.Generator().manual_seed(seed)
    mean = torch.zeros(3, n_max, dtype=torch.float64)
    mean[:, :5] = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    mask = torch.arange(n_max) < torch.tensor(SIZES).unsqueeze(1)
    as_tensor = [None if x is None else torch.tensor(x, dtype=torch.float64) for x in (log_std, shared)]
    return MaskedGaussian(mean, mask, *as_tensor)


def dense(distribution: MaskedGaussian, b: int) -> MultivariateNormal:
    """Return state b's distribution with its dense covariance."""
    n = SIZES[b]
    tau2 = 0.0 if distribution.shared_log_std is None else float(distribution.shared_log_std.exp()) ** 2
    covariance = float(distribution.log_std.exp()) ** 2 * torch.eye(n, dtype=torch.float64) + tau2
    return MultivariateNormal(distribution.mean[b, :n], covariance)


log_stds = st.floats(-3, 1)
shareds = st.none() | st.floats(-3, 1)


@given(st.integers(0, 99), log_stds, shareds)
@settings(max_examples=25, deadline=None)
def test_density_and_entropy_are_those_of_the_dense_gaussian(seed: int, log_std: float, shared: float | None) -> None:
    """Closed forms equal those of the dense covariance, with and without a shared part."""
    distribution = make(seed, log_std, shared)
    actions = torch.randn(3, N, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64)
    for b, n in enumerate(SIZES):
        oracle = dense(distribution, b)
        torch.testing.assert_close(distribution.log_prob(actions)[b], oracle.log_prob(actions[b, :n]))
        torch.testing.assert_close(distribution.entropy()[b], oracle.entropy())


@given(st.integers(0, 99), log_stds, shareds, log_stds, shareds)
@settings(max_examples=25, deadline=None)
def test_divergence_is_that_of_dense_gaussians(
    seed: int, log_std: float, shared: float | None, other_log_std: float, other_shared: float | None
) -> None:
    """KL equals torch's for the dense covariances, and is 0 to itself."""
    p, q = make(seed, log_std, shared), make(seed + 1, other_log_std, other_shared)
    for b in range(3):
        torch.testing.assert_close(p.kl_to(q)[b], kl_divergence(dense(p, b), dense(q, b)), rtol=1e-6, atol=1e-8)
    assert torch.equal(p.kl_to(p), torch.zeros(3, dtype=torch.float64))


def test_stable_baselines_finds_the_divergence() -> None:
    """The function that TRPO calls returns the same divergence."""
    p, q = make(0, -1.0, 0.0), make(1, 0.0, None)
    assert torch.equal(stock_divergence(p, q), p.kl_to(q))


@pytest.mark.parametrize("shared", [None, -0.5])
def test_parts_are_the_two_eigenspaces(shared: float | None) -> None:
    """A common shift changes the shared part only, one that sums to 0 the local part only, which n = 1 lacks."""
    distribution = make(0, -0.3, shared)
    actions = distribution.sample()
    before = distribution.parts(actions)
    torch.testing.assert_close(sum(before), distribution.log_prob(actions))
    shifted = distribution.parts(actions + 0.7)
    torch.testing.assert_close(shifted[1], before[1])
    assert ((shifted[0] - before[0]).abs() > 1e-3).all()
    turned = distribution.parts(actions + torch.tensor([0.5, -0.5, 0, 0, 0, 0, 0]) * (distribution.n_real > 1)[:, None])
    torch.testing.assert_close(turned[0], before[0])
    assert ((turned[1] - before[1])[1:].abs() > 1e-3).all()
    assert before[1][0] == 0.0


def test_padding_counts_for_nothing() -> None:
    """Density, entropy and KL keep every bit for any values on padding, even NaN, and any amount of it."""
    narrow, other = make(0, -0.3, -0.5, 5), make(1, -0.3, -0.5, 5)
    actions = torch.randn(3, 5, dtype=torch.float64) * narrow.mask
    for n_max in (6, 64):
        wide, wide_other = make(0, -0.3, -0.5, n_max), make(1, -0.3, -0.5, n_max)
        for junk in (0.0, 1e6, math.nan):
            wider = torch.full((3, n_max), junk, dtype=torch.float64)
            wider[:, :5] = torch.where(narrow.mask, actions, junk)
            assert torch.equal(wide.log_prob(wider), narrow.log_prob(actions))
        assert torch.equal(wide.entropy(), narrow.entropy())
        assert torch.equal(wide.kl_to(wide_other), narrow.kl_to(other))


def test_padding_would_count_without_the_mask() -> None:
    """The same numbers with all customers real have another density: the test above can fail."""
    distribution = make(0, -0.3, None)
    unmasked = MaskedGaussian(distribution.mean, torch.ones(3, N), distribution.log_std)
    actions = distribution.sample()
    assert ((unmasked.log_prob(actions) - distribution.log_prob(actions)).abs() > 0.5).all()


def test_padding_changes_no_draw() -> None:
    """Actions on padding are 0, and those of real customers do not depend on the amount of padding."""
    torch.manual_seed(5)
    narrow = make(0, -0.3, -0.5, 5).sample()
    torch.manual_seed(5)
    wide = make(0, -0.3, -0.5, 40).sample()
    assert torch.equal(wide[:, :5], narrow)
    mask = make(0, -0.3, -0.5, 40).mask
    assert not wide[~mask].any()
    assert wide[mask].all()


@pytest.mark.parametrize("shared", [None, -0.5])
def test_samples_have_the_covariance(shared: float | None) -> None:
    """Means and covariances of many draws are σ²I + τ²11ᵀ around μ."""
    torch.manual_seed(0)
    n, count = 4, 200_000
    mean = torch.tensor([0.3, -1.0, 0.0, 2.0])
    tau = None if shared is None else torch.tensor(shared)
    distribution = MaskedGaussian(mean.expand(count, n), torch.ones(count, n), torch.tensor(-0.7), tau)
    draws = distribution.sample()
    tau2 = 0.0 if shared is None else math.exp(2 * shared)
    torch.testing.assert_close(draws.mean(0), mean, atol=0.01, rtol=0)
    torch.testing.assert_close(torch.cov(draws.T), math.exp(-1.4) * torch.eye(n) + tau2, atol=0.01, rtol=0)


def test_gradients_reach_mean_and_spread() -> None:
    """The likelihood has gradients for μ, σ and τ, and none on padding."""
    mean = torch.zeros(2, 6, requires_grad=True)
    log_std, shared = (torch.tensor(value, requires_grad=True) for value in (-0.5, -1.0))
    mask = torch.arange(6) < torch.tensor([[2], [5]])
    MaskedGaussian(mean, mask, log_std, shared).log_prob(torch.ones(2, 6)).sum().backward()
    assert mean.grad[mask].all()
    assert not mean.grad[~mask].any()
    assert log_std.grad
    assert shared.grad


def test_mode_and_parameters_given_anew() -> None:
    """The mode is the mean; parameters can be set again, together with a draw."""
    distribution = make(0, -0.3, -0.5)
    assert torch.equal(distribution.get_actions(deterministic=True), distribution.mean)
    actions, log_prob = distribution.log_prob_from_params(
        distribution.mean + 1.0, distribution.mask, distribution.log_std, deterministic=True
    )
    assert torch.equal(actions, (make(0, -0.3, -0.5).mean + 1.0) * distribution.mask)
    torch.testing.assert_close(log_prob, distribution.log_prob(actions))
