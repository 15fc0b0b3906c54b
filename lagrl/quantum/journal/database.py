"""The SQLite file of a journal: its tables, transactions, checksums, and one line for everything wrong with it.

Another process sees a transaction whole or not at all, and it is on the disk when it ends (`synchronous=FULL` on a
write-ahead log, WAL). SQLite has no checksums of its own for what is in its tables, so every row ends with a CRC-32 of
the others of its values, which is compared whenever the row is read. All rows are read once when the file is opened.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import sqlite3
import threading
import time
import weakref
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from lagrl.errors import InputError, LagrlError, OutputError
from lagrl.io.atomic import require_writable, unwritable
from lagrl.io.json_text import parse_json
from lagrl.io.records import read_fields
from lagrl.printable import shown
from lagrl.quantum.journal.values import PACKED, read_cost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

APPLICATION = int.from_bytes(b"lagr", "big")
VERSION = 3  # 1 and 2 were files of lines
LARGEST = 2**25
"""Bytes of a row."""

JobState = Literal["claimed", "intended", "submitted", "unusable", "finished", "failed"]
IDENTITY: dict[str, Any] = {
    **{"run": str, "step": int, "reduced_cost": str, "weight": str, "capacity": str},
    **{"shots": int, "sampler": str, "rng": str},
}
TABLES: dict[str, dict[str, Any]] = {
    "calls": {"key": str, **IDENTITY, "cost": dict, "rng_after": dict},
    "arrays": {"owner": str, "number": int, **PACKED},  # of a call, by its key, or of a job, by its fingerprint
    "plans": {"call": str, "plan": dict},
    "claims": {"owner": str, "process": str, "fingerprint": str},  # which job each thread is about to send
    "jobs": {
        **{"fingerprint": str, "attempt": int, "state": JobState, "run": str, "step": int},
        **{"tag": str, "job": str, "problem": str, "at": float},
    },
    "charges": {"fingerprint": str, "job": str, "cost": dict},
    "imports": {"digest": str, "file": str, "at": float},
}
_KEYS = {
    **{"calls": "UNIQUE (key)", "arrays": "UNIQUE (owner, number)", "plans": "UNIQUE (call)"},
    **{"claims": "UNIQUE (owner), UNIQUE (fingerprint)", "jobs": "UNIQUE (fingerprint, attempt)"},
    **{"charges": "UNIQUE (fingerprint, job)", "imports": "UNIQUE (digest)"},
}
SCHEMA = [f"CREATE TABLE {name} ({', '.join(TABLES[name])}, crc32, {_KEYS[name]})" for name in TABLES]
SCHEMA.append("CREATE INDEX calls_of_steps ON calls (run, step)")
_JSON = ("cost", "rng_after", "plan", "shape")

_MAGIC = b"SQLite format 3\0"
_PATIENCE = 60.0  # seconds that a transaction waits for those of other processes
_PAUSE = 0.01  # seconds between two attempts at the write-ahead log
REMEDY = "give a journal that a run with --journal wrote; restore a damaged one: its results may be paid for"

_threads = threading.RLock()
_opened: weakref.WeakSet[Tables] = weakref.WeakSet()


class Tables:
    """An open journal file, for all threads of this process; a forked process opens it again.

    Parameters
    ----------
    path
        Created with mode 0600 if missing and `writable`; its folder is not.
    writable
        Whether rows may be added.

    Raises
    ------
    InputError
        If the file is something else, of another version, or damaged. What is something else is left as it is.
    OutputError
        If it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], *, writable: bool) -> None:
        self.path, self._writable, self._is_closed = Path(path), writable, False
        self._connection: sqlite3.Connection | None = None
        self._absolute = os.path.realpath(self.path)
        with _threads:
            if not any(other._absolute == self._absolute for other in _opened):
                self._require_journal()  # closing a file that is open here would release the locks of SQLite
            self._uri = self._place()
            _opened.add(self)
            try:
                self._open()
            except BaseException:
                self.close()
                raise

    def _place(self) -> str:
        """Return the file's name for SQLite, which opens it only for reading if the file is read only."""
        uri = f"{self.path.absolute().as_uri()}?mode=rw"
        is_alone = not self.path.with_name(f"{self.path.name}-wal").exists()
        if not self._writable and is_alone and not os.access(self.path.parent, os.W_OK):
            uri += "&immutable=1"  # SQLite cannot make its files beside it, and nobody writes to it
        return uri

    @contextlib.contextmanager
    def transaction(self, kind: Literal["IMMEDIATE", "DEFERRED"] = "IMMEDIATE") -> Iterator[None]:
        """Make the body one transaction: other writers wait, and an error undoes it; `DEFERRED` reads one state."""
        with self._using() as connection:
            connection.execute(f"BEGIN {kind}")
            try:
                yield
                self._commit(connection)
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # some errors end the transaction themselves
                    connection.execute("ROLLBACK")
                raise

    def rows(self, table: str, condition: str = "", *values: object) -> list[dict[str, Any]]:
        """Return the rows for which an SQL condition with `?` holds, with JSON parsed; InputError if one is damaged."""
        with self._using() as connection:
            return list(self._read(connection, table, condition, values))

    def count(self, table: str, condition: str = "") -> int:
        """Return the number of rows for which an SQL condition holds."""
        with self._using() as connection:
            return int(connection.execute(f"SELECT COUNT(*) FROM {table} {condition}").fetchone()[0])

    def put(self, table: str, *, keep: bool = False, **row: object) -> bool:
        """Add a row, instead of those with the same key; with `keep`, only if there is none. Within `transaction`.

        Returns whether it was added.

        Raises
        ------
        InputError
            If it could not be read back.
        """
        try:
            require_row(table, row)
            values = [stored(name, row[name]) for name in TABLES[table]]
        except (TypeError, ValueError) as error:
            problem = getattr(error, "problem", f"not plain JSON ({error})")
            field, remedy = getattr(error, "field", None), "give finite numbers and text"
            raise InputError(problem, source=str(self.path), field=field, remedy=remedy) from error
        with self._using() as connection:
            marks = ", ".join("?" * (len(values) + 1))
            command = f"INSERT OR {'IGNORE' if keep else 'REPLACE'} INTO {table} VALUES ({marks})"
            return connection.execute(command, [*values, checksum(values)]).rowcount > 0

    def delete(self, table: str, column: str, value: str) -> None:
        """Delete the rows with a value; within `transaction`."""
        with self._using() as connection:
            connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (value,))

    def close(self) -> None:
        """Close the file; closing twice is allowed."""
        with _threads:
            self._is_closed = True
            self.disconnect()
            _opened.discard(self)

    def disconnect(self) -> None:
        """Close the connection until it is needed again; within `_threads`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def refuse(self, problem: Exception | str, place: str = "") -> NoReturn:
        """Raise InputError because of damage."""
        if isinstance(problem, InputError):
            problem = ": ".join(part for part in (problem.field, problem.problem) if part)
        raise self._error(f"damaged ({place}{problem})")

    def _require_journal(self) -> None:
        """Refuse what is something else before SQLite touches it; a file without content becomes a journal."""
        if self._writable:
            require_writable(self.path)
            if self.path.suffix == ".gz":
                raise self._error("a journal cannot be compressed", "choose a name that does not end in .gz")
        try:
            if self._writable:
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            with self.path.open("rb") as stream:
                head = stream.read(100)
        except OSError as error:
            if self._writable:
                raise unwritable(self.path, error) from error
            raise self._error(f"cannot be read ({error.strerror})") from error
        if head[:16] == _MAGIC:
            application, version = (int.from_bytes(head[at : at + 4], "big") for at in (68, 60))
            if application != APPLICATION:
                raise self._error("cannot be read (it is an SQLite database of another program)")
            if version != VERSION:
                remedy = f"use the version of lagrl that wrote it; this one has schema {VERSION}"
                raise self._error(f"has schema {version}", remedy)
        elif is_lines(head):
            remedy = f"import it into a new one: lagrl journal NEW.journal.sqlite --import {self.path}"
            raise self._error("is a journal of lines, as earlier versions wrote them", remedy)
        elif head or not self._writable:
            raise self._error(f"cannot be read (it starts with {head[:70]!r}, a journal with {_MAGIC!r})")

    def _open(self) -> None:
        """Create the tables if there are none, and read the whole file once."""
        names = (f"PRAGMA application_id = {APPLICATION}", f"PRAGMA user_version = {VERSION}")
        with self._using() as connection:
            if self._writable:
                with self.transaction():
                    is_empty = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)
                    for command in (*SCHEMA, *names) if is_empty else ():
                        connection.execute(command)
            found = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
            if found != SCHEMA:
                self.refuse(f"it has {'other' if found else 'no'} tables")
            (problem,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if problem != "ok":
                self.refuse(problem)
            for table in TABLES:
                for _ in self._read(connection, table):
                    pass
            if self._writable and self._journal_mode(connection) != "wal":
                raise OutputError(f"{self.path}: cannot have a write-ahead log there; choose a folder of a local disk")

    def _journal_mode(self, connection: sqlite3.Connection) -> str:
        """Ask for a write-ahead log and return what the file has.

        SQLite does not wait for this change when another process makes it too: both read, and both want to be the
        only one. It is tried again until the time of every other statement has passed.
        """
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
                return str(mode)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
            time.sleep(_PAUSE)

    @contextlib.contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        """Keep the other threads out, and turn SQLite's errors into lagrl's."""
        with _threads:
            if self._is_closed:
                raise OutputError(f"{self.path}: is closed; open it again")
            try:
                if self._connection is None:
                    self._connection = self._connected()
                yield self._connection
            except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter in SQLite's message about damage
                raise self._explained(error) from error

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._uri, timeout=_PATIENCE, isolation_level=None, check_same_thread=False, uri=True
        )
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
        connection.text_factory = lambda text: text.decode("utf-8", "replace")  # what is replaced changes the checksum
        for setting in ("synchronous = FULL", "trusted_schema = OFF", f"query_only = {int(not self._writable)}"):
            connection.execute(f"PRAGMA {setting}")
        return connection

    def _commit(self, connection: sqlite3.Connection) -> None:
        connection.execute("COMMIT")

    def _read(
        self, connection: sqlite3.Connection, table: str, condition: str = "", values: Iterable[object] = ()
    ) -> Iterator[dict[str, Any]]:
        for *found, kept in connection.execute(f"SELECT * FROM {table} {condition}", [*map(as_text, values)]):
            try:
                if kept != checksum(found):
                    raise ValueError("checksum does not match")
                row = {name: loaded(name, value) for name, value in zip(TABLES[table], found, strict=True)}
                require_row(table, row)
            except ValueError as error:
                self.refuse(error, f"table {table}, row {shown(found[0])}: ")
            yield row

    def _error(self, problem: str, remedy: str = REMEDY) -> InputError:
        return InputError(problem, source=str(self.path), remedy=remedy)

    def _explained(self, error: Exception) -> LagrlError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return self._error(f"damaged ({error})")
        if code == sqlite3.SQLITE_TOOBIG:
            remedy = "record less at once, such as fewer shots"
            return self._error(f"a row of more than {LARGEST} bytes could not be read back", remedy)
        if code == sqlite3.SQLITE_BUSY:
            return OutputError(f"{self.path}: another process has locked it for {_PATIENCE:g} s; stop that process")
        if self._writable:
            return unwritable(self.path, OSError(str(error)))
        remedy = "copy it, with the files -wal and -shm beside it, into a folder that can be written"
        return self._error(f"cannot be read ({error})", remedy)


def require_row(table: str, row: dict[str, Any]) -> None:
    """Refuse a row with a missing, unknown or mistyped value."""
    read_fields(row, TABLES[table], source=None, remedy=None)
    if "cost" in row:
        read_cost(row["cost"])


def stored(name: str, value: Any) -> Any:
    """Return the value of a column as SQLite keeps it."""
    return json.dumps(value, allow_nan=False) if name in _JSON else as_text(value)


def as_text(value: Any) -> Any:
    """Return text that UTF-8 cannot hold, such as some names of files, as bytes; other values as they are."""
    try:
        if isinstance(value, str):
            value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")
    return value


def loaded(name: str, value: Any) -> Any:
    """Return the value of a column from what SQLite keeps."""
    if name in _JSON and isinstance(value, str):
        try:
            return parse_json(value)
        except InputError as error:
            raise InputError(error.problem, field=name) from error
    if isinstance(value, bytes) and name != "data":
        return value.decode("utf-8", "surrogatepass")
    return value


def checksum(values: Sequence[Any]) -> int:
    """Return the CRC-32 of the values of a row, as SQLite keeps them."""
    total = 0
    for value in values:
        data = value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
        total = zlib.crc32(data, zlib.crc32(b"%d " % len(data), total))
    return total


def is_lines(head: bytes) -> bool:
    """Whether a file that starts like this is a journal of lines."""
    return b'"schema": "lagrl.journal/' in head[:100]


def _before_fork() -> None:
    """Close all connections, which two processes must not share; the locks of SQLite belong to a process."""
    _threads.acquire()
    for tables in list(_opened):
        tables.disconnect()


def _at_exit() -> None:
    for tables in list(_opened):
        tables.close()


atexit.register(_at_exit)  # what is in the files beside a journal gets into it
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_threads.release, after_in_child=_threads.release)
