"""Pictures of the experiments of companion problems, and of a journal."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.journal.journal import JournalSummary
from lagrl.relaxation.sampler import SamplingCost

pytest.importorskip("matplotlib", reason="the pictures need matplotlib (extra viz)")

from lagrl.plot.experiment_pictures import cascade_experiment, journal_counts, placement_experiment

ROWS = Path(__file__).parents[2] / "docs/rows"


def rows_of(file: str, field: str, name: str) -> list[dict[str, Any]]:
    """The committed rows of an experiment."""
    with gzip.open(ROWS / file, "rt") as lines:
        return [row for row in map(json.loads, lines) if row.get(field) == name]


@pytest.mark.parametrize(("name", "titles"), [("a", 3), ("b", 2), ("d", 2)])
def test_valid_shots_are_drawn_by_circuit(name: str, titles: int) -> None:
    """A panel for each kind of rows, with each row's share at its circuit; a source has one colour in all panels."""
    rows = rows_of("cascade.jsonl.gz", "experiment", name)
    figure = cascade_experiment(name, rows)
    assert len({axes.get_title(loc="left") for axes in figure.axes}) == titles
    first = figure.axes[0]
    written = next(container for container in first.containers if container.get_label() == "as written")
    expected = {
        (row["qubits"], row["layers"]): 100 * row["valid"]
        for row in rows
        if (row["source"], row["backend"]) == ("as written", None)
    }
    assert written.lines[0].get_ydata() == pytest.approx([expected[key] for key in sorted(expected)])
    colours = {
        (container.get_label(), container.lines[0].get_color()) for axes in figure.axes for container in axes.containers
    }
    assert len(colours) == len({label for label, _ in colours})


@pytest.mark.parametrize(("name", "panels"), [("exact", 2), ("saving", 1), ("qaoa", 2)])
def test_placements_are_drawn_with_their_ranges(name: str, panels: int) -> None:
    """Each series of the rows is in the legend, and every mean lies within the axis."""
    rows = rows_of("carbon.jsonl.gz", "part", name)
    figure = placement_experiment(name, rows)
    assert len(figure.axes) == panels
    named = {text.get_text() for text in figure.legends[0].get_texts()}
    if name == "exact":
        assert named == {row["method"] for row in rows if "emissions_g" in row}
    for axes in figure.axes:
        low, high = axes.get_ylim()
        for container in axes.containers:
            means = np.asarray(container.lines[0].get_ydata())
            assert ((low - 1e-9 <= means) & (means <= high)).all()


def test_a_journal_is_drawn() -> None:
    """The longest runs come first, the rest is counted together; jobs are ended, failed or pending."""
    paid = SamplingCost(circuits=4, shots=400, qpu_seconds=1.5)
    runs = {f"run {number}": number for number in range(1, 16)}
    summary = JournalSummary(Path("a.sqlite"), runs, ("qaoa",), 120, paid, 7, 2, (), paid)
    left, right = journal_counts(summary).axes
    assert [bar.get_width() for bar in left.patches] == [*range(15, 3, -1), 1 + 2 + 3]
    assert [label.get_text() for label in left.get_yticklabels()][-1] == "3 others"
    assert [bar.get_width() for bar in right.patches] == [5, 2, 0]
    assert "1.5 s" in right.get_title(loc="left")


def test_nothing_to_draw_is_named() -> None:
    """No rows, and an unknown experiment."""
    with pytest.raises(InputError, match="rows: nothing given; give at least one row"):
        cascade_experiment("a", [])
    with pytest.raises(UnknownNameError, match="unknown experiment 'speed'"):
        placement_experiment("speed", [{}])
