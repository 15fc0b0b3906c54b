"""Devices by name; fake backends as devices, whose jobs follow the path of real ones and are simulated here."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from lagrl.errors import MissingExtraError
from lagrl.quantum.devices.fakes import fake_backend, is_fake
from lagrl.quantum.devices.noise import restricted
from lagrl.quantum.ibm.failures import translated
from lagrl.quantum.ibm.service import AccountDevice, DeviceState, JobUsage

if TYPE_CHECKING:
    from collections.abc import Callable

    from qiskit import QuantumCircuit
    from qiskit.providers import BackendV2
    from qiskit.transpiler import Target
    from qiskit_aer.noise import NoiseModel

    from lagrl.quantum.ibm.compiled_job import IsaPub, RuntimeOptions
    from lagrl.quantum.ibm.service import Primitives, ServiceJob

MOST_BY_DENSITY = 12  # qubits; 4¹² numbers are 256 MB
SHOTS_PER_STATE = 4  # a trajectory costs about as much as 2ⁿ/4 … 2ⁿ/2 of a density matrix's columns


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
class LocalDevice:
    """Runs jobs through qiskit-ibm-runtime's Sampler in local mode; execution modes and limits are ignored.

    The methods are those of `AccountDevice`.

    Attributes
    ----------
    backend
        Any backend with a target.
    """

    backend: BackendV2 = field(repr=False)
    is_simulated: ClassVar[bool] = True
    _noises: dict[tuple[int, ...], Any] = field(default_factory=dict, init=False, repr=False)

    @staticmethod
    def of(name: str) -> LocalDevice:
        """Return the device of a fake backend; see `fake_backend` for what it raises."""
        return LocalDevice(fake_backend(name))

    @property
    def name(self) -> str:
        """Name of the backend."""
        return str(self.backend.name)

    @property
    def target(self) -> Target:
        """Target of the backend."""
        return self.backend.target

    @property
    def widest(self) -> int:
        """Largest number of qubits that can be simulated with noise."""
        return min(20, int(self.target.num_qubits))

    def submit(self, pubs: list[IsaPub], shots: int, options: RuntimeOptions, tag: str, seed: int) -> ServiceJob:
        """Start the simulation.

        Raises
        ------
        MissingExtraError
            Without qiskit-aer or qiskit-ibm-runtime.
        LagrlError
            If qiskit-ibm-runtime refuses the job.
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

    def find(self, tag: str) -> ServiceJob | None:
        """Return None: local jobs end with their process."""
        del tag
        return None

    def job(self, job_id: str) -> ServiceJob:
        """Raise KeyError: local jobs end with their process."""
        raise KeyError(job_id)

    def result(self, sent: ServiceJob, timeout: float | None) -> Any:
        """Wait for the result, whatever the limit is."""
        del timeout
        try:
            return sent.result()
        except Exception as error:
            raise translated(error, backend=self.name, job=sent.job_id()) from error

    def usage(self, sent: ServiceJob) -> JobUsage:
        """Return that nothing is charged."""
        del sent
        return JobUsage()

    def state(self) -> DeviceState:
        """Return that there is no queue."""
        return DeviceState()

    def refresh(self) -> None:
        """Keep the calibration."""

    def plan_seconds(self) -> float:
        """Return infinity: only time is used."""
        return math.inf

    def close(self) -> None:
        """Do nothing: a local device holds nothing open."""


Device = LocalDevice | AccountDevice
"""What sends compiled circuits: both kinds have the same methods."""


def open_device(
    name: str,
    *,
    service: Any = None,
    primitives: Primitives | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """Return a fake backend (`FakeKingston`; see `fake_backend`) or a device of your account (`ibm_kingston`).

    Service, primitives and sleep are those of `AccountDevice.of`, which says what else is raised.
    """
    if is_fake(name):
        return LocalDevice.of(name)
    return AccountDevice.of(name, service=service, primitives=primitives, sleep=sleep)


@cache
def _simulator_type() -> Any:
    """Return the class of simulators; Aer is imported here, at the first job."""
    from qiskit_aer import AerSimulator

    class LineSimulator(AerSimulator):  # type: ignore[misc]
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
