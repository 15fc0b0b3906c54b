"""The curriculum under Stable-Baselines3, whose environments live in this process or in others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecMonitor

from envs.config import CurriculumConfig, EnvConfig
from envs.curriculum import Curriculum
from envs.env import LagrangianCVRP
from envs.sb3 import CurriculumCallback, LagrangianVecEnv
from envs.sb3_processes import LagrangianSubprocVecEnv

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

SHORT = EnvConfig(
    n_max=12,
    n_customers=(6, 12),
    max_steps=3,
    route_sampler="exact",
    curriculum=CurriculumConfig(window=2, gap=1.0, least_episodes=4),
)


class Phases(BaseCallback):
    """Notes the phase of every episode that ends."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def _on_step(self) -> bool:
        for done, info in zip(self.locals["dones"], self.locals["infos"], strict=True):
            if done:
                self.seen.append(info["phase"])
        return True


def made(kind: str) -> VecEnv:
    """Return two environments."""
    single = [lambda: Monitor(LagrangianCVRP(SHORT))] * 2
    kinds: dict[str, Any] = {
        "batched": lambda: LagrangianVecEnv(SHORT, 2),
        "wrapped": lambda: VecMonitor(LagrangianVecEnv(SHORT, 2)),
        "dummy": lambda: DummyVecEnv(single),
        "processes": lambda: SubprocVecEnv(single, "fork"),
        "batches in processes": lambda: LagrangianSubprocVecEnv(SHORT, 2),
    }
    env: VecEnv = kinds[kind]()
    return env


@pytest.mark.parametrize(
    ("kind", "is_given"),
    [
        ("batched", True),  # a given curriculum reads nothing from the environments
        *((kind, False) for kind in ("batched", "wrapped", "dummy", "processes", "batches in processes")),
    ],
)
def test_stock_ppo_goes_through_the_phases(kind: str, is_given: bool) -> None:
    """Plain PPO with the callback, with or without a curriculum, has all terms at first, then phase 2, then phase 3."""
    env = made(kind)
    phases = Phases()
    callback = CurriculumCallback(Curriculum(SHORT) if is_given else None)
    model = PPO("MultiInputPolicy", env, n_steps=16, batch_size=32, n_epochs=1, seed=0, device="cpu")
    model.learn(48, [callback, phases])
    env.close()
    assert callback.curriculum is not None
    assert callback.curriculum.phase == 3
    assert phases.seen[0] == 0  # started before the callback; without one the rewards have all terms
    changes = [phase for last, phase in zip([None, *phases.seen[:-1]], phases.seen, strict=True) if phase != last]
    assert changes == [0, 2, 3]
    assert phases.seen.count(2) >= 4
