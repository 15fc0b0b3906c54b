"""Circuits on real devices and fake backends, through qiskit-ibm-runtime's Sampler."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from lagrl.errors import InputError, LagrlError, UnknownNameError
from lagrl.io.process_wide import ProcessWide
from lagrl.quantum.circuits.execution import Execution
from lagrl.quantum.devices.compile import compile_template, require_isa
from lagrl.quantum.devices.placement import BEST_LINE, PLACEMENTS, placed_line
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
)
from lagrl.quantum.ibm.job_control import begin_job, mark_job_sent
from lagrl.quantum.ibm.job_fingerprint import fingerprint
from lagrl.quantum.ibm.job_limits import require_job
from lagrl.quantum.ibm.merged import MergedPubs
from lagrl.quantum.ibm.results import codes_of, give_up_hint
from lagrl.quantum.ibm.runtime_options import RuntimeOptions
from lagrl.quantum.ibm.service import patiently
from lagrl.quantum.ibm.usage import usage_of
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from qiskit.transpiler import Target

    from lagrl.quantum.circuits.execution import Pub, Template
    from lagrl.quantum.devices.placement import Placement
    from lagrl.quantum.ibm.device import Device, ServiceJob
    from lagrl.quantum.journal.job_journal import JobJournal, JobRecord, SentState
    from lagrl.relaxation.sampler import SampleContext

_ENDED = (JobFailedError, JobCancelledError, QueueTimeoutError)


@dataclass(eq=False)
class RuntimeExecutor(ProcessWide):
    """Runs all circuits of a call as one job, on a line of the device for every width; a context manager.

    PUBs of the same template are merged into one. Everything is checked before it is sent, and nothing is sent twice:
    only reading is retried if the connection is lost. Leaving the context, or `close`, ends an open batch or session.
    Several threads may run different jobs at once and send them one after the other. A job that was given up
    (`JobControl`) is not sent, or is cancelled while it waits at the service.

    Attributes
    ----------
    device
        The device.
    options
        How circuits are run.
    max_width
        Largest number of qubits of a circuit.
    journal
        Records jobs; a job known to it is read, not sent again.
    sleep
        Waits a number of seconds between attempts to read.
    placement
        Which line of the device is used; see `placed_line`.
    sending
        Held while a job is sent; the same for all executors of a device.
    charged
        Called with the seconds that a job was charged after it ended.

    Raises
    ------
    InputError
        If `max_width` is beyond the device's range.
    UnknownNameError
        If there is no such placement.
    """

    device: Device
    options: RuntimeOptions = field(default_factory=RuntimeOptions)
    max_width: int = 12
    journal: JobJournal | None = field(default=None, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    placement: str = BEST_LINE
    sending: threading.Lock = field(default_factory=threading.Lock, repr=False)
    charged: Callable[[float], None] | None = field(default=None, repr=False)
    asks_before_sending: ClassVar[bool] = True  # see `JobThreads`
    _lines: dict[int, tuple[Target, Placement]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.placement not in PLACEMENTS:
            raise UnknownNameError.of("placement", self.placement, PLACEMENTS)
        if not 1 <= self.max_width <= self.device.widest:
            raise InputError(
                f"{self.max_width} given",
                field=f"{self.name}, width",
                remedy=f"give 1 to {self.device.widest} qubits",
            )

    @property
    def name(self) -> str:
        """Name of the executor, such as `ibm(fake_kingston)`."""
        return f"ibm({self.device.name})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close an open batch or session; its jobs still finish."""
        self.device.close()

    def line(self, width: int, target: Target | None = None) -> Placement:
        """Return the line of this width on the device, found once for each calibration.

        Parameters
        ----------
        width
            Number of qubits.
        target
            The calibration; None for the device's current one.

        Raises
        ------
        InputError
            If the device has no such line.
        """
        target = self.device.target if target is None else target
        found = self._lines.get(width)
        if found is None or found[0] is not target:
            found = self._lines[width] = target, placed_line(target, width, self.placement)
        return found[1]

    def job_state(self, pubs: Sequence[Pub], shots: int, seed: int, context: SampleContext) -> SentState:
        """Return the journal's state of the job of exactly this call; empty if unknown or failed.

        If it is not empty, `execute` reads that job or its result instead of sending another, so a scheduler chooses
        the same device again, also after a crash. Nothing is claimed or sent.

        Parameters
        ----------
        pubs, shots, context
            The arguments of `execute`.
        seed
            Seed of the new generator that `execute` gets: `np.random.default_rng(seed)`.
        """
        if self.journal is None:
            return ""
        return self.journal.job_state(self._mark(pubs, shots, np.random.default_rng(seed), context)[1])

    def execute(self, pubs: Sequence[Pub], shots: int, rng: np.random.Generator, context: SampleContext) -> Execution:
        """Run every row of every PUB as one job; see `CircuitExecutor.execute`.

        A job that was sent earlier is read even if the device no longer has its line; its cost then counts the gates
        of the circuits as built.

        Raises
        ------
        InputError
            If there are no PUBs or shots, a circuit is too wide, or the job is above the service's limits.
        NoLineError
            If the device, as calibrated now, has no line for a circuit, or it cannot be compiled there.
        ExecutionError
            If the job cannot be run, or its result is not complete; if `may_be_sent`, another must not be sent in its
            place.
        """
        require_job(pubs, shots, self.max_width, self.name)
        started = time.perf_counter()
        seed, mark = self._mark(pubs, shots, rng, context)
        is_known = self.journal is not None and self.journal.job_state(mark) != ""
        known = self.journal.find_job(mark) if self.journal is not None and is_known else None
        compiled, misfit = [pub.template for pub in pubs], None
        if known is None or known.codes is None:
            try:
                compiled = self._all_compiled(pubs)
            except NoLineError as error:
                if known is None:
                    raise
                misfit = error
        if known is None and self.journal is not None:
            known = self.journal.find_job(mark)
        if known is not None and known.codes is not None and known.cost is not None:
            return Execution(known.codes, known.cost)
        merged = MergedPubs.of(pubs, compiled)
        job = self._known_job(known, mark, misfit) or self._submitted(merged, shots, seed, mark, known)
        if self.journal is not None:
            self.journal.submitted_job(mark, job.job_id())
        mark_job_sent(lambda: self._taken_back(job, mark))
        try:
            codes = merged.split(self._read(job, merged, shots))
        except ExecutionError as error:
            wall = time.perf_counter() - started
            error.cost = SamplingCost(jobs=1, seconds=wall, backend=self.name)
            if isinstance(error, (ResultError, *_ENDED)):
                error.cost = self._cost(job, pubs, compiled, shots, wall)
            if isinstance(error, _ENDED):  # its circuits did not run
                error.cost = replace(error.cost, circuits=0, shots=0, two_qubit_gates=0, depth=0)
            error.may_be_sent = not self._is_over(error)
            self._settle(mark, error, job.job_id())
            raise
        cost = self._cost(job, pubs, compiled, shots, time.perf_counter() - started)
        if self.journal is not None:
            self.journal.finished_job(mark, codes, cost, job.job_id())
        return Execution(codes, cost)

    def _mark(
        self, pubs: Sequence[Pub], shots: int, rng: np.random.Generator, context: SampleContext
    ) -> tuple[int, str]:
        """Return the simulator's seed, drawn from `rng`, and the job's fingerprint."""
        seed = int(rng.integers(2**31 - 1))
        return seed, fingerprint(self.device.name, pubs, shots, seed, self.options, context, self.placement)

    def _all_compiled(self, pubs: Sequence[Pub]) -> list[Template]:
        target = self.device.target  # one calibration for the whole job
        try:
            lines = [self.line(pub.template.n_qubits, target).qubits for pub in pubs]
            compiled = [compile_template(pub.template, target, line) for pub, line in zip(pubs, lines, strict=True)]
            for template in compiled:
                require_isa(template.circuit, target)
        except InputError as error:
            raise NoLineError(error.problem, source=error.source, field=error.field, remedy=error.remedy) from error
        return compiled

    def _known_job(self, known: JobRecord | None, mark: str, misfit: NoLineError | None) -> ServiceJob | None:
        """Return the job that the journal knows, or the one with its tag; None if it has to be sent."""
        if known is None:
            return None
        begin_job()  # it may be executed already
        try:
            if known.job and not self.device.is_simulated:
                return self._known(known.job)
            job = self.device.find(known.tag)
        except ExecutionError as error:
            error.may_be_sent = True
            raise
        if job is None and misfit is not None:
            if self.journal is not None:
                self.journal.failed_job(mark, str(misfit), SamplingCost(), None)
            raise misfit
        return job

    def _submitted(self, merged: MergedPubs, shots: int, seed: int, mark: str, known: JobRecord | None) -> ServiceJob:
        tag = known.tag if known is not None else f"lagrl-{uuid.uuid4().hex}"
        with self.sending:
            begin_job()
            if self.journal is not None and known is None:
                self.journal.intend_job(mark, tag)
            try:
                return self.device.submit(merged.isa, shots, self.options, tag, seed)
            except LagrlError as error:
                is_lost = isinstance(error, (ConnectionLostError, BackendDownError))
                if is_lost and not isinstance(error, (NotReadyError, NotArrivedError)):
                    assert isinstance(error, ExecutionError)
                    error.may_be_sent = True  # the tag stays in the journal and is looked for later
                elif self.journal is not None:
                    self.journal.failed_job(mark, str(error), SamplingCost(), None)
                raise

    def _known(self, job_id: str) -> ServiceJob:
        try:
            return self.device.job(job_id)
        except JobNotFoundError as error:
            hint = give_up_hint(job_id)
            raise JobNotFoundError(error.problem, backend=error.backend, job=job_id, hint=hint) from None

    def _read(self, job: ServiceJob, merged: MergedPubs, shots: int) -> list[NDArray[np.int64]]:
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

    def _given_up(self, job: ServiceJob, error: JobTimeoutError) -> ExecutionError:
        """Cancel a job that still waits, which costs nothing; a running job is paid and may be read later."""
        kind: type[ExecutionError] = JobTimeoutError
        fate = "it keeps running, and the service keeps its result"
        try:
            if _cancelled_in_queue(job):
                kind, fate = QueueTimeoutError, "it still waited in the queue and was cancelled"
        except LagrlError:
            fate = "what becomes of it is not known, as the service did not answer"
        waited = f"no result after {self.options.timeout} s ({error.problem.rstrip('.')}); {fate}"
        return kind(waited, backend=error.backend, job=error.job)

    def _taken_back(self, job: ServiceJob, mark: str) -> bool:
        """Cancel a job that was given up, if it has not started; return whether it was cancelled."""
        try:
            is_cancelled = _cancelled_in_queue(job)
        except LagrlError:
            return False
        if is_cancelled and self.journal is not None:
            cost = SamplingCost(jobs=1, backend=self.name)
            self.journal.failed_job(mark, "given up and cancelled while it waited in the queue", cost, job.job_id())
        return is_cancelled

    def _is_over(self, error: ExecutionError) -> bool:
        """Whether the job has no result, or another one costs nothing."""
        return self.device.is_simulated or isinstance(error, _ENDED)

    def _settle(self, mark: str, error: ExecutionError, job: str) -> None:
        """Record the end of a job without a usable result; a job that may still be read stays open."""
        if self.journal is None:
            return
        if self._is_over(error):
            self.journal.failed_job(mark, str(error), error.cost, job)
        elif isinstance(error, ResultError):
            self.journal.unusable_job(mark, str(error), error.cost, job)

    def _cost(
        self, job: ServiceJob, pubs: Sequence[Pub], compiled: Sequence[Template], shots: int, wall: float
    ) -> SamplingCost:
        circuits = sum(len(pub.values) for pub in pubs)
        usage = usage_of(job, self.sleep, backend=self.device.name)
        if self.charged is not None:
            self.charged(usage.qpu_seconds)
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


def _cancelled_in_queue(job: ServiceJob) -> bool:
    """Cancel a job if it still waits in the queue; return whether it did."""
    if "QUEUED" not in str(guarded(job.status)).upper():
        return False
    guarded(job.cancel)
    return True
