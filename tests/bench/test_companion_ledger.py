"""The ledger of cascade routing and carbon-aware placement."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from lagrl.bench.companion_rows import are_companions, read_companions
from lagrl.bench.grouping import Grouping, Line
from lagrl.bench.ledger import ledger
from lagrl.bench.ledger_report import companion_ledger_report
from lagrl.bench.prices import PriceTable
from lagrl.bench.verdict import verdicts
from lagrl.cli.entry import main
from lagrl.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def chain_row(sampler: str, gap: float, seconds: float, seed: int = 0) -> dict[str, Any]:
    """A row of `lagrl carbon experiment qaoa`."""
    base = {"part": "qaoa", "layers": 8, "seed": seed, "shots": 64, "optimum_g": 100.0, "sampler": sampler}
    return {**base, "best_gap_percent": gap, "mean_gap_percent": gap, "optimal_share": 0.0, "seconds": seconds}


def candidate_row(source: str, objective: float, sampling: float, seed: int = 0) -> dict[str, Any]:
    """A row of candidates of cascade routing."""
    head = {"kind": "candidates", "instance": f"C-{seed}", "n": 20, "m": 4, "seed": seed, "source": source}
    parts = {"seconds": 0.5, "sampling_seconds": sampling, "decoding_seconds": 0.25}
    return {**head, "refined": True, "shots": 256, "gap_percent": 1.0, "objective": objective, **parts}


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows as a file of JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_circuits_of_a_chain_pay_only_against_slower_methods(tmp_path: Path) -> None:
    """The same circuits do not pay beside an exact method that is faster, and do where it takes longer than they."""
    circuits = [chain_row("warm p=1", 1.0, 2.0, seed) for seed in range(3)]
    controls = [chain_row("product", 5.0, 1.0, seed) for seed in range(3)]
    for seconds, paid, improvement in ((0.001, False, -1.0), (9.0, True, 4.0)):
        exact = [chain_row("dynamic programming", 0.0, seconds, seed) for seed in range(3)]
        path = written(tmp_path / f"{paid}.jsonl", circuits + controls + exact)
        (problem,) = read_companions([path])
        (found,) = verdicts(Grouping(problem.rows), PriceTable())
        assert (found.line.sampler, found.budget, found.n_instances) == ("warm p=1", 64, 3)
        assert found.improvement.mean == pytest.approx(improvement)
        assert found.paid == paid
        text = companion_ledger_report([problem], PriceTable())
        assert ("did not pay |" in text) != paid
        assert "improvement, gCO2e" in text


def test_parts_of_a_candidate_add_up(tmp_path: Path) -> None:
    """Multiplier, decoding and draws are entries of their own; a start without gates is classical."""
    rows = [candidate_row("XY ring, one layer", 2.0, 1.0), candidate_row("weighted start alone", 2.0, 0.125)]
    (problem,) = read_companions([written(tmp_path / "rows.jsonl", rows)])
    parts = {entry.name: entry.seconds.value for entry in ledger(problem.rows[0], PriceTable())}
    assert parts == {"optimiser": 0.5, "decoding": 0.25, "sampler": 1.0}
    assert "compilation are not recorded in 1 of 1 rows with circuits" in companion_ledger_report(
        [problem], PriceTable()
    )
    (newer,) = read_companions([written(tmp_path / "new.jsonl", [row | {"encoding_seconds": 0.25} for row in rows])])
    parts = {entry.name: entry.seconds.value for entry in ledger(newer.rows[0], PriceTable())}
    assert (parts["encoding"], parts["sampler"]) == (0.25, 0.75)
    assert "compilation are not recorded" not in companion_ledger_report([newer], PriceTable())
    assert [row["circuits"] for row in problem.rows] == [1, 0]
    (found,) = verdicts(Grouping(problem.rows), PriceTable())
    assert not found.paid  # the start is as good, in less time


def test_problems_are_apart_and_rows_without_seconds_are_counted(tmp_path: Path) -> None:
    """Each problem has its own unit; refused and published runs have no seconds, and heads are no rows."""
    placed = {"part": "exact", "layers": 9, "devices": 3, "memory": 0.5, "seed": 0, "method": "static"}
    rows = [
        {"kind": "head", "versions": {}},
        {"kind": "experiment", "key": "a", "valid": 0.5},
        {**placed, "emissions_g": 5.0, "seconds": 0.5},
        {**placed, "method": "min-cut", "refused": "three devices"},
        candidate_row("uniform valid", 3.0, 0.5),
    ]
    path = written(tmp_path / "rows.jsonl", rows)
    assert are_companions([path])
    budget, placement = read_companions([path])
    assert (budget.unit, len(budget.rows), budget.n_without_seconds) == ("points of score", 1, 1)
    assert (placement.unit, len(placement.rows), placement.n_without_seconds) == ("gCO2e", 1, 1)
    assert placement.rows[0]["controller"] == "9 layers, 3 devices, memory 0.5"
    assert "there is no verdict" in companion_ledger_report([placement], PriceTable())
    assert "not recorded: 1." in companion_ledger_report([placement], PriceTable())


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`lagrl report --ledger` takes the files, gzipped too, with prices and --out; without --ledger it says so."""
    path, out = tmp_path / "rows.jsonl.gz", tmp_path / "ledger.md"
    rows = [chain_row("warm p=1", 1.0, 2.0), chain_row("dynamic programming", 0.0, 0.001)]
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    assert main(["report", str(path), "--ledger"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("## Ledger: One hour of placement on two devices")
    assert "did not pay" in text
    assert main(["report", str(path), "--ledger", "--out", str(out)]) == 0
    assert out.read_text() == text
    assert main(["report", str(path)]) != 0
    assert "give --ledger" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "message"),
    [({"part": "other"}, "'other' is no kind of row"), ({"part": "exact", "emissions_g": 1.0}, "no row of exact")],
)
def test_wrong_rows_name_their_line(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    """An unknown kind or a missing field is refused with file and line."""
    with pytest.raises(InputError, match="line 1") as caught:
        read_companions([written(tmp_path / "rows.jsonl", [row])])
    assert message in str(caught.value)


def test_sizes_are_in_order_of_their_numbers(tmp_path: Path) -> None:
    """60 layers come before 500, and 100 × 5 before 1,000 × 10; equal numbers written otherwise stay apart."""
    placed = {"part": "exact", "devices": 3, "memory": None, "seed": 0, "method": "static"}
    rows = [{**placed, "layers": n, "emissions_g": 5.0, "seconds": 0.5} for n in (500, 60, 1000, 12)]
    (problem,) = read_companions([written(tmp_path / "rows.jsonl", rows)])
    assert [line.controller.split()[0] for line in Grouping(problem.rows).lines] == ["12", "60", "500", "1000"]
    names = [
        "100 × 5",
        "1,000 × 5",
        "1,000 × 10",
        "1,000 × 10 a",
        "1000 × 10 a",
        "qaoa",
        "qaoa+layers=2",
        "qaoa+layers=10",
    ]
    lines = [Line(name, "", "") for name in names]
    assert sorted(reversed(lines)) == lines
