"""Trainings and their data on a Ray cluster: the results of one process, also when a node ends."""

from __future__ import annotations

import threading
import time
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

pytest.importorskip("ray", reason="needs the ray extra")

from ray_nodes import add_node
from safetensors.torch import load_file

from envs.config import EnvConfig
from lagrl.ray_cluster import connected
from policies.config import PolicyConfig
from policies.network import DiagonalPrecondNet
from train import bc, study
from train.bc.dagger import Round, collect, collect_on
from train.bc.run import MeanActions
from train.choices.config import SeedsConfig
from train.choices.run import ChoiceRun
from train.dataset import States
from train.experts import expert_factory

if TYPE_CHECKING:
    from pathlib import Path

    from ray.cluster_utils import Cluster

CONFIG = EnvConfig(
    n_max=14, n_customers=(8, 14), min_steps=3, max_steps=6, decode_every=1, route_sampler="exact", route_every=200
)
TINY = (
    "--updates 2 --validate-every 2 --instances 2 --validation-instances 1 --validation-customers 8 10 "
    "--policy.hidden 8 --policy.heads 2 --policy.step-hidden 8"
)


def test_labelled_states_are_those_of_one_process(ray_cluster: Cluster) -> None:
    """Equal and in the same order, where expert and small network act; the report counts all visited states."""
    torch.manual_seed(0)
    net = DiagonalPrecondNet(PolicyConfig(hidden=8)).eval()
    task = Round(1, 18, 4, 0.5, noise=0.1)  # three calls, the last with two episodes
    visits: dict[str, list[float]] = {"here": [], "there": []}
    here = collect(
        CONFIG, expert_factory("hwc"), MeanActions(net), task, n_envs=5, seed=3,
        report=lambda kind, visited, text: visits["here"].append(visited),
    )  # fmt: skip
    with connected(ray_cluster.address) as cluster:
        there = collect_on(
            cluster, CONFIG, "hwc", MeanActions(net), task, seed=3,
            report=lambda kind, visited, text: visits["there"].append(visited),
        )  # fmt: skip
    for field in fields(States):
        np.testing.assert_array_equal(getattr(here, field.name), getattr(there, field.name))
    assert sum(visits["here"]) == sum(visits["there"]) > 18
    assert len(visits["there"]) == 3


def test_labelled_choices_are_those_of_one_process(ray_cluster: Cluster) -> None:
    """Equal to the bit, and in the order of the instances."""
    run = ChoiceRun(SeedsConfig(customers=(12, 20), candidates=3, evaluations=2, rules=("kmeans", "sweep")))
    here = run._label([7], 4, None)
    with connected(ray_cluster.address) as run.cluster:
        there = run._label([7], 4, None)
    np.testing.assert_array_equal(here.gain, there.gain)
    for name, array in here.observation.items():
        np.testing.assert_array_equal(array, there.observation[name])


def test_a_bad_address_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is made then; a number of processes here is refused beside an address."""
    monkeypatch.chdir(tmp_path)
    cases = [
        (bc.main, ["--ray", "head"], "'head' given"),
        (study.main, ["--ray", "head"], "'head' given"),
        (study.main, ["--ray", "local", "--jobs", "2"], "--jobs: given with --ray"),
    ]
    for main, words, message in cases:
        assert main(words) == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_study_is_that_of_one_machine(
    ray_cluster: Cluster, ray_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The same policies, although a node ends during the training; a second call trains nothing."""
    words = ["--seeds", "1", "--variants", "steps-alone", "steps", f"--options={TINY} --plot curves.svg"]
    here, there = tmp_path / "here", tmp_path / "there"
    assert study.main([*words, "--folder", str(here), "--jobs", "2"]) == 0
    listed = capfd.readouterr().out

    def kill() -> None:
        deadline = time.monotonic() + 300.0
        while not (there / "checkpoints/full-0.finished").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(2.0)  # two trainings have begun, one on each node
        (doomed,) = ray_cluster.worker_nodes
        ray_cluster.remove_node(doomed, allow_graceful=False)

    thread = threading.Thread(target=kill)
    thread.start()
    on_cluster = [*words, "--folder", str(there), "--ray", ray_cluster.address]
    try:
        assert study.main(on_cluster) == 0
    finally:
        thread.join()
        add_node(ray_cluster, ray_folder)
    names = sorted(path.name for path in (here / "checkpoints").glob("*.safetensors"))
    assert names == ["full-0.safetensors", "steps-0.safetensors", "steps-alone-0.safetensors"]
    for name in names:
        one, other = (load_file(folder / "checkpoints" / name) for folder in (here, there))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)
    pictures = [[path.relative_to(folder) for path in sorted(folder.rglob("*.svg"))] for folder in (here, there)]
    assert pictures[0] == pictures[1]
    assert [path.parent.name for path in pictures[0]] == ["full-0", "steps-0", "steps-alone-0"]
    said = capfd.readouterr()
    assert without_seconds(said.out) == without_seconds(listed)
    assert said.err.count("$ python") == 3
    assert study.main(on_cluster) == 0
    assert "$ python" not in capfd.readouterr().err


def without_seconds(text: str) -> list[str]:
    """The lines about the trainings, without their seconds and without those of Ray about the node."""
    return [line.rpartition(",")[0] for line in text.splitlines() if line.startswith("steps")]
