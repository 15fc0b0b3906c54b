"""Every message of primitives, devices of an account, the scheduler and bandits on bad input, as a whole line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("qiskit_ibm_runtime")
pytest.importorskip("qiskit_aer")

from fake_service import FakePrimitives, FakeService
from qiskit.primitives import StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2
from small_devices import line_target

from lagrl.errors import LagrlError
from lagrl.quantum.bandit.features import Arm
from lagrl.quantum.bandit.options import arm_backends
from lagrl.quantum.bandit.profile import arm_profile
from lagrl.quantum.circuits.backend import Job, Pub, Template
from lagrl.quantum.circuits.line_qaoa import qaoa_line
from lagrl.quantum.devices.fakes import known_fakes
from lagrl.quantum.ibm.device import RuntimeOptions
from lagrl.quantum.ibm.device_table import list_devices
from lagrl.quantum.ibm.primitive import PrimitiveBackend, open_backend
from lagrl.quantum.ibm.runtime import DeviceBackend
from lagrl.quantum.ibm.service import open_device
from lagrl.quantum.scheduling.scheduler import Scheduler
from lagrl.quantum.scheduling.tasks import Candidate, Task
from lagrl.relaxation.sampler import SampleContext
from lagrl.testing.simulated_machines import Behaviour, RandomStrings, SimulatedMachine
from lagrl.testing.virtual_time import run_virtually

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore")
HERE = SampleContext("test", 0)
TARGET = line_target(4)


def line(n: int = 3) -> Template:
    """Make QAOA of one layer on n qubits."""
    return qaoa_line(n, 1)


def pub(n: int = 3) -> Pub:
    """Make a PUB of angles 0."""
    return Pub(line(n), np.zeros((1, line(n).n_parameters)))


PUB = pub()


class Failing(StatevectorSampler):
    """A sampler that is closed."""

    def run(self, pubs: Any, *, shots: int | None = None) -> Any:
        """Raise an error."""
        raise RuntimeError("the device is closed")


class Short(StatevectorSampler):
    """A sampler that loses half of the shots."""

    def run(self, pubs: Any, *, shots: int | None = None) -> Any:
        """Run half of the shots."""
        return super().run(pubs, shots=(shots or 2) // 2)


def hanoi() -> DeviceBackend:
    """Open a fake backend."""
    return DeviceBackend.of("FakeHanoi")


def account(fault: str, status: str = "DONE", timeout: int = 0) -> DeviceBackend:
    """Open a device whose service goes wrong once."""
    service = FakeService([fault], job_status=status)
    options = RuntimeOptions(timeout=timeout)
    primitives = FakePrimitives(service)
    return DeviceBackend.of("ibm_fake", options, service=service, primitives=primitives, sleep=lambda _: None)


def machine(behaviour: Behaviour | None = None, width: int = 12) -> SimulatedMachine:
    """Make the machine q0."""
    return SimulatedMachine(RandomStrings("q0", width), behaviour or Behaviour(), np.random.default_rng(0))


def scheduled(backend: str, n: int = 1, width: int = 12) -> None:
    """Run tasks of one key on a machine."""
    tasks = [Task("a", (Candidate.of(backend, [PUB]),), 8, HERE)] * n
    run_virtually(Scheduler([machine(width=width)]).run(tasks))


def nobody(behaviour: Behaviour) -> None:
    """Raise the reasons why a task has no result."""

    async def main() -> Any:
        [first] = await Scheduler([machine(behaviour)], 40.0).run([Task("a", (Candidate.of("q0", [PUB]),), 8, HERE)])
        return first

    raise LagrlError(run_virtually(main()).why)


FAKES = ", ".join(known_fakes())
AGAIN = (
    "it is read again when the run is resumed; if that fails too, `lagrl journal FILE --give-up job0` allows another "
    "to be sent in its place"
)
HIDDEN = "(Authorization: Bearer ***)"

TABLE: list[tuple[Callable[[], object], str]] = [
    # primitives
    (
        lambda: PrimitiveBackend.of("FakeTorino"),
        "backend: a str given; give a BackendV2 or a BaseSamplerV2 of qiskit",
    ),
    (
        lambda: PrimitiveBackend.of(GenericBackendV2(2)).run(Job([PUB], 8)),
        "backend(generic_backend_2q): a circuit of 3 qubits is above the limit of 2; use fewer variables per vehicle",
    ),
    (
        lambda: PrimitiveBackend.of(GenericBackendV2(4, coupling_map=[[0, 1], [2, 3]], seed=1)).run(Job([PUB], 8)),
        "qaoa-line warm p=1 n=3: cannot be compiled for generic_backend_4q (A connected component of the "
        "DAGCircuit is too large for any of the connected components in the coupling map); choose a "
        "backend with two-qubit gates and enough connected qubits",
    ),
    (
        lambda: PrimitiveBackend.of(GenericBackendV2(4)).run(Job([PUB, PUB], 6_000_000)),
        "backend(generic_backend_4q): 12000000 circuits times shots are above the service's limit of "
        "10000000 in a job; use fewer shots",
    ),
    (
        lambda: PrimitiveBackend.of(Failing()).run(Job([PUB], 8)),
        "backend(Failing): the device is closed",
    ),
    (
        lambda: PrimitiveBackend.of(Short()).run(Job([PUB], 8)),
        "backend(Short): job ID: PUB 0 has 4 shots, not 8; none of it is used",
    ),
    (
        lambda: open_backend("nothing"),
        "backend: 'nothing' is not module:attribute; write it as in mine:MyClass",
    ),
    (
        lambda: open_backend("no_such_module:make"),
        "backend no_such_module:make: cannot import 'no_such_module' (ModuleNotFoundError: No module "
        "named 'no_such_module'); run where the module can be imported, or correct it",
    ),
    # devices of an account
    (
        lambda: open_device("ibm_fakk", service=FakeService()),
        "unknown backend 'ibm_fakk'; did you mean 'ibm_fake'? known: ibm_fake, ibm_other; these are your account's",
    ),
    (
        lambda: DeviceBackend.of("FakeHanoy"),
        f"unknown backend 'FakeHanoy'; did you mean 'FakeHanoi'? known: {FAKES}",
    ),
    (
        lambda: hanoi().run(Job([], 8)),
        "ibm(fake_hanoi): no circuits given; give 1 PUB or more",
    ),
    (
        lambda: hanoi().run(Job([pub(21)], 8)),
        "ibm(fake_hanoi): a circuit of 21 qubits is above the limit of 20; use fewer variables per vehicle",
    ),
    (
        lambda: hanoi().run(Job([PUB], 0)),
        "shots: 0 allows nothing; give 1 or more",
    ),
    (
        lambda: hanoi().run(Job([PUB, PUB], 6_000_000)),
        "ibm(fake_hanoi): 12000000 circuits times shots are above the service's limit of 10000000 in a "
        "job; use fewer shots",
    ),
    (
        lambda: hanoi().run(Job([PUB], 8, placement="best")),
        "unknown placement 'best'; known: default, line0, line1, line2",
    ),
    (
        lambda: hanoi().run(Job([pub(5)], 8, placement="default")),
        "placement: default, but qubits 0 to 4 of the device are not a line of working couplings; give "
        "line0, or a narrower circuit",
    ),
    (
        lambda: account("down").run(Job([PUB], 8)),
        "ibm_fake: not operational (maintenance); wait or use another backend",
    ),
    (
        lambda: account("exhausted").run(Job([PUB], 8)),
        "ibm_fake: usage limit of the plan reached; wait for its next period or use another instance",
    ),
    (
        lambda: account("refused").run(Job([PUB], 8)),
        f"ibm_fake: Failed to run program: usage limit exceeded {HIDDEN}; wait for the plan's next period "
        "or use another instance",
    ),
    (
        lambda: account("lost before submission").run(Job([PUB], 8)),
        f"ibm_fake: cannot be reached (Connection refused {HIDDEN}); check the network, or try again "
        "later; the job did not arrive",
    ),
    (
        lambda: account("failed").run(Job([PUB], 8)),
        f"ibm_fake: job job0: Unable to retrieve job result. Error code 1517; out of cheese {HIDDEN}",
    ),
    (
        lambda: account("too long").run(Job([PUB], 8)),
        f"ibm_fake: job job0: ran longer than maximum execution time {HIDDEN}",
    ),
    (
        lambda: account("cancelled").run(Job([PUB], 8)),
        f"ibm_fake: job job0: Job was cancelled {HIDDEN}",
    ),
    (
        lambda: account("timeout", timeout=5).run(Job([PUB], 8)),
        "ibm_fake: job job0: no result after 5 s (Timed out waiting for job to complete after 5 secs. "
        f"{HIDDEN}); it keeps running, and the service keeps its result",
    ),
    (
        lambda: account("timeout", status="QUEUED", timeout=5).run(Job([PUB], 8)),
        "ibm_fake: job job0: no result after 5 s (Timed out waiting for job to complete after 5 secs. "
        f"{HIDDEN}); it still waited in the queue and was cancelled",
    ),
    (
        lambda: account("dropped").run(Job([PUB], 8)),
        f"ibm_fake: job job0: 0 results for 1 PUBs; none of it is used; {AGAIN}",
    ),
    (
        lambda: account("wrong shots").run(Job([PUB], 8)),
        f"ibm_fake: job job0: PUB 0 has 7 shots, not 8; none of it is used; {AGAIN}",
    ),
    (
        lambda: account("empty").run(Job([PUB], 8)),
        f"ibm_fake: job job0: PUB 0 has no register meas; none of it is used; {AGAIN}",
    ),
    (
        lambda: account("undecodable").run(Job([PUB], 8)),
        f"ibm_fake: job job0: Expecting value: line 1 column 1 (char 0); {AGAIN}",
    ),
    (
        lambda: account("expired token"),
        f"401 Client Error: Unauthorized {HIDDEN}; make a new API key and save it by "
        "QiskitRuntimeService.save_account(..., overwrite=True)",
    ),
    (
        lambda: list_devices(["FakeHanoi"], widths=(0,)),
        "widths: 0 given; give numbers of qubits, 1 or more",
    ),
    (
        lambda: RuntimeOptions(mode="batsh"),
        "unknown mode 'batsh'; did you mean 'batch'? known: batch, job, session",
    ),
    (
        lambda: RuntimeOptions(twirl_gates="yes"),
        "unknown twirl_gates 'yes'; known: auto, off, on",
    ),
    (
        lambda: RuntimeOptions(timeout=-1),
        "timeout: -1 given; give 0 or more",
    ),
    # scheduling
    (
        lambda: Scheduler([], 0.0),
        "timeout: 0.0 given; give seconds above 0",
    ),
    (
        lambda: Scheduler([machine(), machine()]),
        "quantum computers: q0, q0; give each another name",
    ),
    (
        lambda: Candidate.of("q0", [PUB], priority=0.0),
        "candidate q0: priority 0.0; give it above 0",
    ),
    (
        lambda: Task("a", (Candidate.of("q0", [PUB]),) * 2, 8, HERE),
        "task a: q0, q0 given; give each backend once",
    ),
    (
        lambda: scheduled("q9"),
        "task a: q9 is unknown; choose among q0, and circuits that fit",
    ),
    (
        lambda: scheduled("q0", width=2),
        "task a: q0 takes 2 qubits; choose among q0, and circuits that fit",
    ),
    (
        lambda: scheduled("q0", n=2),
        "tasks: two tasks have the same key; give each another key",
    ),
    (
        lambda: nobody(Behaviour(is_dead=True)),
        "q0: does not answer; q0: does not answer",
    ),
    (
        lambda: nobody(Behaviour(hangs=True)),
        "q0: no result after 40 s, taken back from the queue; q0: no result after 40 s, taken back from the queue",
    ),
    (
        lambda: nobody(Behaviour(failures=1.0)),
        "q0: failed on the machine; q0: failed on the machine",
    ),
    (
        lambda: nobody(Behaviour(plan_seconds=0.0)),
        "scheduler: nobody takes jobs",
    ),
    (
        lambda: Behaviour(failures=2.0),
        "behaviour: Behaviour(submit_seconds=1.0, queue_seconds=2.0, queue_spread=0.5, "
        "overhead_seconds=2.0, shot_seconds=0.00025, failures=2.0, hangs=False, is_dead=False, "
        "windows=(), plan_seconds=inf); give times of 0 or more, a share, windows (from, to)",
    ),
    (
        lambda: Behaviour(windows=((2.0, 1.0),)),
        "behaviour: Behaviour(submit_seconds=1.0, queue_seconds=2.0, queue_spread=0.5, "
        "overhead_seconds=2.0, shot_seconds=0.00025, failures=0.0, hangs=False, is_dead=False, "
        "windows=((2.0, 1.0),), plan_seconds=inf); give times of 0 or more, a share, windows (from, to)",
    ),
    # bandits
    (
        lambda: arm_backends(()),
        "backends: none given; name one or more, joined by /",
    ),
    (
        lambda: arm_backends(("FakeKingstn",)),
        f"unknown backend 'FakeKingstn'; did you mean 'FakeKingston'? known: {FAKES}",
    ),
    (
        lambda: arm_backends(("kingston",)),
        f"unknown backend 'kingston'; did you mean 'FakeKingston'? known: {FAKES}; or ibm_… of your account",
    ),
    (
        lambda: arm_backends(("FakeParis", "fake_paris")),
        "backends: FakeParis/fake_paris given; name each once",
    ),
    (
        lambda: arm_backends(("FakeParis",), method="exact"),
        "unknown noise method 'exact'; known: density, surrogate, trajectories",
    ),
    (
        lambda: arm_backends(("FakeParis",), method="density", width=13),
        "width: 13 given, density takes 10 qubits; give 1 to 10 variables per vehicle, or another method",
    ),
    (
        lambda: arm_profile(RandomStrings("dice"), Arm("dice", "line0", "qaoa", 1), 3),
        "dice: has no target to choose qubits by; give a device's backend",
    ),
]


@pytest.mark.parametrize(("call", "expected"), TABLE)
def test_the_message_is_this_line(call: Callable[[], object], expected: str) -> None:
    """The input raises an error of lagrl with exactly this text; ids of jobs, which differ, are left out."""
    with pytest.raises(LagrlError) as error:
        call()
    assert re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", str(error.value)) == expected
