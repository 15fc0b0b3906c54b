"""The command `lagrl carbon`."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from lagrl.cli.entry import main

if TYPE_CHECKING:
    from pathlib import Path


def test_generate_and_solve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An instance is written, solved, and the placement saved with its record."""
    file, out = tmp_path / "a.json", tmp_path / "placement.json"
    assert main(["carbon", "generate", str(file), "--layers", "6", "--devices", "2"]) == 0
    assert main(["carbon", "solve", str(file), "--out", str(out), "--json"]) == 0
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    saved = json.loads(out.read_text())
    assert len(saved["placement"]) == 24
    assert {len(hour) for hour in saved["placement"]} == {6}
    assert record["gap_percent"] == pytest.approx(0.0, abs=1e-6)
    assert record["net_saving_g"] == pytest.approx(record["static_g"] - record["emissions_g"], abs=0.1)
    assert main(["carbon", "solve", str(file), "--method", "static"]) == 0
    assert "saving against the static placement: " in capsys.readouterr().out


def test_placement_is_drawn(tmp_path: Path) -> None:
    """The picture of a placement is written in the format of its suffix."""
    pytest.importorskip("matplotlib")
    file, picture = tmp_path / "a.json", tmp_path / "a.svg"
    assert main(["carbon", "generate", str(file), "--layers", "5", "--devices", "3"]) == 0
    assert main(["carbon", "solve", str(file), "--plot", str(picture)]) == 0
    text = picture.read_text()
    instance = json.loads(file.read_text())
    assert any(f'<g id="{device["name"]}"' in text for device in instance["devices"])  # blocks of layers and hours
    assert text.count('<g id="line2d') > 10  # axes


def test_experiments_make_rows_and_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rows of an experiment give the table that the run printed, also gzipped."""
    rows = tmp_path / "rows.jsonl"
    assert main(["carbon", "experiment", "saving", "--repeats", "1", "--out", str(rows)]) == 0
    printed = capsys.readouterr().out
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(rows.read_bytes()))
    for file in (rows, packed):
        assert main(["carbon", "experiment", "saving", "--show-rows", str(file)]) == 0
        assert capsys.readouterr().out == printed
    assert printed.count("| perfect |") == printed.count("| persistence |") == 8
    assert main(["carbon", "experiment", "qaoa", "--show-rows", str(rows)]) == 2
    assert "no rows of qaoa" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["solve", "none.json"], "none.json: no such file"),
        (["solve", "a.json", "--method", "guess"], "unknown method 'guess'"),
        (["solve", "a.json", "--seconds", "0"], "--seconds: 0 given; give more than 0"),
        (["experiment", "qaoa", "--out", "a.json"], "a.json: exists; give another name"),
        (["generate", "a.json"], "a.json: exists; give another name, or --overwrite"),
        (["generate", "b.json", "--intensity", "c.csv"], "--intensity: given alone; give --zones and --day too"),
        (["generate", "b.json", "--day", "2024-03-01"], "--day: 2024-03-01 given; give --intensity too"),
        (["solve", "small.json"], "small.json: layer_gb: layer "),
        (["generate", "b.json", "--devices", "99"], "n_devices: 99 given; give 1 to 12"),
        (["generate", "b.json", "--zones", "SE", "--devices", "1", "--day", "soon", "--intensity", "c.csv"], "--day"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    """A mistake is one line on stderr and exit code 2."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.csv").write_text(
        "Datetime (UTC),Zone id,Carbon intensity gCO2eq/kWh (direct),Carbon intensity gCO2eq/kWh (Life cycle)\n"
        "2021-01-01 00:00,SE,1,2\n"
    )
    assert main(["carbon", "generate", "a.json", "--layers", "3", "--devices", "2"]) == 0
    instance = json.loads((tmp_path / "a.json").read_text())
    for device in instance["devices"]:
        device["memory_gb"] = 1e-3
    (tmp_path / "small.json").write_text(json.dumps(instance))
    capsys.readouterr()
    assert main(["carbon", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
