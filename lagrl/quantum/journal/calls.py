"""Sampler calls in a journal: what identifies a call, and its recorded answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.quantum.journal.values import array_digest, digest, pack, plain_cost, plain_state, read_cost, unpack
from lagrl.relaxation.sampler import Samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.journal.database import Tables
    from lagrl.relaxation.sampler import SampleQuery

PROBLEM = {"reduced_cost": "reduced costs", "weight": "weights", "capacity": "capacities", "shots": "shots"}
"""Fields that say which knapsacks are sampled, and their names in messages."""


@dataclass(frozen=True)
class Call:
    """Identity of a sampler call."""

    run: str  # of the `SampleContext`, as `step`
    step: int
    reduced_cost: str = field(repr=False)  # sha256 of shape and bytes, as the next two
    weight: str = field(repr=False)
    capacity: str = field(repr=False)
    shots: int  # per vehicle
    sampler: str  # name of the sampler with its options
    rng: str = field(repr=False)  # sha256 of the random generator's state before the call

    @classmethod
    def of(cls, query: SampleQuery, sampler: str) -> Call:
        """Describe a query and the name of the sampler that it goes to."""
        return cls(
            run=query.context.run,
            step=int(query.context.step),
            reduced_cost=array_digest(query.reduced_cost, "<f8"),
            weight=array_digest(query.weight, "<i8"),
            capacity=array_digest(query.capacity, "<i8"),
            shots=int(query.shots),
            sampler=sampler,
            rng=digest(plain_state(query.rng)),
        )

    @property
    def key(self) -> str:
        """sha256 of all fields: equal keys have equal answers."""
        return digest(vars(self))

    @property
    def problem(self) -> str:
        """sha256 of the knapsacks, run, step and shots, without sampler and random state."""
        return digest([self.run, self.step, *(getattr(self, name) for name in PROBLEM)])

    def differences(self, other: Call) -> list[str]:
        """Return the names of what differs between the knapsacks of two calls."""
        return [label for name, label in PROBLEM.items() if getattr(self, name) != getattr(other, name)]

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Call:
        """Return the call of a row."""
        return cls(**{name: record[name] for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class RecordedAnswer:
    """Samples of a recorded call."""

    # with C-contiguous arrays, so that sums over them are equal to the last bit when they are replayed
    samples: Samples
    state: Any = field(repr=False)  # state of the random generator after the call, see `set_state`


def keep_answer(tables: Tables, call: Call, samples: Samples, state: Any) -> bool:
    """Add the answer of a call, unless it has one; return whether it was added."""
    cost = plain_cost(samples.cost)
    is_new = tables.put("calls", keep=True, key=call.key, **vars(call), cost=cost, rng_after=state)
    if is_new:
        keep_arrays(tables, call.key, [samples.bitstrings.astype(np.bool_), samples.counts])
    return is_new


def find_answer(tables: Tables, key: str) -> RecordedAnswer | None:
    """Return the answer of the call with this key, None if there is none."""
    for row in tables.rows("calls", "WHERE key = ?", key):
        try:
            strings, counts = find_arrays(tables, key)
            return RecordedAnswer(read_samples(strings, counts, row["cost"]), row["rng_after"])
        except ValueError as error:  # one of lagrl, or too few arrays
            tables.refuse(error)
    return None


def as_recorded(samples: Samples, state: Any) -> RecordedAnswer:
    """Return an answer as `find_answer` will return it."""
    strings = np.ascontiguousarray(samples.bitstrings.astype(np.bool_))
    counts = np.array(samples.counts, samples.counts.dtype.name, order="C")
    return RecordedAnswer(read_samples(strings, counts, plain_cost(samples.cost)), state)


def read_samples(strings: NDArray[Any], counts: NDArray[Any], cost: Mapping[str, Any]) -> Samples:
    """Return samples from arrays that were stored and a plain cost; InputError if they are none."""
    return Samples(strings.view(np.uint8) if strings.dtype == np.bool_ else strings, counts, read_cost(cost))


def keep_arrays(tables: Tables, owner: str, arrays: Sequence[NDArray[Any]]) -> None:
    """Add the arrays of an answer or of a job's result; the first ones count."""
    for number, array in enumerate(arrays):
        tables.put("arrays", keep=True, owner=owner, number=number, **pack(array))


def find_arrays(tables: Tables, owner: str) -> list[NDArray[Any]]:
    """Return the arrays of an answer or of a job's result."""
    return unpack(tables.rows("arrays", "WHERE owner = ? ORDER BY number", owner))
