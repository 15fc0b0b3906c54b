"""`LagrangianCVRP-v0` with a route relaxation, in all adapters."""

from __future__ import annotations

import copy
import pickle
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from route_weights import SMALL as SMALL_POLICY
from route_weights import random_checkpoint
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env as check_sb3

from envs.action import ActionConfig
from envs.config import CurriculumConfig, EnvConfig
from envs.curriculum import Curriculum
from envs.env import LagrangianCVRP, make_batch
from envs.route.action import POLICY_ACTION, policy_action
from envs.route.core import RouteEpisodeBatch
from envs.route.episode import RouteEpisode
from envs.sb3 import CurriculumCallback, LagrangianVecEnv
from envs.sb3_processes import LagrangianSubprocVecEnv
from envs.vector import LagrangianVectorEnv
from lagrl.bounds.learned_ascent import LearnedAscent
from lagrl.bounds.obstacle import ObstacleError
from lagrl.bounds.route_checkpoint import load_route_policy, save_route_policy
from lagrl.bounds.route_dual import RouteDual
from lagrl.bounds.route_graph import RouteGraph
from lagrl.bounds.route_policy import RoutePolicy
from lagrl.controllers.registry import make_controller
from lagrl.errors import InputError, InstanceError
from lagrl.problems.bundled import read_bundled
from lagrl.problems.cvrp import CVRP
from policies.diagonal_precond import DiagonalPrecondPolicy
from train.bc.config import BCConfig

SMALL: dict[str, Any] = {
    "preset": "routes",
    "n_max": 20,
    "n_customers": (6, 20),
    "min_steps": None,
    "max_steps": 5,
    "route_sampler": "exact",
    "route_every": 2,
    "reference_evaluations": 8,
}
CONFIG = EnvConfig.preset("routes").changed({name: value for name, value in SMALL.items() if name != "preset"})


def made(**changes: Any) -> LagrangianCVRP:
    """The environment through Gymnasium's registry, small."""
    env = gymnasium.make("envs:LagrangianCVRP-v0", **SMALL | changes).unwrapped
    assert isinstance(env, LagrangianCVRP)
    return env


def played(env: LagrangianCVRP, action: float = 0.0, **reset: Any) -> tuple[float, dict[str, Any], dict[str, Any]]:
    """Play an episode with equal actions; return the sum of its rewards, the first and the last scalars."""
    _, first = env.reset(**reset)
    total, is_over, info = 0.0, False, first
    while not is_over:
        _, reward, is_over, _, info = env.step(np.full(env.config.n_max, action, np.float32))
        total += reward
    return total, first, info


@pytest.mark.parametrize("relaxation", ["ng", "paths"])
@pytest.mark.parametrize("mode", ["diagonal", "direction", "diagonal+momentum"])
def test_both_libraries_find_nothing_wrong(relaxation: str, mode: str) -> None:
    """Both checkers pass; SB3 warns about the two-dimensional boxes, which is expected, and about nothing else."""
    changes = {"relaxation": relaxation, "action": {"mode": mode}}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_gymnasium(made(**changes, render_mode="ansi"), skip_render_check=False)
    with warnings.catch_warnings(record=True) as message:
        warnings.simplefilter("always")
        check_sb3(made(**changes))
    assert message
    assert all("unconventional shape" in str(warning.message) for warning in message)


@pytest.mark.parametrize("relaxation", ["ng", "paths"])
def test_values_are_lower_bounds(relaxation: str) -> None:
    """The best value is that of the dual at the multipliers recorded, and below the best known cost."""
    env = made(relaxation=relaxation, max_steps=12)
    _, _, info = played(env, seed=0, options={"instance": "G-n16-k3"})
    episode = env.episode
    assert isinstance(episode, RouteEpisode)
    dual = RouteDual(RouteGraph.of(read_bundled("G-n16-k3")), relaxation)
    values = [dual.evaluate(vector).sampled_value for vector in (episode.initial, *episode.trail)]
    assert episode.values == values
    assert info["best_dual_value"] == max(values) <= 5098
    assert info["best_route_cost"] >= 5098
    assert info["evaluations"] == 13


def test_the_dual_pays_its_closed_share() -> None:
    """In phase 2 the return is three times the share of the gap between first value and reference that was closed."""
    env = made()
    env.set_phase(2)
    total, first, info = played(env, seed=3)
    assert first["best_gap"] == 1.0
    assert 0 < info["best_gap"] < 1
    assert total == pytest.approx(3.0 * (1.0 - info["best_gap"]))
    start = max(first["best_dual_value"], env.episode.best.least)
    closed = (info["best_dual_value"] - start) / (info["reference_value"] - start)
    assert 1.0 - info["best_gap"] == pytest.approx(closed)


def test_routes_pay_in_phase_three() -> None:
    """Routes are completed at the first evaluation and then at every second, and cheaper ones are rewarded."""
    env = made(max_steps=8, rewards={"cost_gap": 0.0})
    env.set_phase(3)
    env.reset(seed=1)
    changes = []
    for step in range(1, 9):
        before = min(env.episode.best.route_ratio, 2.0)
        _, reward, _, _, _ = env.step(np.zeros(20, np.float32))
        after = min(env.episode.best.route_ratio, 2.0)
        assert reward == pytest.approx(10.0 * (before - after))
        if after < before:
            changes.append(step)
    assert changes
    assert all(step % 2 == 0 for step in changes)


def test_an_unknown_reference_rewards_progress() -> None:
    """Without evaluations for it the value is NaN, and the gap says by how much the first value rose."""
    _, first, info = played(made(reference_evaluations=0), seed=3)
    assert np.isnan(info["reference_value"])
    start = first["best_dual_value"]
    assert 1.0 - info["best_gap"] == pytest.approx((info["best_dual_value"] - start) / start)


def test_coarse_loads_keep_the_bound() -> None:
    """With loads of a few units the best value is lower, and routes still fit the vehicles."""
    values = []
    for most_load in (100_000, 5):
        env = made(most_load=most_load, max_steps=8)
        _, _, info = played(env, seed=0, options={"instance": "G-n16-k3"})
        values.append(info["best_dual_value"])
        problem, solution = env.episode.problem, env.episode.incumbent.solution()
        assert all(problem.demand[np.array(route) - 1].sum() <= problem.capacity for route in solution.routes)
    assert values[1] < values[0] <= 5098


def test_both_starts() -> None:
    """`zero` starts at λ = 0 with the value 0, `linear` at a value above it, without another evaluation."""
    values = []
    for start in ("zero", "linear"):
        env = made(start=start)
        _, info = env.reset(seed=0, options={"instance": "G-n16-k3"})
        assert env.episode.dual.evaluations == info["evaluations"] == 1
        values.append(info["last_sampled_value"])
    assert values[0] == 0.0
    assert values[1] > 0.5 * 5098


@pytest.mark.parametrize("relaxation", ["ng", "paths"])
@pytest.mark.parametrize("start", ["linear", "zero"])
@pytest.mark.parametrize("distance", [5.0, 0.0])
def test_one_customer_and_one_step(relaxation: str, start: str, distance: float) -> None:
    """The smallest episode works, also where all distances are 0: its only route is found, and all is finite."""
    problem = CVRP("one", np.array([3]), 10, np.array([[0.0, distance], [distance, 0.0]]), None)
    env = made(relaxation=relaxation, max_steps=1, start=start)
    observation, _ = env.reset(seed=0, options={"instance": problem})
    assert env.observation_space.contains(observation)
    observation, reward, terminated, _, info = env.step(np.ones(20, np.float32))
    assert env.observation_space.contains(observation)
    assert np.isfinite(reward)
    assert terminated
    assert info["best_route_cost"] == 2 * distance
    assert info["best_dual_value"] <= 2 * distance


def test_distances_without_coordinates_are_enough() -> None:
    """An instance that is only a matrix has the same episode except that its customers are met exactly once."""
    known = read_bundled("G-n16-k3")
    matrix = replace(known, coordinates=None, rounding="explicit")
    _, _, info = played(made(max_steps=10), seed=0, options={"instance": matrix})
    assert 0 < info["best_dual_value"] <= 5098


def test_copies_go_on_alike() -> None:
    """A pickled and a copied environment in the middle of an episode have the same next step."""
    env = made(route_sampler="product", shots=8)
    env.reset(seed=5)
    env.step(np.zeros(20, np.float32))
    copies = [env, pickle.loads(pickle.dumps(env)), copy.deepcopy(env)]
    steps = [one.step(np.full(20, 0.3, np.float32)) for one in copies]
    for step in steps[1:]:
        assert step[1:] == steps[0][1:]
        assert all(np.array_equal(step[0][key], steps[0][0][key]) for key in step[0])


def test_all_vector_environments_play_the_same() -> None:
    """The batch of SB3 is that of another process, and Gymnasium's is its single environments, to the bit."""
    one, other = LagrangianVecEnv(CONFIG, 3, seed=2), LagrangianSubprocVecEnv(CONFIG, 3, seed=2, processes=1)
    try:
        seen = one.reset(), other.reset()
        for step in range(7):
            assert all(np.array_equal(seen[0][key], seen[1][key]) for key in seen[0])
            actions = np.random.default_rng(step).uniform(-1, 1, (3, 20)).astype(np.float32)
            results = one.step(actions), other.step(actions)
            seen = results[0][0], results[1][0]
            np.testing.assert_array_equal(results[0][1], results[1][1])
    finally:
        other.close()
    vector = LagrangianVectorEnv(2, CONFIG)
    singles = [LagrangianCVRP(CONFIG) for _ in range(2)]
    batch, _ = vector.reset(seed=4)
    for index, single in enumerate(singles):
        observation, _ = single.reset(seed=4 + index)
        assert all(np.array_equal(batch[key][index], observation[key]) for key in observation)


def test_stock_ppo_learns_through_a_curriculum() -> None:
    """SB3's own policy trains, and the curriculum advances by the share of the gap that is left."""
    config = replace(CONFIG, curriculum=CurriculumConfig(window=2, least_episodes=2, gap=0.9))
    curriculum = Curriculum(config)
    PPO("MultiInputPolicy", LagrangianVecEnv(config, 2), n_steps=16, batch_size=16, n_epochs=1).learn(
        64, CurriculumCallback(curriculum)
    )
    assert curriculum.phase == 3


def test_policies_of_the_assignment_relaxation_are_refused() -> None:
    """The policy, its checkpoints as controllers and its trainings each say so in one line."""
    with pytest.raises(InputError, match=r"DiagonalPrecondPolicy: relaxation: .*relaxation='assignment'") as refused:
        PPO(DiagonalPrecondPolicy, made())
    assert "\n" not in str(refused.value)
    env = made()
    env.reset(seed=0)
    controller = make_controller("checkpoints/bc-small")
    with pytest.raises(InputError, match="RouteDual is not the dual of an assignment problem"):
        controller.start(env.episode.dual, budget=3, rng=np.random.default_rng(0))
    with pytest.raises(InputError, match=r"env\.relaxation: ng given; use assignment"):
        BCConfig(env=EnvConfig.preset("routes"))


def test_a_sampler_that_prices_is_refused() -> None:
    """Routes are priced exactly; the error names the sampler that completes routes."""
    with pytest.raises(InputError, match=r"sampler: a function given; .*route_sampler"):
        made(sampler=lambda: None)


def test_wrong_multipliers_move_nothing() -> None:
    """An error of one environment leaves all as they were."""
    batch = RouteEpisodeBatch(CONFIG, 2)
    for index in range(2):
        batch.reset(index, np.random.default_rng(index))
    before = [episode.dual.evaluations for episode in batch.episodes]
    right = batch.episodes[0].initial
    with pytest.raises(InputError, match=r"multipliers: .*the fleet's last"):
        batch.step_multipliers([right, np.zeros(3)])
    with pytest.raises(InputError, match="1 vectors for 2 ascents"):
        batch.step_multipliers([right])
    assert [episode.dual.evaluations for episode in batch.episodes] == before


def test_pricing_that_needs_too_much_memory_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the instance and says what to do."""
    env = made()
    env.reset(seed=0, options={"instance": "G-n16-k3"})

    def fail(*_: Any) -> None:
        raise ObstacleError("pricing needs more than 5 partial routes")

    monkeypatch.setattr(env.episode.dual, "evaluate", fail)
    with pytest.raises(InstanceError, match=r"G-n16-k3: relaxation: pricing needs .*relaxation='paths'"):
        env.step(np.zeros(20, np.float32))


def test_an_episode_is_drawn_as_text_and_picture() -> None:
    """The text has the bound and the routes; the picture is one of the assignment relaxation's size."""
    text = made(render_mode="ansi")
    text.reset(seed=0, options={"instance": "G-n16-k3"})
    drawn = text.render()
    assert "a lower bound on the CVRP" in drawn
    assert "15 customers, 3 vehicles (ng), evaluation 1/6" in drawn
    assert "\n  1: " in drawn
    picture, other = made(render_mode="rgb_array"), made(render_mode="rgb_array", preset="default")
    for env in (picture, other):
        env.reset(seed=0, options={"instance": "G-n16-k3"})
    assert picture.render().shape == other.render().shape


def test_the_preset_acts_around_the_natural_step() -> None:
    """It ascends ng-routes, and its steps are those of the multipliers' unit, unlike the assignment's default."""
    assert EnvConfig.preset("routes").relaxation == "ng"
    assert EnvConfig.preset("routes").action != ActionConfig()
    batch = make_batch(EnvConfig.preset("routes"), 1, {})
    assert isinstance(batch, RouteEpisodeBatch)


POLICY: dict[str, Any] = {"action": POLICY_ACTION, "start": "learned"}


def test_a_route_policy_runs_in_the_environment(tmp_path: Path) -> None:
    """With its start and its steps as actions an episode has the values of `LearnedAscent`, which makes them itself."""
    shipped, rng = load_route_policy(), np.random.default_rng(0)
    weights = dict(shipped.weights)
    for name in weights:
        if name.startswith("step_"):
            weights[name] = weights[name] + np.float32(0.02) * rng.standard_normal(weights[name].shape, np.float32)
    weights["step_head.bias"][0] -= 1.0  # shorter steps, which no safeguard halves
    checkpoint = replace(shipped, weights=weights, policy=replace(shipped.policy, steps=10))
    save_route_policy(tmp_path / "steps", checkpoint.weights, checkpoint.policy, {})
    start = f"learned:{tmp_path / 'steps'}"
    env = made(action=POLICY_ACTION, start=start, max_steps=6, most_load=100_000, reference_evaluations=0)
    env.reset(seed=0, options={"instance": "G-n16-k3"})
    episode = env.episode
    policy = RoutePolicy(checkpoint.weights, episode.observer.memory.features)
    is_over = False
    while not is_over:
        own, of_all = policy.numbers(episode.observer.memory.observe())
        action = np.zeros(env.action_space.shape)
        whole = policy_action(own, of_all)
        action[:15], action[-1] = whole[:-1], whole[-1]
        _, _, is_over, _, _ = env.step(action)
    ascent = LearnedAscent(checkpoint)
    dual, values = RouteDual(RouteGraph.of(read_bundled("G-n16-k3"))), []
    multipliers = ascent.start(dual, budget=7, rng=np.random.default_rng(0))
    for _ in range(7):
        point = dual.evaluate(multipliers)
        values.append(point.sampled_value)
        multipliers = ascent.update(point)
    assert not ascent.events
    np.testing.assert_allclose(episode.values, values, rtol=1e-9)


def test_the_learned_start_is_the_policys(tmp_path: Any) -> None:
    """`learned` is the shipped policy's start, and `learned:PATH` another one's."""
    save_route_policy(tmp_path / "other", random_checkpoint(1).weights, SMALL_POLICY, {})
    for spec, checkpoint in (("learned", load_route_policy()), (f"learned:{tmp_path / 'other'}", random_checkpoint(1))):
        env = made(start=spec, reference_evaluations=0)
        env.reset(seed=0, options={"instance": "G-n16-k3"})
        features = env.episode.observer.memory.features
        wanted = env.episode.dual.clip(RoutePolicy(checkpoint.weights, features).start())
        np.testing.assert_array_equal(env.episode.initial, wanted)


def test_checkpoints_of_the_assignment_are_no_start(tmp_path: Any) -> None:
    """A policy of the other relaxation, a missing file and an unknown name are errors."""
    shipped = str(Path(__file__).parents[3] / "checkpoints" / "bc-small")
    cases = {f"learned:{shipped}": "does not hold a route policy", "learned:none/here": "no such file"}
    for spec, message in cases.items():
        with pytest.raises(InputError, match=message):
            made(start=spec).reset(seed=0)
    for relaxation in ("assignment", "ng"):
        with pytest.raises(InputError, match="unknown start"):
            EnvConfig(relaxation=relaxation, start="learnt")
    with pytest.raises(InputError, match="unknown start"):
        EnvConfig(start="learned")


def test_momentum_belongs_to_the_route_relaxations() -> None:
    """The assignment relaxation refuses the mode, with the field."""
    with pytest.raises(InputError) as caught:
        EnvConfig(action=POLICY_ACTION)
    assert caught.value.field == "action.mode"


def test_actions_of_momentum_are_checked() -> None:
    """Another shape, a number out of range and a NaN are named: customer, instance or padding."""
    env = made(**POLICY)
    env.reset(seed=0, options={"instance": "G-n16-k3"})
    cases = ((2, 1), 1.5, "customer 3"), ((20, 0), 2.0, "the instance"), ((17, 0), np.nan, "beyond")
    for at, value, message in cases:
        action = np.zeros((21, 2), np.float32)
        action[at] = value
        with pytest.raises(InputError, match=message):
            env.step(action)
    with pytest.raises(InputError, match="shape"):
        env.step(np.zeros(20, np.float32))


def test_episodes_of_momentum_are_replayed() -> None:
    """A batch's state, loaded into another one, gives the same observations and the same next step."""
    config = CONFIG.changed(POLICY)
    one, other = (RouteEpisodeBatch(config, 2) for _ in range(2))
    for index in range(2):
        one.reset(index, np.random.default_rng(index))
    actions = np.random.default_rng(0).uniform(-1, 1, (2, 21, 2))
    one.step(actions)
    other.load_state(*one.state())
    np.testing.assert_array_equal(one.step(actions).rewards, other.step(actions).rewards)
    np.testing.assert_array_equal(one.observations()["nodes"], other.observations()["nodes"])


def test_stable_baselines_trains_with_momentum() -> None:
    """PPO of SB3 makes an update of a batch of environments with actions [N + 1, 2]."""
    model = PPO("MultiInputPolicy", LagrangianVecEnv(CONFIG.changed(POLICY), 2), n_steps=4, batch_size=8, n_epochs=1)
    model.learn(8)
