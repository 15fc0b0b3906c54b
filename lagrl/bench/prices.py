"""PriceTable, powers and intensities from which a ledger is computed; a user's file replaces any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from lagrl.io.json_text import read_json
from lagrl.io.records import Check, from_record, may_lack

if TYPE_CHECKING:
    import os

Amount = Annotated[float, Check(lambda value: value >= 0, "a number of 0 or more")]
Runs = Annotated[int, Check(lambda value: value >= 1, "a whole number of 1 or more")]

_REMEDY = "give a JSON object with fields of lagrl.bench.prices.PriceTable"


@dataclass(frozen=True)
class PriceTable:
    """What a second of each resource costs, in money, energy and emissions.

    All are assumptions until a user's file replaces them. Sources of the defaults: IBM's price of pay-as-you-go access
    (May 2026, second-hand); the power of a quantum computer as D-Wave states it for one of its own, as there is no
    measured figure of the superconducting computers that jobs go to (10 to 40 kW are plausible); a share of a server's
    processor for the rest.

    Attributes
    ----------
    date
        Date of the prices.
    currency
        Unit of money.
    cpu_money_per_hour
        Price of a processor core, per hour.
    cpu_watts
        Power of a core with its share of the memory, W.
    qpu_money_per_second
        Price of a second of a quantum computer, where a row has no price.
    qpu_watts
        Power of a quantum computer with its cooling, W.
    power_usage_effectiveness
        Energy of the whole data centre per energy of its computers; counts for processors only.
    carbon_g_per_kwh
        Carbon intensity of the electricity, gCO2e/kWh.
    amortised_runs
        Number of runs over which a policy's training is divided.
    money_per_distance_unit
        Worth of a distance unit saved, for the break-even price of a quantum computer; None if not given.
    """

    date: str = may_lack("2026-05")
    currency: str = may_lack("USD")
    cpu_money_per_hour: Amount = may_lack(0.05)
    cpu_watts: Amount = may_lack(12.0)
    qpu_money_per_second: Amount = may_lack(1.60)
    qpu_watts: Amount = may_lack(25_000.0)
    power_usage_effectiveness: Amount = may_lack(1.2)
    carbon_g_per_kwh: Amount = may_lack(400.0)
    amortised_runs: Runs = may_lack(1000)
    money_per_distance_unit: Amount | None = may_lack(None)


def read_prices(path: str | os.PathLike[str]) -> PriceTable:
    """Read prices; fields that the file lacks keep their defaults.

    Raises
    ------
    InputError
        If the file cannot be read, or a field is unknown or has a wrong value.
    """
    return from_record(PriceTable, read_json(path, remedy=_REMEDY), "", source=str(path), remedy=_REMEDY)
