"""Animations of a dual ascent."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import lagrl
from lagrl.dual_loop import Step
from lagrl.errors import InputError, OutputError
from lagrl.plot.dual_animation import MOST_FRAMES, animate, require_animation

if TYPE_CHECKING:
    from pathlib import Path


def ascent(budget: int, name: str = "G-n16-k3") -> tuple[lagrl.CVRP, list[Step]]:
    """Return an instance and the steps of a dual ascent on it."""
    problem, steps = lagrl.read(name), list[Step]()
    loop = lagrl.DualLoop.of(lagrl.AssignmentDual(lagrl.linearise(problem)))
    trace = lagrl.ascend(loop, "volume", budget=budget, on_step=steps.append)
    assert [step.exact_value for step in steps] == trace.exact_value
    return problem, steps


def test_a_gif_has_one_frame_for_each_evaluation(tmp_path: Path) -> None:
    """Five evaluations give five frames of 800 × 384 dots, which differ; the last is held; nothing else is written."""
    problem, steps = ascent(5)
    counted: list[tuple[int, int]] = []
    assert animate(problem, steps, tmp_path / "dual.gif", on_frame=lambda *now: counted.append(now)) == 5
    assert counted == [(k, 5) for k in range(1, 6)]
    with Image.open(tmp_path / "dual.gif") as picture:
        assert (picture.n_frames, picture.size) == (5, (800, 384))
        frames, held = [], []
        for number in range(5):
            picture.seek(number)
            frames.append(np.asarray(picture.convert("RGB")))
            held.append(picture.info["duration"])
    assert all((first != second).any() for first, second in pairwise(frames))
    assert held == [200, 200, 200, 200, 2200]
    assert [path.name for path in tmp_path.iterdir()] == ["dual.gif"]


def test_a_long_ascent_is_shown_at_equal_distances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more evaluations than frames, the first and the last are shown."""
    assert MOST_FRAMES == 120
    monkeypatch.setattr("lagrl.plot.dual_animation.MOST_FRAMES", 3)
    shown: list[int] = []
    monkeypatch.setattr("lagrl.plot.dual_animation._Picture.show", lambda self, number: shown.append(number))
    problem, steps = ascent(9)
    assert animate(problem, steps, tmp_path / "dual.gif") == 3
    assert shown == [0, 4, 8]


def test_a_failure_keeps_the_former_file(tmp_path: Path) -> None:
    """If drawing fails, the file is as before and nothing lies beside it."""
    problem, steps = ascent(3)
    (tmp_path / "dual.gif").write_bytes(b"old")

    def fail(drawn: int, total: int) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        animate(problem, steps, tmp_path / "dual.gif", on_frame=fail)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_an_mp4_has_the_frames_too(tmp_path: Path) -> None:
    """With ffmpeg the film has the frames and two seconds of the last one; without it one line gives the remedy."""
    from matplotlib.animation import FFMpegWriter

    problem, steps = ascent(3)
    path = tmp_path / "dual.mp4"
    if not FFMpegWriter.isAvailable():
        with pytest.raises(InputError, match=r"path: ffmpeg is not installed; install it .* or write a \.gif"):
            animate(problem, steps, path)
        return
    assert animate(problem, steps, path) == 3
    command = ("ffprobe", "-v", "error", "-show_entries", "stream=nb_frames,width,height", "-of", "csv=p=0", str(path))
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "800,384,13"


def test_bad_input_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong suffix, no ffmpeg, no folder, no steps, steps of another instance, no map and no speed are refused."""
    problem, steps = ascent(2)
    gif = tmp_path / "dual.gif"
    with pytest.raises(InputError, match=r"path: '.*dual\.png' given; give a name that ends in \.gif or \.mp4"):
        animate(problem, steps, tmp_path / "dual.png")
    with pytest.raises(InputError, match=r"--gif: 'a\.mp4' given; give a name that ends in \.gif$"):
        require_animation("a.mp4", "--gif", ".gif")
    with pytest.raises(OutputError, match="does not exist"):
        animate(problem, steps, tmp_path / "none" / "dual.gif")
    with pytest.raises(InputError, match="steps: "):
        animate(problem, [], gif)
    with pytest.raises(InputError, match="15 multipliers for 30 customers"):
        animate(lagrl.read("G-n31-k5"), steps, gif)
    with pytest.raises(InputError, match="frames_per_second: 0 given"):
        animate(problem, steps, gif, frames_per_second=0)
    bare = lagrl.CVRP.from_distances("bare", np.array([[0, 1], [1, 0]]), demand=[1], capacity=1)
    with pytest.raises(InputError, match="bare: coordinates: only distances are known"):
        animate(bare, steps, gif)
    monkeypatch.setattr("matplotlib.animation.FFMpegWriter.isAvailable", lambda: False)
    with pytest.raises(InputError, match=r"--mp4: ffmpeg is not installed; install it"):
        require_animation(tmp_path / "dual.mp4", "--mp4", ".mp4")
    assert list(tmp_path.iterdir()) == []
