"""Ray clusters: a connection with a time limit, and calls on all nodes that survive the end of a node."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError, LagrlError, MissingExtraError, WorkerError
from lagrl.processes import ONE_THREAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType

_PATIENCE = 5.0  # seconds for a cluster to accept a connection
_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])  # of a gRPC client
_RETRIES = 5  # of a call whose worker or node ended
_IN_FLIGHT = 1000  # calls submitted at a time
_REMEDY = "give HOST:PORT of a running head node, auto for the cluster of this machine, or local to start one here"


@contextlib.contextmanager
def connected(address: str) -> Iterator[ModuleType]:
    """Yield the module `ray`, connected to a cluster; the connection ends with the context.

    This machine must be a node of the cluster (`ray start --address=HOST:PORT`). Ray's dashboard and its usage
    statistics stay off, and what its processes print is not shown.

    Parameters
    ----------
    address
        `HOST:PORT` of the head node, `auto` for the cluster that runs on this machine, or `local` for a new one with
        the cores of this machine, which ends with the context.

    Raises
    ------
    MissingExtraError
        If ray is not installed.
    InputError
        If the address is none, does not answer, or its cluster cannot be used from here; also if this process is
        connected to a cluster already.
    """
    if address not in ("auto", "local"):
        _require_answer(address)
    ray = _imported()
    if ray.is_initialized():
        raise InputError("this process is connected to a cluster already", field="ray", remedy="call ray.shutdown()")
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    try:
        _connect(ray, address)
        if ray.cluster_resources().get("CPU", 0) < 1:
            raise InputError(f"{address}: its nodes offer no CPU", field="ray", remedy="start nodes with --num-cpus")
        if in_main_thread:  # Ray replaces it
            signal.signal(signal.SIGTERM, handler)
        yield ray
    finally:
        ray.shutdown()
        if in_main_thread:
            signal.signal(signal.SIGTERM, handler)


@contextlib.contextmanager
def connection() -> Iterator[ModuleType]:
    """Yield the module `ray` with the connection that this process has, which stays; InputError if it has none."""
    ray = _imported()
    if not ray.is_initialized():
        raise InputError("this process is connected to no cluster", field="address", remedy=_REMEDY)
    yield ray


def completed(
    ray: ModuleType, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]
) -> Iterator[tuple[int, Any]]:
    """Call a function once for each tuple of arguments, on all nodes; yield number and result of each as it finishes.

    A call whose worker or node ended is repeated on another; its result is yielded once. Each call takes one CPU, and
    computes with one thread.

    Parameters
    ----------
    ray
        The connected module, see `connected`.
    function
        A function that every node can import.
    calls
        Arguments by call; objects in Ray's store by reference (`ray.put`), others are copied to each call.

    Raises
    ------
    LagrlError
        An error of lagrl's own in a call, as it is.
    WorkerError
        If a call fails otherwise, or its workers ended repeatedly.
    """
    remote = ray.remote(num_cpus=1, max_retries=_RETRIES)(_with_one_thread)
    numbers = iter(range(len(calls)))
    waiting: dict[Any, int] = {}
    while True:
        while len(waiting) < _IN_FLIGHT and (number := next(numbers, None)) is not None:
            waiting[remote.remote(function, *calls[number])] = number
        if not waiting:
            return
        for finished in ray.wait(list(waiting), num_returns=1)[0]:
            yield waiting.pop(finished), result_of(ray, finished)


def _with_one_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    os.environ.update(ONE_THREAD)  # before kernels are loaded
    return function(*arguments)


def result_of(ray: ModuleType, reference: Any) -> Any:
    """Return the result of a call; raise lagrl's own errors as they are, and others as a WorkerError of one line."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, LagrlError):
            raise cause from None
        if "No module named" in str(error):
            reason = str(error)[str(error).rindex("No module named") :].splitlines()[0]
            raise WorkerError(
                f"a node of the cluster cannot import a module: {reason}; install the same packages on all nodes"
            ) from error
        if cause is not None:
            raise WorkerError(f"a call on the cluster failed: {type(cause).__name__}: {cause}") from error
        raise WorkerError(
            f"a worker of the cluster ended ({type(error).__name__}: killed, or out of memory)"
        ) from error


def _imported() -> ModuleType:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # as of its next version, without a warning
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError.of("ray", "ray", "running on a cluster") from error
    return ray


def _require_answer(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536 or "/" in host:
        raise InputError(f"{address!r:.80} given", field="ray", remedy=_REMEDY)
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE) as connection:
            connection.sendall(_GREETING)
            speaks = connection.recv(9)[3:4] == b"\4"  # a frame of settings, as every gRPC server sends first
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{address} does not answer ({reason})", field="ray", remedy=_REMEDY) from error
    if not speaks:
        raise InputError(f"{address} does not answer as Ray", field="ray", remedy=_REMEDY)


def _connect(ray: ModuleType, address: str) -> None:
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "CRITICAL"}
    if address == "local":
        from lagrl.compilation import usable_cores

        options |= {"include_dashboard": False, "num_cpus": usable_cores()}
    else:
        os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")  # one attempt, of 40 seconds
    try:
        ray.init(address=address, **options)
    except (ConnectionError, RuntimeError, OSError, ValueError, TimeoutError, ray.exceptions.RayError) as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(f"{address}: cannot be used ({reason[0]:.200})", field="ray", remedy=_REMEDY) from error
