"""One process at a time works in the folder of a run."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from test_bc import TINY

from lagrl.errors import OutputError
from lagrl.io.lock import LOCK_FILE, result_lock
from train.bandit import main as bandit
from train.bc import main as bc

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLD = """
import sys, time
from pathlib import Path
from lagrl.io.lock import result_lock
with result_lock(Path(sys.argv[1]), "wait"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Return a process that has locked the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()


def test_a_second_process_is_refused_and_a_killed_one_blocks_nobody(
    holder: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names folder, process and machine; the lock of a killed process is free, although its file stays."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "archive.json").write_text("{}")  # refused before it is read
    wanted = f"{tmp_path}: process {holder.pid} on {platform.node()} is working on it; wait for that process"
    assert bc(["--resume", str(tmp_path)]) == 2
    assert wanted in capsys.readouterr().err
    (tmp_path / "archive.json").unlink()
    assert bc([*TINY, "--run", str(tmp_path)]) == 2
    assert wanted in capsys.readouterr().err
    assert not (tmp_path / "curves.jsonl").exists()
    holder.kill()
    holder.wait()
    assert (tmp_path / LOCK_FILE).exists()
    with result_lock(tmp_path, "wait"):
        assert (tmp_path / LOCK_FILE).read_text() == f"{os.getpid()} {platform.node()}"
    assert not (tmp_path / LOCK_FILE).exists()


def test_a_folder_is_locked_once_within_a_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second lock of the same folder is refused, one after the first is not, and an unknown owner is not shown."""
    with result_lock(tmp_path, "wait"):
        (tmp_path / LOCK_FILE).write_text("\x1b[31mnobody")
        with (
            pytest.raises(OutputError, match=r": another process is working on it; wait$"),
            result_lock(tmp_path, "wait"),
        ):
            pass
    with result_lock(tmp_path, "wait"):
        pass
    state, traces = tmp_path / "state.json", tmp_path / "traces.jsonl"
    traces.write_text("")
    with result_lock(state, "wait"):
        assert bandit([str(traces), "--out", str(state)]) == 2
        assert f"{state}: process {os.getpid()} on" in capsys.readouterr().err
        assert bandit([str(traces), "--out", str(tmp_path / "other.json")]) == 2  # without decisions
        assert "is working on it" not in capsys.readouterr().err
    missing = tmp_path / "none" / "x"
    with pytest.raises(OutputError, match=r"x.lock: cannot be written"), result_lock(missing, "wait"):
        pass
