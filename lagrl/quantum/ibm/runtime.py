"""Circuits on devices of an account and on fake backends, as jobs of qiskit-ibm-runtime's Sampler."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError, LagrlError, UnknownNameError
from lagrl.io.process_wide import ProcessWide
from lagrl.quantum.circuits.backend import BEST_LINE, REGISTER, Execution
from lagrl.quantum.devices.compile import compile_template
from lagrl.quantum.devices.placement import PLACEMENTS, placed_line
from lagrl.quantum.ibm.device import RANDOMIZATIONS, SEQUENCE, RuntimeOptions
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
from lagrl.quantum.ibm.service import open_device
from lagrl.quantum.ibm.status import StatusReader
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

    from lagrl.quantum.circuits.backend import BackendStatus, Job, Pub, Template
    from lagrl.quantum.ibm.device import Device, IsaPub, ServiceJob
    from lagrl.quantum.ibm.service import Primitives
    from lagrl.quantum.journal.job_table import JournaledJob, SentState
    from lagrl.quantum.journal.journal import Journal

MOST_EXECUTIONS = 10_000_000  # circuits times shots of one job, by IBM's job limits
_ENDED = (JobFailedError, JobCancelledError, QueueTimeoutError)
_HINT = (
    "it is read again when the run is resumed; if that fails too, "
    "`lagrl journal FILE --give-up {job}` allows another to be sent in its place"
)


@dataclass(eq=False)
class DeviceBackend(ProcessWide):
    """Runs all circuits of a job on the line of the device that its placement names.

    Everything is checked before it is sent, and nothing is sent twice: only reading is retried if the connection is
    lost. `close` ends an open batch or session. Several threads may run different jobs at once and send them one after
    the other. A job that was given up (`JobControl`) is not sent, or is cancelled while it waits at the service.

    It must be made in a thread that lives on, best the main one: qiskit, imported first in a thread that ends, crashes
    the process in the next.

    Attributes
    ----------
    device, options
        The device, and how it runs circuits.
    journal
        Records jobs; a job known to it is read, not sent again.
    clock
        Returns seconds since 1970.
    """

    device: Device
    options: RuntimeOptions = field(default_factory=RuntimeOptions)
    journal: Journal | None = field(default=None, repr=False)
    clock: Callable[[], float] = field(default=time.time, repr=False)
    reader: StatusReader = field(init=False, repr=False)
    _compiled: dict[tuple[Any, ...], tuple[Target, Template]] = field(default_factory=dict, init=False, repr=False)
    _sending: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        self.reader = StatusReader(self.device, self.clock)

    @staticmethod
    def of(
        name: str,
        options: RuntimeOptions | None = None,
        *,
        journal: Journal | None = None,
        service: Any = None,
        primitives: Primitives | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> DeviceBackend:
        """Return the backend of a device's name, such as `ibm_kingston`; see `open_device` for the rest and errors."""
        device = open_device(name, service=service, primitives=primitives, sleep=sleep)
        return DeviceBackend(device, options or RuntimeOptions(), journal, clock)

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

    def close(self) -> None:
        """Close an open batch or session, whose jobs still finish; the journal stays open."""
        self.device.close()

    def status(self, *, wait: bool = False) -> BackendStatus:
        """Return queue, calibration and plan; see `StatusReader.read`."""
        return self.reader.read(wait=wait)

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
        compiled, misfit, encoding = [pub.template for pub in job.pubs], None, 0.0
        if known is None or known.codes is None:
            began = time.perf_counter()
            try:
                compiled = self._on_device(job)
            except NoLineError as error:
                if known is None:
                    raise
                misfit = error
            encoding = time.perf_counter() - began  # without the wait for another process in `find_job`
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
            error.cost = SamplingCost(jobs=1, seconds=wall, encoding_seconds=encoding, backend=self.name)
            if isinstance(error, (ResultError, *_ENDED)):
                error.cost = self._cost(sent, job, compiled, wall, encoding)
            if isinstance(error, _ENDED):  # its circuits did not run
                error.cost = replace(error.cost, circuits=0, shots=0, two_qubit_gates=0, depth=0)
            error.may_be_sent = not (self.device.is_simulated or isinstance(error, _ENDED))
            if self.journal is not None and not error.may_be_sent:  # no result, or another one costs nothing
                self.journal.failed_job(mark, str(error), error.cost, sent.job_id())
            elif self.journal is not None and isinstance(error, ResultError):
                self.journal.unusable_job(mark, str(error), error.cost, sent.job_id())
            raise
        cost = self._cost(sent, job, compiled, time.perf_counter() - started, encoding)
        if self.journal is not None:
            self.journal.finished_job(mark, codes, cost, sent.job_id())
        return Execution(codes, cost)

    def _mark(self, job: Job) -> tuple[int, str]:
        """Return the simulator's seed, drawn from the job's generator, and the job's fingerprint."""
        seed = int(job.rng.integers(2**31 - 1))
        return seed, fingerprint(self.device.name, job, seed, self.options)

    def _on_device(self, job: Job) -> list[Template]:
        """Return the templates of a job compiled for its line; found once for each calibration."""
        target = self.device.target  # one calibration for the whole job
        compiled = []
        for template in (pub.template for pub in job.pubs):
            key = (template.digest, template.declared, job.placement)
            known = self._compiled.get(key)
            if known is None or known[0] is not target:
                try:
                    line = placed_line(target, template.n_qubits, job.placement).qubits
                    known = self._compiled[key] = target, compile_template(template, target, line)
                except InputError as error:
                    place = {"source": error.source, "field": error.field, "remedy": error.remedy}
                    raise NoLineError(error.problem, **place) from error
            compiled.append(known[1])
        return compiled

    def _known_job(
        self, job: Job, known: JournaledJob | None, mark: str, misfit: NoLineError | None
    ) -> ServiceJob | None:
        """Return the job that the journal knows, or the one with its tag; None if it has to be sent."""
        if known is None:
            return None
        job.control.begin()  # it may be executed already
        try:
            if known.job and not self.device.is_simulated:
                return self.device.job(known.job)
            found = self.device.find(known.tag)
        except ExecutionError as error:
            if isinstance(error, JobNotFoundError):
                hint = _HINT.format(job=known.job)
                error = JobNotFoundError(error.problem, backend=error.backend, job=known.job, hint=hint)
            error.may_be_sent = True
            raise error from None
        if found is None and misfit is not None:
            if self.journal is not None:
                self.journal.failed_job(mark, str(misfit), SamplingCost(), None)
            raise misfit
        return found

    def _submitted(self, job: Job, merged: CompiledJob, seed: int, mark: str, known: JournaledJob | None) -> ServiceJob:
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

    def _read(self, sent: ServiceJob, merged: CompiledJob, shots: int) -> list[NDArray[Any]]:
        name, job_id = self.device.name, sent.job_id()
        hint = _HINT.format(job=job_id)
        try:
            result = self.device.result(sent, self.options.timeout or None)
        except JobTimeoutError as error:
            raise self._given_up(sent, error) from None
        except ExecutionError as error:
            if type(error) is ExecutionError:  # there is one, but it cannot be decoded
                raise ResultError(error.problem, backend=name, job=job_id, hint=hint) from None
            raise
        return merged.codes(result, shots, backend=name, job=job_id, hint=hint)

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

    def _cost(
        self, sent: ServiceJob, job: Job, compiled: Sequence[Template], wall: float, encoding: float
    ) -> SamplingCost:
        usage = self.device.usage(sent)
        if usage.qpu_seconds:
            self.reader.charge(usage.qpu_seconds)
        return job.cost(
            compiled,
            jobs=1,
            seconds=max(wall - usage.queue_seconds, 0.0),
            encoding_seconds=encoding,
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


@dataclass(frozen=True, eq=False)
class CompiledJob:
    """PUBs of equal templates merged, which makes jobs smaller and faster to prepare."""

    # the PUBs to send: circuits and angles [C, P] in the order of `circuit.parameters`. Circuits without parameters are
    # sent once per execution.
    isa: list[IsaPub] = field(repr=False)
    # for every row of every given PUB, the index of the sent PUB and of its row that has the result
    places: list[list[tuple[int, int]]] = field(repr=False)

    @staticmethod
    def of(pubs: Sequence[Pub], compiled: Sequence[Template]) -> CompiledJob:
        """Merge PUBs of equal templates; `compiled` are their templates, compiled."""
        circuits: list[QuantumCircuit] = []
        values: list[list[NDArray[np.float64]]] = []
        known: dict[str, int] = {}
        places = []
        for pub, made in zip(pubs, compiled, strict=True):
            rows = []
            for angles in pub.angles(made):
                index = known.get(made.digest) if len(angles) else None
                if index is None:
                    index = known[made.digest] = len(circuits)
                    circuits.append(made.circuit)
                    values.append([])
                rows.append((index, len(values[index])))
                values[index].append(angles)
            places.append(rows)
        return CompiledJob([(own, np.array(rows)) for own, rows in zip(circuits, values, strict=True)], places)

    def codes(self, result: Any, shots: int, *, backend: str, job: str, hint: str = "") -> list[NDArray[np.int64]]:
        """Return the codes [C, shots] of each given PUB: bit i is classical bit i, shots in the order taken.

        `result` is the `PrimitiveResult` of a sampler; `backend`, `job` and `hint` are for messages. Raises
        `ResultError` if a PUB, a circuit, the register or shots are missing, or there are too many.
        """

        def wrong(problem: str) -> ResultError:
            return ResultError(f"{problem}; none of it is used", backend=backend, job=job, hint=hint)

        try:
            found = list(result)
        except TypeError:
            raise wrong(f"{type(result).__name__} instead of a list of results") from None
        if len(found) != len(self.isa):
            raise wrong(f"{len(found)} results for {len(self.isa)} PUBs")
        codes = []
        for i, (pub, (circuit, values)) in enumerate(zip(found, self.isa, strict=True)):
            n_rows, width = len(values), circuit.num_clbits
            bits: Any = getattr(getattr(pub, "data", None), REGISTER, None)
            if not all(hasattr(bits, name) for name in ("num_shots", "num_bits", "shape", "array")):
                raise wrong(f"PUB {i} has no register {REGISTER}")
            if bits.num_shots != shots:
                raise wrong(f"PUB {i} has {bits.num_shots} shots, not {shots}")
            if bits.num_bits != width or int(np.prod(bits.shape, dtype=np.int64)) != n_rows:
                found_bits = f"{bits.num_bits} bits in shape {bits.shape}"
                raise wrong(f"PUB {i} has {found_bits}, not {width} bits of {n_rows} circuits")
            codes.append(packed(bits.array).reshape(n_rows, shots))
        return [np.array([codes[index][row] for index, row in rows]) for rows in self.places]


def packed(array: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return integers from the bytes on the last axis, the most significant first as in `BitArray`; up to 63 bits."""
    place = np.int64(8) * np.arange(array.shape[-1] - 1, -1, -1, dtype=np.int64)
    joined: NDArray[np.int64] = (array.astype(np.int64) << place).sum(axis=-1)
    return joined


def fingerprint(device: str, job: Job, seed: int, options: RuntimeOptions) -> str:
    """Return a job's key in journals: the sha256 of device, options, run, step, and all that the job holds."""
    how = asdict(options) | {"sequence": SEQUENCE, "randomizations": RANDOMIZATIONS}  # once options, and in journals
    rest = [device, job.shots, seed, how, job.context.run, job.context.step]
    if job.placement != BEST_LINE:  # older journals have no placements
        rest.append(job.placement)
    content = hashlib.sha256(json.dumps(rest, sort_keys=True).encode())
    for pub in job.pubs:
        content.update(json.dumps([pub.template.digest, pub.values.shape]).encode())
        content.update(np.ascontiguousarray(pub.values, "<f8").tobytes())
    return content.hexdigest()
