"""The curriculum: one phase for all environments, and the rule that advances it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envs.config import EnvConfig


class Curriculum:
    """Advances the phase by the environments' infos.

    Phase 1 ends when the mean share of customers served exactly once, over the last `window` steps, exceeds `share`;
    phase 2 when the mean relative dual gap falls below `gap`; phase 3 never. The environments adopt a new phase at
    their next reset.

    Parameters
    ----------
    config
        The environment's; its `phases` and `curriculum` are used.

    Attributes
    ----------
    phase
        Phase of the episodes to come.
    """

    def __init__(self, config: EnvConfig) -> None:
        self._phases = config.phases
        self._rule = config.curriculum
        self._recent: deque[float] = deque(maxlen=config.curriculum.window)
        self.phase = config.phases[0]

    def observe(self, infos: Sequence[Mapping[str, Any]]) -> bool:
        """Add one step of all environments; return whether the phase advanced.

        Parameters
        ----------
        infos
            Scalars of each environment; those that rested or are still in another phase do not count.
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
        """Return the state that `load_state` needs, as plain JSON values."""
        return {"phase": self.phase, "recent": list(self._recent)}

    def load_state(self, record: Mapping[str, Any]) -> None:
        """Restore a state that `state` returned.

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
