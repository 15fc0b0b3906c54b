"""A sampler whose answers are recorded, so that no call is made twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.errors import InputError
from lagrl.quantum.journal.calls import Call
from lagrl.quantum.journal.values import set_state
from lagrl.relaxation.sampler import require_samples

if TYPE_CHECKING:
    from lagrl.quantum.journal.journal import Journal
    from lagrl.relaxation.sampler import SampleQuery, Samples, SubproblemSampler


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
    strict
        Whether the journal belongs to one run: a call that differs from those recorded for its run and step is then
        refused, not made and recorded beside them.
    """

    sampler: SubproblemSampler
    journal: Journal
    name: str
    strict: bool = False

    def sample(self, query: SampleQuery) -> Samples:
        """Return recorded or new samples.

        Raises
        ------
        InputError
            If the sampler does not return samples of these knapsacks, or (if `strict`) the run differs from the
            recorded one.
        OutputError
            If the journal cannot be written.
        """
        call, shape = Call.of(query, self.name), query.reduced_cost.shape
        answer = self.journal.answer(call)
        if answer is None:
            if self.strict:
                self._require_same_run(call)
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

    def _require_same_run(self, call: Call) -> None:
        recorded = self.journal.recorded(call.run, call.step)
        if recorded:
            differences = min((call.differences(other) for other in recorded), key=len)
            raise InputError(
                f"the run differs from the recorded one in: {', '.join(differences)}",
                source=str(self.journal.path),
                field=f"run {call.run!r}, step {call.step}",
                remedy="use the same instance, seed, controller, budget, sampler and version, or a new journal",
            )
