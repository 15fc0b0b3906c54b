"""Training of choice networks: what they learn, the commands, and their continuation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from envs.search.observation import FEATURES
from lagrl.errors import InputError
from policies.choice_checkpoint import load_choice
from policies.choice_network import ChoiceNetworkConfig
from train.choices.config import SeedsConfig, SetsConfig
from train.choices.labels import Labels, best_set, label_seedings, label_sets
from train.choices.run import ChoiceRun
from train.seeds import main as train_seeds
from train.sets import main as train_sets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

NETWORK = "--network.hidden 8 --network.layers 1 --network.heads 2 --seed 3 --epochs 1"
TINY = f"--rounds 2 --instances 1 --validation-instances 1 --customers 12 14 --candidates 3 {NETWORK}".split()
COMMANDS: dict[str, tuple[Callable[[list[str]], int], list[str]]] = {
    "sets": (train_sets, [*TINY, "--moves", "4", "--states", "2"]),
    "seeds": (train_seeds, [*TINY, "--evaluations", "2", "--rules", "kmeans", "sweep"]),
}


def simple_labels(count: int, seed: int) -> Labels:
    """Return choices whose gain is the mean of one feature over the set."""
    rng = np.random.default_rng(seed)
    n, n_sets = 16, 4
    nodes = rng.normal(size=(count, n, len(FEATURES))).astype(np.float32)
    sets = (rng.random((count, n_sets, n)) < 0.3).astype(np.int8)
    sets[:, :, 0] = 1
    observation: dict[str, NDArray[Any]] = {
        "nodes": nodes.astype(np.float16),
        "node_mask": np.ones((count, n), np.int8),
        "neighbours": np.tile(np.arange(5, dtype=np.int16), (count, n, 1)),
        "sets": sets,
    }
    return Labels(observation, ((sets @ nodes)[:, :, 2] / sets.sum(axis=2)).astype(np.float32))


def test_a_network_learns_which_sets_gain() -> None:
    """On choices that one feature decides it comes near the best set, far from a random one."""
    config = SetsConfig(epochs=15, network=ChoiceNetworkConfig(hidden=16, layers=1, heads=2), learning_rate=5e-3)
    run = ChoiceRun(config)
    run.validation = simple_labels(100, seed=1)
    run._fit(simple_labels(300, seed=0))
    scores = run._validate()
    assert scores["chosen"] > scores["mean"] + 0.7 * (scores["best"] - scores["mean"])


def test_labels_of_sets_are_what_the_moves_gain() -> None:
    """They are finite, not negative, the same for the same seed, and others for another."""
    config = SetsConfig(customers=(20, 24), candidates=4, moves=(8,), states=4)
    found = Labels.joined([label_sets(config, [0], index, None) for index in range(2)])
    assert found.gain.shape == (8, 4)
    assert np.isfinite(found.gain).all()
    assert (found.gain >= 0.0).all()
    assert found.gain.max() > 0.0
    again, other = (label_sets(config, [seed], 0, None) for seed in (0, 1))
    assert (again.gain == found.gain[:4]).all()
    assert not np.array_equal(other.gain, again.gain)
    net = ChoiceRun(config).net
    scores = found.scores(net, np.array([1]))
    assert best_set(net, {name: array[1] for name, array in found.observation.items()}) == int(scores.argmax())


def test_labels_of_seedings_are_route_costs_below_the_mean() -> None:
    """Each instance's gains have a mean of 0, and each seeding is a graph of its own."""
    config = SeedsConfig(customers=(12, 20), candidates=3, evaluations=2, rules=("kmeans", "sweep"))
    found = Labels.joined([label_seedings(config, [0], index, None) for index in range(3)])
    assert found.gain.shape == (3, 3)
    assert found.gain.mean(axis=1) == pytest.approx(np.zeros(3), abs=1e-4)
    assert len(found.observation["nodes"]) == 9
    assert found.scores(ChoiceRun(config).net, np.arange(3)).shape == (3, 3)


@pytest.mark.parametrize("choice", ["sets", "seeds"])
def test_a_run_that_was_stopped_ends_with_the_same_weights(
    choice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after a round and resumed, it repeats what an uninterrupted run does, to the bit."""
    monkeypatch.chdir(tmp_path)
    command, arguments = COMMANDS[choice]
    assert command([*arguments, "--out", "whole"]) == 0
    assert command([*arguments, "--out", "parts", "--minutes", "0.00001"]) == 0
    assert command(["--resume", "runs/parts", "--out", "parts"]) == 0
    nets = [load_choice(tmp_path / name, choice) for name in ("whole", "parts")]
    states = [checkpoint.net.state_dict() for checkpoint in nets]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert nets[0].card["selection"] == nets[1].card["selection"]
    assert nets[0].card["training"]["choices"] == nets[1].card["training"]["choices"]


@pytest.mark.parametrize("wrong", [{"rounds": 0}, {"candidates": 1}, {"customers": (5, 4)}, {"temperature": 0.0}])
def test_values_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    """The error names the field."""
    with pytest.raises(InputError, match=next(iter(wrong))):
        SetsConfig(**wrong)
