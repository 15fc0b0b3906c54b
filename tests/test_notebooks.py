"""The notebooks of the site run from their first cell to the last, and print what they show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")

FOLDER = Path(__file__).parent.parent / "docs" / "notebooks"
NEEDED = {"train-a-tiny-policy": "stable_baselines3", "one-knapsack-to-shots": "qiskit"}
TRAINS = {"train-a-tiny-policy"}  # trained weights differ from machine to machine in their last digits


def printed(book: object) -> str:
    """Return what the cells print, without warnings."""
    outputs = [output for cell in book.cells for output in cell.get("outputs", ())]
    return "".join(output.text for output in outputs if output.get("name") == "stdout")


def pictures(book: object) -> int:
    """Return the number of pictures."""
    outputs = [output for cell in book.cells for output in cell.get("outputs", ())]
    return sum("image/svg+xml" in output.get("data", {}) for output in outputs)


def test_three_notebooks_are_there() -> None:
    """A notebook that is added here is tested below by itself."""
    assert len(list(FOLDER.glob("*.ipynb"))) == 3


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_prints_what_it_shows(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell runs; text and number of pictures are those of the file, numbers of a training aside."""
    pytest.importorskip("matplotlib")
    if path.stem in NEEDED:
        pytest.importorskip(NEEDED[path.stem])
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent.parent))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    stored = nbformat.read(path, as_version=4)
    book = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(book, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert pictures(book) == pictures(stored) > 0
    if path.stem in TRAINS:
        digits = re.compile(r"[-\d.]+")
        assert digits.sub("#", printed(book)) == digits.sub("#", printed(stored))
    else:
        assert printed(book) == printed(stored)
