"""A checkpoint as a controller: the same steps as in the environment."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
import torch
from former_observation import as_it_was

import policies.controller
from checkpoints import OBSERVATION_V1, TINY, some_card, some_checkpoint, some_net
from envs.action import ActionConfig, next_multipliers
from envs.config import EnvConfig
from envs.core import EpisodeBatch
from envs.env import LagrangianCVRP
from envs.episode import Samplers, new_episode
from envs.observation import nearest_neighbours, padded
from envs.rng import generator_record
from lagrl.ascent import ascend_all
from lagrl.bench.evaluation import row_key, settings_of
from lagrl.controllers.base import Controller
from lagrl.controllers.registry import controller_factory
from lagrl.dual_loop import DualLoop
from lagrl.errors import InputError, InstanceError, UnknownNameError
from lagrl.problems.assignment import AssignmentProblem
from lagrl.problems.generate import XTypeParams, generate_x_type
from lagrl.relaxation.dual import AssignmentDual, DualFunction, DualPoint
from lagrl.samplers.registry import make_sampler
from lagrl.solver import SolveConfig, solve
from policies.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from policies.controller import PolicyController, checkpoint_controllers, one_thread
from policies.diagonal_precond import DiagonalPrecondPolicy
from policies.graph import as_tensors

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.problems.cvrp import CVRP


class Watched:
    """A controller that records its points."""

    def __init__(self, inner: Controller) -> None:
        self.inner = inner
        self.points: list[DualPoint] = []

    def start(self, dual: DualFunction, **given: object) -> np.ndarray:
        """Start the inner controller."""
        return self.inner.start(dual, **given)

    def update(self, point: DualPoint, feedback: object = None) -> np.ndarray:
        """Record the point, then update the inner controller."""
        self.points.append(point)
        return self.inner.update(point, feedback)


def problem(n: int = 18, seed: int = 3) -> CVRP:
    """Return a generated instance."""
    return generate_x_type(XTypeParams(n, "R", "RC", "1-100", route_length=4.0), np.random.default_rng(seed))


def trajectory(checkpoint: Checkpoint, config: EnvConfig, seed: int) -> list[np.ndarray]:
    """Return the λs, except the last, of an ascent of the episode that an environment draws from this seed."""
    rng = np.random.default_rng(seed)
    makes = [lambda name=name: make_sampler(name) for name in (config.sampler, config.route_sampler)]
    samplers = Samplers(makes[0], None if config.sampler == config.route_sampler else makes[1])
    episode = new_episode(config, samplers, config.phases[0], rng, generator_record(rng), problem())
    loop = DualLoop(
        [episode.state], decode_every=config.decode_every, n_joint=config.n_joint, route_every=config.route_every
    )
    controller = Watched(PolicyController(checkpoint))
    ascend_all(loop, [controller], [episode.budget], [rng], [episode.initial])
    return [point.multipliers for point in controller.points]


@pytest.mark.parametrize("mode", ["diagonal", "direction"])
@pytest.mark.parametrize("sampler", ["exact", "product"])
@pytest.mark.parametrize(("n_max", "version"), [(18, 2), (40, 2), (40, 1)])
def test_controller_moves_as_the_policy_does_in_the_environment(
    tmp_path: Path, mode: str, sampler: str, n_max: int, version: Literal[1, 2]
) -> None:
    """The same weights give the same λ, bit by bit, in a solve's loop and in the environment at any padding."""
    action, size = ActionConfig(mode), replace(TINY, observation=version)
    save_checkpoint(tmp_path / "tiny", some_net(config=size), action, some_card())
    checkpoint = load_checkpoint(tmp_path / "tiny")
    config = EnvConfig(
        n_max=n_max,
        n_customers=(18, 18),
        action=action,
        max_steps=25,
        sampler=sampler,
        route_sampler="exact",
        observation=version,
    )
    env = LagrangianCVRP(config)
    policy = DiagonalPrecondPolicy(env.observation_space, env.action_space, lambda _: 1e-3, config=size)
    policy.net.load_state_dict(checkpoint.net.state_dict())
    state, _ = env.reset(seed=7, options={"instance": problem()})
    expected = [env.episode.step.point.multipliers]
    over = False
    with one_thread():
        while not over:
            state, _, over, _, _ = env.step(policy.predict(state, deterministic=True)[0])
            expected.append(env.episode.step.point.multipliers)
    found = trajectory(checkpoint, config, 7)
    assert len(expected) > 10
    assert np.array_equal(expected[:-1], found)


@pytest.mark.parametrize("sampler", ["exact", "product"])
def test_a_checkpoint_of_version_1_acts_as_before(sampler: str) -> None:
    """Under any sampler it acts on the observations of version 1, which are as they were to the bit."""
    checkpoint = load_checkpoint(OBSERVATION_V1)
    assert checkpoint.policy.observation == 1
    dual = AssignmentDual(_priced(1)[0].problem, make_sampler(sampler), shots=4, rng=np.random.default_rng(1))
    controller = PolicyController(checkpoint)
    multipliers, points = controller.start(dual, budget=12, rng=np.random.default_rng(0)), []
    for _ in range(11):
        points.append(dual.evaluate(dual.clip(multipliers)))
        nodes = as_it_was(dual, points, None, 12)
        state = as_tensors(padded(nodes, nearest_neighbours(dual.problem.origin), len(nodes)))
        with torch.inference_mode(), one_thread():
            action = checkpoint.net.mean(state)[0].numpy().clip(-1.0, 1.0)
        multipliers = controller.update(points[-1])
        assert np.array_equal(multipliers, next_multipliers(action, points[-1], dual.scale, checkpoint.action))


@pytest.mark.parametrize("a", [-1.0, 0.0, 0.4, 1.0])
def test_constant_action_is_a_fixed_step(a: float) -> None:
    """A network that returns `a` everywhere moves λ by exactly s·D₀·10^(c·a)·g."""
    config = ActionConfig(base_step=0.05, decades=1.5)
    dual, points = _priced(3)
    controller = PolicyController(_constant(a, config))
    start = controller.start(dual, budget=5, rng=np.random.default_rng(0), initial=points[0].multipliers)
    assert np.array_equal(start, points[0].multipliers)
    for point in points:
        step = dual.scale * 0.05 * 10 ** (1.5 * np.float64(np.float32(a)))
        assert np.allclose(controller.update(point), point.multipliers + step * point.violation, rtol=1e-13)


@pytest.mark.parametrize("said", [-40.0, 40.0])
def test_actions_are_clipped(said: float) -> None:
    """Outputs beyond the box are clipped to it."""
    dual, points = _priced(1)
    controllers = [PolicyController(_constant(a, ActionConfig())) for a in (said, float(np.sign(said)))]
    answers = []
    for controller in controllers:
        controller.start(dual, budget=5, rng=np.random.default_rng(0))
        answers.append(controller.update(points[0]))
    assert np.array_equal(answers[0], answers[1])


def test_without_violation_a_preconditioner_stays() -> None:
    """Where every customer is served once, mode diagonal returns λ unchanged."""
    dual, points = _priced(1)
    still = DualPoint(
        points[0].multipliers, None, 1.0, points[0].selection, np.zeros(dual.n_multipliers), points[0].vehicle_value
    )
    controller = PolicyController(Checkpoint(some_net(), TINY, ActionConfig(), some_card()))
    controller.start(dual, budget=5, rng=np.random.default_rng(0))
    assert np.array_equal(controller.update(still), still.multipliers)


def test_start_is_zero_or_what_is_given() -> None:
    """Without a warm start an ascent starts at 0; a given one is copied."""
    dual, _ = _priced(1)
    controller = PolicyController(Checkpoint(some_net(), TINY, ActionConfig(), some_card()))
    assert not controller.start(dual, budget=5, rng=np.random.default_rng(0)).any()
    given = np.ones(dual.n_multipliers)
    controller.start(dual, budget=5, rng=np.random.default_rng(0), initial=given)[0] = 9.0
    assert given[0] == 1.0


def test_weights_decide(tmp_path: Path) -> None:
    """Checkpoints with different heads give different ascents; the same one gives the same ascent twice."""
    values = []
    for seed in (0, 0, 1):
        spec = some_checkpoint(tmp_path, f"net{seed}", seed)
        config = SolveConfig(evaluations=12, linearisations=1, method="reference")
        result = solve(problem(30), config, controller=checkpoint_controllers(str(spec)))
        values.append(result.ascents[0].trace.sampled_value)
    assert values[0] == values[1]
    assert values[0] != values[2]


def test_named_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`checkpoints/NAME` loads the weights through the entry point, and a wrong name is a typed error."""
    (tmp_path / "checkpoints").mkdir()
    some_checkpoint(tmp_path / "checkpoints", "mine")
    monkeypatch.chdir(tmp_path)
    controller = controller_factory("checkpoints/mine")()
    assert isinstance(controller, PolicyController)
    assert isinstance(controller, Controller)
    with pytest.raises(UnknownNameError, match="checkpoints/none"):
        controller_factory("checkpoints/none")


def test_weights_are_read_once_until_they_change(tmp_path: Path) -> None:
    """A process reads a checkpoint once for all controllers, and again after it was overwritten."""
    path = some_checkpoint(tmp_path)
    first, second = (checkpoint_controllers(str(path))().checkpoint for _ in range(2))
    assert first is second
    save_checkpoint(path, some_net(9), ActionConfig(), some_card(description="A longer text than before."))
    third = checkpoint_controllers(str(path))().checkpoint
    assert torch.equal(third.net.head.weight, some_net(9).head.weight)


def test_relative_names_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same relative name in another folder is another checkpoint."""
    found = []
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        folder.mkdir()
        some_checkpoint(folder, seed=seed)
        monkeypatch.chdir(folder)
        found.append(checkpoint_controllers("tiny")().checkpoint.net.head.weight)
    assert not torch.equal(*found)


def test_controllers_of_one_checkpoint_do_not_mix(tmp_path: Path) -> None:
    """Controllers that share weights have separate ascents: used alternately, they return the same as alone."""
    make = checkpoint_controllers(str(some_checkpoint(tmp_path)))
    dual, points = _priced(4)
    alone, one, two = make(), make(), make()
    for controller in (alone, one, two):
        controller.start(dual, budget=9, rng=np.random.default_rng(0))
    expected = [alone.update(point) for point in points]
    for point, answer in zip(points, expected, strict=True):
        assert np.array_equal(one.update(point), answer)
        two.update(points[0])


def test_other_duals_are_refused() -> None:
    """A dual of another problem, or without an instance, is a typed error."""
    controller = PolicyController(Checkpoint(some_net(), TINY, ActionConfig(), some_card()))
    with pytest.raises(InputError, match="object is not the dual of an assignment problem"):
        controller.start(object(), budget=5, rng=np.random.default_rng(0))
    nameless = AssignmentProblem(np.ones((2, 3)), np.ones(3, np.int64), np.full(2, 2))
    with pytest.raises(InstanceError, match="which instance"):
        controller.start(AssignmentDual(nameless), budget=5, rng=np.random.default_rng(0))


def test_threads_are_put_back() -> None:
    """There is one thread within the block, and the earlier number afterwards, also after an error."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(KeyError), one_thread():
            assert torch.get_num_threads() == 1
            raise KeyError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("package", ["torch", "safetensors"])
def test_missing_extra_is_named(package: str) -> None:
    """Without one of the packages, the message names what to install, and no other cause."""
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from policies.controller import checkpoint_controllers\n"
        "from lagrl.errors import MissingExtraError\n"
        "try:\n    checkpoint_controllers('checkpoints/any')\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)
    assert f"needs {package}" in done.stdout, done.stderr
    assert "pip install -c constraints.txt '.[rl]'" in done.stdout


def test_importing_the_entry_point_is_cheap() -> None:
    """Listing the existing controllers must not load torch."""
    code = "import sys, policies.controller; sys.exit('torch' in sys.modules or 'gymnasium' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert policies.controller.__file__


def _constant(a: float, config: ActionConfig) -> Checkpoint:
    """Return a checkpoint whose action is `a` for every customer."""
    net = some_net()
    with torch.no_grad():
        net.head.weight.zero_()
        net.skip.weight.zero_()
        net.head.bias.fill_(a)
    return Checkpoint(net, TINY, config, some_card())


def _priced(count: int) -> tuple[AssignmentDual, list[DualPoint]]:
    """Return a generated instance's dual, and some points of it with g ≠ 0."""
    batch = EpisodeBatch(EnvConfig(n_max=20, n_customers=(18, 18), route_sampler="exact"), 1)
    batch.reset(0, np.random.default_rng(0), problem())
    dual = batch.episodes[0].dual
    rng = np.random.default_rng(1)
    points = [dual.evaluate(batch.episodes[0].initial * rng.uniform(0.7, 1.3, 18)) for _ in range(count)]
    assert all(point.violation.any() for point in points)
    return dual, points


def test_rows_tell_checkpoints_of_one_name_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint with new weights under its old name gets new rows; with a changed card alone it does not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    config, keys = SolveConfig(controller="checkpoints/mine"), []
    for seed, limitation in ((0, "some"), (0, "others"), (1, "some")):
        save_checkpoint("checkpoints/mine", some_net(seed), ActionConfig(), some_card(limitations=limitation))
        keys.append(row_key(problem(), config))
    assert keys[0] == keys[1] != keys[2]
    assert settings_of(config)["controller_fingerprint"] == load_checkpoint("checkpoints/mine").fingerprint
