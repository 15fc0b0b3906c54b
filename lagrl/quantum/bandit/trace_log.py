"""A log of decisions that is written as they are made, so that an interrupted collection can be resumed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from lagrl.errors import InputError
from lagrl.io.jsonl import JsonLines, Offset
from lagrl.printable import shown
from lagrl.quantum.bandit.traces import TRACES, arms_line, check_line, decision_line

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from lagrl.quantum.bandit.decision import ArmDecision
    from lagrl.quantum.bandit.screening import ScreenedArms
    from lagrl.relaxation.sampler import SampleContext


class TraceLog:
    """Appends decisions to a JSON-lines file, see `traces`. It is a context manager.

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


def _content(arms: Mapping[str, Any]) -> str:
    """Return an `arms` line without its number: equal arms need only one line."""
    return json.dumps({name: value for name, value in arms.items() if name != "number"}, sort_keys=True)
