"""The graph network: padding, sizes, permutations, and the effect of its inputs."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from observations import observation, shaken

from envs.observation import FEATURES
from lagrl.errors import InputError, UnknownNameError
from policies.config import PolicyConfig
from policies.graph import GraphBatch, as_tensors
from policies.network import DiagonalPrecondNet

TINY = PolicyConfig(hidden=8, layers=2, heads=2, critic_hidden=8)


def shaken_net(config: PolicyConfig = TINY, seed: int = 0) -> DiagonalPrecondNet:
    """Return a network without zero weights."""
    torch.manual_seed(seed)
    net = DiagonalPrecondNet(config)
    shaken(net, seed)
    return net


@pytest.mark.parametrize("config", [TINY, PolicyConfig()])
@pytest.mark.parametrize("sizes", [[13], [7, 13, 1, 6]])
def test_padding_changes_no_bit(config: PolicyConfig, sizes: list[int]) -> None:
    """The same states give the same bits for any N and any padding, alone or in a batch."""
    net = shaken_net(config)
    narrow, values = net(observation(sizes, 13))
    for n_max, junk in ((14, 1e9), (50, float("nan"))):
        wide, wide_values = net(observation(sizes, n_max, junk=junk))
        assert torch.equal(wide[:, :13], narrow)
        assert torch.equal(wide[:, 13:], torch.zeros(len(sizes), n_max - 13))
        assert torch.equal(wide_values, values)


def test_states_do_not_see_each_other() -> None:
    """A state's outputs in a batch equal those alone, except for rounding."""
    net = shaken_net()
    together, values = net(observation([7, 13, 2], 15))
    for b, n in enumerate([7, 13, 2]):
        alone, value = net(observation([n], 15, seed=b))
        torch.testing.assert_close(together[b], alone[0], rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(values[b], value[0], rtol=1e-5, atol=1e-5)


@given(n=st.integers(1, 12), seed=st.integers(0, 50))
@settings(max_examples=15, deadline=None)
def test_renaming_customers_renames_the_answers(n: int, seed: int) -> None:
    """Permuted inputs give permuted means and the same value, except for rounding."""
    net = shaken_net()
    state = observation([n], n, seed)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    place = torch.argsort(order)
    renamed = {
        "nodes": state["nodes"][:, order],
        "node_mask": state["node_mask"][:, order],
        "neighbours": place[state["neighbours"][:, order].long()],
    }
    mean, value = net(state)
    renamed_mean, renamed_value = net(renamed)
    torch.testing.assert_close(renamed_mean, mean[:, order], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(renamed_value, value, rtol=1e-4, atol=1e-4)


def test_every_number_type_gives_the_same_answer() -> None:
    """A cast of all inputs to float, as in Stable-Baselines3, does not change the outputs."""
    net = shaken_net()
    state = observation([6, 9], 12)
    cast = {key: value.float() for key, value in state.items()}
    assert torch.equal(net(cast)[0], net(state)[0])


def test_edges_join_neighbours_and_the_node_itself() -> None:
    """Edges run from neighbours to nodes within a state; fewer neighbours than columns do not count twice."""
    batch = GraphBatch.compact(observation([2, 1], 4))
    edges = set(map(tuple, batch.edges.T.tolist()))
    assert edges == {(1, 0), (0, 0), (0, 1), (1, 1), (2, 2)}
    assert batch.edges.shape == (2, 5)


def test_neighbours_matter() -> None:
    """Another neighbour table gives other means: the attention has an effect."""
    net = shaken_net()
    state = observation([12], 12)
    other = state | {"neighbours": state["neighbours"].flip(1).roll(1, dims=1)}
    assert not torch.allclose(net(other)[0], net(state)[0])


def test_whole_instance_matters() -> None:
    """A customer beyond the reach of all layers changes every mean, through the pooled mean."""
    net = shaken_net()
    state = observation([40], 40)
    chain = (torch.arange(40).unsqueeze(1) - torch.arange(1, 6)).clamp(min=0).unsqueeze(0)  # edges go up only
    first = net.mean(state | {"neighbours": chain})
    nodes = state["nodes"].clone()
    nodes[0, 39] += 3.0
    second = net.mean({**state, "nodes": nodes, "neighbours": chain})
    assert (first[0, 0] - second[0, 0]).abs() > 1e-5


def test_untrained_network_takes_the_base_step() -> None:
    """Initial weights return about 0 everywhere."""
    for seed in range(3):
        torch.manual_seed(seed)
        mean = DiagonalPrecondNet(PolicyConfig()).mean(observation([30, 50], 50))
        assert 0 < mean.abs().max() < 0.15


def test_actor_and_critic_share_nothing() -> None:
    """Training the critic changes no bit of the means, and the two sets of parameters are the whole network."""
    net = shaken_net()
    state = observation([5, 8], 10)
    actor, critic = set(net.actor_parameters()), set(net.critic_parameters())
    assert not actor & critic
    assert actor | critic == set(net.parameters())
    before = net.mean(state)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    value = net.value(state)
    (value - 1.0).square().sum().backward()
    optimizer.step()
    assert torch.equal(net.mean(state), before)
    assert not torch.equal(net.value(state), value)


def test_forward_is_mean_and_value() -> None:
    """Forward pass, mean and value agree to the bit."""
    net = shaken_net()
    state = observation([5, 8], 10)
    mean, value = net(state)
    assert torch.equal(mean, net.mean(state))
    assert torch.equal(value, net.value(state))


def test_every_weight_learns() -> None:
    """Every weight of the actor and the critic gets a gradient."""
    net = shaken_net()
    mean, value = net(observation([9, 11], 12))
    (mean.square().sum() + value.square().sum()).backward()
    idle = [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert idle == ["log_std", "shared_log_std"]


def test_a_state_without_customers_is_harmless() -> None:
    """A state of padding alone gives zeros and a finite value, in a batch or alone."""
    net = shaken_net()
    empty = observation([3], 5) | {"node_mask": torch.zeros(1, 5, dtype=torch.int8)}
    mean, value = net(empty)
    assert not mean.any()
    assert torch.isfinite(value).all()


def test_spread_has_a_floor_that_can_be_left() -> None:
    """Below the floor the spread is the floor; gradients raise it, and never lower it further."""
    net = DiagonalPrecondNet(PolicyConfig(log_std=-5.0, shared_log_std=-4.0, min_log_std=-3.0))
    log_std, shared = net.spread()
    assert log_std.item() == shared.item() == -3.0
    (-log_std).backward()
    assert net.log_std.grad.item() == -1.0
    net.spread()[1].backward()
    assert net.shared_log_std.grad.item() == 0.0


def test_as_tensors_adds_the_batch() -> None:
    """A single environment's arrays become a batch of one."""
    single = {key: value[0].numpy() for key, value in observation([4], 6).items()}
    assert as_tensors(single)["nodes"].shape == (1, 6, len(FEATURES))


def test_presets() -> None:
    """The reference network is 256 wide with four layers of eight heads of 32; the small one is smaller."""
    reference = PolicyConfig.preset("reference")
    assert (reference.hidden, reference.layers, reference.heads, reference.head_width) == (256, 4, 8, 32)
    small = DiagonalPrecondNet(PolicyConfig.preset("small"))
    assert sum(weight.numel() for weight in small.parameters()) < 100_000
    with pytest.raises(UnknownNameError, match="large"):
        PolicyConfig.preset("large")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"hidden": 0}, "hidden"),
        ({"hidden": 10, "heads": 4}, "hidden"),
        ({"layers": 10**9}, "layers"),
        ({"log_std": float("nan")}, "log_std"),
        ({"min_log_std": -99.0}, "min_log_std"),
    ],
)
def test_config_refuses_nonsense(change: dict[str, float], field: str) -> None:
    """A value out of range is an error that names it."""
    with pytest.raises(InputError, match=field):
        PolicyConfig(**change)


def test_config_survives_json() -> None:
    """A configuration survives its JSON form unchanged."""
    for config in (PolicyConfig(), PolicyConfig.preset("reference")):
        assert PolicyConfig.from_json(config.to_json()) == config
