"""Training of controllers: behaviour cloning (`lagrl train bc`), then PPO (`lagrl train ppo`).

A third command, which needs no torch, trains bandits over backends and circuits (`lagrl train bandit`).
Names are imported when they are first used.

Examples
--------
>>> import train
>>> train.BCConfig.preset("small").seed
0
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lagrl.lazy import lazy_names

__all__ = ["BCConfig", "BCRun", "GraphPPO", "PPOConfig", "PPORun", "validation_set"]

__lagrl__ = True  # marks our packages: `lagrl doctor` recognises foreign packages of the same name by its absence

if TYPE_CHECKING:
    from train.bc.config import BCConfig
    from train.bc.run import BCRun
    from train.ppo.algorithm import GraphPPO
    from train.ppo.config import PPOConfig
    from train.ppo.run import PPORun
    from train.validation import validation_set
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "train.bc.config": ["BCConfig"],
            "train.bc.run": ["BCRun"],
            "train.ppo.algorithm": ["GraphPPO"],
            "train.ppo.config": ["PPOConfig"],
            "train.ppo.run": ["PPORun"],
            "train.validation": ["validation_set"],
        },
    )
