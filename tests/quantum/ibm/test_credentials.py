"""Tokens appear in no output, log, warning or error."""

from __future__ import annotations

import logging
import traceback
import warnings

import fake_service
import pytest

from lagrl.quantum.ibm.failures import ConnectionLostError, ExecutionError, TokenError, guarded
from lagrl.quantum.journal.redaction import guard_logs, hide_account, redacted, redacted_warnings

SECRET = "correct-horse-battery"


def test_known_tokens_are_replaced_in_every_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token of the environment or of an account is replaced, plain or in a URL."""
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "s3cret/with+signs")
    hide_account({"token": SECRET, "proxies": {"password_ntlm": "proxy-password"}, "channel": "ibm_cloud"})
    text = redacted(f"{SECRET} s3cret/with+signs s3cret%2Fwith%2Bsigns proxy-password ibm_cloud")
    assert text == "*** *** *** *** ibm_cloud"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefghijklmnopqrstuvwxyz",
        '{"token": "abcdefghijklmnopqrstuvwxyz0123"}',
        "https://host/path?access_token=abcdefghijklmnopqrstuvwxyz",
        "key aB3-efghijklm_" + "n0" * 15,
        "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkw.c2lnbmF0dXJl",
        "old " + "0a" * 64,
    ],
)
def test_what_looks_like_a_token_is_replaced(text: str) -> None:
    """Unknown keys, web tokens and values after words such as `token` are hidden too."""
    hidden = redacted(text)
    assert "***" in hidden
    assert not any(part in hidden for part in ("abcdefghij", "efghijklm", "eyJzdWIi", "0a0a0a"))


@pytest.mark.parametrize("text", ["job d1abc2def3ghi4jkl5mn failed", "no token given", "qaoa-line warm p=1 n=12", ""])
def test_ordinary_text_stays(text: str) -> None:
    """Job ids, names and sentences about tokens are not changed."""
    assert redacted(text) == text


def test_errors_carry_no_token_and_no_original() -> None:
    """A service's exception is raised as our own, without its text, context or cause."""

    def fail() -> None:
        raise fake_service.ibm_error("IBMNotAuthorizedError", "401 Client Error")

    pytest.importorskip("qiskit_ibm_runtime")
    with pytest.raises(TokenError, match="save_account") as caught:
        guarded(fail, backend="ibm_x", job="j1")
    error = caught.value
    assert error.__cause__ is None and error.__context__ is None
    assert fake_service.TOKEN not in "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    assert (error.backend, error.job) == ("ibm_x", "j1")


def test_errors_can_be_pickled() -> None:
    """Errors survive pickling between worker processes."""
    import pickle

    made = ConnectionLostError("gone", backend="b", job="j")
    made.may_be_sent = True
    error = pickle.loads(pickle.dumps(made))
    assert isinstance(error, ExecutionError) and str(error) == "b: job j: gone"
    assert error.may_be_sent


def test_logs_are_cleaned_at_every_level(caplog: pytest.LogCaptureFixture) -> None:
    """Records of the vendor's loggers have no token, arguments and tracebacks included, with any handler."""
    guard_logs()
    guard_logs()
    hide_account({"token": SECRET})
    logger = logging.getLogger("qiskit_ibm_runtime.some.child")
    seen: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(f"{record.getMessage()} {record.args} {record.exc_text}")
    logger.addHandler(handler)
    try:
        with caplog.at_level(logging.DEBUG, logger="qiskit_ibm_runtime"):
            logger.debug("with %s", SECRET)
            logger.debug("broken %d", SECRET)
            try:
                raise ValueError(SECRET)
            except ValueError:
                logger.exception("failed")
    finally:
        logger.removeHandler(handler)
    assert len(seen) == 3 and "ValueError: ***" in seen[2]
    assert SECRET not in caplog.text + " ".join(seen)


def test_warnings_are_cleaned() -> None:
    """Warnings keep their category and lose tokens."""
    hide_account({"token": SECRET})
    with pytest.warns(UserWarning, match=r"^instance \*\*\* is used up$"), redacted_warnings():
        warnings.warn(f"instance {SECRET} is used up", UserWarning, stacklevel=1)


def test_threads_that_warn_at_once_keep_their_warnings_and_their_secrets() -> None:
    """Every thread gets its own warnings, also from nested bodies."""
    from concurrent.futures import ThreadPoolExecutor

    hide_account({"token": SECRET})

    def warn(i: int) -> None:
        for j in range(20):
            with redacted_warnings(), redacted_warnings():
                warnings.warn(f"{i}.{j} of {SECRET}", stacklevel=1)

    before = list(warnings.filters)
    with warnings.catch_warnings(record=True) as caught, ThreadPoolExecutor(4) as pool:
        warnings.simplefilter("always")
        list(pool.map(warn, range(4)))
    told = sorted(str(entry.message) for entry in caught)
    assert told == sorted(f"{i}.{j} of ***" for i in range(4) for j in range(20))
    assert warnings.filters == before


@pytest.mark.parametrize("action", ["always", "ignore", "error"])
def test_threads_within_do_not_disturb_others(action: str) -> None:
    """A thread inside a body does not block or change the warnings of other threads."""
    import threading

    inside, goes = threading.Event(), threading.Event()
    hide_account({"token": SECRET})

    def stay() -> None:
        with redacted_warnings():
            inside.set()
            goes.wait(10.0)

    staying = threading.Thread(target=stay)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter(action)
        staying.start()
        assert inside.wait(10.0)
        with redacted_warnings():
            pass
        if action == "error":
            with pytest.raises(UserWarning, match="plain"):
                warnings.warn("plain", stacklevel=1)
            told = []
            with pytest.raises(UserWarning, match=r"^\*\*\*$"), redacted_warnings():
                warnings.warn(SECRET, stacklevel=1)
                told.append("an error only after the body")
            assert told
        else:
            warnings.warn("plain", stacklevel=1)
        goes.set()
        staying.join()
    assert [str(entry.message) for entry in caught] == (["plain"] if action == "always" else [])


def test_what_was_installed_for_warnings_is_taken_away() -> None:
    """Warning filters and hook are restored afterwards, also after an error."""
    before, hook = list(warnings.filters), warnings.showwarning
    with pytest.raises(ZeroDivisionError), redacted_warnings():
        assert warnings.showwarning is not hook
        raise ZeroDivisionError
    assert (warnings.filters, warnings.showwarning) == (before, hook)
