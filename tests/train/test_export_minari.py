"""Demonstrations of a cloning run: complete episodes, to the bit those of the run, also as a Minari dataset."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from envs.config import EnvConfig
from lagrl.controllers.held_wolfe_crowder import HeldWolfeCrowder
from lagrl.errors import InputError, MissingExtraError
from train.bc import main as train_bc
from train.bc.config import BCConfig
from train.bc.dagger import Round, collect, expert_share
from train.bc.demonstrations import demonstrations
from train.command_line import entry
from train.dataset import States
from train.export_minari import cloning_run, export, main

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

ENV = EnvConfig(n_max=14, n_customers=(6, 12), min_steps=3, max_steps=6, route_sampler="exact", start="zero")
CONFIG = BCConfig(env=ENV, rounds=2, first_episodes=4, episodes=6, held_out=2, seed=5, expert="hwc")
RUN = shlex.split("""
    --rounds 2 --epochs-per-round 1 --first-episodes 4 --episodes 4 --held-out 3 --n-envs 2 --batch-size 8
    --validation-instances 1 --validation-sizes 6 8 --budgets 2 --policy.hidden 8 --policy.heads 2 --policy.layers 1
    --policy.critic-hidden 8 --device cpu --env.n-max 12 --env.n-customers 6 12 --env.min-steps 2 --env.max-steps 5
""")


def still(observation: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    """A learner that always takes the smallest steps."""
    return np.full(observation["node_mask"].shape, -1.0, np.float32)


@pytest.fixture(scope="module")
def states() -> States:
    """Two rounds; in the second one the learner acts in some of the episodes."""
    rounds = [
        collect(
            ENV,
            HeldWolfeCrowder,
            still if number else None,
            Round(number, CONFIG.episodes_of(number), 4 * number, expert_share(CONFIG.beta, number)),
            n_envs=3,
            seed=CONFIG.seed,
        )
        for number in range(2)
    ]
    return States.joined(rounds)


def test_demonstrations_are_the_experts_episodes(states: States) -> None:
    """Every labelled state of the expert's episodes comes in order with its label as action; the learner's are left."""
    found = list(demonstrations(CONFIG, states, 2))
    numbers = [one.number for one in found]
    assert numbers[:4] == [0, 1, 2, 3]
    assert 4 < len(numbers) < 10
    ends = np.cumsum(states.sizes)
    for one in found:
        steps = len(one.rewards)
        own = np.flatnonzero(states.episodes == one.number)
        assert len(own) > 0
        at = 0
        for state in own:
            rows = slice(ends[state] - states.sizes[state], ends[state])
            n = states.sizes[state]
            while not np.array_equal(one.observations["nodes"][at, :n], states.nodes[rows]):
                assert not one.actions[at].any()
                at += 1
            np.testing.assert_array_equal(one.actions[at, :n], states.labels[rows])
            assert not one.actions[at, n:].any()
            at += 1
        assert {name: len(array) for name, array in one.observations.items()} == dict.fromkeys(
            ("nodes", "node_mask", "neighbours"), steps + 1
        )
        assert one.terminations.tolist() == [False] * (steps - 1) + [True]
        assert one.infos["is_over"].tolist() == [False] * steps + [True]
        assert one.rewards.dtype == np.float64
        assert one.rewards.sum() > 0
    assert len(list(demonstrations(CONFIG, states, 1))) == 4


def test_other_episodes_are_refused(states: States) -> None:
    """If the environment gives other states than those of the dataset, the error names the episode and the remedy."""
    changed = states.nodes.copy()
    changed[-int(states.sizes[states.episodes >= 1].sum()), 0] += 0.5
    with pytest.raises(InputError, match=r"episode 1: state 1 of \d+ does not come again; export with the version"):
        list(demonstrations(CONFIG, replace(states, nodes=changed), 2))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a finished small run; Minari stores beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    assert train_bc([*RUN, "--out", "checkpoints/mine"]) == 0
    return Path("runs/mine")


def test_minari_gives_the_demonstrations_back(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The dataset has the same arrays to the bit, and its environment plays the episodes again."""
    minari = pytest.importorskip("minari", reason="needs the minari extra")
    pytest.importorskip("h5py", reason="needs the minari extra")
    assert main([str(run), "--id", "lagrl/mine-v0", "--author", "Me"]) == 0
    assert "lagrl/mine-v0: " in capsys.readouterr().out
    trained = cloning_run(run)
    assert trained.states is not None
    expected = list(demonstrations(trained.config, trained.states, 2))
    dataset = minari.load_dataset("lagrl/mine-v0")
    assert dataset.total_episodes == len(expected)
    assert dataset.total_steps == sum(len(one.rewards) for one in expected)
    assert dataset.storage.metadata["algorithm_name"] == "lagrl expert hwc"
    env = dataset.recover_environment()
    assert env.unwrapped.config == trained.config.env
    assert env.observation_space == dataset.observation_space
    metadata = dataset.storage.get_episode_metadata(range(len(expected)))
    for one, found, about in zip(expected, dataset.iterate_episodes(), metadata, strict=True):
        assert found.observations.keys() == one.observations.keys()
        for name, array in one.observations.items():
            assert found.observations[name].dtype == array.dtype
            np.testing.assert_array_equal(found.observations[name], array)
        np.testing.assert_array_equal(found.actions, one.actions)
        np.testing.assert_array_equal(found.rewards, one.rewards)
        np.testing.assert_array_equal(found.terminations, one.terminations)
        assert not found.truncations.any()
        np.testing.assert_array_equal(found.infos["best_route_cost"], one.infos["best_route_cost"])
        assert about["number"] == one.number
        env.unwrapped.np_random = np.random.default_rng(about["generator"].tolist())
        env.reset()
        assert [env.step(action)[1] for action in found.actions] == one.rewards.tolist()
    with pytest.raises(InputError, match=r"the dataset exists; give another version.*minari delete lagrl/mine-v0"):
        export(trained, "lagrl/mine-v0")
    trained.states = replace(trained.states, nodes=trained.states.nodes + 1)
    with pytest.raises(InputError, match="does not come again"):
        export(trained, "lagrl/mine-v1")
    assert minari.list_local_datasets().keys() == {"lagrl/mine-v0"}


def test_mistakes_are_reported_in_one_line(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder without a run, a wrong identifier and missing packages; nothing is written."""
    monkeypatch.setitem(sys.modules, "minari", None)
    with pytest.raises(MissingExtraError, match=r"needs (minari|h5py).*pip install -c constraints.txt '\.\[minari\]'"):
        export(cloning_run(run), "lagrl/mine-v0")
    for arguments, said in (([str(run), "--id", "mine"], "--id: 'mine' given"), (["runs"], "no archive there")):
        assert entry("export", "train.export_minari", arguments) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert line.startswith("export: error: ")
        assert said in line
    assert not Path("minari").exists()
