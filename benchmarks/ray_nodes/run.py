"""Seconds of one evaluation on a Ray cluster of one node and of two, each node with one core of this machine.

    python -m benchmarks.ray_nodes.run --out ray-nodes.jsonl

Writes one JSON line per run: nodes, rows, seconds of the whole run (from the connection to the last row on disk), and
the load of the machine at its end. The nodes are started before; each has one core of its own (Linux), and the command
runs on the first one's.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from lagrl.bench.evaluation import Evaluation
from lagrl.bench.provenance import git_revision, versions
from lagrl.bench.run import run
from lagrl.problems.bundled import bundled_path


def main() -> None:
    """Run the evaluation on one node and on two, in turn, and append a line for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="file of lines, appended to")
    parser.add_argument("--repetitions", type=int, default=2, help="runs with each number of nodes (default: 2)")
    parser.add_argument("--seeds", type=int, default=24, help="rows of each run (default: 24)")
    options = parser.parse_args()
    evaluation = Evaluation((bundled_path("G-n51-k6"),), ("cfm",), budgets=(200,), seeds=tuple(range(options.seeds)))
    for _ in range(options.repetitions):
        for n_nodes in (1, 2):
            line = {
                "nodes": n_nodes,
                "rows": options.seeds,
                "seconds": round(measure(evaluation, n_nodes), 3),
                "load": round(os.getloadavg()[0], 2),
                "git_revision": git_revision(),
                "versions": versions("ray"),
            }
            with options.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            print(line)


def measure(evaluation: Evaluation, n_nodes: int) -> float:
    """Return the seconds of an evaluation on a new cluster of `n_nodes` nodes, one core each."""
    from ray.cluster_utils import Cluster

    cores = sorted(os.sched_getaffinity(0))
    cluster = None
    try:
        for core in cores[:n_nodes]:
            os.sched_setaffinity(0, {core})  # the processes of a node inherit it
            if cluster is None:
                cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
            else:
                cluster.add_node(num_cpus=1)
        assert cluster is not None
        os.sched_setaffinity(0, {cores[0]})
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            run(evaluation, Path(folder) / "rows.jsonl", ray=cluster.address)
            return time.perf_counter() - started
    finally:
        os.sched_setaffinity(0, set(cores))
        if cluster is not None:
            cluster.shutdown()


if __name__ == "__main__":
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    main()
