"""The command `lagrl cascade`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from command_runs import error_of, output_of

from lagrl.problems.cascade.cascade_file import read_cascade

if TYPE_CHECKING:
    import pytest


def test_generated_files_are_read_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The printed files exist, are reproducible, and are replaced with --overwrite only."""
    command = [
        "cascade",
        "generate",
        "--out",
        str(tmp_path),
        "--n-tasks",
        "12",
        "--variant",
        "capacitated",
        "--count",
        "2",
    ]
    paths = [Path(line) for line in output_of(capsys, *command).splitlines()]
    assert len(paths) == 2
    before = [path.read_bytes() for path in paths]
    assert "--overwrite" in error_of(capsys, *command)
    output_of(capsys, *command, "--overwrite")
    assert [path.read_bytes() for path in paths] == before
    assert {read_cascade(path).variant for path in paths} == {"capacitated"}


def test_models_come_from_a_price_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With LiteLLM's table, prices and contexts are its own, and each model needs a score."""
    entry = {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "max_input_tokens": 200000, "mode": "chat"}
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({"a": entry, "b": entry}))
    command = ["cascade", "generate", "--out", str(tmp_path), "--prices", str(prices), "--models", "a,b"]
    (path,) = output_of(capsys, *command, "--scores", "0.5,0.9").splitlines()
    models = read_cascade(path).models
    assert [(model.name, model.dollars_per_million_out, model.quality) for model in models] == [
        ("a", 2, 0.5),
        ("b", 2, 0.9),
    ]
    assert "1 scores for 2 models" in error_of(capsys, *command, "--scores", "0.5")
    assert "give numbers from 0 to 1" in error_of(capsys, *command, "--scores", "0.5,nan")
    assert "given without --prices" in error_of(capsys, "cascade", "generate", "--out", str(tmp_path), "--models", "a")


def test_a_published_instance_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The instance of four tasks has its published tokens and budget."""
    (path,) = output_of(capsys, "cascade", "generate", "--out", str(tmp_path), "--published", "4").splitlines()
    cascade = read_cascade(path)
    assert (cascade.tokens.tolist(), cascade.budget_dollars) == ([960, 1996, 1699, 2665], 10.0)


def test_actions_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown action, or one without its options, is refused with a hint."""
    assert "did you mean 'generate'?" in error_of(capsys, "cascade", "gener")
    assert "missing: --out; lagrl cascade generate --help" in error_of(capsys, "cascade", "generate")


def test_an_instance_is_solved_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The text names totals and proof, the JSON the model of each task, and the CSV adds up to the cost."""
    (path,) = output_of(capsys, "cascade", "generate", "--out", str(tmp_path), "--n-tasks", "30").splitlines()
    out, picture = tmp_path / "answer.csv", tmp_path / "answer.svg"
    text = output_of(capsys, "cascade", "solve", path, "--out", str(out), "--plot", str(picture))
    assert "30 tasks, 5 models, quality; budget $" in text
    assert "from the optimum" in text
    record = json.loads(output_of(capsys, "cascade", "solve", path, "--json", "--method", "highs"))
    assert len(record["models"]) == 30
    assert record["gap_percent"] < 1e-6
    lines = [line.split(",") for line in out.read_text().splitlines()]
    assert lines[0] == ["task", "model", "dollars", "quality"]
    assert f"${sum(float(line[2]) for line in lines[1:]):.6g}," in text
    assert picture.read_text().startswith("<?xml")


def test_the_limits_can_be_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--budget replaces that of the file; one below the cheapest assignment is refused with its shortfall."""
    (path,) = output_of(capsys, "cascade", "generate", "--out", str(tmp_path)).splitlines()
    assert f"{path}: budget: 0.01 given, but the cheapest admissible assignment costs" in error_of(
        capsys, "cascade", "solve", path, "--budget", "0.01"
    )
    assert "unknown method 'fast'" in error_of(capsys, "cascade", "solve", path, "--method", "fast")
    (published,) = output_of(capsys, "cascade", "generate", "--out", str(tmp_path), "--published", "4").splitlines()
    assert "misses quality_floor 0.85 by 0.03; 1 more such obstacles" in error_of(capsys, "cascade", "solve", published)


def test_an_experiment_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """The table of penalties is printed, or its rows with --json; another name is refused."""
    assert "| 5 | 0.24 / 25 | 14.223 / 75 (0) |" in output_of(capsys, "cascade", "experiment", "penalties")
    rows = output_of(capsys, "cascade", "experiment", "penalties", "--json").splitlines()
    assert json.loads(rows[0])["experiment"] == "penalties"
    assert "unknown experiment 'x'" in error_of(capsys, "cascade", "experiment", "x")
