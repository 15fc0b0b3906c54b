"""Where a PPO run starts: the clone's weights and actions, this run's exploration, the expert it was cloned from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from envs.action import ActionConfig
from lagrl.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from policies.checkpoint import Checkpoint
    from policies.config import PolicyConfig
    from policies.network import DiagonalPrecondNet
    from train.ppo.config import PPOConfig


def load_weights(net: DiagonalPrecondNet, weights: dict[str, Tensor]) -> None:
    """Give `net` trained weights, all but the spread of its exploration, which is this run's own."""
    spread = ("log_std", "shared_log_std")
    own = {name: tensor for name, tensor in net.state_dict().items() if name in spread}
    net.load_state_dict({name: tensor for name, tensor in weights.items() if name not in spread} | own)


def action_of(config: PPOConfig, start: Checkpoint | None) -> ActionConfig:
    """Return what actions mean: as in the checkpoint, unless the configuration asks for something else.

    Raises
    ------
    InputError
        If it does: the checkpoint was not trained for that.
    """
    asked = config.env.action
    if start is None or asked == start.action:
        return asked
    if asked == ActionConfig(mode=start.action.mode):
        return start.action
    raise InputError(
        f"{asked} is not the checkpoint's {start.action}",
        field="env.action",
        remedy="leave env.action out, or clone an expert with these actions first (python -m train.bc)",
    )


def policy_of(config: PPOConfig, start: Checkpoint | None) -> PolicyConfig:
    """Return the checkpoint's network, or the configured one, with this run's exploration."""
    shared = config.shared_log_std[0] if config.shared_exploration else None
    base = config.policy if start is None else start.policy
    return replace(base, log_std=config.log_std[0], shared_log_std=shared)


def imitates(config: PPOConfig) -> bool:
    """Tell whether the run imitates an expert at all."""
    return max(config.imitation) > 0 and config.imitation_states > 0


def expert_of(config: PPOConfig, start: Checkpoint | None) -> str | None:
    """Return whose actions are imitated and whose rewards are the baseline; None if neither is asked for.

    Raises
    ------
    InputError
        If neither the configuration nor the checkpoint's card names one.
    """
    if not (imitates(config) or config.baseline):
        return None
    cloned = start.card["config"].get("expert") if start is not None else None
    name = config.expert or cloned
    if name is None:
        raise InputError(
            "no expert to imitate or to compare with",
            field="expert",
            remedy="name one (--expert hwc), or do without (--imitation 0 0 --no-baseline)",
        )
    return str(name)
