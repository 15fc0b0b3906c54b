"""Circuits on real devices, and on fake backends by the same path, through qiskit-ibm-runtime's Sampler."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lagrl.errors import InputError, LagrlError, UnknownNameError
from lagrl.quantum.compile import compile_template, require_isa
from lagrl.quantum.devices import open_device
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
from lagrl.quantum.job_limits import require_job
from lagrl.quantum.jobs import JobRecord, fingerprint
from lagrl.quantum.merged import MergedPubs
from lagrl.quantum.placement import BEST_LINE, PLACEMENTS, placed_line
from lagrl.quantum.results import codes_of, give_up_hint
from lagrl.quantum.runtime_options import RuntimeOptions
from lagrl.quantum.service import patiently
from lagrl.quantum.usage import usage_of
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from qiskit.transpiler import Target

    from lagrl.quantum.devices import Device, Job
    from lagrl.quantum.execution import Pub, Template
    from lagrl.quantum.jobs import JobJournal
    from lagrl.quantum.placement import Placement
    from lagrl.quantum.service import Primitives
    from lagrl.relaxation.sampler import SampleContext


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
    placement
        Which line of the device; see `placed_line`.

    Raises
    ------
    InputError
        If `max_width` is not what the device can do.
    UnknownNameError
        If there is no such placement.
    """

    device: Device
    options: RuntimeOptions = field(default_factory=RuntimeOptions)
    max_width: int = 12
    journal: JobJournal | None = field(default=None, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    placement: str = BEST_LINE
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
            See `open_device`, also for what it raises.
        options, max_width, journal, sleep
            See the class.
        service, primitives
            Of an account; by default those of qiskit-ibm-runtime.
        """
        device = open_device(backend, service=service, primitives=primitives, sleep=sleep)
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
        """Return the device's line of so many qubits, found once for each calibration.

        Raises
        ------
        InputError
            If the device has no such line.
        """
        return self._line(width, self.device.target)

    def compiled(self, template: Template) -> Template:
        """Return a template in the device's gates on its line, compiled once."""
        return self._compiled(template, self.device.target)

    def was_sent(self, pubs: Sequence[Pub], shots: int, seed: int, context: SampleContext) -> bool:
        """Whether the journal knows a job for exactly this call that was, or may have been, sent and has not failed.

        `execute` would read that job, or its result, instead of sending another: after a crash a scheduler asks the
        same device again. Nothing is claimed or sent by asking.

        Parameters
        ----------
        pubs, shots, context
            As `execute` is given them.
        seed
            Of the generator that `execute` is given, just made: `np.random.default_rng(seed)`.
        """
        if self.journal is None:
            return False
        return self.journal.knows_job(self._mark(pubs, shots, np.random.default_rng(seed), context)[1])

    def execute(self, pubs: Sequence[Pub], shots: int, rng: np.random.Generator, context: SampleContext) -> Execution:
        """Run every row of every PUB as one job; see `CircuitExecutor.execute`.

        Raises
        ------
        InputError
            If there are no PUBs or shots, a circuit is too wide, or the job is above the service's limits.
        ExecutionError
            If the job cannot be run, or its result is not complete.
        """
        require_job(pubs, shots, self.max_width, self.name)
        target = self.device.target  # one calibration for the whole job
        compiled = [self._compiled(pub.template, target) for pub in pubs]
        for template in compiled:
            require_isa(template.circuit, target)
        started = time.perf_counter()
        seed, mark = self._mark(pubs, shots, rng, context)
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

    def _mark(
        self, pubs: Sequence[Pub], shots: int, rng: np.random.Generator, context: SampleContext
    ) -> tuple[int, str]:
        """Draw the simulator's seed, and tell the job from every other."""
        seed = int(rng.integers(2**31 - 1))
        return seed, fingerprint(self.device.name, pubs, shots, seed, self.options, context, self.placement)

    def _compiled(self, template: Template, target: Target) -> Template:
        return compile_template(template, target, self._line(template.n_qubits, target).qubits)

    def _line(self, width: int, target: Target) -> Placement:
        found = self._lines.get(width)
        if found is None or found[0] is not target:  # calibrated anew
            found = self._lines[width] = target, placed_line(target, width, self.placement)
        return found[1]

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
