"""Circuits on real devices, and on fake backends by the same path, through qiskit-ibm-runtime's Sampler."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from lagrl.errors import InputError, LagrlError
from lagrl.quantum.backends import is_fake
from lagrl.quantum.compile import compile_template, require_isa
from lagrl.quantum.execution import Execution
from lagrl.quantum.failures import (
    BackendDownError,
    ConnectionLostError,
    ExecutionError,
    JobCancelledError,
    JobFailedError,
    JobNotFoundError,
    JobTimeoutError,
    NotReadyError,
    QueueTimeoutError,
    ResultError,
    guarded,
)
from lagrl.quantum.jobs import JobRecord, fingerprint
from lagrl.quantum.local_device import LocalDevice
from lagrl.quantum.merged import MergedPubs
from lagrl.quantum.placement import find_line
from lagrl.quantum.results import codes_of, give_up_hint
from lagrl.quantum.runtime_options import RuntimeOptions
from lagrl.quantum.service import AccountDevice, patiently
from lagrl.quantum.usage import usage_of
from lagrl.relaxation.sampler import SamplingCost, require_shots

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from lagrl.quantum.devices import Device, Job
    from lagrl.quantum.execution import Pub, Template
    from lagrl.quantum.jobs import JobJournal
    from lagrl.quantum.placement import Placement
    from lagrl.quantum.service import Primitives
    from lagrl.relaxation.sampler import SampleContext

MOST_EXECUTIONS = 10_000_000  # circuits times shots of one job, by IBM's job limits


@dataclass(eq=False)
class RuntimeExecutor:
    """Runs all circuits of a call as one job: a line of the device for every width, angles as PUB parameters.

    PUBs of the same template go as one with more angles. Everything is checked before it is sent, and nothing is sent
    twice: only reading is repeated if the connection is lost. It is a context manager; leaving it, or `close`, ends an
    open batch or session.

    Attributes
    ----------
    device
        Where to.
    options
        How.
    max_width
        Most qubits of a circuit.
    journal
        What remembers jobs; a job known to it is read, not sent again.
    sleep
        Waits so many seconds between attempts to read.

    Raises
    ------
    InputError
        If `max_width` is not what the device can do.
    """

    device: Device
    options: RuntimeOptions = field(default_factory=RuntimeOptions)
    max_width: int = 12
    journal: JobJournal | None = field(default=None, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    _lines: dict[int, Placement] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.max_width <= self.device.widest:
            raise InputError(
                f"{self.max_width} given",
                field=f"{self.name}, width",
                remedy=f"give 1 to {self.device.widest} qubits",
            )

    @classmethod
    def of(
        cls,
        backend: str,
        options: RuntimeOptions | None = None,
        *,
        max_width: int = 12,
        journal: JobJournal | None = None,
        service: Any = None,
        primitives: Primitives | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Self:
        """Return an executor for a fake backend (`FakeKingston`) or a device of your account (`ibm_kingston`).

        Parameters
        ----------
        backend
            Names that begin with `fake` are fake backends.
        options, max_width, journal, sleep
            See the class.
        service, primitives
            Of an account; by default those of qiskit-ibm-runtime, see `AccountDevice.of` for what it raises.
        """
        device: Device
        if is_fake(backend):
            device = LocalDevice.of(backend)
        else:
            device = AccountDevice.of(backend, service=service, primitives=primitives, sleep=sleep)
        return cls(device, options or RuntimeOptions(), max_width, journal, sleep)

    @property
    def name(self) -> str:
        """Such as `ibm(fake_kingston)`."""
        return f"ibm({self.device.name})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close an open batch or session; its jobs run to their end."""
        self.device.close()

    def line(self, width: int) -> Placement:
        """Return the device's best line of so many qubits, found once.

        Raises
        ------
        InputError
            If the device has no such line.
        """
        if width not in self._lines:
            self._lines[width] = find_line(self.device.target, width)
        return self._lines[width]

    def compiled(self, template: Template) -> Template:
        """Return a template in the device's gates on its best line, compiled once."""
        return compile_template(template, self.device.target, self.line(template.n_qubits).qubits)

    def execute(self, pubs: Sequence[Pub], shots: int, rng: np.random.Generator, context: SampleContext) -> Execution:
        """Run every row of every PUB as one job; see `CircuitExecutor.execute`.

        Raises
        ------
        InputError
            If there are no PUBs or shots, a circuit is too wide, or the job is above the service's limits.
        ExecutionError
            If the job cannot be run, or its result is not complete.
        """
        self._require(pubs, shots)
        compiled = [self.compiled(pub.template) for pub in pubs]
        for template in compiled:
            require_isa(template.circuit, self.device.target)
        started = time.perf_counter()
        seed = int(rng.integers(2**31 - 1))
        mark = fingerprint(self.device.name, pubs, shots, seed, self.options, context)
        known = self.journal.find_job(mark) if self.journal is not None else None
        if known is not None and known.codes is not None and known.cost is not None:
            return Execution(known.codes, known.cost)
        merged = MergedPubs.of(pubs, compiled)
        job = self._submitted(merged, shots, seed, mark, known)
        try:
            codes = merged.split(self._read(job, merged, shots))
        except ExecutionError as error:
            seconds = time.perf_counter() - started
            error.cost = self._cost_of_failure(error, job, pubs, compiled, shots, seconds)
            self._settle(mark, error, job.job_id())
            raise
        cost = self._cost(job, pubs, compiled, shots, time.perf_counter() - started)
        if self.journal is not None:
            self.journal.finished_job(mark, codes, cost, job.job_id())
        return Execution(codes, cost)

    def _require(self, pubs: Sequence[Pub], shots: int) -> None:
        if not pubs:
            raise InputError("no circuits given", field=self.name, remedy="give 1 PUB or more")
        require_shots(shots)
        widest = max(pub.template.n_qubits for pub in pubs)
        if widest > self.max_width:
            raise InputError(
                f"a circuit of {widest} qubits is above the limit of {self.max_width}",
                field=self.name,
                remedy="take fewer variables per vehicle",
            )
        executions = shots * sum(len(pub.values) for pub in pubs)
        if executions > MOST_EXECUTIONS:
            raise InputError(
                f"{executions} circuits times shots are above the service's limit of {MOST_EXECUTIONS} in a job",
                field=self.name,
                remedy="take fewer shots",
            )

    def _submitted(self, merged: MergedPubs, shots: int, seed: int, mark: str, known: JobRecord | None) -> Job:
        """Return the job: one that the journal knows, one found by its tag, or a new one."""
        if known is not None and known.job and not self.device.is_simulated:
            return self._known(known.job)
        job = self.device.find(known.tag) if known is not None else None
        if job is None:
            tag = known.tag if known is not None else f"lagrl-{uuid.uuid4().hex}"
            if self.journal is not None and known is None:
                self.journal.intend_job(mark, tag)
            try:
                job = self.device.submit(merged.isa, shots, self.options, tag, seed)
            except LagrlError as error:
                may_have_arrived = isinstance(error, (ConnectionLostError, BackendDownError))
                if self.journal is not None and (not may_have_arrived or isinstance(error, NotReadyError)):
                    self.journal.failed_job(mark, str(error), SamplingCost(), None)
                raise  # if it may have arrived, the tag stays in the journal, to be looked for
        if self.journal is not None:
            self.journal.submitted_job(mark, job.job_id())
        return job

    def _known(self, job_id: str) -> Job:
        try:
            return self.device.job(job_id)
        except JobNotFoundError as error:
            hint = give_up_hint(job_id)
            raise JobNotFoundError(error.problem, backend=error.backend, job=job_id, hint=hint) from None

    def _read(self, job: Job, merged: MergedPubs, shots: int) -> list[NDArray[np.int64]]:
        name, job_id = self.device.name, job.job_id()
        try:
            result = patiently(
                lambda: job.result(timeout=self.options.timeout or None), self.sleep, backend=name, job=job_id
            )
        except JobTimeoutError as error:
            raise self._given_up(job, error) from None
        except ExecutionError as error:
            if type(error) is ExecutionError:  # there is one, but it cannot be decoded
                raise ResultError(error.problem, backend=name, job=job_id, hint=give_up_hint(job_id)) from None
            raise
        return codes_of(result, merged.rows, merged.widths, shots, backend=name, job=job_id)

    def _given_up(self, job: Job, error: JobTimeoutError) -> ExecutionError:
        """Cancel a job that still waits, which costs nothing; one that runs is paid for and may be read later."""
        kind: type[ExecutionError] = JobTimeoutError
        fate = "it goes on, and its result stays with the service"
        try:
            if "QUEUED" in str(guarded(job.status)).upper():
                guarded(job.cancel)
                kind, fate = QueueTimeoutError, "it still waited in the queue and was cancelled"
        except LagrlError:
            fate = "what becomes of it is not known, as the service did not answer"
        waited = f"no result after {self.options.timeout} s ({error.problem.rstrip('.')}); {fate}"
        return kind(waited, backend=error.backend, job=error.job)

    def _settle(self, mark: str, error: ExecutionError, job: str) -> None:
        """Tell the journal what became of a job without a usable result; one that may yet be read stays open."""
        if self.journal is None:
            return
        if isinstance(error, (JobFailedError, JobCancelledError, QueueTimeoutError)):
            self.journal.failed_job(mark, str(error), error.cost, job)
        elif isinstance(error, ResultError):
            self.journal.unusable_job(mark, str(error), error.cost, job)

    def _cost_of_failure(
        self,
        error: ExecutionError,
        job: Job,
        pubs: Sequence[Pub],
        compiled: Sequence[Template],
        shots: int,
        wall: float,
    ) -> SamplingCost:
        """Return the bill of a job without a usable result: what the service charged, and circuits that it ran."""
        if isinstance(error, ResultError):
            return self._cost(job, pubs, compiled, shots, wall)
        if isinstance(error, (JobFailedError, JobCancelledError, QueueTimeoutError)):
            return replace(
                self._cost(job, pubs, compiled, shots, wall), circuits=0, shots=0, two_qubit_gates=0, depth=0
            )
        return SamplingCost(jobs=1, seconds=wall, backend=self.name)

    def _cost(
        self, job: Job, pubs: Sequence[Pub], compiled: Sequence[Template], shots: int, wall: float
    ) -> SamplingCost:
        circuits = sum(len(pub.values) for pub in pubs)
        usage = usage_of(job, self.sleep, backend=self.device.name)
        return SamplingCost(
            circuits=circuits,
            shots=circuits * shots,
            two_qubit_gates=sum(t.two_qubit_gates * len(pub.values) for t, pub in zip(compiled, pubs, strict=True)),
            depth=max(template.two_qubit_depth for template in compiled),
            jobs=1,
            seconds=max(wall - usage.queue_seconds, 0.0),
            qpu_seconds=usage.qpu_seconds,
            queue_seconds=usage.queue_seconds,
            backend=self.name,
        )
