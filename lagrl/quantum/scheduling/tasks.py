"""Tasks of the scheduler: where their circuits may run, and their results."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError
from lagrl.quantum.circuits.backend import BEST_LINE, Job
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from lagrl.quantum.circuits.backend import Pub
    from lagrl.relaxation.sampler import SampleContext


@dataclass(frozen=True, eq=False)
class Candidate:
    """Circuits of a task on one of the machines that may run them.

    Raises `InputError` if the priority is not above 0.
    """

    backend: str  # name of a machine of the scheduler
    # returns the circuits, one PUB for each knapsack. Called only when they are sent, as angles may need training.
    make: Callable[[], Sequence[Pub]] = field(repr=False)
    width: int  # qubits of the widest circuit
    placement: str = BEST_LINE  # line of qubits, see `placed_line`
    # candidates of a higher tier are used only where those of all lower tiers have failed or take no jobs
    tier: int = 0
    priority: float = 1.0  # preference among the candidates of a tier, above 0

    def __post_init__(self) -> None:
        if not self.priority > 0:
            raise InputError(f"priority {self.priority}", field=f"candidate {self.backend}", remedy="give it above 0")

    @staticmethod
    def of(
        backend: str, pubs: Sequence[Pub], *, placement: str = BEST_LINE, tier: int = 0, priority: float = 1.0
    ) -> Candidate:
        """Return a candidate of circuits that exist already."""
        width = max(pub.template.n_qubits for pub in pubs)
        return Candidate(backend, lambda: pubs, width, placement, tier, priority)

    @cached_property
    def pubs(self) -> tuple[Pub, ...]:
        """The circuits, made at the first access."""
        return tuple(self.make())


@dataclass(frozen=True, eq=False)
class Task:
    """Knapsacks whose circuits run together, as one job on one of the candidates.

    Raises `InputError` if two candidates have the same backend.
    """

    key: str  # unique among the tasks of the run
    candidates: tuple[Candidate, ...]  # at least one, each on another machine
    shots: int  # per circuit
    context: SampleContext = field(repr=False)
    seed: int = 0  # of simulators

    def __post_init__(self) -> None:
        names = [candidate.backend for candidate in self.candidates]
        if len(set(names)) < len(names):
            raise InputError(f"{', '.join(names)} given", field=f"task {self.key}", remedy="give each backend once")

    def job(self, candidate: Candidate) -> Job:
        """Return a new job to send for a candidate, with the circuits made at the first call."""
        return Job(candidate.pubs, self.shots, self.seed, self.context, candidate.placement, self.key)


@dataclass(frozen=True)
class Attempt:
    """One attempt to run a task, and its problem if it failed; times are seconds since the scheduler's start.

    It `is_open` if the job may still be executed, or was executed and could not be read: it is not sent again.
    """

    backend: str
    began: float
    ended: float
    problem: str = ""
    is_open: bool = False


@dataclass(frozen=True, eq=False)
class TaskResult:
    """Result of a task, or the reasons why there is none."""

    key: str  # of the task
    backend: str  # name of the machine that ran it; empty if all failed, so that the caller uses the product state
    codes: list[NDArray[np.int64]] | None = field(repr=False)  # one [C, shots] int64 array per PUB; None if all failed
    cost: SamplingCost = field(repr=False)  # cost of all attempts, each job counted once
    attempts: tuple[Attempt, ...]  # all of them, in order

    @property
    def why(self) -> str:
        """Problems of all failed attempts; empty if the first one succeeded."""
        return "; ".join(f"{attempt.backend}: {attempt.problem}" for attempt in self.attempts if attempt.problem)


def better_known(before: SamplingCost, now: SamplingCost) -> SamplingCost:
    """Merge two reports of one job's cost: a value missing in one is taken from the other."""
    values: dict[str, Any] = {}
    for own in fields(SamplingCost):
        one, other = getattr(before, own.name), getattr(now, own.name)
        values[own.name] = (other or one) if isinstance(other, str) else max(one, other)
    return SamplingCost(**{**values, "seconds": before.seconds + now.seconds})
