"""What a device is and how it runs circuits; and fake backends, whose jobs follow the path of real ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import numpy as np

from lagrl.errors import InputError, MissingExtraError, UnknownNameError
from lagrl.quantum.devices.noise import restricted
from lagrl.quantum.ibm.failures import translated

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray
    from qiskit import QuantumCircuit
    from qiskit.providers import BackendV2
    from qiskit.transpiler import Target
    from qiskit_aer.noise import NoiseModel
    from qiskit_ibm_runtime.options_models.sampler import SamplerOptions

    IsaPub = tuple[QuantumCircuit, NDArray[np.float64]]

MODES = ("job", "batch", "session")
SEQUENCE = "XpXm"  # of dynamical decoupling: its two pulses leave no net rotation from pulse errors
RANDOMIZATIONS = 8  # most twirls of a circuit; the largest divisor of its shots up to this is used
SWITCH = ("auto", "on", "off")
MOST_BY_DENSITY = 12  # qubits; 4¹² numbers are 256 MB
SHOTS_PER_STATE = 4  # a trajectory costs about as much as 2ⁿ/4 … 2ⁿ/2 of a density matrix's columns


@dataclass(frozen=True)
class RuntimeOptions:
    """Options of `DeviceBackend`; the defaults are fixed, because snapshots of devices give no better ones.

    Attributes
    ----------
    dynamical_decoupling
        Whether pulses keep idle qubits in phase. Local runs simulate idling only with it.
    twirl_gates
        Whether random Pauli gates around two-qubit gates turn coherent errors into stochastic ones: `on`, `off`, or
        `auto` (on devices only, because the errors of fake backends are stochastic already).
    twirl_measure
        Whether measured bits are flipped at random and back. Off by default: readout errors are not inverted here, and
        twirling would only move errors from ones to zeros, and most bits are zeros.
    mode
        `job`; `batch` groups jobs; `session` reserves the device between a loop's jobs (not in open plans).
    max_execution_time
        Seconds a quantum computer may spend on one job; 0 for the service's own limit.
    session_time
        Seconds after which a batch or session closes; 0 for the service's own limit.
    timeout
        Seconds to wait for a job's result, queueing included; 0 for no limit.

    Raises
    ------
    InputError
        If a number is out of range.
    UnknownNameError
        If a mode or switch is not one of those above.
    """

    dynamical_decoupling: bool = True
    twirl_gates: str = "auto"
    twirl_measure: bool = False
    mode: str = "job"
    max_execution_time: int = 0
    session_time: int = 0
    timeout: int = 0

    def __post_init__(self) -> None:
        for kind, value, known in (("mode", self.mode, MODES), ("twirl_gates", self.twirl_gates, SWITCH)):
            if value not in known:
                raise UnknownNameError.of(kind, value, known)
        for name in ("max_execution_time", "session_time", "timeout"):
            if getattr(self, name) < 0:
                raise InputError(f"{getattr(self, name)} given", field=name, remedy="give 0 or more")

    def sampler_options(
        self, shots: int, *, is_simulated: bool, tags: list[str] | None = None, seed: int | None = None
    ) -> SamplerOptions:
        """Return the options of qiskit-ibm-runtime's Sampler.

        Parameters
        ----------
        shots
            Shots per circuit: twirls times shots per twirl.
        is_simulated
            Whether a fake backend runs the circuits.
        tags
            Tags of the job.
        seed
            Seed of a simulator.

        Raises
        ------
        MissingExtraError
            Without qiskit-ibm-runtime, or with an old version.
        """
        try:
            from qiskit_ibm_runtime.options_models.sampler import SamplerOptions
        except ImportError as error:
            raise MissingExtraError.of("qiskit-ibm-runtime>=0.50", "quantum", "running circuits") from error
        options = SamplerOptions(default_shots=shots, max_execution_time=self.max_execution_time or None)
        options.dynamical_decoupling.enable = self.dynamical_decoupling
        options.dynamical_decoupling.sequence_type = SEQUENCE
        twirls = divisor(shots, RANDOMIZATIONS)
        options.twirling.enable_gates = self.twirl_gates == "on" or (self.twirl_gates == "auto" and not is_simulated)
        options.twirling.enable_measure = self.twirl_measure
        options.twirling.num_randomizations = twirls
        options.twirling.shots_per_randomization = shots // twirls
        options.environment.job_tags = list(tags or [])
        options.simulator.seed_simulator = seed
        return options


def divisor(number: int, most: int) -> int:
    """Return the largest divisor of a number up to `most`."""
    return next(k for k in range(min(number, most), 0, -1) if number % k == 0)


class ServiceJob(Protocol):
    """The part of a submitted job that is used here; `RuntimeJobV2` of qiskit-ibm-runtime has it."""

    def job_id(self) -> str: ...

    def result(self, timeout: float | None = None) -> Any: ...

    def status(self) -> Any: ...

    def cancel(self) -> Any: ...


class DeviceState(NamedTuple):
    """Current state of a device; the defaults are those of a simulated one."""

    pending_jobs: int | None = None  # of all users in its queue; None without a queue
    is_operational: bool = True  # takes jobs
    calibrated: datetime | None = None  # when its properties were last measured; None if unknown


class JobUsage(NamedTuple):
    """Seconds that a job was charged, and that it waited before it ran."""

    qpu_seconds: float = 0.0
    queue_seconds: float = 0.0


class Device(ABC):
    """What sends compiled circuits. Methods without a body of a subclass are those of a simulated device."""

    backend: Any
    is_simulated: ClassVar[bool] = True
    most_qubits: ClassVar[int]

    @property
    def name(self) -> str:
        """Name of the backend."""
        return str(self.backend.name)

    @property
    def target(self) -> Target:
        """Target of the backend, with the calibration at the last fetch."""
        return self.backend.target

    @property
    def widest(self) -> int:
        """Largest number of qubits of a circuit."""
        return min(self.most_qubits, int(self.target.num_qubits))

    @abstractmethod
    def submit(self, pubs: list[IsaPub], shots: int, options: RuntimeOptions, tag: str, seed: int) -> ServiceJob:
        """Send all PUBs as one job, once, without retries.

        Parameters
        ----------
        pubs
            Compiled circuits with angles [C, P].
        shots
            Shots per circuit.
        options
            How circuits are run.
        tag
            Tag with which `find` finds the job again.
        seed
            Seed of a simulator.
        """

    @abstractmethod
    def result(self, sent: ServiceJob, timeout: float | None) -> Any:
        """Wait for a job's result, at most `timeout` seconds if that is not None.

        Raises
        ------
        JobTimeoutError
            If there is none by then.
        ExecutionError
            If the job has no result, or the service cannot be reached.
        """

    def find(self, tag: str) -> ServiceJob | None:
        """Return the job with this tag; None if there is none: simulated jobs end with their process."""
        del tag
        return None

    def job(self, job_id: str) -> ServiceJob:
        """Return the job with this id."""
        raise KeyError(job_id)

    def usage(self, sent: Any) -> JobUsage:
        """Return the seconds that a finished job was charged and waited."""
        del sent
        return JobUsage()

    def state(self) -> DeviceState:
        """Return the current state."""
        return DeviceState()

    @abstractmethod
    def refresh(self) -> None:
        """Fetch the newest calibration, if there may be another; a newer one is another `target`."""

    def plan_seconds(self) -> float:
        """Return how many seconds of QPU time the plan has left; infinite if nothing limits them."""
        return float(np.inf)

    @abstractmethod
    def close(self) -> None:
        """Close what is open; jobs that were sent still finish."""


class LocalJob(NamedTuple):
    """A job of a fake backend; its id is its tag, the same when it is run again, as a journal expects."""

    made: Any
    tag: str

    def job_id(self) -> str:
        """Return the tag."""
        return self.tag

    def result(self, timeout: float | None = None) -> Any:
        """Return the result; local jobs take no timeout."""
        del timeout
        return self.made.result()

    def status(self) -> Any:
        """Return the simulation's status."""
        return self.made.status()

    def cancel(self) -> Any:
        """Cancel the simulation, if it has not begun."""
        return self.made.cancel()


@dataclass(frozen=True, eq=False)
class LocalDevice(Device):
    """Runs jobs through qiskit-ibm-runtime's Sampler in local mode; execution modes and limits are ignored.

    Attributes
    ----------
    backend
        Any backend with a target.
    """

    backend: BackendV2 = field(repr=False)
    most_qubits: ClassVar[int] = 20  # that can be simulated with noise
    _noises: dict[tuple[int, ...], Any] = field(default_factory=dict, init=False, repr=False)

    def submit(self, pubs: list[IsaPub], shots: int, options: RuntimeOptions, tag: str, seed: int) -> ServiceJob:
        """Start the simulation.

        Raises `MissingExtraError` without qiskit-aer or qiskit-ibm-runtime, `LagrlError` if qiskit-ibm-runtime refuses
        the job.
        """
        try:
            from qiskit_ibm_runtime.executor_sampler import Sampler

            simulator = _simulator_type()(self.backend, self._noises)
        except ImportError as error:
            raise MissingExtraError.of("qiskit-aer and qiskit-ibm-runtime", "quantum", self.name) from error
        wanted = options.sampler_options(shots, is_simulated=True, tags=[tag], seed=seed)
        try:
            return LocalJob(Sampler(mode=simulator, options=wanted).run(pubs, shots=shots), tag)
        except Exception as error:
            raise translated(error, backend=self.name) from error

    def result(self, sent: ServiceJob, timeout: float | None) -> Any:
        """Wait for the result, whatever the limit is."""
        del timeout
        try:
            return sent.result()
        except Exception as error:
            raise translated(error, backend=self.name, job=sent.job_id()) from error

    def refresh(self) -> None:
        """Keep the calibration: a fake backend has one."""

    def close(self) -> None:
        """Do nothing: no connection is open."""


@cache
def _simulator_type() -> Any:
    """Return the class of simulators; Aer is imported here, at the first job."""
    from qiskit_aer import AerSimulator

    class LineSimulator(AerSimulator):  # type: ignore[misc]  # Aer has no types
        """Runs circuits compiled for a whole device with its noise, in a fraction of the time.

        A noise model of 156 qubits takes seconds in every call. Here circuits are reduced to the qubits that are
        measured or joined to others, with the noise model of these: gates, readout, and idling where there are
        delays. Errors of other qubits cannot act. Each call gets another seed: qiskit-ibm-runtime gives all PUBs of a
        job the same seed, which would correlate them.
        """

        def __init__(self, device: BackendV2, noises: dict[tuple[int, ...], NoiseModel]) -> None:
            super().__init__(max_parallel_threads=1)
            self._device = device
            self._noises = noises  # by qubits; new ones are added
            self._calls = 0

        @property
        def target(self) -> Target:
            """The target of the whole device."""
            return self._device.target

        def __deepcopy__(self, memo: dict[int, Any]) -> LineSimulator:
            """Return a copy that shares the noise models: local mode copies its backend to set options."""
            return LineSimulator(self._device, self._noises)

        def run(self, circuits: list[QuantumCircuit], parameter_binds: Any = None, **options: Any) -> Any:
            """Run one circuit with all its angles; see `AerSimulator.run`."""
            if len(circuits) != 1:
                raise ValueError(f"{len(circuits)} circuits in one call; give 1")
            circuit, qubits = cut_down(circuits[0])
            noise = self._noises.get(qubits)
            if noise is None:
                noise = self._noises[qubits] = _noise(self._device, qubits)
            seed = (int(options.pop("seed_simulator")) + 1_000_003 * self._calls) % (2**31 - 1)
            self._calls += 1
            by_density = len(qubits) <= MOST_BY_DENSITY and 2 ** len(qubits) <= SHOTS_PER_STATE * options["shots"]
            return super().run(
                [circuit],
                parameter_binds=parameter_binds,
                method="density_matrix" if by_density else "statevector",
                noise_model=noise,
                seed_simulator=seed,
                **options,
            )

    return LineSimulator


def cut_down(circuit: QuantumCircuit) -> tuple[QuantumCircuit, tuple[int, ...]]:
    """Return the circuit on the qubits that are measured or joined to others, and these qubits, ascending."""
    from qiskit import QuantumCircuit

    place = {bit: i for i, bit in enumerate(circuit.qubits)}
    used = {
        place[bit]
        for step in circuit.data
        if step.operation.name == "measure" or (len(step.qubits) > 1 and step.operation.name != "barrier")
        for bit in step.qubits
    }
    qubits = tuple(sorted(used))
    cut = QuantumCircuit(len(qubits), global_phase=circuit.global_phase)
    for register in circuit.cregs:
        cut.add_register(register)
    new = {circuit.qubits[q]: i for i, q in enumerate(qubits)}
    for step in circuit.data:
        if step.operation.name != "barrier" and all(bit in new for bit in step.qubits):
            cut.append(step.operation, [new[bit] for bit in step.qubits], step.clbits)
    return cut, qubits


def _noise(device: BackendV2, qubits: tuple[int, ...]) -> NoiseModel:
    """Return Aer's noise model of a few qubits of a backend, which need not be a line."""
    from qiskit_aer.noise import NoiseModel

    few = restricted(device.target, qubits)
    gates = [name for name in few.operation_names if few[name] and None not in few[name]]
    return NoiseModel.from_backend(SimpleNamespace(version=2, operation_names=gates, target=few, dt=few.dt))
