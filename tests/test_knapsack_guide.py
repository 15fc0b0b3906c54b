"""The code of docs/guide/from-knapsack-to-quantum-computer.md runs in the order of the page."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "docs/guide/from-knapsack-to-quantum-computer.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
OPTIONAL = {"# with cirq\n": ("cirq", "ply")}
FILE = "# own_backend.py\n"


def is_missing(block: str) -> bool:
    """Whether a block needs a package that is not installed."""
    needed = next((packages for mark, packages in OPTIONAL.items() if block.startswith(mark)), ())
    return any(importlib.util.find_spec(package) is None for package in needed)


def test_every_block_runs_in_order(tmp_path: Path) -> None:
    """They run in one session and print the optimum, the circuit, a line for every sampler, and OpenQASM 3."""
    pytest.importorskip("qiskit_ibm_runtime")
    pytest.importorskip("qiskit_aer")
    assert len(BLOCKS) == 10
    (own,) = (block for block in BLOCKS if block.startswith(FILE))
    (tmp_path / "own_backend.py").write_text(own)
    session = "\n".join(block for block in BLOCKS if block != own and not is_missing(block))
    finished = subprocess.run(
        [sys.executable, "-c", session],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    printed = finished.stdout
    assert printed.startswith("(0, 1, 1, 1, 0) value -17.0 load 8\n(1, 1, 0, 0, 0) value -16.0 load 7\n")
    assert "4 qubits, 15 CX, customers [1, 0, 2, 3]" in printed
    assert printed.count("Ry(") == 4
    names = re.findall(r"^(\S.*?) +fit [01]\.\d\d  optimal [01]\.\d\d  best -\d+\.0$", printed, flags=re.MULTILINE)
    assert names == ["exact", "uniform", "product", "qaoa", "noisy:FakeTorino", "ibm:FakeTorino", "own backend"]
    assert "exact        fit 1.00  optimal 1.00  best -17.0" in printed
    assert "surrogate(fake_torino) most frequent string:" in printed
    assert "OPENQASM 3" in printed


def test_links_lead_to_files() -> None:
    """Every relative link of the page names a file of the documentation."""
    folder = Path(__file__).parent.parent / "docs" / "guide"
    links = re.findall(r"\]\(([^)#]+)", PAGE)
    assert links
    assert [link for link in links if not (folder / link).exists()] == []
