"""Trainings of a route policy's steps in the environment: cloning, PPO, their commands and their continuation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from route_weights import SMALL, random_checkpoint
from torch.distributions import MultivariateNormal

from envs.route.action import POLICY_ACTION
from lagrl.bounds.route_checkpoint import load_route_policy, save_route_policy
from lagrl.bounds.route_policy import RoutePolicy
from lagrl.errors import InputError
from train.archive import RECORD_FILE
from train.curves import read_curves
from train.ppo import main as train_ppo
from train.route_bc import main as train_bc
from train.route_ppo import main as train_route_ppo
from train.route_steps.ascents import NetworkAscents, environment
from train.route_steps.config import RouteBCConfig, RoutePPOConfig
from train.route_steps.expert_steps import RouteBCRun
from train.route_steps.ppo import RoutePPORun, log_ratio

if TYPE_CHECKING:
    from collections.abc import Callable

TINY: dict[str, Any] = {
    "instances": 2,
    "horizon": (3, 4),
    "customers": (11, 14),
    "validation_instances": 2,
    "validation_customers": (11, 13),
    "budgets": (2, 4),
    "seed": 3,
}
WORDS = ["--instances", "2", "--horizon", "3", "4", "--customers", "11", "14", "--validation-instances", "2"]
WORDS += ["--validation-customers", "11", "13", "--budgets", "2", "4", "--seed", "3", "--updates", "4"]
WORDS += ["--validate-every", "2", "--init", "start"]


@pytest.fixture(autouse=True)
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small route policy in the working folder, `start`."""
    monkeypatch.chdir(tmp_path)
    save_route_policy("start", random_checkpoint(0, 0.1).weights, SMALL, {"name": "start"})
    return tmp_path / "start"


def bc(**changes: Any) -> RouteBCRun:
    """A small run of cloning."""
    return RouteBCRun(RouteBCConfig(**TINY | {"init": "start"} | changes))


def ppo(**changes: Any) -> RoutePPORun:
    """A small run of PPO."""
    return RoutePPORun(RoutePPOConfig(**TINY | {"init": "start", "group": 3} | changes))


def test_the_learner_steps_as_its_controller_does() -> None:
    """In an ascent without noise, actions of the network in torch move as `RoutePolicy` in numpy."""
    run = ppo(most_load=60)
    _, relaxation, evaluations, problems = run.draw()
    config = environment(run.config, relaxation, evaluations, route_every=9, reference_evaluations=0)
    assert config.action == POLICY_ACTION
    ascents = NetworkAscents(config, problems, run.net, 2, run.seed())
    weights = run.net.weights()
    for _ in range(evaluations - 1):
        memories = [episode.observer.memory for episode in ascents.batch.episodes]
        wanted = [
            episode.dual.clip(RoutePolicy(weights, memory.features).step(memory))
            for episode, memory in zip(ascents.batch.episodes, memories, strict=True)
        ]
        _, own, of_all = ascents.look()
        ascents.batch.step(ascents.actions(own, of_all))
        for episode, vector in zip(ascents.batch.episodes, wanted, strict=True):
            np.testing.assert_allclose(episode.trail[-1], vector, rtol=1e-4, atol=1e-4 * episode.dual.scale)
    assert len(ascents.over) == len(problems)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_expert_labels_every_state(share: float) -> None:
    """Where the expert acts, its label is the next point; where the learner acts, the network's step is."""
    run = bc(expert="volume")
    rng, relaxation, evaluations, problems = run.draw()
    states, targets = run.collect(rng, relaxation, evaluations, problems[:1], share)
    assert len(targets) == len(states.moments) == evaluations - 1
    following = targets
    if share:
        vectors = run.following(states).detach().numpy()
        following = np.split(vectors, len(targets))
    for wanted, moment in zip(following[:-1], states.moments[1:], strict=True):
        inside = moment.multipliers > 0  # others may have been clipped
        np.testing.assert_allclose(moment.multipliers[inside], wanted[inside], rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("expert", ["bundle", "cfm", "volume"])
def test_cloning_comes_closer_to_the_expert(expert: str) -> None:
    """Sixty fits to one set of states leave much less of the expert's steps than zero steps of equal length do."""
    run = bc(expert=expert, steps=60, learning_rate=0.01, updates=2)
    first = run.update()
    assert first["learner"] == 0.0
    run.updates = 0
    assert run.update()["error"] < 0.8 * first["error"]


def test_only_the_steps_are_trained() -> None:
    """The start's weights stay as they are; a clone's steps begin at random, those of PPO as they were."""
    initial = load_route_policy("start").weights
    for run, keeps_steps in ((bc(), False), (ppo(), True)):
        before = run.net.weights()
        assert np.array_equal(before["step_head.weight"], initial["step_head.weight"]) is keeps_steps
        run.update()
        after = run.net.weights()
        for name in initial:
            if name.startswith("start_"):
                np.testing.assert_array_equal(after[name], initial[name])
        assert not np.array_equal(after["step_head.weight"], before["step_head.weight"])


def test_the_ratio_is_that_of_the_densities() -> None:
    """It has the density along the mean, and the root of degree n − 1 of the rest of the joint Gaussian's."""
    run = ppo()
    _, relaxation, evaluations, problems = run.draw()
    config = environment(run.config, relaxation, evaluations, route_every=9, reference_evaluations=0)
    ascents = NetworkAscents(config, problems, run.net, 2, [0])
    sizes = ascents.graph.sizes
    rng = torch.Generator().manual_seed(0)
    drawn, before, present = (
        (torch.randn(sum(sizes), 2, generator=rng), torch.randn(len(sizes), 2, generator=rng)) for _ in range(3)
    )
    sigma, tau = 0.7, 0.4
    found = log_ratio(drawn, before, present, ascents.graph, sigma, tau)

    def parts(mean: tuple[torch.Tensor, torch.Tensor], k: int) -> float:
        begin, n = sum(sizes[:k]), sizes[k]
        total = 0.0
        for column in range(2):
            difference = (drawn[0] - mean[0])[begin : begin + n, column]
            joint = MultivariateNormal(torch.zeros(n), sigma**2 * torch.eye(n) + tau**2).log_prob(difference)
            average = difference.mean()
            common = torch.distributions.Normal(0.0, (tau**2 + sigma**2 / n) ** 0.5).log_prob(average)
            total += float(common + (joint - common) / (n - 1))
        return total + float(torch.distributions.Normal(0.0, tau).log_prob((drawn[1] - mean[1])[k]).sum())

    wanted = [parts(present, k) - parts(before, k) for k in range(len(sizes))]
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-3, atol=1e-3)


def test_advantages_compare_ascents_of_an_instance() -> None:
    """At each step the advantages of an instance's ascents add up to 0, and better ascents have larger ones."""
    run = ppo(exact_share=0.0)
    rng, relaxation, evaluations, problems = run.draw()
    states, drawn, before, advantages, returns = run.collect(rng, relaxation, evaluations, problems)
    assert len(returns) == len(problems) * 3
    assert len(advantages) == len(states) == len(drawn) == len(before) == len(returns) * (evaluations - 1)
    table = advantages.numpy().reshape(evaluations - 1, len(problems), 3)
    np.testing.assert_allclose(table.sum(axis=2), 0.0, atol=1e-4)
    for own, gained in zip(table[0], returns.reshape(len(problems), 3), strict=True):
        assert list(np.argsort(own)) == list(np.argsort(gained))


def test_ppo_finds_better_steps() -> None:
    """A hundred updates on one instance close more of the gap than the initial random steps did."""
    run = ppo(updates=400, learning_rate=0.01, noise=0.3, shared_noise=0.3, group=8, instances=1, paths_share=1.0)
    run.draw = _same_draw(run.draw())
    gains = []
    for _ in range(100):
        gains.append(run.update()["return"])
    assert np.mean(gains[-10:]) > np.mean(gains[:10]) + 0.1


def _same_draw(first: tuple[Any, ...]) -> Callable[[], tuple[Any, ...]]:
    return lambda: first


def test_each_stage_is_a_checkpoint_for_the_next() -> None:
    """Cloning, PPO on the gap and PPO on the routes follow each other; each card says how it was made."""
    assert train_bc([*WORDS, "--out", "clone"]) == 0
    words = [word if word != "start" else "clone" for word in WORDS]
    assert train_route_ppo([*words, "--group", "2", "--out", "gap"]) == 0
    words = [word if word != "start" else "gap" for word in WORDS]
    assert train_route_ppo([*words, "--group", "2", "--phase", "3", "--out", "cost"]) == 0
    for name, parent, text in (("clone", "start", "'bundle'"), ("gap", "clone", "phase 2"), ("cost", "gap", "phase 3")):
        card = load_route_policy(name).card
        assert card["training"]["parent"] == parent
        assert text in card["description"]
    assert "Clarke and Wright" in load_route_policy("cost").card["selection"]["figure"]
    rows = read_curves(Path("runs/gap/curves.jsonl"))
    assert [row["step"] for row in rows] == [1, 2, 3, 4]


@pytest.mark.parametrize(("train", "name"), [(train_bc, "bc"), (train_route_ppo, "ppo")])
def test_a_resumed_run_ends_as_one_without_a_break(
    train: Callable[[list[str]], int], name: str, tmp_path: Path
) -> None:
    """A run that ends after some updates and is resumed has the weights of one that went on."""
    assert train([*WORDS, "--out", "whole"]) == 0
    assert train([*WORDS, "--out", "broken", "--minutes", "0.00001"]) == 0
    record = json.loads((tmp_path / "runs" / "broken" / RECORD_FILE).read_text())["record"]["run"]
    assert record["updates"] < 4
    assert train(["--resume", "runs/broken", "--out", "broken"]) == 0
    whole, broken = load_route_policy("whole"), load_route_policy("broken")
    assert whole.fingerprint == broken.fingerprint
    assert whole.card["selection"] == broken.card["selection"]


def test_other_checkpoints_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A policy of the assignment relaxation trains no route policy, and the reverse; neither makes a folder."""
    for train in (train_bc, train_route_ppo):
        assert train(["--init", "checkpoints/ppo-small", "--out", "a"]) == 2
        assert "does not hold a route policy" in capsys.readouterr().err
    assert train_ppo(["--init", "start", "--out", "a"]) == 2
    assert "is a route policy" in capsys.readouterr().err


def test_ppo_never_ends_below_its_start() -> None:
    """The initial policy is a candidate: a run that only loses keeps it."""
    run = ppo()
    run.prepare()
    assert run.best is not None
    assert run.best.step == 0


@pytest.mark.parametrize(
    ("config", "field", "value"),
    [
        (RouteBCConfig, "learner", (0.0, 1.5)),
        (RouteBCConfig, "noise", -1.0),
        (RouteBCConfig, "horizon", (1, 5)),
        (RouteBCConfig, "steps", 0),
        (RoutePPOConfig, "group", 1),
        (RoutePPOConfig, "phase", 1),
        (RoutePPOConfig, "noise", 0.0),
        (RoutePPOConfig, "route_every", 0),
        (RoutePPOConfig, "most_load", 0),
        (RoutePPOConfig, "seed", -1),
    ],
)
def test_values_out_of_range_are_named(config: type, field: str, value: object) -> None:
    """Each is one error with its field."""
    with pytest.raises(InputError) as caught:
        config(**{field: value})
    assert caught.value.field == field


def test_states_of_several_instances_are_independent() -> None:
    """The numbers of a state are the same alone and beside others."""
    run = ppo()
    rng, relaxation, evaluations, problems = run.draw()
    states, _, before, _, _ = run.collect(rng, relaxation, evaluations, problems)
    graph = states.graph()
    own, of_all = states.numbers(run.net, graph)
    n = graph.sizes[0]
    first = states.chosen([0])
    alone = first.numbers(run.net, first.graph())
    torch.testing.assert_close(before[0][0], alone[0])
    torch.testing.assert_close(own[:n], alone[0])
    torch.testing.assert_close(of_all[:1], alone[1])
