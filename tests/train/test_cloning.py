"""Fitting: the loss is the likelihood of the labels, and training lowers it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from labelled import random_states

from lagrl.errors import InputError
from policies.config import PolicyConfig
from policies.network import DiagonalPrecondNet
from train.batches import batch_of
from train.bc.cloning import fit_epoch, imitation_error, imitation_loss

TINY = PolicyConfig(hidden=8, heads=2, layers=1, critic_hidden=8, log_std=-0.5, shared_log_std=-0.7)


@pytest.fixture
def net() -> DiagonalPrecondNet:
    torch.manual_seed(0)
    net = DiagonalPrecondNet(TINY)
    torch.nn.init.normal_(net.skip.weight, std=0.1)
    return net


def test_loss_is_the_likelihood_of_the_labelled(net: DiagonalPrecondNet) -> None:
    """By brute force: the density of the labelled customers' Gaussian, per customer, averaged over states."""
    states = random_states([3, 6, 4])
    batch = batch_of(states, np.arange(3))
    mean = net.mean(batch.observation).detach().numpy().astype(float)
    likelihoods, errors = [], []
    for b in range(3):
        mask = batch.is_labelled[b].numpy()
        m, y, label = int(mask.sum()), mean[b][mask], batch.labels[b].numpy()[mask]
        covariance = np.exp(-1.0) * np.eye(m) + np.exp(-1.4) * np.ones((m, m))
        density = torch.distributions.MultivariateNormal(torch.tensor(y), torch.tensor(covariance))
        likelihoods.append(-density.log_prob(torch.tensor(label, dtype=torch.float64)).item() / m)
        errors.append(np.mean((y - label) ** 2))
    likelihood, error = imitation_loss(net, batch)
    assert likelihood.item() == pytest.approx(np.mean(likelihoods), rel=1e-4)
    assert error.item() == pytest.approx(np.mean(errors), rel=1e-4)


def test_what_is_not_labelled_does_not_matter(net: DiagonalPrecondNet) -> None:
    """Any number under a masked label gives the same loss; under a real one it does not."""
    states = random_states([5, 5])
    before = imitation_loss(net, batch_of(states, np.arange(2)))
    hidden = replace(states, labels=np.where(states.is_labelled, states.labels, 0.9).astype(np.float32))
    shown = replace(states, labels=np.where(states.is_labelled, states.labels + 0.5, 0.0).astype(np.float32))
    assert [x.item() for x in imitation_loss(net, batch_of(hidden, np.arange(2)))] == [x.item() for x in before]
    assert imitation_loss(net, batch_of(shown, np.arange(2)))[0].item() != before[0].item()


def teach(net: DiagonalPrecondNet, epochs: int, seed: int = 0) -> list[dict[str, float]]:
    """Fit to a label that is a linear function of two features."""
    states = random_states([4, 7, 5, 6] * 8)
    labels = 0.5 * states.nodes[:, 0] - 0.3 * states.nodes[:, 12]
    states = replace(states, labels=np.where(states.is_labelled, labels, 0.0).astype(np.float32))
    optimizer = torch.optim.Adam(net.actor_parameters(), lr=0.02)
    rows = []
    for epoch in range(epochs):
        rows.append(
            fit_epoch(
                net,
                optimizer,
                states,
                np.arange(24),
                batch_size=8,
                mean_weight=1.0,
                max_grad_norm=1.0,
                seed=seed,
                epoch=epoch,
            )
        )
    rows.append(imitation_error(net, states, np.arange(24, 32), 8))
    return rows


def test_a_simple_rule_is_learned(net: DiagonalPrecondNet) -> None:
    """The error falls much on states outside the training set, and the critic is unchanged."""
    critic = [parameter.clone() for parameter in net.critic_parameters()]
    rows = teach(net, 25)
    assert rows[-1]["mse"] < 0.05 * rows[0]["mse"]
    assert rows[-1]["explained"] > 0.9
    assert rows[-2]["loss"] < rows[0]["loss"]
    assert all(torch.equal(one, two) for one, two in zip(critic, net.critic_parameters(), strict=True))


def test_the_spread_keeps_its_floor() -> None:
    """The exploration stays at its lower limit, and the likelihood stays finite."""
    torch.manual_seed(0)
    net = DiagonalPrecondNet(replace(TINY, log_std=-1.95, shared_log_std=-1.95, min_log_std=-2.0))
    rows = teach(net, 12)
    spread = [value.item() for value in net.spread() if value is not None]
    assert min(spread) == pytest.approx(-2.0)
    assert np.isfinite(rows[-1]["loss"])


def test_fitting_twice_gives_the_same_bits() -> None:
    """Same seed, same weights; another seed, another order of minibatches."""
    weights = []
    for seed in (0, 0, 1):
        torch.manual_seed(0)
        net = DiagonalPrecondNet(TINY)
        teach(net, 2, seed)
        weights.append(net.skip.weight.detach())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_diverged_fit_is_told(net: DiagonalPrecondNet) -> None:
    """A loss that is not a number ends the run and names the learning rate."""
    with torch.no_grad():
        net.head.bias.fill_(float("nan"))
    with pytest.raises(InputError, match=r"learning_rate: the loss became nan in epoch 1"):
        teach(net, 1)
