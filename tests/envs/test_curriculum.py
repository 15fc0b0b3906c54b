"""The end of the curriculum's phases, and the wrappers that apply it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

import envs  # noqa: F401 - registers the environment
from envs.config import CurriculumConfig, EnvConfig
from envs.curriculum import Curriculum, CurriculumWrapper, VectorCurriculumWrapper
from envs.env import LagrangianCVRP
from envs.vector import LagrangianVectorEnv
from lagrl.errors import InputError

RULE = CurriculumConfig(window=3, share=0.65, gap=0.2, least_episodes=0)
ALL = replace(EnvConfig(), phases=(1, 2, 3), curriculum=RULE)
SHORT = EnvConfig(
    n_max=12,
    n_customers=(6, 12),
    max_steps=3,
    route_sampler="exact",
    curriculum=CurriculumConfig(window=2, gap=1.0, least_episodes=4),
)


def ended(curriculum: Curriculum, phase: int, *values: float) -> bool:
    """Let episodes of a phase end in one step, whose share and gap are the values."""
    infos = [{"phase": phase, "best_share_served": value, "best_gap": value} for value in values]
    return curriculum.observe(infos, [True] * len(infos))


def test_share_then_gap_then_nothing() -> None:
    """1→2 when the windowed mean share exceeds 0.65, 2→3 when the gap's falls below 0.20, and 3 stays."""
    curriculum = Curriculum(ALL)
    assert [ended(curriculum, 1, value) for value in (0.6, 0.8, 0.7)] == [False, False, True]
    assert curriculum.phase == 2
    assert [ended(curriculum, 2, 0.3) for _ in range(3)] == [False] * 3
    assert [ended(curriculum, 2, 0.1) for _ in range(2)] == [False, True]
    assert curriculum.phase == 3
    assert not any(ended(curriculum, 3, 0.0) for _ in range(9))


def test_thresholds_are_strict() -> None:
    """A mean share of exactly 0.65 is not above it, a gap of exactly 0.2 not below."""
    curriculum = Curriculum(replace(ALL, curriculum=replace(RULE, window=1, share=0.75, gap=0.25)))
    assert not ended(curriculum, 1, 0.75)
    assert ended(curriculum, 1, 0.76)
    assert not ended(curriculum, 2, 0.25)


def test_only_the_ends_of_episodes_count() -> None:
    """A step in which no episode ends changes nothing, however good its values are."""
    curriculum = Curriculum(ALL)
    info = {"phase": 1, "best_share_served": 1.0, "best_gap": 0.0}
    assert not any(curriculum.observe([info, info], [False, False]) for _ in range(50))
    assert curriculum.episodes == 0
    assert curriculum.observe([info, info, info], [True, True, True])


def test_a_phase_lasts_its_least_number_of_episodes() -> None:
    """With a window of 3 and at least 7 episodes, the phase ends at the seventh."""
    curriculum = Curriculum(replace(ALL, curriculum=replace(RULE, least_episodes=7)))
    assert [ended(curriculum, 1, 1.0) for _ in range(7)] == [False] * 6 + [True]
    assert [ended(curriculum, 2, 0.0) for _ in range(7)] == [False] * 6 + [True]


def test_a_phase_begins_with_an_empty_window() -> None:
    """The average of a phase starts empty, and episodes that started in the last phase do not count."""
    curriculum = Curriculum(ALL)
    for _ in range(3):
        ended(curriculum, 1, 0.9)
    assert [ended(curriculum, 1, 0.0) for _ in range(9)] == [False] * 9
    assert [ended(curriculum, 2, 0.0) for _ in range(3)] == [False, False, True]


def test_one_phase_never_ends() -> None:
    """A single configured phase never ends."""
    curriculum = Curriculum(replace(ALL, phases=(2,)))
    assert not any(ended(curriculum, 2, 0.0) for _ in range(9))


def test_a_state_goes_on() -> None:
    """Restored from JSON in the middle of a window, the phase ends at the same episode."""
    rule = replace(ALL, curriculum=replace(RULE, least_episodes=5))
    curriculum, again = Curriculum(rule), Curriculum(rule)
    for _ in range(4):
        ended(curriculum, 1, 0.9)
    again.load_state(json.loads(json.dumps(curriculum.state())))
    assert ended(again, 1, 0.9)
    with pytest.raises(InputError, match="phase"):
        Curriculum(EnvConfig()).load_state({"phase": 1, "episodes": 0, "recent": []})


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"window": 0}, "curriculum.window"),
        ({"least_episodes": -1}, "curriculum.least_episodes"),
        ({"share": 1.5}, "curriculum.share"),
        ({"gap": float("nan")}, "curriculum.gap"),
    ],
)
def test_impossible_rules_are_refused(wrong: dict[str, Any], field: str) -> None:
    """A rule that could never be met, or always, is an error that names its field."""
    with pytest.raises(InputError, match=field):
        CurriculumConfig(**wrong)


def test_the_wrapper_goes_through_the_phases_of_one_environment() -> None:
    """Episodes have the rewards of phase 2 until four have ended, then those of phase 3, also through wrappers."""
    env = CurriculumWrapper(TimeLimit(LagrangianCVRP(SHORT), max_episode_steps=2))
    assert phases_of(env, episodes=7) == [2, 2, 2, 2, 3, 3, 3]


def test_the_wrapper_serves_a_made_environment() -> None:
    """`gymnasium.make` adds wrappers of its own, through which phase and configuration are found."""
    env = gymnasium.make("envs:LagrangianCVRP-v0", config=SHORT)
    assert phases_of(CurriculumWrapper(env), episodes=5) == [2, 2, 2, 2, 3]


@pytest.mark.parametrize("kind", ["batched", "sync", "async"])
def test_the_vector_wrapper_goes_through_the_phases_of_all(kind: str) -> None:
    """All environments change to phase 3 at their first reset after four episodes, also in processes."""
    made = [lambda: LagrangianCVRP(SHORT)] * 2
    inner = {
        "batched": lambda: LagrangianVectorEnv(2, SHORT),
        "sync": lambda: SyncVectorEnv(made),
        "async": lambda: AsyncVectorEnv(made),
    }[kind]()
    env = VectorCurriculumWrapper(inner, SHORT)
    _, infos = env.reset(seed=0)
    seen = [infos["phase"].tolist()]
    for _ in range(16):
        _, _, _, _, infos = env.step(np.zeros((2, 12), np.float32))
        seen.append(infos["phase"].tolist())
    env.close()
    assert seen[0] == [2, 2]
    assert seen[-1] == [3, 3]
    assert sorted(seen) == seen


def test_the_vector_wrapper_needs_a_configuration() -> None:
    """Over Gymnasium's own vector environments the configuration is an argument."""
    with pytest.raises(InputError, match="config"):
        VectorCurriculumWrapper(SyncVectorEnv([lambda: LagrangianCVRP(SHORT)]))


def phases_of(env: gymnasium.Env[Any, Any], episodes: int) -> list[int]:
    """Run episodes of zero actions; return the phase of each."""
    seen = []
    for episode in range(episodes):
        _, info = env.reset(seed=episode)
        seen.append(info["phase"])
        is_over = False
        while not is_over:
            _, _, terminated, truncated, _ = env.step(np.zeros(12, np.float32))
            is_over = terminated or truncated
    return seen
