"""The common part of simulators of noisy lines: checks, one call per line, order of results, and cost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.circuits.backend import BackendStatus
from lagrl.quantum.circuits.execution import Execution
from lagrl.quantum.devices.noisy_device import NoisyDevice
from lagrl.quantum.simulators.aer import run_aer

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

    from lagrl.quantum.circuits.backend import Job
    from lagrl.quantum.circuits.execution import Pub, Template
    from lagrl.quantum.devices.noisy_device import NoisyLine


class BoundCircuit(NamedTuple):
    """A circuit to simulate, with its angles, and its compiled template."""

    circuit: QuantumCircuit
    template: Template


@dataclass(frozen=True)
class LineBackend:
    """Runs circuits of n qubits on a line of n qubits of a device, the best one or that of the job's placement.

    All circuits of one width go in one call of the simulator, on one thread.

    Attributes
    ----------
    device
        The device whose noise is simulated.
    max_width
        Most qubits of a circuit.

    Raises
    ------
    InputError
        If the width is below 1 or above the method's `limit`.
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

        Raises
        ------
        InputError
            If a circuit is wider than `max_width`, there are no PUBs or shots, or the device has no such line.
        """
        job.require(self.name, self.max_width, remedy=self.remedy)
        rng, pubs = job.rng, job.pubs
        lines = {n: self.device.line(n, job.placement) for n in dict.fromkeys(pub.template.n_qubits for pub in pubs)}
        compiled = [lines[pub.template.n_qubits].circuit(pub.template).template for pub in pubs]
        if self.uses_noise_model:
            _ = [line.noise for line in lines.values()]  # made once for each line, before the clock starts
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
        return Execution(codes, job.cost(compiled, seconds=time.perf_counter() - started, backend=self.name))

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
