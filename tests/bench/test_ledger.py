"""The ledger of runs: figures with their origins, verdicts at equal seconds, and submission sheets."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lagrl.bench.grouping import Grouping
from lagrl.bench.ledger import ledger, total, training_seconds
from lagrl.bench.ledger_report import ledger_report
from lagrl.bench.prices import PriceTable, read_prices
from lagrl.bench.qoblib import FIELDS, write_qoblib
from lagrl.bench.rows import RowStore, read_rows
from lagrl.bench.verdict import best_within, break_even_price, time_to_solution, verdicts
from lagrl.cli.entry import main
from lagrl.errors import InputError, OutputError

if TYPE_CHECKING:
    from pathlib import Path

PRICES = PriceTable(cpu_watts=10.0, power_usage_effectiveness=1.0, cpu_money_per_hour=3.6, qpu_money_per_second=2.0)


def row(instance: str = "A-n9-k2", *, cost: float, seconds: float, seed: int = 0, **other: Any) -> dict[str, Any]:
    """A result row; circuits > 0 makes it a quantum one."""
    quantum = {"circuits": 5, "shots": 50} if other.pop("quantum", False) else {"circuits": 0, "shots": 0}
    sampler = "qaoa" if quantum["circuits"] else "exact"
    made = {
        "schema": "lagrl-row/1",
        "key": f"{instance}:{sampler}:{seed}:{cost}",
        "instance": instance,
        "family": "A",
        "n_customers": 8,
        "n_vehicles": 2,
        "controller": "cfm",
        "sampler": sampler,
        "fleet": "exact:2",
        "method": "pool",
        "budget": 10,
        "seed": seed,
        "evaluations": 10,
        **quantum,
        "seconds": seconds,
        "quantum_seconds": 0.0,
        "recording_seconds": 0.0,
        "dual_value": None,
        "cost": cost,
        "best_known": 100.0,
        "gap_pct": cost - 100.0,
        "n_routes": 2,
        "feasible": True,
        "config": {"sampler": sampler, "method": "pool"},
        "config_hash": "x",
        "versions": {},
        "git_revision": None,
        "history": [[1, seconds / 2, cost + 5], [10, seconds, cost]],
    }
    return made | other


def test_every_part_has_its_origin() -> None:
    """Seconds on a processor are measured and their energy estimated; a quantum computer's are charged."""
    of_qpu = {"quantum_seconds": 7.0, "qpu_seconds": 2.0, "queue_seconds": 60.0, "recording_seconds": 1.0}
    entries = {e.name: e for e in ledger(row(cost=100, seconds=3.0, quantum=True, **of_qpu), PRICES)}
    assert list(entries) == ["optimiser", "sampler", "quantum computer", "queue", "recording"]
    assert entries["optimiser"].joules == type(entries["optimiser"].joules)(30.0, "estimated")
    assert entries["sampler"].seconds.value == 5.0
    qpu = entries["quantum computer"]
    assert (qpu.seconds.origin, qpu.joules.origin, qpu.money.origin) == ("charged", "assumed", "assumed")
    assert qpu.money.value == 4.0
    assert entries["queue"].money.value == 0.0
    assert total(list(entries.values()), "money") == pytest.approx((3 + 5) * 1e-3 + 4.0)  # without the recording


def test_decoding_is_apart_where_a_row_has_its_seconds() -> None:
    """The optimiser's seconds are less by those of decoding; older rows have both in one, and the report says so."""
    old, new = row(cost=100, seconds=3.0), row(cost=100, seconds=3.0, seed=1, decoding_seconds=1.0)
    parts = {entry.name: entry.seconds.value for entry in ledger(new, PRICES)}
    assert parts == {"optimiser": 2.0, "decoding": 1.0}
    assert [entry.name for entry in ledger(old, PRICES)] == ["optimiser"]
    assert "not recorded in 1 of 2 rows" in ledger_report([old, new], PRICES)
    assert "not recorded" not in ledger_report([new], PRICES)


def test_encoding_is_apart_where_a_row_has_its_seconds() -> None:
    """The sampler's seconds are less by those of encoding; rows without them say so, and never show 0."""
    old = row(cost=100, seconds=3.0, quantum=True, quantum_seconds=7.0, qpu_seconds=2.0)
    new = old | {"encoding_seconds": 1.5}
    parts = {entry.name: entry.seconds for entry in ledger(new, PRICES)}
    assert [(name, parts[name].value) for name in ("encoding", "sampler")] == [("encoding", 1.5), ("sampler", 3.5)]
    assert parts["encoding"].origin == "measured"
    assert total(ledger(new, PRICES), "money") == total(ledger(old, PRICES), "money")
    at_the_same_time = {entry.name: entry.seconds.value for entry in ledger(old | {"encoding_seconds": 9.0}, PRICES)}
    assert at_the_same_time["encoding"] == 5.0
    assert "encoding" not in {entry.name for entry in ledger(old, PRICES)}
    classical = row(cost=100, seconds=3.0, seed=2)
    text = ledger_report([old, new, classical], PRICES)
    assert "compilation are not recorded in 1 of 2 rows with circuits" in text
    assert "| encoding " in text
    assert "compilation are not recorded" not in ledger_report([new, classical], PRICES)
    unknown = ledger_report([old | {"encoding_seconds": 0.0}], PRICES)  # of a sampler that does not measure it
    assert "compilation are not recorded in 1 of 1" in unknown
    assert "| encoding " not in unknown


def test_energy_of_the_processor_is_measured_where_a_row_has_it() -> None:
    """It is shared out by seconds and marked measured; the data centre's emissions stay an estimate."""
    prices = PriceTable(power_usage_effectiveness=2.0, carbon_g_per_kwh=3.6e6)
    parts = {e.name: e for e in ledger(row(cost=100, seconds=3.0, decoding_seconds=1.0, cpu_joules=60.0), prices)}
    assert {name: (e.joules.value, e.joules.origin) for name, e in parts.items()} == {
        "optimiser": (40.0, "measured"),
        "decoding": (20.0, "measured"),
    }
    assert (parts["optimiser"].grams.value, parts["optimiser"].grams.origin) == (80.0, "estimated")


def test_a_price_in_the_row_is_charged() -> None:
    """The row's own price goes before the table's."""
    entries = ledger(row(cost=100, seconds=1.0, quantum=True, qpu_seconds=2.0, price=9.0), PRICES)
    money = next(e.money for e in entries if e.name == "quantum computer")
    assert (money.value, money.origin) == (9.0, "charged")


def test_training_is_divided_by_the_runs() -> None:
    """A shipped checkpoint's training is an entry of its own; rules and unknown files have none."""
    assert training_seconds("cfm") is None
    assert training_seconds("checkpoints/nobody") is None
    seconds = training_seconds("checkpoints/bc-small")
    assert seconds is not None
    assert seconds > 0
    entry = ledger(row(cost=100, seconds=1.0, controller="checkpoints/bc-small"), PRICES)[-1]
    assert (entry.name, entry.seconds.origin) == ("training", "assumed")
    assert entry.seconds.value == pytest.approx(seconds / 1000)


def test_classical_answers_are_those_within_the_seconds() -> None:
    """Of a longer classical run, only the costs that it had reached in time count."""
    long = row(cost=101, seconds=10.0)
    assert best_within([long], 4.0) is None
    assert best_within([long], 5.0) == (long, 106)
    assert best_within([long], 10.0) == (long, 101)


def test_circuits_that_win_at_equal_seconds_pay() -> None:
    """An improvement on every instance has a price per unit; none gives no ratio."""
    names = [f"A-n9-k{i}" for i in range(2, 9)]
    classical = [row(name, cost=110, seconds=1.0) for name in names]
    better = [row(name, cost=105, seconds=2.0, quantum=True, qpu_seconds=1.0, quantum_seconds=1.0) for name in names]
    (found,) = verdicts(Grouping(classical + better), PRICES)
    assert found.n_instances == 7
    assert found.improvement.mean == 5.0
    assert found.money_per_unit == pytest.approx((2e-3 + 2.0 - 1e-3) / 5)
    long = [row(name, cost=102, seconds=8.0) for name in names]  # its cost was 107 after 4 s, whose price counts
    (found,) = verdicts(Grouping(long + [row(name, cost=105, seconds=4.0, quantum=True) for name in names]), PRICES)
    assert found.improvement.mean == 2.0
    assert found.money == pytest.approx(0.0, abs=1e-12)
    equal = [row(name, cost=110 - 1e-12, seconds=2.0, quantum=True) for name in names]  # up to rounding
    (found,) = verdicts(Grouping(classical + equal), PRICES)
    assert (found.improvement.mean, found.paid) == (0.0, False)
    worse = [row(name, cost=115, seconds=2.0, quantum=True) for name in names]
    (found,) = verdicts(Grouping(classical + worse), PRICES)
    assert (found.paid, found.money_per_unit, found.joules_per_unit) == (False, None, None)
    assert "did not pay" in ledger_report(classical + worse, PRICES)


def test_time_to_solution() -> None:
    """Half of the runs succeed: 6.64 times their time; all: their time; none: never."""
    half = [row(cost=100 + 2 * (seed % 2), seconds=1.0, seed=seed) for seed in range(10)]
    found = time_to_solution(half)
    assert found is not None
    middle, low, high = found
    assert middle == pytest.approx(math.log(0.01) / math.log(0.5))
    assert low < middle < high
    assert time_to_solution([row(cost=100, seconds=2.0)]) == pytest.approx(
        (2.0, 2.0, 2 * math.log(0.01) / math.log(1 - 0.2065)), rel=1e-3
    )
    none = time_to_solution([row(cost=150, seconds=2.0)])
    assert none is not None
    assert none[0] == math.inf
    assert time_to_solution([]) is None


def test_break_even_price() -> None:
    """The price at which the worth of the improvement is spent; none without a quantum computer."""
    run = row(cost=100, seconds=1000.0, quantum=True, qpu_seconds=2.0)
    assert break_even_price(run, improvement=3.0, value=1.0, prices=PRICES) == pytest.approx((3.0 - 1.0) / 2)
    assert break_even_price(row(cost=100, seconds=1.0), 3.0, 1.0, PRICES) is None


def test_report_shows_the_break_even_price() -> None:
    """With the worth of a distance unit the report has the price; without it the line says what to give."""
    rows = [row(cost=103, seconds=1.0), row(cost=100, seconds=1000.0, quantum=True, qpu_seconds=2.0)]
    assert "give money_per_distance_unit in --prices" in ledger_report(rows, PRICES)
    worth = replace(PRICES, money_per_distance_unit=1.0)
    (found,) = verdicts(Grouping(rows), worth)
    assert found.break_even == pytest.approx((3.0 - 1.0) / 2)
    report = ledger_report(rows, worth)
    assert "break-even, USD/s" in report
    assert "a distance unit is worth 1 USD" in report


def test_report_and_sheets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command adds the ledger with a user's prices, and writes a sheet for each line."""
    rows, prices = tmp_path / "rows.jsonl", tmp_path / "prices.json"
    with RowStore(rows) as store:
        store.append(row(cost=101, seconds=1.0))
        store.append(row(cost=100.5, seconds=2.0, quantum=True, qpu_seconds=0.5))
    prices.write_text(json.dumps({"currency": "EUR", "cpu_watts": 20}))
    assert main(["report", str(rows), "--ledger", "--prices", str(prices), "--qoblib", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert "EUR" in printed.out
    assert "20 W a core" in printed.out
    assert "Circuits against the best classical answer at equal seconds" in printed.out
    sheet = tmp_path / "cfm_qaoa_pool_10.csv"
    assert str(sheet) in printed.err
    (entry,) = csv.DictReader(sheet.open(encoding="utf-8"))
    assert tuple(entry) == FIELDS
    assert (entry["Problem"], entry["# Successful Runs"], entry["QPU Runtime"]) == ("CVRP A-n9-k2", "1", "0.5")
    assert json.loads(entry["Workflow"])["sampler"] == "qaoa"
    with pytest.raises(OutputError, match="no such folder"):
        write_qoblib(read_rows(rows), tmp_path / "none", date="2026-11-30")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"cpu_wats": 3}', "unknown cpu_wats"),
        ('{"cpu_watts": -3}', "cpu_watts: -3 is not a number of 0 or more"),
        ('{"cpu_watts": NaN}', "prices.json: cpu_watts: NaN is not a JSON number; give a JSON object with fields of"),
        ('{"qpu_watts": 1e999}', "prices.json: qpu_watts: inf is not a number of 0 or more"),
        ('{"amortised_runs": 0}', "amortised_runs: 0 is not a whole number of 1 or more"),
        ("[", "is not JSON"),
    ],
)
def test_wrong_prices_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    """A wrong price is refused with file and field."""
    path = tmp_path / "prices.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_prices(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--prices", "p.json"], "--prices: given alone"), (["--ledger", "--format", "csv"], "--ledger: given with")],
)
def test_options_without_effect_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    """PriceTable without a ledger, or a ledger as CSV, are one clear line."""
    rows = tmp_path / "rows.jsonl"
    with RowStore(rows) as store:
        store.append(row(cost=101, seconds=1.0))
    assert main(["report", str(rows), *options]) == 2
    assert message in capsys.readouterr().err
