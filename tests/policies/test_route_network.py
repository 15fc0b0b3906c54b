"""Route networks in torch agree with their forward pass in numpy."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from lagrl.bounds.ascent_memory import AscentMemory
from lagrl.bounds.route_checkpoint import ROUTES
from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_features import RouteFeatures
from lagrl.bounds.route_graph import RouteGraph
from lagrl.bounds.route_policy import RoutePolicy
from lagrl.controllers.assignment_features import AssignmentFeatures
from lagrl.controllers.assignment_memory import AssignmentMemory
from lagrl.controllers.assignment_policy import ASSIGNMENT, AssignmentPolicy
from lagrl.controllers.graph_attention import NetworkSize
from lagrl.controllers.policy_checkpoint import PolicyKind, tensor_shapes
from lagrl.errors import InputError
from lagrl.problems.generate import generate
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual
from lagrl.relaxation.linearise import linearise
from policies.route_network import RouteBatch, RouteNetwork


def network(seed: int, config: NetworkSize | None = None, kind: PolicyKind = ROUTES) -> RouteNetwork:
    """Return a network whose numbers are far from 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = RouteNetwork(config or NetworkSize(), kind)
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


@pytest.mark.parametrize("n", [3, 12, 60])
def test_numpy_and_torch_agree_on_assignments(n: int) -> None:
    """The numbers of start and steps of an assignment dual are equal within 1e-5, whatever its size."""
    dual = AssignmentDual(linearise(generate(n, seed=n)))
    features = AssignmentFeatures.of(dual.problem, dual.clip(linear_dual(dual.problem).multipliers))
    net = network(n, kind=ASSIGNMENT)
    policy, memory = AssignmentPolicy(net.weights(), features), AssignmentMemory(features, dual, 10)
    memory.record(dual.evaluate(dual.clip(policy.start())))
    batch = RouteBatch.of([features])
    with torch.no_grad():
        embedded = net.embed(batch)
        number = net.start(embedded, batch)[0].numpy().clip(-3.0, 3.0)
        own, of_all = net.step(embedded, torch.from_numpy(memory.observe()), batch)
    np.testing.assert_allclose(policy.start(), features.first + features.unit * np.sinh(number), rtol=1e-4)
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


@pytest.mark.parametrize("kind", [ROUTES, ASSIGNMENT])
def test_the_file_lists_every_tensor(kind: PolicyKind) -> None:
    """Names and shapes of a file are those of the network."""
    for config in (NetworkSize(), NetworkSize(hidden=8, layers=1, heads=2, step_hidden=4, step_layers=3)):
        found = {name: tuple(tensor.shape) for name, tensor in RouteNetwork(config, kind).state_dict().items()}
        assert found == tensor_shapes(kind, config)


def test_small_and_large_instances_in_one_batch_are_refused() -> None:
    """Instances with fewer than ten neighbours do not fit beside others."""
    features = [RouteFeatures.of(RouteGraph.of(generate(n, seed=n))) for n in (5, 30)]
    with pytest.raises(InputError, match="join instances of more than 10 customers"):
        RouteBatch.of(features)
