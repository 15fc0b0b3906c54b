"""Circuits on any provider of Qiskit: a `BackendV2`, or a primitive `SamplerV2`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError, MissingExtraError
from lagrl.plugins import checked_factory, import_attribute
from lagrl.quantum.circuits.backend import BackendStatus, Execution
from lagrl.quantum.devices.compile import require_isa, transpiled
from lagrl.quantum.ibm.failures import guarded
from lagrl.quantum.ibm.runtime import MOST_EXECUTIONS, CompiledJob

if TYPE_CHECKING:
    from qiskit.primitives import BaseSamplerV2
    from qiskit.providers import BackendV2
    from qiskit.transpiler import Target

    from lagrl.quantum.circuits.backend import Job, Template

MOST_BITS = 63  # of a code, an int64
UNKNOWN_WIDTH = 22  # of a sampler without a backend, which simulates: 64 MiB of amplitudes


@dataclass(frozen=True, eq=False)
class PrimitiveBackend:
    """Runs all circuits of a call as one job of a sampler primitive.

    Where the sampler has a backend, Qiskit's transpiler compiles the circuits and chooses the qubits. A sampler without
    one, such as `StatevectorSampler`, gets circuits as they are built. The provider draws the randomness. Jobs are not
    in a journal: one that runs when the process ends is sent again.

    Attributes
    ----------
    sampler
        Runs the circuits; it returns all bits of every shot.
    name
        Name for records.
    max_width
        Largest number of qubits of a circuit.
    backend
        The backend whose target circuits are compiled for; None if there is none.
    """

    sampler: BaseSamplerV2[Any] = field(repr=False)
    name: str
    max_width: int
    backend: BackendV2 | None = field(default=None, repr=False)
    _compiled: dict[str, Template] = field(default_factory=dict, init=False, repr=False)

    @staticmethod
    def of(given: BackendV2 | BaseSamplerV2[Any]) -> PrimitiveBackend:
        """Return the backend that runs circuits on a `BackendV2` or a sampler primitive.

        Raises
        ------
        MissingExtraError
            Without qiskit.
        InputError
            If the object is neither.
        """
        backend_type, sampler_type = _kinds()
        if isinstance(given, sampler_type):
            found = getattr(given, "backend", None)
            found = found() if callable(found) else found  # a method in qiskit-ibm-runtime
            backend, sampler = (found if isinstance(found, backend_type) else None), given
        elif isinstance(given, backend_type):
            from qiskit.primitives import BackendSamplerV2

            backend, sampler = given, BackendSamplerV2(backend=given)
        else:
            remedy = "give a BackendV2 or a BaseSamplerV2 of qiskit"
            raise InputError(f"a {type(given).__name__} given", field="backend", remedy=remedy)
        widest = UNKNOWN_WIDTH if backend is None else backend.num_qubits or UNKNOWN_WIDTH
        name = f"backend({type(given).__name__ if backend is None else backend.name or type(backend).__name__})"
        return PrimitiveBackend(sampler, name, min(widest, MOST_BITS), backend)

    @property
    def target(self) -> Target | None:
        """Target of the backend; None if there is none."""
        return None if self.backend is None else self.backend.target

    def status(self, *, wait: bool = False) -> BackendStatus:
        """Return that it takes jobs: qiskit's interfaces report no queue."""
        del wait
        return BackendStatus()

    def run(self, job: Job) -> Execution:
        """Run every row of every PUB as one job; see `Backend.run`.

        Raises
        ------
        InputError
            If there are no PUBs or shots, a circuit is too wide, or it cannot be compiled for the backend.
        ExecutionError
            If the provider raises an error, or its result is not complete.
        """
        job.require(self.name, self.max_width, most_executions=MOST_EXECUTIONS)
        started = time.perf_counter()
        compiled = [self._on_backend(pub.template) for pub in job.pubs]
        merged = CompiledJob.of(job.pubs, compiled)
        encoding = time.perf_counter() - started
        sent: Any = guarded(lambda: self.sampler.run(merged.isa, shots=job.shots), backend=self.name)
        job_id = str(guarded(sent.job_id, backend=self.name))
        result = guarded(sent.result, backend=self.name, job=job_id)
        codes = merged.codes(result, job.shots, backend=self.name, job=job_id)
        times = {"seconds": time.perf_counter() - started, "encoding_seconds": encoding}
        return Execution(codes, job.cost(compiled, jobs=1, backend=self.name, **times))

    def _on_backend(self, template: Template) -> Template:
        if self.backend is None:
            return template
        known = self._compiled.get(template.digest)
        if known is None:
            remedy = "choose a backend with two-qubit gates and enough connected qubits"
            known = transpiled(template, self.backend.name, remedy, backend=self.backend)
            require_isa(known.circuit, self.backend.target)
            self._compiled[template.digest] = known
        return known


def open_backend(spec: str) -> PrimitiveBackend:
    """Return the backend on the `BackendV2` or sampler primitive that a user's factory makes.

    Parameters
    ----------
    spec
        `module:factory`; the factory takes no arguments and is called once.

    Raises
    ------
    MissingExtraError
        Without qiskit.
    InputError
        If the factory cannot be imported, raises an error, or makes something else.
    """
    kinds, factory = _kinds(), import_attribute("backend", spec)
    once = cache(lambda: factory())
    made = checked_factory("backend", spec, once, kinds, "the interface BackendV2 or BaseSamplerV2 of qiskit")()
    return PrimitiveBackend.of(made)


def _kinds() -> tuple[Any, Any]:
    try:
        from qiskit.primitives import BaseSamplerV2
        from qiskit.providers import BackendV2
    except ImportError as error:
        raise MissingExtraError.of("qiskit", "quantum", "a backend") from error
    return BackendV2, BaseSamplerV2
