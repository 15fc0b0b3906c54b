"""Writing decisions down as they are made, so that a run that was killed can be gone on with."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError, OutputError
from lagrl.quantum.bandit.trace_lines import arms_line, content_of, decision_line, read_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lagrl.quantum.bandit.decision import Decision
    from lagrl.quantum.bandit.screening import ScreenedArms
    from lagrl.relaxation.sampler import SampleContext

_HEADS = tuple(f'{{"kind": "{kind}"'.encode() for kind in ("header", "arms", "decision", "run"))  # of every line


class TornTraceWarning(UserWarning):
    """The last line of a log was cut short by a killed process, and was removed."""


class TraceLog:
    """Appends decisions to a JSON-lines file; its lines are those of `trace_lines`.

    A line of kind `arms` tells all arms of a width, as the backends were then, once; lines of kind `decision` name it
    by number. A file that is there is gone on with: numbers go on, and a torn last line is removed first.

    With `settings` the file begins with a line of kind `header` that holds them, and the decisions of a run are
    followed by a line of kind `run` (see `finish`): what follows the last of those was interrupted, and is removed when
    the file is opened again.

    Parameters
    ----------
    path
        The file.
    settings
        What all decisions of the file have in common, plain JSON.
    about
        What else the header tells, such as versions; may differ when the file is gone on with.

    Attributes
    ----------
    finished
        Keys of the runs that are there.

    Raises
    ------
    InputError
        If the file holds something else, decisions under other settings, or is gzipped.
    OutputError
        If it cannot be written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        settings: Mapping[str, Any] | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.path = Path(path)
        self.finished: set[str] = set()
        self._settings = None if settings is None else json.loads(json.dumps(settings, allow_nan=False))
        self._about = dict(about or {})
        self._number_of: dict[str, int] = {}  # by content
        self._next = 0
        self._known: dict[int, tuple[ScreenedArms, int]] = {}  # by id; kept alive, so that no other has it
        if self.path.suffix == ".gz":
            raise InputError("gzipped traces cannot be appended to", source=str(path), remedy="unpack them first")
        if self.path.exists():
            self._recover()
        if self._settings is not None and (not self.path.exists() or not self.path.stat().st_size):
            self._write([{"kind": "header", "settings": self._settings, **self._about}])

    def _recover(self) -> None:
        """Learn what is there, and remove what was not finished."""
        kept, end, pending = 0, 0, []
        for number, end, line in read_lines(self.path):
            self._require_own(line, number)
            if number == 1:
                self._require_same(line)
            if line["kind"] == "arms":
                pending.append(line)
            if line["kind"] == "run":
                self.finished.add(str(line["key"]))
            if self._settings is None or line["kind"] in ("header", "run"):
                kept = end
                for arms in pending:
                    self._number_of[content_of(arms)] = int(arms["number"])
                    self._next = max(self._next, int(arms["number"]) + 1)
                pending = []
        size = self.path.stat().st_size
        if end < size:
            self._require_torn(end)
        if end < size and self._settings is None:
            warnings.warn(
                f"{self.path}: the last line is torn (its writer was stopped) and was cut off",
                TornTraceWarning,
                stacklevel=3,
            )
        if kept < size:
            try:
                os.truncate(self.path, kept)
            except OSError as error:
                raise OutputError(
                    f"{self.path}: cannot be written ({error.strerror}); check its permissions"
                ) from error

    def _require_own(self, line: Mapping[str, Any], number: int) -> None:
        """Refuse a line of another log, before anything is changed: theirs have kinds, and headers, too."""
        kind = line["kind"]
        is_own = {
            "header": isinstance(line.get("settings"), dict),
            "arms": type(line.get("number")) is int,
            "decision": "propensity" in line,
            "run": "key" in line,
        }
        if not isinstance(kind, str) or not is_own.get(kind, False):
            raise InputError(
                f"line {number}, of kind {kind!r}, is no trace", source=str(self.path), remedy="give another file"
            )

    def _require_torn(self, start: int) -> None:
        """Refuse to cut off what is no beginning of a line of ours."""
        with self.path.open("rb") as stream:
            stream.seek(start)
            tail = stream.read(max(map(len, _HEADS)))
        if not any(head.startswith(tail) or tail.startswith(head) for head in _HEADS):
            raise InputError("ends in something else", source=str(self.path), remedy="give another file")

    def _require_same(self, line: Mapping[str, Any]) -> None:
        theirs = line.get("settings") if line["kind"] == "header" else None
        if theirs == self._settings:
            return
        if theirs is None or self._settings is None:
            told = "has no settings" if theirs is None else "was begun by lagrl traces"
            raise InputError(told, source=str(self.path), remedy="give another file")
        names = sorted(name for name in {*theirs, *self._settings} if theirs.get(name) != self._settings.get(name))
        told = "; ".join(f"{name} {theirs.get(name)!r} there, {self._settings.get(name)!r} now" for name in names)
        raise InputError(
            f"was begun with other settings: {told}",
            source=str(self.path),
            field="settings",
            remedy="give the same again, or another file",
        )

    def note(self, context: SampleContext, decisions: Sequence[Decision]) -> None:
        """Append the decisions of one call of the sampler."""
        lines: list[dict[str, Any]] = []
        for decision in decisions:
            lines.append(decision_line(context, decision, self._arms(decision.screened, lines)))
        self._write(lines)

    def finish(self, key: str, **record: Any) -> None:
        """Say durably that all decisions of the run called `key` are there; `record` tells what came of it."""
        self._write([{"kind": "run", "key": key, **record}], durably=True)
        self.finished.add(key)

    def _arms(self, screened: ScreenedArms, lines: list[dict[str, Any]]) -> int:
        known = self._known.get(id(screened))
        if known is None:
            line = arms_line(screened, self._next)
            content = content_of(json.loads(json.dumps(line)))
            number = self._number_of.get(content)
            if number is None:
                number = self._number_of[content] = self._next
                self._next += 1
                lines.append(line)
            known = self._known[id(screened)] = screened, number
        return known[1]

    def _write(self, lines: Sequence[Mapping[str, Any]], *, durably: bool = False) -> None:
        text = "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines)
        try:
            with self.path.open("a", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
                if durably:
                    stream.flush()
                    os.fsync(stream.fileno())
        except OSError as error:
            raise OutputError(
                f"{self.path}: cannot be written ({error.strerror}); check the folder and free space"
            ) from error
