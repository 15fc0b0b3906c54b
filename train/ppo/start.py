"""Start of a PPO run: weights and actions of the clone, exploration of this run, expert of the clone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from envs.action import ActionConfig
from lagrl.errors import InputError
from lagrl.plugins import NamedRule, require_trusted
from train.experts import is_built_in

if TYPE_CHECKING:
    from torch import Tensor

    from policies.checkpoint import Checkpoint
    from policies.config import PolicyConfig
    from policies.network import DiagonalPrecondNet
    from train.ppo.config import PPOConfig


def load_weights(net: DiagonalPrecondNet, weights: dict[str, Tensor]) -> None:
    """Load trained weights into `net`, except ln σ and ln τ, which are those of this run."""
    spread = ("log_std", "shared_log_std")
    own = {name: tensor for name, tensor in net.state_dict().items() if name in spread}
    net.load_state_dict({name: tensor for name, tensor in weights.items() if name not in spread} | own)


def action_of(config: PPOConfig, start: Checkpoint | None) -> ActionConfig:
    """Return the meaning of the actions: the checkpoint's, or the configuration's without a checkpoint.

    Raises
    ------
    InputError
        If the configuration has another one, for which the checkpoint was not trained.
    """
    configured = config.env.action
    if start is None or configured == start.action:
        return configured
    if configured == ActionConfig(mode=start.action.mode):
        return start.action
    raise InputError(
        f"{configured} is not the checkpoint's {start.action}",
        field="env.action",
        remedy="leave env.action out, or clone an expert with these actions first (python -m train.bc)",
    )


def policy_of(config: PPOConfig, start: Checkpoint | None) -> PolicyConfig:
    """Return the checkpoint's network, or the configured one, with this run's exploration."""
    shared = config.shared_log_std[0] if config.shared_exploration else None
    base = config.policy if start is None else start.policy
    return replace(base, log_std=config.log_std[0], shared_log_std=shared)


def imitates(config: PPOConfig) -> bool:
    """Return whether the run imitates an expert."""
    return max(config.imitation) > 0 and config.imitation_states > 0


def expert_of(config: PPOConfig, start: Checkpoint | None) -> str | None:
    """Return the expert whose actions are imitated and whose rewards are the baseline; None without both.

    Raises
    ------
    InputError
        If neither the configuration nor the checkpoint's card names one, or the card names one that is not built in.
    """
    if not (imitates(config) or config.baseline):
        return None
    cloned = start.card["config"].get("expert") if start is not None and config.expert is None else None
    name = config.expert or cloned
    if cloned is not None:
        require_trusted(
            [NamedRule("expert", str(cloned), is_built_in(str(cloned)))], source="card of the initial checkpoint"
        )
    if name is None:
        raise InputError(
            "no expert to imitate or to compare with",
            field="expert",
            remedy="name one (--expert hwc), or switch both off (--imitation 0 0 --no-baseline)",
        )
    return str(name)
