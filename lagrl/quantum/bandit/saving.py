"""Files that outlive a bandit's process: its learned state, and the journal of its plans and jobs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lagrl.errors import OutputError
from lagrl.io.atomic import require_writable
from lagrl.quantum.ibm.runtime import DeviceBackend

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.quantum.bandit.bandit_sampler import BanditSampler
    from lagrl.quantum.bandit.state import BanditState
    from lagrl.quantum.journal.journal import Journal

EVERY = 100  # calls


@dataclass(eq=False)
class StateFile:
    """File of a learned state, written every `EVERY` calls, when the bandit is closed, and when it is destroyed.

    The file is replaced as a whole, so that a reader sees the old state or the new one. If several processes write to
    the same file, it holds the learning of the last one, not the sum. Raises `OutputError` if the file cannot be
    written.

    Attributes
    ----------
    path
        The file.
    state
        What is written; the bandit's policy learns in its model.
    """

    path: Path
    state: BanditState
    _n_unsaved: int = field(default=0, init=False, repr=False)  # calls

    def __post_init__(self) -> None:
        require_writable(self.path)

    def count_call(self) -> None:
        """Count a call of the bandit, and write the state after every `EVERY` of them."""
        self._n_unsaved += 1
        if self._n_unsaved >= EVERY:
            self.save()

    def save(self) -> None:
        """Write the state to the file."""
        self.state.write(self.path)
        self._n_unsaved = 0

    def close(self) -> None:
        """Write the state if it has changed or there is no file."""
        if self._n_unsaved or not self.path.exists():
            self.save()

    def save_finally(self) -> None:
        """Write a changed state when the bandit is destroyed; warn if that fails, as no caller could catch it."""
        try:
            if self._n_unsaved:
                self.save()
        except OutputError as error:
            warnings.warn(f"what a bandit learned is lost: {error}", RuntimeWarning, stacklevel=2)


def keep_jobs(bandit: BanditSampler, journal: Journal, name: str) -> None:
    """Store a bandit's plans, and its jobs on devices of an account, in a journal before any job is sent.

    Parameters
    ----------
    bandit
        The bandit.
    journal
        The journal; several bandits may share it.
    name
        Distinguishes the bandit's plans from those of others.
    """
    for backend in bandit.backends.values():
        if isinstance(backend, DeviceBackend):
            backend.journal = journal
    bandit.memory, bandit.name = journal, name
