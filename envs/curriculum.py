"""When to go on to the next phase: one judge for all lanes."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envs.config import EnvConfig


class Curriculum:
    """Watches the lanes' infos and says when a phase is over.

    Phase 1 ends when the mean share of customers served once, over the last `window` steps, exceeds `share`; phase 2
    when the mean relative dual gap falls below `gap`; phase 3 never. The environments take a new phase on at their
    next reset.

    Parameters
    ----------
    config
        Its `phases` and `curriculum`.

    Attributes
    ----------
    phase
        The phase that episodes should begin in.
    """

    def __init__(self, config: EnvConfig) -> None:
        self._phases = config.phases
        self._rule = config.curriculum
        self._recent: deque[float] = deque(maxlen=config.curriculum.window)
        self.phase = config.phases[0]

    def observe(self, infos: Sequence[Mapping[str, Any]]) -> bool:
        """Take one step of all lanes into account; tell whether the phase advanced.

        Parameters
        ----------
        infos
            The scalars of each lane; those of lanes that rested, or are still in another phase, are left out.
        """
        name = {1: "share_served", 2: "gap"}.get(self.phase)
        seen = [float(info[name]) for info in infos if name in info and info["phase"] == self.phase] if name else []
        if not seen or self.phase == self._phases[-1]:
            return False
        self._recent.append(sum(seen) / len(seen))
        if len(self._recent) < self._rule.window:
            return False
        mean = sum(self._recent) / len(self._recent)
        if not (mean > self._rule.share if self.phase == 1 else mean < self._rule.gap):
            return False
        self.phase = self._phases[self._phases.index(self.phase) + 1]
        self._recent.clear()
        return True

    def state(self) -> dict[str, Any]:
        """Return everything that `load_state` needs, as plain JSON values."""
        return {"phase": self.phase, "recent": list(self._recent)}

    def load_state(self, record: Mapping[str, Any]) -> None:
        """Go on where `state` was taken.

        Raises
        ------
        InputError
            If its phase is none of the configured ones.
        """
        if record["phase"] not in self._phases:
            raise InputError(
                f"{record['phase']} is none of {self._phases}", field="phase", remedy="resume with the same phases"
            )
        self.phase = record["phase"]
        self._recent = deque(record["recent"], maxlen=self._rule.window)
