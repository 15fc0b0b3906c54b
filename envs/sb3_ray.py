"""Actors of a Ray cluster with a batch of environments each, as one VecEnv of Stable-Baselines3."""

from __future__ import annotations

import contextlib
import pickle
import time
from typing import TYPE_CHECKING, Any

from envs.env_worker import CLOSING_SECONDS, answer_of, named, not_sendable, sendable
from envs.sb3_processes import LagrangianSubprocVecEnv
from lagrl.errors import InputError, LagrlError, WorkerError
from lagrl.ray_cluster import connected, connection, result_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from envs.config import EnvConfig, Preset
    from envs.env_worker import EnvWorker, Request
    from envs.render import RenderMode
    from envs.sb3 import LagrangianVecEnv

STARTING_SECONDS = 300  # seconds that an actor may wait for a free CPU and load its modules
_LOOKING_SECONDS = 1  # seconds between two looks at the cluster's nodes meanwhile
_STARTS = 6  # of all actors, if a node is lost each time


class RayVecEnv(LagrangianSubprocVecEnv):
    """B environments in actors on the nodes of a Ray cluster, each with its share of them as one batch.

    Observations, rewards and infos are those of a `LagrangianVecEnv` with the same arguments, to the bit, except the
    seconds in `info["episode"]`. An actor takes one CPU of the cluster. All nodes need the same packages. If a node
    is lost while the actors start, they start again on the others. If an actor or its node ends later, the method that
    notices raises `WorkerError`: episodes are not repeated, make a new environment.

    Parameters
    ----------
    config, n_envs, seed, render_mode, preset, overrides
        As for `LagrangianSubprocVecEnv`.
    address
        Address of the cluster, see `lagrl.ray_cluster.connected`; the connection ends with `close`. None: the
        connection of this process, made by `ray.init`, as several environments need it.
    processes
        Number of actors, at most B and the CPUs of the cluster; None: as many as possible. Results do not depend on it.

    Raises
    ------
    MissingExtraError
        If ray is not installed.
    InputError, UnknownNameError
        If the address does not answer, the number of actors is out of range, a sampler cannot be pickled, or an
        argument does not fit.
    WorkerError
        If an actor finds no free CPU within `STARTING_SECONDS`, or ends; also later, from every method.
    """

    def __init__(
        self,
        config: EnvConfig | None = None,
        n_envs: int = 1,
        seed: int = 0,
        render_mode: RenderMode | None = None,
        *,
        address: str | None = None,
        processes: int | None = None,
        preset: Preset = "default",
        **overrides: Any,
    ) -> None:
        self._connection = contextlib.ExitStack()
        with contextlib.ExitStack() as connecting:
            self._ray = connecting.enter_context(connection() if address is None else connected(address))
            for starts_left in reversed(range(_STARTS)):
                self._nodes = self._alive_nodes()  # before the CPUs are counted
                if processes is not None and processes > (n_cpus := self._n_cores()):
                    raise InputError(f"{processes} given", field="processes", remedy=f"the cluster has {n_cpus} CPUs")
                try:
                    super().__init__(config, n_envs, seed, render_mode, processes=processes, preset=preset, **overrides)
                    break
                except _NodeLostError:
                    if not starts_left:
                        raise
            self._connection = connecting.pop_all()

    def _n_cores(self) -> int:
        """Return the number of CPUs of the cluster; those of an ended node count until Ray notices its end."""
        n_cpus = int(self._ray.cluster_resources().get("CPU", 0))
        if n_cpus < 1:
            raise InputError("its nodes offer no CPU", field="address", remedy="start nodes with --num-cpus")
        return n_cpus

    def _alive_nodes(self) -> set[str]:
        """Return the nodes whose end Ray has not noticed."""
        return {node["NodeID"] for node in self._ray.nodes() if node["Alive"]}

    def _has_lost_node(self) -> bool:
        """Return whether Ray has noticed the end of a node since the actors were made."""
        return not self._nodes <= self._alive_nodes()

    def _start(self, make: Callable[..., LagrangianVecEnv], envs: range) -> EnvWorker:
        return _ActorOfEnvs(self._ray, make, envs, self._has_lost_node)

    def close(self) -> None:
        """Close the samplers and end the actors, and the connection that was made for them."""
        with self._connection:
            super().close()


class _NodeLostError(WorkerError):
    """A node was lost while the actors started: an actor was on it, or its CPU was counted for an actor.

    Ray notices after about 15 seconds that a node was killed, and uses it until then.
    """


class _ActorOfEnvs:
    """The parent's end of an actor with some of the environments."""

    def __init__(
        self, ray: ModuleType, make: Callable[..., LagrangianVecEnv], envs: range, has_lost_node: Callable[[], bool]
    ) -> None:
        self.envs = envs
        self._ray = ray
        self._has_lost_node = has_lost_node
        try:
            self._actor = ray.remote(num_cpus=1)(_RemoteEnvs).remote(make, envs)
        except LagrlError:  # of a sampler that explains why it cannot be pickled
            raise
        except (pickle.PicklingError, TypeError, AttributeError) as error:
            raise not_sendable(error) from error
        self._spaces = self._answer = self._actor.spaces.remote()
        self._is_started = False

    def send(self, request: Request | None) -> None:
        """Send a request, None to end; an actor that is gone is noticed by `receive`."""
        self._answer = self._actor.close.remote() if request is None else self._actor.answer.remote(request)

    def receive(self) -> tuple[str, Any]:
        """Wait for an answer, its kind and value; WorkerError if the actor is gone, or finds no free CPU to start."""
        if not self._is_started:
            self._wait_for_start()
        try:
            answer = _opened(result_of(self._ray, self._answer))
        except WorkerError as error:
            if not self._is_started:
                self._require_nodes()
            raise WorkerError(f"{named(self.envs)}: {error}; make a new environment") from error
        self._is_started = True
        return answer

    def _wait_for_start(self) -> None:
        """Wait until the environments are made; _NodeLostError if a node is lost meanwhile."""
        deadline = time.monotonic() + STARTING_SECONDS
        while not self._ray.wait([self._spaces], timeout=_LOOKING_SECONDS)[0]:
            self._require_nodes()
            if time.monotonic() > deadline:
                raise WorkerError(
                    f"{named(self.envs)}: no CPU of the cluster became free within {STARTING_SECONDS} s; "
                    "see `ray status`, or give fewer processes"
                )

    def _require_nodes(self) -> None:
        if self._has_lost_node():
            raise _NodeLostError(f"{named(self.envs)}: a node of the cluster ended during the start; see `ray status`")

    def end(self) -> LagrlError | None:
        """Wait for the requested end, and enforce it; return the error of closing the samplers.

        An actor that has not made its environments is ended at once: it may wait for a CPU, and its samplers have
        learned nothing.
        """
        error = None
        if self._is_started or self._ray.wait([self._spaces], timeout=0, fetch_local=False)[0]:
            with contextlib.suppress(self._ray.exceptions.RayError):  # the actor is gone, or takes too long
                _, error = _opened(self._ray.get(self._answer, timeout=CLOSING_SECONDS))
        self._ray.kill(self._actor)
        return error if isinstance(error, LagrlError) else None


def _opened(answer: bytes) -> tuple[str, Any]:
    """Return an actor's answer, its kind and value.

    Answers are pickled here and not by Ray, whose arrays would be read-only. They come from this object's own actors
    alone; Ray unpickles what its nodes send in any case, so a cluster has to be trusted (docs/guide/cluster.md).
    """
    kind, value = pickle.loads(answer)
    return kind, value


class _RemoteEnvs:
    """An actor: makes environments and answers requests, as a worker process does."""

    def __init__(self, make: Callable[..., LagrangianVecEnv], envs: range) -> None:
        self._make = make
        self._envs = envs
        self._env: LagrangianVecEnv | None = None

    def spaces(self) -> bytes:
        """Make the environments; return their spaces."""
        try:
            self._env = self._make(n_envs=len(self._envs))
        except Exception as error:
            return pickle.dumps(("failed", sendable(error, self._envs)))
        return pickle.dumps(("done", (self._env.observation_space, self._env.action_space)))

    def answer(self, request: Request) -> bytes:
        """Answer a request."""
        assert self._env is not None
        return answer_of(self._env, request, self._envs)

    def close(self) -> bytes:
        """Close the samplers, which saves what they learned."""
        try:
            if self._env is not None:
                self._env.close()
        except Exception as error:
            return pickle.dumps(("not closed", sendable(error, self._envs)))
        return pickle.dumps(("closed", None))
