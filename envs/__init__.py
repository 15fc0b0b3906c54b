"""The Lagrangian dual loop as Gymnasium environments: `gymnasium.make("LagrangianCVRP-v0")`, `LagrangianSearch-v0`.

Importing this package registers the environments. Its other names are imported when they are first used.

Examples
--------
>>> import envs, gymnasium
>>> env = gymnasium.make("LagrangianCVRP-v0")
>>> observation, info = env.reset(seed=0, options={"instance": "G-n16-k3"})
>>> observation["nodes"].shape
(100, 20)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gymnasium.envs.registration import register, registry

from lagrl.lazy import lazy_names

__all__ = [
    "FEATURES",
    "OBSERVATION_VERSION",
    "ROUTE_FEATURES",
    "ROUTE_OBSERVATION_VERSION",
    "ActionConfig",
    "CurriculumConfig",
    "EnvConfig",
    "EpisodeBatch",
    "LagrangianCVRP",
    "LagrangianSearch",
    "LagrangianSearchVecEnv",
    "LagrangianSearchVectorEnv",
    "LagrangianSubprocVecEnv",
    "LagrangianVecEnv",
    "LagrangianVectorEnv",
    "Observer",
    "RayVecEnv",
    "RewardWeights",
    "RouteEpisodeBatch",
    "SearchEnvConfig",
    "next_multipliers",
]

__lagrl__ = True  # marks our packages: `lagrl doctor` recognises foreign packages of the same name by its absence

if "LagrangianCVRP-v0" not in registry:
    register(
        id="LagrangianCVRP-v0",
        entry_point="envs.env:LagrangianCVRP",
        vector_entry_point="envs.vector:LagrangianVectorEnv",
    )

if "LagrangianSearch-v0" not in registry:
    register(
        id="LagrangianSearch-v0",
        entry_point="envs.search.env:LagrangianSearch",
        vector_entry_point="envs.search.vector:LagrangianSearchVectorEnv",
    )

if TYPE_CHECKING:
    from envs.action import ActionConfig, next_multipliers
    from envs.config import CurriculumConfig, EnvConfig, RewardWeights
    from envs.core import EpisodeBatch
    from envs.env import LagrangianCVRP
    from envs.observation import FEATURES, OBSERVATION_VERSION, Observer
    from envs.route.core import RouteEpisodeBatch
    from envs.route.observation import ROUTE_FEATURES, ROUTE_OBSERVATION_VERSION
    from envs.sb3 import LagrangianVecEnv
    from envs.sb3_processes import LagrangianSubprocVecEnv
    from envs.sb3_ray import RayVecEnv
    from envs.search.config import SearchEnvConfig
    from envs.search.env import LagrangianSearch
    from envs.search.sb3 import LagrangianSearchVecEnv
    from envs.search.vector import LagrangianSearchVectorEnv
    from envs.vector import LagrangianVectorEnv
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "envs.action": ["ActionConfig", "next_multipliers"],
            "envs.config": ["CurriculumConfig", "EnvConfig", "RewardWeights"],
            "envs.core": ["EpisodeBatch"],
            "envs.env": ["LagrangianCVRP"],
            "envs.observation": ["FEATURES", "OBSERVATION_VERSION", "Observer"],
            "envs.route.core": ["RouteEpisodeBatch"],
            "envs.route.observation": ["ROUTE_FEATURES", "ROUTE_OBSERVATION_VERSION"],
            "envs.sb3": ["LagrangianVecEnv"],
            "envs.sb3_processes": ["LagrangianSubprocVecEnv"],
            "envs.sb3_ray": ["RayVecEnv"],
            "envs.search.config": ["SearchEnvConfig"],
            "envs.search.env": ["LagrangianSearch"],
            "envs.search.sb3": ["LagrangianSearchVecEnv"],
            "envs.search.vector": ["LagrangianSearchVectorEnv"],
            "envs.vector": ["LagrangianVectorEnv"],
        },
    )
