"""Models of Stable-Baselines3 as checkpoints."""

from __future__ import annotations

import base64
import io
import json
import pickle
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.policies import MultiInputActorCriticPolicy
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecNormalize

from envs.action import ActionConfig
from envs.config import EnvConfig
from envs.env import LagrangianCVRP
from envs.observation import padded
from envs.sb3 import LagrangianVecEnv
from lagrl.bench.run import evaluate
from lagrl.cli.entry import main as lagrl
from lagrl.errors import InputError
from policies.checkpoint import load_checkpoint
from policies.config import PolicyConfig
from policies.controller import PolicyController
from policies.diagonal_precond import DiagonalPrecondPolicy
from policies.export import main
from policies.export.model import export_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stable_baselines3.common.base_class import BaseAlgorithm

TINY = PolicyConfig(hidden=8, layers=1, heads=2, critic_hidden=8)
EASY = EnvConfig(n_max=20, n_customers=(6, 16), max_steps=8, route_sampler="exact")


def trained(
    env: VecEnv | None = None, config: PolicyConfig | None = TINY, algorithm: type[BaseAlgorithm] = PPO
) -> BaseAlgorithm:
    """Return a model after one rollout, whose actions differ from customer to customer."""
    kwargs = {} if config is None else {"config": config}
    env = env or LagrangianVecEnv(EASY, 2, 0)
    model = algorithm(DiagonalPrecondPolicy, env, n_steps=16, learning_rate=0.03, policy_kwargs=kwargs, seed=4)
    return model.learn(32)


def save(model: BaseAlgorithm, folder: Path) -> Path:
    """Save a model as Stable-Baselines3 does; return the file."""
    model.save(folder / "model")
    return folder / "model.zip"


def rewrite(path: Path, **changes: Any) -> None:
    """Replace entries of a model's file: those of its JSON, or `policy` for its weights; None removes one."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    if "policy" in changes:
        entries["policy.pth"] = changes.pop("policy")
    data = json.loads(entries["data"]) | changes
    entries["data"] = json.dumps({name: value for name, value in data.items() if value is not ...}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the one line by which the command refuses."""
    assert main(list(arguments)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m policies.export: error: ")
    return line


@pytest.mark.parametrize("algorithm", [PPO, A2C])
def test_solve_takes_the_actions_of_predict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], algorithm: type[BaseAlgorithm]
) -> None:
    """Every action of `lagrl solve --controller` is, to the bit, that of the saved model's deterministic `predict`."""
    model = trained(algorithm=algorithm)
    out = str(tmp_path / "mine")
    assert main([str(save(model, tmp_path)), "--out", out, "--mode", "diagonal"]) == 0
    assert capsys.readouterr().out.endswith(f"lagrl solve G-n51-k6 --controller {out}\n")
    taken = []
    original = PolicyController.action

    def watched(self: PolicyController, nodes: np.ndarray) -> np.ndarray:
        action = original(self, nodes)
        taken.append((nodes, self._observer.neighbours, action))
        return action

    monkeypatch.setattr(PolicyController, "action", watched)
    assert lagrl(["solve", "G-n16-k3", "--controller", out, "--evaluations", "30"]) == 0
    loaded = algorithm.load(tmp_path / "model")
    assert len(taken) > 10
    for nodes, neighbours, action in taken:
        predicted, _ = loaded.predict(padded(nodes, neighbours, EASY.n_max), deterministic=True)
        assert np.ptp(action) > 0
        assert np.array_equal(predicted[: len(action)], action)


def test_eval_runs_an_exported_model(tmp_path: Path) -> None:
    """Its rows name the checkpoint and its fingerprint."""
    export_checkpoint(trained(), tmp_path / "mine")
    rows = evaluate(["G-n16-k3"], controllers=[str(tmp_path / "mine")], budgets=10)
    assert [row["controller"] for row in rows] == [str(tmp_path / "mine")]
    assert load_checkpoint(tmp_path / "mine").fingerprint in json.dumps(rows[0])


@pytest.mark.parametrize("config", [None, TINY, replace(TINY, shared_log_std=None, min_log_std=-2.0)])
def test_file_and_model_give_the_same_checkpoint(tmp_path: Path, config: PolicyConfig | None) -> None:
    """Weights, size, actions, seed, steps and hyperparameters are stored, whichever way it is exported."""
    model = trained(config=config)
    path = save(model, tmp_path)
    export_checkpoint(path, tmp_path / "file", action=EASY.action, instances="6 to 16 customers", command="mine.py")
    export_checkpoint(model, tmp_path / "memory")
    file, memory = load_checkpoint(tmp_path / "file"), load_checkpoint(tmp_path / "memory")
    assert file.fingerprint == memory.fingerprint
    assert file.policy == memory.policy == (config or PolicyConfig())
    assert file.action == memory.action == EASY.action
    assert file.card["training"] | {"instances": "not recorded"} == memory.card["training"]
    assert file.card["training"] == {
        "instances": "6 to 16 customers",
        "seed": 4,
        "steps": 32,
        "seconds": None,
        "hardware": "not recorded",
        "parent": None,
    }
    assert file.card["command"] == "mine.py"
    assert file.card["config"]["n_steps"] == 16
    assert memory.card["config"] == file.card["config"] | {"env": EASY.to_json()}


def test_the_first_version_of_observations_is_stored(tmp_path: Path) -> None:
    """A model of version 1 is a checkpoint of version 1, which an environment of version 2 refuses."""
    config = replace(TINY, observation=1)
    model = trained(LagrangianVecEnv(EASY, 2, 0, observation=1), config=config)
    export_checkpoint(save(model, tmp_path), tmp_path / "mine", action=EASY.action)
    assert load_checkpoint(tmp_path / "mine", expect_observation=1).policy == config
    with pytest.raises(InputError, match="was trained with observations of version 1, not 2"):
        load_checkpoint(tmp_path / "mine", expect_observation=2)


def test_actions_are_those_of_the_environment(tmp_path: Path) -> None:
    """A model in memory has the actions of its environment, other ones are refused; a file says none."""
    direction = EASY.changed({"action": {"mode": "direction", "reach": 0.5}})
    for env in (LagrangianVecEnv(direction, 2, 0), DummyVecEnv([lambda: LagrangianCVRP(direction)] * 2)):
        model = trained(env)
        export_checkpoint(model, tmp_path / "mine")
        assert load_checkpoint(tmp_path / "mine").action == direction.action
        with pytest.raises(InputError, match=r"PPO: action: ActionConfig\(mode='diagonal'.* leave it out"):
            export_checkpoint(model, tmp_path / "other", action=ActionConfig())
    path = save(model, tmp_path)
    for foreign in (path, PPO.load(path)):
        with pytest.raises(InputError, match="action: the model has no environment that says what its actions mean"):
            export_checkpoint(foreign, tmp_path / "other")
    assert main([str(path), "--out", str(tmp_path / "file"), "--mode", "direction", "--reach", "0.5"]) == 0
    assert load_checkpoint(tmp_path / "file").action == direction.action
    assert not (tmp_path / "other.json").exists()


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    """Pickled code in its plain data is not read, and in its weights it is refused."""
    path = save(trained(), tmp_path)
    model = zipfile.ZipFile(path).read("data")
    ran = tmp_path / "ran"

    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return ran.touch, ()

    data = {name: value for name, value in json.loads(model).items() if isinstance(value, dict)}
    code = base64.b64encode(pickle.dumps(Bomb())).decode()
    rewrite(path, **{name: value | {":serialized:": code} for name, value in data.items() if ":type:" in value})
    export_checkpoint(path, tmp_path / "mine", action=EASY.action)
    assert load_checkpoint(tmp_path / "mine").policy == TINY
    weights = io.BytesIO()
    torch.save({"net.embed.weight": Bomb()}, weights)
    rewrite(path, policy=weights.getvalue())
    with pytest.raises(InputError, match=r"policy\.pth: cannot be read as weights"):
        export_checkpoint(path, tmp_path / "mine", action=EASY.action)
    assert not ran.exists()


def test_another_policy_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A policy with dense layers, and a user's variant of ours, are one line that names the policy to train."""

    class Variant(DiagonalPrecondPolicy):
        pass

    env = LagrangianVecEnv(EASY, 2, 0)
    for policy, name in ((MultiInputActorCriticPolicy, "stable_baselines3.common.policies"), (Variant, __name__)):
        model = PPO(policy, env, n_steps=4, batch_size=8)
        line = refused(capsys, str(save(model, tmp_path)), "--out", str(tmp_path / "mine"), "--mode", "diagonal")
        assert f"policy_class: a policy of the module {name} found; only a policies.DiagonalPrecondPolicy" in line
        with pytest.raises(InputError, match=f"PPO: policy: {policy.__name__} found; only a policies"):
            export_checkpoint(model, tmp_path / "mine")
    assert not (tmp_path / "mine.json").exists()


@pytest.mark.parametrize("norm_obs", [True, False])
@pytest.mark.parametrize("name", ["LagrangianCVRP-v0/vecnormalize.pkl", "vec_normalize.pkl"])
def test_normalised_observations_are_refused(tmp_path: Path, norm_obs: bool, name: str) -> None:
    """A `VecNormalize` that changes observations is refused, in memory and beside a file; rewards alone are not."""
    env = VecNormalize(LagrangianVecEnv(EASY, 2, 0), norm_obs=norm_obs, norm_obs_keys=["nodes"] if norm_obs else None)
    model = trained(env)
    path, beside = save(model, tmp_path), tmp_path / name
    beside.parent.mkdir(exist_ok=True)
    env.save(str(beside))
    for given in (model, path):
        if norm_obs:
            with pytest.raises(InputError, match="VecNormalize: the policy was trained with normalised observations"):
                export_checkpoint(given, tmp_path / "mine", action=EASY.action)
        else:
            export_checkpoint(given, tmp_path / "mine", action=EASY.action)
    assert (tmp_path / "mine.json").exists() is not norm_obs


def test_a_damaged_normaliser_is_refused(tmp_path: Path) -> None:
    """What cannot be read may normalise observations."""
    path = save(trained(), tmp_path)
    (tmp_path / "vecnormalize.pkl").write_bytes(b"\xff\xff")
    with pytest.raises(InputError, match=r"vecnormalize\.pkl: VecNormalize: .*another model than .*\.zip, move it"):
        export_checkpoint(path, tmp_path / "mine", action=EASY.action)


def other_size(path: Path) -> None:
    """Say that the network is wider than its weights."""
    rewrite(path, policy_kwargs={"config": str(replace(TINY, hidden=16))})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "model.zip: cannot be read (No such file or directory)"),
        (lambda path: path.write_bytes(b"text"), "model.zip: is not a zip archive"),
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "model.zip: is not a zip archive"),
        (lambda path: zipfile.ZipFile(path, "w").close(), "model.zip: data: is missing: not a model of Stable"),
        (lambda path: rewrite(path, num_timesteps="many"), "data.num_timesteps: 'many' is not a whole number"),
        (lambda path: rewrite(path, policy_class=...), "data: lacks policy_class"),
        (lambda path: rewrite(path, policy=b""), "policy.pth: cannot be read as weights"),
        (lambda path: rewrite(path, policy_kwargs={"config": "mine()"}), "config: 'mine()' is not a PolicyConfig"),
        (lambda path: rewrite(path, policy_kwargs={"config": "PolicyConfig(hidden=f())"}), "is not a PolicyConfig"),
        (
            lambda path: rewrite(path, policy_kwargs={"config": "PolicyConfig(width=3)"}),
            "model.zip: policy_kwargs.config: lacks",
        ),
        (other_size, "net.attention.0.att: torch.float32 [1, 2, 4] found, torch.float32 [1, 2, 8] wanted"),
    ],
)
def test_a_damaged_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], object], message: str
) -> None:
    """It is refused with its name and what is wrong, and nothing is written."""
    path = save(trained(), tmp_path)
    damage(path)
    line = refused(capsys, str(path), "--out", str(tmp_path / "mine"), "--mode", "diagonal")
    assert message in line
    assert not (tmp_path / "mine.json").exists()


def test_a_diverged_model_is_refused(tmp_path: Path) -> None:
    """A weight that is not finite is named."""
    model = trained()
    with torch.no_grad():
        model.policy.net.head.bias.fill_(float("nan"))
    with pytest.raises(InputError, match=r"head\.bias: holds a weight that is not finite"):
        export_checkpoint(model, tmp_path / "mine")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "missing: "),
        (["model.zip", "--out", "mine"], "missing: --mode"),
        (["model.zip", "--out", "mine", "--mode", "diag"], "--mode: 'diag' given; did you mean"),
        (["model.zip", "--out", "mine", "--mode", "diagonal", "--base-step", "0"], "action.base_step: 0.0 given"),
    ],
)
def test_wrong_arguments_are_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    """The action mode must be given, as the file does not contain it; wrong values are named."""
    assert message in refused(capsys, *arguments)
