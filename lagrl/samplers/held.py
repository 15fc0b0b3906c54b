"""Samplers that stay open from one solve or episode to the next, and who owns them."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Self

from lagrl.quantum.journal.journaled import JournaledSampler
from lagrl.samplers.registry import close_sampler, family_of, make_sampler, require_known

if TYPE_CHECKING:
    from lagrl.relaxation.sampler import SubproblemSampler
    from lagrl.samplers.spec import SamplerSpec


class HeldSamplers:
    """The open samplers of an evaluation or environment, which owns and closes them; a context manager.

    A family that `stays_open` (connections, and bandits that learn) has one sampler for each string; others are made
    anew in each call, so that no row or episode depends on another.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], SubproblemSampler] = {}

    def make(self, sampler: str | SamplerSpec, journal: str | os.PathLike[str] | None = None) -> SubproblemSampler:
        """Return the open sampler of a string, or make it; see `make_sampler` for the parameters and errors."""
        spec = require_known(sampler)
        if not family_of(spec).stays_open:
            return make_sampler(spec, journal=journal)
        key = spec.text, "" if journal is None else os.fspath(journal)
        if key not in self._held:
            self._held[key] = make_sampler(spec, journal=journal)
        return self._held[key]

    def rest(self) -> None:
        """End open batches and sessions, which are paid for, and save what was learned; all stay open."""
        for held in self._held.values():
            close_sampler(held.sampler if isinstance(held, JournaledSampler) else held)

    def close(self) -> None:
        """Close the held samplers; `make` then opens new ones."""
        with contextlib.ExitStack() as at_the_end:
            while self._held:
                at_the_end.callback(close_sampler, self._held.popitem()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
