"""The sampler protocol, its samples and resources, and the exact sampler."""

from __future__ import annotations

import inspect
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from lagrl.errors import BudgetError, InputError
from lagrl.io.records import may_lack
from lagrl.printable import shown
from lagrl.relaxation.knapsack import solve_knapsacks

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_COUNTED = 2**53  # sums of counts are exact up to there
MOST_SHOTS = 10_000_000  # per circuit and vehicle: what IBM's devices take in one job


def require_shots(shots: object) -> None:
    """Raise InputError if `shots` is not one whole number up to `MOST_SHOTS`, BudgetError if it is below 1."""
    if isinstance(shots, bool) or not isinstance(shots, int | np.integer):
        raise InputError(f"{shown(shots)} given", field="shots", remedy="give one whole number for all circuits")
    if shots < 1:
        raise BudgetError(f"{shots} allows nothing", field="shots", remedy="give 1 or more")
    if shots > MOST_SHOTS:
        raise InputError(f"{shots} given", field="shots", remedy=f"give {MOST_SHOTS} or fewer")


@dataclass(frozen=True)
class SampleContext:
    """Identifies a sampler call, for journals and records.

    Attributes
    ----------
    run
        Name of the run (instance, linearisation, seed).
    step
        Evaluation within the run, from 0.
    """

    run: str = ""
    step: int = 0


@dataclass(frozen=True, eq=False)
class SampleQuery:
    """The knapsacks of a price vector, min ã_k·y with d·y ≤ Q_k for every vehicle k, and how they are sampled.

    Attributes
    ----------
    reduced_cost
        [K, n] float64: ã = a − λ, distance units.
    weight
        [n] int64: d, demand units.
    capacity
        [K] int64: Q, demand units.
    shots
        Strings per vehicle.
    rng
        Source of all randomness of the call.
    context
        Identifies the call.

    Raises
    ------
    InputError
        If the shapes do not match, a reduced cost is not finite, a weight or capacity is negative, or `shots` is not a
        whole number of at most `MOST_SHOTS`.
    BudgetError
        If `shots` is below 1.
    """

    reduced_cost: NDArray[np.float64] = field(repr=False)
    weight: NDArray[np.int64] = field(repr=False)
    capacity: NDArray[np.int64] = field(repr=False)
    shots: int
    rng: np.random.Generator
    context: SampleContext = SampleContext()

    def __post_init__(self) -> None:
        require_shots(self.shots)
        require_knapsacks(*self.knapsacks)

    @property
    def knapsacks(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """The reduced costs, weights and capacities, in this order."""
        return self.reduced_cost, self.weight, self.capacity


def require_knapsacks(
    reduced_cost: NDArray[np.float64], weight: NDArray[np.int64], capacity: NDArray[np.int64]
) -> tuple[int, int]:
    """Return (K, n) of K knapsacks of n customers; raise an error for arrays that are none.

    Raises
    ------
    InputError
        If the shapes do not match, a reduced cost is not finite, or a weight or capacity is negative.
    """
    shape = (len(capacity), len(weight))
    if reduced_cost.shape != shape or not np.isfinite(reduced_cost).all() or (weight < 0).any() or (capacity < 0).any():
        raise InputError(
            f"{reduced_cost.shape} costs for {shape}, or an entry that is negative or not finite",
            field="knapsacks",
            remedy="give finite [K, n] costs with n weights and K capacities of 0 or more",
        )
    return shape


@dataclass(frozen=True, kw_only=True)
class SamplingCost:
    """Resources used by sampler calls; costs can be added.

    Attributes
    ----------
    circuits, shots
        Quantum circuits executed (each set of angles is one) and shots summed over all of them; 0 for classical
        samplers.
    two_qubit_gates
        Two-qubit gates of those circuits, summed, each circuit counted once whatever its shots.
    depth
        Largest two-qubit depth among them.
    jobs
        Jobs sent to a device or service.
    seconds
        Wall-clock seconds of the call, without queueing.
    encoding_seconds
        Those of `seconds` in which QUBOs, angles and circuits were made, and circuits compiled; 0 if the sampler does
        not measure them.
    qpu_seconds
        Seconds charged for a quantum computer.
    queue_seconds
        Seconds that jobs waited before they ran.
    backend
        Name of the executing backend; several are joined by ` + `.
    fallback
        Why another backend than the requested one answered; empty if none did.
    """

    circuits: int = may_lack(0)
    shots: int = may_lack(0)
    two_qubit_gates: int = may_lack(0)
    depth: int = may_lack(0)
    jobs: int = may_lack(0)
    seconds: float = may_lack(0.0)
    encoding_seconds: float = may_lack(0.0)
    qpu_seconds: float = may_lack(0.0)
    queue_seconds: float = may_lack(0.0)
    backend: str = may_lack("")
    fallback: str = may_lack("")

    def __add__(self, other: SamplingCost) -> SamplingCost:
        if other is NO_COST:  # every evaluation of an exact sampler adds it
            return self
        return SamplingCost(
            circuits=self.circuits + other.circuits,
            shots=self.shots + other.shots,
            two_qubit_gates=self.two_qubit_gates + other.two_qubit_gates,
            depth=max(self.depth, other.depth),
            jobs=self.jobs + other.jobs,
            seconds=self.seconds + other.seconds,
            encoding_seconds=self.encoding_seconds + other.encoding_seconds,
            qpu_seconds=self.qpu_seconds + other.qpu_seconds,
            queue_seconds=self.queue_seconds + other.queue_seconds,
            backend=_joined(" + ", self.backend, other.backend),
            fallback=_joined("; ", self.fallback, other.fallback),
        )

    def record(self) -> dict[str, int | float | str]:
        """Return everything except `seconds`, which rows keep under another name, as plain values."""
        values = asdict(self)
        del values["seconds"]
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in values.items()}


NO_COST = SamplingCost()
"""Resources of an evaluation that samples nothing."""


def _joined(mark: str, first: str, second: str) -> str:
    """Join two lists of names, each name once."""
    return mark.join(dict.fromkeys(name for text in (first, second) for name in text.split(mark) if name))


@dataclass(frozen=True)
class Samples:
    """Bitstrings drawn for each vehicle's knapsack.

    Attributes
    ----------
    bitstrings
        [K, S, n] uint8 in {0, 1}: the distinct strings of each vehicle; they need not respect the capacity.
    counts
        [K, S] number of draws of each; 0 marks padding.
    cost
        Resources used by the call.

    Raises
    ------
    InputError
        If an array has the wrong type or shape, or a vehicle has no string.
    """

    bitstrings: NDArray[np.uint8] = field(repr=False)
    counts: NDArray[np.int64] = field(repr=False)
    cost: SamplingCost = NO_COST

    def __post_init__(self) -> None:
        strings, counts = self.bitstrings, self.counts
        wrong = ""
        if strings.dtype != np.uint8 or strings.ndim != 3:
            wrong = f"bitstrings of type {strings.dtype} and shape {strings.shape} are not [K, S, n] uint8"
        elif counts.shape != strings.shape[:2] or not np.issubdtype(counts.dtype, np.integer):
            wrong = f"counts of type {counts.dtype} and shape {counts.shape} are not {strings.shape[:2]} integers"
        elif (counts < 0).any() or not (counts > 0).any(axis=1).all():
            wrong = "a count is negative, or a vehicle has no string"
        elif counts.sum(axis=1, dtype=np.float64).max(initial=0.0) > _MOST_COUNTED:
            wrong = f"the counts of a vehicle add up to more than {_MOST_COUNTED}"
        elif strings.size and strings.max() > 1:
            wrong = f"a string holds a {strings.max()}"
        if wrong:
            raise InputError(wrong, field="samples", remedy="correct the sampler")

    def best(
        self, reduced_cost: NDArray[np.float64], weight: NDArray[np.int64], capacity: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Choose each vehicle's cheapest string that respects the capacity; the empty string is always a candidate.

        From `reduced_cost` [K, n], distance units, `weight` [n] and `capacity` [K], demand units. Returns the selection
        [K, n] and its values [K], distance units (≤ 0).
        """
        value = np.einsum("ksn,kn->ks", self.bitstrings, reduced_cost)
        fits = (self.bitstrings @ weight <= capacity[:, None]) & (self.counts > 0)
        value = np.where(fits, np.minimum(value, 0.0), 0.0)
        index = value.argmin(axis=1)
        rows = np.arange(len(index))
        best = value[rows, index]
        chosen = np.where((best < 0)[:, None], self.bitstrings[rows, index], 0).astype(np.uint8)
        return chosen, best

    def draw(self, n_joint: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Draw `n_joint` joint selections [M, K, n], one string per vehicle each, in proportion to the counts."""
        n_vehicles = len(self.counts)
        cumulative = np.cumsum(self.counts, axis=1)
        ticket = rng.integers(0, cumulative[:, -1], size=(n_joint, n_vehicles))
        index = (ticket[:, :, None] >= cumulative[None]).sum(axis=2)
        drawn: NDArray[np.uint8] = self.bitstrings[np.arange(n_vehicles)[None], index]
        return drawn


def require_samples(samples: object, shape: tuple[int, ...], name: str) -> None:
    """Raise InputError if an object is no samples of K knapsacks of n customers, `shape` = (K, n).

    `name`: that of the sampler, for the message.
    """
    given = samples.bitstrings.shape if isinstance(samples, Samples) else None
    if given is None or (given[0], given[2]) != shape:
        raise InputError(
            f"returned {type(samples).__name__}{'' if given is None else f' with strings of shape {given}'}",
            field=f"sampler {name}",
            remedy=f"return Samples with strings [{shape[0]}, S, {shape[1]}]",
        )


@runtime_checkable
class SubproblemSampler(Protocol):
    """Any object that samples bitstrings for K knapsacks: a kernel, an annealer, a quantum computer."""

    def sample(self, query: SampleQuery) -> Samples:
        """Draw `query.shots` strings for each vehicle's knapsack."""
        ...


def require_sampler(sampler: object, field: str = "sampler") -> None:
    """Raise InputError unless an object has a method `sample(query)`; `field` says where it was given.

    The method once had six parameters: the message shows them, and how to change it.
    """
    if isinstance(sampler, type) or not isinstance(sampler, SubproblemSampler):
        given = f"the class {sampler.__name__}" if isinstance(sampler, type) else f"a {type(sampler).__name__}"
        raise InputError(f"{given} given", field=field, remedy="give an object with sample(query)")
    signature = inspect.signature(sampler.sample)
    try:
        signature.bind(None)
    except TypeError:
        raise InputError(
            f"{type(sampler).__name__}.sample({', '.join(signature.parameters)}) given",
            field=field,
            remedy="write sample(self, query): query has reduced_cost, weight, capacity, shots, rng and context",
        ) from None


class ExactSampler:
    """The exact sampler: the optimal string of every knapsack, from the compiled search."""

    def sample(self, query: SampleQuery) -> Samples:
        """Return the optimal string, counted `shots` times."""
        started = time.perf_counter()
        selection, _ = solve_knapsacks(*query.knapsacks)
        counts = np.full((len(selection), 1), query.shots, np.int64)
        return Samples(
            selection[:, None, :], counts, SamplingCost(seconds=time.perf_counter() - started, backend="exact")
        )
