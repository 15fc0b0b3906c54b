"""The file under a journal: lines appended durably, by any number of processes, that survive being killed."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from lagrl.errors import InputError, OutputError
from lagrl.io.atomic import require_writable, sync_folder
from lagrl.quantum.journal.lines import HEADER, SCHEMA, decode, encode

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_BINARY = getattr(os, "O_BINARY", 0)


class TornJournalWarning(UserWarning):
    """The last line of a journal was cut short by a killed process and does not count."""


class Place(NamedTuple):
    """Where in the file a line is."""

    offset: int
    length: int
    number: int


class JournalFile:
    """Whole lines, each given once to `on_line` whoever wrote it; appended under a lock, one write each, and fsynced.

    The lock is held for one reading and writing, so several processes append to the same file. On Windows there is
    no lock: one process at a time then.

    Parameters
    ----------
    path
        Created with mode 0600 if missing and `writable`; its folder is not.
    on_line
        Called with every record after the header and its place, in the order of the file.
    writable
        Whether to append; else nothing about the file is changed.

    Raises
    ------
    InputError
        If the file is no journal, has another schema or a damaged line; it is left as it was.
    OutputError
        If it cannot be written.
    """

    def __init__(
        self, path: str | os.PathLike[str], on_line: Callable[[dict[str, Any], Place], None], *, writable: bool
    ) -> None:
        self.path = Path(path)
        self.writable = writable
        self._on_line = on_line
        self._end = self._lines = 0
        self._threads = threading.RLock()
        self._descriptor = -1
        if writable:
            require_writable(self.path)
        self._open()
        try:
            if writable:
                with self.locked():
                    pass
            else:
                self._start_reading()
        except BaseException:
            self.close()
            raise

    def refresh(self) -> None:
        """Read the whole lines that others appended; the beginning of one that is being written is left for later."""
        with self._threads:
            self._read_on(self._own_descriptor())

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out, having read all they wrote; a torn last line is cut off, for its writer is dead."""
        with self._threads:
            descriptor = self._own_descriptor()
            _lock(descriptor, self.path)
            try:
                tail = self._read_on(descriptor)
                if tail:
                    self._mend(descriptor, tail)
                if self._end == 0:
                    self._write(descriptor, HEADER)
                    sync_folder(self.path.absolute().parent)
                    self._end, self._lines = len(HEADER), 1
                yield
            finally:
                _unlock(descriptor)

    def append(self, record: Mapping[str, Any]) -> None:
        """Write a record durably; only within `locked`.

        Raises
        ------
        OutputError
            If it cannot be written; nothing of it is left behind then.
        """
        line = encode(record)
        self._write(self._own_descriptor(), line)
        self._take(line, dict(record))

    def read(self, place: Place) -> dict[str, Any]:
        """Return the record at a place."""
        with self._threads:
            descriptor = self._own_descriptor()
            with open(descriptor, "rb", closefd=False) as stream:
                stream.seek(place.offset)
                line = stream.read(place.length)
        try:
            return decode(line)
        except ValueError as error:
            self.refuse(place.number, str(error))

    def refuse(self, number: int, problem: str) -> NoReturn:
        """Refuse a damaged line.

        Raises
        ------
        InputError
            Always.
        """
        raise InputError(
            f"damaged ({problem})",
            source=f"{self.path}: line {number}",
            remedy="restore the file; what it holds may be paid for, so nothing is thrown away",
        )

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        with self._threads:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND if self.writable else os.O_RDONLY
        try:
            self._descriptor = os.open(self.path, flags | _BINARY, 0o600)
        except OSError as error:
            if self.writable:
                raise _unwritable(self.path, error) from error
            raise self._unreadable(error.strerror or str(error)) from error
        self._process = os.getpid()

    def _own_descriptor(self) -> int:
        """A lock belongs to the opened file: a forked process that kept its parent's would walk through it."""
        if self._descriptor < 0:
            raise OutputError(f"{self.path}: the journal is closed; open it again")
        if self._process != os.getpid():
            os.close(self._descriptor)
            self._open()
        return self._descriptor

    def _start_reading(self) -> None:
        tail = self._read_on(self._descriptor)
        if self._end == 0:
            raise self._unreadable("not a journal of lagrl")
        if tail:
            self._warn_torn("left out")

    def _unreadable(self, reason: str) -> InputError:
        return InputError(
            f"cannot be read ({reason})", source=str(self.path), remedy="give a journal that a run with --journal wrote"
        )

    def _read_on(self, descriptor: int) -> bytes:
        """Take every whole line from where reading stopped; return what follows the last of them."""
        size = os.fstat(descriptor).st_size
        if size < self._end:
            raise InputError(
                f"shrank from {self._end} to {size} bytes", source=str(self.path), remedy="let nobody edit a journal"
            )
        if size == self._end:
            return b""
        with open(descriptor, "rb", closefd=False) as stream:  # a new buffer: a torn tail may have been replaced
            stream.seek(self._end)
            for line in stream:
                if not line.endswith(b"\n"):
                    return line
                self._take(line, self._decoded(line))
        return b""

    def _decoded(self, line: bytes) -> dict[str, Any]:
        try:
            record = decode(line)
        except (ValueError, RecursionError) as error:
            if self._lines:
                self.refuse(self._lines + 1, str(error))
            raise self._unreadable("not a journal of lagrl") from error
        if not self._lines and record.get("schema") != SCHEMA:
            raise InputError(
                f"{record.get('schema')!r} is not {SCHEMA!r}",
                source=str(self.path),
                field="schema",
                remedy="use the version of lagrl that wrote it",
            )
        return record

    def _take(self, line: bytes, record: dict[str, Any]) -> None:
        place = Place(self._end, len(line), self._lines + 1)
        if self._lines:
            try:
                self._on_line(record, place)
            except (KeyError, TypeError, ValueError) as error:
                if isinstance(error, InputError):
                    raise
                self.refuse(place.number, f"{type(error).__name__}: {error}")
        self._end += len(line)
        self._lines += 1

    def _mend(self, descriptor: int, tail: bytes) -> None:
        """Cut a torn last line off; end one that is whole but for its end: it may hold the id of a paid job."""
        if not self._lines:
            if not HEADER.startswith(tail):
                raise self._unreadable("not a journal of lagrl")
            os.ftruncate(descriptor, 0)
            return
        try:
            record = decode(tail)
        except (ValueError, RecursionError):
            self._warn_torn("cut off")
            os.ftruncate(descriptor, self._end)
            os.fsync(descriptor)
        else:
            self._write(descriptor, b"\n")
            self._take(tail + b"\n", record)

    def _write(self, descriptor: int, data: bytes) -> None:
        before = os.fstat(descriptor).st_size
        try:
            while data:
                data = data[os.write(descriptor, data) :]
            os.fsync(descriptor)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, before)
            raise _unwritable(self.path, error) from error

    def _warn_torn(self, fate: str) -> None:
        warnings.warn(
            f"{self.path}: line {self._lines + 1} is torn (its writer was stopped while writing) and was {fate}; "
            "all lines before it are kept",
            TornJournalWarning,
            stacklevel=6,
        )


def _lock(descriptor: int, path: Path) -> None:
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        warnings.warn(
            f"{path}: cannot be locked ({error.strerror}); make sure that nobody else writes to it", stacklevel=5
        )


def _unlock(descriptor: int) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path}: cannot be written ({error.strerror}); check its permissions and free space")
