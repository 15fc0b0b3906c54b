"""Removal of tokens from everything that is printed, logged, raised or written.

lagrl reads tokens only to know what to hide: qiskit-ibm-runtime takes them from the environment or its own store. Its
log records and exceptions pass through `redacted`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
import traceback
import warnings
from typing import TYPE_CHECKING, Any, TextIO, cast
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HIDDEN = "***"
SHORTEST = 8  # shorter strings are not tokens, and hiding them would damage ordinary text
VARIABLES = ("QISKIT_IBM_TOKEN", "QISKIT_IBM_RUNTIME_TOKEN", "IBMCLOUD_API_KEY", "IBMQ_TOKEN")
LOGGERS = ("qiskit", "ibm_", "ibm-", "urllib3", "requests", "samplomatic", "lagrl")

_secrets: set[str] = set()
_bodies = threading.local()  # `caught`: warnings within the innermost `redacted_warnings` of the thread
_n_bodies = 0
_lock = threading.Lock()
_shown_before: Callable[..., None] = warnings.showwarning
_LIKE_A_TOKEN = re.compile(
    r"(?P<label>(?:bearer|apikey|api_key|access_token|refresh_token|token|password|authorization)"
    r"[\"']?\s*[=:\s]\s*[\"']?)(?P<value>[A-Za-z0-9_\-.+/%~]{20,}=*)"
    r"|eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]*)?"
    r"|(?<![A-Za-z0-9_\-])[A-Za-z0-9_\-]{44}(?![A-Za-z0-9_\-])"
    r"|(?<![0-9a-fA-F])[0-9a-fA-F]{128}(?![0-9a-fA-F])",
    re.IGNORECASE,
)


def redacted(text: str) -> str:
    """Replace every known token, and every text that looks like one, by `***`.

    Known tokens are those in the environment and those given to `hide`. IBM's API keys (44 letters, digits, - or _;
    older ones 128 hexadecimal digits), JSON web tokens and text after words such as `Bearer` look like tokens.
    """
    for secret in sorted(_secrets | _from_environment(), key=len, reverse=True):
        for form in {secret, quote(secret, safe="")}:
            text = text.replace(form, HIDDEN)
    return _LIKE_A_TOKEN.sub(lambda found: f"{found['label'] or ''}{HIDDEN}", text)


def hide(secret: str | None) -> None:
    """Replace this token from now on."""
    if secret and len(secret) >= SHORTEST:
        _secrets.add(secret)


def hide_account(account: Mapping[str, Any] | None) -> None:
    """Replace the secrets of an account of qiskit-ibm-runtime from now on: its token and a proxy's passwords."""
    for key, value in (account or {}).items():
        if isinstance(value, dict):
            hide_account(value)
        elif isinstance(value, str) and any(word in key.lower() for word in ("token", "password", "key")):
            hide(value)


def hide_saved_accounts() -> None:
    """Replace the tokens in qiskit-ibm-runtime's own store, if it exists, from now on."""
    from qiskit_ibm_runtime import QiskitRuntimeService

    with contextlib.suppress(Exception):  # opening an account reports an unreadable store
        for account in QiskitRuntimeService.saved_accounts().values():
            hide_account(account)


def guard_logs() -> None:
    """Redact the log records of libraries that handle tokens from now on, at every level and for every handler.

    Filters on a logger do not see its children's records, so records are cleaned when they are made.
    """
    make = logging.getLogRecordFactory()
    if getattr(make, "redacts", False):
        return

    def cleaned(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        if record.name.startswith(LOGGERS):
            _clean(record)
        return record

    cleaned.redacts = True  # type: ignore[attr-defined]  # marks the function, read above
    logging.setLogRecordFactory(cleaned)


@contextlib.contextmanager
def redacted_warnings() -> Iterator[None]:
    """Show the warnings of this thread after the body, redacted; other threads are not affected."""
    before, caught = getattr(_bodies, "caught", None), list[warnings.WarningMessage]()
    _install()
    _bodies.caught = caught
    try:
        yield
    finally:
        _bodies.caught = before
        _uninstall()
    for entry in caught:
        warnings.warn_explicit(redacted(str(entry.message)), entry.category, entry.filename, entry.lineno)


class _InBody:
    """Pattern of a warnings filter that matches every warning of threads within `redacted_warnings`."""

    def match(self, text: str) -> bool:
        del text
        return getattr(_bodies, "caught", None) is not None


def _intercept(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    caught = getattr(_bodies, "caught", None)
    if caught is None:
        _shown_before(message, category, filename, lineno, file, line)
    else:
        caught.append(warnings.WarningMessage(message, category, filename, lineno, file, line))


def _install() -> None:
    """Install filter and hook, which belong to the process; others may have replaced them since the last time."""
    global _n_bodies, _shown_before
    with _lock:
        _n_bodies += 1
        if _ALWAYS not in warnings.filters:
            _filters().insert(0, _ALWAYS)
        if warnings.showwarning is not _intercept:
            _shown_before, warnings.showwarning = warnings.showwarning, _intercept


def _filters() -> list[Any]:
    """Return the list itself, which is typed as read only."""
    return cast("list[Any]", warnings.filters)


def _uninstall() -> None:
    global _n_bodies
    with _lock:
        _n_bodies -= 1
        if _n_bodies == 0:
            if _ALWAYS in warnings.filters:
                _filters().remove(_ALWAYS)
            if warnings.showwarning is _intercept:
                warnings.showwarning = _shown_before


def _clean(record: logging.LogRecord) -> None:
    try:
        message = record.getMessage()
    except Exception:  # its handler reports that it cannot be formatted; its parts are cleaned
        record.msg, record.args = redacted(f"{record.msg} {record.args}"), ()
        return
    safe = redacted(message)
    if safe != message:
        record.msg, record.args = safe, ()
    if record.exc_info and record.exc_info[0] is not None:
        record.exc_text = redacted("".join(traceback.format_exception(*record.exc_info)).rstrip())
        record.exc_info = None  # a handler that prints local variables would not use the text


def _from_environment() -> set[str]:
    return {value for name in VARIABLES if len(value := os.environ.get(name, "")) >= SHORTEST}


_ALWAYS: Any = ("always", _InBody(), Warning, None, 0)
