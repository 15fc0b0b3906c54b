"""Lines of a log of decisions: the arms of a width, and the decisions among them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, astuple, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.io.jsonl import LineFormat, opened, reading
from lagrl.quantum.bandit.arms import Arm
from lagrl.quantum.bandit.features import BackendContext
from lagrl.quantum.bandit.profile import Profile
from lagrl.quantum.bandit.screening import ScreenedArms

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.quantum.bandit.decision import ArmDecision
    from lagrl.relaxation.sampler import SampleContext

REMEDY = "give a file that lagrl traces wrote"
TRACES = LineFormat(
    fault="not a decision trace",
    remedy=REMEDY,
    heads=tuple(f'{{"kind": "{kind}"'.encode() for kind in ("header", "arms", "decision", "run")),
)
_PROFILE = [own.name for own in fields(Profile)]


def arms_line(screened: ScreenedArms, number: int) -> dict[str, Any]:
    """Return the line that lists all arms of a width; an infinite T1 or T2, of no circuit, is written as null."""
    return {
        "kind": "arms",
        "number": number,
        "width": screened.width,
        "arms": [str(arm) for arm in screened.arms],
        "profile": _PROFILE,
        "profiles": [
            [None if isinstance(value, float) and np.isinf(value) else value for value in astuple(profile)]
            for profile in screened.profiles
        ],
        "backends": [astuple(backend) for backend in screened.backends],
        "objections": list(screened.objections),
    }


def decision_line(context: SampleContext, decision: ArmDecision, arms: int) -> dict[str, Any]:
    """Return the line of a decision among the arms with this number."""
    return {
        "kind": "decision",
        "run": context.run,
        "step": context.step,
        "vehicle": decision.vehicle,
        "knapsack": asdict(decision.knapsack),
        "arms": arms,
        "arm": str(decision.arm),
        "propensity": decision.propensity,
        "objection": decision.objection,
        "answered": str(decision.answered),
        "quality": decision.quality,
        "baseline": decision.baseline,
    }


def content_of(line: dict[str, Any]) -> str:
    """Return a digest of an `arms` line without its number: equal arms need only one line."""
    rest = {name: value for name, value in line.items() if name != "number"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def read_arms(line: dict[str, Any]) -> ScreenedArms:
    """Return the arms that an `arms_line` lists.

    Raises `KeyError`, `TypeError` or `ValueError` if it is another line.
    """
    if line["profile"] != _PROFILE:
        raise ValueError(f"profiles of {', '.join(line['profile'])}, not of {', '.join(_PROFILE)}")
    arms = tuple(Arm.parse(text) for text in line["arms"])
    lists = [line[name] for name in ("profiles", "backends", "objections")]
    if any(len(own) != len(arms) for own in lists):
        raise ValueError(f"{len(arms)} arms, but {' and '.join(str(len(own)) for own in lists)} entries for them")
    return ScreenedArms(
        width=int(line["width"]),
        arms=arms,
        profiles=tuple(_profile(values) for values in line["profiles"]),
        backends=tuple(BackendContext(*(float(value) for value in own)) for own in line["backends"]),
        objections=tuple(str(objection) for objection in line["objections"]),
    )


def _profile(values: list[Any]) -> Profile:
    read: dict[str, Any] = dict(zip(_PROFILE, (np.inf if value is None else value for value in values), strict=True))
    return Profile(**read)


def content_digest(path: Path) -> str:
    """Return the SHA-256 of a log, unpacked if its name ends in `.gz`.

    Raises `InputError` if the file cannot be read.
    """
    digest = hashlib.sha256()
    with reading(path, REMEDY), opened(path) as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
