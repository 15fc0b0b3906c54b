"""Lines of a log of decisions: JSON objects, one of them perhaps cut off as its writer was killed."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from dataclasses import asdict, astuple, fields
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.bandit.arms import Arm
from lagrl.quantum.bandit.features import BackendContext
from lagrl.quantum.bandit.profile import Profile
from lagrl.quantum.bandit.screening import ScreenedArms

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lagrl.quantum.bandit.decision import Decision
    from lagrl.relaxation.sampler import SampleContext

REMEDY = "give a file of lagrl traces"
_PROFILE = [own.name for own in fields(Profile)]


def read_lines(path: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Yield the whole lines of a log, unpacked if its name ends in `.gz`: number, bytes up to its end, content.

    A last line without an end is left out: its writer was killed, or is just writing it.

    Raises
    ------
    InputError
        If the file cannot be read, or a line is no JSON object; it names file and line.
    """
    end = 0
    try:
        with _opened(path) as stream:
            for number, line in enumerate(stream, 1):
                if not line.endswith(b"\n"):
                    return
                end += len(line)
                yield number, end, _parsed(line, path, number)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error


def _parsed(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"line {number} is no JSON: {error}", source=str(path), remedy=REMEDY) from error
    if not isinstance(content, dict) or "kind" not in content:
        raise InputError(f"line {number} is no trace", source=str(path), remedy=REMEDY)
    return content


def arms_line(screened: ScreenedArms, number: int) -> dict[str, Any]:
    """Return the line that tells all arms of a width; an infinite T1 or T2, of no circuit, is written as null."""
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


def decision_line(context: SampleContext, decision: Decision, arms: int) -> dict[str, Any]:
    """Return the line of a decision among the arms of a number."""
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
    """Return a digest of an `arms` line but for its number: equal arms need not be told twice."""
    told = {name: value for name, value in line.items() if name != "number"}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def read_arms(line: dict[str, Any]) -> ScreenedArms:
    """Read what `arms_line` wrote.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is something else.
    """
    if line["profile"] != _PROFILE:
        raise ValueError(f"profiles of {', '.join(line['profile'])}, not of {', '.join(_PROFILE)}")
    arms = tuple(Arm.parse(text) for text in line["arms"])
    lists = [line[name] for name in ("profiles", "backends", "objections")]
    if any(len(own) != len(arms) for own in lists):
        raise ValueError(f"{len(arms)} arms, {' and '.join(str(len(own)) for own in lists)} of what belongs to them")
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

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with _opened(path) as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error
    return digest.hexdigest()


def _opened(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _unreadable(path: Path, error: Exception) -> InputError:  # EOFError and zlib's are those of a damaged archive
    told = getattr(error, "strerror", None) or error
    return InputError(f"cannot be read: {told}", source=str(path), remedy="check the name")
