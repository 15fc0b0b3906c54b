"""The ledger of a run: what each part of it took, in seconds, energy, emissions and money."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lagrl.bench.cpu_meter import JOULES_PER_KWH
from lagrl.errors import InputError
from lagrl.io.json_text import read_json
from lagrl.io.shipped import or_shipped

if TYPE_CHECKING:
    from lagrl.bench.prices import PriceTable
    from lagrl.bench.schema import Row

Origin = Literal["measured", "charged", "estimated", "assumed"]
"""Where a figure comes from: a clock, a bill, a calculation from measured seconds, or a value without any evidence."""


@dataclass(frozen=True)
class Figure:
    """A number and where it comes from."""

    value: float
    origin: Origin


@dataclass(frozen=True)
class Entry:
    """One part of a run.

    Attributes
    ----------
    name
        `optimiser` (multipliers and search), `decoding` (decoding and repair; part of the optimiser in rows that do not
        have its seconds), `encoding` (making QUBOs, angles and circuits, and compiling; part of the sampler in rows
        that do not have its seconds), `sampler` (simulated or classical sampling on this computer, or waiting for
        results), `quantum computer`, `queue`, `recording` (exact values for the record) or `training` (a policy's,
        divided by the number of runs).
    seconds
        Its time, s.
    joules
        Its energy, J.
    grams
        Its emissions, gCO2e.
    money
        Its price, in the currency of the prices.
    """

    name: str
    seconds: Figure
    joules: Figure
    grams: Figure
    money: Figure


def ledger(row: Row, prices: PriceTable) -> list[Entry]:
    """Return the entries of a row's run; parts that took no time are left out.

    Parameters
    ----------
    row
        A result row.
    prices
        PriceTable, powers and intensities.
    """
    watts = _measured_watts(row)
    qpu, decoding = float(row.get("qpu_seconds", 0.0)), float(row.get("decoding_seconds", 0.0))
    sampling = max(row["quantum_seconds"] - qpu, 0.0)
    encoding = min(float(row.get("encoding_seconds", 0.0)), sampling)  # that of jobs at the same time may be more
    found = [
        _on_cpu("optimiser", max(row["seconds"] - decoding, 0.0), prices, watts),
        _on_cpu("decoding", decoding, prices, watts),
        _on_cpu("encoding", encoding, prices, watts),
        _on_cpu("sampler", sampling - encoding, prices, watts),
        _on_qpu(row, qpu, prices),
        _in_queue(float(row.get("queue_seconds", 0.0))),
        _on_cpu("recording", row["recording_seconds"], prices, watts),
    ]
    training = training_seconds(row["controller"])
    if training:
        share = training / prices.amortised_runs
        entry = _on_cpu("training", share, prices)
        found.append(Entry("training", Figure(share, "assumed"), *(Figure(f.value, "assumed") for f in _costs(entry))))
    return [entry for entry in found if entry.seconds.value > 0]


def run_seconds(row: Row) -> float:
    """Return the time of a run without queue and recording, s: the one at which runs are compared."""
    return float(row["seconds"] + row["quantum_seconds"])


def is_quantum(row: Row) -> bool:
    """Whether a run executed circuits, on a simulator or a quantum computer."""
    return bool(row["circuits"] or row.get("jobs", 0) or row.get("qpu_seconds", 0.0))


def training_seconds(controller: str) -> float | None:
    """Return the training time that a checkpoint's card states, s; None for a classical rule or a card without it."""
    if not controller.startswith("checkpoints/"):
        return None
    try:
        card = read_json(or_shipped(Path(controller), ".json").with_suffix(".json"), remedy="train it again")
        seconds = float(card["card"]["training"]["seconds"])
    except (InputError, ValueError, KeyError, TypeError):
        return None
    return seconds if 0 < seconds < math.inf else None


def total(entries: list[Entry], name: Literal["joules", "grams", "money"]) -> float:
    """Return the sum of a figure over the entries, without the recording, which is no part of a solve."""
    figures: list[Figure] = [getattr(entry, name) for entry in entries if entry.name != "recording"]
    return sum(figure.value for figure in figures)


def _measured_watts(row: Row) -> float | None:
    """Return the mean power of the processor in a run whose energy was measured, W; None for other runs."""
    joules = row.get("cpu_joules")
    seconds = run_seconds(row) + row["recording_seconds"] - float(row.get("qpu_seconds", 0.0))
    return None if joules is None or seconds <= 0 else joules / seconds


def _on_cpu(name: str, seconds: float, prices: PriceTable, measured_watts: float | None = None) -> Entry:
    watts = prices.cpu_watts if measured_watts is None else measured_watts
    of_centre = seconds * watts * prices.power_usage_effectiveness
    of_processor = None if measured_watts is None else seconds * measured_watts  # that alone is measured
    return Entry(
        name,
        Figure(float(seconds), "measured"),
        Figure(of_centre, "estimated") if of_processor is None else Figure(of_processor, "measured"),
        Figure(of_centre / JOULES_PER_KWH * prices.carbon_g_per_kwh, "estimated"),
        Figure(seconds / 3600 * prices.cpu_money_per_hour, "estimated"),
    )


def _on_qpu(row: Row, seconds: float, prices: PriceTable) -> Entry:
    joules = seconds * prices.qpu_watts
    price = row.get("price")
    money = Figure(seconds * prices.qpu_money_per_second, "assumed") if price is None else Figure(price, "charged")
    grams = joules / JOULES_PER_KWH * prices.carbon_g_per_kwh
    return Entry(
        "quantum computer", Figure(seconds, "charged"), Figure(joules, "assumed"), Figure(grams, "assumed"), money
    )


def _in_queue(seconds: float) -> Entry:
    none = Figure(0.0, "assumed")
    return Entry("queue", Figure(seconds, "measured"), none, none, none)


def _costs(entry: Entry) -> tuple[Figure, Figure, Figure]:
    return entry.joules, entry.grams, entry.money
