"""The shipped table of best known costs."""

from __future__ import annotations

import csv
from importlib import resources
from typing import TYPE_CHECKING

import pytest

from lagrl.problems.best_known import best_known

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("name", "cost"), [("A-n32-k5", 784), ("CMT1", 524.61), ("nobody", None)])
def test_costs_are_found_by_name(name: str, cost: float | None) -> None:
    """A name of the table gives its cost, any other gives None."""
    assert best_known(name) == cost


def test_the_table_is_sound() -> None:
    """Each of the 157 names comes once, with a positive cost."""
    text = resources.files("lagrl.problems").joinpath("data", "best_known.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len({row["name"] for row in rows}) == len(rows) == 157
    assert all(float(row["cost"]) > 0 for row in rows)


def test_the_table_agrees_with_the_index(cvrplib_folder: Path) -> None:
    """Where the index of the data is at hand, its values are the table's."""
    index = cvrplib_folder / "index.csv"
    if not index.is_file():
        pytest.skip(f"no index.csv in {cvrplib_folder}")
    with index.open(encoding="utf-8") as stream:
        assert all(best_known(row["name"]) == float(row["bks"]) for row in csv.DictReader(stream))
