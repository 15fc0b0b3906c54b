"""What is to be done, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from lagrl.quantum.circuits.execution import Pub
    from lagrl.relaxation.sampler import SampleContext


@dataclass(frozen=True, eq=False)
class Option:
    """Circuits and where they may run.

    Attributes
    ----------
    backend
        Name of a quantum computer of the scheduler.
    make
        Makes the circuits, one PUB for each knapsack; asked only where they are sent, as angles may have to be trained.
    width
        Qubits of the widest.
    placement
        Which line of qubits, for quantum computers that have a choice.
    tier
        Options of a higher tier are only taken where those of lower ones have failed or take no jobs.
    priority
        How much it is wanted among those of its tier, above 0.

    Raises
    ------
    InputError
        If the priority is not above 0.
    """

    backend: str
    make: Callable[[], Sequence[Pub]] = field(repr=False)
    width: int
    placement: str = ""
    tier: int = 0
    priority: float = 1.0

    def __post_init__(self) -> None:
        if not self.priority > 0:
            raise InputError(f"priority {self.priority}", field=f"option {self.backend}", remedy="give it above 0")

    @staticmethod
    def of(backend: str, pubs: Sequence[Pub], *, placement: str = "", tier: int = 0, priority: float = 1.0) -> Option:
        """Return an option of circuits that are there."""
        width = max(pub.template.n_qubits for pub in pubs)
        return Option(backend, lambda: pubs, width, placement, tier, priority)

    @cached_property
    def pubs(self) -> tuple[Pub, ...]:
        """The circuits, made once."""
        return tuple(self.make())


@dataclass(frozen=True, eq=False)
class Job:
    """What a quantum computer is sent.

    Attributes
    ----------
    key
        Of the work it is for.
    pubs
        Circuits.
    shots
        Per circuit.
    seed
        Of simulators.
    context
        Which call of the sampler it is of.
    placement
        Which line of qubits; empty for the quantum computer's own choice.
    """

    key: str
    pubs: tuple[Pub, ...] = field(repr=False)
    shots: int
    seed: int
    context: SampleContext = field(repr=False)
    placement: str = ""

    @property
    def n_circuits(self) -> int:
        """Sets of angles, over all PUBs."""
        return sum(len(pub.values) for pub in self.pubs)


@dataclass(frozen=True, eq=False)
class Work:
    """Some knapsacks that are answered together, by one of these options, or else by none of them.

    Attributes
    ----------
    key
        Tells it from all other work of the run.
    options
        At least one.
    shots
        Per circuit.
    context
        Which call of the sampler it is of.
    seed
        Of simulators.

    Raises
    ------
    InputError
        If an option's backend is there twice.
    """

    key: str
    options: tuple[Option, ...]
    shots: int
    context: SampleContext = field(repr=False)
    seed: int = 0

    def __post_init__(self) -> None:
        names = [option.backend for option in self.options]
        if len(set(names)) < len(names):
            raise InputError(f"{', '.join(names)} given", field=f"work {self.key}", remedy="give each backend once")

    def job(self, option: Option) -> Job:
        """Return what is sent where this option is taken."""
        return Job(self.key, option.pubs, self.shots, self.seed, self.context, option.placement)


@dataclass(frozen=True)
class Attempt:
    """One try.

    Attributes
    ----------
    backend
        Where.
    began, ended
        Seconds since the scheduler's start.
    problem
        What went wrong; empty if nothing did.
    is_open
        Whether it may still be executed, or was and could not be read: it is not sent again.
    """

    backend: str
    began: float
    ended: float
    problem: str = ""
    is_open: bool = False


@dataclass(frozen=True, eq=False)
class Answer:
    """What came of a piece of work.

    Attributes
    ----------
    key
        The work's.
    backend
        Who answered; empty if nobody did, so that the asker falls back on the product state.
    codes
        One [C, shots] int64 array per PUB; None if nobody answered.
    cost
        What all attempts used up, each job once.
    attempts
        In the order they were made.
    """

    key: str
    backend: str
    codes: list[NDArray[np.int64]] | None = field(repr=False)
    cost: SamplingCost = field(repr=False)
    attempts: tuple[Attempt, ...]

    @property
    def why(self) -> str:
        """Why nobody answered, or who failed before somebody did; empty if the first did."""
        return "; ".join(f"{tried.backend}: {tried.problem}" for tried in self.attempts if tried.problem)


@dataclass(eq=False)
class Bill:
    """What the tries of a piece of work used up, each job once."""

    _settled: SamplingCost = field(default_factory=SamplingCost, init=False)
    _last: SamplingCost = field(default_factory=SamplingCost, init=False)
    _goes_on: bool = field(default=False, init=False)

    @property
    def total(self) -> SamplingCost:
        """Of all jobs so far."""
        return self._settled + self._last

    def add(self, cost: SamplingCost, *, is_same_job: bool) -> None:
        """Add a try.

        Parameters
        ----------
        cost
            What it used up, as far as was known then.
        is_same_job
            Whether the next try asks for the same job again: what that tells counts then, once.
        """
        if self._goes_on:
            self._last = _better_known(self._last, cost)
        else:
            self._settled, self._last = self.total, cost
        self._goes_on = is_same_job


def _better_known(before: SamplingCost, now: SamplingCost) -> SamplingCost:
    """Return the cost of one job that was told twice: what was not known to one of them, the other tells."""
    values: dict[str, Any] = {}
    for own in fields(SamplingCost):
        one, other = getattr(before, own.name), getattr(now, own.name)
        values[own.name] = (other or one) if isinstance(other, str) else max(one, other)
    return SamplingCost(**{**values, "seconds": before.seconds + now.seconds})
