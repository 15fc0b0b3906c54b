"""Training of route policies: the gradient, the commands, and their continuation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from lagrl.bounds.learned_ascent import LearnedAscent
from lagrl.bounds.route_checkpoint import load_route_policy
from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_features import N_NEAREST, RouteFeatures
from lagrl.bounds.route_graph import RouteGraph
from lagrl.bounds.trivial import trivial_bound
from lagrl.controllers.assignment_policy import ASSIGNMENT
from lagrl.controllers.graph_attention import NetworkSize
from lagrl.controllers.policy_checkpoint import load_policy
from lagrl.errors import InputError
from lagrl.problems.generate import generate
from policies.route_network import RouteBatch, RouteNetwork
from train.curves import read_curves
from train.start import main as train_start
from train.unroll import main as train_unroll
from train.unroll.assignment_rollout import draw_assignment, unroll_assignment
from train.unroll.config import StartConfig, UnrollConfig
from train.unroll.instances import draw_problem, validation_graphs
from train.unroll.rollout import LAST_WEIGHT, Ascents, unroll
from train.unroll.run import UnrollRun

if TYPE_CHECKING:
    from pathlib import Path

TINY = (
    "--instances 2 --customers 11 14 --large-customers 15 18 --validation-instances 2 --validation-customers 8 12 "
    "--policy.hidden 8 --policy.layers 1 --policy.heads 2 --policy.step-hidden 8 --policy.step-layers 1 --seed 3"
)
UNROLL = f"--updates 6 --validate-every 3 --horizon 2 3 --long-horizon 4 --budgets 2 4 {TINY}".split()


def test_the_gradient_of_a_start_is_exact() -> None:
    """One evaluation's loss has the derivative of −L / S along any direction of the start's weights."""
    network = RouteNetwork(NetworkSize(hidden=8, layers=1, heads=2, step_hidden=8, step_layers=1)).double()
    duals = [RouteDual(RouteGraph.of(generate(14, seed=2), most_load=60))]
    ascents = Ascents.of(duals)
    batch = ascents.batch
    object.__setattr__(batch, "nodes", batch.nodes.double())
    object.__setattr__(batch, "edges", batch.edges.double())
    object.__setattr__(batch, "mean", batch.mean.double())
    loss, values = unroll(network, ascents, 1)
    loss.backward()
    bias = network.start_head.bias
    slope = float(bias.grad[0])
    step = 1e-4
    found = []
    for sign in (1.0, -1.0):
        with torch.no_grad():
            bias += sign * step
        found.append(unroll(network, ascents, 1)[1][0][0])
        with torch.no_grad():
            bias -= sign * step
    scale = max(abs(values[0][0]), trivial_bound(duals[0].graph) / (2.0 * duals[0].graph.scale))
    assert slope == pytest.approx(-(found[0] - found[1]) / (2 * step) / scale, rel=0.05)


def test_training_raises_the_start() -> None:
    """Forty updates of the start on one instance raise its first value by more than a tenth."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = RouteNetwork(NetworkSize(hidden=8, layers=1, heads=2, step_hidden=8, step_layers=1))
    ascents = Ascents.of([RouteDual(RouteGraph.of(generate(14, seed=2), most_load=60))])
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    values = []
    for _ in range(40):
        loss, ((value,),) = unroll(network, ascents, 1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(value)
    assert max(values) > values[0] + 0.1 * abs(values[0])


def test_the_gradient_of_an_assignment_start_is_exact() -> None:
    """One evaluation's loss has the derivative of −L / S along the bias of the start."""
    network = RouteNetwork(NetworkSize(hidden=8, layers=1, heads=2, step_hidden=8, step_layers=1), ASSIGNMENT)
    config = UnrollConfig(relaxation="assignment")
    warm = draw_assignment(config, np.random.default_rng(1), (14, 14))
    loss, values = unroll_assignment(network, [warm], 1)
    loss.backward()
    bias, step, found = network.start_head.bias, 1e-3, []
    slope = float(bias.grad[0])
    for sign in (1.0, -1.0):
        with torch.no_grad():
            bias += sign * step
        found.append(unroll_assignment(network, [warm], 1)[1][0][0])
        with torch.no_grad():
            bias -= sign * step
    scale = max(abs(values[0][0]), float(warm.dual.problem.cost.min(axis=0).sum()))
    below, above = (-(found[k] - values[0][0]) * sign / step / scale for k, sign in ((0, 1.0), (1, -1.0)))
    assert min(below, above) - 1e-3 <= slope <= max(below, above) + 1e-3  # L may have a kink there


def test_later_steps_of_an_assignment_reach_the_start() -> None:
    """The loss of an ascent has a gradient with respect to start and steps."""
    network = RouteNetwork(NetworkSize(hidden=8, layers=1, heads=2, step_hidden=8, step_layers=1), ASSIGNMENT)
    config = UnrollConfig(relaxation="assignment")
    rng = np.random.default_rng(2)
    loss, values = unroll_assignment(network, [draw_assignment(config, rng, (15, 30)) for _ in range(2)], 4)
    loss.backward()
    assert [len(each) for each in values] == [4, 4]
    for head in (network.start_head, network.step_head, network.step_pooled):
        assert float(head.weight.grad.abs().sum()) > 0.0


def test_a_policy_of_the_assignment_dual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--relaxation assignment makes its own kind of policy, resumable, and refuses to begin with a route policy."""
    monkeypatch.chdir(tmp_path)
    options = ["--relaxation", "assignment", *UNROLL]
    assert train_unroll([*options, "--out", "whole"]) == 0
    assert train_unroll([*options, "--out", "broken", "--minutes", "0.00001"]) == 0
    assert train_unroll(["--resume", "runs/broken", "--out", "broken"]) == 0
    whole, broken = (load_policy(ASSIGNMENT, name) for name in ("whole", "broken"))
    assert whole.fingerprint == broken.fingerprint
    assert whole.card["kind"] == "assignment"
    assert train_start(["--updates", "1", *TINY.split(), "--out", "route"]) == 0
    assert train_unroll([*options, "--init", "route", "--out", "other"]) == 2
    assert "does not hold an assignment policy" in capsys.readouterr().err


def test_later_steps_reach_the_start() -> None:
    """The loss of an ascent has a gradient with respect to start and steps, and weighs its last evaluation most."""
    network = RouteNetwork(NetworkSize(hidden=8, layers=1, heads=2, step_hidden=8, step_layers=1))
    ascents = Ascents.of([RouteDual(RouteGraph.of(generate(14, seed=k), most_load=60)) for k in (2, 3)])
    loss, values = unroll(network, ascents, 4)
    loss.backward()
    assert [len(each) for each in values] == [4, 4]
    assert LAST_WEIGHT > 1.0
    for head in (network.start_head, network.step_head, network.step_pooled):
        assert float(head.weight.grad.abs().sum()) > 0.0


def test_both_commands_make_one_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The start's checkpoint begins the ascent's training; the same commands give the same weights bit for bit."""
    monkeypatch.chdir(tmp_path)
    digests = []
    for name in ("a", "b"):
        assert train_start(["--updates", "3", "--validate-every", "3", *TINY.split(), "--out", f"{name}-start"]) == 0
        assert train_unroll(["--init", f"{name}-start", *UNROLL, "--out", f"{name}-policy"]) == 0
        digests.append(load_route_policy(f"{name}-policy").fingerprint)
    assert digests[0] == digests[1]
    card = load_route_policy("a-policy").card
    assert card["training"]["parent"] == "a-start"
    assert set(card["selection"]["policy"]) == {"2", "4"}
    rows = read_curves(tmp_path / "runs" / "a-policy" / "curves.jsonl")
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert "validation/4" in rows[2]


def test_a_resumed_run_ends_as_one_without_a_break(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends after some updates and is resumed has the weights of one that went on."""
    monkeypatch.chdir(tmp_path)
    words = [*UNROLL, "--without", "fleet"]
    assert train_unroll([*words, "--out", "whole"]) == 0
    assert train_unroll([*words, "--out", "broken", "--minutes", "0.00001"]) == 0
    record = json.loads((tmp_path / "runs" / "broken" / "archive.json").read_text())["record"]["run"]
    assert record["updates"] < 6
    assert train_unroll(["--resume", "runs/broken", "--out", "broken"]) == 0
    whole, broken = load_route_policy("whole"), load_route_policy("broken")
    assert whole.fingerprint == broken.fingerprint
    assert whole.card["selection"] == broken.card["selection"]


@pytest.mark.parametrize(
    ("part", "in_torch"),
    [
        (
            "neighbours",
            ["start_trunk.embed.weight", "start_trunk.layers.0.edge.weight", "step_trunk.layers.0.edge.weight"],
        ),
        ("fleet", ["start_pooled.weight", "start_pooled.bias"]),
    ],
)
def test_parts_stay_without_effect(
    part: str, in_torch: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training changes all tensors as ever, but leaves the part's entries as they were set."""
    monkeypatch.chdir(tmp_path)
    size = NetworkSize(hidden=8, layers=1, heads=2, step_hidden=8, step_layers=1)
    before = UnrollRun(UnrollConfig(seed=3, without=(part,), policy=size), "unroll").net.weights()
    assert train_unroll([*UNROLL, "--without", part, "--out", "whole"]) == 0
    for name, tensor in load_route_policy("whole").weights.items():
        kept = tensor == before[name]
        if name in in_torch:
            fixed = kept & (tensor == 0.0)
            assert fixed.any(), name
        elif not name.endswith(("_pooled.weight", "_pooled.bias")):  # which may have no gradient
            assert not kept.all() or tensor.size < 5, name


def test_a_network_of_customers_alone_is_trained_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --policy.nearest 0 a customer's start depends on the others by their mean only; the shipped has ten."""
    monkeypatch.chdir(tmp_path)
    assert train_unroll([*UNROLL, "--policy.nearest", "0", "--out", "alone"]) == 0
    checkpoint = load_route_policy("alone")
    assert checkpoint.policy.nearest == 0
    assert load_route_policy().policy.nearest == N_NEAREST
    dual = RouteDual(RouteGraph.of(generate(14, seed=2)))
    ascent = LearnedAscent(checkpoint)
    found = ascent.start(dual, budget=3, rng=np.random.default_rng(0))
    features = RouteFeatures.of(dual.graph, arcs=0)
    with torch.no_grad():
        network = RouteNetwork(checkpoint.policy)
        network.load_state_dict({name: torch.from_numpy(tensor.copy()) for name, tensor in checkpoint.weights.items()})
        batch = RouteBatch.of([features])
        ratio, routes = network.start(network.embed(batch), batch)
    np.testing.assert_allclose(found[:-1], features.unit * np.exp(ratio.numpy()), rtol=1e-5)
    np.testing.assert_allclose(found[-1], max(0.0, features.route_unit * float(routes)), rtol=1e-5)


def test_classes_are_held_out() -> None:
    """No instance of training and validation is of such a class, and without one the same are drawn as ever."""
    config = UnrollConfig(held_out=("demand=SL", "depot=E"), customers=(20, 30), validation_customers=(20, 30))
    rng = np.random.default_rng(0)
    words = set(" ".join(draw_problem(config, rng, (20, 30)).comment for _ in range(60)).split())
    words |= set(" ".join(graph.problem.comment for graph in validation_graphs(config)).split())
    assert words.isdisjoint(config.held_out)
    assert {"demand=Q", "depot=R", "depot=C", "roads"} <= words
    first = draw_problem(UnrollConfig(), np.random.default_rng(1), (20, 30))
    assert not set(config.held_out) & set(first.comment.split())
    assert draw_problem(config, np.random.default_rng(1), (20, 30)).comment == first.comment


def test_a_start_of_another_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--init with another network names the option and the size."""
    monkeypatch.chdir(tmp_path)
    assert train_start(["--updates", "1", *TINY.split(), "--out", "small"]) == 0
    assert train_unroll(["--init", "small", "--updates", "1", "--out", "large"]) == 2
    assert "--init" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("customers", (5, 20)),
        ("customers", (30, 20)),
        ("horizon", (0, 3)),
        ("updates", 0),
        ("long_share", 1.5),
        ("learning_rate", 0.0),
        ("budgets", ()),
        ("seed", -1),
        ("held_out", ("demand=Z",)),
        ("held_out", ("depot=C", "depot=E", "depot=R")),
    ],
)
def test_values_out_of_range_are_named(field: str, value: object) -> None:
    """Each is one error with its field; both configurations check alike."""
    for config in (UnrollConfig, StartConfig):
        with pytest.raises(InputError) as caught:
            config(**{field: value})
        assert caught.value.field == field


def test_ascents_of_one_evaluation_have_finite_values() -> None:
    """The default of the start's training is a horizon of one evaluation."""
    assert StartConfig().horizon == (1, 1)
    assert np.isfinite(UnrollConfig().learning_rate)
