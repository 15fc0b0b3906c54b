"""Training controllers: behaviour cloning (`python -m train.bc`), then PPO (`python -m train.ppo`).

A third command, which needs no torch, trains bandits over backends and circuits (`python -m train.bandit`).
"""

from __future__ import annotations

__lagrl__ = True  # marks our packages: `lagrl doctor` tells foreign ones of the same name by its absence
