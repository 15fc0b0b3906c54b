"""A backend for qiskit-ibm-runtime's local mode that simulates only the qubits in use; it needs qiskit-aer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

from lagrl.quantum.devices.noise import restricted

if TYPE_CHECKING:
    from qiskit.providers import BackendV2
    from qiskit.transpiler import Target

MOST_BY_DENSITY = 12  # qubits; 4¹² numbers are 256 MB
SHOTS_PER_STATE = 4  # a trajectory costs about as much as 2ⁿ/4 … 2ⁿ/2 of a density matrix's columns


class LineSimulator(AerSimulator):  # type: ignore[misc]
    """Runs circuits compiled for a whole device with its noise, in a fraction of the time.

    A noise model of 156 qubits takes seconds in every call. Here circuits are reduced to the qubits that are measured
    or joined to others, with the noise model of these: gates, readout, and idling where there are delays. Errors of
    other qubits cannot act. Each call gets another seed: qiskit-ibm-runtime gives all PUBs of a job the same seed,
    which would correlate them.

    Parameters
    ----------
    device
        The device that circuits are compiled for, with its errors.
    noises
        Noise models by qubits; new ones are added.
    """

    def __init__(self, device: BackendV2, noises: dict[tuple[int, ...], NoiseModel]) -> None:
        super().__init__(max_parallel_threads=1)
        self._device = device
        self._noises = noises
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


def cut_down(circuit: QuantumCircuit) -> tuple[QuantumCircuit, tuple[int, ...]]:
    """Return the circuit on the qubits that are measured or joined to others, and these qubits, ascending."""
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
    few = restricted(device.target, qubits)
    gates = [name for name in few.operation_names if few[name] and None not in few[name]]
    return NoiseModel.from_backend(SimpleNamespace(version=2, operation_names=gates, target=few, dt=few.dt))
