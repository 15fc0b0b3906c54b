"""Collection: the expert labels every visited state, in its own and in the learner's episodes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from envs.action import ActionConfig, action_label
from envs.config import EnvConfig
from envs.core import EpisodeBatch
from envs.observation import FEATURES
from lagrl.controllers.constant import ConstantStep
from lagrl.controllers.held_wolfe_crowder import HeldWolfeCrowder
from lagrl.errors import InputError
from train.bc.dagger import Round, collect, expert_share
from train.experts import TargetExpert
from train.stop import Interrupted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lagrl.controllers.base import Controller, Feedback
    from lagrl.relaxation.dual import DualPoint
    from train.dataset import States

CONFIG = EnvConfig(
    n_max=14, n_customers=(8, 14), min_steps=3, max_steps=6, decode_every=1, route_sampler="exact", route_every=200
)
WATCH = 0x44414747  # the stream that collection draws its episodes from


def features_of(states: States) -> list[NDArray[np.float32]]:
    return np.split(states.nodes, np.cumsum(states.sizes)[:-1])


def labels_of(states: States) -> list[NDArray[np.float32]]:
    return np.split(states.labels, np.cumsum(states.sizes)[:-1])


def gather(expert: type, learner: object = None, share: float = 1.0, **kwargs: int) -> States:
    task = Round(kwargs.pop("number", 0), kwargs.pop("episodes", 4), 10, share)
    found = collect(
        kwargs.pop("config", CONFIG),
        expert,
        learner,
        task,
        n_envs=kwargs.pop("n_envs", 3),
        seed=kwargs.pop("seed", 5),
    )
    assert found is not None
    return found


def replayed(make: type, actions: float | None, episode: int, number: int = 0) -> list[tuple[NDArray, NDArray]]:
    """Run one episode alone, with a constant action or (None) with the labels; return features and labels."""
    batch = EpisodeBatch(CONFIG, 1)
    batch.reset(0, np.random.default_rng([WATCH, 5, number, episode, 0]))
    played = batch.episodes[0]
    expert: Controller = make()
    expert.start(played.dual, budget=played.budget, rng=np.random.default_rng(0), initial=played.initial)
    seen = []
    while not played.is_over:
        assert played.step is not None
        point = played.step.point
        target = played.dual.clip(expert.update(point, played.step.feedback))
        label, mask = action_label(point.multipliers, target, point.violation, played.dual.scale, CONFIG.action)
        n = len(label)
        if mask.any():
            seen.append((batch.observation(0)["nodes"][:n], label))
        action = np.zeros((1, CONFIG.n_max), np.float32)
        action[0, :n] = label if actions is None else actions
        batch.step(action)
    return seen


@pytest.mark.parametrize("acts", ["expert", "learner"])
def test_states_are_those_of_whoever_acts_with_the_experts_labels(acts: str) -> None:
    """Every episode, run alone by hand, has the same states and the same labels."""
    if acts == "expert":
        states, actions = gather(HeldWolfeCrowder), None
    else:
        states, actions = (
            gather(HeldWolfeCrowder, lambda seen: np.full(seen["node_mask"].shape, 0.25, np.float32), 0.0),
            0.25,
        )
    wanted = [pair for episode in range(4) for pair in replayed(HeldWolfeCrowder, actions, episode)]
    assert len(states) == len(wanted)
    for features, label, (wanted_features, wanted_label) in zip(
        features_of(states), labels_of(states), wanted, strict=True
    ):
        assert np.array_equal(features, wanted_features)
        assert np.array_equal(label, wanted_label)
    assert set(states.episodes) <= set(range(10, 14))


def test_a_constant_step_has_a_constant_label() -> None:
    """λ + α·s·g with α = D₀ is the action 0, wherever g is not 0; elsewhere nothing is labelled."""
    states = gather(lambda: ConstantStep(CONFIG.action.base_step))
    violation = states.nodes[:, FEATURES.index("violation")]
    assert np.array_equal(states.is_labelled, violation != 0)
    wide = np.abs(states.labels[states.is_labelled]) < 0.99  # the bounds may cut a step short
    assert np.allclose(states.labels[states.is_labelled][wide], 0.0, atol=1e-4)
    assert wide.mean() > 0.9


def test_same_data_for_any_number_of_environments() -> None:
    """The number of environments does not change the data, and a second collection gives the same."""
    few, many, again = (gather(HeldWolfeCrowder, n_envs=n_envs, episodes=5) for n_envs in (1, 5, 5))
    for other in (many, again):
        assert np.array_equal(few.nodes, other.nodes)
        assert np.array_equal(few.labels, other.labels)
        assert np.array_equal(few.episodes, other.episodes)


def test_rounds_and_seeds_have_episodes_of_their_own() -> None:
    """Another round or seed has other instances."""
    first, other_round, other_seed = (
        gather(HeldWolfeCrowder),
        gather(HeldWolfeCrowder, number=1),
        gather(HeldWolfeCrowder, seed=6),
    )
    assert not np.array_equal(first.sizes[:3], other_round.sizes[:3]) or not np.array_equal(
        first.nodes[:5], other_round.nodes[:5]
    )
    assert not np.array_equal(first.nodes[:5], other_seed.nodes[:5])


def test_shares_of_episodes_go_to_the_learner() -> None:
    """With share ½ the expert acts in some episodes and the learner in the others, each to the end."""

    def learner(seen: Mapping[str, NDArray]) -> NDArray[np.float32]:
        return np.full(seen["node_mask"].shape, -0.5, np.float32)

    mixed = gather(HeldWolfeCrowder, learner, 0.5, episodes=12)
    experts, learners = gather(HeldWolfeCrowder, episodes=12), gather(HeldWolfeCrowder, learner, 0.0, episodes=12)

    def nodes(states: States, episode: int) -> NDArray[np.float32]:
        return states.nodes[np.repeat(states.episodes == episode, states.sizes)]

    whose = set()
    for episode in range(10, 22):
        is_experts = np.array_equal(nodes(mixed, episode), nodes(experts, episode))
        is_learners = np.array_equal(nodes(mixed, episode), nodes(learners, episode))
        assert is_experts or is_learners
        whose.add((is_experts, is_learners))
    assert {(True, False), (False, True)} <= whose


def test_schedule_falls_geometrically() -> None:
    """The share is 1 at first, then β, β², …; with β = 0 the expert acts in the first round only."""
    assert [expert_share(0.5, number) for number in range(3)] == [1.0, 0.5, 0.25]
    assert [expert_share(0.0, number) for number in range(2)] == [1.0, 0.0]


def test_noise_moves_the_learner_only() -> None:
    """Noise changes the states of the learner's episodes, and not those of the expert's."""

    def zero(seen: dict[str, np.ndarray]) -> np.ndarray:
        return np.zeros(seen["node_mask"].shape, np.float32)

    plain = collect(CONFIG, HeldWolfeCrowder, zero, Round(1, 2, 0, 0.0), n_envs=2, seed=0)
    noisy = collect(CONFIG, HeldWolfeCrowder, zero, Round(1, 2, 0, 0.0, noise=0.3), n_envs=2, seed=0)
    experts = [
        collect(CONFIG, HeldWolfeCrowder, zero, Round(1, 2, 0, 1.0, noise=x), n_envs=2, seed=0) for x in (0, 0.3)
    ]
    assert plain is not None
    assert noisy is not None
    assert not np.array_equal(plain.nodes, noisy.nodes)
    assert np.array_equal(experts[0].nodes, experts[1].nodes)


def test_direction_labels_lead_to_the_target() -> None:
    """Actions shrink along the target's labels, and customers with g = 0 are labelled too."""
    config = EnvConfig(**{**vars(CONFIG), "action": ActionConfig(mode="direction"), "start": "zero"})
    states = gather(TargetExpert, config=config)
    assert states.is_labelled.all()
    sizes = [np.abs(label).mean() for label in labels_of(states)]
    firsts = np.flatnonzero(np.diff(states.episodes, prepend=-1))
    lasts = np.append(firsts[1:], len(states)) - 1
    assert all(sizes[last] < sizes[first] for first, last in zip(firsts, lasts, strict=True))


def test_collection_can_be_left_after_every_step() -> None:
    """The report counts visited states and episodes, and an error that it raises ends the collection."""
    seen: list[tuple[str, float, str]] = []

    def report(kind: str, pieces: float, text: str) -> None:
        seen.append((kind, pieces, text))
        if len(seen) == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        collect(CONFIG, HeldWolfeCrowder, None, Round(0, 4, 0, 1.0), n_envs=2, seed=0, report=report)
    assert [entry[:2] for entry in seen] == [("collection", 2), ("collection", 2)]
    assert re.fullmatch(r"round 1, [0-4]/4 episodes, [1-4] states", seen[1][2])


class Broken(HeldWolfeCrowder):
    """An expert with a mistake."""

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        raise ZeroDivisionError("mine")


class Forgetful(HeldWolfeCrowder):
    """An expert that returns NaN."""

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        return np.full(len(point.multipliers), np.nan)


@pytest.mark.parametrize(("expert", "said"), [(Broken, "Broken.*mine"), (Forgetful, "Forgetful.*nan")])
def test_a_faulty_expert_is_named(expert: type, said: str) -> None:
    """An exception or a wrong return value of a user's expert is an error with its name."""
    with pytest.raises(InputError, match=said):
        gather(expert)
