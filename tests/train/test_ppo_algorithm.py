from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from ppo_runs import TINY, half_way_model, weights

from policies.masked_gaussian import MaskedGaussian
from train.dataset import States
from train.ppo.algorithm import GraphPPO, per_customer


def learned(model: GraphPPO, rollouts: int) -> GraphPPO:
    model.learn(rollouts * model.n_steps * model.n_envs, log_interval=None, reset_num_timesteps=False)
    return model


def mean_action(model: GraphPPO) -> float:
    observation = {name: torch.from_numpy(array) for name, array in model.env.reset().items()}
    with torch.no_grad():
        mean = model.net.mean(observation)
    return float(mean[observation["node_mask"].bool()].mean())


@given(n=st.integers(2, 40), copies=st.integers(2, 5), shift=st.floats(-0.3, 0.3), seed=st.integers(0, 9))
def test_ratio_does_not_grow_with_customers(n: int, copies: int, shift: float, seed: int) -> None:
    """The local part's mean over n − 1 dimensions is the same when every customer comes several times."""
    generator = torch.Generator().manual_seed(seed)
    mean = torch.zeros(1, n)
    other = shift * torch.randn(1, n, generator=generator)
    actions = 0.2 * torch.randn(1, n, generator=generator)

    def local(times: int) -> torch.Tensor:
        mask = torch.ones(1, n * times, dtype=torch.bool)
        spread = torch.tensor(-1.0), torch.tensor(-1.0)
        new = MaskedGaussian(other.repeat(1, times), mask, *spread).parts(actions.repeat(1, times))
        old = MaskedGaussian(mean.repeat(1, times), mask, *spread).parts(actions.repeat(1, times))
        normalised = per_customer(torch.zeros(1), new[1] - old[1], torch.tensor([n * times]), has_shared=True)
        return normalised * (n * times - 1) / (n * times)

    torch.testing.assert_close(local(1), local(copies), rtol=1e-3, atol=1e-5)


def test_shared_part_keeps_its_full_ratio() -> None:
    """The common shift is one number for any n; without it both parts are averaged over n."""
    shared, local, n = torch.tensor([0.5]), torch.tensor([3.0]), torch.tensor([7])
    assert per_customer(shared, local, n, has_shared=True).item() == pytest.approx(0.5 + 3.0 / 6)
    assert per_customer(shared, local, n, has_shared=False).item() == pytest.approx(0.5)
    assert per_customer(shared, torch.zeros(1), torch.tensor([1]), has_shared=True).item() == pytest.approx(0.5)


def test_finds_the_best_action() -> None:
    """On a problem whose best mean action is 0.5 everywhere, the mean moves there from 0."""
    model = half_way_model()
    before = mean_action(model)
    learned(model, 20)
    assert abs(before) < 0.1
    assert mean_action(model) == pytest.approx(0.5, abs=0.12)


def test_warm_up_leaves_the_actor_as_it_is() -> None:
    """In the first rollouts the critic changes and no bit of the actor does; later both change."""
    model = half_way_model(critic_warmup=2)
    model.freeze_clone()
    before = weights(model.net)
    learned(model, 2)
    middle = weights(model.net)
    changed = {name for name in before if not torch.equal(before[name], middle[name])}
    assert changed == {name for name in before if name.startswith("critic.")}
    learned(model, 1)
    after = weights(model.net)
    assert not torch.equal(middle["head.weight"], after["head.weight"])
    assert not torch.equal(middle["embed.weight"], after["embed.weight"])


def test_first_ratio_is_one() -> None:
    """Before the first update, new and old policy agree: nothing is clipped, the KL is 0."""
    model = half_way_model(learning_rate=(0.0, 0.0))
    learned(model, 1)
    assert model.last_update["kl"] == pytest.approx(0.0, abs=1e-6)
    assert model.last_update["clip_fraction"] == 0.0


def test_update_ends_at_the_target_kl() -> None:
    """An update ends when the policy has moved too far; 0 means no limit."""
    few = learned(half_way_model(learning_rate=(0.1, 0.1), target_kl=1e-3), 1)
    many = learned(half_way_model(learning_rate=(0.1, 0.1), target_kl=0.0), 1)
    assert few._n_updates == 0
    assert many._n_updates == TINY.n_epochs


def test_clone_holds_the_policy_back() -> None:
    """The larger the weight of the KL from the frozen clone, the closer the policy stays to it."""

    def moved(weight: float) -> float:
        model = half_way_model()
        model.config = replace(model.config, clone_kl=(weight, weight))
        model.freeze_clone()
        return abs(mean_action(learned(model, 8)))

    assert moved(30.0) < 0.3 * moved(0.0)


def test_imitates_labelled_customers_only() -> None:
    """With a large weight the mean moves to the expert's actions; entries without label have no effect."""
    model = half_way_model(target_kl=0.0)
    model.config = replace(model.config, imitation=(30.0, 30.0), imitation_batch=16)
    arrays = model.env.reset()
    observation = {name: torch.from_numpy(array) for name, array in arrays.items()}
    real = observation["node_mask"].bool()
    labelled = real.clone()
    labelled[:, 1] = False
    actions = torch.where(labelled, torch.tensor(-0.4), torch.tensor(50.0)).numpy()
    states = []
    for index, n in enumerate(real.sum(dim=1).tolist()):
        single = {name: array[index] for name, array in arrays.items()}
        states.append(States.single(single, actions[index, :n], labelled[index, :n].numpy()))
    model.expert = States.joined(states)
    learned(model, 8)
    with torch.no_grad():
        mean = model.net.mean(observation)
    assert mean[labelled].mean().item() == pytest.approx(-0.4, abs=0.05)
    assert mean[real].abs().max() < 1.0


@pytest.mark.parametrize("critic_warmup", [0, 9])
def test_parts_of_a_minibatch_make_the_same_update(monkeypatch: pytest.MonkeyPatch, critic_warmup: int) -> None:
    """A minibatch of 64 states in parts of 24 has the gradients and scalars of one part, with a report after each."""
    found = []
    for part in (64, 24):
        monkeypatch.setattr("train.ppo.algorithm._PART", part)
        model = half_way_model(target_kl=0.0, critic_warmup=critic_warmup)
        model.freeze_clone()
        model.config = replace(model.config, clone_kl=(0.5, 0.5), imitation=(0.5, 0.5))
        state = {name: array[0] for name, array in model.env.reset().items()}
        n = int(state["node_mask"].sum())
        model.expert = States.single(state, np.full(n, 0.3, np.float32), np.ones(n, dtype=bool))
        reports: list[str] = []
        model.report = lambda kind, pieces, text, reports=reports: reports.append(text)
        learned(model, 1)
        found.append((weights(model.net), model.last_update, sum("epoch 1/" in text for text in reports)))
    (whole, scalars, few), (parts, own, many) = found
    assert (few, many) == (2, 6)
    assert ("imitation_loss" in scalars) == (critic_warmup == 0)
    assert own == pytest.approx(scalars, rel=1e-3, abs=1e-5)
    for name in whole:
        torch.testing.assert_close(parts[name], whole[name], rtol=1e-3, atol=1e-5)


def test_exploration_follows_its_schedule() -> None:
    """A scheduled σ falls with the steps and has no gradient; a learned one has."""
    model = half_way_model()
    model.config = replace(model.config, log_std=(-1.0, -2.0))
    assert not model.net.log_std.requires_grad
    learned(model, 4)
    assert model.net.log_std.item() == pytest.approx(-1.75)
    own = half_way_model(learn_log_std=True)
    start = own.net.log_std.item()
    learned(own, 2)
    assert own.net.log_std.item() != start


def test_same_seed_same_weights() -> None:
    """Two runs with one seed end with the same bits."""
    first, second = (weights(learned(half_way_model(), 2).net) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
