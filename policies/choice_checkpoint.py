"""Files of trained choice networks: one safetensors file, whose metadata describe the network and its training."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from envs.search.observation import FEATURES
from lagrl.errors import InputError, OutputError
from lagrl.io.atomic import replacing
from lagrl.io.json_text import parse_json
from lagrl.io.records import from_record
from lagrl.io.shipped import or_shipped
from policies.checkpoint_files import FETCH_AGAIN, TRAIN_AGAIN, require_finite, require_same_tensors
from policies.choice_network import ChoiceNetwork, ChoiceNetworkConfig
from policies.network import types_of
from policies.seed_features import SEED_FEATURES, SEEDING_NUMBERS

if TYPE_CHECKING:
    import os

Choice = Literal["sets", "seeds"]
"""What a network chooses: the customers that a move frees, or the seeds of a linearisation."""

FORMAT: Literal["lagrl-choice-network"] = "lagrl-choice-network"
SUFFIX = ".safetensors"
OBSERVED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "sets": (FEATURES, ()),
    "seeds": (SEED_FEATURES, SEEDING_NUMBERS),
}
"""Names of the features of a customer, and of the numbers of a candidate, by choice."""


@dataclass(frozen=True)
class ChoiceRecord:
    """The metadata of a file: format, choice, names of its features and numbers, size of the network, and card."""

    format: Literal["lagrl-choice-network"]
    schema_version: Literal[1]
    choice: Choice
    features: tuple[str, ...]
    numbers: tuple[str, ...]
    network: ChoiceNetworkConfig
    card: dict[str, Any]


@dataclass(frozen=True)
class ChoiceCheckpoint:
    """A trained network in evaluation mode, and the card that says how it was trained."""

    net: ChoiceNetwork = field(repr=False)
    card: dict[str, Any] = field(repr=False)


def new_network(choice: Choice, config: ChoiceNetworkConfig) -> ChoiceNetwork:
    """Return an untrained network for a choice."""
    features, numbers = OBSERVED[choice]
    return ChoiceNetwork(len(features), len(numbers), config)


def save_choice(path: str | os.PathLike[str], choice: Choice, net: ChoiceNetwork, card: dict[str, Any]) -> None:
    """Write a network, with or without the suffix `.safetensors` in `path`.

    Raises
    ------
    InputError
        If a weight is not finite; nothing is written then.
    OutputError
        If the file cannot be written.
    """
    file = _with_suffix(path)
    state = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
    require_finite(state, source=str(file), remedy="this training diverged; keep an earlier checkpoint")
    record = ChoiceRecord(FORMAT, 1, choice, *OBSERVED[choice], net.config, card)
    content = save(state, metadata={"format": FORMAT, "record": json.dumps(asdict(record), allow_nan=False)})
    with replacing(file) as temporary:
        try:
            temporary.write_bytes(content)
        except OSError as error:
            raise OutputError(f"{file}: cannot be written ({error.strerror})") from error


def load_choice(spec: str | os.PathLike[str], choice: Choice) -> ChoiceCheckpoint:
    """Read a network: a path with or without suffix, or NAME or `checkpoints/NAME` of a shipped one.

    Raises
    ------
    InputError
        If there is no such file, it is damaged, holds something else, or was trained for another choice or with other
        features.
    """
    file = or_shipped(_with_suffix(spec), SUFFIX)
    source = str(file)
    if not file.is_file():
        raise InputError(
            "no such file", source=source, remedy="give the path of a network of train.sets or train.seeds"
        )
    try:
        with safe_open(file, "pt") as opened:
            metadata = opened.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise InputError("does not hold a choice network", source=source, field="format", remedy=TRAIN_AGAIN)
            found = parse_json(metadata.get("record", ""), source=source)
            record = from_record(ChoiceRecord, found, "", source=source, remedy=TRAIN_AGAIN)
            weights = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not iterable itself
    except (SafetensorError, OSError) as error:
        raise InputError(f"is not a choice network ({error})"[:200], source=source, remedy=FETCH_AGAIN) from error
    if record.choice != choice:
        raise InputError(f"chooses {record.choice}, not {choice}", source=source, field="choice", remedy=TRAIN_AGAIN)
    if (record.features, record.numbers) != OBSERVED[choice]:
        raise InputError("was trained with other features", source=source, field="features", remedy=TRAIN_AGAIN)
    with torch.random.fork_rng(devices=[]):  # the discarded initial weights must not use up random numbers
        net = new_network(choice, record.network)
    require_same_tensors(types_of(weights), types_of(net.state_dict()), source=source, remedy=TRAIN_AGAIN)
    require_finite(weights, source=source, remedy=FETCH_AGAIN)
    net.load_state_dict(weights)
    return ChoiceCheckpoint(net.eval(), record.card)


def _with_suffix(path: str | os.PathLike[str]) -> Path:
    text = str(path)
    return Path(text if text.endswith(SUFFIX) else text + SUFFIX)
