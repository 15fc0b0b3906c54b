"""A sampler that asks nobody: it answers as a journal recorded."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.journal.calls import PROBLEM, Call
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.lines import set_state

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from lagrl.relaxation.sampler import SampleContext, Samples

_MOST_RUNS_TOLD = 8


class ReplaySampler:
    """Answers every recorded call as it was answered, cost included, without whatever answered it then.

    A call is known by run, step, reduced costs, weights, capacities and shots, bit for bit. If the same was asked more
    than once, the random generator's state tells which time this is, and it is left as that call left it; with a
    generator in a state that was never recorded, the n-th time asked is the n-th recorded, and the generator is not
    touched.

    Parameters
    ----------
    path
        A journal; it is only read.
    sampler
        Whose answers, by the name they were recorded under; needed only where several samplers share the journal.

    Raises
    ------
    InputError
        If the file is no journal, holds no answers, or those of several samplers and none is chosen.
    UnknownNameError
        If the chosen one answered nothing.
    """

    def __init__(self, path: str | os.PathLike[str], sampler: str | None = None) -> None:
        self._journal = Journal(path, read_only=True)
        try:
            self.sampler = self._chosen(sampler)
        except BaseException:
            self.close()
            raise
        self._known: dict[str, list[Call]] = defaultdict(list)
        for run, steps in self._journal.steps().items():
            for step in steps:
                for call in self._journal.recorded(run, step):
                    if call.sampler == self.sampler:
                        self._known[call.problem].append(call)
        self._asked: Counter[str] = Counter()

    def sample(
        self,
        reduced_cost: NDArray[np.float64],
        weight: NDArray[np.int64],
        capacity: NDArray[np.int64],
        shots: int,
        rng: np.random.Generator,
        context: SampleContext,
    ) -> Samples:
        """Return the recorded samples; see `SubproblemSampler.sample`.

        Raises
        ------
        InputError
            If this was not recorded, or is asked more often than it was; it tells what was.
        """
        call = Call.of(reduced_cost, weight, capacity, shots, rng, context, self.sampler)
        answer = self._journal.answer(call)
        if answer is not None:
            set_state(rng, answer.state)
            return answer.samples
        known, time = self._known.get(call.problem, ()), self._asked[call.problem]
        if time >= len(known):
            self._refuse(call, len(known))
        self._asked[call.problem] += 1
        answer = self._journal.answer(known[time])
        assert answer is not None
        return answer.samples

    def close(self) -> None:
        """Close the journal."""
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
            problem = f"asked {n_recorded + 1} times, but recorded {n_recorded} times"
        elif recorded:
            labels = min((call.differences(other, PROBLEM) for other in recorded), key=len)
            problem = f"recorded with different {', '.join(labels)}"
        elif call.run in steps:
            problem = f"not recorded; of this run, steps {ranges(steps[call.run])} are"
        else:
            runs = [repr(run) for run in steps]
            more = f" and {len(runs) - _MOST_RUNS_TOLD} more" if len(runs) > _MOST_RUNS_TOLD else ""
            problem = f"not recorded; recorded are runs {', '.join(runs[:_MOST_RUNS_TOLD])}{more}"
        raise InputError(
            problem,
            source=str(self._journal.path),
            field=f"run {call.run!r}, step {call.step}",
            remedy="replay with the same instance, seed, controller, budget, shots and version as recorded",
        )


def ranges(numbers: Iterable[int]) -> str:
    """Return ascending numbers as in `0 … 4, 7`."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(first) if first == last else f"{first} … {last}" for first, last in spans)
