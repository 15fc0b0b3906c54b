"""The compiled forward pass of the actor against the network's own, which torch computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from observations import observation, shaken

from policies.compiled_mean import CompiledMean
from policies.config import PolicyConfig
from policies.network import DiagonalPrecondNet


def some_net(config: PolicyConfig) -> DiagonalPrecondNet:
    """Return a network whose every weight matters."""
    net = DiagonalPrecondNet(config)
    shaken(net)
    return net.eval()


@pytest.mark.parametrize(
    "config",
    [PolicyConfig(), PolicyConfig(hidden=12, layers=3, heads=4), PolicyConfig(hidden=5, layers=1, heads=1)],
    ids=["small", "odd", "tiny"],
)
@pytest.mark.parametrize(("sizes", "n_max"), [([50] * 4, 50), ([3, 17, 1, 40], 44), ([2], 2)])
def test_means_are_those_of_the_network(config: PolicyConfig, sizes: list[int], n_max: int) -> None:
    """Means of any sizes equal torch's to rounding, and are 0 on padding, whatever it holds."""
    net, seen = some_net(config), observation(sizes, n_max, junk=7.0)
    with torch.no_grad():
        expected = net.mean(seen).numpy()
    means = CompiledMean(net)({name: tensor.numpy() for name, tensor in seen.items()})
    assert means.dtype == np.float32
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(means, expected, rtol=1e-5, atol=1e-5)
    assert not means[seen["node_mask"].numpy() == 0].any()


def test_weights_are_copied() -> None:
    """Training the network further does not change the compiled means."""
    net = some_net(PolicyConfig())
    seen = {name: tensor.numpy() for name, tensor in observation([9], 9).items()}
    compiled = CompiledMean(net)
    before = compiled(seen)
    shaken(net, seed=1)
    np.testing.assert_array_equal(compiled(seen), before)
    assert not np.allclose(CompiledMean(net)(seen), before)
