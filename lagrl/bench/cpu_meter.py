"""Energy of the processor during a solve, measured by codecarbon where the processor's counter can be read."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from lagrl.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

JOULES_PER_KWH = 3.6e6


class EnergyTracker(Protocol):
    """The part of codecarbon's trackers that is used."""

    def start_task(self) -> None:
        """Start to measure."""
        ...

    def stop_task(self) -> Any:
        """Return an object whose `cpu_energy` is the energy since the start, kWh."""
        ...


class CpuMeter:
    """Measures the energy of the whole processor, other programs' work included.

    Parameters
    ----------
    tracker
        Replaces codecarbon's tracker.

    Raises
    ------
    MissingExtraError
        Without codecarbon.
    InputError
        If no counter of the processor (RAPL) can be read: codecarbon would estimate, as the ledger does without it.
    """

    def __init__(self, tracker: EnergyTracker | None = None) -> None:
        self._tracker = counting_tracker() if tracker is None else tracker

    @contextmanager
    def measuring(self) -> Iterator[dict[str, float]]:
        """Measure a block; afterwards the yielded dict has `cpu_joules`, its energy in J."""
        measured: dict[str, float] = {}
        self._tracker.start_task()
        try:
            yield measured
        finally:
            measured["cpu_joules"] = round(self._tracker.stop_task().cpu_energy * JOULES_PER_KWH, 6)


def counting_tracker() -> EnergyTracker:
    """Return a tracker of codecarbon that reads the processor's counter; see `CpuMeter` for the errors."""
    logging.getLogger("codecarbon").disabled = True  # its messages are not for users of lagrl
    try:
        from codecarbon.core.cpu import is_rapl_available
    except ImportError as error:
        raise MissingExtraError.of("codecarbon", "bench", "measuring energy") from error
    if not is_rapl_available():
        raise InputError(
            "the processor's energy counter (RAPL) is missing or cannot be read",
            field="energy",
            remedy="leave it out: lagrl report --ledger then estimates the energy from cpu_watts",
        )
    return offline_tracker()


def offline_tracker() -> EnergyTracker:
    """Return a tracker that writes no file, uses no network and prints nothing."""
    from codecarbon import OfflineEmissionsTracker

    tracker: EnergyTracker = OfflineEmissionsTracker(
        country_iso_code="USA",  # it needs a country for emissions, which are not used
        tracking_mode="machine",
        output_methods=[],
        emissions_endpoint=None,
        force_mode_cpu_load=False,
        allow_multiple_runs=True,
        log_level="critical",
    )
    return tracker
