"""Rows made on a Ray cluster: those of one process, none lost or doubled when a node ends, and mistakes in one line."""

from __future__ import annotations

import json
import signal
import socket
import sys
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lagrl.bench.collect import Collection, collect, generated_problems
from lagrl.bench.evaluation import Evaluation
from lagrl.bench.rows import read_rows
from lagrl.bench.run import run
from lagrl.cli import entry as cli
from lagrl.errors import InputError
from lagrl.problems.bundled import bundled_names, bundled_path
from lagrl.quantum.bandit.options import BanditOptions
from lagrl.quantum.bandit.traces import read_traces

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ray.cluster_utils import Cluster

pytest.importorskip("ray", reason="needs the ray extra")
from ray_nodes import add_node

SMALL, MIDDLE = (bundled_path(name) for name in bundled_names()[:2])
QUICK = Evaluation((SMALL, MIDDLE), ("polyak", "cfm"), methods=("reference",), budgets=(3,), seeds=(0, 1))
RULES = """
import pathlib, time
import ray
from lagrl.controllers.polyak import Polyak

FOLDER = pathlib.Path(__file__).parent

class Noting(Polyak):
    def start(self, dual, **options):
        node = ray.get_runtime_context().get_node_id()
        with (FOLDER / f"starts-{node}").open("a") as starts:
            starts.write(f"{dual.n_multipliers}\\n")
        doomed = FOLDER / "doomed"
        if doomed.exists() and doomed.read_text() == node:
            if len((FOLDER / f"starts-{node}").read_text().split()) > 2:
                time.sleep(300.0)  # until the node is killed
        else:
            time.sleep(0.3)
        return super().start(dual, **options)

class Silent(Polyak):
    def start(self, dual, **options):
        return None
"""


@pytest.fixture(scope="module")
def folder(ray_folder: Path) -> Iterator[Path]:
    """A folder with controllers, which this process and the cluster can import."""
    (ray_folder / "ray_rules.py").write_text(RULES, encoding="utf-8")
    sys.path.insert(0, str(ray_folder))
    yield ray_folder
    sys.path.remove(str(ray_folder))


@pytest.fixture
def cluster(ray_cluster: Cluster, folder: Path) -> Cluster:
    """A cluster of two nodes that can import the controllers."""
    assert folder.exists()
    return ray_cluster


def timeless(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of a file by key, without what the clock says."""
    rows = read_rows(path)
    kept = [{name: value for name, value in row.items() if not name.endswith("seconds")} for row in rows]
    return {row["key"]: row | {"history": [[n, cost] for n, _, cost in row["history"]]} for row in kept}


def test_rows_of_a_cluster_are_those_of_one_process(cluster: Cluster, tmp_path: Path) -> None:
    """The same rows, none made twice; SIGTERM still ends this process as before; errors of workers come home."""
    here, there = tmp_path / "here.jsonl", tmp_path / "there.jsonl"
    handler = signal.getsignal(signal.SIGTERM)
    assert run(QUICK, here) == run(QUICK, there, ray=cluster.address) == 8
    assert timeless(there) == timeless(here)
    assert run(QUICK, there, ray=cluster.address) == 0
    assert signal.getsignal(signal.SIGTERM) is handler
    with pytest.raises(InputError, match="controller Silent: multipliers"):
        run(replace(QUICK, controllers=("ray_rules:Silent",)), there, ray=cluster.address)


@pytest.mark.slow
def test_decisions_of_a_cluster_are_those_of_one_process(cluster: Cluster, tmp_path: Path) -> None:
    """The same runs with the same decisions and costs, each run's decisions together before its end."""
    pytest.importorskip("qiskit_aer", reason="needs the quantum extra")
    options = BanditOptions(backends="FakeMumbai", families="qaoa", depths="1", placements="line0")
    problems = generated_problems(2, (14, 18), 3)
    collection = Collection(problems, widths=(2, 3), seeds=(0, 1), evaluations=4, shots=8, options=options)
    here, there = tmp_path / "here.jsonl", tmp_path / "there.jsonl"
    assert collect(collection, here) == collect(collection, there, ray=cluster.address) == 8
    assert collect(collection, there, ray=cluster.address) == 0
    assert by_run(there) == by_run(here)
    assert len(read_traces([there])) == len(read_traces([here])) > 4


def by_run(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The decisions of a file of traces by run, without the numbers of their arms, and the run's end."""
    found: dict[str, list[dict[str, Any]]] = {}
    lines: list[dict[str, Any]] = []
    for line in map(json.loads, path.read_text().splitlines()):
        if line["kind"] in ("decision", "run"):
            lines.append({**line, "arms": None})
        if line["kind"] == "run":
            found[line["key"]], lines = lines, []
    return found


def test_no_row_is_lost_or_doubled_when_a_node_is_killed(cluster: Cluster, folder: Path, tmp_path: Path) -> None:
    """A node made rows and is at work on another when it is killed: that row is made again, by the other node."""
    out = tmp_path / "rows.jsonl"
    (doomed,) = cluster.worker_nodes
    starts = folder / f"starts-{doomed.node_id}"
    (folder / "doomed").write_text(doomed.node_id)
    killed: list[int] = []

    def kill(row: dict[str, Any]) -> None:
        if len(read_rows(out)) == 4:
            deadline = time.monotonic() + 60.0
            while not starts.exists() or len(starts.read_text().split()) < 3:  # its third run never ends
                assert time.monotonic() < deadline, "the second node was not used"
                time.sleep(0.05)
            cluster.remove_node(doomed, allow_graceful=False)
            killed.append(len(read_rows(out)))

    evaluation = replace(QUICK, instances=(SMALL,), controllers=("ray_rules:Noting",), seeds=tuple(range(12)))
    try:
        assert run(evaluation, out, ray=cluster.address, on_row=kill) == 12
    finally:
        add_node(cluster, folder)
    assert killed == [4]
    rows = read_rows(out)  # refuses a key that occurs twice
    assert sorted(row["seed"] for row in rows) == list(range(12))
    n_starts = sum(len(path.read_text().split()) for path in folder.glob("starts-*"))
    assert n_starts > 12  # one was begun on the killed node and made again
    assert Counter(row["feasible"] for row in rows) == {True: 12}


def test_an_address_that_does_not_answer_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A closed port, one that stays silent, an unknown host and no address at all; no file is made."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    silent = socket.create_server(("127.0.0.1", 0))
    cases = {
        f"127.0.0.1:{port}": "does not answer (Connection refused)",
        "head.invalid:6379": "does not answer",
        f"127.0.0.1:{silent.getsockname()[1]}": "does not answer (timed out)",
        "head": "'head' given",
        "ray://127.0.0.1:10001": "'ray://127.0.0.1:10001' given",
        "127.0.0.1:0": "'127.0.0.1:0' given",
    }
    out = tmp_path / "rows.jsonl"
    for address, message in cases.items():
        assert cli.main(["eval", str(SMALL), "--controllers", "cfm", "--out", str(out), "--ray", address]) == 2
        said = capsys.readouterr().err
        assert message in said
        assert "give HOST:PORT of a running head node" in said
        assert said.count("\n") == 1
    assert not out.exists()
    silent.close()


def test_what_a_cluster_cannot_share_is_refused(tmp_path: Path) -> None:
    """A number of processes, and a journal, which is a file of one machine."""
    with pytest.raises(InputError, match="workers: 2 given with a Ray cluster"):
        run(QUICK, tmp_path / "rows.jsonl", workers=2, ray="local")
    kept = replace(QUICK, samplers=("qaoa",), journal=tmp_path / "answers.sqlite")
    with pytest.raises(InputError, match=r"answers.sqlite keeps answers in a file of one machine"):
        run(kept, tmp_path / "rows.jsonl", ray="local")
