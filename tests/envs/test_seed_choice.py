"""Seeds as the first action: what is observed before it, what it decides, and that the episode goes on from there."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env as check_sb3_env

from envs import EnvConfig, EpisodeBatch, LagrangianCVRP, LagrangianVecEnv, LagrangianVectorEnv
from envs.observation import space_of
from envs.seed_choice import place_by_scores
from lagrl.cli.entry import main as lagrl
from lagrl.errors import InputError
from lagrl.problems.cvrp import CVRP
from lagrl.relaxation.linearise import linearise
from policies.diagonal_precond import DiagonalPrecondPolicy
from train.bc.config import BCConfig
from train.ppo.config import PPOConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CHOOSE = EnvConfig(n_max=24, n_customers=(8, 24), max_steps=5, route_sampler="exact", seeding="choose", seed_choices=4)
SCORES = replace(CHOOSE, seeding="scores")
modes = pytest.mark.parametrize("config", [CHOOSE, SCORES], ids=["choose", "scores"])


def started(config: EnvConfig, seed: int = 0) -> EpisodeBatch:
    """Return one environment before its first action."""
    batch = EpisodeBatch(config, 1)
    batch.reset(0, np.random.default_rng(seed))
    return batch


def costs(batch: EpisodeBatch) -> NDArray[np.float64]:
    """Return the assignment costs [K, n] of the current linearisation."""
    return batch.episodes[0].dual.problem.cost


@modes
def test_both_checkers_accept_the_environment(config: EnvConfig) -> None:
    """Observations before and after the choice are in the space, for Gymnasium and Stable-Baselines3."""
    check_env(LagrangianCVRP(config), skip_render_check=True)
    check_sb3_env(LagrangianCVRP(config), warn=False)


@modes
def test_the_choice_is_one_more_step(config: EnvConfig) -> None:
    """No evaluation comes before it, λ₀ is priced after it, and the moves of the multipliers are as many as ever."""
    env = LagrangianCVRP(config)
    observation, info = env.reset(seed=3)
    assert info["evaluations"] == 0
    assert observation["choosing"].tolist() == [1]
    for step in range(config.max_steps + 1):
        observation, _, is_over, _, info = env.step(np.zeros(config.n_max, np.float32))
        assert info["evaluations"] == step + 1
        assert not any(observation[key].any() for key in ("choosing", "candidates", "excess") if key in observation)
        if is_over:
            break
    assert is_over


def test_the_candidates_are_observed_in_the_order_of_their_estimates() -> None:
    """Members are the customers nearest to the seeds, excess is log(1 + percent above the lowest estimate)."""
    for seed in range(5):
        batch = started(CHOOSE, seed)
        episode, observation = batch.episodes[0], batch.observation(0)
        choice = episode.choice
        assert choice is not None
        estimates = np.array([seeds.estimated_cost(episode.problem) for seeds in choice.candidates])
        assert (np.diff(estimates) >= 0).all()
        np.testing.assert_allclose(np.expm1(observation["excess"]), 100 * (estimates / estimates[0] - 1), atol=1e-3)
        for column, seeds in enumerate(choice.candidates):
            nearest = set(seeds.distance[:, 1:].argmin(axis=1))
            assert set(np.flatnonzero(observation["candidates"][:, column])) == nearest


@modes
def test_the_first_observation_describes_a_linearisation_without_an_evaluation(config: EnvConfig) -> None:
    """Constant features are those of the lowest estimate or of a drawn rule; features of evaluations are 0."""
    batch = started(config)
    nodes, n = batch.observation(0)["nodes"], batch.episodes[0].n_customers
    features = batch.episodes[0].observer.features
    changing = {"multiplier", "from_best", "cheapest_reduced", "violation", "violation_fast", "violation_slow"}
    for column, name in enumerate(features):
        if name in changing | {"stalled", "share_served", "polyak_step"}:
            assert not nodes[:, column].any()
        elif name in {"budget_left", "depot_distance", "demand", "tightness", "scale_ratio"}:
            assert nodes[:n, column].all()
    if config is CHOOSE:  # equal scores take this linearisation
        batch.step(np.zeros((1, config.n_max), np.float32))
        column = features.index("cheapest")
        np.testing.assert_array_equal(batch.observation(0)["nodes"][:, column], nodes[:, column])


def test_scores_choose_the_seeding_with_the_highest_mean() -> None:
    """Every candidate can be chosen by its members; equal scores choose the lowest estimate."""
    first = started(CHOOSE, 1).episodes[0].choice
    assert first is not None
    for column in range(4):
        batch = started(CHOOSE, 1)
        choice, problem = batch.episodes[0].choice, batch.episodes[0].problem
        assert choice is not None
        scores = np.full((1, CHOOSE.n_max), -1.0, np.float32)
        scores[0, : len(choice.members)] += 2 * choice.members[:, column]
        batch.step(scores)
        same = (choice.members == choice.members[:, [column]]).all(axis=0).argmax()  # two may have equal members
        np.testing.assert_array_equal(costs(batch), linearise(problem, first.candidates[same]).cost)
        assert batch.episodes[0].seeding == first.candidates[same].rule
    batch = started(CHOOSE, 1)
    batch.step(np.full((1, CHOOSE.n_max), 0.7, np.float32))
    np.testing.assert_array_equal(costs(batch), linearise(batch.episodes[0].problem, first.candidates[0]).cost)


def line(*places: float, capacity: int = 2) -> CVRP:
    """Return customers of demand 1 at places on a line, with the depot at 0."""
    points = [(0.0, 0.0), *[(place, 0.0) for place in places]]
    return CVRP.from_coordinates("line", points, [1] * len(places), capacity, rounding="none")


def test_scores_place_seeds_at_the_highest_that_still_wait() -> None:
    """A seed serves a vehicle's load around it; of equal scores the farthest from the depot comes first."""
    problem = line(1, 2, 10, 11, 20, 21)
    at = [problem.distance[customer] for customer in range(7)]
    best_in_the_middle = place_by_scores(problem, 3, np.array([0, 0, 0.9, 1.0, 0, 0]))  # the third stops waiting
    np.testing.assert_array_equal(best_in_the_middle.distance, [at[4], at[6], at[2]])
    equal = place_by_scores(problem, 3, np.zeros(6))
    np.testing.assert_array_equal(equal.distance, [at[6], at[4], at[2]])


def test_more_seeds_than_loads_are_placed_at_different_customers() -> None:
    """Where all customers are served already, the others wait again; a demand of a whole vehicle serves only itself."""
    problem = line(1, 2, 3, capacity=9)
    for n_vehicles in (1, 2, 3):
        distance = place_by_scores(problem, n_vehicles, np.array([0.5, 1.0, -1.0])).distance
        assert len(np.unique(distance, axis=0)) == n_vehicles
    np.testing.assert_array_equal(distance, problem.distance[[2, 1, 3]])


@modes
def test_a_state_before_the_choice_goes_on_to_the_bit(config: EnvConfig) -> None:
    """A saved state may be before or after the choice; a pickled environment as well."""
    actions = np.random.default_rng(0).uniform(-1, 1, (4, 1, config.n_max)).astype(np.float32)
    for taken in (0, 1, 2):
        batch = started(config, 2)
        for action in actions[:taken]:
            batch.step(action)
        record, arrays = batch.state()
        again, pickled = EpisodeBatch(config, 1), pickle.loads(pickle.dumps(batch))
        again.load_state(json.loads(json.dumps(record)), arrays)
        for copy in (again, pickled):
            assert repr(copy.episodes[0].info()) == repr(batch.episodes[0].info())
        for action in actions[taken:]:
            results = [one.step(action) for one in (batch, again, pickled)]
            assert len({(float(one.rewards[0]), repr(one.infos)) for one in results}) == 1
            for one in (again, pickled):
                for key, array in batch.observation(0).items():
                    np.testing.assert_array_equal(one.observation(0)[key], array)


@modes
def test_all_adapters_choose(config: EnvConfig) -> None:
    """A vector environment equals single ones; Stable-Baselines3 trains; the registered name takes the fields."""
    vector, single = LagrangianVectorEnv(2, config), LagrangianCVRP(config)
    observations, _ = vector.reset(seed=5)
    alone, _ = single.reset(seed=6)
    rng = np.random.default_rng(1)
    for _ in range(3):
        for key, array in alone.items():
            np.testing.assert_array_equal(observations[key][1], array)
        actions = rng.uniform(-1, 1, (2, config.n_max)).astype(np.float32)
        observations, rewards, *_ = vector.step(actions)
        alone, reward, *_ = single.step(actions[1])
        assert rewards[1] == reward
    assert vector.single_observation_space == space_of(config)
    PPO("MultiInputPolicy", LagrangianVecEnv(config, 2), n_steps=8, batch_size=8, n_epochs=1).learn(16)
    made: Any = gymnasium.make("LagrangianCVRP-v0", seeding=config.seeding, seed_choices=4)
    assert "choosing" in made.observation_space.spaces


@modes
def test_an_open_choice_can_be_drawn(config: EnvConfig) -> None:
    """Text and picture exist before the first evaluation."""
    env = LagrangianCVRP(config, "ansi")
    env.reset(seed=0)
    assert "the next action chooses the seeds" in env.render()
    picture = LagrangianCVRP(config, "rgb_array")
    picture.reset(seed=0)
    assert picture.render().ndim == 3


@modes
def test_multipliers_before_the_choice_are_refused(config: EnvConfig) -> None:
    """Nothing can be priced before there are seeds; bad scores are named like bad actions, and decide nothing."""
    batch = started(config)
    with pytest.raises(InputError, match="environment 0: the seeds are not chosen yet"):
        batch.step_multipliers([np.zeros(batch.episodes[0].n_customers)])
    bad = np.zeros((1, config.n_max), np.float32)
    bad[0, 1] = 1.5
    with pytest.raises(InputError, match=r"customer 2 is given 1\.5"):
        batch.step(bad)
    assert batch.episodes[0].is_choosing


@modes
@pytest.mark.parametrize("trainer", [BCConfig, PPOConfig])
def test_training_of_our_policies_refuses_the_choice(config: EnvConfig, trainer: type) -> None:
    """The network does not observe the candidates, and experts choose no seeds: field, value and remedy are named."""
    with pytest.raises(InputError) as caught:
        trainer(env=config)
    assert str(caught.value) == f"env.seeding: {config.seeding} given; use draw: policies here do not choose seeds"


@modes
@pytest.mark.parametrize("command", [["bc"], ["ppo", "--init", "none"]])
def test_the_commands_refuse_it_in_one_line(
    config: EnvConfig, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """`lagrl train` ends with code 2 and names the field, the value and the remedy."""
    assert lagrl(["train", *command, "--env.seeding", config.seeding]) == 2
    error = capsys.readouterr().err
    assert error == (
        f"lagrl train {command[0]}: error: env.seeding: {config.seeding} given; "
        "use draw: policies here do not choose seeds\n"
    )


@modes
@pytest.mark.parametrize("make", [LagrangianCVRP, lambda config: LagrangianVecEnv(config, 2, 0)])
def test_the_policy_refuses_it_under_stable_baselines(config: EnvConfig, make: Callable[[EnvConfig], Any]) -> None:
    """PPO with the policy names the field, the value and the remedy; so does a prediction."""
    line = (
        f"DiagonalPrecondPolicy: seeding: {config.seeding} given; "
        "make the environment with seeding='draw': this policy does not choose seeds"
    )
    with pytest.raises(InputError) as caught:
        PPO(DiagonalPrecondPolicy, make(config))
    assert str(caught.value) == line
    drawn = LagrangianCVRP(replace(config, seeding="draw"))
    policy = DiagonalPrecondPolicy(drawn.observation_space, drawn.action_space, lambda _: 1e-3)
    with pytest.raises(InputError) as caught:
        policy.predict(LagrangianCVRP(config).reset(seed=0)[0])
    assert str(caught.value) == line


def test_drawn_seeds_are_those_of_before() -> None:
    """Without the choice nothing is added to observations, and its number of candidates has no effect."""
    config = replace(CHOOSE, seeding="draw")
    assert space_of(config).keys() == {"nodes", "node_mask", "neighbours"}
    first, second = started(config), started(replace(config, seed_choices=1))
    np.testing.assert_array_equal(costs(first), costs(second))
