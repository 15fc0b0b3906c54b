"""What the README says works."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in an empty folder."""
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
    """One prints a cost and a route, another a dual value, a selection of 6 vehicles by 50 customers, a violation."""
    solved, priced, stepped = [block for block in BLOCKS if not block.startswith("# momentum.py")]
    finished = run(["-c", solved], tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert re.match(r"\d+\.\d+ \(\d+, ", finished.stdout)
    finished = run(["-c", priced], tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert re.match(r"\d+\.\d+ \(6, 50\) \d", finished.stdout)
    if importlib.util.find_spec("gymnasium") is None:
        pytest.skip("the environment's example needs the rl extra")
    finished = run(["-c", stepped], tmp_path)
    assert finished.returncode == 0, finished.stderr
    evaluations, gap, cost = finished.stdout.split()
    assert 2 <= int(evaluations) <= 201
    assert 0 <= float(gap) <= 1 < float(cost)


def test_the_shipped_checkpoints_are_there() -> None:
    """Both that the README names are shipped, and together with their records stay below 5 MB each."""
    for name in ("bc-small", "ppo-small"):
        files = [README.parent / "checkpoints" / f"{name}{suffix}" for suffix in (".safetensors", ".json")]
        assert f"checkpoints/{name}" in README.read_text(encoding="utf-8")
        assert 0 < sum(file.stat().st_size for file in files) < 5_000_000


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
