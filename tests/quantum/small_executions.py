"""Small circuits with known answers for the tests of backends, and a journal in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lagrl.quantum.circuits.backend import Pub, Template
from lagrl.quantum.journal.job_table import JournaledJob

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.journal.job_table import SentState
    from lagrl.relaxation.sampler import SamplingCost


def mirrored(n: int) -> Template:
    """Rotate qubit i by angle i about Y, swap qubits 0 and 1, and measure variable i into bit i."""
    qiskit = pytest.importorskip("qiskit")
    angle = pytest.importorskip("qiskit.circuit").ParameterVector("angle", n)
    circuit = qiskit.QuantumCircuit(qiskit.QuantumRegister(n, "q"), qiskit.ClassicalRegister(n, "meas"))
    for q in range(n):
        circuit.ry(angle[q], q)
    place = list(range(n))
    gates = 0
    if n > 1:
        for control, target in ((0, 1), (1, 0), (0, 1)):
            circuit.cx(control, target)
        place[0], place[1], gates = 1, 0, 3
    for i in range(n):
        circuit.measure(place[i], i)
    return Template(f"mirrored n={n}", circuit, 1, gates, gates)


def basis_pub(n: int, codes: list[int]) -> Pub:
    """Return angles that prepare the strings of the codes."""
    bits = (np.array(codes)[:, None] >> np.arange(n)) & 1
    return Pub(mirrored(n), np.pi * bits)


@dataclass
class MemoryJournal:
    """A journal in memory, lost with the process."""

    records: dict[str, JournaledJob] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def find_job(self, fingerprint: str) -> JournaledJob | None:
        return self.records.get(fingerprint)

    def job_state(self, fingerprint: str) -> SentState:
        known = self.records.get(fingerprint)
        if known is None:
            return ""
        return "finished" if known.codes is not None else "submitted" if known.job else "intended"

    def intend_job(self, fingerprint: str, tag: str) -> None:
        self.records[fingerprint] = JournaledJob(fingerprint, "intended", tag=tag)

    def submitted_job(self, fingerprint: str, job: str) -> None:
        self.records[fingerprint] = replace(self.records[fingerprint], job=job)

    def finished_job(self, fingerprint: str, codes: list[NDArray[np.int64]], cost: SamplingCost, job: str) -> None:
        self.records[fingerprint] = replace(self.records[fingerprint], job=job, codes=codes, cost=cost)

    def failed_job(self, fingerprint: str, problem: str, cost: SamplingCost, job: str | None) -> None:
        del cost, job
        self.failures.append(problem)
        del self.records[fingerprint]

    def unusable_job(self, fingerprint: str, problem: str, cost: SamplingCost, job: str) -> None:
        del problem, cost, job
        assert fingerprint in self.records
