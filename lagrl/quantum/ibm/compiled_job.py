"""A job as it is sent: compiled circuits, each once with all its angles; codes of its result; its fingerprint."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.quantum.circuits.backend import BEST_LINE
from lagrl.quantum.circuits.execution import REGISTER
from lagrl.quantum.ibm.failures import ResultError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qiskit import QuantumCircuit

    from lagrl.quantum.circuits.backend import Job
    from lagrl.quantum.circuits.execution import Pub, Template
    from lagrl.quantum.ibm.runtime_options import RuntimeOptions

    IsaPub = tuple[QuantumCircuit, NDArray[np.float64]]


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


def give_up_hint(job: str) -> str:
    """Return the hint for a job whose result cannot be read."""
    return (
        "it is read again when the run is resumed; if that fails too, "
        f"`lagrl journal FILE --give-up {job}` allows another to be sent in its place"
    )


def packed(array: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return integers from the bytes on the last axis, the most significant first as in `BitArray`; up to 63 bits."""
    place = np.int64(8) * np.arange(array.shape[-1] - 1, -1, -1, dtype=np.int64)
    joined: NDArray[np.int64] = (array.astype(np.int64) << place).sum(axis=-1)
    return joined


def fingerprint(device: str, job: Job, seed: int, options: RuntimeOptions) -> str:
    """Return a job's key in journals: the sha256 of device, options, run, step, and all that the job holds."""
    content = hashlib.sha256()
    rest = [device, job.shots, seed, asdict(options), job.context.run, job.context.step]
    if job.placement != BEST_LINE:  # older journals have no placements
        rest.append(job.placement)
    content.update(json.dumps(rest, sort_keys=True).encode())
    for pub in job.pubs:
        content.update(json.dumps([pub.template.digest, pub.values.shape]).encode())
        content.update(np.ascontiguousarray(pub.values, "<f8").tobytes())
    return content.hexdigest()
