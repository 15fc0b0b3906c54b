"""The account path, with a fake service that fails in many ways."""

from __future__ import annotations

import logging
import pickle
import traceback
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fake_service import TOKEN, FakePrimitives, FakeService
from small_executions import MemoryJournal, basis_pub

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.circuits.backend import Job
from lagrl.quantum.circuits.line_qaoa import LineQAOA
from lagrl.quantum.ibm.device import RuntimeOptions
from lagrl.quantum.ibm.failures import (
    ATTEMPTS,
    BackendDownError,
    ConnectionLostError,
    ExecutionError,
    JobCancelledError,
    JobFailedError,
    JobTimeoutError,
    NoAccountError,
    NotArrivedError,
    PlanExhaustedError,
    ResultError,
    TokenError,
    guarded,
)
from lagrl.quantum.ibm.service import open_device
from lagrl.quantum.journal.journal import Journal
from lagrl.relaxation.sampler import SampleContext, SampleQuery
from lagrl.samplers.circuit_sampler import CircuitSampler

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.quantum.circuits.backend import Execution

pytest.importorskip("qiskit_ibm_runtime")

from lagrl.quantum.ibm.runtime import DeviceBackend
from lagrl.quantum.ibm.service import open_service

HERE = SampleContext("test", 3)


class Call:
    """A backend on the fake service that counts its pauses."""

    def __init__(
        self, *faults: str, journal: Journal | None = None, service: FakeService | None = None, **options: object
    ) -> None:
        self.service = service or FakeService(list(faults))
        self.primitives = FakePrimitives(self.service)
        self.pauses: list[float] = []
        wait = self.pauses.append
        device = open_device("ibm_fake", service=self.service, primitives=self.primitives, sleep=wait)
        made = RuntimeOptions(**options)
        self.executor = DeviceBackend(device, made, journal=journal)

    def run(self, codes: int = 5) -> Execution:
        return self.executor.run(Job([basis_pub(3, [codes, 1]), basis_pub(2, [3])], 16, 0, HERE))


def test_a_step_is_one_job() -> None:
    """All PUBs of a call are one job with a tag; codes have the right shapes, and the cost is the service's."""
    call = Call(max_execution_time=20)
    found = call.run()
    (job,) = call.service.submitted
    assert [codes.shape for codes in found.codes] == [(2, 16), (1, 16)]
    assert len(job.pubs) == 2 and job.tags[0].startswith("lagrl-")
    assert (found.cost.jobs, found.cost.qpu_seconds, found.cost.queue_seconds) == (1, 3.0, 7.5)
    assert found.cost.backend == "ibm(ibm_fake)"
    assert call.primitives.options[0].max_execution_time == 20
    assert call.primitives.modes == [call.executor.device.backend]


def test_tags_are_never_used_twice() -> None:
    """Two equal calls have different tags; otherwise the second could get the first's job."""
    call = Call()
    call.run(), call.run()
    first, second = call.service.submitted
    assert first.tags != second.tags


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("failed", JobFailedError, "out of cheese"),
        ("too long", JobFailedError, "maximum execution time"),
        ("cancelled", JobCancelledError, "cancelled"),
        ("timeout", JobTimeoutError, "the service keeps its result"),
        ("dropped", ResultError, "1 results for 2 PUBs"),
        ("wrong shots", ResultError, "PUB 0 has 15 shots, not 16"),
        ("exhausted", PlanExhaustedError, "usage limit of the plan reached"),
        ("refused", PlanExhaustedError, "usage limit exceeded"),
        ("down", BackendDownError, "not operational"),
        ("lost before submission", NotArrivedError, "Connection refused.*the job did not arrive"),
    ],
)
def test_every_failure_is_told(fault: str, kind: type[ExecutionError], says: str) -> None:
    """Each failure has its error, which names backend and job and holds no token or original exception."""
    call = Call(fault)
    with pytest.raises(kind, match=says) as caught:
        call.run()
    error = caught.value
    assert error.backend == "ibm_fake"
    if call.service.submitted:
        assert error.job == "job0" and "job0" in str(error)
    assert len(call.service.submitted) <= 1
    assert TOKEN not in "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    assert error.__context__ is None or TOKEN not in str(error.__context__)


def test_an_expired_token_is_told_at_once() -> None:
    """Opening a device with an invalid token is an error with a remedy."""
    with pytest.raises(TokenError, match="make a new API key") as caught:
        Call("expired token")
    assert TOKEN not in str(caught.value)


def test_an_unknown_device_is_answered_with_the_accounts() -> None:
    """A wrong name is an error that lists the account's devices."""
    with pytest.raises(UnknownNameError, match="known: ibm_fake, ibm_other"):
        open_device("ibm_fakk", service=FakeService())


def test_no_account_names_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without an account in store or environment the error says how to create one."""
    accounts = pytest.importorskip("qiskit_ibm_runtime.accounts.management")
    monkeypatch.setattr(accounts, "_DEFAULT_ACCOUNT_CONFIG_JSON_FILE", str(tmp_path / "none.json"))
    monkeypatch.delenv("QISKIT_IBM_TOKEN", raising=False)
    with pytest.raises(NoAccountError, match="save_account") as caught:
        open_service()
    assert isinstance(caught.value, InputError)


def test_a_lost_network_is_not_blamed_on_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """qiskit reports a wrong token for every failure; the original exception decides the error."""
    monkeypatch.delenv("QISKIT_IBM_TOKEN", raising=False)
    account_error = pytest.importorskip("qiskit_ibm_runtime.accounts").InvalidAccountError

    def open_account(reason: Exception) -> None:
        try:
            raise reason
        except Exception:
            raise account_error("Unable to retrieve instances. Please check your token.")  # noqa: B904 - chained by Python, as in qiskit

    with pytest.raises(ConnectionLostError, match=r"IBM Quantum cannot be reached \(.*check the network"):
        guarded(lambda: open_account(ConnectionError("no route")))
    with pytest.raises(TokenError, match="new API key"):
        guarded(lambda: open_account(ValueError("400")))
    monkeypatch.setenv("QISKIT_IBM_TOKEN", TOKEN)
    with pytest.raises(TokenError, match="correct or unset QISKIT_IBM_TOKEN"):
        guarded(lambda: open_account(ValueError("400")))


def test_reading_is_repeated_submitting_is_not() -> None:
    """Reading is retried after growing pauses if the connection is lost; the job is sent once."""
    call = Call("lost while reading", "lost while reading")
    call.run()
    assert call.pauses == [1.0, 2.0]
    assert len(call.service.submitted) == 1


def test_reading_ends_some_time() -> None:
    """A connection that stays lost is an error that names the job for later reading."""
    call = Call(*["lost while reading"] * ATTEMPTS)
    with pytest.raises(ConnectionLostError, match="job0"):
        call.run()
    assert len(call.service.submitted) == 1


def test_a_job_that_arrived_is_found() -> None:
    """If the connection is lost after the job arrived, it is found by its tag and not sent again."""
    call = Call("lost after submission")
    assert call.run().cost.jobs == 1
    assert len(call.service.submitted) == 1


def test_pending_charges_are_waited_for() -> None:
    """A charge that is still pending is read again."""
    call = Call("pending", "pending")
    assert call.run().cost.qpu_seconds == 3.0
    assert call.pauses == [0.5, 0.5]


def test_a_waiting_job_is_cancelled_after_the_timeout() -> None:
    """A job still in the queue at the time limit is cancelled, and another may be sent."""
    journal = MemoryJournal()
    call = Call("timeout", journal=journal, timeout=5)
    call.service.job_status = "QUEUED"
    with pytest.raises(JobTimeoutError, match=r"after 5 s.*was cancelled"):
        call.run()
    assert call.service.submitted[0].cancelled
    assert not journal.records


def test_a_known_result_is_not_bought_again() -> None:
    """With a journal an equal call is answered from it, with equal bits and cost."""
    journal = MemoryJournal()
    call = Call(journal=journal)
    first, again = call.run(), call.run()
    assert len(call.service.submitted) == 1
    assert all((a == b).all() for a, b in zip(first.codes, again.codes, strict=True))
    assert again.cost == first.cost
    call.run(codes=6)
    assert len(call.service.submitted) == 2


@pytest.mark.parametrize("fault", ["killed after submission", "timeout", "lost while reading"])
def test_a_job_of_a_dead_process_is_read(fault: str, tmp_path: Path) -> None:
    """A process killed before or after the job's id was written: the next one reads the paid job."""
    service = FakeService([fault] * (ATTEMPTS if fault == "lost while reading" else 1))
    with Journal(tmp_path / "journal") as journal, pytest.raises((KeyboardInterrupt, ExecutionError)):
        Call(journal=journal, service=service).run()
    with Journal(tmp_path / "journal") as journal:
        first = Call(journal=journal, service=service).run()
        assert Call(journal=journal, service=service).run().cost == first.cost
    assert len(service.submitted) == 1
    assert TOKEN.encode() not in (tmp_path / "journal").read_bytes()


@pytest.mark.parametrize(("fault", "problem"), [("failed", "out of cheese"), ("refused", "usage limit")])
def test_a_failed_job_may_be_sent_again(fault: str, problem: str, tmp_path: Path) -> None:
    """A job without a result is recorded as failed, and the next call sends another."""
    service = FakeService([fault])
    with Journal(tmp_path / "journal") as journal:
        with pytest.raises(ExecutionError, match=problem):
            Call(journal=journal, service=service).run()
        assert not journal.pending()
        assert Call(journal=journal, service=service).run().cost.jobs == 1
    content = (tmp_path / "journal").read_bytes()
    assert problem.encode() in content and TOKEN.encode() not in content


@pytest.mark.parametrize("mode", ["batch", "session"])
def test_a_mode_is_opened_late_and_closed(mode: str) -> None:
    """A batch or session is opened by the first job, shared, renewed when it ended and closed at the end."""
    call = Call(mode=mode, session_time=60)
    with closing(call.executor) as executor:
        assert not call.service.opened
        call.run(), call.run()
        (opened,) = call.service.opened
        assert (opened.kind, opened.max_time, opened.closed) == (mode, 60, False)
        opened.ended = True
        call.run()
        assert len(call.service.opened) == 2
    assert call.service.opened[1].closed
    executor.close()


def test_no_token_gets_out(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """After successes and failures with all loggers at DEBUG, no output, record, row, repr or journal has the token."""
    journal = MemoryJournal()
    stream = logging.StreamHandler()
    logging.getLogger("qiskit_ibm_runtime").addHandler(stream)
    rows = []
    try:
        with caplog.at_level(logging.DEBUG):
            logging.getLogger("qiskit_ibm_runtime").setLevel(logging.DEBUG)
            call = Call("failed", journal=journal)
            with pytest.raises(JobFailedError) as caught:
                call.run()
            logging.getLogger("lagrl").exception("failed", exc_info=caught.value)
            rows.append(call.run().cost.record())
    finally:
        logging.getLogger("qiskit_ibm_runtime").removeHandler(stream)
        logging.getLogger("qiskit_ibm_runtime").setLevel(logging.NOTSET)
    printed = capfd.readouterr()
    assert "GET /jobs/job0 with ***" in caplog.text
    everything = [printed.out, printed.err, caplog.text, repr(call.executor), repr(call.executor.device), repr(rows)]
    everything += [repr(journal), repr(call.executor.options), str(caught.value)]
    assert not any(TOKEN in text for text in everything)


@pytest.mark.parametrize("fault", ["dropped", "wrong shots"])
def test_a_damaged_result_is_paid_read_again_and_given_up(fault: str, tmp_path: Path) -> None:
    """A job with a damaged result is charged once, read again and not sent again, and may be given up."""
    path = tmp_path / "journal"
    service = FakeService([fault] * 4)
    for _ in range(2):
        with Journal(path) as journal, pytest.raises(ResultError, match="give-up job0") as caught:
            Call(journal=journal, service=service).run()
    assert (caught.value.cost.circuits, caught.value.cost.qpu_seconds) == (3, 3.0)
    with Journal(path) as journal:
        summary = journal.summary()
        assert [(job.state, job.job) for job in summary.pending] == [("unusable", "job0")]
        assert (summary.paid.qpu_seconds, summary.paid.jobs) == (3.0, 1)
        with pytest.raises(UnknownNameError, match=r"pending job of .*did you mean 'job0'"):
            journal.give_up("job")
        journal.give_up("job0")
        assert not journal.pending()
        service.faults.clear()
        assert Call(journal=journal, service=service).run().cost.jobs == 1
    assert len(service.submitted) == 2
    with Journal(path, read_only=True) as journal:
        assert (journal.summary().paid.qpu_seconds, journal.summary().failed) == (6.0, 1)


def test_a_damaged_result_may_be_whole_the_next_time(tmp_path: Path) -> None:
    """A result damaged on the way is read correctly later and counted once."""
    service = FakeService(["dropped"])
    with Journal(tmp_path / "journal") as journal:
        with pytest.raises(ResultError):
            Call(journal=journal, service=service).run()
        Call(journal=journal, service=service).run()
        assert journal.summary().paid.qpu_seconds == 3.0
        assert not journal.pending()
    assert len(service.submitted) == 1


@pytest.mark.parametrize(("fault", "charged"), [("failed", 3.0), ("cancelled", 3.0), ("timeout", 0.0)])
def test_a_failure_knows_what_it_cost(fault: str, charged: float, tmp_path: Path) -> None:
    """A failed job's charge is in the error and the journal without circuits; a running job's is unknown."""
    with Journal(tmp_path / "journal") as journal:
        with pytest.raises(ExecutionError) as caught:
            Call(fault, journal=journal, timeout=5).run()
        assert journal.summary().paid.qpu_seconds == charged
    cost = pickle.loads(pickle.dumps(caught.value)).cost
    assert (cost.jobs, cost.circuits, cost.qpu_seconds) == (1, 0, charged)


def test_a_cancelled_job_that_ran_all_the_same_is_in_the_bill() -> None:
    """A job may start between reading its state and cancelling it."""
    call = Call("timeout", timeout=5)
    call.service.job_status = "QUEUED"
    with pytest.raises(JobTimeoutError) as caught:
        call.run()
    assert caught.value.cost.qpu_seconds == 3.0


@pytest.mark.parametrize("fault", ["empty", "no bits", "undecodable"])
def test_damage_of_any_shape_is_a_result_error(fault: str, tmp_path: Path) -> None:
    """Results with missing entries or bits are paid, not used, and read again."""
    service = FakeService([fault])
    with Journal(tmp_path / "journal") as journal:
        with pytest.raises(ResultError, match="give-up job0"):
            Call(journal=journal, service=service).run()
        assert journal.summary().paid.qpu_seconds == 3.0
        assert Call(journal=journal, service=service).run().cost.jobs == 1
    assert len(service.submitted) == 1


def test_a_job_that_the_service_lost_can_be_given_up(tmp_path: Path) -> None:
    """The error names the remedy, and giving the job up allows another to be sent."""
    service = FakeService(["timeout"])
    with Journal(tmp_path / "journal") as journal:
        with pytest.raises(JobTimeoutError):
            Call(journal=journal, service=service, timeout=5).run()
        service.faults.append("forgotten")
        with pytest.raises(ExecutionError, match="give-up job0"):
            Call(journal=journal, service=service, timeout=5).run()
        journal.give_up("job0")
        assert Call(journal=journal, service=service, timeout=5).run().cost.jobs == 1


def test_nothing_is_pending_where_the_device_was_not_ready(tmp_path: Path) -> None:
    """A device out of operation or an exhausted plan is an error before anything is sent."""
    for fault in ("down", "exhausted"):
        with Journal(tmp_path / fault) as journal:
            with pytest.raises(ExecutionError):
                Call(fault, journal=journal).run()
            assert not journal.pending()


def test_a_fallback_does_not_promise_another_reading() -> None:
    """The row holds the problem without the remedy for a run that stops there."""
    executor = Call("dropped").executor
    sampler = CircuitSampler(executor, LineQAOA(), width=3, fallback="product")
    knapsack = (np.array([[-5.0, -4.0, -3.0]]), np.array([2, 3, 4]), np.array([5]))
    cost = sampler.sample(SampleQuery(*knapsack, 16, np.random.default_rng(0), HERE)).cost
    assert "none of it is used" in cost.fallback
    assert "give-up" not in cost.fallback
    assert (cost.jobs, cost.qpu_seconds) == (1, 3.0)
