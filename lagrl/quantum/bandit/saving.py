"""A bandit whose memory is a file."""

from __future__ import annotations

import warnings
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lagrl.errors import OutputError
from lagrl.io.atomic import require_writable
from lagrl.quantum.bandit.runtime_backend import RuntimeBackend

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from lagrl.quantum.bandit.backend_qpu import ArmBackend
    from lagrl.quantum.bandit.bandit_sampler import BanditSampler
    from lagrl.quantum.bandit.state import BanditState
    from lagrl.quantum.journal.journal import Journal
    from lagrl.relaxation.sampler import SampleContext, Samples

EVERY = 100  # calls


@dataclass(eq=False)
class SavingBandit:
    """Writes what a bandit learns to a file: every `EVERY` calls, when it is closed, and at last when it is given up.

    The file is replaced whole, so that a reader sees the old state or the new one. Of several processes that write to
    the same file, the last one's learning stays, not the sum.

    Attributes
    ----------
    sampler
        The bandit.
    path
        The file.
    state
        What is written; its model is the one the bandit's policy learns in.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """

    sampler: BanditSampler
    path: Path
    state: BanditState
    _unsaved: _Unsaved = field(init=False, repr=False)

    @property
    def backends(self) -> tuple[ArmBackend, ...]:
        """Where circuits can go."""
        return self.sampler.backends

    def __post_init__(self) -> None:
        require_writable(self.path)
        self._unsaved = _Unsaved(self.state, self.path)
        weakref.finalize(self, self._unsaved.save_at_last)  # at the end of the process too: who asks may not close

    def sample(
        self,
        reduced_cost: NDArray[np.float64],
        weight: NDArray[np.int64],
        capacity: NDArray[np.int64],
        shots: int,
        rng: np.random.Generator,
        context: SampleContext,
    ) -> Samples:
        """Ask the bandit; see `SubproblemSampler.sample`.

        Raises
        ------
        OutputError
            If the state cannot be written.
        """
        samples = self.sampler.sample(reduced_cost, weight, capacity, shots, rng, context)
        self._unsaved.calls += 1
        if self._unsaved.calls >= EVERY:
            self.save()
        return samples

    def save(self) -> None:
        """Write the state."""
        self._unsaved.save()

    def close(self) -> None:
        """Write the state if there is anything new, and close the bandit."""
        try:
            close = getattr(self.sampler, "close", None)
            if callable(close):
                close()
        finally:
            if self._unsaved.calls or not self.path.exists():
                self.save()


@dataclass(eq=False)
class _Unsaved:
    """What is to be written, known to the finaliser, which must not know the bandit."""

    state: BanditState
    path: Path
    calls: int = 0

    def save(self) -> None:
        self.state.write(self.path)
        self.calls = 0

    def save_at_last(self) -> None:
        if not self.calls:
            return
        try:
            self.save()
        except OutputError as error:  # nobody is there to catch it
            warnings.warn(f"what a bandit learned is lost: {error}", RuntimeWarning, stacklevel=2)


def keep_jobs(bandit: BanditSampler | SavingBandit, journal: Journal, name: str) -> None:
    """Have plans, and the jobs of devices of an account, kept in a journal before any is sent.

    Parameters
    ----------
    bandit
        Whose.
    journal
        Where; several bandits may share it.
    name
        Tells the bandit's plans from others'.
    """
    sampler = bandit.sampler if isinstance(bandit, SavingBandit) else bandit
    for backend in sampler.backends:
        if isinstance(backend, RuntimeBackend):
            backend.journal = journal
    sampler.memory, sampler.name = journal, name
