"""The examples and commands of the README run."""

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
    """The first example prints a result, its cost and a route, the second the end of an episode."""
    solved, stepped = [block for block in BLOCKS if not block.startswith("# momentum.py")]
    finished = run(["-c", solved], tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert re.match(r"G-n51-k6: cost \d+ in \d routes, .*\n\d+\.\d+ \(\d+, ", finished.stdout)
    assert (tmp_path / "mine.sol").is_file()
    if importlib.util.find_spec("gymnasium") is None:
        pytest.skip("the environment's example needs the rl extra")
    finished = run(["-c", stepped], tmp_path)
    assert finished.returncode == 0, finished.stderr
    evaluations, gap, cost = finished.stdout.split()
    assert 2 <= int(evaluations) <= 201
    assert 0 <= float(gap) <= 1 < float(cost)


def test_the_shipped_checkpoints_exist() -> None:
    """Both checkpoints that the README names are shipped; each has less than 5 MB with its record."""
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
def test_the_installation_starts_with_two_commands(command: str) -> None:
    """The installation section starts with `git clone` and the two commands, and the Makefile has them."""
    section = README.read_text(encoding="utf-8").split("## Install\n", 1)[1]
    clone, *commands = [line.strip() for line in section.splitlines() if line.strip()][:3]
    assert clone.startswith("git clone")
    assert any(line.startswith(command) for line in commands)
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    assert f"{command.split()[1]}:" in makefile
