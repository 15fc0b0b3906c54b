"""What the README says works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder of its own."""
    environment = {**os.environ, "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_python_examples_run(tmp_path: Path) -> None:
    """One prints a cost and a route, the other a dual value, a selection of 6 vehicles by 50 customers, a violation."""
    solved, priced = [block for block in BLOCKS if not block.startswith("# momentum.py")]
    finished = run(["-c", solved], tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert re.match(r"\d+\.\d+ \(\d+, ", finished.stdout)
    finished = run(["-c", priced], tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert re.match(r"\d+\.\d+ \(6, 50\) \d", finished.stdout)


def test_the_controller_example_plugs_in_and_is_used(tmp_path: Path) -> None:
    """The example is at most 15 lines, is found in the current folder, and chooses the multipliers."""
    (example,) = [block for block in BLOCKS if block.startswith("# momentum.py")]
    body = [line for line in example.splitlines() if line.strip() and not line.startswith(("#", "import"))]
    assert len(body) <= 15
    (tmp_path / "momentum.py").write_text(example, encoding="utf-8")
    costs = {}
    for controller in ("momentum:Momentum", "constant"):
        finished = run(
            ["-m", "lagrl", "solve", "G-n51-k6", "--controller", controller, "--evaluations", "60", "--json"], tmp_path
        )
        assert finished.returncode == 0, finished.stderr
        assert f'"controller": "{controller}"' in finished.stdout
        costs[controller] = finished.stdout[finished.stdout.index('"dual_value"') :].split(",")[0]
    assert costs["momentum:Momentum"] != costs["constant"]


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_two_commands_come_first(command: str) -> None:
    """A reader meets the two commands before anything else, and the Makefile has them."""
    first_lines = README.read_text(encoding="utf-8").splitlines()[:5]
    assert any(line.strip().startswith(command) for line in first_lines)
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    assert f"{command.split()[1]}:" in makefile
