"""Samplers with a journal: one whose answers are recorded, so that no call is made twice, and one that replays them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.journal.calls import Call
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.values import set_state
from lagrl.relaxation.sampler import require_samples

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from lagrl.relaxation.sampler import SampleQuery, Samples, SubproblemSampler

_MOST_RUNS_LISTED = 8


@dataclass(frozen=True, eq=False)
class JournaledSampler:
    """Answers from a journal, or calls another sampler and records the answer.

    The random generator ends in the same state either way. The cost is always that of the original call: a run that
    is resumed after a crash reports the same cost as an undisturbed one. `Journal.summary` has the total cost.

    Attributes
    ----------
    sampler
        The sampler that is called.
    journal
        The journal.
    name
        The sampler's name with all its options, such as `ibm:ibm_kingston+width=8`; answers recorded under another
        name are not used.
    """

    sampler: SubproblemSampler
    journal: Journal
    name: str

    def sample(self, query: SampleQuery) -> Samples:
        """Return recorded or new samples.

        Raises
        ------
        InputError
            If the sampler does not return samples of these knapsacks.
        OutputError
            If the journal cannot be written.
        """
        call, shape = Call.of(query, self.name), query.reduced_cost.shape
        answer = self.journal.answer(call)
        if answer is None:
            with self.journal.calling(query.context):
                samples = self.sampler.sample(query)
            require_samples(samples, shape, self.name)
            answer = self.journal.record(call, samples, query.rng)
        require_samples(answer.samples, shape, self.name)
        set_state(query.rng, answer.state)
        return answer.samples

    def close(self) -> None:
        """Close the sampler, if it has `close`, and the journal."""
        try:
            close = getattr(self.sampler, "close", None)
            if callable(close):
                close()
        finally:
            self.journal.close()


class ReplaySampler:
    """Returns the recorded samples and cost of every recorded call; the original sampler is not needed.

    A call is recognised by run, step, reduced costs, weights, capacities and shots, bit for bit. If the same call was
    recorded several times, the random generator's state selects the record, and the generator is set to the state
    after it. A generator in a state that was not recorded is left unchanged, and the n-th equal call gets the n-th
    record.

    Parameters
    ----------
    path
        A journal; it is only read.
    sampler
        Name of the recorded sampler; needed only if several samplers share the journal.

    Raises
    ------
    InputError
        If the file is not a journal, holds no answers, or those of several samplers and none is chosen.
    UnknownNameError
        If the journal has no answers of the chosen sampler.
    """

    def __init__(self, path: str | os.PathLike[str], sampler: str | None = None) -> None:
        self._journal = Journal(path, read_only=True)
        try:
            self.sampler = self._chosen(sampler)
        except BaseException:
            self.close()
            raise
        self._known: dict[str, list[Call]] = defaultdict(list)
        for call in self._journal.calls():
            if call.sampler == self.sampler:
                self._known[call.problem].append(call)
        self._replayed: Counter[str] = Counter()

    def sample(self, query: SampleQuery) -> Samples:
        """Return the recorded samples.

        Raises
        ------
        InputError
            If the call was not recorded, or not as often as it is made; the message says what was recorded.
        """
        call = Call.of(query, self.sampler)
        answer = self._journal.answer(call)
        if answer is not None:
            require_samples(answer.samples, query.reduced_cost.shape, self.sampler)
            set_state(query.rng, answer.state)
            return answer.samples
        known, time = self._known.get(call.problem, ()), self._replayed[call.problem]
        if time >= len(known):
            self._refuse(call, len(known))
        self._replayed[call.problem] += 1
        answer = self._journal.answer(known[time])
        assert answer is not None
        require_samples(answer.samples, query.reduced_cost.shape, self.sampler)
        return answer.samples

    def close(self) -> None:
        """Close the journal's file."""
        self._journal.close()

    def _chosen(self, sampler: str | None) -> str:
        source, names = str(self._journal.path), self._journal.samplers()
        if not names:
            raise InputError("holds no answers", source=source, remedy="record some with --journal first")
        if sampler is None and len(names) > 1:
            choices = " or ".join(f"replay:{source}+sampler={name}" for name in names)
            raise InputError(f"holds the answers of {len(names)} samplers", source=source, remedy=f"choose {choices}")
        if sampler is not None and sampler not in names:
            raise UnknownNameError.of(f"sampler in {source}", sampler, names)
        return names[0] if sampler is None else sampler

    def _refuse(self, call: Call, n_recorded: int) -> None:
        recorded = [c for c in self._journal.recorded(call.run, call.step) if c.sampler == self.sampler]
        steps = self._journal.steps()
        if n_recorded:
            problem = f"called {n_recorded + 1} times, but recorded {n_recorded} times"
        elif recorded:
            labels = min((call.differences(other) for other in recorded), key=len)
            problem = f"recorded with different {', '.join(labels)}"
        elif call.run in steps:
            problem = f"not recorded; recorded steps of this run are {ranges(steps[call.run])}"
        else:
            runs = [repr(run) for run in steps]
            more = f" and {len(runs) - _MOST_RUNS_LISTED} more" if len(runs) > _MOST_RUNS_LISTED else ""
            problem = f"not recorded; recorded runs are {', '.join(runs[:_MOST_RUNS_LISTED])}{more}"
        raise InputError(
            problem,
            source=str(self._journal.path),
            field=f"run {call.run!r}, step {call.step}",
            remedy="replay with the same instance, seed, controller, budget, shots and version as recorded",
        )


def ranges(numbers: Iterable[int]) -> str:
    """Return ascending numbers as text, such as `0 … 4, 7`."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(first) if first == last else f"{first} … {last}" for first, last in spans)
