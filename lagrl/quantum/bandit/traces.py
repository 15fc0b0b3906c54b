"""Logged decisions, for training and for off-policy evaluation: writing a log as they are made, and reading it.

A line of kind `arms` lists all arms of a width; lines of kind `decision` refer to it by number.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np

from lagrl.errors import InputError
from lagrl.io.jsonl import JsonLines, Offset
from lagrl.io.line_format import LineFormat, opened, read_lines, reading
from lagrl.io.records import Check, from_record, read_fields
from lagrl.printable import shown
from lagrl.quantum.bandit.features import PRODUCT, Arm, ArmDecision, KnapsackContext
from lagrl.quantum.bandit.profile import NO_CIRCUIT, Profile, ScreenedArms

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from pathlib import Path

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
_Count = Annotated[int, Check(lambda value: 0 <= value <= _LARGEST, "a whole number from 0 to 1e9")]
_FIELDS: dict[str, dict[str, Any]] = {
    "header": {"kind": str, "settings": dict},
    "arms": {
        **{"kind": str, "number": _Count, "width": _Count, "arms": list[str], "profile": list[str]},
        **{"profiles": list[list[Any]], "objections": list[str]},
    },
    "decision": {
        **{"kind": str, "run": str, "step": int, "vehicle": _Count, "knapsack": dict, "arms": int, "arm": str},
        **{"propensity": _Share, "objection": str, "answered": str, "quality": _Share, "baseline": _Share},
    },
    "run": {"kind": str, "key": str},
}


@dataclass(frozen=True, eq=False)
class Trace:
    """A logged decision and the run it belongs to."""

    run: str  # instance, seed and linearisation, joined by `/`
    step: int  # evaluation
    decision: ArmDecision = field(repr=False)

    @property
    def instance(self) -> str:
        """Name of the instance; decisions on one instance are correlated."""
        return self.run.partition("/")[0]


class TraceLog:
    """Appends decisions to a JSON-lines file. It is a context manager.

    Equal arms have one line. An existing file is continued: numbers go on, and a torn last line is removed first.

    With `settings` the file starts with a line of kind `header` that holds them, and the decisions of a run are
    followed by a line of kind `run` (see `finish`). Decisions after the last of those belong to an interrupted run and
    are removed when the file is opened again. Such a file has one writer at a time; without settings, several. Raises
    `InputError` if the file holds something else, decisions under other settings, or is gzipped, `OutputError` if it
    cannot be written, or another process is writing to it.

    Parameters
    ----------
    path
        The file.
    settings
        What all decisions of the file have in common, plain JSON.
    about
        Further entries of the header, such as versions; they may differ when the file is continued.

    Attributes
    ----------
    finished
        Keys of the finished runs.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        settings: Mapping[str, Any] | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.finished: set[str] = set()
        self._source = str(path)
        self._settings = None if settings is None else json.loads(json.dumps(settings, allow_nan=False))
        self._kept = Offset(0, 0, 0)  # the last line that belongs to a finished run
        self._pending: list[dict[str, Any]] = []  # arms after it
        self._number_of: dict[str, int] = {}  # by content
        self._next = 0
        self._known: dict[int, tuple[ScreenedArms, int]] = {}  # by id; kept alive, so that no other has it
        has_settings = settings is not None
        self._file = JsonLines(
            path, replace(TRACES, warns=not has_settings), self._take, lock="held" if has_settings else "each"
        )
        if has_settings:
            self._file.cut_after(self._kept)
            self._pending.clear()
            if not self._kept.number:
                self._file.append({"kind": "header", "settings": self._settings, **(about or {})}, durably=False)

    def note(self, context: SampleContext, decisions: Sequence[ArmDecision]) -> None:
        """Append the decisions of one call of the sampler."""
        with self._file.locked():
            lines: list[dict[str, Any]] = []
            for decision in decisions:
                lines.append(decision_line(context, decision, self._arms(decision.screened, lines)))
            self._file.append(*lines, durably=False)

    def finish(self, key: str, **record: Any) -> None:
        """Record durably that all decisions of the run called `key` are written; `record` describes the run."""
        with self._file.locked():
            self._file.append({"kind": "run", "key": key, **record})

    def close(self) -> None:
        """Close the file; closing twice is allowed."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, line: dict[str, Any], offset: Offset) -> None:
        check_line(line)
        kind = line["kind"]
        if offset.number == 1:
            self._require_same(line)
        if kind == "arms":
            self._pending.append(line)
        if kind == "run":
            self.finished.add(str(line["key"]))
        if self._settings is None or kind in ("header", "run"):
            self._kept = offset
            for arms in self._pending:
                self._number_of[_content(arms)] = int(arms["number"])
                self._next = max(self._next, int(arms["number"]) + 1)
            self._pending.clear()

    def _require_same(self, line: Mapping[str, Any]) -> None:
        theirs = line.get("settings") if line["kind"] == "header" else None
        if theirs == self._settings:
            return
        if theirs is None or self._settings is None:
            problem = "has no settings" if theirs is None else "was started by lagrl traces"
            raise InputError(problem, source=self._source, remedy="give another file")
        names = sorted(name for name in {*theirs, *self._settings} if theirs.get(name) != self._settings.get(name))
        differences = "; ".join(
            f"{name} {shown(theirs.get(name))} there, {shown(self._settings.get(name))} now" for name in names
        )
        raise InputError(
            f"was started with other settings: {differences}",
            source=self._source,
            field="settings",
            remedy="give the same settings, or another file",
        )

    def _arms(self, screened: ScreenedArms, lines: list[dict[str, Any]]) -> int:
        """Return the number of these arms; add their line to `lines` if the file does not have it."""
        known = self._known.get(id(screened))
        if known is None:
            line = arms_line(screened, self._next)
            number = self._number_of.setdefault(_content(line), self._next)
            if number == self._next:
                self._next += 1
                lines.append(line)
            known = self._known[id(screened)] = screened, number
        return known[1]


def read_traces(paths: Sequence[Path]) -> list[Trace]:
    """Read logs of decisions, gzipped (`.gz`) or not; a torn last line is omitted.

    Raises `InputError` if a file cannot be read, a line is not of a `TraceLog` (it names file and line), or there is no
    decision.
    """
    found: list[Trace] = []
    for path in paths:
        screened: dict[int, ScreenedArms] = {}
        for line, number in read_lines(path, TRACES):
            try:
                check_line(line)
                match line["kind"]:
                    case "arms":
                        screened[line["number"]] = _read_arms(line)
                    case "decision":
                        found.append(_read_decision(line, screened[line["arms"]]))
            except (KeyError, InputError) as error:
                TRACES.refuse(path, number, error)
    if not found:
        raise InputError("no decision found", source=", ".join(map(str, paths)), remedy=REMEDY)
    return found


def arms_line(screened: ScreenedArms, number: int) -> dict[str, Any]:
    """Return the line that lists all arms of a width; an infinite T1 or T2, of no circuit, is written as null."""
    return {
        "kind": "arms",
        "number": number,
        "width": screened.width,
        "arms": [str(arm) for arm in screened.arms],
        "profile": _PROFILE,
        "profiles": [[None if value == np.inf else value for value in astuple(own)] for own in screened.profiles],
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


def check_line(line: dict[str, Any]) -> None:
    """Refuse a line of an unknown kind, or with a missing or mistyped field; InputError names it."""
    kind = line.get("kind")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise InputError(f"of kind {shown(kind)}")
    read_fields(line, _FIELDS[kind], source=None, remedy=None, allow_others=True)


def content_digest(path: Path) -> str:
    """Return the SHA-256 of a log, unpacked if its name ends in `.gz`; InputError if it cannot be read."""
    digest = hashlib.sha256()
    with reading(path, REMEDY), opened(path) as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _read_arms(line: Mapping[str, Any]) -> ScreenedArms:
    if line["profile"] != _PROFILE:
        raise InputError(f"profiles of {', '.join(line['profile'])}, not of {', '.join(_PROFILE)}")
    arms = tuple(Arm.parse(text) for text in line["arms"])
    lengths = len(line["profiles"]), len(line["objections"])
    if set(lengths) != {len(arms)}:
        raise InputError(f"{len(arms)} arms, but {lengths[0]} and {lengths[1]} entries for them")
    profiles = [
        NO_CIRCUIT if arm == PRODUCT else _read_profile(own) for arm, own in zip(arms, line["profiles"], strict=True)
    ]
    return ScreenedArms(line["width"], arms, tuple(profiles), tuple(line["objections"]))


def _read_profile(values: list[Any]) -> Profile:
    if len(values) != len(_PROFILE):
        raise InputError(f"{len(values)} numbers for {', '.join(_PROFILE)}", field="profiles")
    profile = from_record(Profile, dict(zip(_PROFILE, values, strict=True)), "profiles")
    sizes = {**vars(profile), "log_gates": -profile.log_gates, "log_readout": -profile.log_readout}
    _require_sizes(sizes, "profiles")
    if not profile.t1 > 0.0 or not profile.t2 > 0.0 or profile.duration > _LARGEST * min(profile.t1, profile.t2):
        raise InputError(f"duration {profile.duration}, t1 {profile.t1}, t2 {profile.t2}", field="profiles")
    return profile


def _read_decision(line: Mapping[str, Any], screened: ScreenedArms) -> Trace:
    if not line["propensity"] > 0.0:
        raise InputError("a choice of probability 0", field="propensity")
    knapsack = from_record(KnapsackContext, line["knapsack"], "knapsack")
    _require_sizes(vars(knapsack), "knapsack")
    decision = ArmDecision(
        vehicle=line["vehicle"],
        knapsack=knapsack,
        screened=screened,
        chosen=screened.index[line["arm"]],
        propensity=float(line["propensity"]),
        objection=line["objection"],
        executed=screened.index[line["answered"]],
        quality=float(line["quality"]),
        baseline=float(line["baseline"]),
    )
    return Trace(line["run"], line["step"], decision)


def _require_sizes(values: Mapping[str, Any], field: str) -> None:
    for name, value in values.items():
        if not 0 <= value <= _LARGEST:
            raise InputError(f"{name} of size {shown(value)} is not a number from 0 to 1e9", field=field)


def _content(arms: Mapping[str, Any]) -> str:
    """Return an `arms` line without its number: equal arms need only one line."""
    return json.dumps({name: value for name, value in arms.items() if name != "number"}, sort_keys=True)
