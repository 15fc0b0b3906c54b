"""Lines of a log of decisions: the arms of a width, and the decisions among them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, astuple, fields, replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from lagrl.errors import InputError
from lagrl.io.line_format import LineFormat, opened, reading
from lagrl.io.records import Check, from_record, read_fields
from lagrl.printable import shown
from lagrl.quantum.bandit.arms import Arm
from lagrl.quantum.bandit.features import BackendContext, KnapsackContext
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
_LARGEST = 1e9  # of any number in a log; sums and squares of such numbers are finite

_Share = Annotated[float, Check(lambda value: 0.0 <= value <= 1.0, "a number from 0 to 1")]
_Size = Annotated[float, Check(lambda value: 0.0 <= value <= _LARGEST, "a number from 0 to 1e9")]
_Count = Annotated[int, Check(lambda value: 0 <= value <= _LARGEST, "a whole number from 0 to 1e9")]
_FIELDS: dict[str, dict[str, Any]] = {
    "header": {"kind": str, "settings": dict},
    "arms": {
        **{"kind": str, "number": _Count, "width": _Count, "arms": list[str], "profile": list[str]},
        **{"profiles": list[list[Any]], "backends": list[tuple[_Size, _Size]], "objections": list[str]},
    },
    "decision": {
        **{"kind": str, "run": str, "step": int, "vehicle": _Count, "knapsack": dict, "arms": int, "arm": str},
        **{"propensity": _Share, "objection": str, "answered": str, "quality": _Share, "baseline": _Share},
    },
    "run": {"kind": str, "key": str},
}


def check_line(line: dict[str, Any]) -> None:
    """Refuse a line of an unknown kind, or with a missing or mistyped field; InputError names it."""
    kind = line.get("kind")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise InputError(f"of kind {shown(kind)}")
    read_fields(line, _FIELDS[kind], source=None, remedy=None, allow_others=True)


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

    The line has passed `check_line`. Raises `InputError` if its lists do not fit together, or an arm or a number is not
    possible.
    """
    if line["profile"] != _PROFILE:
        raise InputError(f"profiles of {', '.join(line['profile'])}, not of {', '.join(_PROFILE)}")
    arms = tuple(Arm.parse(text) for text in line["arms"])
    lists = [line[name] for name in ("profiles", "backends", "objections")]
    if any(len(own) != len(arms) for own in lists):
        raise InputError(f"{len(arms)} arms, but {' and '.join(str(len(own)) for own in lists)} entries for them")
    return ScreenedArms(
        width=line["width"],
        arms=arms,
        profiles=tuple(_profile(values) for values in line["profiles"]),
        backends=tuple(BackendContext(*map(float, own)) for own in line["backends"]),
        objections=tuple(line["objections"]),
    )


def read_knapsack(plain: dict[str, Any]) -> KnapsackContext:
    """Return the description of a knapsack in a decision; InputError if it is something else."""
    knapsack = from_record(KnapsackContext, plain, "knapsack")
    _require_sizes(vars(knapsack), "knapsack")
    return knapsack


def _profile(values: list[Any]) -> Profile:
    if len(values) != len(_PROFILE):
        raise InputError(f"{len(values)} numbers for {', '.join(_PROFILE)}", field="profiles")
    read = dict(zip(_PROFILE, values, strict=True))
    endless = {name: 1.0 for name in ("t1", "t2") if read[name] is None}
    profile = from_record(Profile, {**read, **endless}, "profiles")
    sizes = {**vars(profile), "log_gates": -profile.log_gates, "log_readout": -profile.log_readout}
    _require_sizes(sizes, "profiles")
    if not profile.t1 > 0.0 or not profile.t2 > 0.0 or profile.duration > _LARGEST * min(profile.t1, profile.t2):
        raise InputError(f"duration {profile.duration}, t1 {profile.t1}, t2 {profile.t2}", field="profiles")
    return replace(
        profile, t1=np.inf if read["t1"] is None else profile.t1, t2=np.inf if read["t2"] is None else profile.t2
    )


def _require_sizes(values: dict[str, Any], field: str) -> None:
    for name, value in values.items():
        if not 0 <= value <= _LARGEST:
            raise InputError(f"{name} of size {shown(value)} is not a number from 0 to 1e9", field=field)


def content_digest(path: Path) -> str:
    """Return the SHA-256 of a log, unpacked if its name ends in `.gz`.

    Raises `InputError` if the file cannot be read.
    """
    digest = hashlib.sha256()
    with reading(path, REMEDY), opened(path) as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
