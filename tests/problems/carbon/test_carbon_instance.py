"""Instances of carbon-aware placement: the cost model, files and intensity series."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lagrl.errors import InputError, InstanceError, SolutionError
from lagrl.problems.carbon.electricity_maps import day_of, read_intensity
from lagrl.problems.carbon.hardware import Layer, device_of, step_kwh, step_seconds
from lagrl.problems.carbon.instance import CarbonInstance, read_carbon, write_carbon
from lagrl.problems.carbon.placement_problem import PlacementProblem
from lagrl.problems.carbon.synthetic import demand_of_day, generate_carbon

if TYPE_CHECKING:
    from pathlib import Path

NEW = (
    "Datetime (UTC),Country,Zone name,Zone id,"
    "Carbon intensity gCO₂eq/kWh (direct),Carbon intensity gCO₂eq/kWh (Life cycle)"
)
OLD = "Datetime (UTC),Zone Name,Zone Id,Carbon Intensity gCO₂eq/kWh (direct),Carbon Intensity gCO₂eq/kWh (LCA)"


def instance(**options: Any) -> CarbonInstance:
    """A small instance."""
    return generate_carbon(np.random.default_rng(0), n_layers=4, n_devices=2, **options)


def csv_file(folder: Path, *lines: str, header: str = NEW) -> Path:
    """A file with these lines."""
    path = folder / "zone.csv"
    path.write_text("\n".join([header, *lines]), encoding="utf-8")
    return path


def test_energy_agrees_with_its_sources() -> None:
    """An 8 B model on an H100 takes about what ML.ENERGY measured at batch 64 and EcoLogits fits at batch 1."""
    layer = Layer("all", 8.0, 8.0)
    for batch, joule, tolerance in ((64, 0.12, 0.2), (1, 7.7, 0.2)):
        device = device_of("H100", "zone", batch=batch)
        whole = step_kwh(layer, device, 16, 1.0) * 3.6e6 / 1.2  # without cooling
        gpu = whole - 125 * step_seconds(layer, device, 16, 1.0)
        assert gpu / batch == pytest.approx(joule, rel=tolerance)


def test_emissions_count_each_term_once() -> None:
    """Two layers, two hours, by hand."""
    problem = PlacementProblem(
        np.array([[[1.0, 10.0], [2.0, 20.0]], [[3.0, 30.0], [4.0, 40.0]]]),
        np.array([[100.0], [200.0]]),
        np.array([[1000.0, 2000.0]]),
        np.array([1.0, 2.0]),
        np.array([np.inf, np.inf]),
        np.array([[1.0, 2.0], [3.0, 4.0]]),
        hop_ms=0.5,
    )
    placement = np.array([[0, 1], [1, 1]])
    assert problem.emissions(placement) == 1 + 20 + 30 + 40 + 100 + 1000
    assert problem.memory_gb(placement).tolist() == [[1, 2], [0, 3]]
    assert problem.time_ms(placement).tolist() == [5.5, 6.0]
    with pytest.raises(SolutionError, match="device 2; give 0 to 1"):
        problem.emissions(np.array([[0, 1], [2, 1]]))


def test_file_round_trip(tmp_path: Path) -> None:
    """What is written is read as the same instance, with the same problem to the bit."""
    made = instance(memory=0.7, limit=0.9)
    write_carbon(made, tmp_path / "a.json")
    again = read_carbon(tmp_path / "a.json")
    assert again == made
    assert (again.problem().running_g == made.problem().running_g).all()
    assert made.limit_ms is not None


def test_demand_keeps_its_total() -> None:
    """The day's tokens are those given, to rounding."""
    assert sum(demand_of_day(20e6)) == pytest.approx(20e6, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version: 2 is not 1"),
        ({"layers": []}, "layers: empty"),
        ({"bits": 0}, "bits: 0 is not a whole number from 1 to 64"),
        ({"tokens_per_hour": [1.0, float("nan")]}, r"tokens_per_hour\[1\]: nan is not a number of 0 or more"),
        ({"tokens_per_hour": [-1.0] * 24}, r"tokens_per_hour\[0\]: -1.0 is not a number of 0 or more"),
        ({"transfer_kwh_per_gb": "much"}, "transfer_kwh_per_gb: 'much' is not a number of 0 or more"),
        ({"intensity_g_per_kwh": {}}, "no zone 'zone1-"),
        ({"intensity_kind": "marginal"}, "intensity_kind: 'marginal' is not"),
        ({"colour": 1}, "unknown colour"),
    ],
)
def test_bad_files_are_one_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    """A wrong field is refused with the file and the field."""
    path = tmp_path / "a.json"
    write_carbon(instance(), path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=message) as caught:
        read_carbon(path)
    assert "a.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_inconsistent_instances_are_refused() -> None:
    """A device's name given twice, or a series of another length, is named."""
    made = instance()
    with pytest.raises(InstanceError, match="given twice"):
        replace(made, devices=(made.devices[0], made.devices[0]))
    zone = made.devices[0].zone
    with pytest.raises(InstanceError, match="23 hours for 24 of tokens_per_hour"):
        made.with_intensity({**made.intensity_g_per_kwh, zone: [1.0] * 23})
    with pytest.raises(InputError, match=r"0\.4 of the model on each of 2 devices holds 80 % of it"):
        instance(memory=0.4)
    with pytest.raises(InputError, match="unknown kind of zone 'tidal'"):
        instance(zones=("a-tidal", "b-wind"))


@pytest.mark.parametrize(("header", "kind"), [(NEW, "life cycle"), (OLD, "life cycle"), (OLD.upper(), "direct")])
def test_both_generations_of_files_are_read(tmp_path: Path, header: str, kind: Any) -> None:
    """New and old headers, in any case, and the column that was asked."""
    name = "SE,Sweden,SE" if header == NEW else "Sweden,SE"
    lines = [f"2021-01-01 0{h}:00:00,{name},{h}.5,{30 + h}" for h in range(3)]
    series = read_intensity(csv_file(tmp_path, *lines, header=header), kind)
    day = day_of(series, "SE", datetime(2021, 1, 1, tzinfo=UTC), source="zone.csv", hours=3)
    assert day == ([0.5, 1.5, 2.5] if kind == "direct" else [30, 31, 32])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["2021-01-01 00:00,SE,S,SE,1,", ""], "line 2: carbon intensity .*: '' is not a number of 0 or more"),
        (["2021-01-01 00:00,SE,S,SE,1,-2"], "'-2' is not a number of 0 or more"),
        (["2021-01-01 00:00,SE,S,SE,1,nan"], "'nan' is not a number of 0 or more"),
        (["yesterday,SE,S,SE,1,2"], "'yesterday' is not a time"),
        (["2021-01-01T00:00+01:00,SE,S,SE,1,2"], "is not in UTC"),
        (["2021-01-01 00:30,SE,S,SE,1,2"], "is not a full hour"),
        (["2021-01-01 00:00,SE,S,SE,1,2"] * 2, "line 3: zone SE: 2021-01-01 00:00 given twice"),
        (["2021-01-01 00:00,SE,S,SE,1,2", "2021-01-01 03:00,SE,S,SE,1,2"], "zone SE lacks 2 hours, the first .* 01:00"),
        (["2021-01-01 00:00,SE,S"], "3 of 6 columns"),
        ([], "has no hours"),
    ],
)
def test_bad_series_are_one_line(tmp_path: Path, lines: list[str], message: str) -> None:
    """Gaps, duplicates, wrong times and wrong numbers are refused with the line."""
    with pytest.raises(InstanceError, match=message):
        read_intensity(csv_file(tmp_path, *lines), "life cycle")


def test_other_series_are_refused(tmp_path: Path) -> None:
    """Marginal intensities must not be mixed with average ones, and other files are named."""
    with pytest.raises(InstanceError, match="marginal intensities"):
        read_intensity(csv_file(tmp_path, header="point_time,value"), "direct")
    with pytest.raises(InstanceError, match="no column 'zone id'"):
        read_intensity(csv_file(tmp_path, header="Datetime (UTC),Price"), "direct")
    with pytest.raises(InstanceError, match="cannot be read"):
        read_intensity(tmp_path / "missing.csv", "direct")


def test_missing_days_are_named(tmp_path: Path) -> None:
    """A zone or an hour that the file does not have is refused with what it has."""
    series = read_intensity(csv_file(tmp_path, "2021-01-01 00:00,SE,S,SE,1,2"), "direct")
    with pytest.raises(InstanceError, match="no zone 'DE'; known: SE"):
        day_of(series, "DE", datetime(2021, 1, 1, tzinfo=UTC), source="zone.csv")
    with pytest.raises(InstanceError, match="zone SE has no 2021-01-01 01:00; the file covers"):
        day_of(series, "SE", datetime(2021, 1, 1, tzinfo=UTC), source="zone.csv")
