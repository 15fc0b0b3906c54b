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
        remedy="leave env.action out, or clone an expert with these actions first (lagrl train bc)",
    )


def require_same_network(config: PPOConfig, start: Checkpoint, source: str) -> None:
    """Refuse an initial checkpoint whose network has another size than the configured one.

    Raises
    ------
    InputError
        Naming both sizes and the options of the checkpoint's.
    """
    found, wanted = ({name: getattr(policy, name) for name in _SIZE} for policy in (start.policy, config.policy))
    if found == wanted:
        return
    differing = [name for name in _SIZE if found[name] != wanted[name]]
    problem = ", ".join(f"{name} {found[name]}, not {wanted[name]}" for name in differing)
    options = " ".join(f"--policy.{name.replace('_', '-')} {found[name]}" for name in differing)
    raise InputError(
        f"has a network of another size: {problem}",
        source=source,
        field="--init",
        remedy=f"give its size ({options}) or the preset it was trained with (--preset)",
    )


def differences(config: PPOConfig, start: Checkpoint) -> str | None:
    """Return how the episodes that the initial policy was trained on differ from this run's; None if they do not."""
    trained = start.card["config"].get("env")
    if not isinstance(trained, dict):
        return None
    own = config.env.to_json()
    found = [
        f"{name} {_shown(trained[name])}, here {_shown(own[name])}"
        for name in _EPISODE
        if name in trained and trained[name] != own[name]
    ]
    return "the initial policy was trained on other episodes: " + "; ".join(found) if found else None


def _shown(value: object) -> str:
    return "none" if value is None else " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


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


_SIZE = ("hidden", "layers", "heads", "critic_hidden")
_EPISODE = ("n_customers", "start", "bounds", "min_steps", "max_steps")
