"""Jobs, and the `Backend` Protocol: anything that runs circuits, from a simulator to a device of an account."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from lagrl.errors import InputError, LagrlError
from lagrl.relaxation.sampler import SampleContext, SamplingCost, require_shots

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qiskit.transpiler import Target

    from lagrl.quantum.circuits.execution import Execution, Pub, Template

BEST_LINE = "line0"


class GivenUpError(LagrlError):
    """The caller gave the job up before it was sent, so it was not sent."""


@dataclass(eq=False)
class JobControl:
    """What the caller of a job shares with the thread that runs it.

    Attributes
    ----------
    has_begun
        Whether the job may be executed, now or later.
    is_sent
        Whether a service has the job and its thread only waits for the result.
    is_withdrawn
        Whether the service cancelled it before it began.
    """

    has_begun: bool = field(default=False, init=False)
    is_sent: bool = field(default=False, init=False)
    is_withdrawn: bool = field(default=False, init=False)
    _is_given_up: bool = field(default=False, init=False, repr=False)
    _withdraw: Callable[[], bool] | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def may_run(self) -> bool:
        """Whether the job has begun and was not withdrawn: it may be executed although it was given up."""
        return self.has_begun and not self.is_withdrawn

    def begin(self) -> None:
        """Call right before a job is sent; `GivenUpError` if the caller gave it up."""
        with self._lock:
            if self._is_given_up:
                raise GivenUpError("given up before it was sent")
            self.has_begun = True

    def sent(self, withdraw: Callable[[], bool]) -> None:
        """Call after a job was sent; `withdraw` cancels it if it has not begun, and returns whether it did."""
        with self._lock:
            self.is_sent, self._withdraw = True, withdraw

    def give_up(self) -> Callable[[], bool] | None:
        """Mark the job as given up; return the function that withdraws it, None if there is none."""
        with self._lock:
            self._is_given_up = True
            return self._withdraw


@dataclass(frozen=True, eq=False)
class Job:
    """Circuits that run together; all PUBs of one dual step are one job.

    Attributes
    ----------
    pubs
        Circuits with angles [C, P], at least one.
    shots
        Shots of every circuit.
    seed
        Randomness of simulators, as `numpy.random.default_rng` takes it: a number, or a generator that is advanced.
    context
        Identifies the sampler call in journals.
    placement
        Line of qubits of a device, see `placed_line`; other backends choose the qubits themselves.
    key
        Name of the job in messages.
    control
        Whether it may be sent, and how it is withdrawn.
    """

    pubs: Sequence[Pub] = field(repr=False)
    shots: int
    seed: int | np.random.Generator = field(default=0, repr=False)
    context: SampleContext = field(default_factory=SampleContext, repr=False)
    placement: str = BEST_LINE
    key: str = ""
    control: JobControl = field(default_factory=JobControl, repr=False)

    @property
    def rng(self) -> np.random.Generator:
        """The generator of `seed`."""
        return np.random.default_rng(self.seed)

    @property
    def n_circuits(self) -> int:
        """Number of circuits: sets of angles, over all PUBs."""
        return sum(len(pub.values) for pub in self.pubs)

    def require(
        self,
        backend: str,
        max_width: int,
        *,
        remedy: str = "use fewer variables per vehicle",
        most_executions: float = np.inf,
    ) -> None:
        """Refuse a job that is empty or too large.

        Parameters
        ----------
        backend
            Name of the backend, for messages.
        max_width
            Largest number of qubits of a circuit.
        remedy
            What helps if a circuit is too wide.
        most_executions
            Largest number of circuits times shots.

        Raises
        ------
        InputError
            If there are no PUBs or shots, a circuit is too wide, or there are too many circuits times shots.
        """
        if not self.pubs:
            raise InputError("no circuits given", field=backend, remedy="give 1 PUB or more")
        require_shots(self.shots)
        widest = max(pub.template.n_qubits for pub in self.pubs)
        if widest > max_width:
            problem = f"a circuit of {widest} qubits is above the limit of {max_width}"
            raise InputError(problem, field=backend, remedy=remedy)
        executions = self.shots * self.n_circuits
        if executions > most_executions:
            problem = f"{executions} circuits times shots are above the service's limit of {most_executions} in a job"
            raise InputError(problem, field=backend, remedy="use fewer shots")

    def cost(self, compiled: Sequence[Template], **used: Any) -> SamplingCost:
        """Return the cost of running it: `compiled` are the circuits of its PUBs, `used` are the other fields."""
        circuits = self.n_circuits
        return SamplingCost(
            circuits=circuits,
            shots=circuits * self.shots,
            two_qubit_gates=sum(
                t.two_qubit_gates * len(pub.values) for t, pub in zip(compiled, self.pubs, strict=True)
            ),
            depth=max(template.two_qubit_depth for template in compiled),
            **used,
        )


@dataclass(frozen=True)
class BackendStatus:
    """Last known status of a backend; the defaults are those of a simulator.

    Attributes
    ----------
    pending_jobs
        Number of jobs of all users in its queue; None without a queue.
    queue_seconds
        Expected wait of a job sent now, seconds.
    age_days
        Age of the calibration, days; 0 if unknown.
    is_operational
        Whether it takes jobs.
    plan_seconds
        Seconds of it that may still be used; infinite if nothing limits them.
    problem
        Why its service did not respond to the last request; empty if it did.
    """

    pending_jobs: int | None = None
    queue_seconds: float = 0.0
    age_days: float = 0.0
    is_operational: bool = True
    plan_seconds: float = np.inf
    problem: str = ""


@runtime_checkable
class Backend(Protocol):
    """Anything that runs circuits: a simulator, a primitive of qiskit, or a device of an account."""

    @property
    def name(self) -> str:
        """The name that records use."""
        ...

    @property
    def target(self) -> Target | None:
        """Gates, couplings and calibration of the device as of now; None if there is no device."""
        ...

    @property
    def max_width(self) -> int:
        """Largest number of qubits of a circuit."""
        ...

    def status(self, *, wait: bool = False) -> BackendStatus:
        """Return the last known status, at once or after waiting for a request to a service that is due."""
        ...

    def run(self, job: Job) -> Execution:
        """Run every row of every PUB, and wait for the samples.

        A backend that sends jobs to a service calls `job.control.begin` and `sent`, and does not send a job twice.

        Raises
        ------
        InputError
            If a circuit is wider than `max_width`.
        ExecutionError
            If the circuits cannot be run.
        """
        ...
