"""The common part of executors on noisy lines: checks, one call per line, order of results, and cost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.circuits.execution import Execution
from lagrl.quantum.devices.noisy_device import NoisyDevice
from lagrl.quantum.simulators.aer import run_aer
from lagrl.relaxation.sampler import SamplingCost, require_shots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qiskit import QuantumCircuit

    from lagrl.quantum.circuits.execution import Pub, Template
    from lagrl.quantum.devices.noisy_device import NoisyLine
    from lagrl.relaxation.sampler import SampleContext


class BoundCircuit(NamedTuple):
    """A circuit to simulate, with its angles, and its compiled template."""

    circuit: QuantumCircuit
    template: Template


@dataclass(frozen=True)
class LineExecutor:
    """Runs circuits of n qubits on a device's best line of n qubits.

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

    def execute(self, pubs: Sequence[Pub], shots: int, rng: np.random.Generator, context: SampleContext) -> Execution:
        """Run every row of every PUB; see `CircuitExecutor.execute`.

        Raises
        ------
        InputError
            If a circuit is wider than `max_width`, or there are no PUBs or shots.
        """
        del context
        self.require_runnable(pubs, shots)
        lines = {pub.template.n_qubits: self.device.line(pub.template.n_qubits) for pub in pubs}
        compiled = [lines[pub.template.n_qubits].circuit(pub.template).template for pub in pubs]
        if self.uses_noise_model:
            _ = [line.noise for line in lines.values()]  # made once for each line, before the clock starts
        started = time.perf_counter()
        codes: list[NDArray[np.int64]] = [np.empty((0, shots), np.int64)] * len(pubs)
        for width in sorted(lines):
            places = [i for i, pub in enumerate(pubs) if pub.template.n_qubits == width]
            rows = [
                BoundCircuit(circuit, compiled[i])
                for i in places
                for circuit in bind(pubs[i], self.simulated(pubs[i].template, compiled[i]))
            ]
            found = self.run(lines[width], rows, shots, rng)
            first = 0
            for i in places:
                codes[i] = found[first : first + len(pubs[i].values)]
                first += len(pubs[i].values)
        circuits = sum(len(pub.values) for pub in pubs)
        cost = SamplingCost(
            circuits=circuits,
            shots=circuits * shots,
            two_qubit_gates=sum(t.two_qubit_gates * len(pub.values) for t, pub in zip(compiled, pubs, strict=True)),
            depth=max(template.two_qubit_depth for template in compiled),
            seconds=time.perf_counter() - started,
            backend=self.name,
        )
        return Execution(codes, cost)

    def simulated(self, template: Template, compiled: Template) -> Template:
        """Return the template to simulate: the compiled one, whose gates have the device's errors."""
        del template
        return compiled

    def run(
        self, line: NoisyLine, bound: list[BoundCircuit], shots: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Return codes [C, shots] of circuits, all on the same line."""
        return run_aer(self.aer_method, [circuit for circuit, _ in bound], line.noise, shots, rng)

    def require_runnable(self, pubs: Sequence[Pub], shots: int) -> None:
        """Raise the errors of `execute` for circuits that cannot be run."""
        if not pubs:
            raise InputError("no circuits given", field=self.name, remedy="give 1 PUB or more")
        require_shots(shots)
        widest = max(pub.template.n_qubits for pub in pubs)
        if widest > self.max_width:
            raise InputError(
                f"a circuit of {widest} qubits is above the limit of {self.max_width}",
                field=self.name,
                remedy=self.remedy,
            )


def bind(pub: Pub, compiled: Template) -> list[QuantumCircuit]:
    """Return the compiled circuit, which may have fewer parameters than the template, with each row of angles."""
    names = {parameter.name: i for i, parameter in enumerate(pub.template.circuit.parameters)}
    columns = [names[parameter.name] for parameter in compiled.circuit.parameters]
    return [compiled.circuit.assign_parameters(row[columns]) for row in pub.values]
