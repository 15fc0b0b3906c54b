"""What configurations of trainings share: presets, JSON, and the checks of single fields."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from lagrl.errors import InputError, UnknownNameError
from lagrl.io.records import from_record, to_record


class PresetConfig:
    """Base of a frozen dataclass of hyper-parameters whose presets change a few of the defaults."""

    DEFAULTS: ClassVar[dict[str, dict[str, Any]]] = {"small": {}}

    @classmethod
    def preset(cls, name: str) -> Self:
        """Return a named configuration: `small` for two CPU cores, or `reference`, several times the work.

        Raises
        ------
        UnknownNameError
            If there is no such preset.
        """
        if name not in cls.DEFAULTS:
            raise UnknownNameError.of("preset", name, cls.DEFAULTS)
        return cls(**cls.DEFAULTS[name])

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return to_record(self)

    @classmethod
    def from_json(cls, record: dict[str, Any], *, source: str | None = None) -> Self:
        """Return the configuration of a record that `to_json` returned.

        Raises
        ------
        InputError
            If an entry is unknown, missing or of another type.
        """
        return from_record(cls, record, "configuration", source=source, remedy="start a new run")

    def _require_from_one(self, name: str) -> None:
        if getattr(self, name) < 1:
            raise InputError(f"{getattr(self, name)} given", field=name, remedy="give 1 or more")

    def _require_range(self, name: str, least: int, most: int) -> None:
        low, high = getattr(self, name)
        if not least <= low <= high <= most:
            raise InputError(f"{low} {high} given", field=name, remedy=f"give {least} … {most}, the lower first")

    def _require_share(self, name: str) -> None:
        if not 0.0 <= getattr(self, name) <= 1.0:
            raise InputError(f"{getattr(self, name)} given", field=name, remedy="give a share, 0 … 1")

    def _require_above_zero(self, name: str) -> None:
        if not getattr(self, name) > 0.0:
            raise InputError(f"{getattr(self, name)} given", field=name, remedy="give a number above 0")
