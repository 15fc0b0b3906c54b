"""Every message of backends, circuits, devices, simulators and the scheduler on bad input, as a whole line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("qiskit_ibm_runtime")
pytest.importorskip("qiskit_aer")

from fake_service import FakePrimitives, FakeService
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.primitives import StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2
from small_devices import line_target

import lagrl
from lagrl.errors import LagrlError
from lagrl.quantum.bandit.features import Arm
from lagrl.quantum.bandit.options import arm_backends
from lagrl.quantum.bandit.profile import arm_profile
from lagrl.quantum.circuits.ansatz import make_ansatz
from lagrl.quantum.circuits.backend import Execution, Job, Pub, Template, checked_execution
from lagrl.quantum.circuits.hardware_efficient import HardwareEfficient, entanglers
from lagrl.quantum.circuits.line_qaoa import Ramp, qaoa_line
from lagrl.quantum.devices.compile import compile_template, require_isa
from lagrl.quantum.devices.fakes import fake_backend, known_fakes
from lagrl.quantum.devices.noise import reduced_target
from lagrl.quantum.devices.noisy_device import Channel, Exponents, NoisyDevice, log_fidelity
from lagrl.quantum.devices.placement import find_line, placed_line
from lagrl.quantum.ibm.device import RuntimeOptions
from lagrl.quantum.ibm.device_table import list_devices
from lagrl.quantum.ibm.primitive import PrimitiveBackend, open_backend
from lagrl.quantum.ibm.runtime import DeviceBackend
from lagrl.quantum.ibm.service import open_device
from lagrl.quantum.scheduling.scheduler import Scheduler
from lagrl.quantum.scheduling.tasks import Candidate, Task
from lagrl.quantum.simulators.line_backend import (
    DensityMatrixBackend,
    SurrogateBackend,
    TrajectoryBackend,
    noise_method,
)
from lagrl.relaxation.sampler import SampleContext, SamplingCost
from lagrl.testing.simulated_machines import Behaviour, RandomStrings, SimulatedMachine
from lagrl.testing.virtual_time import run_virtually

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore")
HERE = SampleContext("test", 0)
TARGET = line_target(4)
BROKEN = line_target(4, edge=[0.01, 1.0, 0.01])
CAIRO = fake_backend("FakeCairo").target
DEVICE = NoisyDevice("line of 4", TARGET)


def circuit(n: int, register: str, n_bits: int, *, twice: bool = False) -> QuantumCircuit:
    """Measure qubits into a register, the first bit twice."""
    made = QuantumCircuit(QuantumRegister(n, "q"), ClassicalRegister(n_bits, register))
    made.h(0)
    for i in range(n_bits):
        made.measure(i, 0 if twice else i)
    return made


def template(name: str, made: QuantumCircuit) -> Template:
    """Make a template of a circuit without two-qubit gates."""
    return Template(name, made, 1, 0, 0)


def line(n: int = 3) -> Template:
    """Make QAOA of one layer on n qubits."""
    return qaoa_line(n, 1)


def wrong_counts() -> Template:
    """Declare one gate too many."""
    own = line(3)
    return Template("own", own.circuit, 1, own.two_qubit_gates + 1, own.two_qubit_depth)


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
CODES = "give codes [C, shots] int64 in 0 … 2^n − 1"

TABLE: list[tuple[Callable[[], object], str]] = [
    # circuits
    (
        lambda: template("t", circuit(2, "c", 2)),
        "template t: classical registers ['c'] of 2 bits; give it one, ClassicalRegister(n, 'meas'), and "
        "measure variable i into bit i",
    ),
    (
        lambda: Pub(template("t", circuit(2, "meas", 1)), np.zeros((1, 0))),
        "t: 1 of 2 qubits measured; give the template as it was built, of n qubits and n bits",
    ),
    (
        lambda: template("t", circuit(2, "meas", 2, twice=True)),
        "template t: 1 of 2 bits of meas are written, by 2 measurements; measure every variable once",
    ),
    (
        lambda: Pub(line(), [[0.0]]),
        "qaoa-line warm p=1 n=3: angles of type list; give [C, 12]",
    ),
    (
        lambda: Pub(line(), np.zeros((1, 3))),
        "qaoa-line warm p=1 n=3: angles of shape (1, 3); give [C, 12]",
    ),
    (
        lambda: Pub(line(), np.full((1, line().n_parameters), np.nan)),
        "qaoa-line warm p=1 n=3: an angle is not finite; give finite angles",
    ),
    (
        lambda: checked_execution(None, [PUB], 8, "own"),
        "backend own: gave NoneType; give Execution(codes, cost)",
    ),
    (
        lambda: checked_execution(Execution([], SamplingCost()), [PUB], 8, "own"),
        f"backend own: gave 0 arrays of codes for 1 PUBs; {CODES}",
    ),
    (
        lambda: checked_execution(Execution([np.zeros((1, 7), np.int64)], SamplingCost()), [PUB], 8, "own"),
        f"backend own: gave codes of shape (1, 7) for PUB 0, not (1, 8); {CODES}",
    ),
    (
        lambda: checked_execution(Execution([np.zeros((1, 8))], SamplingCost()), [PUB], 8, "own"),
        f"backend own: gave float64 for PUB 0; {CODES}",
    ),
    (
        lambda: checked_execution(Execution([np.full((1, 8), 9)], SamplingCost()), [PUB], 8, "own"),
        f"backend own: gave code 9 for PUB 0 of 3 variables; {CODES}",
    ),
    (
        lambda: make_ansatz("qaao"),
        "unknown ansatz 'qaao'; did you mean 'qaoa'? known: linear, pairwise, qaoa",
    ),
    (
        lambda: make_ansatz("qaoa", 2, ramp=Ramp(1, 1.0, 1.0)),
        "ramp: a ramp of 1 layers given; give one of 2",
    ),
    (
        lambda: Ramp(0, 1.0, 1.0),
        "layers: 0 given; give 1 or more",
    ),
    (
        lambda: Ramp(1, np.inf, 1.0),
        "gamma, beta: inf, 1.0 given; give finite angles",
    ),
    (
        lambda: HardwareEfficient(0),
        "linear: layers 0, iterations 200, alpha 0.25; give 1 layer or more, 0 iterations or more, and "
        "an alpha in (0, 1]",
    ),
    (
        lambda: entanglers(3, "ring"),
        "unknown pattern of entanglers 'ring'; known: linear, pairwise",
    ),
    (
        lambda: qaoa_line(0, 1),
        "circuit: n = 0, layers = 1; give 1 or more of each",
    ),
    (
        lambda: lagrl.quantum.circuit([-5.0], [3], 4),
        "knapsack: presolve solves it without a circuit; lower the capacity: all items of negative reduced cost fit",
    ),
    (
        lambda: lagrl.quantum.circuit([-5.0], [2.5], 4),
        "knapsack: a weight or the capacity is not a whole number; give n reduced costs, n whole weights "
        "and one whole capacity",
    ),
    (
        lambda: lagrl.quantum.circuit(["a"], [2], 4),
        "knapsack: could not convert string to float: 'a'; give n reduced costs, n whole weights and one "
        "whole capacity",
    ),
    # devices
    (
        lambda: fake_backend("FakeKingstn"),
        f"unknown backend 'FakeKingstn'; did you mean 'FakeKingston'? known: {FAKES}",
    ),
    (
        lambda: fake_backend("FakeLima"),
        f"backend: FakeLima has 5 qubits; choose one of 20 or more: {FAKES}",
    ),
    (
        lambda: fake_backend("FakeKyoto"),
        f"backend: FakeKyoto has no usable two-qubit gate (every error is 1); choose another: {FAKES}",
    ),
    (
        lambda: find_line(TARGET, 0),
        "line: n = 0, n_best = 1, beam = 1024; give 1 or more of each",
    ),
    (
        lambda: find_line(TARGET, 9),
        "width: no line of 9 working qubits on the device; the longest found has 4; give 4 or fewer",
    ),
    (
        lambda: placed_line(TARGET, 2, "line9"),
        "unknown placement 'line9'; did you mean 'line2'? known: default, line0, line1, line2",
    ),
    (
        lambda: placed_line(TARGET, 3, "line2"),
        "placement: line2, but only 2 lines of 3 qubits on the device; give a better line or a narrower circuit",
    ),
    (
        lambda: placed_line(TARGET, 0, "default"),
        "line: n = 0; give 1 or more",
    ),
    (
        lambda: placed_line(BROKEN, 3, "default"),
        "placement: default, but qubits 0 to 2 of the device are not a line of working couplings; give "
        "line0, or a narrower circuit",
    ),
    (
        lambda: compile_template(line(3), TARGET, (0, 0, 1)),
        "qubits: [0, 0, 1] for qaoa-line warm p=1 n=3; give 3 different qubits from 0 to 3",
    ),
    (
        lambda: compile_template(line(3), TARGET, (0, 2, 1)),
        "qaoa-line warm p=1 n=3: 10 two-qubit gates in depth 10, not 7 in 7: qubits [0, 2, 1] are not a "
        "line; choose a line with find_line",
    ),
    (
        lambda: compile_template(wrong_counts(), TARGET, (0, 1, 2)),
        "own: compiled on a line to 7 two-qubit gates in depth 7, not 8 in 7 as declared; correct "
        "two_qubit_gates and two_qubit_depth, or set is_line=False",
    ),
    (
        lambda: compile_template(line(3), CAIRO, placed_line(CAIRO, 3, "line0").qubits),
        "qaoa-line warm p=1 n=3: cannot be compiled for qubits [15, 18, 17] (cx would be supported on "
        "[Qubit(15), Qubit(18)] if the direction was swapped, but no rules are known to do that); choose "
        "another line or backend",
    ),
    (
        lambda: require_isa(circuit(9, "meas", 9), TARGET),
        "circuit: 9 qubits on a device of 4; give fewer",
    ),
    (
        lambda: require_isa(circuit(2, "meas", 2), TARGET),
        "circuit: h on qubits [0] is not an instruction of the device; compile it for this device with "
        "compile_template",
    ),
    (
        lambda: reduced_target(TARGET, (0, 0)),
        "line: [0, 0] given; give different qubits from 0 to 3",
    ),
    (
        lambda: reduced_target(TARGET, (0, 2)),
        "line: qubits 0 and 2 are not joined by a working gate; choose a line along edges whose error is below 1",
    ),
    (
        lambda: log_fidelity(circuit(2, "meas", 2), TARGET),
        "circuit: h on (0,); compile it for this target",
    ),
    # simulators
    (
        lambda: DensityMatrixBackend(DEVICE, 13),
        "density, max_width: 13 given; give 1 to 12 qubits",
    ),
    (
        lambda: SurrogateBackend.of("FakeKingstn"),
        f"unknown backend 'FakeKingstn'; did you mean 'FakeKingston'? known: {FAKES}",
    ),
    (
        lambda: noise_method("exact"),
        "unknown noise method 'exact'; known: density, surrogate, trajectories",
    ),
    (
        lambda: Exponents(-1.0, 0.0),
        "exponents: -1.0, 0.0 given; give finite numbers of 0 or more",
    ),
    (
        lambda: Channel(2.0, np.zeros((2, 2))),
        "fidelity: 2.0 given; give a share from 0 to 1",
    ),
    (
        lambda: Channel(0.5, np.zeros((2, 3))),
        "flips: array (2, 3); give [n, 2] probabilities",
    ),
    (
        lambda: SurrogateBackend(DEVICE).run(Job([], 8)),
        "surrogate(line of 4): no circuits given; give 1 PUB or more",
    ),
    (
        lambda: SurrogateBackend(DEVICE).run(Job([PUB], 0)),
        "shots: 0 allows nothing; give 1 or more",
    ),
    (
        lambda: SurrogateBackend(DEVICE, 2).run(Job([PUB], 8)),
        "surrogate(line of 4): a circuit of 3 qubits is above the limit of 2; take fewer variables per vehicle",
    ),
    (
        lambda: DensityMatrixBackend(DEVICE, 2).run(Job([PUB], 8)),
        "density(line of 4): a circuit of 3 qubits is above the limit of 2; take fewer variables per "
        "vehicle, trajectories or the surrogate",
    ),
    (
        lambda: TrajectoryBackend(DEVICE, 2).run(Job([PUB], 8)),
        "trajectories(line of 4): a circuit of 3 qubits is above the limit of 2; take fewer variables "
        "per vehicle or the surrogate",
    ),
    (
        lambda: SurrogateBackend(DEVICE).run(Job([PUB], 8, placement="best")),
        "unknown placement 'best'; known: default, line0, line1, line2",
    ),
    (
        lambda: SurrogateBackend(DEVICE).run(Job([PUB], 8, placement="line2")),
        "placement: line2, but only 2 lines of 3 qubits on the device; give a better line or a narrower circuit",
    ),
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
