"""`LagrangianCVRP-v0` as Gymnasium and Stable-Baselines3 expect it."""

from __future__ import annotations

import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from stable_baselines3.common.env_checker import check_env as check_sb3

from envs.env import LagrangianCVRP
from lagrl.errors import InputError, MissingExtraError, UnknownNameError
from lagrl.problems.bundled import read_bundled

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL: dict[str, Any] = {"n_max": 20, "n_customers": (8, 20), "max_steps": 6, "route_sampler": "exact"}


def made(**changes: Any) -> LagrangianCVRP:
    """The environment through Gymnasium's registry, small."""
    env = gymnasium.make("envs:LagrangianCVRP-v0", **SMALL | changes).unwrapped
    assert isinstance(env, LagrangianCVRP)
    return env


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"action": {"mode": "direction"}},
        {"observation": 1},
        {"preset": "reference"},
        {"route_sampler": "qaoa", "route_every": 2, "recombine": True},
        {"sampler": "qaoa", "shots": 8},
        {"sampler": "qaoa", "shots": 8, "judge": "samples"},
    ],
    ids=str,
)
def test_both_libraries_find_nothing_wrong(changes: dict[str, Any]) -> None:
    """Both checkers pass; SB3 warns about the two-dimensional boxes, which is expected, and about nothing else."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_gymnasium(made(**changes, render_mode="ansi"), skip_render_check=False)
    with warnings.catch_warnings(record=True) as message:
        warnings.simplefilter("always")
        check_sb3(made(**changes))
    assert message
    assert all("unconventional shape" in str(warning.message) for warning in message)


def rollout(seed: int, n_steps: int = 14) -> list[tuple[float, NDArray[np.float32]]]:
    """Rewards and node features of some steps over several episodes."""
    env = made()
    observation, _ = env.reset(seed=seed)
    env.action_space.seed(seed)
    seen = [(0.0, observation["nodes"])]
    for _ in range(n_steps):
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        assert not truncated
        seen.append((reward, observation["nodes"]))
        if terminated:
            seen.append((0.0, env.reset()[0]["nodes"]))
    return seen


def test_same_seed_same_episodes() -> None:
    """The same seed gives the same episodes, another seed others."""
    first, second, other = rollout(3), rollout(3), rollout(4)
    for (reward, nodes), (again, same) in zip(first, second, strict=True):
        assert reward == again
        np.testing.assert_array_equal(nodes, same)
    assert not np.array_equal(first[0][1], other[0][1])


def test_infos_hold_scalars_only() -> None:
    """At reset and at every step, with the same keys."""
    env = made()
    _, first = env.reset(seed=0)
    *_, second = env.step(np.zeros(20, np.float32))
    assert first.keys() == second.keys()
    for value in (*first.values(), *second.values()):
        assert type(value) in (bool, int, float)


def test_an_instance_may_be_asked_for() -> None:
    """By object and by name, the instance is the same."""
    env = made()
    _, by_name = env.reset(seed=0, options={"instance": "G-n16-k3"})
    _, by_object = env.reset(seed=0, options={"instance": read_bundled("G-n16-k3")})
    assert repr(by_name) == repr(by_object)
    assert env.episode.problem.name == "G-n16-k3"
    env.reset()
    assert env.episode.problem.name != "G-n16-k3"


def test_actions_matter() -> None:
    """Different actions lead to different multipliers."""
    reached = []
    for value in (-1.0, 0.0, 1.0):
        env = made()
        env.reset(seed=0, options={"instance": "G-n16-k3"})
        reached.append(env.step(np.full(20, value, np.float32))[0]["nodes"][:, 0])
    assert not np.array_equal(reached[0], reached[1])
    assert not np.array_equal(reached[1], reached[2])


def test_presets_and_overrides() -> None:
    """The reference preset can be changed by fields; unknown fields are an error."""
    env = gymnasium.make("envs:LagrangianCVRP-v0", preset="reference", route_sampler="exact").unwrapped
    assert isinstance(env, LagrangianCVRP)
    assert (env.config.start, env.config.route_sampler, env.config.n_max) == ("zero", "exact", 100)
    env.reset(seed=0)
    env.set_phase(2)
    assert env.episode.phase is None
    env.reset()
    assert env.episode.phase == 2
    with pytest.raises(InputError, match="colour"):
        LagrangianCVRP(colour="red")


def test_samplers_may_be_ones_own() -> None:
    """`module:attribute` names a class that proposes the routes."""
    env = made(route_sampler="env_samplers:DealSampler")
    env.reset(seed=0)
    dual = env.episode.state.route_dual
    assert dual is not None
    assert type(dual.sampler).__name__ == "DealSampler"


def test_bad_input_is_refused() -> None:
    """Unknown options and render modes, actions of the wrong shape or out of range, steps before a reset."""
    env = made()
    with pytest.raises(InputError, match="call reset first"):
        env.step(np.zeros(20, np.float32))
    with pytest.raises(InputError, match="unknown option 'problem'"):
        env.reset(options={"problem": "G-n16-k3"})
    env.reset(seed=0)
    with pytest.raises(InputError, match=r"shape \(1, 20\)"):
        env.step(np.zeros(19, np.float32))
    with pytest.raises(InputError, match=r"customer 1 is given 1\.5"):
        env.step(np.full(20, 1.5, np.float32))
    with pytest.raises(UnknownNameError, match="rgb_array"):
        LagrangianCVRP(render_mode="human")


def test_the_text_says_where_the_episode_stands() -> None:
    """Instance, evaluation, value, gap and every customer on a route."""
    env = made(render_mode="ansi")
    env.reset(seed=0, options={"instance": "G-n16-k3"})
    env.step(np.zeros(20, np.float32))
    text = env.render()
    assert "G-n16-k3: 15 customers, 3 vehicles" in text
    assert "evaluation 2/7" in text
    assert "does not bound the CVRP" in text
    routes = [line.split(":")[1].split() for line in text.splitlines() if line.startswith("  ")]
    assert sorted(int(customer) for route in routes for customer in route) == list(range(1, 16))
    assert made().render() is None


def test_the_picture_changes_with_the_episode() -> None:
    """An RGB array, different after a step; an instance without coordinates is drawn without a map."""
    pytest.importorskip("matplotlib")
    env = made(render_mode="rgb_array")
    env.reset(seed=0, options={"instance": "G-n16-k3"})
    first = env.render()
    env.step(np.ones(20, np.float32))
    second = env.render()
    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert first.shape[2] == 3
    assert first.std() > 10
    assert not np.array_equal(first, second)
    known = read_bundled("G-n16-k3")
    bare = type(known)("bare", known.demand, known.capacity, known.distance)
    env.reset(seed=0, options={"instance": bare})
    assert env.render().shape == first.shape


def test_a_picture_needs_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without matplotlib the error names the extra."""
    monkeypatch.setattr("envs.picture._made", threading.local())
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    env = made(render_mode="rgb_array")
    env.reset(seed=0)
    with pytest.raises(MissingExtraError, match=r"pip install -c constraints.txt '\.\[viz\]'"):
        env.render()


def test_samplers_may_be_given_as_what_makes_them() -> None:
    """A class or function makes a new sampler for every episode; a sampler object is an error with a remedy."""
    from lagrl.quantum.circuits.statevector import QAOASampler
    from lagrl.quantum.subproblems.candidate_sampler import ProductSampler

    env = made(route_sampler=lambda: QAOASampler(width=4), sampler=ProductSampler, max_steps=3)
    env.reset(seed=0)
    info: dict[str, Any] = {}
    for _ in range(3):
        info = env.step(np.zeros(20, np.float32))[4]
    assert info["circuits"] > 0
    with pytest.raises(InputError, match="route_sampler: a QAOASampler given; give a function that makes it"):
        made(route_sampler=QAOASampler())
