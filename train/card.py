"""What a training run writes on its checkpoint's model card."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import torch

from policies.card import hardware, model_card

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_INSTANCES = "generated X-type instances (Uchoa et al. 2017) of {} to {} customers; no CVRPLIB instance"


def training_card(
    *,
    name: str,
    kind: str,
    description: str,
    arguments: Sequence[str],
    config: Mapping[str, Any],
    steps: int,
    seconds: float,
    device: torch.device,
    selection: Mapping[str, Any],
    parent: str | None = None,
) -> dict[str, Any]:
    """Return the model card of a checkpoint that a run of ours has trained.

    Parameters
    ----------
    name, kind, description
        See `policies.card.model_card`.
    arguments
        What the user gave to `python -m train.<kind>`.
    config
        The run's whole configuration as JSON values, with `seed` and `env.n_customers` in it.
    steps
        Optimiser or environment steps taken.
    seconds
        Wall-clock seconds, all resumed pieces together.
    device
        Where it was trained.
    selection
        Figures on validation instances by which these weights were chosen, and of what they are compared with.
    parent
        The checkpoint it was trained from.
    """
    accelerator = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return model_card(
        name=name,
        kind=kind,
        description=description,
        command=shlex.join(["python", "-m", f"train.{kind}", *arguments]),
        config=config,
        training={
            "instances": _INSTANCES.format(*config["env"]["n_customers"]),
            "seed": int(config["seed"]),
            "steps": steps,
            "seconds": round(seconds, 1),
            "hardware": hardware(accelerator),
            "parent": parent,
        },
        selection=selection,
    )
