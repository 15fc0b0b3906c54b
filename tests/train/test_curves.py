"""Curves: every row exists once, also after an interruption of the run."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, NoReturn

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lagrl.errors import InputError, MissingExtraError, OutputError
from train.curves import CURVES_FILE, Curves, read_curves

if TYPE_CHECKING:
    from pathlib import Path


def events_of(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return steps and values by the names in TensorBoard's files."""
    events = EventAccumulator(str(folder)).Reload()
    return {
        name: [(event.step, pytest.approx(event.value)) for event in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }


def test_rows_come_back(tmp_path: Path) -> None:
    """Appended rows can be read from the file, and TensorBoard's files are written on request only."""
    with Curves(tmp_path) as curves:
        curves.append(1, {"loss": 0.5, "validation/25": 1.0})
        curves.append(2, {"loss": float("nan")})
    rows = [{"step": 1, "loss": 0.5, "validation/25": 1.0}, {"step": 2, "loss": None}]
    assert read_curves(tmp_path / CURVES_FILE) == rows
    assert [path.name for path in tmp_path.iterdir()] == [CURVES_FILE]


def test_rows_reach_tensorboard_under_both_names(tmp_path: Path) -> None:
    """Columns have our names by step, those of PPO have Stable-Baselines3's by steps of all environments as well."""
    row = {"timesteps": 96, "seconds": 2.0, "reward": 0.25, "length": 9.0, "kl": 0.02, "entropy": 0.5, "log_std": 0.0}
    with Curves(tmp_path, events=tmp_path / "events") as curves:
        curves.append(0, {"timesteps": 0, "seconds": 0.0, "validation": 1.0})
        curves.append(3, row | {"explained_variance": 0.7, "value_loss": float("nan")})
    found = events_of(tmp_path / "events")
    assert found["reward"] == [(3, 0.25)]
    assert found["validation"] == [(0, 1.0)]
    expected = {
        "rollout/ep_rew_mean": 0.25,
        "rollout/ep_len_mean": 9.0,
        "train/approx_kl": 0.02,
        "train/entropy_loss": -0.5,
        "train/std": 1.0,
        "train/explained_variance": 0.7,
        "time/fps": 48.0,
    }
    assert {name: events for name, events in found.items() if name.split("/")[0] in ("rollout", "train", "time")} == {
        name: [(96, value)] for name, value in expected.items()
    }


def test_tensorboard_has_the_rows_of_a_resumed_run_once(tmp_path: Path) -> None:
    """Rows that are repeated, and rows from before TensorBoard was requested, appear once."""
    with Curves(tmp_path) as curves:
        curves.append(1, {"loss": 1.0})
    with Curves(tmp_path, upto=1, events=tmp_path / "events") as curves:
        curves.append(2, {"loss": 2.0})
        curves.append(3, {"loss": 3.0})
    with Curves(tmp_path, upto=2, events=tmp_path / "events") as curves:
        curves.append(3, {"loss": 30.0})
    assert events_of(tmp_path / "events") == {"loss": [(1, 1.0), (2, 2.0), (3, 30.0)]}


def test_a_missing_tensorboard_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, a request for it is one line with the package to install."""
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtraError, match=r"--tensorboard needs tensorboard.*pip install"):
        Curves(tmp_path, events=tmp_path / "events")
    Curves(tmp_path).close()


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
