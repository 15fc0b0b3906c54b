"""Errors of running circuits on a quantum computer, with messages that hold no secrets.

A sampler may catch `ExecutionError`, use another method and record why. `NoAccountError` is a mistake of the caller.
"""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from lagrl.errors import InputError, LagrlError
from lagrl.quantum.journal.redaction import redacted
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")


class NoAccountError(InputError):
    """No IBM Quantum account is configured."""


class ExecutionError(LagrlError):
    """Circuits could not be run, or their result is incomplete.

    Attributes
    ----------
    backend
        Name of the backend; empty if not known.
    job
        The service's id of the job; empty if none was submitted.
    cost
        What was used nevertheless, as far as it is known.
    hint
        What the user can do to continue with this job; void once another method has answered.
    may_be_sent
        Whether the job was, or may have been, sent and may still have a result or a charge: a second one could be
        paid twice.
    """

    def __init__(
        self, problem: str, *, backend: str = "", job: str = "", cost: SamplingCost | None = None, hint: str = ""
    ) -> None:
        self.problem = redacted(problem)
        self.backend = backend
        self.job = job
        self.cost = cost or SamplingCost()
        self.hint = hint
        self.may_be_sent = False
        super().__init__(f"{self.summary}; {hint}" if hint else self.summary)

    @property
    def summary(self) -> str:
        """Backend, job and problem, without the hint."""
        place = ": ".join(part for part in (self.backend, f"job {self.job}" if self.job else "") if part)
        return f"{place}: {self.problem}" if place else self.problem

    def __reduce__(self) -> tuple[object, ...]:
        """Return the parts for pickling, which does not support keyword arguments; worker processes need it."""
        make = partial(type(self), self.problem, backend=self.backend, job=self.job, cost=self.cost, hint=self.hint)
        return make, (), {"may_be_sent": self.may_be_sent}


class TokenError(ExecutionError):
    """The service does not accept the token: expired, revoked or mistyped."""


class PlanExhaustedError(ExecutionError):
    """The account's plan has no QPU time left."""


class BackendDownError(ExecutionError):
    """The device or the service is not in operation."""


class NotReadyError(BackendDownError):
    """The device is not in operation, so nothing was sent."""


class ConnectionLostError(ExecutionError):
    """The service cannot be reached."""


class NotArrivedError(ConnectionLostError):
    """The connection was lost while a job was sent, and the service does not have the job."""


class JobFailedError(ExecutionError):
    """The service reports that the job failed."""


class JobCancelledError(ExecutionError):
    """The job was cancelled by someone else."""


class JobTimeoutError(ExecutionError):
    """The job took longer than the time limit."""


class QueueTimeoutError(JobTimeoutError):
    """The job waited in the queue beyond the time limit and was cancelled before it ran."""


class JobNotFoundError(ExecutionError):
    """The service does not have the job (any more)."""


class NoLineError(InputError):
    """The device, as calibrated now, has no line for a circuit."""


class ResultError(ExecutionError):
    """Circuits or shots are missing from what came back."""


NO_ACCOUNT = (
    "save one by QiskitRuntimeService.save_account(...) or set QISKIT_IBM_TOKEN (and QISKIT_IBM_INSTANCE); "
    "ibm:FakeKingston needs none"
)


class _FailureRule(NamedTuple):
    """When an exception of another library is an error of this kind, and what then helps."""

    kind: type[ExecutionError]
    names: tuple[str, ...] = ()  # of its class or a class above it
    words: tuple[str, ...] = ()  # in its text, in small letters; names count first
    remedy: str = ""


_RULES = (
    _FailureRule(
        PlanExhaustedError,
        words=("usage limit", "no more time available", "quota"),
        remedy="; wait for the plan's next period or use another instance",
    ),
    _FailureRule(
        TokenError,
        ("IBMNotAuthorizedError", "InvalidAccountError"),
        ("unauthorized", "invalid token", "token is expired", "api key", "apikey"),
        "; make a new API key and save it by QiskitRuntimeService.save_account(..., overwrite=True)",
    ),
    _FailureRule(JobNotFoundError, ("RuntimeJobNotFound",)),
    _FailureRule(JobTimeoutError, ("RuntimeJobTimeoutError",)),
    _FailureRule(JobFailedError, ("RuntimeJobMaxTimeoutError", "RuntimeJobFailureError")),
    _FailureRule(JobCancelledError, ("RuntimeInvalidStateError",)),
    _FailureRule(BackendDownError, words=("maintenance", "not operational"), remedy="; wait or use another backend"),
    _FailureRule(ConnectionLostError, remedy="; check the network, or try again later"),
)
ATTEMPTS = 6
FIRST_PAUSE = 1.0  # seconds; doubled after each attempt: half a minute in all
_LOST = frozenset({"RequestsApiError", "RequestException", "ConnectionError", "TimeoutError", "IBMRuntimeError"})


def guarded(call: Callable[[], T], *, backend: str = "", job: str = "") -> T:
    """Make a call to a service and raise its exceptions as the errors above, without the original exception.

    The text of the original, or the frames of a chained traceback, may hold a token.
    """
    failure: LagrlError
    try:
        return call()
    except LagrlError:
        raise
    except Exception as error:
        failure = translated(error, backend=backend, job=job)
    raise failure  # outside the except block, or the original would be its context


def patiently(read: Callable[[], T], sleep: Callable[[float], None], *, backend: str = "", job: str = "") -> T:
    """Read from a service and retry after a pause if it cannot be reached; only for calls that change nothing.

    Raises `ConnectionLostError` or `BackendDownError` if it cannot be reached in `ATTEMPTS` attempts, `ExecutionError`
    if it says something else.
    """
    pause = FIRST_PAUSE
    for _ in range(ATTEMPTS - 1):
        try:
            return guarded(read, backend=backend, job=job)
        except (ConnectionLostError, BackendDownError):
            sleep(pause)
            pause *= 2
    return guarded(read, backend=backend, job=job)


def translated(error: Exception, *, backend: str = "", job: str = "") -> LagrlError:
    """Return the error above that corresponds to an exception of another library."""
    names = {kind.__name__ for kind in type(error).__mro__}
    text = redacted(str(error).strip().strip("'\"")) or type(error).__name__
    if "AccountNotFoundError" in names:
        return NoAccountError("no account of IBM Quantum found", field="account", remedy=NO_ACCOUNT)
    kind = _kind(error, names, text.lower())
    problem, remedy = text.rstrip("."), next((rule.remedy for rule in _RULES if rule.kind is kind), "")
    if kind is ConnectionLostError:
        problem = f"{'' if backend else 'IBM Quantum '}cannot be reached ({problem})"
    elif kind is TokenError and os.environ.get("QISKIT_IBM_TOKEN"):
        remedy = "; correct or unset QISKIT_IBM_TOKEN in the environment, which overrides a saved account"
    return kind(problem + remedy, backend=backend, job=job)


def _kind(error: Exception, names: set[str], text: str) -> type[ExecutionError]:
    status = getattr(error, "status_code", None)
    if "InvalidAccountError" in names and _is_lost(error):
        return ConnectionLostError  # qiskit reports an invalid token also when the connection was lost
    for rule in _RULES:
        if names & set(rule.names):
            return rule.kind
    if status in (401, 403):
        return TokenError
    for rule in _RULES:
        if any(words in text for words in rule.words):
            return rule.kind
    if status is not None and 400 <= status < 500 and status != 429:
        return ExecutionError  # our own request is wrong: waiting does not help
    return ConnectionLostError if names & _LOST else ExecutionError


def _is_lost(error: BaseException) -> bool:
    """Whether a lost connection caused an exception, directly or through others."""
    earlier = error.__cause__ or error.__context__
    names = {kind.__name__ for kind in type(error).__mro__}
    return bool(names & {"RequestException", "ConnectionError"}) or (earlier is not None and _is_lost(earlier))
