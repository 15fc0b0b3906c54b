"""Curves: every row exists once, also after an interruption of the run."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NoReturn

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lagrl.errors import InputError, OutputError
from train.curves import CURVES_FILE, TENSORBOARD_FOLDER, Curves, read_curves

if TYPE_CHECKING:
    from pathlib import Path


def test_rows_come_back_and_reach_tensorboard(tmp_path: Path) -> None:
    """Appended rows can be read from the file and from TensorBoard's file."""
    with Curves(tmp_path) as curves:
        curves.append(1, {"loss": 0.5, "validation/25": 1.0})
        curves.append(2, {"loss": float("nan")})
    rows = [{"step": 1, "loss": 0.5, "validation/25": 1.0}, {"step": 2, "loss": None}]
    assert read_curves(tmp_path / CURVES_FILE) == rows
    events = EventAccumulator(str(tmp_path / TENSORBOARD_FOLDER)).Reload()
    assert [event.step for event in events.Scalars("loss")] == [1, 2]
    assert events.Scalars("validation/25")[0].value == 1.0


def test_a_resumed_run_drops_what_it_will_do_again(tmp_path: Path) -> None:
    """Rows after the archive's step and a torn last line are removed, and a new run starts empty."""
    with Curves(tmp_path) as curves:
        for step in (1, 2, 3):
            curves.append(step, {"loss": step})
    with (tmp_path / CURVES_FILE).open("a") as stream:
        stream.write('{"step": 4, "lo')
    with Curves(tmp_path, upto=2) as curves:
        curves.append(3, {"loss": 30})
    assert [row["loss"] for row in read_curves(tmp_path / CURVES_FILE)] == [1, 2, 30]
    Curves(tmp_path).close()
    assert read_curves(tmp_path / CURVES_FILE) == []


def test_a_line_that_is_no_row_is_told(tmp_path: Path) -> None:
    """Only the last line may be torn."""
    (tmp_path / CURVES_FILE).write_text('{"step": 1}\nnonsense\n{"step": 2}\n')
    with pytest.raises(InputError, match="line 2"):
        read_curves(tmp_path / CURVES_FILE)


def test_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that cannot be written ends the run with a typed error and a command to resume it."""

    def full(*args: object, **kwargs: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Curves(tmp_path) as curves, monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(OutputError, match=r"No space left.*--resume"):
            curves.append(1, {"loss": 1.0})
