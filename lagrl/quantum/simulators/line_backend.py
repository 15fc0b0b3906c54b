"""Simulators of noisy lines of qubits, and their calls of qiskit's Aer, on one thread.

Density matrices have 4ⁿ numbers, trajectories 2ⁿ amplitudes per shot; the surrogate disturbs ideal samples. Their
common part is `LineBackend`: checks, one call per line, order of results, and cost.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np

from lagrl.errors import InputError, LagrlError, MissingExtraError, UnknownNameError
from lagrl.quantum.circuits.backend import BackendStatus, Execution, Job
from lagrl.quantum.devices.noisy_device import CALIBRATED, Channel, Exponents, NoisyDevice, disturb

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target
    from qiskit_aer.noise import NoiseModel

    from lagrl.quantum.circuits.backend import Pub, Template
    from lagrl.quantum.devices.noisy_device import NoisyLine


def run_aer(
    method: str, circuits: list[QuantumCircuit], noise: NoiseModel | None, shots: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Sample circuits without free parameters, each with independent randomness.

    Raises `MissingExtraError` without qiskit-aer; `LagrlError` if the simulator fails, with its message.

    Parameters
    ----------
    method
        `density_matrix` or `statevector`; with noise the latter draws a trajectory per shot.
    circuits
        With all their measurements in one register.
    noise
        Noise of gates and readout; None for ideal ones.
    shots
        Shots per circuit.
    rng
        Draws the simulator's seed.

    Returns
    -------
    Codes [C, shots] int64, in the order of the shots: bit i is classical bit i.
    """
    seed = int(rng.integers(2**31 - 1))
    result = _result(method, circuits, noise, shots=shots, memory=True, seed_simulator=seed)
    return np.array([[int(code, 16) for code in experiment.data.memory] for experiment in result.results], np.int64)


def run_long(method: str, circuit: QuantumCircuit, shots: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Sample a circuit of any number of qubits without noise; see `run_aer` for the errors raised.

    Parameters
    ----------
    method
        `statevector` or `matrix_product_state`.
    circuit, shots, rng
        See `run_aer`.

    Returns
    -------
    Bits [shots, n] uint8: column i is classical bit i.
    """
    seed = int(rng.integers(2**31 - 1))
    words = _result(method, [circuit], None, shots=shots, memory=True, seed_simulator=seed).get_memory()
    return np.array([np.frombuffer(word[::-1].encode(), np.uint8) - ord("0") for word in words], np.uint8)


def is_native(circuit: QuantumCircuit) -> bool:
    """Whether Aer simulates all gates of a circuit without compiling them.

    Raises `MissingExtraError` without qiskit-aer.
    """
    return set(circuit.count_ops()) <= _native_gates()


def exact_probabilities(
    circuits: list[QuantumCircuit], qubits: list[list[int]], noise: NoiseModel
) -> list[NDArray[np.float64]]:
    """Return the distributions [2^n] before readout errors, by density matrices.

    Raises `MissingExtraError` without qiskit-aer; `LagrlError` if the simulator fails, with its message.

    Parameters
    ----------
    circuits
        Without free parameters or measurements.
    qubits
        For each circuit, the qubit that is bit i of the index.
    noise
        Noise of the gates.
    """
    saving = [circuit.copy() for circuit in circuits]
    for circuit, order in zip(saving, qubits, strict=True):
        circuit.append(_aer().library.SaveProbabilities(len(order)), order)
    result = _result("density_matrix", saving, noise)
    return [np.asarray(result.data(i)["probabilities"], np.float64) for i in range(len(saving))]


def _result(method: str, circuits: list[QuantumCircuit], noise: NoiseModel | None, **options: Any) -> Any:
    simulator = _aer().AerSimulator(method=method, noise_model=noise, max_parallel_threads=1)
    result = simulator.run(circuits, **options).result()
    if not result.success:
        raise LagrlError(f"Aer's {method} simulator failed: {result.status}")
    return result


def _aer() -> Any:
    try:
        import qiskit_aer
        import qiskit_aer.library
    except ImportError as error:
        raise MissingExtraError.of("qiskit-aer", "quantum", "simulating circuits") from error
    return qiskit_aer


@cache
def _native_gates() -> frozenset[str]:
    return frozenset(_aer().AerSimulator(method="statevector").configuration().basis_gates) | {"measure", "barrier"}


class BoundCircuit(NamedTuple):
    """A circuit to simulate, with its angles, and its compiled template."""

    circuit: QuantumCircuit
    template: Template


@dataclass(frozen=True)
class LineBackend:
    """Runs circuits of n qubits on a line of n qubits of a device, the best one or that of the job's placement.

    All circuits of one width go in one call of the simulator, on one thread.

    Raises `InputError` if the width is below 1 or above the method's `limit`.

    Attributes
    ----------
    device
        The device whose noise is simulated.
    max_width
        Most qubits of a circuit.
    """

    device: NoisyDevice
    max_width: int = 10
    method: ClassVar[str]
    aer_method: ClassVar[str]
    limit: ClassVar[int]
    remedy: ClassVar[str]
    uses_noise_model: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 1 <= self.max_width <= self.limit:
            raise InputError(
                f"{self.max_width} given", field=f"{self.method}, max_width", remedy=f"give 1 to {self.limit} qubits"
            )

    @classmethod
    def of(cls, name: str, max_width: int | None = None) -> Self:
        """Simulate the fake backend of a name, such as `FakeKingston`; see `NoisyDevice.of` for the errors raised."""
        return cls(NoisyDevice.of(name), cls.max_width if max_width is None else max_width)

    @property
    def name(self) -> str:
        """Method and device, such as `density(fake_kingston)`."""
        return f"{self.method}({self.device.name})"

    @property
    def target(self) -> Target:
        """The device's target."""
        return self.device.target

    def status(self, *, wait: bool = False) -> BackendStatus:
        """Return that it takes jobs, without a queue."""
        del wait
        return BackendStatus()

    def run(self, job: Job) -> Execution:
        """Run every row of every PUB; see `Backend.run`.

        Raises `InputError` if a circuit is wider than `max_width`, there are no PUBs or shots, or the device has no
        such line.
        """
        job.require(self.name, self.max_width, remedy=self.remedy)
        rng, pubs = job.rng, job.pubs
        started = time.perf_counter()
        lines = {n: self.device.line(n, job.placement) for n in dict.fromkeys(pub.template.n_qubits for pub in pubs)}
        compiled = [lines[pub.template.n_qubits].circuit(pub.template).template for pub in pubs]
        encoding = time.perf_counter() - started
        if self.uses_noise_model:
            _ = [line.noise for line in lines.values()]  # made once for each line, and not timed
        started = time.perf_counter()
        codes: list[NDArray[np.int64]] = [np.empty((0, job.shots), np.int64)] * len(pubs)
        for width in sorted(lines):
            places = [i for i, pub in enumerate(pubs) if pub.template.n_qubits == width]
            rows = [
                BoundCircuit(circuit, compiled[i])
                for i in places
                for circuit in bind(pubs[i], self.simulated(pubs[i].template, compiled[i]))
            ]
            found = self.simulate(lines[width], rows, job.shots, rng)
            ends = np.cumsum([len(pubs[i].values) for i in places])[:-1]
            for i, own in zip(places, np.split(found, ends), strict=True):
                codes[i] = own
        seconds = encoding + time.perf_counter() - started
        return Execution(codes, job.cost(compiled, seconds=seconds, encoding_seconds=encoding, backend=self.name))

    def simulated(self, template: Template, compiled: Template) -> Template:
        """Return the template to simulate: the compiled one, whose gates have the device's errors."""
        del template
        return compiled

    def simulate(
        self, line: NoisyLine, bound: list[BoundCircuit], shots: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return codes [C, shots] of circuits, all on the same line."""
        return run_aer(self.aer_method, [circuit for circuit, _ in bound], line.noise, shots, rng)


def bind(pub: Pub, compiled: Template) -> list[QuantumCircuit]:
    """Return the compiled circuit with each row of angles."""
    return [compiled.circuit.assign_parameters(row) for row in pub.angles(compiled)]


@dataclass(frozen=True)
class DensityMatrixBackend(LineBackend):
    """Draws from the exact distribution of every noisy circuit, by Aer's `density_matrix`.

    Shots take almost no time compared with the evolution: best for few qubits and many shots.
    """

    max_width: int = 10
    method: ClassVar[str] = "density"
    aer_method: ClassVar[str] = "density_matrix"
    limit: ClassVar[int] = 12
    remedy: ClassVar[str] = "take fewer variables per vehicle, trajectories or the surrogate"

    def distributions(self, pub: Pub, readout: bool = True) -> NDArray[np.float64]:
        """Return the exact distributions [C, 2^n] that `run` draws from; bit i of the index is variable i.

        Parameters
        ----------
        pub
            A template of at most `max_width` qubits and its angles.
        readout
            Whether to include readout errors.

        Raises
        ------
        InputError
            If the circuit is too wide.
        """
        Job([pub], shots=1).require(self.name, self.max_width, remedy=self.remedy)
        line = self.device.line(pub.template.n_qubits)
        known = line.circuit(pub.template)
        circuits = [circuit.remove_final_measurements(inplace=False) for circuit in bind(pub, known.template)]
        found = exact_probabilities(circuits, [known.measured.tolist()] * len(circuits), line.noise)
        reading = Channel(1.0, known.readout if readout else np.zeros_like(known.readout))
        return np.array([reading.distribution(p) for p in found])


@dataclass(frozen=True)
class TrajectoryBackend(LineBackend):
    """Draws every shot from a state with random errors (Dalibard, Castin, Mølmer 1992), by Aer's `statevector`.

    The average over shots is the density matrix. The time is proportional to the shots.
    """

    max_width: int = 16
    method: ClassVar[str] = "trajectories"
    aer_method: ClassVar[str] = "statevector"
    limit: ClassVar[int] = 20
    remedy: ClassVar[str] = "take fewer variables per vehicle or the surrogate"


@dataclass(frozen=True)
class SurrogateBackend(LineBackend):
    """Draws ideal samples of any circuits by Aer's `statevector`, and disturbs them.

    Attributes
    ----------
    exponents
        Exponents of the channel; calibrated on QAOA, for other templates an estimate.
    """

    max_width: int = 22
    exponents: Exponents = CALIBRATED
    method: ClassVar[str] = "surrogate"
    limit: ClassVar[int] = 24
    remedy: ClassVar[str] = "take fewer variables per vehicle"
    uses_noise_model: ClassVar[bool] = False

    def simulated(self, template: Template, compiled: Template) -> Template:
        """Return the template as built if Aer knows all its gates: same result, a third of the gates."""
        return template if is_native(template.circuit) else compiled

    def simulate(
        self, line: NoisyLine, bound: list[BoundCircuit], shots: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return codes [C, shots]; see `LineBackend.simulate`."""
        ideal = run_aer("statevector", [circuit for circuit, _ in bound], None, shots, rng)
        channels = {template.digest: Channel.on(line, template, self.exponents) for _, template in bound}
        return disturb(ideal, [channels[template.digest] for _, template in bound], rng)


METHODS: dict[str, type[LineBackend]] = {
    own.method: own for own in (SurrogateBackend, DensityMatrixBackend, TrajectoryBackend)
}
"""The simulators of noise by name."""


def noise_method(name: str) -> type[LineBackend]:
    """Return the simulator of a name; `UnknownNameError` if there is none."""
    if name not in METHODS:
        raise UnknownNameError.of("noise method", name, METHODS)
    return METHODS[name]
