"""Circuits on devices of an account and on fake backends, through qiskit-ibm-runtime's Sampler."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from lagrl.errors import InputError, LagrlError, UnknownNameError
from lagrl.io.process_wide import ProcessWide
from lagrl.quantum.circuits.backend import BEST_LINE
from lagrl.quantum.circuits.execution import Execution
from lagrl.quantum.devices.compile import compile_template, require_isa
from lagrl.quantum.devices.placement import PLACEMENTS, placed_line
from lagrl.quantum.ibm.compiled_job import CompiledJob, fingerprint, give_up_hint
from lagrl.quantum.ibm.device import open_device
from lagrl.quantum.ibm.failures import (
    BackendDownError,
    ConnectionLostError,
    ExecutionError,
    JobCancelledError,
    JobFailedError,
    JobNotFoundError,
    JobTimeoutError,
    NoLineError,
    NotArrivedError,
    NotReadyError,
    QueueTimeoutError,
    ResultError,
    guarded,
    patiently,
)
from lagrl.quantum.ibm.runtime_options import MOST_EXECUTIONS, RuntimeOptions
from lagrl.quantum.ibm.status import StatusReader, usage_of
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from qiskit.transpiler import Target

    from lagrl.quantum.circuits.backend import BackendStatus, Job
    from lagrl.quantum.circuits.execution import Pub, Template
    from lagrl.quantum.devices.placement import Placement
    from lagrl.quantum.ibm.device import Device
    from lagrl.quantum.ibm.service import Primitives, ServiceJob
    from lagrl.quantum.journal.job_journal import JobJournal, JobRecord, SentState

_ENDED = (JobFailedError, JobCancelledError, QueueTimeoutError)


@dataclass(eq=False)
class DeviceBackend(ProcessWide):
    """Runs all circuits of a job on the line of the device that its placement names; a context manager.

    Everything is checked before it is sent, and nothing is sent twice: only reading is retried if the connection is
    lost. Leaving the context, or `close`, ends an open batch or session. Several threads may run different jobs at
    once and send them one after the other. A job that was given up (`JobControl`) is not sent, or is cancelled while
    it waits at the service.

    It must be made in a thread that lives on, best the main one: qiskit, imported first in a thread that ends, crashes
    the process in the next.

    Attributes
    ----------
    device
        The device.
    options
        How circuits are run.
    journal
        Records jobs; a job known to it is read, not sent again.
    sleep
        Waits a number of seconds between attempts to read.
    clock
        Returns seconds since 1970.
    """

    device: Device
    options: RuntimeOptions = field(default_factory=RuntimeOptions)
    journal: JobJournal | None = field(default=None, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    clock: Callable[[], float] = field(default=time.time, repr=False)
    reader: StatusReader = field(init=False, repr=False)
    _lines: dict[tuple[int, str], tuple[Target, Placement]] = field(default_factory=dict, init=False, repr=False)
    _sending: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        self.reader = StatusReader(self.device, self.clock)

    @staticmethod
    def of(
        name: str,
        options: RuntimeOptions | None = None,
        *,
        journal: JobJournal | None = None,
        service: Any = None,
        primitives: Primitives | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> DeviceBackend:
        """Return the backend of a device's name, such as `ibm_kingston`; see `open_device` for service and errors."""
        device = open_device(name, service=service, primitives=primitives, sleep=sleep)
        return DeviceBackend(device, options or RuntimeOptions(), journal, sleep, clock)

    @property
    def name(self) -> str:
        """Name for records, such as `ibm(fake_kingston)`."""
        return f"ibm({self.device.name})"

    @property
    def target(self) -> Target:
        """The device's target, with the calibration at the last fetch."""
        return self.device.target

    @property
    def max_width(self) -> int:
        """Largest number of qubits of a circuit."""
        return self.device.widest

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close an open batch or session, whose jobs still finish; the journal stays open."""
        self.device.close()

    def status(self, *, wait: bool = False) -> BackendStatus:
        """Return queue, calibration and plan; see `StatusReader.read`."""
        return self.reader.read(wait=wait)

    def line(self, width: int, placement: str = BEST_LINE, target: Target | None = None) -> Placement:
        """Return the line of this width on the device, found once for each calibration.

        Parameters
        ----------
        width
            Number of qubits.
        placement
            Which line; see `placed_line`.
        target
            The calibration; None for the device's current one.

        Raises
        ------
        UnknownNameError
            If there is no such placement.
        InputError
            If the device has no such line.
        """
        target = self.device.target if target is None else target
        found = self._lines.get((width, placement))
        if found is None or found[0] is not target:
            found = self._lines[width, placement] = target, placed_line(target, width, placement)
        return found[1]

    def job_state(self, job: Job) -> SentState:
        """Return the journal's state of exactly this job; empty if unknown or failed.

        If it is not empty, `run` reads that job or its result instead of sending another, so a scheduler chooses the
        same device again, also after a crash. Nothing is claimed or sent. The job's seed must be a number.
        """
        return "" if self.journal is None else self.journal.job_state(self._mark(job)[1])

    def run(self, job: Job) -> Execution:
        """Run every row of every PUB as one job; see `Backend.run`.

        A job that was sent earlier is read even if the device no longer has its line; its cost then counts the gates
        of the circuits as built.

        Raises
        ------
        InputError
            If there are no PUBs or shots, a circuit is too wide, or the job is above the service's limits.
        UnknownNameError
            If there is no such placement.
        NoLineError
            If the device, as calibrated now, has no line for a circuit, or it cannot be compiled there.
        ExecutionError
            If the job cannot be run, or its result is not complete; if `may_be_sent`, another must not be sent in its
            place.
        """
        job.require(self.name, self.max_width, most_executions=MOST_EXECUTIONS)
        if job.placement not in PLACEMENTS:
            raise UnknownNameError.of("placement", job.placement, PLACEMENTS)
        started = time.perf_counter()
        seed, mark = self._mark(job)
        is_known = self.journal is not None and self.journal.job_state(mark) != ""
        known = self.journal.find_job(mark) if self.journal is not None and is_known else None
        compiled, misfit = [pub.template for pub in job.pubs], None
        if known is None or known.codes is None:
            try:
                compiled = self._compiled(job.pubs, job.placement)
            except NoLineError as error:
                if known is None:
                    raise
                misfit = error
        if known is None and self.journal is not None:
            known = self.journal.find_job(mark)
        if known is not None and known.codes is not None and known.cost is not None:
            return Execution(known.codes, known.cost)
        merged = CompiledJob.of(job.pubs, compiled)
        sent = self._known_job(job, known, mark, misfit) or self._submitted(job, merged, seed, mark, known)
        if self.journal is not None:
            self.journal.submitted_job(mark, sent.job_id())
        job.control.sent(lambda: self._withdrawn(sent, mark))
        try:
            codes = self._read(sent, merged, job.shots)
        except ExecutionError as error:
            wall = time.perf_counter() - started
            error.cost = SamplingCost(jobs=1, seconds=wall, backend=self.name)
            if isinstance(error, (ResultError, *_ENDED)):
                error.cost = self._cost(sent, job, compiled, wall)
            if isinstance(error, _ENDED):  # its circuits did not run
                error.cost = replace(error.cost, circuits=0, shots=0, two_qubit_gates=0, depth=0)
            error.may_be_sent = not self._is_over(error)
            self._settle(mark, error, sent.job_id())
            raise
        cost = self._cost(sent, job, compiled, time.perf_counter() - started)
        if self.journal is not None:
            self.journal.finished_job(mark, codes, cost, sent.job_id())
        return Execution(codes, cost)

    def _mark(self, job: Job) -> tuple[int, str]:
        """Return the simulator's seed, drawn from the job's generator, and the job's fingerprint."""
        seed = int(job.rng.integers(2**31 - 1))
        return seed, fingerprint(self.device.name, job, seed, self.options)

    def _compiled(self, pubs: Sequence[Pub], placement: str) -> list[Template]:
        target = self.device.target  # one calibration for the whole job
        try:
            lines = [self.line(pub.template.n_qubits, placement, target).qubits for pub in pubs]
            compiled = [compile_template(pub.template, target, line) for pub, line in zip(pubs, lines, strict=True)]
            for template in compiled:
                require_isa(template.circuit, target)
        except InputError as error:
            raise NoLineError(error.problem, source=error.source, field=error.field, remedy=error.remedy) from error
        return compiled

    def _known_job(self, job: Job, known: JobRecord | None, mark: str, misfit: NoLineError | None) -> ServiceJob | None:
        """Return the job that the journal knows, or the one with its tag; None if it has to be sent."""
        if known is None:
            return None
        job.control.begin()  # it may be executed already
        try:
            if known.job and not self.device.is_simulated:
                return self._by_id(known.job)
            found = self.device.find(known.tag)
        except ExecutionError as error:
            error.may_be_sent = True
            raise
        if found is None and misfit is not None:
            if self.journal is not None:
                self.journal.failed_job(mark, str(misfit), SamplingCost(), None)
            raise misfit
        return found

    def _submitted(self, job: Job, merged: CompiledJob, seed: int, mark: str, known: JobRecord | None) -> ServiceJob:
        tag = known.tag if known is not None else f"lagrl-{uuid.uuid4().hex}"
        with self._sending:
            job.control.begin()
            if self.journal is not None and known is None:
                self.journal.intend_job(mark, tag)
            try:
                return self.device.submit(merged.isa, job.shots, self.options, tag, seed)
            except LagrlError as error:
                is_lost = isinstance(error, (ConnectionLostError, BackendDownError))
                if is_lost and not isinstance(error, (NotReadyError, NotArrivedError)):
                    assert isinstance(error, ExecutionError)
                    error.may_be_sent = True  # the tag stays in the journal and is looked for later
                elif self.journal is not None:
                    self.journal.failed_job(mark, str(error), SamplingCost(), None)
                raise

    def _by_id(self, job_id: str) -> ServiceJob:
        try:
            return self.device.job(job_id)
        except JobNotFoundError as error:
            hint = give_up_hint(job_id)
            raise JobNotFoundError(error.problem, backend=error.backend, job=job_id, hint=hint) from None

    def _read(self, sent: ServiceJob, merged: CompiledJob, shots: int) -> list[NDArray[Any]]:
        name, job_id = self.device.name, sent.job_id()
        try:
            result = patiently(
                lambda: sent.result(timeout=self.options.timeout or None), self.sleep, backend=name, job=job_id
            )
        except JobTimeoutError as error:
            raise self._given_up(sent, error) from None
        except ExecutionError as error:
            if type(error) is ExecutionError:  # there is one, but it cannot be decoded
                raise ResultError(error.problem, backend=name, job=job_id, hint=give_up_hint(job_id)) from None
            raise
        return merged.codes(result, shots, backend=name, job=job_id, hint=give_up_hint(job_id))

    def _given_up(self, sent: ServiceJob, error: JobTimeoutError) -> ExecutionError:
        """Cancel a job that still waits, which costs nothing; a running job is paid and may be read later."""
        kind: type[ExecutionError] = JobTimeoutError
        fate = "it keeps running, and the service keeps its result"
        try:
            if _cancelled_in_queue(sent):
                kind, fate = QueueTimeoutError, "it still waited in the queue and was cancelled"
        except LagrlError:
            fate = "what becomes of it is not known, as the service did not answer"
        waited = f"no result after {self.options.timeout} s ({error.problem.rstrip('.')}); {fate}"
        return kind(waited, backend=error.backend, job=error.job)

    def _withdrawn(self, sent: ServiceJob, mark: str) -> bool:
        """Cancel a job that was given up, if it has not started; return whether it was cancelled."""
        try:
            is_cancelled = _cancelled_in_queue(sent)
        except LagrlError:
            return False
        if is_cancelled and self.journal is not None:
            cost = SamplingCost(jobs=1, backend=self.name)
            self.journal.failed_job(mark, "given up and cancelled while it waited in the queue", cost, sent.job_id())
        return is_cancelled

    def _is_over(self, error: ExecutionError) -> bool:
        """Whether the job has no result, or another one costs nothing."""
        return self.device.is_simulated or isinstance(error, _ENDED)

    def _settle(self, mark: str, error: ExecutionError, job_id: str) -> None:
        """Record the end of a job without a usable result; a job that may still be read stays open."""
        if self.journal is None:
            return
        if self._is_over(error):
            self.journal.failed_job(mark, str(error), error.cost, job_id)
        elif isinstance(error, ResultError):
            self.journal.unusable_job(mark, str(error), error.cost, job_id)

    def _cost(self, sent: ServiceJob, job: Job, compiled: Sequence[Template], wall: float) -> SamplingCost:
        usage = usage_of(sent, self.sleep, backend=self.device.name)
        self.reader.charge(usage.qpu_seconds)
        return job.cost(
            compiled,
            jobs=1,
            seconds=max(wall - usage.queue_seconds, 0.0),
            qpu_seconds=usage.qpu_seconds,
            queue_seconds=usage.queue_seconds,
            backend=self.name,
        )


def _cancelled_in_queue(sent: ServiceJob) -> bool:
    """Cancel a job if it still waits in the queue; return whether it did."""
    if "QUEUED" not in str(guarded(sent.status)).upper():
        return False
    guarded(sent.cancel)
    return True
