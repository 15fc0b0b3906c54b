"""The model card of a checkpoint from training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from policies.card import hardware, model_card

if TYPE_CHECKING:
    from collections.abc import Mapping

    from train.paths import RunPaths
    from train.run import TrainingRun

_INSTANCES = "generated X-type instances (Uchoa et al. 2017) of {} to {} customers; no CVRPLIB instance"


def training_card(
    run: TrainingRun[Any],
    paths: RunPaths,
    *,
    description: str,
    steps: int,
    device: torch.device,
    selection: Mapping[str, Any],
    **config: Any,
) -> dict[str, Any]:
    """Return the model card of a run's checkpoint.

    Parameters
    ----------
    run, paths
        The run and its output paths.
    description
        See `policies.card.model_card`.
    steps
        Optimiser steps (cloning) or environment steps (PPO) of these weights.
    device
        Device of the training.
    selection
        Validation figures by which these weights were chosen, and those of their competitors.
    config
        Entries of the card's configuration besides the run's own.
    """
    return model_card(
        name=paths.out.name,
        kind=run.name,
        description=description,
        command=paths.command,
        config=run.config.to_json() | config,
        training={
            "instances": _INSTANCES.format(*run.config.env.n_customers),
            "seed": run.config.seed,
            "steps": steps,
            "seconds": round(run.seconds, 1),
            "hardware": hardware(torch.cuda.get_device_name(device) if device.type == "cuda" else None),
            "parent": paths.init,
        },
        selection=selection,
    )
