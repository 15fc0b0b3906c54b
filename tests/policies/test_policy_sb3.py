"""The policy in unmodified Stable-Baselines3."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces
from observations import observation, shaken
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.vec_env import DummyVecEnv

from envs.config import EnvConfig
from envs.env import LagrangianCVRP
from envs.observation import observation_space
from envs.sb3 import LagrangianVecEnv
from lagrl.errors import InputError
from policies.config import PolicyConfig
from policies.diagonal_precond import DiagonalPrecondPolicy

TINY = PolicyConfig(hidden=8, layers=1, heads=2, critic_hidden=8)
EASY = EnvConfig(n_max=12, n_customers=(6, 10), max_steps=5, route_sampler="exact")


def make_policy(n_max: int = 12, config: PolicyConfig = TINY) -> DiagonalPrecondPolicy:
    """Return a policy with all weights changed."""
    torch.manual_seed(0)
    action_space = spaces.Box(-1.0, 1.0, (n_max,), np.float32)
    policy = DiagonalPrecondPolicy(observation_space(n_max), action_space, lambda _: 1e-3, config=config)
    shaken(policy.net)
    return policy


def make_ppo(env: LagrangianVecEnv | DummyVecEnv, seed: int = 0) -> PPO:
    """Return a small PPO."""
    kwargs = {"config": TINY}
    return PPO(DiagonalPrecondPolicy, env, n_steps=8, batch_size=8, n_epochs=2, policy_kwargs=kwargs, seed=seed)


@pytest.mark.parametrize("kind", ["batched", "dummy"])
def test_stock_ppo_learns(kind: str) -> None:
    """PPO runs on both kinds of environments, changes actor and critic, and gives the same bits twice."""
    weights = []
    for _ in range(2):
        env = LagrangianVecEnv(EASY, 2, 0) if kind == "batched" else DummyVecEnv([lambda: LagrangianCVRP(EASY)] * 2)
        model = make_ppo(env)
        before = {name: value.clone() for name, value in model.policy.net.state_dict().items()}
        model.learn(32)
        after = model.policy.net.state_dict()
        for name in ("embed.weight", "skip.weight", "attention.0.att", "critic.node.0.weight", "log_std"):
            assert not torch.equal(before[name], after[name]), name
        weights.append(after)
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_another_algorithm_learns_too() -> None:
    """The policy also works with A2C."""
    A2C(DiagonalPrecondPolicy, LagrangianVecEnv(EASY, 2, 0), n_steps=4, policy_kwargs={"config": TINY}).learn(16)


def test_trpo_learns_too() -> None:
    """TRPO of sb3_contrib changes the actor within its trust region."""
    trpo = pytest.importorskip("sb3_contrib").TRPO
    kwargs = {"config": TINY}
    env = LagrangianVecEnv(EASY, 2, 0)
    model = trpo(DiagonalPrecondPolicy, env, n_steps=8, batch_size=16, policy_kwargs=kwargs, seed=0)
    before = model.policy.net.embed.weight.detach().clone()
    model.learn(16)
    assert not torch.equal(model.policy.net.embed.weight, before)


def test_a_saved_model_works_at_another_size(tmp_path: object) -> None:
    """It predicts for any padding as it is, and continues in another environment with that one's spaces."""
    model = make_ppo(LagrangianVecEnv(EASY, 1, 0))
    shaken(model.policy.net)
    model.save(f"{tmp_path}/model")
    wide = LagrangianVecEnv(EASY, 2, 0, n_max=20)
    seen = wide.reset()
    actions, _ = PPO.load(f"{tmp_path}/model").predict(seen, deterministic=True)
    narrow = {name: array[:, :12] for name, array in seen.items()}
    assert actions.shape == (2, 20)
    assert np.array_equal(actions[:, :12], model.predict(narrow, deterministic=True)[0])
    with pytest.raises(ValueError, match="Observation spaces do not match"):
        PPO.load(f"{tmp_path}/model", env=wide)
    spaces_of = {"observation_space": wide.observation_space, "action_space": wide.action_space}
    again = PPO.load(f"{tmp_path}/model", env=wide, custom_objects=spaces_of)
    assert torch.equal(again.policy.net.embed.weight, model.policy.net.embed.weight)
    again.learn(16)


@pytest.mark.parametrize("wrong", [{"nodes": np.zeros((2, 12, 14))}, {"nodes": np.zeros((12, 3))}, np.zeros(4)])
def test_foreign_observations_are_refused(wrong: dict[str, np.ndarray] | np.ndarray) -> None:
    """Observations of another environment are an error that names the required ones."""
    with pytest.raises(InputError, match="use LagrangianCVRP-v0 with observation=2: nodes"):
        make_policy().predict(wrong)


def test_predict_is_the_mean_within_the_box() -> None:
    """A deterministic prediction is the network's mean, clipped; single observations work like batches."""
    policy = make_policy()
    with torch.no_grad():
        policy.net.head.bias.fill_(0.9)
    state = observation([12, 5], 12)
    arrays = {key: value.numpy() for key, value in state.items()}
    actions, _ = policy.predict(arrays, deterministic=True)
    with torch.no_grad():
        mean = policy.net.mean(state)
    assert (mean > 1).any()
    assert np.array_equal(actions, mean.clamp(-1, 1).numpy())
    single, _ = policy.predict({key: value[0] for key, value in arrays.items()}, deterministic=True)
    assert np.allclose(single, actions[0], atol=1e-6)
    assert not actions[1, 5:].any()


def test_all_ways_to_ask_agree() -> None:
    """`evaluate_actions` returns the density, value and entropy of `forward`, to the bit."""
    policy = make_policy()
    state = observation([12, 5, 1], 12)
    actions, values, log_prob = policy(state)
    again = policy.evaluate_actions(state, actions)
    assert torch.equal(again[0], values)
    assert torch.equal(again[1], log_prob)
    distribution = policy.get_distribution(state)
    assert torch.equal(distribution.log_prob(actions), log_prob)
    assert torch.equal(distribution.entropy(), again[2])
    assert torch.equal(policy.predict_values(state), values)
    assert values.shape == (3, 1)
    assert log_prob.shape == (3,)


def test_padding_is_invisible_to_ppo() -> None:
    """Log-densities and entropies keep every bit with more padding and with other values in it."""
    state, wide = observation([8, 5], 12), observation([8, 5], 30, junk=float("nan"))
    narrow_policy, wide_policy = make_policy(12), make_policy(30)
    actions = narrow_policy(state)[0].detach()
    wide_actions = torch.full((2, 30), 7.0)
    wide_actions[:, :12] = torch.where(state["node_mask"].bool(), actions, 7.0)
    for narrow, wider in zip(
        narrow_policy.evaluate_actions(state, actions), wide_policy.evaluate_actions(wide, wide_actions), strict=True
    ):
        assert torch.equal(narrow, wider)


def test_observations_reach_the_network_as_they_are() -> None:
    """Observations are not preprocessed as in other policies of Stable-Baselines3 (floats, images)."""
    policy = make_policy()
    state = observation([12, 5], 12)
    direct = policy.net.mean(state)
    assert torch.equal(policy.get_distribution(state).mean, direct)
    assert torch.equal(policy.get_distribution({key: value.float() for key, value in state.items()}).mean, direct)


def test_weights_move_between_paddings() -> None:
    """The weights do not depend on N."""
    small, large = make_policy(12), make_policy(30)
    with torch.no_grad():
        small.net.head.bias.fill_(0.25)
    large.load_state_dict(small.state_dict())
    assert torch.equal(large.net.mean(observation([8], 30))[:, :12], small.net.mean(observation([8], 12)))


def test_own_saving_works(tmp_path: object) -> None:
    """Files of Stable-Baselines3 preserve size and weights."""
    model = make_ppo(LagrangianVecEnv(EASY, 1, 0))
    shaken(model.policy.net)
    model.save(f"{tmp_path}/model")
    loaded = PPO.load(f"{tmp_path}/model")
    model.policy.save(f"{tmp_path}/policy")
    alone = DiagonalPrecondPolicy.load(f"{tmp_path}/policy")
    state = observation([7], 12)
    for policy in (loaded.policy, alone):
        assert policy.config == TINY
        assert torch.equal(policy.net.mean(state), model.policy.net.mean(state))


def test_critic_warms_up_with_the_actor_frozen() -> None:
    """An optimiser of the critic alone changes no bit of the actions."""
    policy = make_policy()
    state = observation([9, 4], 12)
    before = policy.get_distribution(state).mean.detach()
    optimizer = torch.optim.Adam(policy.net.critic_parameters(), lr=0.05)
    for _ in range(5):
        optimizer.zero_grad()
        loss = (policy.predict_values(state) - 2.0).square().mean()
        loss.backward()
        optimizer.step()
    assert torch.equal(policy.get_distribution(state).mean, before)
    assert (policy.predict_values(state) - 2.0).square().mean() < loss


def test_foreign_spaces_are_refused() -> None:
    """Spaces of another environment are an error that names the required ones."""
    box = spaces.Box(-1.0, 1.0, (4,), np.float32)
    padded = spaces.Box(-1.0, 1.0, (12,), np.float32)
    for space, actions in ((box, box), (observation_space(12), box), (observation_space(12, 1), padded)):
        with pytest.raises(InputError, match="LagrangianCVRP-v0 with observation=2"):
            DiagonalPrecondPolicy(space, actions, lambda _: 1e-3)
