"""Export of a model of Stable-Baselines3, in memory or from its file, to a checkpoint."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch

from envs.config import EnvConfig
from lagrl.errors import InputError
from policies.card import model_card
from policies.checkpoint import save_checkpoint
from policies.diagonal_precond import DiagonalPrecondPolicy
from policies.export.sb3_file import HYPERPARAMETERS, OTHER_POLICY, SavedModel, normalised_observations, read_model
from policies.locate import CheckpointFiles
from policies.network import DiagonalPrecondNet

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

    from envs.action import ActionConfig

NOT_RECORDED = "not recorded"


def export_checkpoint(
    model: BaseAlgorithm | str | os.PathLike[str],
    path: str | os.PathLike[str],
    *,
    action: ActionConfig | None = None,
    instances: str = NOT_RECORDED,
    command: str = NOT_RECORDED,
) -> None:
    """Write a model of Stable-Baselines3 as a checkpoint, for `lagrl solve --controller` and `lagrl eval`.

    The checkpoint has the network's weights and size, the version of its observations and the meaning of its actions.
    Its controller takes the actions of the model's deterministic `predict`.

    Parameters
    ----------
    model
        A model whose policy is `DiagonalPrecondPolicy`, or the file that its `save` wrote. Of the file, weights and
        plain text are read; nothing in it is executed.
    path
        Path without suffix, such as `checkpoints/NAME`; the folder must exist. An older checkpoint is replaced.
    action
        Meaning of the actions in the environment that it was trained in. None: that of the model's environment; a file
        and a loaded model without an environment do not contain it.
    instances, command
        Description of the training instances, and the command that trained it, for the model card.

    Raises
    ------
    InputError
        If the policy is another one, its observations were normalised, the meaning of its actions is not known or is
        another one than its environment's, a weight is not finite, or the file cannot be read.
    OutputError
        If the checkpoint cannot be written.
    """
    env = None
    if isinstance(model, str | os.PathLike):
        source, saved = str(model), read_model(model)
    else:
        source, saved = type(model).__name__, _in_memory(model)
        env = _environment(model)
    meaning = _meaning(action, env, source)
    with torch.random.fork_rng(devices=[]):  # the discarded initial weights must not use up random numbers
        net = DiagonalPrecondNet(saved.policy)
    net.load_state_dict(saved.weights)
    card = model_card(
        name=CheckpointFiles.from_path(path).record.stem,
        kind="other",
        description="A graph policy trained with Stable-Baselines3.",
        command=command,
        config=saved.hyperparameters | ({} if env is None else {"env": env.to_json()}),
        training={
            "instances": instances,
            "seed": saved.seed,
            "steps": saved.steps,
            "seconds": None,
            "hardware": NOT_RECORDED,
            "parent": None,
        },
    )
    save_checkpoint(path, net, meaning, card)


def _in_memory(model: BaseAlgorithm) -> SavedModel:
    """Return what a checkpoint needs of a model.

    Raises
    ------
    InputError
        If its policy is another one, or its observations were normalised.
    """
    source, policy = type(model).__name__, model.policy
    if type(policy) is not DiagonalPrecondPolicy:  # a subclass may act differently
        raise InputError(f"{type(policy).__name__} found", source=source, field="policy", remedy=OTHER_POLICY)
    normaliser = model.get_vec_normalize_env()
    if normaliser is not None and normaliser.norm_obs:
        raise normalised_observations(source)
    return SavedModel(
        policy.config,
        {name: tensor.detach().cpu() for name, tensor in policy.net.state_dict().items()},
        model.seed,
        model.num_timesteps,
        {name: value for name in HYPERPARAMETERS if isinstance(value := getattr(model, name, None), int | float)},
    )


def _environment(model: BaseAlgorithm) -> EnvConfig | None:
    """Return the configuration of the model's environment; None if it has no environment of ours."""
    env = model.get_env()
    try:
        found = None if env is None else env.get_attr("config", indices=[0])[0]
    except AttributeError:
        return None
    return found if isinstance(found, EnvConfig) else None


def _meaning(action: ActionConfig | None, env: EnvConfig | None, source: str) -> ActionConfig:
    """Return the meaning of the actions.

    Raises
    ------
    InputError
        If it is not known, or another one is given than the environment's.
    """
    if env is None:
        if action is not None:
            return action
        problem = "the model has no environment that says what its actions mean"
        raise InputError(problem, source=source, field="action", remedy="give action=, that of the training")
    if action is None:
        return env.action
    if env.action != action:
        problem = f"{action} given, the model's environment has {env.action}"
        raise InputError(problem, source=source, field="action", remedy="leave it out")
    return action
