"""A job as it is sent: options, compiled circuits, each once with all its angles, and the codes of its result."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError, MissingExtraError, UnknownNameError
from lagrl.quantum.circuits.backend import BEST_LINE
from lagrl.quantum.circuits.execution import REGISTER
from lagrl.quantum.ibm.failures import ResultError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qiskit import QuantumCircuit
    from qiskit_ibm_runtime.options_models.sampler import SamplerOptions

    from lagrl.quantum.circuits.backend import Job
    from lagrl.quantum.circuits.execution import Pub, Template

    IsaPub = tuple[QuantumCircuit, NDArray[np.float64]]


MOST_EXECUTIONS = 10_000_000  # circuits times shots of one job, by IBM's job limits
MODES = ("job", "batch", "session")
SEQUENCE = "XpXm"  # of dynamical decoupling: its two pulses leave no net rotation from pulse errors
RANDOMIZATIONS = 8  # most twirls of a circuit; the largest divisor of its shots up to this is used
SWITCH = ("auto", "on", "off")


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


@dataclass(frozen=True, eq=False)
class CompiledJob:
    """PUBs of equal templates merged, which makes jobs smaller and faster to prepare.

    Attributes
    ----------
    isa
        The PUBs to send: circuits and angles [C, P] in the order of `circuit.parameters`. Circuits without parameters
        are sent once per execution.
    places
        For every row of every given PUB, the index of the sent PUB and of its row that has the result.
    """

    isa: list[IsaPub] = field(repr=False)
    places: list[list[tuple[int, int]]] = field(repr=False)

    @staticmethod
    def of(pubs: Sequence[Pub], compiled: Sequence[Template]) -> CompiledJob:
        """Merge PUBs of equal templates; `compiled` are their templates, compiled."""
        circuits: list[QuantumCircuit] = []
        values: list[list[NDArray[np.float64]]] = []
        known: dict[str, int] = {}
        places = []
        for pub, made in zip(pubs, compiled, strict=True):
            rows = []
            for angles in pub.angles(made):
                index = known.get(made.digest) if len(angles) else None
                if index is None:
                    index = known[made.digest] = len(circuits)
                    circuits.append(made.circuit)
                    values.append([])
                rows.append((index, len(values[index])))
                values[index].append(angles)
            places.append(rows)
        return CompiledJob([(own, np.array(rows)) for own, rows in zip(circuits, values, strict=True)], places)

    def codes(self, result: Any, shots: int, *, backend: str, job: str, hint: str = "") -> list[NDArray[np.int64]]:
        """Return the codes [C, shots] of each given PUB: bit i is classical bit i, shots in the order taken.

        Parameters
        ----------
        result
            A `PrimitiveResult` of a sampler.
        shots
            Shots per circuit.
        backend, job, hint
            Names for messages, and what the user can do to continue with this job.

        Raises
        ------
        ResultError
            If a PUB, a circuit, the register or shots are missing, or there are too many.
        """

        def wrong(problem: str) -> ResultError:
            return ResultError(f"{problem}; none of it is used", backend=backend, job=job, hint=hint)

        try:
            found = list(result)
        except TypeError:
            raise wrong(f"{type(result).__name__} instead of a list of results") from None
        if len(found) != len(self.isa):
            raise wrong(f"{len(found)} results for {len(self.isa)} PUBs")
        codes = []
        for i, (pub, (circuit, values)) in enumerate(zip(found, self.isa, strict=True)):
            n_rows, width = len(values), circuit.num_clbits
            bits: Any = getattr(getattr(pub, "data", None), REGISTER, None)
            if not all(hasattr(bits, name) for name in ("num_shots", "num_bits", "shape", "array")):
                raise wrong(f"PUB {i} has no register {REGISTER}")
            if bits.num_shots != shots:
                raise wrong(f"PUB {i} has {bits.num_shots} shots, not {shots}")
            if bits.num_bits != width or int(np.prod(bits.shape, dtype=np.int64)) != n_rows:
                raise wrong(
                    f"PUB {i} has {bits.num_bits} bits in shape {bits.shape}, not {width} bits of {n_rows} circuits"
                )
            codes.append(packed(bits.array).reshape(n_rows, shots))
        return [np.array([codes[index][row] for index, row in rows]) for rows in self.places]


def packed(array: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return integers from the bytes on the last axis, the most significant first as in `BitArray`; up to 63 bits."""
    place = np.int64(8) * np.arange(array.shape[-1] - 1, -1, -1, dtype=np.int64)
    joined: NDArray[np.int64] = (array.astype(np.int64) << place).sum(axis=-1)
    return joined


def fingerprint(device: str, job: Job, seed: int, options: RuntimeOptions) -> str:
    """Return a job's key in journals: the sha256 of device, options, run, step, and all that the job holds."""
    content = hashlib.sha256()
    how = asdict(options) | {"sequence": SEQUENCE, "randomizations": RANDOMIZATIONS}  # once options, and in journals
    rest = [device, job.shots, seed, how, job.context.run, job.context.step]
    if job.placement != BEST_LINE:  # older journals have no placements
        rest.append(job.placement)
    content.update(json.dumps(rest, sort_keys=True).encode())
    for pub in job.pubs:
        content.update(json.dumps([pub.template.digest, pub.values.shape]).encode())
        content.update(np.ascontiguousarray(pub.values, "<f8").tobytes())
    return content.hexdigest()


def divisor(number: int, most: int) -> int:
    """Return the largest divisor of a number up to `most`."""
    return next(k for k in range(min(number, most), 0, -1) if number % k == 0)
