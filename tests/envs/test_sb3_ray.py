"""Environments in actors of a Ray cluster: the results of one process, and an error when a node ends."""

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("ray", reason="needs the ray extra")
pytest.importorskip("stable_baselines3", reason="needs the rl extra")

from ray_nodes import add_node, node_of

from envs.config import EnvConfig
from envs.env_worker import CLOSING_SECONDS
from envs.sb3 import LagrangianVecEnv
from envs.sb3_processes import LagrangianSubprocVecEnv
from envs.sb3_ray import RayVecEnv
from lagrl.errors import InputError, WorkerError
from lagrl.ray_cluster import connected

if TYPE_CHECKING:
    from pathlib import Path

    from ray.cluster_utils import Cluster

CONFIG = EnvConfig(n_max=16, n_customers=(6, 12), max_steps=6, min_steps=2, route_sampler="product", shots=8)
N_ENVS = 5


def timeless(infos: list[dict[str, Any]]) -> str:
    """Infos as text, without the seconds."""
    return repr([info | {"episode": info["episode"] | {"t": 0}} if "episode" in info else info for info in infos])


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    """Observations are equal to the bit, with the same types, and can be written to."""
    assert one.keys() == other.keys()
    for name, array in one.items():
        assert array.dtype == other[name].dtype
        assert other[name].flags.writeable
        np.testing.assert_array_equal(array, other[name])


def test_actors_give_the_results_of_one_process(ray_cluster: Cluster) -> None:
    """Observations, rewards, ends and infos are equal to the bit over many episodes, from two actors on two nodes."""
    single = LagrangianVecEnv(CONFIG, N_ENVS, seed=3)
    actors = RayVecEnv(CONFIG, N_ENVS, seed=3, address=ray_cluster.address)
    try:
        nodes = actors._ask_all(node_of)
        assert len(set(nodes)) == 2
        n_ended = 0
        for seed in (None, 8):
            if seed is not None:
                assert single.seed(seed) == actors.seed(seed)
            assert_same(single.reset(), actors.reset())
            for step in range(12):
                moves = np.random.default_rng([1, step]).uniform(-1, 1, (N_ENVS, 16)).astype(np.float32)
                expected, found = single.step(moves), actors.step(moves)
                assert_same(expected[0], found[0])
                np.testing.assert_array_equal(expected[1], found[1])
                np.testing.assert_array_equal(expected[2], found[2])
                assert timeless(expected[3]) == timeless(found[3])
                n_ended += int(found[2].sum())
        assert n_ended > 2 * N_ENVS
        assert single.observation_space == actors.observation_space
        with pytest.raises(InputError, match="phase: 9 given"):
            actors.set_phase(9)  # an error of lagrl leaves the actors at work
        actors.reset()
    finally:
        actors.close()
    actors.close()  # twice is allowed


def test_arguments_are_those_of_processes() -> None:
    """The same names, order, types and defaults, and an address."""
    ours, theirs = (dict(inspect.signature(kind).parameters) for kind in (RayVecEnv, LagrangianSubprocVecEnv))
    assert ours.pop("address").default is None
    assert list(ours.values()) == list(theirs.values())


def test_mistakes_are_refused(ray_cluster: Cluster) -> None:
    """More actors than CPUs would never start; without an address there must be a connection."""
    with pytest.raises(InputError, match="processes: 3 given; the cluster has 2 CPUs"):
        RayVecEnv(CONFIG, N_ENVS, address=ray_cluster.address, processes=3)
    with pytest.raises(InputError, match="address: this process is connected to no cluster"):
        RayVecEnv(CONFIG, N_ENVS)
    with pytest.raises(InputError, match="n_envs: 0 given"):
        RayVecEnv(CONFIG, 0, address=ray_cluster.address)


def test_a_cluster_without_a_free_cpu_is_an_error(ray_cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Actors that cannot start are not waited for without end; those at work go on."""
    first = RayVecEnv(CONFIG, N_ENVS, address=ray_cluster.address)
    try:
        monkeypatch.setattr("envs.sb3_ray.STARTING_SECONDS", 1)
        start = time.monotonic()
        with pytest.raises(
            WorkerError, match=r"environments 0 to \d: no CPU of the cluster became free within 1 s; see"
        ):
            RayVecEnv(CONFIG, N_ENVS)
        assert time.monotonic() - start < CLOSING_SECONDS  # actors that never ran have nothing to close
        first.reset()
    finally:
        first.close()


def test_a_node_lost_during_the_start_is_left_out(ray_cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer actors start then and give the same results; a number of actors that is too large now is an error."""
    import ray

    counted, listed = ray.cluster_resources, ray.nodes
    counts: list[dict[str, float]] = []
    nodes: list[list[dict[str, object]]] = []
    monkeypatch.setattr(ray, "cluster_resources", lambda: counts.pop() if counts else counted())
    monkeypatch.setattr(ray, "nodes", lambda: nodes.pop() if nodes else listed())
    lost = {"NodeID": "lost", "Alive": True}  # a killed node, as Ray counts it until it notices

    def lose() -> None:
        counts[:] = [{"CPU": 3.0}]
        nodes[:] = [[*listed(), lost]]

    monkeypatch.setattr("envs.sb3_ray.STARTING_SECONDS", 60)
    with connected(ray_cluster.address):
        lose()
        actors = RayVecEnv(CONFIG, N_ENVS, seed=3)
        try:
            assert [len(worker.envs) for worker in actors._workers] == [2, 3]
            assert_same(LagrangianVecEnv(CONFIG, N_ENVS, seed=3).reset(), actors.reset())
        finally:
            actors.close()
        lose()
        with pytest.raises(InputError, match="processes: 3 given; the cluster has 2 CPUs"):
            RayVecEnv(CONFIG, N_ENVS, processes=3)
        monkeypatch.setattr("envs.sb3_ray._STARTS", 1)
        lose()
        with pytest.raises(WorkerError, match=r"environment.*: a node of the cluster ended during the start; see"):
            RayVecEnv(CONFIG, N_ENVS)
        monkeypatch.setattr(ray, "cluster_resources", dict)
        with pytest.raises(InputError, match="address: its nodes offer no CPU; start nodes with --num-cpus"):
            RayVecEnv(CONFIG, N_ENVS)


@pytest.mark.slow
def test_a_node_killed_before_the_start_is_left_out(ray_cluster: Cluster, ray_folder: Path) -> None:
    """Ray counts its CPU for some time; the actors start on the other nodes when it notices."""
    import ray

    (doomed,) = ray_cluster.worker_nodes
    add_node(ray_cluster, ray_folder)
    with connected(ray_cluster.address):
        ray_cluster.remove_node(doomed, allow_graceful=False)
        assert ray.cluster_resources()["CPU"] == 3, "Ray noticed the end at once; this test shows nothing"
        actors = RayVecEnv(CONFIG, N_ENVS)
        try:
            assert len(actors._workers) == 2
            actors.reset()
        finally:
            actors.close()


@pytest.mark.slow
def test_a_killed_node_is_an_error_of_one_line(ray_cluster: Cluster, ray_folder: Path) -> None:
    """The step that notices it names the environments, and the environment is closed then."""
    actors = RayVecEnv(CONFIG, N_ENVS, address=ray_cluster.address)
    actors.reset()
    (doomed,) = ray_cluster.worker_nodes
    ray_cluster.remove_node(doomed, allow_graceful=False)
    with pytest.raises(
        WorkerError, match=r"environments \d to \d: a worker .* ended \(\w+: killed, .*; make a new environment"
    ):
        for _ in range(3000):  # its processes end some moments later
            actors.step(np.zeros((N_ENVS, 16), np.float32))
            time.sleep(0.02)
    with pytest.raises(WorkerError, match="the workers have ended"):
        actors.reset()
    add_node(ray_cluster, ray_folder)
