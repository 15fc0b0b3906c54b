"""The model card of a checkpoint: how it was trained, by which command, and its measured results."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from lagrl.bench.provenance import git_revision, versions
from lagrl.io.records import Check, read_fields, require_plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PACKAGES = ("torch", "torch-geometric", "gymnasium", "stable-baselines3", "safetensors")


def _is_utc(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).utcoffset() == timedelta(0)
    except ValueError:
        return False


@dataclass(frozen=True)
class Result:
    """A measurement: what was measured, the command that repeats it, and its figures."""

    measured: str
    command: str
    figures: dict[str, Any]


CARD_FIELDS: dict[str, Any] = {
    "name": str,
    "kind": Literal["bc", "ppo", "route", "assignment", "other"],
    "description": str,
    "created": Annotated[str, Check(_is_utc, "a UTC time such as 2030-01-31T12:00:00+00:00")],
    "lagrl_version": str,
    "git_revision": str | None,
    "versions": dict,
    "command": str,
    "config": dict,
    "training": dict,
    "selection": dict,
    "results": list[Result],
    "limitations": str,
    "license": str,
}

TRAINING_FIELDS: dict[str, Any] = {
    "instances": str,
    "seed": int | None,
    "steps": int,
    "seconds": float | None,
    "hardware": str,
    "parent": str | None,
}

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
        `bc` (cloned), `ppo` (fine-tuned), `route` (multipliers of route relaxations),
        `assignment` (multipliers of the assignment dual) or `other`.
    description
        One or two sentences: what it does and when to use it.
    command
        The command that trained it.
    config
        Configuration of that command, plain JSON values.
    training
        `instances` (description), `seed` and `seconds` (None if not known), `steps`, `hardware` (see `hardware`),
        `parent` (the initial checkpoint, or None), and further entries if useful.
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
    read_fields(
        found["training"], TRAINING_FIELDS, source=source, field="card.training", remedy=remedy, allow_others=True
    )
    require_plain(found, source=source, field="card", remedy="give text, finite numbers, lists and objects only")
    return found


def hardware(accelerator: str | None = None) -> str:
    """Describe the machine without its name: system, architecture, CPU cores and accelerator."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} {platform.machine()}, {cores} CPU cores" + (f", {accelerator}" if accelerator else "")
