"""The examples of docs/plug-in.md run, and do what the page says."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

needs_rl = pytest.mark.skipif(
    importlib.util.find_spec("stable_baselines3") is None, reason="Stable-Baselines3 is not installed (extra rl)"
)

PAGE = (Path(__file__).parent.parent / "docs" / "plug-in.md").read_text(encoding="utf-8")
BLOCKS = {found[1]: found[0] for found in re.findall(r"```\w+\n(# (\w+\.\w+)\n.*?)```", PAGE, flags=re.DOTALL)}


Run = Callable[[str], str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a code block in an empty folder and returns its output."""
    monkeypatch.chdir(tmp_path)

    def run(code: str) -> str:
        exec(compile(code, "example.py", "exec"), {"__name__": "example"})
        return capsys.readouterr().out

    return run


def test_the_schedule_improves_on_its_seeds(run: Run) -> None:
    """It uses the whole budget, and its routes cost less than those of its seeds alone."""
    cost, evaluations = run(BLOCKS["widening.py"]).split()
    alone, _ = run(BLOCKS["widening.py"].replace("evaluations=300", "evaluations=20")).split()
    assert evaluations == "300"
    assert float(cost) < float(alone)


@needs_rl
def test_the_feature_extractor_trains_with_stock_ppo(run: Run) -> None:
    """The extractor has at most 15 lines, and SB3's own policy learns and predicts with it."""
    example = BLOCKS["extractor.py"]
    (body,) = re.findall(r"class MeanAndMax.*?\n\n\n", example, flags=re.DOTALL)
    assert len([line for line in body.splitlines() if line.strip()]) <= 15
    assert run(example).strip() == "(4, 40)"


@needs_rl
def test_the_curriculum_reaches_its_last_phase_in_processes(tmp_path: Path) -> None:
    """SB3's environments in processes learn with the callback, until phase 3."""
    (tmp_path / "phases.py").write_text(BLOCKS["phases.py"], encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])}
    command = [sys.executable, "phases.py"]
    finished = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == "phase 3\n"


@needs_rl
def test_a_saved_model_is_used_at_another_size(run: Run) -> None:
    """A model of 20 customers predicts for 50, and is trained further there."""
    assert run(BLOCKS["sizes.py"]) == "(1, 50)\n"


@needs_rl
def test_a_model_is_exported_as_a_controller(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """The exported model solves an instance, and the page's commands export its file and use it."""
    from lagrl.cli.entry import main as lagrl
    from policies.export import main as export

    assert run(BLOCKS["exported.py"]).startswith("G-n16-k3: cost ")
    (commands,) = re.findall(r"(?:    .*\n)*    python -m policies\.export model\.zip.*\n(?:    .*\n)*", PAGE)
    for command in commands.replace("--suite bundled", "G-n16-k3").splitlines():
        words = shlex.split(command)
        if words[0] == "python":
            Path("checkpoints/mine.json").unlink()
            assert export(words[3:]) == 0
        else:
            assert lagrl([*words[1:], *(["--evaluations", "20"] if words[1] == "solve" else ["--budgets", "20"])]) == 0
    rows = [json.loads(line) for line in Path("rows.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {row["controller"] for row in rows if "controller" in row} == {"checkpoints/mine", "hwc"}


@needs_rl
def test_the_plain_torch_policy_learns(run: Run) -> None:
    """REINFORCE on sixteen fixed episodes ends with a return far above its first one."""
    returns = [float(line.split()[-1]) for line in run(BLOCKS["plain.py"]).splitlines()]
    assert len(returns) == 30
    assert sum(returns[-5:]) / 5 > 4 * returns[0] > 0


@needs_rl
def test_the_zoo_trains_the_graph_policy(tmp_path: Path) -> None:
    """RL Baselines3 Zoo trains, evaluates twice in environments of the same size, and saves a model."""
    if importlib.util.find_spec("rl_zoo3") is None:
        pytest.skip("rl_zoo3 is not installed")
    (tmp_path / "zoo.yml").write_text(BLOCKS["zoo.yml"], encoding="utf-8")
    (command,) = re.findall(r"    python (-m rl_zoo3(?:.*\\\n)*.*)", PAGE)
    environment = {**os.environ, "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, *(word for word in shlex.split(command) if word.strip())]
    finished = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert finished.returncode == 0, finished.stderr
    assert list(tmp_path.rglob("LagrangianCVRP-v0.zip"))
    lengths = [float(mean) for mean in re.findall(r"Episode length: (\S+)", finished.stdout)]
    assert len(lengths) == 2
    assert all(1 <= mean <= 20 for mean in lengths)
