"""The Lagrangian dual loop as a Gymnasium environment: `gymnasium.make("envs:LagrangianCVRP-v0")`."""

from __future__ import annotations

from gymnasium.envs.registration import register, registry

__lagrl__ = True  # marks our packages: `lagrl doctor` tells foreign ones of the same name by its absence

if "LagrangianCVRP-v0" not in registry:
    register(
        id="LagrangianCVRP-v0",
        entry_point="envs.env:LagrangianCVRP",
        vector_entry_point="envs.vector:LagrangianVectorEnv",
    )
