"""Every message of circuits, devices and simulators on bad input, as a whole line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("qiskit_ibm_runtime")
pytest.importorskip("qiskit_aer")

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from small_devices import line_target

import lagrl
from lagrl.errors import LagrlError
from lagrl.quantum.circuits.ansatz import make_ansatz
from lagrl.quantum.circuits.backend import Execution, Job, Pub, Template, checked_execution
from lagrl.quantum.circuits.hardware_efficient import HardwareEfficient, entanglers
from lagrl.quantum.circuits.line_qaoa import Ramp, qaoa_line
from lagrl.quantum.devices.compile import compile_template, require_isa
from lagrl.quantum.devices.fakes import fake_backend, known_fakes
from lagrl.quantum.devices.noise import reduced_target
from lagrl.quantum.devices.noisy_device import Channel, Exponents, NoisyDevice, log_fidelity
from lagrl.quantum.devices.placement import find_line, placed_line
from lagrl.quantum.simulators.line_backend import (
    DensityMatrixBackend,
    SurrogateBackend,
    TrajectoryBackend,
    noise_method,
)
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore")
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


def wrong_counts() -> Template:
    """Declare one gate too many."""
    own = line(3)
    return Template("own", own.circuit, 1, own.two_qubit_gates + 1, own.two_qubit_depth)


def line(n: int = 3) -> Template:
    """Make QAOA of one layer on n qubits."""
    return qaoa_line(n, 1)


def pub(n: int = 3) -> Pub:
    """Make a PUB of angles 0."""
    return Pub(line(n), np.zeros((1, line(n).n_parameters)))


PUB = pub()


FAKES = ", ".join(known_fakes())
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
]


@pytest.mark.parametrize(("call", "expected"), TABLE)
def test_the_message_is_this_line(call: Callable[[], object], expected: str) -> None:
    """The input raises an error of lagrl with exactly this text; ids of jobs, which differ, are left out."""
    with pytest.raises(LagrlError) as error:
        call()
    assert re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", str(error.value)) == expected
