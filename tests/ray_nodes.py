"""A Ray cluster of two nodes in processes of this machine, for tests."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ray.cluster_utils import Cluster


@contextlib.contextmanager
def two_nodes(importable: Path) -> Iterator[Cluster]:
    """Two nodes of one CPU each; their workers import modules of this checkout and of a folder."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    with _on_path(importable):
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        add_node(cluster, importable)
        yield cluster
    finally:
        cluster.shutdown()


def add_node(cluster: Cluster, importable: Path) -> None:
    """Add a node of one CPU, as the others, and wait until Ray has noticed that removed nodes ended.

    It notices the end of a killed node after about 15 seconds, and counts its CPU until then.
    """
    with _on_path(importable):
        cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes(timeout=120)


def node_of(env: object) -> str:
    """The node that this runs on; environments in actors are asked for it."""
    import ray

    return str(ray.get_runtime_context().get_node_id())


@contextlib.contextmanager
def _on_path(importable: Path) -> Iterator[None]:
    """Let processes that start meanwhile import modules of this checkout, of the tests and of a folder."""
    before = os.environ.get("PYTHONPATH")
    folders = [str(importable), str(Path(__file__).parent), os.getcwd(), *([before] if before else [])]
    os.environ["PYTHONPATH"] = os.pathsep.join(folders)
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
