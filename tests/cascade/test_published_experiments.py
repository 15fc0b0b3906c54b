"""The published experiments: what was published, what the formula says, and what the exported circuits do."""

from __future__ import annotations

from math import sqrt

import pytest

from lagrl.cascade.experiment_tables import experiment_table
from lagrl.cascade.experiments import experiment_rows
from lagrl.cascade.published_runs import formula_energies, published_penalties, published_runs
from lagrl.errors import UnknownNameError


@pytest.mark.parametrize("name", ["b", "c"])
def test_the_columns_agree_with_what_was_published(name: str) -> None:
    """As written is within sampling error of the published simulator, as run on FakeFez within 3 points of hardware."""
    rows = list(experiment_rows(name))
    assert len({row["key"] for row in rows}) == len(rows)
    for layers in {row["layers"] for row in rows}:
        own = {(row["source"], row["backend"]): row for row in rows if row["layers"] == layers}
        exact, shots = own["as written", None]["valid"], own["as written", None]["shots"]
        error = sqrt(exact * (1 - exact) / shots)
        assert abs(own["published simulator", None]["valid"] - exact) < 3 * error
        assert abs(own["as run", "fez"]["valid"] - own["published hardware", "fez"]["valid"]) < 0.03
        assert own["uniform bits", None]["valid"] == (3 / 8) ** 4
        assert own["uniform valid", None]["valid"] == 1.0
    if name == "b":
        shallow = {(row["source"], row["backend"]): row for row in rows if row["layers"] == 1}
        assert shallow["as run", None]["valid"] > 50 * shallow["as written", None]["valid"]
        counts = shallow["as run", "fez"]["depth"], shallow["as run", "fez"]["cz"]
        assert counts == (52, 48) == (shallow["published hardware", "fez"]["depth"], 48)
    table = experiment_table(name, rows)
    assert "| 12 | 2 | fez |" in table
    assert "Right circuits" not in table


def test_the_formulas_minimum_leaves_a_task_out() -> None:
    """With λ_A = 50 < λ_Q P = 400 the minimum of the 12-qubit instance does not assign every task."""
    energy = formula_energies(4)
    assert energy.min() == pytest.approx(52.67, abs=0.01)
    assert formula_energies(4, lambda_assignment=500.0).min() == pytest.approx(402.67, abs=0.01)


def test_the_table_of_penalties_does_not_follow_from_the_formula() -> None:
    """From λ_Q = 5 to 80 the formula's minimum is the same, unlike the published rows."""
    rows = {row["lambda_quality"]: row for row in experiment_rows("penalties")}
    for published in published_penalties():
        row = rows[published["lambda_quality"]]
        assert row["published_dollars"] == pytest.approx(14.223)
        assert row["published_quality"] == 0.75
        assert (row["table_dollars"], row["table_quality"]) == (published["dollars"], published["quality"])
        assert row["right_unassigned"] == 0
    assert rows[0.1]["published_dollars"] < 7
    assert rows[40.0]["published_unassigned"] == 1
    assert "| 40 | 14.22 / 75 | 14.223 / 75 (1) | 14.223 / 75 (0) |" in experiment_table(
        "penalties", list(rows.values())
    )


def test_angles_and_counts_are_complete() -> None:
    """Each published run has as many angles and blocks as layers."""
    runs = [run for name in "abcd" for run in published_runs(name)]
    assert len(runs) == 10
    for run in runs:
        assert len(run.gamma) == len(run.beta) == len(run.blocks) == run.layers
        assert all(0 <= device.valid <= run.shots for device in run.devices.values())


def test_rows_that_are_there_are_skipped() -> None:
    """Keys to skip are left out, and an unknown experiment is refused."""
    skip = {f"penalties-{value}" for value in (0.1, 0.2, 0.5, 1.0, 2.0)}
    assert next(experiment_rows("penalties", skip=skip))["lambda_quality"] == 5.0
    with pytest.raises(UnknownNameError, match="unknown experiment 'e'"):
        list(experiment_rows("e"))
