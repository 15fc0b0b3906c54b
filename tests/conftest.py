"""Puts this folder on the path, so that tests can import the oracles; threads, clock and cluster of all tests.

Each process of a test has one thread: with several test processes, more threads than cores wait for each other, and the
tests of torch took four times as long.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ray.cluster_utils import Cluster

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is loaded, also by the processes that tests start
settings.register_profile("busy", suppress_health_check=[HealthCheck.too_slow])  # by the wall clock: other programs run
settings.load_profile("busy")


@pytest.fixture
def processor_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure seconds by the processor's time of this process, so that other programs take none of a budget."""
    monkeypatch.setattr(time, "perf_counter", time.process_time)


@pytest.fixture(scope="session")
def ray_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose modules the nodes of `ray_cluster` can import."""
    return tmp_path_factory.mktemp("ray")


@pytest.fixture(scope="session")
def ray_cluster(ray_folder: Path) -> Iterator[Cluster]:
    """A cluster of two nodes; a test that ends a node adds another, see `ray_nodes.add_node`."""
    from ray_nodes import two_nodes

    with two_nodes(ray_folder) as cluster:
        yield cluster
