"""A sampler whose answers are kept: what was answered once is never asked again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.errors import InputError
from lagrl.quantum.journal.calls import Call
from lagrl.quantum.journal.lines import set_state
from lagrl.relaxation.sampler import Samples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lagrl.quantum.journal.journal import Journal
    from lagrl.relaxation.sampler import SampleContext, SubproblemSampler


@dataclass(frozen=True, eq=False)
class JournaledSampler:
    """Asks another sampler, unless the journal has the answer; the random generator moves on alike either way.

    A cost is as it was when the call was made, also if the answer is from the journal: a run that goes on after a
    crash shows the same bill as one that was never disturbed. What was paid in all, `Journal.summary` tells.

    Attributes
    ----------
    sampler
        Who is asked.
    journal
        Where answers are kept.
    name
        How the sampler is called, with all its options, such as `ibm:ibm_kingston+width=8`: another name is another
        sampler, whose answers are not this one's.
    strict
        The journal belongs to one run: a call of a recorded run and step that differs from the recorded ones is
        refused, rather than asked and kept beside them.
    """

    sampler: SubproblemSampler
    journal: Journal
    name: str
    strict: bool = False

    def sample(
        self,
        reduced_cost: NDArray[np.float64],
        weight: NDArray[np.int64],
        capacity: NDArray[np.int64],
        shots: int,
        rng: np.random.Generator,
        context: SampleContext,
    ) -> Samples:
        """Answer from the journal, or ask and keep; see `SubproblemSampler.sample`.

        Raises
        ------
        InputError
            If what the sampler gives are no samples of these knapsacks, or (if `strict`) the run differs from the
            recorded one.
        OutputError
            If the journal cannot be written.
        """
        call = Call.of(reduced_cost, weight, capacity, shots, rng, context, self.name)
        answer = self.journal.answer(call)
        if answer is None:
            if self.strict:
                self._require_same_run(call)
            with self.journal.calling(context):
                samples = self.sampler.sample(reduced_cost, weight, capacity, shots, rng, context)
            _require_samples(samples, reduced_cost.shape, self.name)
            answer = self.journal.record(call, samples, rng)
        set_state(rng, answer.state)
        return answer.samples

    def close(self) -> None:
        """Close the sampler, if it can be closed, and the journal."""
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
                remedy="run as before (instance, seed, controller, budget, sampler, version), or take a new journal",
            )


def _require_samples(samples: object, shape: tuple[int, ...], name: str) -> None:
    """Nothing wrong may be kept, or it would be the answer for ever."""
    given = samples.bitstrings.shape if isinstance(samples, Samples) else None
    if given is None or (given[0], given[2]) != shape:
        raise InputError(
            f"gave {type(samples).__name__}{'' if given is None else f' with strings of shape {given}'}",
            field=f"sampler {name}",
            remedy=f"give Samples with strings [{shape[0]}, S, {shape[1]}]",
        )
