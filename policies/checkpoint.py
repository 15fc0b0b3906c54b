"""Checkpoints: weights as safetensors, and a JSON file that describes them; nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save

from envs.action import MOMENTUM
from lagrl.errors import InputError
from lagrl.io.atomic import replacing
from policies.card import checked_card
from policies.checkpoint_files import (
    FORMAT,
    SCHEMA_VERSION,
    described_observation,
    read_pair,
    read_tensors,
    require_finite,
    require_same_observation,
)
from policies.locate import CheckpointFiles, find_checkpoint
from policies.network import DiagonalPrecondNet, tensor_types

if TYPE_CHECKING:
    from pathlib import Path

    from envs.action import ActionConfig
    from policies.config import PolicyConfig


@dataclass(frozen=True)
class Checkpoint:
    """A trained policy and its description.

    Attributes
    ----------
    net
        The network, on the CPU, in evaluation mode.
    policy
        Its size, and the version of its observations.
    action
        Meaning of its actions; it was trained for no other.
    card
        See `policies.card.model_card`.
    fingerprint
        12 hexadecimal digits that identify its behaviour: weights, size and meaning of its actions, not the card.
    """

    net: DiagonalPrecondNet = field(repr=False)
    policy: PolicyConfig
    action: ActionConfig
    card: dict[str, Any] = field(repr=False)
    fingerprint: str = ""


def save_checkpoint(
    path: str | os.PathLike[str], net: DiagonalPrecondNet, action: ActionConfig, card: dict[str, Any]
) -> None:
    """Write `path`.safetensors and `path`.json.

    Both are on the disk under other names before the first is renamed: an older checkpoint survives a full disk, and
    an interruption except between the two renames. A reader between the two renames finds that the files do not
    belong together and reads them again, see `load_checkpoint`.

    Parameters
    ----------
    path
        Path without suffix, such as `checkpoints/NAME`; the folder must exist.
    net
        The network; on any device.
    action
        Meaning of its actions.
    card
        See `policies.card.model_card`.

    Raises
    ------
    InputError
        If a weight is not finite, the card is not complete, or the action mode is one of the route relaxations; nothing
        is written then.
    OutputError
        If the files cannot be written.
    """
    files = CheckpointFiles.from_path(path)
    require_assignment_mode(action, str(files.record))
    state = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
    require_finite(state, source=str(files.tensors), remedy="this training diverged; keep an earlier checkpoint")
    content = save(state, metadata={"format": FORMAT})
    record = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "observation": described_observation(net.config.observation),
        "action": action.to_json(),
        "policy": net.config.to_json(),
        "card": checked_card(card),
    }
    with replacing(files.record) as new_record, replacing(files.tensors) as new_tensors:
        _write(new_tensors, content)
        _write(new_record, (json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def load_checkpoint(
    spec: str | os.PathLike[str], *, expect_mode: str | None = None, expect_observation: int | None = None
) -> Checkpoint:
    """Read a checkpoint; every field, the checksum and every tensor's name, shape and type are checked.

    Parameters
    ----------
    spec
        A path, with or without suffix, or NAME or `checkpoints/NAME` of a shipped one.
    expect_mode
        Action mode for which it must have been trained; None: any.
    expect_observation
        Version of the observations for which it must have been trained; None: any.

    Raises
    ------
    UnknownNameError
        If there is no such checkpoint.
    InputError
        If it is truncated, damaged, of another program or schema version, made for observations that are not known, for
        others or for another action mode than expected, or holds anything unexpected.
    """
    files = find_checkpoint(spec)
    record, content = read_pair(files)
    source = str(files.record)
    policy, action = record.policy, record.action
    if expect_mode is not None and action.mode != expect_mode:
        problem = f"was trained for {action.mode!r}, not {expect_mode!r}"
        remedy = f"use a checkpoint of mode {expect_mode!r}, or set the action mode to {action.mode!r}"
        raise InputError(problem, source=source, field="action.mode", remedy=remedy)
    require_assignment_mode(action, source)
    require_same_observation(record.observation, policy.observation, source)
    if expect_observation not in (None, policy.observation):
        problem = f"was trained with observations of version {policy.observation}, not {expect_observation}"
        remedy = f"use another checkpoint, or set the environment's observation to {policy.observation}"
        raise InputError(problem, source=source, field="policy.observation", remedy=remedy)
    card = checked_card(record.card, source=source)
    weights = read_tensors(content, tensor_types(policy), str(files.tensors))
    with torch.random.fork_rng(devices=[]):  # the discarded initial weights must not use up random numbers
        net = DiagonalPrecondNet(policy)
    net.load_state_dict(weights)
    size = {name: value for name, value in policy.to_json().items() if name != "observation"}  # as in version 1
    behaviour = [record.sha256, size, action.to_json(), record.observation]
    fingerprint = hashlib.sha256(json.dumps(behaviour, sort_keys=True).encode()).hexdigest()[:12]
    return Checkpoint(net.eval(), policy, action, card, fingerprint)


def require_assignment_mode(action: ActionConfig, source: str) -> None:
    """Refuse an action mode that only the route relaxations have: this network has one number per customer.

    Raises
    ------
    InputError
        Naming the mode.
    """
    if action.mode == MOMENTUM:
        remedy = "use diagonal or direction; policies of the route relaxations are trained by python -m train.unroll"
        raise InputError(f"{MOMENTUM!r} given", source=source, field="action.mode", remedy=remedy)


def _write(path: Path, content: bytes) -> None:
    """Write and wait for the disk: a full disk must be noticed before the first file is renamed."""
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
