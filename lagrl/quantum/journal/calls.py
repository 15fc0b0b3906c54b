"""Sampler calls in a journal: what identifies a call, and its recorded answer."""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lagrl.quantum.journal.lines import (
    array_digest,
    digest,
    pack_samples,
    plain_cost,
    plain_state,
    read_cost,
    unpack_samples,
)
from lagrl.relaxation.sampler import SamplingCost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from lagrl.io.jsonl import Offset
    from lagrl.relaxation.sampler import SampleQuery, Samples

NAMES = {
    "reduced_cost": "reduced costs",
    "weight": "weights",
    "capacity": "capacities",
    "shots": "shots",
    "sampler": "sampler",
    "rng": "state of the random generator",
}
PROBLEM = ("reduced_cost", "weight", "capacity", "shots")


@dataclass(frozen=True)
class Call:
    """Identity of a sampler call.

    Attributes
    ----------
    run, step
        Run and step of the `SampleContext`.
    reduced_cost, weight, capacity
        sha256 of each array's shape and bytes.
    shots
        Shots per vehicle.
    sampler
        Name of the sampler with its options.
    rng
        sha256 of the random generator's state before the call.
    """

    run: str
    step: int
    reduced_cost: str = field(repr=False)
    weight: str = field(repr=False)
    capacity: str = field(repr=False)
    shots: int
    sampler: str
    rng: str = field(repr=False)

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

    def differences(self, other: Call, names: Sequence[str] = tuple(NAMES)) -> list[str]:
        """Return which of the named fields differ between two calls of the same run and step."""
        return [NAMES[name] for name in names if getattr(self, name) != getattr(other, name)]

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Call:
        """Return the call of a journal's line; equal strings are stored once."""
        values: dict[str, Any] = {}
        for name in cls.__dataclass_fields__:
            value = record[name]
            values[name] = sys.intern(value) if isinstance(value, str) else value
        return cls(**values)


@dataclass(frozen=True)
class RecordedAnswer:
    """Samples of a recorded call.

    Attributes
    ----------
    samples
        With C-contiguous arrays, so that sums over them are equal to the last bit when they are replayed.
    state
        State of the random generator after the call, see `set_state`.
    """

    samples: Samples
    state: Any = field(repr=False)


@dataclass
class CallTable:
    """Offsets of the answers in a journal and their total cost; the answers stay in the file."""

    offsets: dict[str, Offset] = field(default_factory=dict)
    by_step: dict[tuple[str, int], list[Call]] = field(default_factory=lambda: defaultdict(list))
    cost: SamplingCost = field(default_factory=SamplingCost)

    def add_line(self, record: Mapping[str, Any], offset: Offset) -> None:
        """Add the call of a line; of two answers to the same call, the first counts.

        Raises
        ------
        ValueError
            If its key is not that of its call.
        """
        call = Call.read(record)
        if call.key != record["key"]:
            raise ValueError("the key is not that of the call")
        if call.key not in self.offsets:
            self.offsets[call.key] = offset
            self.by_step[call.run, call.step].append(call)
            self.cost += read_cost(record["cost"])


def call_line(call: Call, samples: Samples, rng: np.random.Generator, owner: str) -> dict[str, Any]:
    """Return the line of an answered call."""
    return {
        "kind": "call",
        **vars(call),
        "key": call.key,
        "owner": owner,
        "cost": plain_cost(samples.cost),
        "rng_after": plain_state(rng),
        "samples": pack_samples(samples),
    }


def answer_of_line(record: Mapping[str, Any]) -> RecordedAnswer:
    """Return the answer of a `call_line`."""
    return RecordedAnswer(unpack_samples(record["samples"], read_cost(record["cost"])), record["rng_after"])
