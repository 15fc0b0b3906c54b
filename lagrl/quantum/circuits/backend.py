"""Circuits with angles, jobs of them, their samples, and the `Backend` Protocol: anything that runs circuits."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from lagrl.errors import InputError, LagrlError, MissingExtraError
from lagrl.relaxation.sampler import SampleContext, SamplingCost, require_shots

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from qiskit import QuantumCircuit
    from qiskit.circuit import ParameterVectorElement
    from qiskit.transpiler import Target


REGISTER = "meas"


@dataclass(frozen=True, eq=False)
class Template:
    """A parameterised circuit, built and compiled once and run with many angles.

    Attributes
    ----------
    name
        Name for records, such as `qaoa-line warm p=1 n=12`.
    circuit
        n qubits, with free parameters; it measures every qubit, variable i into bit i of the register `meas`,
        whatever the final order of the variables on the qubits is.
    layers
        Number of layers p.
    two_qubit_gates, two_qubit_depth
        Number and depth in CX or CZ gates, by a closed form.
    is_line
        Whether its two-qubit gates join only qubits q and q + 1.

    Raises
    ------
    InputError
        If the circuit has no register `meas`, has another one, or does not write every bit of it once.
    """

    name: str
    circuit: QuantumCircuit = field(repr=False)
    layers: int
    two_qubit_gates: int
    two_qubit_depth: int
    is_line: bool = True

    def __post_init__(self) -> None:
        registers = [register.name for register in self.circuit.cregs]
        if registers != [REGISTER] or self.circuit.num_clbits != len(self.circuit.cregs[0]):
            raise InputError(
                f"classical registers {registers or 'none'} of {self.circuit.num_clbits} bits",
                field=f"template {self.name}",
                remedy=f"give it one, ClassicalRegister(n, {REGISTER!r}), and measure variable i into bit i",
            )
        written = [bit for step in self.circuit.data for bit in step.clbits]
        if len(written) != self.circuit.num_clbits or len(set(written)) != len(written):
            raise InputError(
                f"{len(set(written))} of {self.circuit.num_clbits} bits of {REGISTER} are written, "
                f"by {len(written)} measurements",
                field=f"template {self.name}",
                remedy="measure every variable once",
            )

    @property
    def n_qubits(self) -> int:
        """Number of qubits, and of variables."""
        return int(self.circuit.num_qubits)

    @property
    def n_parameters(self) -> int:
        """Number of free angles P."""
        return int(self.circuit.num_parameters)

    @property
    def declared(self) -> tuple[int, int, bool]:
        """The declared two-qubit gates, their depth, and whether it is a line."""
        return self.two_qubit_gates, self.two_qubit_depth, self.is_line

    @cached_property
    def digest(self) -> str:
        """The sha256 of the circuit's operations, see `circuit_digest`: equal digests, equal circuits."""
        return circuit_digest(self.circuit)


def measured_circuit(n: int, layers: int) -> QuantumCircuit:
    """Return an empty circuit of n qubits with a classical register `meas` of n bits.

    Raises `InputError` if there is no qubit or no layer, `MissingExtraError` without qiskit.
    """
    if n < 1 or layers < 1:
        raise InputError(f"n = {n}, layers = {layers}", field="circuit", remedy="give 1 or more of each")
    try:
        from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
    except ImportError as error:
        raise MissingExtraError.of("qiskit", "quantum", "a circuit") from error
    return QuantumCircuit(QuantumRegister(n, "q"), ClassicalRegister(n, REGISTER))


def parameter_vector(count: int) -> list[ParameterVectorElement]:
    """Return `count` free parameters, which a circuit keeps in this order."""
    from qiskit.circuit import ParameterVector

    return list(ParameterVector("a", count))


def circuit_digest(circuit: QuantumCircuit) -> str:
    """Return a sha256 of a circuit's operations, the same in every process.

    Free parameters count by their names; the names of circuits and of user-defined gates do not count.
    """
    place: dict[Any, int] = {bit: i for bits in (circuit.qubits, circuit.clbits) for i, bit in enumerate(bits)}
    content = hashlib.sha256(f"{circuit.num_qubits} {circuit.num_clbits} {circuit.global_phase}".encode())
    for step in circuit.data:
        where = [place[bit] for bit in (*step.qubits, *step.clbits)]
        content.update(f"{_described(step.operation)} {where}\n".encode())
    return content.hexdigest()


def _described(operation: Any) -> list[str]:
    """Describe an operation; a user-defined one by its content, as its name may be a running number."""
    if hasattr(operation, "base_op"):  # annotated: controlled, inverted, raised to a power
        return [*_described(operation.base_op), str(operation.modifiers)]
    if not hasattr(operation, "base_class"):  # no instruction, such as a Clifford
        operation = operation.to_instruction()
    if _standard().get(operation.name) is not operation.base_class and operation.definition is not None:
        return [circuit_digest(operation.definition)]
    values = (v.tolist() if isinstance(v, np.ndarray) else v for v in operation.params)
    return [operation.name, *map(str, values)]


@cache
def _standard() -> dict[str, type]:
    """Return the classes of qiskit's standard gates by name."""
    from qiskit.circuit.library import get_standard_gate_name_mapping

    return {name: gate.base_class for name, gate in get_standard_gate_name_mapping().items()}


@dataclass(frozen=True, eq=False)
class Pub:
    """A template and the angles to run it with (qiskit's primitive unified bloc).

    Attributes
    ----------
    template
        The circuit.
    values
        [C, P] float64 radians, in the order of `template.circuit.parameters`: one circuit is executed per row.

    Raises
    ------
    InputError
        If the shape does not match the template, an angle is not finite, or the template does not measure every qubit.
    """

    template: Template
    values: NDArray[np.float64] = field(repr=False)

    def __post_init__(self) -> None:
        if self.template.circuit.num_clbits != self.template.n_qubits:
            raise InputError(
                f"{self.template.circuit.num_clbits} of {self.template.n_qubits} qubits measured",
                field=self.template.name,
                remedy="give the template as it was built, of n qubits and n bits",
            )
        expected = self.template.n_parameters
        values: object = self.values
        if not isinstance(values, np.ndarray):
            wrong = f"type {type(values).__name__}"
        else:
            wrong = "" if values.ndim == 2 and values.shape[1] == expected and len(values) else f"shape {values.shape}"
        if wrong:
            raise InputError(f"angles of {wrong}", field=self.template.name, remedy=f"give [C, {expected}]")
        if not np.isfinite(self.values).all():
            raise InputError("an angle is not finite", field=self.template.name, remedy="give finite angles")

    def angles(self, compiled: Template) -> NDArray[np.float64]:
        """Return [C, P′] radians for the template compiled, which may have lost parameters without effect."""
        column = {parameter.name: i for i, parameter in enumerate(self.template.circuit.parameters)}
        return self.values[:, [column[parameter.name] for parameter in compiled.circuit.parameters]]


@dataclass(frozen=True)
class Execution:
    """The samples of a job, and their cost.

    Attributes
    ----------
    codes
        One [C, shots] int64 array per PUB, in the order of the shots: bit i of a code is variable i.
    cost
        Circuits, shots, gates and seconds used.
    """

    codes: list[NDArray[np.int64]] = field(repr=False)
    cost: SamplingCost


def checked_execution(given: object, pubs: Sequence[Pub], shots: int, backend: str) -> Execution:
    """Return the result of a backend if it matches the PUBs; otherwise raise an error that names the backend.

    Raises `InputError` if it is not an `Execution` with one integer array [C, shots] of codes in 0 … 2^n − 1 for every
    PUB.
    """
    if not isinstance(given, Execution):
        wrong, remedy = type(given).__name__, "give Execution(codes, cost)"
    else:
        wrong = "" if len(given.codes) == len(pubs) else f"{len(given.codes)} arrays of codes for {len(pubs)} PUBs"
        remedy = "give codes [C, shots] int64 in 0 … 2^n − 1"
        for i, (pub, codes) in enumerate(zip(pubs, given.codes, strict=False)):
            wrong = wrong or _wrong_codes(codes, (len(pub.values), shots), pub.template.n_qubits, f"PUB {i}")
        if not wrong:
            return given
    raise InputError(f"gave {wrong}", field=f"backend {backend}", remedy=remedy)


def _wrong_codes(codes: object, shape: tuple[int, int], n: int, place: str) -> str:
    if not isinstance(codes, np.ndarray) or not np.issubdtype(codes.dtype, np.integer):
        return f"{getattr(codes, 'dtype', type(codes).__name__)} for {place}"
    if codes.shape != shape:
        return f"codes of shape {codes.shape} for {place}, not {shape}"
    outside = codes[(codes < 0) | (codes >> n > 0)]
    return f"code {outside.flat[0]} for {place} of {n} variables" if outside.size else ""


BEST_LINE = "line0"


class GivenUpError(LagrlError):
    """The caller gave the job up before it was sent, so it was not sent."""


@dataclass(eq=False)
class JobControl:
    """What the caller of a job shares with the thread that runs it."""

    has_begun: bool = field(default=False, init=False)  # whether the job may be executed, now or later
    # whether a service has the job and its thread only waits for the result
    is_sent: bool = field(default=False, init=False)
    is_withdrawn: bool = field(default=False, init=False)  # whether the service cancelled it before it began
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
    pubs, shots
        Circuits with angles [C, P], at least one; shots of every circuit.
    seed
        Randomness of simulators, as `numpy.random.default_rng` takes it: a number, or a generator that is advanced.
    context
        Identifies the sampler call in journals.
    placement
        Line of qubits of a device, see `placed_line`; other backends choose the qubits themselves.
    key, control
        Name of the job in messages; whether it may be sent, and how it is withdrawn.
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
        """Refuse a job that is empty or too large for the backend of this name; `remedy` helps if it is too wide.

        Raises
        ------
        InputError
            If there are no PUBs or shots, a circuit has more than `max_width` qubits, or there are more than
            `most_executions` circuits times shots.
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
        circuits, pairs = self.n_circuits, zip(compiled, self.pubs, strict=True)
        return SamplingCost(
            circuits=circuits,
            shots=circuits * self.shots,
            two_qubit_gates=sum(template.two_qubit_gates * len(pub.values) for template, pub in pairs),
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
