"""Files that are made to take memory or time: each is refused in one line, with little of both."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cvrplib_samples import GOOD_INSTANCE

if TYPE_CHECKING:
    from pathlib import Path

READER = r"""
import os, resource, sys, time
from pathlib import Path
from lagrl.errors import LagrlError
from lagrl.problems.cvrplib import read_instance, read_solution

folder, good = Path(sys.argv[1]), sys.argv[2]
lines, size = 1_000_000, 8_000_000
begin, rest = good.split("1 0 0\n")
big = {
    "31-million-lines.vrp": lambda: begin + "1\n" * 31_000_000 + rest,
    "coordinates.vrp": lambda: begin + "1\n" * lines + rest,
    "demands.vrp": lambda: good.replace("2 5\n", "2 5\n" + "3\n" * lines),
    "letters.vrp": lambda: begin + "a\n" * lines + rest,
    "remarks.vrp": lambda: begin + "#\n" * lines + rest,
    "header.vrp": lambda: "COMMENT : a\n" * lines + good,
    "one-line.vrp": lambda: begin + "1 " * (size // 2) + "\n" + rest,
    "blanks.vrp": lambda: begin + " " * size + "\n" + rest,
    "name.vrp": lambda: good.replace("T-n4-k2", "T" * size),
    "dimension.vrp": lambda: good.replace("DIMENSION : 4", "DIMENSION : 100002"),
    "digits.vrp": lambda: good.replace("3 6 8", "3 6 " + "8" * size),
    "weights.vrp": lambda: good.replace("EUC_2D", "EXPLICIT\nEDGE_WEIGHT_FORMAT : LOWER_ROW").replace(
        "NODE_COORD_SECTION\n1 0 0", "EDGE_WEIGHT_SECTION\n" + "1 " * (size // 2)
    ),
    "few-weights.vrp": lambda: good.replace("EUC_2D", "EXPLICIT\nEDGE_WEIGHT_FORMAT : FULL_MATRIX").replace(
        "NODE_COORD_SECTION\n1 0 0", "EDGE_WEIGHT_SECTION\n1"
    ).replace("DIMENSION : 4", "DIMENSION : 5001"),
    "tour.sol": lambda: "Route #1:" + " 1" * (size // 2) + "\nCost 1\n",
    "remarks.sol": lambda: "#\n" * 1_000_000 + "Cost 1\n",
}
for name, text in big.items():
    (folder / name).write_text(text())
limit = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE") + 160 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for name in big:
    path = folder / name
    started = time.process_time()
    try:
        (read_solution if name.endswith("sol") else read_instance)(path)
        said = "read"
    except LagrlError as error:
        said = str(error).removeprefix(f"{path}: ")
    path.unlink()
    print(f"{name}|{time.process_time() - started:.2f}|{said}")
"""

SAID = {
    "31-million-lines.vrp": "more than 5,000,000 lines",
    "coordinates.vrp": "NODE_COORD_SECTION: has more than the 4 lines",
    "demands.vrp": "DEMAND_SECTION: has more than the 4 lines",
    "letters.vrp": "NODE_COORD_SECTION: has more than the 4 lines",
    "remarks.vrp": "NODE_COORD_SECTION: more than 1000 lines that start with #",
    "header.vrp": "line 1001: more than 1000 lines outside sections",
    "one-line.vrp": "NODE_COORD_SECTION: line '1 1 1",
    "blanks.vrp": "NODE_COORD_SECTION: has 3 of the 4 lines",
    "name.vrp": "NAME: 'TTTT",
    "dimension.vrp": "DIMENSION: 100002 nodes; correct it",
    "digits.vrp": "NODE_COORD_SECTION: coordinate of node 3, '8888",
    "weights.vrp": "EDGE_WEIGHT_SECTION: has 4000009 of the 6 weights",
    "few-weights.vrp": "EDGE_WEIGHT_SECTION: has 10 of the 25010001 weights",
    "tour.sol": "larger than 2 MiB",
    "remarks.sol": "Route: there is no route",
}


@pytest.mark.skipif(sys.platform != "linux", reason="the limit on memory is Linux's")
def test_large_files_are_refused_within_little_memory(tmp_path: Path) -> None:
    """Up to 62 MB and 31 million lines: a short message, two seconds at most, no more than 160 MiB."""
    command = [sys.executable, "-c", READER, str(tmp_path), GOOD_INSTANCE]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found = [line.split("|") for line in done.stdout.splitlines()]
    assert [name for name, _, _ in found] == list(SAID)
    for name, seconds, said in found:
        assert said.startswith(SAID[name])
        assert len(said) < 250
        assert float(seconds) < 2.0, name
