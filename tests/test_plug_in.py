"""The examples of docs/plug-in.md run, and do what the page says."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import pkgutil
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def test_the_sampler_solves(run: Run) -> None:
    """A solve with the sampler of the page ends with routes of the instance."""
    assert run(BLOCKS["halved.py"]).startswith("G-n16-k3: cost ")


@needs_rl
def test_the_route_dual_is_a_bound(run: Run) -> None:
    """Equal steps raise the first value, and the best one is below the cost of the routes found."""
    first, last = run(BLOCKS["route_dual.py"]).splitlines()
    bound, routes = (float(part.split()[1]) for part in last.split(","))
    assert float(first.split()[-1]) < bound < routes


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
def test_the_names_in_the_zoo_file_exist() -> None:
    """It is YAML for the registered environment, whose policy and callbacks are classes of Stable-Baselines3."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (it comes with rl_zoo3)")
    from gymnasium import registry
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.policies import ActorCriticPolicy

    import envs  # noqa: F401 - registers

    ((environment, values),) = yaml.safe_load(BLOCKS["zoo.yml"]).items()
    assert environment in registry
    assert issubclass(pkgutil.resolve_name(values["policy"]), ActorCriticPolicy)
    assert values["callback"]
    for name in values["callback"]:
        assert isinstance(pkgutil.resolve_name(name)(), BaseCallback)  # the zoo gives it no arguments


@needs_rl
def test_a_model_of_the_zoo_becomes_a_controller(tmp_path: Path) -> None:
    """RL Baselines3 Zoo trains and evaluates in environments of the same size; its best model solves an instance."""
    trained, exported, solved, _, _ = _zoo_commands(tmp_path)
    evaluated = _lengths(_run_command(trained, tmp_path))
    assert len(evaluated) == 2
    assert all(1 <= mean <= 20 for mean in evaluated)
    _run_command(exported, tmp_path)
    assert "cost" in _run_command([*solved, "--evaluations", "20"], tmp_path)


@needs_rl
@pytest.mark.slow
def test_the_zoo_tunes_and_trains_with_a_trial(tmp_path: Path) -> None:
    """Two trials are finished and kept, and a training with evaluations has the values of the second."""
    *_, tuned, again = _zoo_commands(tmp_path)
    _queue_short_trials(tmp_path / "tuning.log")
    few = {"50000": "256", "30": "2"}
    report = _run_command([few.get(word, word) for word in tuned], tmp_path)
    assert re.search(r"Number of finished trials: +2\n", report)
    assert re.search(r"learning_rate: 0\.0*1\n", report)
    output = _run_command(again, tmp_path)
    assert "('learning_rate', 0.0001)" in output
    assert len(_lengths(output)) == 2


@needs_rl
def test_torchrl_trains_the_network() -> None:
    """TorchRL samples actions that differ within [-1, 1], goes on after ends of episodes, and changes the weights."""
    pytest.importorskip("torchrl", reason="torchrl is not installed")
    import torch

    names: dict[str, Any] = {"__name__": "example"}
    once = BLOCKS["torchrl_ppo.py"].partition("\nfor _ in range(3)")
    exec(compile(once[0], "torchrl_ppo.py", "exec"), names)
    before = [parameter.detach().clone() for parameter in names["ppo"].parameters()]
    exec(compile("".join(once[1:]), "torchrl_ppo.py", "exec"), names)
    rollout = names["rollout"]
    mask = rollout["node_mask"].bool()
    assert rollout.batch_size == (64,)
    assert rollout["next", "done"].sum() >= 7  # episodes have at most eight steps
    assert rollout["action"].abs().max() <= 1
    assert rollout["action"][mask].std() > 0.1
    assert not rollout["loc"][~mask].any()
    assert all(torch.isfinite(names["losses"][name]) for name in ("loss_objective", "loss_critic"))
    after = dict(zip((name for name, _ in names["ppo"].named_parameters()), names["ppo"].parameters(), strict=True))
    changed = {name for old, (name, new) in zip(before, after.items(), strict=True) if not torch.equal(old, new)}
    assert any("actor" in name for name in changed)
    assert any("critic" in name for name in changed)


@needs_rl
def test_rllib_trains_the_network(tmp_path: Path) -> None:
    """RLlib trains twice on the dict observations, with finite returns and losses."""
    if importlib.util.find_spec("ray") is None or importlib.util.find_spec("tree") is None:  # tree comes with the extra
        pytest.skip("ray[rllib] is not installed")
    (tmp_path / "rllib_ppo.py").write_text(BLOCKS["rllib_ppo.py"], encoding="utf-8")
    numbers = [float(word) for word in _run_command(["python", "rllib_ppo.py"], tmp_path).split()[-4:]]
    assert len(numbers) == 4
    assert all(map(math.isfinite, numbers))
    assert numbers[1] != numbers[3]


def _zoo_commands(folder: Path) -> list[list[str]]:
    """Write the zoo's file into `folder`; return the words of the section's five commands."""
    pytest.importorskip("rl_zoo3", reason="rl_zoo3 is not installed")
    (folder / "zoo.yml").write_text(BLOCKS["zoo.yml"], encoding="utf-8")
    section = PAGE[PAGE.index("## RL Baselines3 Zoo") :].partition("\n## ")[0]
    commands = re.findall(r"^    ((?:python|lagrl) (?:.*\\\n)*.*)", section, flags=re.MULTILINE)
    return [[word for word in shlex.split(command) if word.strip()] for command in commands]


def _run_command(words: list[str], folder: Path) -> str:
    """Run a command of the page in `folder`; return what it prints."""
    root = str(Path(__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": root, "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, *(words[1:] if words[0] == "python" else ["-m", *words])]
    finished = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def _lengths(output: str) -> list[float]:
    """Return the mean lengths of the evaluations' episodes."""
    return [float(mean) for mean in re.findall(r"Episode length: (\S+)", output)]


def _queue_short_trials(log: Path) -> None:
    """Queue two trials of a few steps: the zoo draws up to 4096 steps per environment."""
    import optuna
    from optuna.storages.journal import JournalFileBackend

    storage = optuna.storages.JournalStorage(JournalFileBackend(str(log)))
    study = optuna.create_study(storage=storage, study_name="lagrl", direction="maximize")
    for rate in (1e-3, 1e-4):
        study.enqueue_trial({"n_steps_pow": 5, "batch_size_pow": 6, "n_epochs": 1, "learning_rate": rate})
