"""Open files of JSON objects, one a line, that are only appended to and survive the end of a writer at any byte."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from lagrl.errors import InputError, OutputError
from lagrl.io.atomic import require_writable, sync_folder, unwritable
from lagrl.io.lock import lock, unlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lagrl.io.line_format import LineFormat

LockMode = Literal["held", "each", "none"]
"""`held`: one writer, from opening to closing. `each`: several processes, one at a time within `locked`."""


class Offset(NamedTuple):
    """Position of a line in its file: first byte, length in bytes, and line number from 1."""

    start: int
    length: int
    number: int


class JsonLines:
    """An open file of JSON lines: every line is given once to `on_line`, in order, whichever process wrote it.

    Parameters
    ----------
    path
        Created if missing and `writable`; its folder is not.
    form
        How its lines look.
    on_line
        Called with every object after the header and its offset, when it is read or appended.
    lock
        Whom the file belongs to, see `LockMode`. Windows has no locks: one process at a time there.
    writable
        Whether to append; otherwise nothing about the file is changed.

    Raises
    ------
    InputError
        If the file holds something else or a damaged line, or is gzipped; it is left as it was.
    OutputError
        If it cannot be written, or another writer holds it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        form: LineFormat,
        on_line: Callable[[dict[str, Any], Offset], None],
        *,
        lock: LockMode,
        writable: bool = True,
    ) -> None:
        self.path = Path(path)
        self.form = form
        self._on_line = on_line
        self._lock = lock
        self._writable = writable
        self._end = self._lines = 0
        self._threads = threading.RLock()
        self._descriptor = -1
        if writable:
            if self.path.suffix == ".gz":
                raise InputError("gzipped files cannot be appended to", source=str(path), remedy="unpack it first")
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

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out, having read all they wrote; a torn last line is cut off: its writer has ended."""
        with self._threads:
            descriptor = self._own_descriptor()
            if self._lock == "each":
                lock(descriptor, self.path, wait=True)
            try:
                tail = self._read_on(descriptor)
                if tail:
                    self._mend(descriptor, tail)
                if self._end == 0 and self.form.header:
                    self._write(descriptor, self.form.first_line)
                    self._end, self._lines = len(self.form.first_line), 1
                yield
            finally:
                if self._lock == "each":
                    unlock(descriptor)

    def append(self, *records: Mapping[str, Any], durably: bool = True) -> None:
        """Append objects in one write; where the lock is `each`, only within `locked`.

        Parameters
        ----------
        *records
            Plain JSON objects.
        durably
            Whether to wait until they are on the disk.

        Raises
        ------
        InputError
            If one is not plain JSON; NaN and infinity are not.
        OutputError
            If they cannot be written; nothing of them is left behind then. Also if the file is closed.
        """
        descriptor = self._own_descriptor()
        try:
            lines = [self.form.encode(record) for record in records]
        except (TypeError, ValueError) as error:
            raise InputError(
                f"not plain JSON ({error})", source=str(self.path), remedy="give finite numbers and text"
            ) from error
        longest = max(map(len, lines), default=0)
        if longest > self.form.longest:
            raise InputError(
                f"a line of {longest} bytes; at most {self.form.longest} can be read back",
                source=str(self.path),
                remedy="record less at once, such as fewer shots",
            )
        self._write(descriptor, b"".join(lines), durably)
        for line, record in zip(lines, records, strict=True):
            self._take(line, dict(record))

    def cut_after(self, last: Offset) -> None:
        """Remove everything after a line; only under the lock.

        Raises
        ------
        OutputError
            If the file cannot be changed.
        """
        descriptor, length = self._own_descriptor(), last.start + last.length
        try:
            if length < os.fstat(descriptor).st_size:
                os.ftruncate(descriptor, length)
                os.fsync(descriptor)
        except OSError as error:
            raise unwritable(self.path, error) from error
        self._end, self._lines = length, last.number

    def close(self) -> None:
        """Close the file and release its lock; closing twice is allowed."""
        with self._threads:
            if self._descriptor >= 0:
                if self._lock == "held":
                    unlock(self._descriptor)
                os.close(self._descriptor)
                self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND if self._writable else os.O_RDONLY
        is_new = self._writable and not self.path.exists()
        try:
            self._descriptor = os.open(self.path, flags | getattr(os, "O_BINARY", 0), self.form.mode)
            if is_new:
                sync_folder(self.path.absolute().parent)
        except OSError as error:
            if self._writable:
                raise unwritable(self.path, error) from error
            raise self._unreadable(error.strerror or str(error)) from error
        self._process = os.getpid()
        if self._lock == "held":
            try:
                lock(self._descriptor, self.path, wait=False)
            except BaseException:
                self.close()
                raise

    def _own_descriptor(self) -> int:
        """Return the descriptor; a forked process opens the file again, because a lock belongs to the opened file."""
        if self._descriptor < 0:
            raise OutputError(f"{self.path}: is closed; open it again")
        if self._process != os.getpid() and self._lock == "each":
            os.close(self._descriptor)
            self._open()
        return self._descriptor

    def _start_reading(self) -> None:
        tail = self._read_on(self._descriptor)
        if self._end == 0 and self.form.header:
            raise self._foreign(tail)
        if tail:
            self.form.warn_torn(self.path, self._lines + 1, "left out")

    def _unreadable(self, reason: str) -> InputError:
        return InputError(f"cannot be read ({reason})", source=str(self.path), remedy=self.form.remedy)

    def _foreign(self, line: bytes) -> InputError:
        return self._unreadable(f"the first line is {line[:70]!r}, not {self.form.first_line!r}")

    def _read_on(self, descriptor: int) -> bytes:
        """Take every whole line after the last one that was read; return what follows the last of them."""
        size = os.fstat(descriptor).st_size
        if size < self._end:
            raise InputError(
                f"shrank from {self._end} to {size} bytes", source=str(self.path), remedy="do not edit the file"
            )
        if size == self._end:
            return b""
        with open(descriptor, "rb", closefd=False) as stream:  # a new buffer: a torn tail may have been replaced
            stream.seek(self._end)
            while line := stream.readline(self.form.longest + 1):
                is_header = self._end == 0 and bool(self.form.header)
                if len(line) > self.form.longest and not is_header:
                    self.form.refuse(self.path, self._lines + 1, f"longer than {self.form.longest} bytes")
                if not line.endswith(b"\n"):
                    return line
                if is_header:
                    if line != self.form.first_line:
                        raise self._foreign(line)
                    self._end, self._lines = len(line), 1
                else:
                    self._take(line, self.form.decode(line, self.path, self._lines + 1))
        return b""

    def _take(self, line: bytes, record: dict[str, Any]) -> None:
        offset = Offset(self._end, len(line), self._lines + 1)
        try:
            self._on_line(record, offset)
        except InputError as error:
            if error.source is not None:
                raise
            self.form.refuse(self.path, offset.number, error)
        except (KeyError, TypeError, ValueError) as error:
            self.form.refuse(self.path, offset.number, error)
        self._end += len(line)
        self._lines += 1

    def _mend(self, descriptor: int, tail: bytes) -> None:
        """Cut a torn last line off; end one that lacks only its end: it may hold the id of a paid job."""
        if self._end == 0 and self.form.header:
            if not self.form.first_line.startswith(tail):
                raise self._foreign(tail)
            os.ftruncate(descriptor, 0)
        elif self.form.is_torn(tail, self.path, self._lines + 1):
            self.form.warn_torn(self.path, self._lines + 1, "cut off")
            self.cut_after(Offset(self._end, 0, self._lines))
        else:
            self._take(tail + b"\n", self.form.decode(tail, self.path, self._lines + 1))
            self._write(descriptor, b"\n")

    def _write(self, descriptor: int, data: bytes, durably: bool = True) -> None:
        before = os.fstat(descriptor).st_size
        try:
            while data:
                data = data[os.write(descriptor, data) :]
            if durably:
                os.fsync(descriptor)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, before)
            raise unwritable(self.path, error) from error
