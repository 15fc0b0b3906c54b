"""The model card of a checkpoint: how it was trained, by which command, and its measured results."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lagrl.bench.provenance import git_revision, versions
from lagrl.errors import InputError
from lagrl.io.records import read_fields, require_plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KINDS = ("bc", "ppo", "other")
_PACKAGES = ("torch", "torch-geometric", "gymnasium", "stable-baselines3", "safetensors")

CARD_FIELDS: dict[str, Any] = {
    "name": str,
    "kind": str,
    "description": str,
    "created": str,
    "lagrl_version": str,
    "git_revision": str | None,
    "versions": dict,
    "command": str,
    "config": dict,
    "training": dict,
    "selection": dict,
    "results": list,
    "limitations": str,
    "license": str,
}

TRAINING_FIELDS: dict[str, Any] = {
    "instances": str,
    "seed": int,
    "steps": int,
    "seconds": float,
    "hardware": str,
    "parent": str | None,
}

RESULT_FIELDS: dict[str, Any] = {"measured": str, "command": str, "figures": dict}

LIMITATIONS = (
    "Trained on generated instances only. It moves multipliers and does not route: the quality of routes depends on "
    "decoding as well. The dual values bound the assignment surrogate, not the CVRP."
)


def model_card(
    *,
    name: str,
    kind: str,
    description: str,
    command: str,
    config: Mapping[str, Any],
    training: Mapping[str, Any],
    selection: Mapping[str, Any] | None = None,
    results: Sequence[Mapping[str, Any]] = (),
    limitations: str = LIMITATIONS,
    license: str = "MIT",
) -> dict[str, Any]:
    """Return a complete card, with the current time, versions and git revision.

    Parameters
    ----------
    name
        The checkpoint's name.
    kind
        `bc` (cloned), `ppo` (fine-tuned) or `other`.
    description
        One or two sentences: what it does and when to use it.
    command
        The command that trained it.
    config
        Configuration of that command, plain JSON values.
    training
        `instances` (description), `seed`, `steps`, `seconds`, `hardware` (see `hardware`), `parent` (the initial
        checkpoint, or None), and further entries if useful.
    selection
        Validation figures by which it was chosen.
    results
        Measurements, each `{measured, command, figures}`: what was measured, the command that repeats it, the results.
    limitations
        Uses for which it is not suited.
    license
        License of the weights.

    Raises
    ------
    InputError
        If a field is missing, unknown or of another type.
    """
    card = {
        "name": name,
        "kind": kind,
        "description": description,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "lagrl_version": versions()["lagrl"],
        "git_revision": git_revision(),
        "versions": versions(*_PACKAGES),
        "command": command,
        "config": dict(config),
        "training": dict(training),
        "selection": dict(selection or {}),
        "results": [dict(result) for result in results],
        "limitations": limitations,
        "license": license,
    }
    return checked_card(card)


def checked_card(card: object, *, source: str | None = None) -> dict[str, Any]:
    """Return the card if it has every field, each of its type.

    Parameters
    ----------
    card
        The card to check.
    source
        Its file, for error messages.

    Raises
    ------
    InputError
        Naming the file, the field and the value.
    """
    remedy = "write the card with policies.card.model_card"
    found = read_fields(card, CARD_FIELDS, source=source, field="card", remedy=remedy)
    if found["kind"] not in KINDS:
        problem = f"{found['kind']!r} is none of {', '.join(KINDS)}"
        raise InputError(problem, source=source, field="card.kind", remedy=remedy)
    if not _is_utc(found["created"]):
        problem = f"{found['created']!r} is no UTC time"
        raise InputError(problem, source=source, field="card.created", remedy="write it as 2030-01-31T12:00:00+00:00")
    read_fields(
        found["training"], TRAINING_FIELDS, source=source, field="card.training", remedy=remedy, allow_others=True
    )
    for index, result in enumerate(found["results"]):
        read_fields(result, RESULT_FIELDS, source=source, field=f"card.results[{index}]", remedy=remedy)
    require_plain(found, source=source, field="card", remedy="give text, finite numbers, lists and objects only")
    return found


def hardware(accelerator: str | None = None) -> str:
    """Describe the machine without its name: system, architecture, CPU cores and accelerator."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} {platform.machine()}, {cores} CPU cores" + (f", {accelerator}" if accelerator else "")


def _is_utc(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).utcoffset() == timedelta(0)
    except ValueError:
        return False
