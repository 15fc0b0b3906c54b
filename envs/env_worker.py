"""Workers with a batch of environments each: the parent's end of a worker process, requests and answers."""

from __future__ import annotations

import contextlib
import copy
import os
import pickle
import signal
import sys
import time
import traceback
from multiprocessing import get_context
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from stable_baselines3.common.vec_env.base_vec_env import CloudpickleWrapper

from lagrl.errors import InputError, LagrlError, WorkerError
from lagrl.processes import exit_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from envs.sb3 import LagrangianVecEnv

    Request = Callable[[LagrangianVecEnv], Any]


CLOSING_SECONDS = 30.0  # seconds that a worker may take for its last step and to close its samplers


class EnvWorker(Protocol):
    """The parent's end of a worker with some of the environments; each answer follows its request."""

    envs: range

    def send(self, request: Request | None) -> None:
        """Send a request, None to end; WorkerError if the worker is gone."""

    def receive(self) -> tuple[str, Any]:
        """Wait for an answer, its kind and value; WorkerError if the worker is gone."""

    def end(self) -> LagrlError | None:
        """Wait for the requested end, and enforce it if it takes too long; return the error of closing the samplers."""


class EnvProcess:
    """An `EnvWorker` that is a process: the parent's end of it."""

    def __init__(self, make: Callable[..., LagrangianVecEnv], envs: range) -> None:
        context = get_context("spawn")
        self.envs = envs
        self._has_answered = False
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, CloudpickleWrapper(make), envs, os.getpid())
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        try:
            self._process.start()
        except LagrlError:  # of a sampler that explains why it cannot be pickled
            raise
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise not_sendable(error) from error
        finally:
            theirs.close()

    def send(self, request: Request | None) -> None:
        """Send a request, None to end; WorkerError if the worker is gone."""
        try:
            self._pipe.send(request)
        except OSError as error:
            raise self._gone() from error

    def receive(self) -> tuple[str, Any]:
        """Wait for an answer, its kind and value; WorkerError if the worker is gone."""
        wait([self._pipe, self._process.sentinel])
        try:
            if self._pipe.poll():
                answer: tuple[str, Any] = self._pipe.recv()
                self._has_answered = True
                return answer
        except (EOFError, OSError) as error:
            raise self._gone() from error
        raise self._gone()

    def end(self) -> LagrlError | None:
        """Wait for the requested end, and enforce it if it takes too long; return the error of closing the samplers."""
        error, deadline = None, time.monotonic() + CLOSING_SECONDS
        with contextlib.suppress(EOFError, OSError):  # the worker has ended
            while self._pipe.poll(max(0.0, deadline - time.monotonic())):
                kind, value = self._pipe.recv()
                error = value if kind == "not closed" else error
        self._process.join(1.0)
        for enforce in (self._process.terminate, self._process.kill):
            if self._process.is_alive():
                enforce()
                self._process.join(1.0)
        self._pipe.close()
        return error

    def _gone(self) -> WorkerError:
        self._process.join(1.0)
        remedy = "make a new environment"
        if not self._has_answered:
            remedy = 'does the script make the environment under if __name__ == "__main__":?'
        return WorkerError(f"the worker of {named(self.envs)} ended, exit code {self._process.exitcode}; {remedy}")


def _serve(pipe: Connection, make: CloudpickleWrapper, envs: range, parent: int) -> None:
    """Run a worker: answer requests until None; Ctrl-C is handled by the parent, samplers are closed at any end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    exit_with_parent(parent)
    try:
        env: LagrangianVecEnv = make.var(n_envs=len(envs))
    except Exception as error:  # the parent raises it
        pipe.send(("failed", sendable(error, envs)))
        return
    pipe.send(("done", (env.observation_space, env.action_space)))
    try:
        while (request := pipe.recv()) is not None:
            pipe.send_bytes(answer_of(env, request, envs))
    except (EOFError, OSError):  # the parent is gone
        pass
    finally:
        _close(env, pipe, envs)


def answer_of(env: LagrangianVecEnv, request: Request, envs: range) -> bytes:
    """Return the pickled answer to a request: "done" and its value, or "failed" and the error for the parent."""
    try:
        return pickle.dumps(("done", request(env)))
    except Exception as error:
        return pickle.dumps(("failed", sendable(error, envs)))


def _close(env: LagrangianVecEnv, pipe: Connection, envs: range) -> None:
    try:
        env.close()
    except Exception as error:
        pipe.send(("not closed", sendable(error, envs)))


def sendable(error: Exception, envs: range) -> Exception:
    """Return an error as the parent raises it: lagrl's own as they are, with the environment's number among all."""
    if isinstance(error, AttributeError):
        return AttributeError(str(error))
    if isinstance(error, InputError) and (error.source or "").startswith("environment "):
        source = f"environment {envs[int(str(error.source).split()[1])]}"
        return InputError(error.problem, source=source, field=error.field, remedy=error.remedy)
    with contextlib.suppress(Exception):  # an error of a user's may not allow to be pickled
        if isinstance(error, LagrlError):
            copy.copy(error)  # made again from its arguments, as in the parent
            pickle.dumps(error)
            return error
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name} line {place.lineno}"
    return WorkerError(f"the worker of {named(envs)} failed: {type(error).__name__}: {error} ({where})")


def not_sendable(error: Exception) -> InputError:
    """Return the error for the user where a sampler cannot be pickled."""
    problem = (str(error) or type(error).__name__).splitlines()[0]  # Ray's has many lines
    return InputError(
        f"cannot be sent to a worker process ({problem})",
        field="sampler, route_sampler",
        remedy="give a name, or a function that makes the sampler in the worker",
    )


def named(envs: range) -> str:
    return f"environment {envs[0]}" if len(envs) == 1 else f"environments {envs[0]} to {envs[-1]}"
