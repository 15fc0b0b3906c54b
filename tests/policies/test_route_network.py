"""Route networks in torch agree with their forward pass in numpy."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from lagrl.bounds.ascent_memory import AscentMemory
from lagrl.bounds.route_checkpoint import tensor_shapes
from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_features import RouteFeatures
from lagrl.bounds.route_graph import RouteGraph
from lagrl.bounds.route_policy import RoutePolicy, RoutePolicyConfig
from lagrl.errors import InputError
from lagrl.problems.generate import generate
from policies.route_network import RouteBatch, RouteNetwork


def network(seed: int, config: RoutePolicyConfig | None = None) -> RouteNetwork:
    """Return a network whose numbers are far from 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = RouteNetwork(config or RoutePolicyConfig())
        with torch.no_grad():
            for parameter in made.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
    return made


@pytest.mark.parametrize("n", [3, 12, 60])
def test_numpy_and_torch_agree(n: int) -> None:
    """Start and steps of an instance are equal within 1e-5, whatever its size."""
    problem = generate(n, seed=n)
    graph = RouteGraph.of(problem)
    features, net = RouteFeatures.of(graph), network(n)
    policy = RoutePolicy(net.weights(), features)
    batch = RouteBatch.of([features])
    memory = AscentMemory(features, 10, graph.n_routes[0])
    memory.record(RouteDual(graph).evaluate(policy.start()))
    with torch.no_grad():
        embedded = net.embed(batch)
        ratio, routes = (found.numpy() for found in net.start(embedded, batch))
        own, of_all = net.step(embedded, torch.from_numpy(memory.observe()), batch)
    np.testing.assert_allclose(policy.start()[:-1], features.unit * np.exp(np.clip(ratio, -4, 4)), rtol=1e-5)
    np.testing.assert_allclose(
        policy.start()[-1], features.route_unit * np.clip(routes[0], -4, 4), rtol=1e-4, atol=1e-5
    )
    found_own, found_of_all = policy.numbers(memory.observe())
    np.testing.assert_allclose(found_own, own.numpy(), atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(found_of_all, of_all.numpy()[0], atol=1e-5, rtol=1e-5)


def test_a_batch_is_its_instances() -> None:
    """Instances side by side have the numbers that each has alone."""
    features = [RouteFeatures.of(RouteGraph.of(generate(n, seed=n))) for n in (12, 30, 21)]
    net = network(0)
    with torch.no_grad():
        batch = RouteBatch.of(features)
        together = net.start(net.embed(batch), batch)
        batches = [RouteBatch.of([each]) for each in features]
        alone = zip(*(net.start(net.embed(batch), batch) for batch in batches), strict=True)
    for numbers, apart in zip(together, alone, strict=True):
        np.testing.assert_allclose(numbers.numpy(), torch.cat(apart).numpy(), atol=1e-5)


def test_the_file_lists_every_tensor() -> None:
    """Names and shapes of a file are those of the network."""
    for config in (RoutePolicyConfig(), RoutePolicyConfig(hidden=8, layers=1, heads=2, step_hidden=4, step_layers=3)):
        found = {name: tuple(tensor.shape) for name, tensor in RouteNetwork(config).state_dict().items()}
        assert found == tensor_shapes(config)


def test_small_and_large_instances_in_one_batch_are_refused() -> None:
    """Instances with fewer than ten neighbours do not fit beside others."""
    features = [RouteFeatures.of(RouteGraph.of(generate(n, seed=n))) for n in (5, 30)]
    with pytest.raises(InputError, match="join instances of more than 10 customers"):
        RouteBatch.of(features)
